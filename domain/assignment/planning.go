package assignment

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// What one plan may say at most.
const (
	longestShift = 24 * time.Hour
	longestTask  = 31 * 24 * time.Hour
)

// mostPeople bounds the headcount of one shift.
const mostPeople = 999

// Times is when a shift is: by the clock on the wall of its site, and as instants.
type Times struct {
	Zone        string // IANA
	StartsLocal string // 2006-01-02 15:04
	EndsLocal   string
	StartsAt    time.Time
	EndsAt      time.Time
}

func (t Times) validate(kind eventschema.ShiftKind) error {
	longest := longestShift
	if kind == eventschema.ShiftTask {
		longest = longestTask
	}
	switch {
	case t.Zone == "" || t.Zone == "Local":
		return ErrZone
	case !t.EndsAt.After(t.StartsAt) || t.EndsAt.Sub(t.StartsAt) > longest:
		return ErrTimes
	}
	for _, local := range []string{t.StartsLocal, t.EndsLocal} {
		if _, err := time.Parse(LocalLayout, local); err != nil {
			return ErrTimes
		}
	}
	return nil
}

// LocalLayout is how the local times of a shift are written.
const LocalLayout = "2006-01-02 15:04"

// Plan plans a shift.
type Plan struct {
	ShiftID  uuid.UUID
	RosterID uuid.UUID // nil for a shift of its own
	Kind     eventschema.ShiftKind
	Employer string // code
	Site     string // code
	Times
	Headcount     int
	Qualification string // code, empty when none is needed
	PlannedAt     time.Time
	PlannedBy     uuid.UUID
}

func (c Plan) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Planned:
		return nil, ErrAlreadyPlanned
	case c.PlannedBy == uuid.Nil:
		return nil, ErrNoActor
	case !slices.Contains(eventschema.ShiftKinds(), c.Kind):
		return nil, ErrKind
	case !domain.IsCode(c.Employer) || !domain.IsCode(c.Site) || c.Qualification != "" && !domain.IsCode(c.Qualification):
		return nil, ErrCode
	case c.Headcount < 1 || c.Headcount > mostPeople:
		return nil, ErrHeadcount
	}
	if err := c.validate(c.Kind); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.ShiftPlanned{
		ShiftID: c.ShiftID, RosterID: c.RosterID, Kind: c.Kind, Employer: c.Employer, Site: c.Site, Zone: c.Zone, StartsLocal: c.StartsLocal,
		EndsLocal: c.EndsLocal, StartsAt: c.StartsAt.UTC(), EndsAt: c.EndsAt.UTC(), Headcount: c.Headcount, Qualification: c.Qualification,
		PlannedAt: c.PlannedAt.UTC(), PlannedBy: c.PlannedBy,
	}}, nil
}

// Reschedule moves a shift that has not begun. Who was asked for the time before is
// asked again, and swaps end. Whoever is assigned is judged anew: who can have the
// shift at its new time keeps the place, who cannot is taken off by the same append,
// with the first rule that says so as the reason. See domain/decisions/0135.
type Reschedule struct {
	Times
	Policy        Policy
	Candidates    []Candidate // everybody who is assigned, as they are now
	RescheduledAt time.Time
	RescheduledBy uuid.UUID
}

