package app

import (
	"context"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// What the API and the commands show of classes.
type (
	Member       = httpapi.Member
	SessionRoll  = httpapi.SessionRoll
	StudentMarks = httpapi.StudentMarks
)

// Classes lists classes.
func (w *World) Classes(ctx context.Context, asked projections.ClassesAsked) ([]projections.Class, error) {
	return projections.Classes(ctx, w.q, w.a.tenant, asked)
}

// Members lists who belongs to classes, or to which classes people belong.
func (w *World) Members(ctx context.Context, by httpapi.Principal, asked projections.EnrolmentsAsked) ([]Member, error) {
	enrolments, err := projections.Enrolments(ctx, w.q, w.a.tenant, asked)
	if err != nil {
		return nil, err
	}
	works := make([]uuid.UUID, len(enrolments))
	for i, e := range enrolments {
		works[i] = e.WorkID
	}
	names, err := w.a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	members := make([]Member, len(enrolments))
	for i, e := range enrolments {
		members[i] = Member{Enrolment: e, Name: names[e.WorkID]}
	}
	return members, nil
}

// SessionRolls lists sessions with the students who were enrolled on their day, or are
// marked all the same.
func (w *World) SessionRolls(ctx context.Context, by httpapi.Principal, asked projections.SessionsAsked) ([]SessionRoll, error) {
	sessions, err := projections.Sessions(ctx, w.q, w.a.tenant, asked)
	if err != nil || len(sessions) == 0 {
		return nil, err
	}
	ids, classes := make([]uuid.UUID, len(sessions)), map[uuid.UUID][]projections.Enrolment{}
	for i, s := range sessions {
		ids[i], classes[s.ClassID] = s.SessionID, nil
	}
	marks, err := projections.MarksOf(ctx, w.q, w.a.tenant, projections.MarksAsked{Sessions: ids})
	if err != nil {
		return nil, err
	}
	var works []uuid.UUID
	for class := range classes {
		enrolled, err := projections.Enrolments(ctx, w.q, w.a.tenant, projections.EnrolmentsAsked{Classes: []uuid.UUID{class}})
		if err != nil {
			return nil, err
		}
		classes[class] = enrolled
		for _, e := range enrolled {
			works = append(works, e.WorkID)
		}
	}
	for _, m := range marks {
		works = append(works, m.WorkID)
	}
	names, err := w.a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	rolls := make([]SessionRoll, len(sessions))
	for i, s := range sessions {
		rolls[i] = SessionRoll{ClassSession: s, Students: studentsOf(s, classes[s.ClassID], marks, names)}
	}
	return rolls, nil
}

func studentsOf(s projections.ClassSession, enrolled []projections.Enrolment, marks []projections.Mark, names map[uuid.UUID]httpapi.Personal) []StudentMarks {
	var students []StudentMarks
	places := map[uuid.UUID]int{}
	add := func(work uuid.UUID) *StudentMarks {
		at, known := places[work]
		if !known {
			at = len(students)
			places[work], students = at, append(students, StudentMarks{WorkID: work, Name: names[work]})
		}
		return &students[at]
	}
	day := s.StartsLocal[:min(len(s.StartsLocal), len("2006-01-02"))]
	for _, e := range enrolled {
		if e.Role == eventschema.RoleStudent && (course.Enrolment{BeginsOn: e.BeginsOn, EndsOn: e.EndsOn}).Covers(day) {
			add(e.WorkID)
		}
	}
	for _, m := range marks {
		if m.SessionID == s.SessionID {
			of := add(m.WorkID)
			of.Marks = append(of.Marks, m)
		}
	}
	return students
}
