package httpapi_test

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// These are the classes of the company: one that Ada teaches, and one that she does not.

var (
	someClass  = uuid.MustParse("c1a55000-9dc0-41d1-b245-5ffdce74fad2")
	otherClass = uuid.MustParse("c1a55001-9dc0-41d1-b245-5ffdce74fad2")
)

func (c *company) DefineClass(_ context.Context, intent httpapi.Intent, define course.Define) (httpapi.Receipt, uuid.UUID, error) {
	receipt, err := c.stepped(intent, define)
	return receipt, someClass, err
}

func (c *company) ChangeClass(_ context.Context, intent httpapi.Intent, _ uuid.UUID, facts course.Facts) (httpapi.Receipt, error) {
	return c.stepped(intent, facts)
}

func (c *company) AdvanceClass(_ context.Context, intent httpapi.Intent, _ uuid.UUID, command course.ClassCommand) (httpapi.Receipt, error) {
	return c.stepped(intent, command)
}

func (c *company) PlanSession(_ context.Context, intent httpapi.Intent, _ uuid.UUID, plan course.PlanSession) (httpapi.Receipt, uuid.UUID, error) {
	receipt, err := c.stepped(intent, plan)
	return receipt, someHold, err
}

func (c *company) Enrol(_ context.Context, intent httpapi.Intent, _, _ uuid.UUID, command course.EnrolmentCommand) (httpapi.Receipt, error) {
	return c.stepped(intent, command)
}

func (c *company) MarkAttendance(_ context.Context, intent httpapi.Intent, class, session uuid.UUID, mark course.Mark) (httpapi.Receipt, error) {
	if class != someClass && class != otherClass || session != someHold {
		return httpapi.Receipt{}, httpapi.ErrNotFound
	}
	if mark.WorkID == uuid.Nil {
		return httpapi.Receipt{}, &httpapi.Refusal{Code: "not_enrolled", Pointer: "/work_id"}
	}
	intent.Key += mark.WorkID.String()
	return c.stepped(intent, mark)
}

func (c *company) Teaches(_ context.Context, work, class uuid.UUID) (bool, error) {
	return work == adasWork && class == someClass, nil
}

func (c *company) class(id uuid.UUID) projections.Class {
	return projections.Class{ClassID: id, Source: "sis", SourceID: "chem-1", Title: "Basic Chemistry", Code: "BCHEM-1", Course: "BCHEM", Site: "org-1", Zone: "Europe/Berlin", StartsOn: "2026-02-02", EndsOn: "2026-07-31", Students: 3, Others: 1}
}

func (c *company) ListClasses(_ context.Context, _ httpapi.Principal, asked projections.ClassesAsked) ([]projections.Class, error) {
	return []projections.Class{c.class(otherClass), c.class(someClass), c.class(someHold)}, c.ask(httpapi.Whose{Work: asked.Work})
}

func (c *company) ClassNow(_ context.Context, by httpapi.Principal, class uuid.UUID) (projections.Class, uint64, error) {
	if by.Tenant != tenant {
		return projections.Class{}, 0, httpapi.ErrNotFound
	}
	return c.class(class), c.revision, c.fail
}

func (c *company) ClassMembers(context.Context, httpapi.Principal, uuid.UUID, string) ([]httpapi.Member, error) {
	err := c.ask(httpapi.Whose{})
	var members []httpapi.Member
	for _, work := range c.works() {
		members = append(members, httpapi.Member{Enrolment: projections.Enrolment{WorkID: work, Role: eventschema.RoleStudent, BeginsOn: "2026-02-02"}, Name: c.nameOf(work)})
	}
	return members, err
}

// sessions are three sessions, two of which begin at the same time.
func (c *company) sessions(class uuid.UUID) []projections.ClassSession {
	var sessions []projections.ClassSession
	for i := range 3 {
		id := someHold
		id[15] += byte(i)
		sessions = append(sessions, projections.ClassSession{
			SessionID: id, ClassID: class, Zone: "Europe/Berlin", StartsLocal: "2026-03-02 10:30", EndsLocal: "2026-03-02 11:15",
			StartsAt: now.Add(time.Duration(i/2) * time.Hour), EndsAt: now.Add(2 * time.Hour),
		})
	}
	return sessions
}

func (c *company) ClassSessions(_ context.Context, _ httpapi.Principal, class uuid.UUID, _, _ string) ([]projections.ClassSession, error) {
	return c.sessions(class), c.ask(httpapi.Whose{})
}

func (c *company) marks(work uuid.UUID) []projections.Mark {
	return []projections.Mark{
		{MarkID: stranger, WorkID: work, State: eventschema.MarkAbsent, MarkedAt: now, MarkedBy: adasWork},
		{MarkID: someHold, WorkID: work, State: eventschema.MarkLate, LateMinutes: 7, Corrects: stranger, Reason: eventschema.ReasonArrived, MarkedAt: now, MarkedBy: adasWork, Counts: true},
	}
}

func (c *company) SessionRoll(_ context.Context, _ httpapi.Principal, class, session uuid.UUID) (httpapi.SessionRoll, error) {
	err := c.ask(httpapi.Whose{})
	if session != someHold {
		return httpapi.SessionRoll{}, httpapi.ErrNotFound
	}
	roll := httpapi.SessionRoll{ClassSession: c.sessions(class)[0]}
	roll.SessionID = session
	for _, work := range c.works() {
		roll.Students = append(roll.Students, httpapi.StudentMarks{WorkID: work, Name: c.nameOf(work), Marks: c.marks(work)})
	}
	return roll, err
}

func (c *company) MarksOfWork(_ context.Context, _ httpapi.Principal, work uuid.UUID, _, _ string) ([]httpapi.AttendedSession, error) {
	var attended []httpapi.AttendedSession
	for _, s := range c.sessions(someClass) {
		attended = append(attended, httpapi.AttendedSession{ClassSession: s, Marks: c.marks(work)})
	}
	return attended, c.ask(httpapi.Whose{Work: work})
}
