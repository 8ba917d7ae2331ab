package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// rowClass says what kind of thing a row of a file is.
type rowClass byte

const (
	punchRow  rowClass = iota // a punch, a span of two punches, declared hours, or a rejected row
	blankLine                 // nothing but padding
	otherRow                  // belongs to the format but is no punch: a header, a record about the station
)

// row is one row of a file with its verdict: a punch or a span whose person is not
// resolved yet, or the reason why it is neither. Strings do not point into the file.
type row struct {
	line    int64
	sheet   string
	class   rowClass
	more    int64  // of a blank line: how many follow it at once
	reason  Reason // empty for what is taken
	suspect Reason // why what is taken needs a look
	shaped  bool   // it has the columns of its format, whatever they hold

	pin    string  // the key by which its person is found: see [keyKind]
	person *Person // what the row itself says about that person

	at     time.Time
	offset int
	clock  string // local time as written
	end    *stamp // set for a span: the row stands for an in and an out

	declared *declared // set for hours without times: the row is no punch then

	pressed      string // under what it is counted: the state of a station, in, out, span
	direction    eventschema.Direction
	kind         eventschema.PunchKind
	undirected   bool // the format does not say in or out
	underived    bool // it says, and is not believed
	counter      int64
	counted      bool // counter is the station's own running number
	verification string
	workCode     string
	job          string   // code; no part of what makes a row the same
	either       bool     // its date reads as another one day first
	same         [16]byte // equal for rows that are the same punch
}

// stamp is one instant as the file has it.
type stamp struct {
	at     time.Time
	offset int
	clock  string
	same   [16]byte
}

// sameness is a hash of everything that is read from a row, wide enough that two
// different punches never share it. The instant belongs to it: in an overlap the
// same line may be two punches.
func sameness(r row) (same [16]byte) {
	text := make([]byte, 0, 160)
	for _, field := range [...]string{r.pin, r.clock, r.verification, r.workCode, r.pressed, string(r.direction)} {
		text = append(append(text, field...), '\t')
	}
	text = binary.BigEndian.AppendUint64(text, uint64(r.counter))
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(text, uint64(r.at.Unix())))
	copy(same[:], sum[:])
	return same
}

// isPunch tells that the row is a punch, a span or declared hours, so far.
func (r *row) isPunch() bool { return r.class == punchRow && r.reason == "" }

// punches is what the row hands over once its person is known: one, or two for a
// span.
func (r *row) punches(to []Punch, p Punch) []Punch {
	p.Line, p.PIN, p.At, p.OffsetSeconds, p.StationClock = r.line, r.pin, r.at, r.offset, r.clock
	p.Direction, p.Kind, p.Verification, p.WorkCode = r.direction, r.kind, r.verification, r.workCode
	p.Undirected, p.Job = r.undirected, r.jobOf(r.direction)
	if r.underived {
		p.Undirected, p.Pressed, p.Kind = true, &Press{Direction: r.direction, Kind: r.kind}, eventschema.KindNormal
	}
	if r.counted {
		p.Counter = &r.counter
	}
	to = append(to, p)
	if r.end != nil {
		p.At, p.OffsetSeconds, p.StationClock, p.Direction = r.end.at, r.end.offset, r.end.clock, eventschema.DirectionOut
		p.Job = r.jobOf(p.Direction)
		to = append(to, p)
	}
	return to
}

// placed finds the instant of a time as read: an instant, or what a clock on the
// wall showed, written as if it were UTC.
func placed(place *placer, shown time.Time, instant bool) (stamp, Reason) {
	if instant {
		resolved, reason := place.instant(shown)
		return stamp{at: resolved.At, offset: resolved.OffsetSeconds, clock: shown.UTC().Format(time.RFC3339)}, reason
	}
	resolved, reason := place.resolve(localtime.Of(shown))
	return stamp{at: resolved.At, offset: resolved.OffsetSeconds, clock: shown.Format(time.DateTime)}, reason
}

// spanOf places both ends and makes the row an in and an out. Each row stands alone:
// what was above says nothing about which of two readings it means, but an end comes
// after its own start.
func spanOf(place *placer, r *row, start, end time.Time, instant bool) Reason {
	place.last = time.Time{}
	from, reason := placed(place, start, instant)
	if reason != "" {
		return reason
	}
	to, reason := placed(place, end, instant)
	switch {
	case reason != "":
		return reason
	case to.at.Equal(from.at):
		return NoDuration
	case to.at.Before(from.at):
		return EndBeforeStart
	}
	r.direction, r.kind = eventschema.DirectionIn, eventschema.KindNormal
	r.at, r.offset, r.clock, r.pressed = to.at, to.offset, to.clock, "out"
	to.same = sameness(*r)
	r.at, r.offset, r.clock, r.pressed = from.at, from.offset, from.clock, "in"
	r.same = sameness(*r)
	r.pressed, r.end = "span", &to
	return ""
}

// about tells that two durations differ by less than a minute.
func about(a, b time.Duration) bool { return a-b < time.Minute && b-a < time.Minute }

// maxNames bounds what a file may make us remember about people: a hostile one names
// somebody else in each row.
const maxNames = 1 << 16

// interns lets a million rows share the strings of a few people.
type interns map[string]string

func (i interns) of(b []byte) string {
	if s, ok := i[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(i) < maxNames {
		i[s] = s
	}
	return s
}
