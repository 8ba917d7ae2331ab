package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
)

// ClassID names a class by the program that knows it and its id there, so that a class
// which is told again is the same one.
func (a *App) ClassID(source, sourceID string) uuid.UUID {
	return uuid.NewSHA1(a.tenant, []byte("class\x00"+source+"\x00"+sourceID))
}

// DefineClass says what is known of a class. Its id comes from the source.
func (a *App) DefineClass(ctx context.Context, intent httpapi.Intent, define course.Define) (httpapi.Receipt, uuid.UUID, error) {
	define.ClassID, define.DefinedBy = a.ClassID(define.Source, define.SourceID), intent.Principal.ID
	receipt, err := a.AdvanceClass(ctx, intent, define.ClassID, define)
	return receipt, define.ClassID, err
}

// ChangeClass says what is known of a class from now on.
func (a *App) ChangeClass(ctx context.Context, intent httpapi.Intent, class uuid.UUID, facts course.Facts) (httpapi.Receipt, error) {
	if _, err := a.loadClass(ctx, class); err != nil {
		return httpapi.Receipt{}, err
	}
	return a.AdvanceClass(ctx, intent, class, course.Define{ClassID: class, Facts: facts, DefinedAt: a.clock(), DefinedBy: intent.Principal.ID})
}

// AdvanceClass takes one class a step further.
func (a *App) AdvanceClass(ctx context.Context, intent httpapi.Intent, class uuid.UUID, command course.ClassCommand) (httpapi.Receipt, error) {
	outcome, err := domain.Handle(ctx, a.handler, course.Classes(), domain.Request{
		Stream: eventschema.ClassStream(a.tenant, class), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
		IfRevision: intent.IfRevision,
	}, command)
	if err != nil {
		return httpapi.Receipt{}, outwardClass(err)
	}
	return receipt(outcome), nil
}

// PlanSession plans one meeting of a class. Class and start name it.
func (a *App) PlanSession(ctx context.Context, intent httpapi.Intent, class uuid.UUID, plan course.PlanSession) (httpapi.Receipt, uuid.UUID, error) {
	plan.SessionID = uuid.NewSHA1(a.tenant, []byte("session\x00"+class.String()+"\x00"+plan.StartsLocal))
	plan.PlannedBy = intent.Principal.ID
	receipt, err := a.AdvanceClass(ctx, intent, class, plan)
	return receipt, plan.SessionID, err
}

