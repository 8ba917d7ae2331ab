package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Teaches implements [httpapi.Rolls]. It asks the streams: whoever was withdrawn a moment
// ago teaches no longer.
func (a *App) Teaches(ctx context.Context, work, class uuid.UUID) (bool, error) {
	enrolled, err := domain.Load(ctx, a.handler, eventschema.EnrolmentStream(a.tenant, work), course.Enrolments())
	if err != nil {
		return false, outwardClass(err)
	}
	if !slices.ContainsFunc(enrolled.State, func(e course.Enrolment) bool { return e.ClassID == class && e.Role == eventschema.RoleTeacher }) {
		return false, nil
	}
	zone, err := a.ZoneOfClass(ctx, class)
	if err != nil {
		return false, err
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return false, err
	}
	return enrolled.State.Teacher(class, a.clock().In(location).Format(time.DateOnly)), nil
}

// ListClasses implements [httpapi.Rolls].
func (a *App) ListClasses(ctx context.Context, _ httpapi.Principal, asked projections.ClassesAsked) ([]projections.Class, error) {
	classes, err := a.Today().Classes(ctx, asked)
	return classes, outward(err)
}

// ClassNow implements [httpapi.Rolls].
func (a *App) ClassNow(ctx context.Context, by httpapi.Principal, class uuid.UUID) (projections.Class, uint64, error) {
	loaded, err := a.classLoaded(ctx, class)
	if err != nil {
		return projections.Class{}, 0, err
	}
	last, err := a.whole.LastPosition(ctx) // so that nobody decides on less than the revision says
	if err == nil {
		err = a.Await(ctx, last)
	}
	if err != nil {
		return projections.Class{}, 0, outward(err)
	}
	classes, err := a.ListClasses(ctx, by, projections.ClassesAsked{IDs: []uuid.UUID{class}})
	if err != nil || len(classes) == 0 {
		return projections.Class{}, 0, errors.Join(err, httpapi.ErrNotFound)
	}
	return classes[0], uint64(max(loaded.Next, 0)), nil
}

// ClassMembers implements [httpapi.Rolls].
func (a *App) ClassMembers(ctx context.Context, by httpapi.Principal, class uuid.UUID, on string) ([]httpapi.Member, error) {
	if _, err := a.loadClass(ctx, class); err != nil {
		return nil, err
	}
	members, err := a.Today().Members(ctx, by, projections.EnrolmentsAsked{Classes: []uuid.UUID{class}, On: on})
	return members, outward(err)
}

// ClassSessions implements [httpapi.Rolls].
func (a *App) ClassSessions(ctx context.Context, _ httpapi.Principal, class uuid.UUID, from, to string) ([]projections.ClassSession, error) {
	zone, err := a.ZoneOfClass(ctx, class)
	if err != nil {
		return nil, err
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	asked := projections.SessionsAsked{Classes: []uuid.UUID{class}}
	if asked.From, asked.To, err = daysIn(location, from, to); err != nil {
		return nil, err
	}
	sessions, err := projections.Sessions(ctx, a.models.Querier(), a.tenant, asked)
	return sessions, outward(err)
}

// daysIn gives the instants between which some days lie, the last one included. An
// empty day bounds nothing.
func daysIn(location *time.Location, from, to string) (start, end time.Time, err error) {
	if from != "" {
		if start, err = time.ParseInLocation(time.DateOnly, from, location); err != nil {
			return start, end, outwardClass(course.ErrDates)
		}
	}
	if to != "" {
		if end, err = time.ParseInLocation(time.DateOnly, to, location); err != nil {
			return start, end, outwardClass(course.ErrDates)
		}
		end = end.AddDate(0, 0, 1)
	}
	return start, end, nil
}

// SessionRoll implements [httpapi.Rolls].
func (a *App) SessionRoll(ctx context.Context, by httpapi.Principal, class, session uuid.UUID) (httpapi.SessionRoll, error) {
	rolls, err := a.Today().SessionRolls(ctx, by, projections.SessionsAsked{Classes: []uuid.UUID{class}, Sessions: []uuid.UUID{session}})
	if err != nil || len(rolls) == 0 {
		return httpapi.SessionRoll{}, errors.Join(outward(err), httpapi.ErrNotFound)
	}
	return rolls[0], nil
}

// MarksOfWork implements [httpapi.Rolls].
func (a *App) MarksOfWork(ctx context.Context, _ httpapi.Principal, work uuid.UUID, from, to string) ([]httpapi.AttendedSession, error) {
	start, end, err := daysIn(time.UTC, from, to)
	if err != nil {
		return nil, err
	}
	marks, err := projections.MarksOf(ctx, a.models.Querier(), a.tenant, projections.MarksAsked{Works: []uuid.UUID{work}})
	if err != nil || len(marks) == 0 {
		return nil, outward(err)
	}
	of := map[uuid.UUID][]projections.Mark{}
	for _, m := range marks {
		of[m.SessionID] = append(of[m.SessionID], m)
	}
	asked := projections.SessionsAsked{From: start, To: end}
	for id := range of {
		asked.Sessions = append(asked.Sessions, id)
	}
	sessions, err := projections.Sessions(ctx, a.models.Querier(), a.tenant, asked)
	if err != nil {
		return nil, outward(err)
	}
	attended := make([]httpapi.AttendedSession, len(sessions))
	for i, s := range sessions {
		attended[i] = httpapi.AttendedSession{ClassSession: s, Marks: of[s.SessionID]}
	}
	return attended, nil
}
