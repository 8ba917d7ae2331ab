package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tracekeep/eventschema"
)

// Who was present, absent or late, in which session?
//
// One row for each session, and one for each mark, those that were corrected since
// included: of the marks of a student and a session the last one counts.
func marks() Projection {
	return Projection{
		Name: "marks", Question: "Who was present, absent or late, in which session?", Version: 1,
		Tables: []string{"class_session", "attendance_mark"},
		Schema: `
CREATE TABLE class_session (
	tenant_id uuid NOT NULL,
	session_id uuid NOT NULL,
	class_id uuid,
	zone text,
	starts_local text,
	ends_local text,
	starts_at timestamptz,
	ends_at timestamptz,
	cancelled_at timestamptz,
	reason text, -- why it was cancelled
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX class_session_by_class ON class_session (class_id, starts_at);
CREATE TABLE attendance_mark (
	tenant_id uuid NOT NULL,
	mark_id uuid NOT NULL,
	session_id uuid,
	class_id uuid,
	work_id uuid,
	state text,
	late_minutes integer,
	corrects uuid, -- the mark before
	reason text,
	marked_at timestamptz,
	marked_by uuid,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, mark_id)
);
CREATE INDEX attendance_mark_by_session ON attendance_mark (session_id, work_id, position);
CREATE INDEX attendance_mark_by_work ON attendance_mark (work_id);`,
		Apply: applyMarks, expire: expireWorks("attendance_mark"),
	}
}

func applyMarks(ctx context.Context, tx pgx.Tx, page Page) error {
	sessions, marks := newSaid(), newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.SessionPlanned:
			sessions.add(d, "session_id", e.SessionID, map[string]any{
				"class_id": e.ClassID, "zone": storable(e.Zone), "starts_local": storable(e.StartsLocal), "ends_local": storable(e.EndsLocal),
				"starts_at": e.StartsAt, "ends_at": e.EndsAt,
			})
		case *eventschema.SessionCancelled:
			sessions.add(d, "session_id", e.SessionID, map[string]any{"class_id": e.ClassID, "cancelled_at": e.CancelledAt, "reason": storable(e.Reason)})
		case *eventschema.AttendanceMarked:
			marks.add(d, "mark_id", e.MarkID, map[string]any{
				"session_id": e.SessionID, "class_id": e.ClassID, "work_id": e.WorkID, "state": storable(string(e.State)), "late_minutes": e.LateMinutes,
				"corrects": nonNil(e.Corrects), "reason": storable(string(e.Reason)), "marked_at": e.MarkedAt, "marked_by": e.MarkedBy,
			})
		}
	}
	if err := sessions.upsert(ctx, tx, "class_session", "session_id", []string{
		"class_id", "zone", "starts_local", "ends_local", "starts_at", "ends_at", "cancelled_at", "reason",
	}); err != nil {
		return fmt.Errorf("upsert sessions: %w", err)
	}
	if err := marks.upsert(ctx, tx, "attendance_mark", "mark_id", []string{
		"session_id", "class_id", "work_id", "state", "late_minutes", "corrects", "reason", "marked_at", "marked_by",
	}); err != nil {
		return fmt.Errorf("upsert marks: %w", err)
	}
	return nil
}

// ClassSession is one meeting of a class.
type ClassSession struct {
	SessionID   uuid.UUID
	ClassID     uuid.UUID
	Zone        string
	StartsLocal string // 2006-01-02 15:04
	EndsLocal   string
	StartsAt    time.Time // UTC
	EndsAt      time.Time
	CancelledAt *time.Time
	Reason      string // why it was cancelled
}

// SessionsAsked says which sessions are asked for. Zero bounds and no ids ask for all.
type SessionsAsked struct {
	Classes, Sessions []uuid.UUID
	From, To          time.Time // sessions that begin between them; To is not included
}

// Sessions lists sessions by start and id.
func Sessions(ctx context.Context, q Querier, tenant uuid.UUID, asked SessionsAsked) ([]ClassSession, error) {
	var classes, sessions uuids
	if len(asked.Classes) > 0 {
		classes = uuidsOf(asked.Classes)
	}
	if len(asked.Sessions) > 0 {
		sessions = uuidsOf(asked.Sessions)
	}
	rows, err := q.Query(ctx, `
SELECT session_id, COALESCE(class_id, `+noID+`), COALESCE(zone, ''), COALESCE(starts_local, ''), COALESCE(ends_local, ''), starts_at, ends_at, cancelled_at, COALESCE(reason, '')
FROM class_session
WHERE tenant_id = $1 AND starts_at >= $2 AND starts_at < $3 AND ($4::uuid[] IS NULL OR class_id = ANY($4)) AND ($5::uuid[] IS NULL OR session_id = ANY($5))
ORDER BY starts_at, session_id`, tenant, bound(asked.From, pgtype.NegativeInfinity), until(asked.To), classes, sessions)
	if err != nil {
		return nil, fmt.Errorf("query sessions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s ClassSession, err error) {
		err = row.Scan(&s.SessionID, &s.ClassID, &s.Zone, &s.StartsLocal, &s.EndsLocal, &s.StartsAt, &s.EndsAt, &s.CancelledAt, &s.Reason)
		s.StartsAt, s.EndsAt, s.CancelledAt = s.StartsAt.UTC(), s.EndsAt.UTC(), utc(s.CancelledAt)
		return s, err
	})
}

// Mark is how a student attended a session, as somebody said once.
type Mark struct {
	MarkID      uuid.UUID
	SessionID   uuid.UUID
	ClassID     uuid.UUID
	WorkID      uuid.UUID
	State       eventschema.MarkState
	LateMinutes int
	Corrects    uuid.UUID // nil for the first one
	Reason      eventschema.MarkReason
	MarkedAt    time.Time // UTC
	MarkedBy    uuid.UUID
	Counts      bool // no other corrects it
}

// MarksAsked says which marks are asked for: of sessions, of people, or of both.
type MarksAsked struct {
	Sessions, Works []uuid.UUID
	// Counting leaves out those that were corrected since.
	Counting bool
}

// MarksOf lists marks by session and work id, the first one first.
func MarksOf(ctx context.Context, q Querier, tenant uuid.UUID, asked MarksAsked) ([]Mark, error) {
	var sessions, works uuids
	if len(asked.Sessions) > 0 {
		sessions = uuidsOf(asked.Sessions)
	}
	if len(asked.Works) > 0 {
		works = uuidsOf(asked.Works)
	}
	rows, err := q.Query(ctx, `
SELECT mark_id, session_id, COALESCE(class_id, `+noID+`), work_id, COALESCE(state, ''), COALESCE(late_minutes, 0), COALESCE(corrects, `+noID+`), COALESCE(reason, ''),
	marked_at, COALESCE(marked_by, `+noID+`), counts
FROM (
	SELECT *, position = max(position) OVER (PARTITION BY session_id, work_id) AS counts FROM attendance_mark
	WHERE tenant_id = $1 AND ($2::uuid[] IS NULL OR session_id = ANY($2)) AND ($3::uuid[] IS NULL OR work_id = ANY($3))) m
WHERE counts OR NOT $4
ORDER BY session_id, work_id, position`, tenant, sessions, works, asked.Counting)
	if err != nil {
		return nil, fmt.Errorf("query marks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Mark, err error) {
		err = row.Scan(&m.MarkID, &m.SessionID, &m.ClassID, &m.WorkID, &m.State, &m.LateMinutes, &m.Corrects, &m.Reason, &m.MarkedAt, &m.MarkedBy, &m.Counts)
		m.MarkedAt = m.MarkedAt.UTC()
		return m, err
	})
}
