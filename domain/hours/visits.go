package hours

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// VisitPunch is one punch of somebody who comes to a centre, or leaves it.
type VisitPunch struct {
	Punch
	Site   string // code of the centre; empty where the punch does not say
	Reason string // code of the subject; empty where the punch does not say
}

// VisitState says what is known of a visit.
type VisitState string

// The states. As with work, a missing punch is never invented.
const (
	VisitOpen  VisitState = "here"           // nobody has left yet
	VisitEnded VisitState = "ended"          // has both of its punches
	VisitNoOut VisitState = "missing_out"    // came, and did not say when they left
	VisitNoIn  VisitState = "out_without_in" // left, and did not say when they came
)

// Visit is one stay at a centre.
type Visit struct {
	State        VisitState
	Site, Reason string
	Date         string    // local date of its first punch at its site, 2006-01-02
	In, Out      uuid.UUID // nil where there is none
	Since, Until time.Time // zero where there is none
}

// Seconds is how long an ended visit took.
func (v Visit) Seconds() int64 {
	if v.State != VisitEnded {
		return 0
	}
	return int64(v.Until.Sub(v.Since) / time.Second)
}

// Visits pairs the visit punches of one work id as work is paired, apart from it: a
// visit neither ends work nor is ended by it. Who leaves another centre than they came
// to has left neither. Visits are in order of time; now says which of them may last.
func (r PairingRule) Visits(punches []VisitPunch, now time.Time) []Visit {
	bare, byID := make([]Punch, len(punches)), make(map[uuid.UUID]VisitPunch, len(punches))
	for i, p := range punches {
		bare[i], byID[p.ID] = p.Punch, p
	}
	paired := r.Pair(bare)
	var visits []Visit
	lone := func(p VisitPunch, state VisitState) {
		v := Visit{State: state, Site: p.Site, Reason: p.Reason, Date: p.WorkDate()}
		if state == VisitNoIn {
			v.Out, v.Until = p.ID, p.OccurredAt
		} else {
			v.In, v.Since = p.ID, p.OccurredAt
		}
		visits = append(visits, v)
	}
	for _, w := range paired.Intervals {
		in, out := byID[w.In], byID[w.Out]
		if in.Site != "" && out.Site != "" && in.Site != out.Site {
			lone(in, VisitNoOut)
			lone(out, VisitNoIn)
			continue
		}
		visits = append(visits, Visit{
			State: VisitEnded, Site: cmp.Or(in.Site, out.Site), Reason: cmp.Or(in.Reason, out.Reason), Date: w.WorkDate,
			In: w.In, Out: w.Out, Since: w.Start, Until: w.End,
		})
	}
	last, _, _ := r.LastCounted(bare, true)
	for _, e := range paired.Exceptions {
		p := byID[e.Punch]
		switch {
		case e.Code == MissingIn:
			lone(p, VisitNoIn)
		case e.Code == MissingOut && p.ID == last.ID && !now.After(p.OccurredAt.Add(r.Longest)):
			lone(p, VisitOpen)
		case e.Code == MissingOut:
			lone(p, VisitNoOut)
		}
	}
	slices.SortStableFunc(visits, func(a, b Visit) int { return a.at().Compare(b.at()) })
	return visits
}

// at is the first instant that is known of a visit.
func (v Visit) at() time.Time {
	if v.Since.IsZero() {
		return v.Until
	}
	return v.Since
}
