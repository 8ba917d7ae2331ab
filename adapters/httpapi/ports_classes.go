package httpapi

import (
	"context"

	"github.com/google/uuid"

	"tracekeep/domain/course"
	"tracekeep/projections"
)

// Classes keeps classes, who belongs to them and how their students attended. Who
// answers for a step, and when, is in the command. Errors: *Refusal, *Erased,
// ErrNotFound, ErrStale, ErrConflict, ErrUnavailable.
type Classes interface {
	// DefineClass answers the id of the class, which its source and its id there name.
	DefineClass(ctx context.Context, intent Intent, define course.Define) (Receipt, uuid.UUID, error)
	// ChangeClass says what is known of a class from now on, all of it.
	ChangeClass(ctx context.Context, intent Intent, class uuid.UUID, facts course.Facts) (Receipt, error)
	AdvanceClass(ctx context.Context, intent Intent, class uuid.UUID, command course.ClassCommand) (Receipt, error)
	// PlanSession answers the id of the session, which class and start name.
	PlanSession(ctx context.Context, intent Intent, class uuid.UUID, plan course.PlanSession) (Receipt, uuid.UUID, error)
	Enrol(ctx context.Context, intent Intent, class, work uuid.UUID, command course.EnrolmentCommand) (Receipt, error)
	// MarkAttendance marks how one student attended; the session and who is enrolled are
	// looked up behind the port. Repeating the same mark changes nothing.
	MarkAttendance(ctx context.Context, intent Intent, class, session uuid.UUID, mark course.Mark) (Receipt, error)
}

// Rolls answers what is known of classes. Errors as for [Classes].
type Rolls interface {
	// Teaches tells whether a work record is enrolled as a teacher of a class today, by
	// the clock of the class. A class that is not there nobody teaches.
	Teaches(ctx context.Context, work, class uuid.UUID) (bool, error)
	ListClasses(ctx context.Context, by Principal, asked projections.ClassesAsked) ([]projections.Class, error)
	// ClassNow is one class with at least everything that its revision holds.
	ClassNow(ctx context.Context, by Principal, class uuid.UUID) (projections.Class, uint64, error)
	// ClassMembers lists who belongs to a class: on a day, or ever.
	ClassMembers(ctx context.Context, by Principal, class uuid.UUID, on string) ([]Member, error)
	// ClassSessions lists sessions by start and id, between two local days of the class;
	// an empty day bounds nothing.
	ClassSessions(ctx context.Context, by Principal, class uuid.UUID, from, to string) ([]projections.ClassSession, error)
	// SessionRoll is one session with everybody who was enrolled on its day, or is marked
	// all the same.
	SessionRoll(ctx context.Context, by Principal, class, session uuid.UUID) (SessionRoll, error)
	// MarksOfWork lists how one student attended the sessions that begin on some UTC days,
	// by start and id, each with all its marks, the one that counts last.
	MarksOfWork(ctx context.Context, by Principal, work uuid.UUID, from, to string) ([]AttendedSession, error)
}

// Member is one stretch in which somebody belongs to a class, with the name.
type Member struct {
	projections.Enrolment
	Name Personal
}

// SessionRoll is one session and how each of its students attended.
type SessionRoll struct {
	projections.ClassSession
	Students []StudentMarks
}

// StudentMarks is one student of a session: every mark, the one that counts last.
type StudentMarks struct {
	WorkID uuid.UUID
	Name   Personal
	Marks  []projections.Mark // none: not marked yet
}

// AttendedSession is one session as one student attended it.
type AttendedSession struct {
	projections.ClassSession
	Marks []projections.Mark
}
