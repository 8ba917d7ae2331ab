package httpapi

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// SessionBody is when a class meets once.
type SessionBody struct {
	StartsAt string `json:"starts_at" format:"date-time" example:"2026-03-09T08:00:00+01:00" doc:"What the clock of the class shows is kept beside the instant."`
	EndsAt   string `json:"ends_at" format:"date-time" doc:"At most 24 hours later." example:"2026-03-09T08:45:00+01:00"`
}

// ClassSessionBody is a session in an answer.
type ClassSessionBody struct {
	SessionID   string  `json:"session_id" format:"uuid"`
	ClassID     string  `json:"class_id" format:"uuid"`
	Zone        string  `json:"zone" example:"Europe/Berlin"`
	StartsLocal string  `json:"starts_local" example:"2026-03-09T08:00"`
	EndsLocal   string  `json:"ends_local" example:"2026-03-09T08:45"`
	StartsAt    string  `json:"starts_at" format:"date-time"`
	EndsAt      string  `json:"ends_at" format:"date-time"`
	CancelledAt *string `json:"cancelled_at,omitempty" format:"date-time"`
	Reason      string  `json:"reason,omitempty" doc:"Why it was cancelled, as a code."`
}

func classSessionBody(s projections.ClassSession) ClassSessionBody {
	local := func(text string) string { return strings.Replace(text, " ", "T", 1) }
	return ClassSessionBody{
		SessionID: s.SessionID.String(), ClassID: s.ClassID.String(), Zone: s.Zone, StartsLocal: local(s.StartsLocal), EndsLocal: local(s.EndsLocal),
		StartsAt: rfc3339(s.StartsAt), EndsAt: rfc3339(s.EndsAt), CancelledAt: optionalTime(s.CancelledAt), Reason: s.Reason,
	}
}

// AttendanceMarkBody is one mark. It is never edited: a later one corrects it.
type AttendanceMarkBody struct {
	MarkID      string  `json:"mark_id" format:"uuid"`
	State       string  `json:"state" enum:"present,absent,late,excused" example:"late"`
	LateMinutes int     `json:"late_minutes" example:"7"`
	Corrects    *string `json:"corrects,omitempty" format:"uuid" doc:"The mark before."`
	Reason      string  `json:"reason,omitempty" doc:"Why that one was corrected." example:"arrived_after_all"`
	MarkedAt    string  `json:"marked_at" format:"date-time"`
	MarkedBy    string  `json:"marked_by" format:"uuid" doc:"Of a teacher the work id."`
	Counts      bool    `json:"counts" doc:"No other corrects it."`
}

func attendanceMarkBody(m projections.Mark) AttendanceMarkBody {
	return AttendanceMarkBody{
		MarkID: m.MarkID.String(), State: string(m.State), LateMinutes: m.LateMinutes, Corrects: optionalID(m.Corrects), Reason: string(m.Reason),
		MarkedAt: rfc3339(m.MarkedAt), MarkedBy: m.MarkedBy.String(), Counts: m.Counts,
	}
}

// StudentBody is one student of a session.
type StudentBody struct {
	WorkID string               `json:"work_id" format:"uuid"`
	Name   PersonalBody         `json:"name"`
	Marks  []AttendanceMarkBody `json:"marks" doc:"The first one first; the last one counts. None: not marked yet."`
}

// AttendedSessionBody is one session as one student attended it.
type AttendedSessionBody struct {
	ClassSessionBody
	Marks []AttendanceMarkBody `json:"marks"`
}

// MarkStudentBody says how one student attended.
type MarkStudentBody struct {
	WorkerBody
	State       string `json:"state" enum:"present,absent,late,excused" example:"late"`
	LateMinutes int    `json:"late_minutes,omitempty" minimum:"0" maximum:"1440" example:"7" doc:"Of somebody who is late."`
	Reason      string `json:"reason,omitempty" enum:"arrived_after_all,excused_since,not_excused,wrong_mark,wrong_student" doc:"Needed when the student is marked already: why that mark is corrected."`
}

// MarksBody marks students.
type MarksBody struct {
	Marks []MarkStudentBody `json:"marks" minItems:"1" maxItems:"200" doc:"One for each student."`
}

type plannedSessionAnswer struct {
	Ack
	Status int
	Body   struct {
		SessionID string `json:"session_id" format:"uuid"`
		Revision  uint64 `json:"revision" example:"4" doc:"Of the class."`
		Position  uint64 `json:"position" example:"48216"`
	}
}

type sessionsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Sessions      []ClassSessionBody `json:"sessions"`
		NextPageToken string             `json:"next_page_token,omitempty"`
	}
}

type rollAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Session       ClassSessionBody `json:"session"`
		Students      []StudentBody    `json:"students"`
		NextPageToken string           `json:"next_page_token,omitempty"`
	}
}

