package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who is enrolled in which class, and since when?
//
// One row for each class, and one for each stretch in which somebody belongs to it.
// Days are kept as they are written, 2006-01-02; empty is not told, or not over.
func classes() Projection {
	return Projection{
		Name: "classes", Question: "Who is enrolled in which class, and since when?", Version: 1,
		Tables: []string{"class", "enrolment"},
		Schema: `
CREATE TABLE class (
	tenant_id uuid NOT NULL,
	class_id uuid NOT NULL,
	source text,
	source_id text,
	code text,
	course text,
	title text,
	site text,
	zone text,
	starts_on text,
	ends_on text,
	ended_on text, -- before its time
	defined_at timestamptz,
	position bigint NOT NULL, -- of the latest event about the class itself
	PRIMARY KEY (tenant_id, class_id)
);
CREATE TABLE enrolment (
	tenant_id uuid NOT NULL,
	enrolment_id uuid NOT NULL,
	class_id uuid,
	work_id uuid,
	role text,
	begins_on text,
	ends_on text,
	reason text, -- of the end
	source text,
	opened_at timestamptz,
	ended_at timestamptz, -- when the end was told
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, enrolment_id)
);
CREATE INDEX enrolment_by_class ON enrolment (class_id);
CREATE INDEX enrolment_by_work ON enrolment (work_id);`,
		Apply: applyClasses, expire: expireWorks("enrolment"),
	}
}

func applyClasses(ctx context.Context, tx pgx.Tx, page Page) error {
	classes, enrolments := newSaid(), newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.ClassDefined:
			classes.add(d, "class_id", e.ClassID, map[string]any{
				"source": storable(e.Source), "source_id": storable(e.SourceID), "code": storable(e.Code), "course": storable(e.Course), "title": storable(e.Title),
				"site": storable(e.Site), "zone": storable(e.Zone), "starts_on": storable(e.StartsOn), "ends_on": storable(e.EndsOn), "defined_at": e.DefinedAt,
			})
		case *eventschema.ClassChanged:
			classes.add(d, "class_id", e.ClassID, map[string]any{
				"code": storable(e.Code), "course": storable(e.Course), "title": storable(e.Title), "site": storable(e.Site), "zone": storable(e.Zone),
				"starts_on": storable(e.StartsOn), "ends_on": storable(e.EndsOn), "ended_on": "",
			})
		case *eventschema.ClassEnded:
			classes.add(d, "class_id", e.ClassID, map[string]any{"ended_on": storable(e.EndedOn)})
		case *eventschema.EnrolmentOpened:
			enrolments.add(d, "enrolment_id", e.EnrolmentID, map[string]any{
				"class_id": e.ClassID, "work_id": e.WorkID, "role": storable(string(e.Role)), "begins_on": storable(e.BeginsOn), "ends_on": "", "reason": "",
				"source": storable(string(e.Source)), "opened_at": e.OpenedAt,
			})
		case *eventschema.EnrolmentEnded:
			enrolments.add(d, "enrolment_id", e.EnrolmentID, map[string]any{
				"class_id": e.ClassID, "work_id": e.WorkID, "ends_on": storable(e.EndsOn), "reason": storable(string(e.Reason)), "ended_at": e.EndedAt,
			})
		}
	}
	if err := classes.upsert(ctx, tx, "class", "class_id", []string{
		"source", "source_id", "code", "course", "title", "site", "zone", "starts_on", "ends_on", "ended_on", "defined_at",
	}); err != nil {
		return fmt.Errorf("upsert classes: %w", err)
	}
	if err := enrolments.upsert(ctx, tx, "enrolment", "enrolment_id", []string{
		"class_id", "work_id", "role", "begins_on", "ends_on", "reason", "source", "opened_at", "ended_at",
	}); err != nil {
		return fmt.Errorf("upsert enrolments: %w", err)
	}
	return nil
}

// Class is one class.
type Class struct {
	ClassID  uuid.UUID
	Source   string
	SourceID string
	Code     string
	Course   string
	Title    string
	Site     string
	Zone     string
	StartsOn string // 2006-01-02; empty when nobody said
	EndsOn   string // the first day on which it is over
	EndedOn  string // set when it ended before its time
	Students int    // enrolled on the day asked for
	Others   int    // teachers and whoever else
}

