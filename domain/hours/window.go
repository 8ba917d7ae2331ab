package hours

import (
	"slices"
	"time"

	"tracekeep/eventschema"
)

// Window is a stretch of the punches of one work id that pairs by itself: the
// results of [PairingRule.Pair] on Punches are the results of the whole history
// that begin at or after From and before To. Without a To it holds the last
// punch of the history, should there be one at or after From.
type Window struct {
	Punches  []Punch
	From, To time.Time // the zero time means without bound on that side
}

// Window narrows punches to the stretch that can pair differently when anything
// between lo and hi (both included) was added, moved or taken away. Outside of
// that span punches must be as they were before. Of an instant, punches holds all
// or none; no edge lies within one. complete says, for the side before lo and the
// side after hi, whether punches holds all there are; when it does not and no safe
// edge is found, Window answers false and the caller comes back with more. It
// sorts punches in place.
func (r PairingRule) Window(punches []Punch, lo, hi time.Time, complete [2]bool) (Window, bool) {
	slices.SortFunc(punches, Punch.compare)
	begin, from, ok := r.begin(punches, lo, complete[0])
	if !ok {
		return Window{}, false
	}
	end, to, ok := r.end(punches, hi, complete[1])
	if !ok {
		return Window{}, false
	}
	return Window{Punches: punches[begin:end], From: from, To: to}, true
}

func (r PairingRule) begin(punches []Punch, lo time.Time, complete bool) (int, time.Time, bool) {
	first, _ := slices.BinarySearchFunc(punches, lo, func(p Punch, at time.Time) int { return p.OccurredAt.Compare(at) })
	// Whatever comes at lo or later, before and after the change: an out well
	// before it leaves nothing open. An in does not do, however old it is: it may
	// be the last punch of all or not.
	if first > 0 && punches[first-1].Direction == eventschema.DirectionOut && r.parts(&punches[first-1], lo, false) {
		return first, lo, true
	}
	for i := first - 1; i > 0; i-- {
		p := &punches[i]
		if r.parts(&punches[i-1], p.OccurredAt, p.begins()) {
			return i, p.OccurredAt, true
		}
	}
	return 0, time.Time{}, complete
}

func (r PairingRule) end(punches []Punch, hi time.Time, complete bool) (int, time.Time, bool) {
	next, _ := slices.BinarySearchFunc(punches, hi, func(p Punch, at time.Time) int {
		if p.OccurredAt.After(at) {
			return 1
		}
		return -1
	})
	// The punch before the first one after hi may have been another one before
	// the change; all that is known is that it was not later than hi and, at
	// worst, an in.
	previous := Punch{OccurredAt: hi, Direction: eventschema.DirectionIn}
	for i := next; i < len(punches); i++ {
		p := punches[i]
		if r.parts(&previous, p.OccurredAt, p.begins()) {
			return i, p.OccurredAt, true
		}
		previous = p
	}
	return len(punches), time.Time{}, complete
}

// parts says whether the rule forgets everything between a punch and the next
// one: the key was not pressed again in time to be a repeat, and either nothing
// is open after an out, or the in that follows (no transfer), or the time that
// passed, leaves an open in without its out.
func (r PairingRule) parts(previous *Punch, next time.Time, nextBegins bool) bool {
	gap := next.Sub(previous.OccurredAt)
	if gap <= r.Repeat {
		return false
	}
	return nextBegins || previous.Direction == eventschema.DirectionOut || gap > r.Longest
}

// LastCounted is the last punch that is no repeat, and false when there is
// none. complete says whether punches begins with the first one of the work id;
// when it does not and punches are too dense to tell, LastCounted answers false
// for known. Of an instant, punches holds all or none. It sorts punches in place.
func (r PairingRule) LastCounted(punches []Punch, complete bool) (last Punch, found, known bool) {
	slices.SortFunc(punches, Punch.compare)
	known = complete
	start := 0
	for i := len(punches) - 1; i > 0; i-- {
		if punches[i].OccurredAt.Sub(punches[i-1].OccurredAt) > r.Repeat {
			start, known = i, true
			break
		}
	}
	for i := start; i < len(punches); i++ {
		if p := &punches[i]; !found || !p.repeats(&last, r.Repeat) {
			last, found = *p, true
		}
	}
	return last, found, known
}
