package course

import (
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals about enrolments.
var (
	ErrRole        = errors.New("somebody belongs to a class as student, teacher, aide, proctor or administrator")
	ErrEndReason   = errors.New("the reason why an enrolment ends is not known")
	ErrNotEnrolled = errors.New("this person is not enrolled in the class")
)

// Enrolment is one stretch in which somebody belongs to a class.
type Enrolment struct {
	ID       uuid.UUID
	ClassID  uuid.UUID
	Role     eventschema.EnrolmentRole
	BeginsOn string
	EndsOn   string // the first day without it; empty while it lasts
}

// Covers tells whether somebody belongs to the class on a day, 2006-01-02.
func (e Enrolment) Covers(day string) bool {
	return e.BeginsOn <= day && (e.EndsOn == "" || day < e.EndsOn)
}

// Enrolled is what one work record is enrolled in, in the order in which it was said.
type Enrolled []Enrolment

// Student tells whether the person was a student of a class on a day.
func (s Enrolled) Student(class uuid.UUID, day string) bool {
	return s.as(eventschema.RoleStudent, class, day)
}

// Teacher tells whether the person taught a class on a day.
func (s Enrolled) Teacher(class uuid.UUID, day string) bool {
	return s.as(eventschema.RoleTeacher, class, day)
}

func (s Enrolled) as(role eventschema.EnrolmentRole, class uuid.UUID, day string) bool {
	return slices.ContainsFunc(s, func(e Enrolment) bool { return e.ClassID == class && e.Role == role && e.Covers(day) })
}

// stretch finds the stretch in a class and role that begins on a day, else the latest
// one, and says how many there are. Without any it answers an empty one.
func (s Enrolled) stretch(class uuid.UUID, role eventschema.EnrolmentRole, begins string) (found Enrolment, n int) {
	for _, e := range s {
		if e.ClassID != class || e.Role != role {
			continue
		}
		n++
		if e.BeginsOn == begins || n == 1 || found.BeginsOn != begins && e.BeginsOn >= found.BeginsOn {
			found = e
		}
	}
	return found, n
}

// EnrolmentCommand is [Enrol] or [Withdraw].
type EnrolmentCommand interface {
	decide(Enrolled) ([]eventschema.Event, error)
}

// Enrol says from when to when somebody belongs to a class. The stretch that begins on
// that day, else the latest one, is corrected; one that touches neither is another.
type Enrol struct {
	ClassID, WorkID uuid.UUID
	Role            eventschema.EnrolmentRole
	BeginsOn        string
	EndsOn          string // empty: until further notice
	// Assumed says that nobody told BeginsOn: it opens an enrolment and corrects none.
	Assumed    bool
	Source     eventschema.Source
	EnrolledAt time.Time
	EnrolledBy uuid.UUID
}

// Withdraw ends an enrolment on a day. One that ends earlier already stays as it is;
// one that would end before it began ends with its beginning.
type Withdraw struct {
	ClassID     uuid.UUID
	Role        eventschema.EnrolmentRole
	WorkID      uuid.UUID
	EndsOn      string
	Reason      eventschema.EnrolmentEnd
	WithdrawnAt time.Time
	WithdrawnBy uuid.UUID
}

// Enrolments decides for the enrolments of one work record.
func Enrolments() domain.Decider[Enrolled, EnrolmentCommand] {
	return domain.Decider[Enrolled, EnrolmentCommand]{
		Initial: func() Enrolled { return nil },
		Decide: func(s Enrolled, c EnrolmentCommand) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(s)
		},
		Evolve: evolveEnrolled,
	}
}

func (c Enrol) decide(s Enrolled) ([]eventschema.Event, error) {
	if c.Assumed && c.EndsOn != "" {
		c.BeginsOn = min(c.BeginsOn, c.EndsOn)
	}
	switch {
	case c.EnrolledBy == uuid.Nil:
		return nil, ErrNoActor
	case c.ClassID == uuid.Nil:
		return nil, ErrNoClass
	case !slices.Contains(eventschema.EnrolmentRoles(), c.Role):
		return nil, ErrRole
	case c.BeginsOn == "" || !span(c.BeginsOn, c.EndsOn):
		return nil, ErrDates
	}
	now, n := s.stretch(c.ClassID, c.Role, c.BeginsOn)
	if n > 0 && c.Assumed && (now.EndsOn == "" || now.EndsOn == c.EndsOn) {
		c.BeginsOn = now.BeginsOn
	}
	var events []eventschema.Event
	another := n == 0 || now.BeginsOn != c.BeginsOn && (now.EndsOn != "" && c.BeginsOn >= now.EndsOn || c.EndsOn != "" && c.EndsOn <= now.BeginsOn)
	if another {
		// Nothing in it tells anything: the work id is random.
		now = Enrolment{ID: uuid.NewSHA1(c.WorkID, []byte(c.ClassID.String()+string(c.Role)+strconv.Itoa(n)))}
	}
	if now.BeginsOn != c.BeginsOn || now.EndsOn != "" && c.EndsOn == "" {
		events = append(events, &eventschema.EnrolmentOpened{
			EnrolmentID: now.ID, ClassID: c.ClassID, WorkID: c.WorkID, Role: c.Role, BeginsOn: c.BeginsOn, Source: c.Source,
			OpenedAt: c.EnrolledAt.UTC(), OpenedBy: c.EnrolledBy,
		})
		now.EndsOn = ""
	}
	if c.EndsOn != "" && now.EndsOn != c.EndsOn {
		events = append(events, &eventschema.EnrolmentEnded{
			EnrolmentID: now.ID, ClassID: c.ClassID, WorkID: c.WorkID, EndsOn: c.EndsOn, Reason: eventschema.EndAsPlanned,
			EndedAt: c.EnrolledAt.UTC(), EndedBy: c.EnrolledBy,
		})
	}
	return events, nil
}

func (c Withdraw) decide(s Enrolled) ([]eventschema.Event, error) {
	now, n := s.stretch(c.ClassID, c.Role, "")
	switch {
	case c.WithdrawnBy == uuid.Nil:
		return nil, ErrNoActor
	case !isDay(c.EndsOn):
		return nil, ErrDates
	case !slices.Contains(eventschema.EnrolmentEnds(), c.Reason):
		return nil, ErrEndReason
	case n == 0:
		return nil, ErrNotEnrolled
	}
	ends := max(c.EndsOn, now.BeginsOn)
	if now.EndsOn != "" && now.EndsOn <= ends {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.EnrolmentEnded{
		EnrolmentID: now.ID, ClassID: c.ClassID, WorkID: c.WorkID, EndsOn: ends, Reason: c.Reason,
		EndedAt: c.WithdrawnAt.UTC(), EndedBy: c.WithdrawnBy,
	}}, nil
}

// evolveEnrolled answers a new list: a state that was folded stays as it is.
func evolveEnrolled(s Enrolled, event eventschema.Event) Enrolled {
	switch e := event.(type) {
	case *eventschema.EnrolmentOpened:
		opened := Enrolment{ID: e.EnrolmentID, ClassID: e.ClassID, Role: e.Role, BeginsOn: e.BeginsOn}
		s = slices.Clone(s)
		for i := range s {
			if s[i].ID == e.EnrolmentID {
				s[i] = opened
				return s
			}
		}
		return append(s, opened)
	case *eventschema.EnrolmentEnded:
		s = slices.Clone(s)
		for i := range s {
			if s[i].ID == e.EnrolmentID {
				s[i].EndsOn = e.EndsOn
			}
		}
	}
	return s
}
