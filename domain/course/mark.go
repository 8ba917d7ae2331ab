package course

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals about marks.
var (
	ErrMarkState        = errors.New("a student is present, absent, late or excused")
	ErrLateMinutes      = errors.New("minutes belong to somebody who is late: at least 1, and fewer than the session has")
	ErrCancelled        = errors.New("the session was cancelled")
	ErrNotBegun         = errors.New("the session has not begun: only excused can be said before")
	ErrMarked           = errors.New("the student is marked already: a correction needs its reason, " + reasonsInWords)
	ErrMarkReason       = errors.New("the reason of a correction is " + reasonsInWords)
	ErrNothingToCorrect = errors.New("the student is not marked yet, so there is nothing to correct")
	ErrOtherMark        = errors.New("this mark id was used for another mark")
)

// reasonsInWords are those of [eventschema.MarkReasons].
const reasonsInWords = "arrived_after_all, excused_since, not_excused, wrong_mark or wrong_student"

// EarlyMarks is how long before a session its marks may be made.
const EarlyMarks = 30 * time.Minute

// Marked holds the marks of one work record in one year: the one that counts for each
// session, and the ids of all.
type Marked struct {
	Counts map[uuid.UUID]MarkOf    // by session
	ids    map[uuid.UUID]MarkOf    // by mark
	of     map[uuid.UUID]uuid.UUID // session by mark
}

// MarkOf is one mark.
type MarkOf struct {
	ID          uuid.UUID
	State       eventschema.MarkState
	LateMinutes int
}

// Mark says how a student attended a session. Session and Enrolled are what the streams
// of the class and of the enrolments say.
type Mark struct {
	MarkID      uuid.UUID
	WorkID      uuid.UUID
	Session     Session
	Enrolled    bool
	State       eventschema.MarkState
	LateMinutes int
	Reason      eventschema.MarkReason // of a correction
	MarkedAt    time.Time
	MarkedBy    uuid.UUID
}

// Marks decides for the marks of one work record in one year.
func Marks() domain.Decider[Marked, Mark] {
	return domain.Decider[Marked, Mark]{
		Initial: func() Marked {
			return Marked{Counts: map[uuid.UUID]MarkOf{}, ids: map[uuid.UUID]MarkOf{}, of: map[uuid.UUID]uuid.UUID{}}
		},
		Decide: mark,
		Evolve: evolveMarked,
	}
}

func mark(s Marked, c Mark) ([]eventschema.Event, error) {
	if made, known := s.ids[c.MarkID]; known {
		if made.State != c.State || made.LateMinutes != c.LateMinutes || s.of[c.MarkID] != c.Session.ID {
			return nil, ErrOtherMark
		}
		return nil, nil
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	now, marked := s.Counts[c.Session.ID]
	switch {
	case marked && now.State == c.State && now.LateMinutes == c.LateMinutes:
		return nil, nil
	case !marked && !c.Enrolled:
		return nil, ErrNotEnrolled
	case !marked && c.Reason != "":
		return nil, ErrNothingToCorrect
	case marked && c.Reason == "":
		return nil, ErrMarked
	case marked && !slices.Contains(eventschema.MarkReasons(), c.Reason):
		return nil, ErrMarkReason
	}
	return []eventschema.Event{&eventschema.AttendanceMarked{
		MarkID: c.MarkID, SessionID: c.Session.ID, ClassID: c.Session.ClassID, WorkID: c.WorkID, StartsAt: c.Session.StartsAt.UTC(),
		State: c.State, LateMinutes: c.LateMinutes, Corrects: now.ID, Reason: c.Reason, MarkedAt: c.MarkedAt.UTC(), MarkedBy: c.MarkedBy,
	}}, nil
}

func (c Mark) validate() error {
	minutes := int(c.Session.EndsAt.Sub(c.Session.StartsAt) / time.Minute)
	switch {
	case c.MarkedBy == uuid.Nil:
		return ErrNoActor
	case c.Session.ID == uuid.Nil:
		return ErrNoSession
	case !slices.Contains(eventschema.MarkStates(), c.State):
		return ErrMarkState
	case c.State == eventschema.MarkLate && (c.LateMinutes < 1 || c.LateMinutes >= minutes), c.State != eventschema.MarkLate && c.LateMinutes != 0:
		return ErrLateMinutes
	case c.Session.Cancelled:
		return ErrCancelled
	case c.State != eventschema.MarkExcused && c.MarkedAt.Before(c.Session.StartsAt.Add(-EarlyMarks)):
		return ErrNotBegun
	}
	return nil
}

// evolveMarked updates the maps in place: a state belongs to one fold.
func evolveMarked(s Marked, event eventschema.Event) Marked {
	if e, marks := event.(*eventschema.AttendanceMarked); marks {
		made := MarkOf{ID: e.MarkID, State: e.State, LateMinutes: e.LateMinutes}
		s.Counts[e.SessionID], s.ids[e.MarkID], s.of[e.MarkID] = made, made, e.SessionID
	}
	return s
}
