package projections

import (
	"strings"
	"time"

	"tracekeep/eventschema"
)

// Moment is a point in both times of an event: when what it says was the case,
// and when it was recorded. The world at a moment is what was the case at AsOf,
// as told by the events that had been recorded by KnownAt, both included. A zero
// time sets no bound.
type Moment struct {
	AsOf    time.Time // valid time
	KnownAt time.Time // record time
}

// Whole says whether the moment leaves nothing out.
func (m Moment) Whole() bool { return m.AsOf.IsZero() && m.KnownAt.IsZero() }

// Known says whether an event had been recorded by then.
func (m Moment) Known(e *eventschema.Recorded) bool {
	return m.KnownAt.IsZero() || !e.Created.After(m.KnownAt)
}

// Tells says whether an event, of whatever time, may say something about the world
// at a moment. That somebody looked at the world is told beside it.
func Tells(e *eventschema.Recorded) bool {
	return !strings.HasPrefix(e.Type, "$") && !strings.HasPrefix(e.Stream, eventschema.CategoryReading+"-")
}

// Held says whether what a known event says was the case at the moment. Of a
// punch that depends on its corrections, which may move it into the world or out
// of it whenever they were made: [Load] decides.
func (m Moment) Held(d *eventschema.Decoded) bool {
	return m.AsOf.IsZero() || !stored(since(d)).After(stored(m.AsOf))
}

// since is the instant from which an event says how things are. An event that
// speaks of no other time speaks of the one at which it was recorded. A
// correction of a punch says how things were at the punch and is not bounded.
func since(d *eventschema.Decoded) time.Time {
	switch e := d.Event.(type) {
	case *eventschema.PunchRecorded, *eventschema.PunchCorrected:
		return time.Time{}
	case *eventschema.HoursDeclared: // when in the day they were worked is not known
		return e.DayEnds
	case *eventschema.DeclarationCorrected: // it says how things were on that day
		return e.DayEnds
	case *eventschema.LocationRecorded:
		return e.OccurredAt
	case *eventschema.PersonRegistered:
		return e.RegisteredAt
	case *eventschema.PersonCorrected:
		return e.CorrectedAt
	case *eventschema.PersonClosed:
		return e.ClosedAt
	case *eventschema.WorkOpened:
		return e.OpenedAt
	case *eventschema.PersonFieldsSet:
		return e.SetAt
	case *eventschema.WorkFieldsSet:
		return e.SetAt
	case *eventschema.ConsentGiven:
		return e.GivenAt
	case *eventschema.ConsentWithdrawn:
		return e.WithdrawnAt
	case *eventschema.ErasureRequested:
		return e.RequestedAt
	case *eventschema.ErasureApproved:
		return e.ApprovedAt
	case *eventschema.KeysDestroyed:
		return e.DestroyedAt
	case *eventschema.ErasureCertified:
		return e.CertifiedAt
	}
	if at, of := sinceOfShift(d.Event); of {
		return at
	}
	if at, of := sinceOfClass(d.Event); of {
		return at
	}
	return d.Created
}

// OfMoment lists the read models that can be made for a moment. What is asked by
// record time itself has no need of it.
func OfMoment(all []Projection) []Projection {
	var of []Projection
	for _, p := range all {
		if !p.byRecordTime {
			of = append(of, p)
		}
	}
	return of
}