// ClassesAsked says which classes are asked for. Empty fields ask for all.
type ClassesAsked struct {
	On   string // a day, 2006-01-02: those taught then; the people are counted on it
	Site string
	Work uuid.UUID // those that this work record belongs to: on the day, or ever
	IDs  []uuid.UUID
}

// Classes lists classes by title, code and id.
func Classes(ctx context.Context, q Querier, tenant uuid.UUID, asked ClassesAsked) ([]Class, error) {
	var ids uuids
	if len(asked.IDs) > 0 {
		ids = uuidsOf(asked.IDs)
	}
	rows, err := q.Query(ctx, `
SELECT class_id, COALESCE(source, ''), COALESCE(source_id, ''), COALESCE(code, ''), COALESCE(course, ''), COALESCE(title, ''), COALESCE(site, ''), COALESCE(zone, ''),
	COALESCE(starts_on, ''), COALESCE(ends_on, ''), COALESCE(ended_on, ''), COALESCE(students, 0), COALESCE(others, 0)
FROM class c LEFT JOIN (
	SELECT class_id, count(DISTINCT work_id) FILTER (WHERE role = 'student') AS students, count(DISTINCT work_id) FILTER (WHERE role <> 'student') AS others
	FROM enrolment WHERE tenant_id = $1 AND ($2 = '' OR begins_on <= $2) AND (COALESCE(ends_on, '') = '' OR $2 <> '' AND ends_on > $2) GROUP BY class_id
) e USING (class_id)
WHERE tenant_id = $1 AND ($3 = '' OR site = $3) AND ($4::uuid[] IS NULL OR class_id = ANY($4)) AND ($2 = '' OR
	COALESCE(starts_on, '') <= $2 AND (COALESCE(ends_on, '') = '' OR ends_on > $2) AND (COALESCE(ended_on, '') = '' OR ended_on > $2))
	AND ($5::uuid = `+noID+` OR EXISTS (SELECT FROM enrolment w WHERE w.tenant_id = $1 AND w.work_id = $5 AND w.class_id = c.class_id
		AND ($2 = '' OR w.begins_on <= $2 AND (COALESCE(w.ends_on, '') = '' OR w.ends_on > $2))))
ORDER BY title, code, class_id`, tenant, asked.On, asked.Site, ids, asked.Work)
	if err != nil {
		return nil, fmt.Errorf("query classes: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Class, err error) {
		err = row.Scan(&c.ClassID, &c.Source, &c.SourceID, &c.Code, &c.Course, &c.Title, &c.Site, &c.Zone, &c.StartsOn, &c.EndsOn, &c.EndedOn, &c.Students, &c.Others)
		return c, err
	})
}

// Enrolment is one stretch in which somebody belongs to a class.
type Enrolment struct {
	EnrolmentID uuid.UUID
	ClassID     uuid.UUID
	WorkID      uuid.UUID
	Role        eventschema.EnrolmentRole
	BeginsOn    string
	EndsOn      string // the first day without it; empty while it lasts
	Reason      eventschema.EnrolmentEnd
	OpenedAt    time.Time // when it was told, UTC
}

// EnrolmentsAsked says which enrolments are asked for: of classes, of people, or of
// both; on a day, or all that ever were.
type EnrolmentsAsked struct {
	Classes, Works []uuid.UUID
	On             string // 2006-01-02
}

