// Package hours holds the rules that turn punches into worked time. They are
// pure and carry a version, so that every minute can be traced to the punches
// and the rule that made it.
package hours

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Punch is what pairing needs to know of a punch: as corrected, never void. When
// it arrived is no part of it, so that hours cannot depend on that.
type Punch struct {
	ID            uuid.UUID
	OccurredAt    time.Time
	OffsetSeconds int // UTC offset at the site, seconds east; gives the work date
	Direction     eventschema.Direction
	Kind          eventschema.PunchKind
	Job           string // code; decides nothing here
}

// PairingRule says how in and out punches become work intervals. Source of the
// default: the habits of real terminals and mission rules § 8.
type PairingRule struct {
	Version int
	// Repeat is how soon after the last counted punch a punch of the same
	// direction and kind is the same press of the key once more.
	Repeat time.Duration
	// Longest is the longest span that may be one work interval. A longer one
	// means that an out and an in are missing in between.
	Longest time.Duration
}

// DefaultPairing repeats within 60 seconds and pairs up to 16 hours.
//
// History:
//   - version 1 took an in pressed for a transfer for one whose out before it was missing.
//   - version 2 ends the interval that is open with it and begins the next.
//   - until version 2, punches of the same instant counted in the order in which they arrived.
//   - version 3 has the outs of an instant before its ins, whenever they arrived.
func DefaultPairing() PairingRule {
	return PairingRule{Version: 3, Repeat: 60 * time.Second, Longest: 16 * time.Hour}
}

// WorkInterval is one paired work span. Its length comes from the two instants,
// so a change of the clocks in between neither adds nor takes time.
type WorkInterval struct {
	In, Out  uuid.UUID // the punches it rests on
	Start    time.Time
	End      time.Time
	WorkDate string // local date of Start at the site, 2006-01-02
	InKind   eventschema.PunchKind
	OutKind  eventschema.PunchKind
	Job      string // of the in
}

// Seconds is the elapsed time of the interval.
func (w WorkInterval) Seconds() int64 { return int64(w.End.Sub(w.Start) / time.Second) }

// ExceptionCode names what is wrong with a punch that counts for nothing.
type ExceptionCode string

// The exceptions. A missing punch is never invented.
const (
	MissingOut  ExceptionCode = "missing_out"    // an in that no out followed in time
	MissingIn   ExceptionCode = "out_without_in" // an out that no in preceded in time
	RepeatPunch ExceptionCode = "repeat"         // the same key pressed again; not counted
)

// Exception is one punch that did not become part of a work interval.
type Exception struct {
	Punch    uuid.UUID
	Code     ExceptionCode
	At       time.Time
	WorkDate string
}

// Pairing is the result for one work id, each list in order of time.
type Pairing struct {
	Intervals  []WorkInterval
	Exceptions []Exception
}

// Pair turns the punches of one work id into work intervals and exceptions. It
// sorts punches in place by instant; in one instant, outs come before ins. Meal,
// break and overtime keys count as in and out: what was pressed does not decide
// what is owed. An in that was pressed for a transfer ends the interval that is
// open, and begins the next.
func (r PairingRule) Pair(punches []Punch) Pairing {
	slices.SortFunc(punches, Punch.compare)
	var result Pairing
	var open, last *Punch
	except := func(p *Punch, code ExceptionCode) {
		result.Exceptions = append(result.Exceptions, Exception{Punch: p.ID, Code: code, At: p.OccurredAt, WorkDate: p.WorkDate()})
	}
	pair := func(p *Punch) {
		result.Intervals = append(result.Intervals, WorkInterval{
			In: open.ID, Out: p.ID, Start: open.OccurredAt, End: p.OccurredAt, WorkDate: open.WorkDate(), InKind: open.Kind, OutKind: p.Kind, Job: open.Job,
		})
	}
	for i := range punches {
		p := &punches[i]
		if last != nil && p.repeats(last, r.Repeat) {
			except(p, RepeatPunch)
			continue
		}
		last = p
		switch {
		case p.Direction == eventschema.DirectionIn:
			switch {
			case open == nil:
			case p.Kind == eventschema.KindTransfer && p.OccurredAt.Sub(open.OccurredAt) <= r.Longest:
				pair(p)
			default:
				except(open, MissingOut)
			}
			open = p
		case open == nil:
			except(p, MissingIn)
		case p.OccurredAt.Sub(open.OccurredAt) > r.Longest:
			except(open, MissingOut)
			except(p, MissingIn)
			open = nil
		default:
			pair(p)
			open = nil
		}
	}
	if open != nil {
		except(open, MissingOut)
	}
	slices.SortStableFunc(result.Exceptions, func(a, b Exception) int { return a.At.Compare(b.At) })
	return result
}

// WorkDate is the local date of the punch at its site.
func (p Punch) WorkDate() string {
	return p.OccurredAt.UTC().Add(time.Duration(p.OffsetSeconds) * time.Second).Format(time.DateOnly)
}

// compare puts punches in the one order in which they count. In an instant an out
// ends what was before and an in begins what comes after, so outs come first; a
// transfer ends what is open only while it is, so it is the first of the ins; and
// who pressed a key of its own beside the plain one meant that. The id decides
// between presses of one key, of which all but the first are repeats; it derives
// from what the station said, and not from when it was said.
func (p Punch) compare(other Punch) int {
	if byTime := p.OccurredAt.Compare(other.OccurredAt); byTime != 0 {
		return byTime
	}
	return cmp.Or(outsFirst(p.Direction, other.Direction), cmp.Compare(rank(p.Kind), rank(other.Kind)), cmp.Compare(p.Kind, other.Kind),
		slices.Compare(p.ID[:], other.ID[:]))
}

// outsFirst compares directions against the alphabet.
func outsFirst(a, b eventschema.Direction) int { return cmp.Compare(b, a) }

func rank(kind eventschema.PunchKind) int {
	switch kind {
	case eventschema.KindTransfer:
		return 0
	case eventschema.KindNormal:
		return 2
	default:
		return 1
	}
}

// begins says whether the punch leaves whatever is open without its out.
func (p *Punch) begins() bool {
	return p.Direction == eventschema.DirectionIn && p.Kind != eventschema.KindTransfer
}

func (p *Punch) repeats(last *Punch, within time.Duration) bool {
	return p.Direction == last.Direction && p.Kind == last.Kind && p.OccurredAt.Sub(last.OccurredAt) <= within
}
