package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Difference is what two worlds tell differently of one work record on one day.
type Difference struct {
	WorkID        uuid.UUID
	Name          httpapi.Personal
	Date          string
	Before, After projections.DayHours // without work id and date
	Exceptions    []projections.ExceptionChange
	Punches       []ChangedPunch
}

// ChangedPunch is a punch that the worlds tell differently, with the events that
// are responsible.
type ChangedPunch struct {
	projections.PunchChange
	Causes []Cause // the recording first
}

// Cause is an event that says how a punch counts.
type Cause struct {
	EventID    uuid.UUID
	Position   uint64
	RecordedAt time.Time
	New        bool // was not known in the first world
	Actor      eventschema.Actor
	Correction *projections.Correction // nil for the recording
}

// Diff says what the second world tells differently, by work id and day. A punch
// that a correction moves to another day is told on both.
func (a *App) Diff(ctx context.Context, by httpapi.Principal, before, after *World) ([]Difference, error) {
	two := projections.Two{Before: before.schema(), After: after.schema()}
	q := a.models.Querier()
	days, err := projections.DayChanges(ctx, q, a.tenant, two)
	if err != nil {
		return nil, err
	}
	exceptions, err := projections.ExceptionChanges(ctx, q, a.tenant, two, before.Now(), after.Now())
	if err != nil {
		return nil, err
	}
	punches, err := projections.PunchChanges(ctx, q, a.tenant, two)
	if err != nil {
		return nil, err
	}
	causes, err := a.causes(ctx, punches, before.knownAt(), after.knownAt())
	if err != nil {
		return nil, err
	}
	type key struct {
		work uuid.UUID
		date string
	}
	all := map[key]*Difference{}
	of := func(work uuid.UUID, date string) *Difference {
		k := key{work, date}
		if all[k] == nil {
			all[k] = &Difference{WorkID: work, Date: date}
		}
		return all[k]
	}
	for _, d := range days {
		found := of(d.WorkID, d.WorkDate)
		found.Before, found.After = d.Before, d.After
	}
	for _, e := range exceptions {
		found := of(e.WorkID, e.WorkDate)
		found.Exceptions = append(found.Exceptions, e)
	}
	for _, p := range punches {
		for _, date := range p.Dates() {
			found := of(p.WorkID, date)
			found.Punches = append(found.Punches, ChangedPunch{PunchChange: p, Causes: causes[p.PunchID]})
		}
	}
	differences := make([]Difference, 0, len(all))
	for _, d := range all {
		differences = append(differences, *d)
	}
	slices.SortFunc(differences, func(x, y Difference) int {
		return cmp.Or(slices.Compare(x.WorkID[:], y.WorkID[:]), cmp.Compare(x.Date, y.Date))
	})
	return differences, a.nameDifferences(ctx, by, differences)
}

func (a *App) nameDifferences(ctx context.Context, by httpapi.Principal, differences []Difference) error {
	var works []uuid.UUID
	for _, d := range differences {
		if n := len(works); n == 0 || works[n-1] != d.WorkID {
			works = append(works, d.WorkID)
		}
	}
	names, err := a.namesOfWorks(ctx, by, works)
	for i := range differences {
		differences[i].Name = names[differences[i].WorkID]
	}
	return err
}

// knownAt is the record time up to which the world knows; the zero time is no
// bound.
func (w *World) knownAt() time.Time {
	if w.replay == nil {
		return time.Time{}
	}
	return w.replay.Moment.KnownAt
}

// together is how many punches are looked up at once.
const together = 1000

// causes finds the events behind punches that either world knew of.
func (a *App) causes(ctx context.Context, of []projections.PunchChange, before, after time.Time) (map[uuid.UUID][]Cause, error) {
	causes := make(map[uuid.UUID][]Cause, len(of))
	for changes := range slices.Chunk(of, together) {
		var ids []uuid.UUID
		var positions []uint64
		for _, c := range changes {
			ids = append(ids, c.PunchID)
			told := c.Before
			if told == nil {
				told = c.After
			}
			causes[c.PunchID] = []Cause{{Position: told.Position}}
			positions = append(positions, told.Position)
		}
		corrections, err := projections.CorrectionsOf(ctx, a.models.Querier(), a.tenant, ids...)
		if err != nil {
			return nil, err
		}
		for _, c := range corrections {
			causes[c.PunchID] = append(causes[c.PunchID], Cause{Position: c.Position, Correction: &c})
			positions = append(positions, c.Position)
		}
		entries, err := projections.AuditAt(ctx, a.models.Querier(), a.tenant, positions...)
		if err != nil {
			return nil, err
		}
		known := make(map[uint64]projections.AuditEntry, len(entries))
		for _, e := range entries {
			known[e.Position] = e
		}
		for _, id := range ids {
			causes[id] = slices.DeleteFunc(causes[id], func(c Cause) bool {
				at := known[c.Position].RecordedAt
				return happenedAfter(at, before) && happenedAfter(at, after)
			})
			for i := range causes[id] {
				c := &causes[id][i]
				e := known[c.Position]
				c.EventID, c.RecordedAt, c.Actor, c.New = e.EventID, e.RecordedAt, e.Actor, happenedAfter(e.RecordedAt, before)
			}
		}
	}
	return causes, nil
}

// happenedAfter says whether an instant comes after a bound; the zero time is none.
func happenedAfter(at, bound time.Time) bool { return !bound.IsZero() && at.After(bound) }