// Enrolments lists enrolments by class, role (teachers first), beginning and work id.
func Enrolments(ctx context.Context, q Querier, tenant uuid.UUID, asked EnrolmentsAsked) ([]Enrolment, error) {
	var classes, works uuids
	if len(asked.Classes) > 0 {
		classes = uuidsOf(asked.Classes)
	}
	if len(asked.Works) > 0 {
		works = uuidsOf(asked.Works)
	}
	rows, err := q.Query(ctx, `
SELECT enrolment_id, class_id, work_id, COALESCE(role, ''), COALESCE(begins_on, ''), COALESCE(ends_on, ''), COALESCE(reason, ''), COALESCE(opened_at, ended_at)
FROM enrolment
WHERE tenant_id = $1 AND ($2::uuid[] IS NULL OR class_id = ANY($2)) AND ($3::uuid[] IS NULL OR work_id = ANY($3))
	AND ($4 = '' OR begins_on <= $4 AND (COALESCE(ends_on, '') = '' OR ends_on > $4))
ORDER BY class_id, role = 'student', role, begins_on, work_id`, tenant, classes, works, asked.On)
	if err != nil {
		return nil, fmt.Errorf("query enrolments: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Enrolment, err error) {
		err = row.Scan(&e.EnrolmentID, &e.ClassID, &e.WorkID, &e.Role, &e.BeginsOn, &e.EndsOn, &e.Reason, &e.OpenedAt)
		e.OpenedAt = e.OpenedAt.UTC()
		return e, err
	})
}

// StandingEnrolment is an enrolment that is in force, with the class as its program names
// it.
type StandingEnrolment struct {
	SourceID string // of the class
	WorkID   uuid.UUID
	Role     eventschema.EnrolmentRole
}

// inForce is what a class is on a day ($3) or later.
const inForce = `(COALESCE(c.ends_on, '') = '' OR c.ends_on > $3) AND (COALESCE(c.ended_on, '') = '' OR c.ended_on > $3)`

// StandingClasses gives each class of a program, by its id there, that is not over on a
// day.
func StandingClasses(ctx context.Context, q Querier, tenant uuid.UUID, source, day string, each func(sourceID string)) error {
	rows, err := q.Query(ctx, `SELECT source_id FROM class c WHERE tenant_id = $1 AND source = $2 AND source_id IS NOT NULL AND `+inForce+` ORDER BY class_id`, tenant, source, day)
	if err != nil {
		return fmt.Errorf("query classes in force: %w", err)
	}
	var id string
	if _, err := pgx.ForEachRow(rows, []any{&id}, func() error { each(id); return nil }); err != nil {
		return fmt.Errorf("query classes in force: %w", err)
	}
	return nil
}

// StandingEnrolments gives each enrolment that was imported, of the classes of a program
// that are not over on a day, which does not end by then.
func StandingEnrolments(ctx context.Context, q Querier, tenant uuid.UUID, source, day string, each func(StandingEnrolment)) error {
	rows, err := q.Query(ctx, `
SELECT c.source_id, e.work_id, e.role FROM enrolment e JOIN class c ON c.tenant_id = e.tenant_id AND c.class_id = e.class_id
WHERE e.tenant_id = $1 AND c.source = $2 AND c.source_id IS NOT NULL AND e.source = $4 AND e.work_id IS NOT NULL AND e.role IS NOT NULL AND `+inForce+`
	AND (COALESCE(e.ends_on, '') = '' OR e.ends_on > GREATEST($3, e.begins_on))
ORDER BY e.class_id, e.work_id, e.role`, tenant, source, day, string(eventschema.SourceImport))
	if err != nil {
		return fmt.Errorf("query enrolments in force: %w", err)
	}
	var e StandingEnrolment
	if _, err := pgx.ForEachRow(rows, []any{&e.SourceID, &e.WorkID, &e.Role}, func() error { each(e); return nil }); err != nil {
		return fmt.Errorf("query enrolments in force: %w", err)
	}
	return nil
}

// sinceOfClass is the instant from which an event about classes says how things are; it
// answers false for an event of anything else.
func sinceOfClass(event eventschema.Event) (time.Time, bool) {
	switch e := event.(type) {
	case *eventschema.ClassDefined:
		return e.DefinedAt, true
	case *eventschema.ClassChanged:
		return e.ChangedAt, true
	case *eventschema.ClassEnded:
		return e.EndedAt, true
	case *eventschema.SessionPlanned:
		return e.PlannedAt, true
	case *eventschema.SessionCancelled:
		return e.CancelledAt, true
	case *eventschema.EnrolmentOpened:
		return e.OpenedAt, true
	case *eventschema.EnrolmentEnded:
		return e.EndedAt, true
	case *eventschema.AttendanceMarked:
		return e.MarkedAt, true
	}
	return time.Time{}, false
}