type markedAnswer struct {
	Ack
	Status int
	Body   struct {
		Recorded int    `json:"recorded" doc:"How many marks are new; those that say what is known already are not." example:"1"`
		Position uint64 `json:"position" example:"48217"`
	}
}

type attendedAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Sessions      []AttendedSessionBody `json:"sessions"`
		NextPageToken string                `json:"next_page_token,omitempty"`
	}
}

// SessionPath names a session of a class.
type SessionPath struct {
	ClassID   ID `path:"class_id"`
	SessionID ID `path:"session_id"`
}

func (a *API) registerSessions(api huma.API) {
	huma.Register(api, a.operation("list-sessions", http.MethodGet, "/v1/classes/{class_id}/sessions", "Classes", "List the sessions of a class", "In order of their start."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			ClassID ID     `path:"class_id"`
			From    string `query:"from" format:"date" doc:"First day, by the clock of the class."`
			To      string `query:"to" format:"date" doc:"Last day, included."`
		}) (*sessionsAnswer, error) {
			asks := asking(ctx, "list-sessions", "from", in.From, "to", in.To).below(in.ClassID)
			sessions, err := a.inside.Rolls.ClassSessions(ctx, caller(ctx), in.ClassID.id(), in.From, in.To)
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &sessionsAnswer{}
			answer.Body.Sessions, err = pageInTime(a, asks, in.Paging, sessions, func(s projections.ClassSession) projections.ClassSession { return s },
				classSessionBody, &answer.Link, &answer.Body.NextPageToken)
			return answer, err
		})
	huma.Register(api, a.operation("plan-session", http.MethodPost, "/v1/classes/{class_id}/sessions", "Classes", "Plan a session", "Class and start name it."),
		func(ctx context.Context, in *struct {
			Once
			ClassID ID `path:"class_id"`
			Body    SessionBody
		}) (*plannedSessionAnswer, error) {
			return a.planSession(ctx, in.ClassID.id(), in.Body)
		})
	huma.Register(api, a.operation("cancel-session", http.MethodPost, "/v1/classes/{class_id}/sessions/{session_id}/cancellation", "Classes", "Call a session off",
		"Marks made before stay on record and count no longer."),
		func(ctx context.Context, in *struct {
			Once
			Match
			SessionPath
			Body WhyBody
		}) (*changedAnswer, error) {
			what, problem := matched(ctx, in.IfMatch)
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Classes.AdvanceClass(ctx, what, in.ClassID.id(), course.CancelSession{
				SessionID: in.SessionID.id(), Reason: in.Body.Reason, CancelledAt: a.now(), CancelledBy: caller(ctx).ID,
			}))
		})
	huma.Register(api, a.operation("get-roll", http.MethodGet, "/v1/classes/{class_id}/sessions/{session_id}/roll", "Classes", "How the students attended a session",
		"Who was enrolled on its day, or is marked all the same, in order of work id."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			SessionPath
		}) (*rollAnswer, error) {
			return a.getRoll(ctx, in.Paging, in.SessionPath)
		})
	a.registerMarks(api)
}

func (a *API) registerMarks(api huma.API) {
	huma.Register(api, a.operation("mark-attendance", http.MethodPost, "/v1/classes/{class_id}/sessions/{session_id}/marks", "Classes", "Mark how students attended, or correct it",
		"One after the other: those before one that is refused are made, and sending them again changes nothing. A correction of a session that is long over is one like any other."),
		func(ctx context.Context, in *struct {
			Once
			SessionPath
			Body MarksBody
		}) (*markedAnswer, error) {
			return a.markAttendance(ctx, in.ClassID.id(), in.SessionID.id(), in.Body)
		})
	huma.Register(api, a.operation("list-marks", http.MethodGet, "/v1/marks", "Classes", "How one student attended",
		"Every session in which the student is marked and that begins on some days (UTC), in order of its start, corrections included."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			DaysQuery
			WorkID ID `query:"work_id" required:"true"`
		}) (*attendedAnswer, error) {
			if problem := span(in.From, in.To); problem != nil {
				return nil, problem
			}
			sessions, err := a.inside.Rolls.MarksOfWork(ctx, caller(ctx), in.WorkID.id(), in.From, in.To)
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &attendedAnswer{}
			asks := asking(ctx, "list-marks", "from", in.From, "to", in.To, "work_id", string(in.WorkID))
			answer.Body.Sessions, err = pageInTime(a, asks, in.Paging, sessions, func(s AttendedSession) projections.ClassSession { return s.ClassSession },
				func(s AttendedSession) AttendedSessionBody {
					return AttendedSessionBody{ClassSessionBody: classSessionBody(s.ClassSession), Marks: each(s.Marks, attendanceMarkBody)}
				}, &answer.Link, &answer.Body.NextPageToken)
			return answer, err
		})
}