func (c Reschedule) decide(s State) ([]eventschema.Event, error) {
	if err := s.open(c.RescheduledAt); err != nil {
		return nil, err
	}
	switch {
	case c.RescheduledBy == uuid.Nil:
		return nil, ErrNoActor
	case c.StartsAt.Equal(s.StartsAt) && c.EndsAt.Equal(s.EndsAt) && c.Zone == s.Zone:
		return nil, nil
	}
	if err := c.validate(s.Kind); err != nil {
		return nil, err
	}
	if !c.StartsAt.After(c.RescheduledAt) {
		return nil, ErrMovedBack
	}
	events := []eventschema.Event{&eventschema.ShiftRescheduled{
		ShiftID: s.ShiftID, Zone: c.Zone, StartsLocal: c.StartsLocal, EndsLocal: c.EndsLocal, StartsAt: c.StartsAt.UTC(), EndsAt: c.EndsAt.UTC(),
		RescheduledAt: c.RescheduledAt.UTC(), RescheduledBy: c.RescheduledBy,
	}}
	moved := s.Slot()
	moved.Zone, moved.Start, moved.End = c.Zone, c.StartsAt, c.EndsAt
	for _, place := range s.Places {
		i := slices.IndexFunc(c.Candidates, func(o Candidate) bool { return o.WorkID == place.WorkID })
		if i < 0 {
			return nil, ErrCandidates
		}
		conflicts, err := c.Policy.Conflicts(moved, c.Candidates[i])
		if err != nil {
			return nil, err
		}
		// Whoever has the place was qualified for it; only the time is new.
		conflicts = slices.DeleteFunc(conflicts, func(o eventschema.PassedOver) bool { return o.Code == eventschema.ConflictNotQualified })
		if len(conflicts) > 0 {
			events = append(events, &eventschema.ShiftUnassigned{
				ShiftID: s.ShiftID, WorkID: place.WorkID, Reason: string(conflicts[0].Code), With: conflicts[0].With,
				UnassignedAt: c.RescheduledAt.UTC(), UnassignedBy: c.RescheduledBy,
			})
		}
	}
	return events, nil
}

// Cancel calls a shift off, also one that has begun.
type Cancel struct {
	Reason      string // a code
	CancelledAt time.Time
	CancelledBy uuid.UUID
}

func (c Cancel) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Cancelled:
		return nil, nil
	case s.Completed:
		return nil, ErrCompleted
	case c.CancelledBy == uuid.Nil:
		return nil, ErrNoActor
	case !domain.IsCode(c.Reason):
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.ShiftCancelled{ShiftID: s.ShiftID, Reason: c.Reason, CancelledAt: c.CancelledAt.UTC(), CancelledBy: c.CancelledBy}}, nil
}

// Complete closes a shift that is over with how it went.
type Complete struct {
	GraceVersion int
	Results      []eventschema.ShiftResult // one for each person assigned, in any order
	CompletedAt  time.Time
	CompletedBy  uuid.UUID
}

func (c Complete) decide(s State) ([]eventschema.Event, error) {
	switch {
	case s.Completed:
		return nil, nil
	case s.Cancelled:
		return nil, ErrCancelled
	case c.CompletedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.CompletedAt.Before(s.EndsAt) && s.Kind != eventschema.ShiftTask: // a task may be done early
		return nil, ErrNotOver
	case len(c.Results) != len(s.Places):
		return nil, ErrResults
	}
	results := slices.SortedFunc(slices.Values(c.Results), func(a, b eventschema.ShiftResult) int { return compareIDs(a.WorkID, b.WorkID) })
	for i, r := range results {
		switch {
		case !s.Assigned(r.WorkID) || i > 0 && results[i-1].WorkID == r.WorkID,
			r.Attendance == eventschema.AttendancePending || r.Attendance == eventschema.AttendanceUnscheduled || r.Attendance == "",
			(r.Attendance == eventschema.AttendanceNone) != (s.Kind == eventschema.ShiftTask):
			return nil, ErrResults
		case !slices.Contains(eventschema.QualityRatings(), r.Rating):
			return nil, ErrRating
		}
	}
	return []eventschema.Event{&eventschema.ShiftCompleted{
		ShiftID: s.ShiftID, GraceVersion: c.GraceVersion, Results: results, CompletedAt: c.CompletedAt.UTC(), CompletedBy: c.CompletedBy,
	}}, nil
}

func compareIDs(a, b uuid.UUID) int { return cmp.Compare(string(a[:]), string(b[:])) }
