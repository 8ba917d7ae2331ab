package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfClass tells the life of the n-th class: changed, with a session that took
// place and one that was cancelled, ended and taught again.
func eventsOfClass(n int, at time.Time) []eventschema.Event {
	class, officer := id("class", n), id("actor", 1)
	changed := &eventschema.ClassChanged{ClassID: class, Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry I", Site: "1888", Zone: "Asia/Manila", StartsOn: "2026-03-01", EndsOn: "2026-06-01", ChangedAt: at, ChangedBy: officer}
	session := func(kind string, starts time.Time) *eventschema.SessionPlanned {
		local := starts.Add(8 * time.Hour)
		return &eventschema.SessionPlanned{SessionID: id(kind, n), ClassID: class, Zone: "Asia/Manila", StartsLocal: local.Format("2006-01-02 15:04"),
			EndsLocal: local.Add(45 * time.Minute).Format("2006-01-02 15:04"), StartsAt: starts, EndsAt: starts.Add(45 * time.Minute), PlannedAt: at, PlannedBy: officer}
	}
	return []eventschema.Event{
		&eventschema.ClassDefined{ClassID: class, Source: "oneroster", SourceID: "77-1", Code: "BCHEM-1", Course: "BCHEM", Title: "Basic Chemistry", Site: "1888", Zone: "Asia/Manila", DefinedAt: at, DefinedBy: officer},
		session("session", at.AddDate(0, 0, 1)), session("snowy session", at.AddDate(0, 0, 2)),
		&eventschema.SessionCancelled{SessionID: id("snowy session", n), ClassID: class, Reason: "snow", CancelledAt: at, CancelledBy: officer},
		changed,
		&eventschema.ClassEnded{ClassID: class, EndedOn: "2026-04-01", EndedAt: at, EndedBy: officer},
		changed,
	}
}

// eventsOfStudent tells the enrolments of the n-th work record: in one class for a
// while and again, in another as a teacher.
func eventsOfStudent(n int, at time.Time) []eventschema.Event {
	work, officer := id("work", n), id("actor", 1)
	opened := func(kind string, class uuid.UUID, role eventschema.EnrolmentRole, begins string) *eventschema.EnrolmentOpened {
		return &eventschema.EnrolmentOpened{EnrolmentID: id(kind, n), ClassID: class, WorkID: work, Role: role, BeginsOn: begins, Source: eventschema.SourceImport, OpenedAt: at, OpenedBy: officer}
	}
	ended := func(kind, ends string, reason eventschema.EnrolmentEnd) *eventschema.EnrolmentEnded {
		return &eventschema.EnrolmentEnded{EnrolmentID: id(kind, n), ClassID: id("class", n), WorkID: work, EndsOn: ends, Reason: reason, EndedAt: at, EndedBy: officer}
	}
	return []eventschema.Event{
		opened("enrolment", id("class", n), eventschema.RoleStudent, "2026-03-02"), ended("enrolment", "2026-03-20", eventschema.EndWithdrawn),
		opened("enrolment", id("class", n), eventschema.RoleStudent, "2026-03-01"), // the day was wrong, and the end, too
		ended("enrolment", "2026-03-10", eventschema.EndMoved),
		opened("second enrolment", id("class", n), eventschema.RoleStudent, "2026-03-15"),
		ended("second enrolment", "2026-03-18", eventschema.EndWithdrawn),
		opened("second enrolment", id("class", n), eventschema.RoleStudent, "2026-03-15"), // withdrawn by mistake
		opened("job", id("class", n+1), eventschema.RoleTeacher, "2026-03-01"),
	}
}

// marksOfStudent are a mark and its correction, and one of another session.
func marksOfStudent(n int, at time.Time) []eventschema.Event {
	first := &eventschema.AttendanceMarked{MarkID: id("mark", n), SessionID: id("session", n), ClassID: id("class", n), WorkID: id("work", n), StartsAt: at.AddDate(0, 0, 1),
		State: eventschema.MarkAbsent, MarkedAt: at.AddDate(0, 0, 1), MarkedBy: id("actor", 1)}
	second := *first
	second.MarkID, second.State, second.LateMinutes, second.Corrects, second.Reason = id("later mark", n), eventschema.MarkLate, 7, first.MarkID, eventschema.ReasonArrived
	other := *first
	other.MarkID, other.SessionID, other.State = id("other mark", n), id("snowy session", n), eventschema.MarkExcused
	return []eventschema.Event{first, &second, &other}
}

// othersOfClasses has the n-th class, its student and the student's marks.
func othersOfClasses(n int, at time.Time) (all []other) {
	for _, event := range eventsOfClass(n, at) {
		all = append(all, other{eventschema.CategoryClass, id("class", n), event})
	}
	for _, event := range eventsOfStudent(n, at) {
		all = append(all, other{eventschema.CategoryEnrolment, id("work", n), event})
	}
	for _, event := range marksOfStudent(n, at) {
		all = append(all, other{eventschema.CategoryAttendance, id("work", n), event})
	}
	return all
}

func TestClassesSayWhoIsEnrolledAndSinceWhen(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-02-20T08:00:00Z")
	for _, o := range othersOfClasses(1, at) {
		h.add(o.stream(h.tenant), o.event)
	}
	apply(t, models, h.log)
	q := models.Querier()
	for day, want := range map[string]int{"2026-02-28": 0, "2026-03-01": 1, "2026-03-09": 1, "2026-03-10": 0, "2026-03-15": 1, "": 1} {
		found, err := projections.Classes(t.Context(), q, h.tenant, projections.ClassesAsked{On: day})
		taught := day == "" || day >= "2026-03-01"
		if err != nil || len(found) != 1 && taught || len(found) == 1 && (found[0].Students != want || found[0].Title != "Basic Chemistry I" || found[0].EndedOn != "" || found[0].SourceID != "77-1") || len(found) > 0 && !taught {
			t.Errorf("on %q %+v %v, want %d students", day, found, err, want)
		}
	}
	enrolled, err := projections.Enrolments(t.Context(), q, h.tenant, projections.EnrolmentsAsked{Works: []uuid.UUID{id("work", 1)}, Classes: []uuid.UUID{id("class", 1)}})
	want := []projections.Enrolment{
		{EnrolmentID: id("enrolment", 1), ClassID: id("class", 1), WorkID: id("work", 1), Role: eventschema.RoleStudent, BeginsOn: "2026-03-01", EndsOn: "2026-03-10", Reason: eventschema.EndMoved, OpenedAt: at},
		{EnrolmentID: id("second enrolment", 1), ClassID: id("class", 1), WorkID: id("work", 1), Role: eventschema.RoleStudent, BeginsOn: "2026-03-15", OpenedAt: at},
	}
	if diff := cmp.Diff(want, enrolled); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if then, err := projections.Enrolments(t.Context(), q, h.tenant, projections.EnrolmentsAsked{On: "2026-03-12"}); err != nil || len(then) != 1 || then[0].Role != eventschema.RoleTeacher {
		t.Errorf("between the two stretches the student is not there: %+v %v", then, err)
	}
}

func TestMarksSayWhoWasThereAndWhatWasCorrected(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T01:00:00Z")
	for _, o := range othersOfClasses(1, at) {
		h.add(o.stream(h.tenant), o.event)
	}
	apply(t, models, h.log)
	q := models.Querier()
	sessions, err := projections.Sessions(t.Context(), q, h.tenant, projections.SessionsAsked{Classes: []uuid.UUID{id("class", 1)}})
	if err != nil || len(sessions) != 2 || sessions[0].StartsLocal != "2026-03-03 09:00" || sessions[0].CancelledAt != nil || sessions[1].CancelledAt == nil || sessions[1].Reason != "snow" {
		t.Errorf("%+v %v", sessions, err)
	}
	got, err := projections.MarksOf(t.Context(), q, h.tenant, projections.MarksAsked{Sessions: []uuid.UUID{id("session", 1)}})
	want := []projections.Mark{
		{MarkID: id("mark", 1), State: eventschema.MarkAbsent},
		{MarkID: id("later mark", 1), State: eventschema.MarkLate, LateMinutes: 7, Corrects: id("mark", 1), Reason: eventschema.ReasonArrived, Counts: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(projections.Mark{}, "SessionID", "ClassID", "WorkID", "MarkedAt", "MarkedBy")); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	counting, err := projections.MarksOf(t.Context(), q, h.tenant, projections.MarksAsked{Works: []uuid.UUID{id("work", 1)}, Counting: true})
	if err != nil || len(counting) != 2 {
		t.Errorf("%+v %v", counting, err)
	}
}

func TestMarksAndEnrolmentsGoWithTheWorkRecord(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T01:00:00Z")
	for n := range 2 {
		for _, o := range othersOfClasses(1+n, at) {
			h.add(o.stream(h.tenant), o.event)
		}
	}
	h.add(eventschema.ErasureStream(h.tenant, id("expiry", 1)), &eventschema.RecordsExpired{CaseID: id("expiry", 1), RecordID: id("work", 1), Whole: true, ExpiredAt: at})
	apply(t, models, h.log)
	enrolled, err := projections.Enrolments(t.Context(), models.Querier(), h.tenant, projections.EnrolmentsAsked{})
	if err != nil || len(enrolled) != 3 {
		t.Errorf("%+v %v", enrolled, err)
	}
	marked, err := projections.MarksOf(t.Context(), models.Querier(), h.tenant, projections.MarksAsked{})
	if err != nil || len(marked) != 3 {
		t.Errorf("%+v %v", marked, err)
	}
	for _, m := range marked {
		if m.WorkID == id("work", 1) {
			t.Errorf("%+v is left", m)
		}
	}
	if all, err := projections.Sessions(t.Context(), models.Querier(), h.tenant, projections.SessionsAsked{}); err != nil || len(all) != 4 {
		t.Errorf("the sessions of the class stay: %+v %v", all, err)
	}
}