// pageInTime shows a page of what is listed by start and id.
func pageInTime[T, B any](a *API, asks question, paging Paging, rows []T, of func(T) projections.ClassSession, body func(T) B, link, token *string) ([]B, error) {
	from := 0
	if paging.Token != "" {
		cursor, problem := a.cursor(asks, paging, 8+len(uuid.UUID{}))
		if problem != nil {
			return nil, problem
		}
		start, id := time.UnixMicro(int64(binary.BigEndian.Uint64(cursor))), cursor[8:] //nolint:gosec // as it was put in
		from = slices.IndexFunc(rows, func(row T) bool {
			s := of(row)
			return s.StartsAt.After(start) || s.StartsAt.Equal(start) && slices.Compare(s.SessionID[:], id) > 0
		})
		if from < 0 {
			from = len(rows)
		}
	}
	page := rows[from:min(from+paging.Size, len(rows))]
	bodies := each(page, body)
	if from+len(page) == len(rows) {
		return bodies, nil
	}
	last := of(page[len(page)-1])
	cursor := append(binary.BigEndian.AppendUint64(nil, uint64(last.StartsAt.UnixMicro())), last.SessionID[:]...) //nolint:gosec // read back as it is
	return bodies, a.next(asks, paging, cursor, asks.filter, link, token)
}

func (a *API) planSession(ctx context.Context, class uuid.UUID, body SessionBody) (*plannedSessionAnswer, error) {
	view, _, err := a.inside.Rolls.ClassNow(ctx, caller(ctx), class)
	if err != nil {
		return nil, problemOf(err)
	}
	times, problem := (TimesBody{Zone: view.Zone, StartsAt: body.StartsAt, EndsAt: body.EndsAt}).times()
	if problem != nil {
		return nil, problem
	}
	receipt, id, err := a.inside.Classes.PlanSession(ctx, intent(ctx), class, course.PlanSession{
		Zone: times.Zone, StartsLocal: times.StartsLocal, EndsLocal: times.EndsLocal, StartsAt: times.StartsAt, EndsAt: times.EndsAt, PlannedAt: a.now(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &plannedSessionAnswer{Ack: ack(receipt), Status: created(receipt)}
	answer.Body.SessionID, answer.Body.Revision, answer.Body.Position = id.String(), receipt.Revision, receipt.Position
	return answer, nil
}

func (a *API) getRoll(ctx context.Context, paging Paging, of SessionPath) (*rollAnswer, error) {
	roll, err := a.inside.Rolls.SessionRoll(ctx, caller(ctx), of.ClassID.id(), of.SessionID.id())
	if err != nil {
		return nil, problemOf(err)
	}
	slices.SortFunc(roll.Students, func(x, y StudentMarks) int { return slices.Compare(x.WorkID[:], y.WorkID[:]) })
	answer := &rollAnswer{}
	answer.Body.Session = classSessionBody(roll.ClassSession)
	asks := asking(ctx, "get-roll").below(of.ClassID, of.SessionID)
	answer.Body.Students, err = pageBodies(ctx, a, asks, paging, roll.Students, func(s StudentMarks) (uuid.UUID, Personal) { return s.WorkID, s.Name },
		func(s StudentMarks, release Release) StudentBody {
			return StudentBody{WorkID: s.WorkID.String(), Name: personalBody(s.Name, release), Marks: each(s.Marks, attendanceMarkBody)}
		}, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

func (a *API) markAttendance(ctx context.Context, class, session uuid.UUID, body MarksBody) (*markedAnswer, error) {
	seen := map[ID]bool{}
	for i, m := range body.Marks {
		if seen[m.WorkID] {
			return nil, invalid("/marks/"+strconv.Itoa(i)+"/work_id", "twice", "one mark for each student")
		}
		seen[m.WorkID] = true
	}
	answer := &markedAnswer{Status: http.StatusOK}
	for i, m := range body.Marks {
		receipt, err := a.inside.Classes.MarkAttendance(ctx, intent(ctx), class, session, course.Mark{
			WorkID: m.WorkID.id(), State: eventschema.MarkState(m.State), LateMinutes: m.LateMinutes, Reason: eventschema.MarkReason(m.Reason), MarkedAt: a.now(),
		})
		if err != nil {
			return nil, problemOf(within(err, "/marks/"+strconv.Itoa(i)))
		}
		if !receipt.Repeated {
			answer.Body.Recorded++
		}
		if receipt.Position > answer.Body.Position {
			answer.Ack, answer.Body.Position = ack(receipt), receipt.Position
		}
	}
	return answer, nil
}

// within says which member of a list a refusal is about.
func within(err error, pointer string) error {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	return &Refusal{Code: refusal.Code, Message: refusal.Message, Pointer: pointer + refusal.Pointer}
}