// Enrol takes the enrolments of one work record a step further. The class must be
// there, and the record, and neither may the person be erased.
func (a *App) Enrol(ctx context.Context, intent httpapi.Intent, class, work uuid.UUID, command course.EnrolmentCommand) (httpapi.Receipt, error) {
	if _, err := a.loadClass(ctx, class); err != nil {
		return httpapi.Receipt{}, err
	}
	if err := a.requireWork(ctx, work); err != nil {
		return httpapi.Receipt{}, err
	}
	if err := a.refuseErased(ctx, work); err != nil {
		return httpapi.Receipt{}, err
	}
	outcome, err := domain.Handle(ctx, a.handler, course.Enrolments(), domain.Request{
		Stream: eventschema.EnrolmentStream(a.tenant, work), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, command)
	if err != nil {
		return httpapi.Receipt{}, outwardClass(err)
	}
	return receipt(outcome), nil
}

// MarkAttendance marks how one student attended a session. Session and Enrolled of the
// command are filled in from the streams of the class and of the student. A teacher acts
// as their work record.
func (a *App) MarkAttendance(ctx context.Context, intent httpapi.Intent, class, session uuid.UUID, mark course.Mark) (httpapi.Receipt, error) {
	if err := a.refuseErased(ctx, mark.WorkID); err != nil {
		return httpapi.Receipt{}, err
	}
	of, err := a.loadClass(ctx, class)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	planned, ok := of.Sessions[session]
	if !ok {
		return httpapi.Receipt{}, outwardClass(course.ErrNoSession)
	}
	enrolled, err := domain.Load(ctx, a.handler, eventschema.EnrolmentStream(a.tenant, mark.WorkID), course.Enrolments())
	if err != nil {
		return httpapi.Receipt{}, outwardClass(err)
	}
	actor := actorIn(intent.Principal, intent.Principal.Work)
	mark.Session, mark.Enrolled, mark.MarkedBy = planned, enrolled.State.Student(class, planned.Day()), actor.ID
	mark.MarkID = uuid.NewSHA1(a.tenant, []byte("mark\x00"+intent.Key+"\x00"+session.String()+mark.WorkID.String()))
	outcome, err := domain.Handle(ctx, a.handler, course.Marks(), domain.Request{
		Stream: eventschema.AttendanceStream(a.tenant, mark.WorkID, planned.StartsAt), Key: intent.Key, EventID: mark.MarkID,
		Actor: actor, CorrelationID: intent.CorrelationID,
	}, mark)
	if err != nil {
		return httpapi.Receipt{}, outwardClass(err)
	}
	return receipt(outcome), nil
}

// ZoneOfClass is the zone of the site of a class.
func (a *App) ZoneOfClass(ctx context.Context, class uuid.UUID) (string, error) {
	of, err := a.loadClass(ctx, class)
	return of.Zone, err
}

func (a *App) loadClass(ctx context.Context, class uuid.UUID) (course.Class, error) {
	loaded, err := a.classLoaded(ctx, class)
	if err != nil {
		return course.Class{}, err
	}
	return loaded.State, nil
}

func (a *App) classLoaded(ctx context.Context, class uuid.UUID) (*domain.Loaded[course.Class], error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.ClassStream(a.tenant, class), course.Classes())
	if err == nil && !loaded.State.Defined {
		err = course.ErrNoClass
	}
	if err != nil {
		return nil, outwardClass(err)
	}
	return loaded, nil
}

// outwardClass translates the refusals of classes.
func outwardClass(err error) error {
	for _, missing := range []error{course.ErrNoClass, course.ErrNoSession} {
		if errors.Is(err, missing) {
			return fmt.Errorf("%w: %w", missing, httpapi.ErrNotFound)
		}
	}
	for _, r := range refusalsOfClasses() {
		if errors.Is(err, r.err) {
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	return outward(err)
}

// refusalsOfClasses names every rule about classes that may say no to a caller.
func refusalsOfClasses() []refusal {
	return []refusal{
		{course.ErrKnown, "class_known", "/source_id"},
		{course.ErrSource, "bad_source", "/source"},
		{course.ErrText, "bad_text", ""},
		{course.ErrNoTitle, "no_title", "/title"},
		{course.ErrZone, "bad_zone", "/zone"},
		{course.ErrDates, "bad_dates", ""},
		{course.ErrClassEnded, "class_ended", ""},
		{course.ErrTimes, "bad_times", "/ends_local"},
		{course.ErrOverlap, "sessions_overlap", ""},
		{course.ErrTooMany, "too_many_sessions", ""},
		{course.ErrCode, "bad_code", ""},
		{course.ErrOtherSession, "session_id_used", ""},
		{course.ErrRole, "bad_role", "/role"},
		{course.ErrEndReason, "bad_reason", "/reason"},
		{course.ErrNotEnrolled, "not_enrolled", "/work_id"},
		{course.ErrMarkState, "bad_state", "/state"},
		{course.ErrLateMinutes, "bad_late_minutes", "/late_minutes"},
		{course.ErrCancelled, "session_cancelled", ""},
		{course.ErrNotBegun, "session_not_begun", ""},
		{course.ErrMarked, "already_marked", "/reason"},
		{course.ErrMarkReason, "bad_reason", "/reason"},
		{course.ErrNothingToCorrect, "nothing_to_correct", "/reason"},
		{course.ErrOtherMark, "mark_id_used", ""},
	}
}
