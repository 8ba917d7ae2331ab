package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// PresenceBody is one work record that is in.
type PresenceBody struct {
	WorkID  string       `json:"work_id" format:"uuid"`
	Name    PersonalBody `json:"name"`
	Since   string       `json:"since" format:"date-time" example:"2026-03-02T07:00:00Z"`
	Zone    string       `json:"zone" example:"Europe/Berlin"`
	Station string       `json:"station" example:"gate-1"`
	PunchID string       `json:"punch_id" format:"uuid"`
}

type presenceAnswer struct {
	Link string `header:"Link"`
	Body struct {
		AsOf          string         `json:"as_of" format:"date-time" doc:"When it was read." example:"2026-03-02T09:30:00Z"`
		Present       []PresenceBody `json:"present"`
		NextPageToken string         `json:"next_page_token,omitempty"`
	}
}

// HoursBody is worked time by day.
type HoursBody struct {
	WorkID       string    `json:"work_id" format:"uuid"`
	From         string    `json:"from" format:"date" example:"2026-03-02"`
	To           string    `json:"to" format:"date" example:"2026-03-08"`
	RuleVersion  int       `json:"rule_version" doc:"The version of the pairing rule that was applied." example:"1"`
	TotalSeconds int64     `json:"total_seconds" example:"28800"`
	Total        string    `json:"total" doc:"Hours and minutes, truncated to the minute." example:"08:00"`
	Days         []DayBody `json:"days"`
}

// DayBody is one work date.
type DayBody struct {
	Date       string          `json:"date" format:"date" doc:"Local date at the site." example:"2026-03-02"`
	Seconds    int64           `json:"seconds" example:"28800"`
	Time       string          `json:"time" example:"08:00"`
	Intervals  []IntervalBody  `json:"intervals"`
	Exceptions []ExceptionBody `json:"exceptions"`
	Declared   []DeclaredBody  `json:"declared" doc:"Hours that were declared without times of day; part of seconds."`
	Notices    []string        `json:"notices" doc:"What is worth a look of the day: declared_and_punched, over_24_hours."`
}

// DeclaredBody is hours that were declared for the day. When they were worked is not
// known.
type DeclaredBody struct {
	DeclarationID string `json:"declaration_id" format:"uuid"`
	Seconds       int64  `json:"seconds" example:"27000"`
	Origin        string `json:"origin" doc:"By what they were declared." example:"harvest"`
	Job           string `json:"job,omitempty" doc:"Code of the job it was for; left out: for none." example:"night_watch"`
}

// IntervalBody is one paired span and the punches it rests on.
type IntervalBody struct {
	InPunchID  string `json:"in_punch_id" format:"uuid"`
	OutPunchID string `json:"out_punch_id" format:"uuid"`
	Start      string `json:"start" format:"date-time" example:"2026-03-02T07:00:00Z"`
	End        string `json:"end" format:"date-time" example:"2026-03-02T15:00:00Z"`
	Seconds    int64  `json:"seconds" example:"28800"`
}

// ExceptionBody is a punch that counts for nothing. Nothing is invented for it.
type ExceptionBody struct {
	PunchID string `json:"punch_id" format:"uuid"`
	Code    string `json:"code" example:"missing_out"`
	At      string `json:"at" format:"date-time" example:"2026-03-03T07:00:00Z"`
}

// EventBody is one event as this reader may see it.
type EventBody struct {
	Position   uint64              `json:"position" example:"48213"`
	Revision   uint64              `json:"revision" example:"0"`
	Stream     string              `json:"stream" example:"person-0f8fad5bd9cb469fa16570867728950e.7d4448409dc041d1b2455ffdce74fad2"`
	EventID    string              `json:"event_id" format:"uuid"`
	Type       string              `json:"type" example:"person-registered.v2"`
	RecordedAt string              `json:"recorded_at" format:"date-time" example:"2026-03-01T09:00:00Z"`
	ActorID    string              `json:"actor_id" format:"uuid" doc:"A pseudonym."`
	ActorRole  string              `json:"actor_role" example:"hr"`
	Facts      json.RawMessage     `json:"facts" doc:"What the event says outside of its sealed sections."`
	Personal   []NamedPersonalBody `json:"personal" doc:"What it says inside of them, each value with its state."`
}

// NamedPersonalBody is one personal value of an event.
type NamedPersonalBody struct {
	Section string       `json:"section" example:"identity"`
	Field   string       `json:"field" example:"legal_name"`
	Purpose string       `json:"purpose" example:"identity"`
	Value   PersonalBody `json:"value"`
}

type historyAnswer struct {
	Link string `header:"Link"`
	Body struct {
		PersonID      string      `json:"person_id" format:"uuid"`
		Events        []EventBody `json:"events"`
		NextPageToken string      `json:"next_page_token,omitempty"`
	}
}

type hoursInput struct {
	Fresh
	From     string `query:"from" required:"true" format:"date" doc:"First work date." example:"2026-03-02"`
	To       string `query:"to" required:"true" format:"date" doc:"Last work date, included; at most 366 days." example:"2026-03-08"`
	WorkID   ID     `query:"work_id" doc:"Whose hours; or send person_id."`
	PersonID ID     `query:"person_id"`
}

func (a *API) registerReading(api huma.API) {
	huma.Register(api, a.operation("list-presence", http.MethodGet, "/v1/presence", "Hours", "Who is in", "In order of work id, as of now."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
		}) (*presenceAnswer, error) {
			return a.listPresence(ctx, in.Paging)
		})
	huma.Register(api, a.operation("get-hours", http.MethodGet, "/v1/hours", "Hours", "Worked time by day",
		"Intervals, declared hours and exceptions per work date. A missing punch is an exception, never an invented time."),
		func(ctx context.Context, in *hoursInput) (*struct{ Body HoursBody }, error) {
			return a.getHours(ctx, *in)
		})
	huma.Register(api, a.operation("list-person-history", http.MethodGet, "/v1/people/{person_id}/history", "People", "The events of a person",
		"In order of position, opened for this reader; an erased value says so and names its certificate."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			PersonID ID `path:"person_id"`
		}) (*historyAnswer, error) {
			return a.listHistory(ctx, in.Paging, in.PersonID.id())
		})
}

func (a *API) listPresence(ctx context.Context, paging Paging) (*presenceAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-presence"}
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	asOf := a.config.Clock()
	rows, err := a.inside.Reading.Presence(ctx, by, after, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	names := make([]Personal, 0, len(rows))
	for _, row := range rows[:min(len(rows), paging.Size)] {
		names = append(names, row.Name)
	}
	released, err := a.release(ctx, "list-presence", names...)
	if err != nil {
		return nil, err
	}
	answer := &presenceAnswer{}
	answer.Body.AsOf, answer.Body.Present = rfc3339(asOf), make([]PresenceBody, 0, len(rows))
	for i, row := range rows {
		if i == paging.Size {
			return answer, a.nextID(asks, paging, rows[i-1].WorkID, nil, &answer.Link, &answer.Body.NextPageToken)
		}
		answer.Body.Present = append(answer.Body.Present, presenceBody(row, released))
	}
	return answer, nil
}

func presenceBody(row PresenceView, release Release) PresenceBody {
	return PresenceBody{
		WorkID: row.WorkID.String(), Name: personalBody(row.Name, release), Since: rfc3339(row.Since), Zone: row.Zone, Station: row.Station, PunchID: row.PunchID.String(),
	}
}

// longestSpan is the longest span of days that one question may cover.
const longestSpan = 366

func (a *API) getHours(ctx context.Context, in hoursInput) (*struct{ Body HoursBody }, error) {
	if (in.WorkID == "") == (in.PersonID == "") {
		return nil, invalid("query/work_id", "exactly_one", "exactly one of work_id and person_id")
	}
	if problem := span(in.From, in.To); problem != nil {
		return nil, problem
	}
	view, err := a.inside.Reading.Hours(ctx, caller(ctx), HoursQuestion{From: in.From, To: in.To, Work: in.WorkID.id(), Person: in.PersonID.id()})
	if err != nil {
		return nil, problemOf(err)
	}
	if _, err := a.release(ctx, "get-hours", view.Link); err != nil { // the work id of a person is personal
		return nil, err
	}
	body := HoursBody{WorkID: view.WorkID.String(), From: in.From, To: in.To, RuleVersion: view.RuleVersion, Days: make([]DayBody, 0, len(view.Days))}
	for _, day := range view.Days {
		shown := dayBody(day)
		body.TotalSeconds += shown.Seconds
		body.Days = append(body.Days, shown)
	}
	body.Total = clock(body.TotalSeconds)
	return &struct{ Body HoursBody }{body}, nil
}

func span(from, to string) *Problem {
	first, errFrom := time.Parse(time.DateOnly, from)
	last, errTo := time.Parse(time.DateOnly, to)
	switch {
	case errFrom != nil || errTo != nil:
		return invalid("query/from", "format", "expected 2006-01-02")
	case last.Before(first):
		return invalid("query/to", "range", "to must not lie before from")
	case last.Sub(first) >= longestSpan*24*time.Hour:
		return invalid("query/to", "range", "at most "+strconv.Itoa(longestSpan)+" days")
	case first.Year() < earliest || last.Year() > latest:
		return invalid("query/from", "range", "the year is out of range")
	}
	return nil
}

// dayBody sums the instants of a day, so a change of the clocks in between
// neither adds nor takes time, and what was declared for it.
func dayBody(day DayView) DayBody {
	body := DayBody{Date: day.Date, Intervals: make([]IntervalBody, 0, len(day.Intervals)), Exceptions: make([]ExceptionBody, 0, len(day.Exceptions)),
		Declared: make([]DeclaredBody, 0, len(day.Declared)), Notices: append([]string{}, day.Notices...)}
	for _, interval := range day.Intervals {
		seconds := int64(interval.End.Sub(interval.Start) / time.Second)
		body.Seconds += seconds
		body.Intervals = append(body.Intervals, IntervalBody{
			InPunchID: interval.In.String(), OutPunchID: interval.Out.String(),
			Start: rfc3339(interval.Start), End: rfc3339(interval.End), Seconds: seconds,
		})
	}
	for _, exception := range day.Exceptions {
		body.Exceptions = append(body.Exceptions, ExceptionBody{PunchID: exception.Punch.String(), Code: exception.Code, At: rfc3339(exception.At)})
	}
	for _, declared := range day.Declared {
		body.Seconds += declared.Seconds
		body.Declared = append(body.Declared, DeclaredBody{DeclarationID: declared.ID.String(), Seconds: declared.Seconds, Origin: declared.Origin, Job: declared.Job})
	}
	body.Time = clock(body.Seconds)
	return body
}

func (a *API) listHistory(ctx context.Context, paging Paging, person uuid.UUID) (*historyAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-person-history", filter: []string{person.String()}}
	after, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Reading.History(ctx, by, person, after, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	var values []Personal
	for _, row := range rows[:min(len(rows), paging.Size)] {
		values = append(values, row.Values()...)
	}
	released, err := a.release(ctx, "list-person-history", values...)
	if err != nil {
		return nil, err
	}
	answer := &historyAnswer{}
	answer.Body.PersonID, answer.Body.Events = person.String(), make([]EventBody, 0, len(rows))
	for i, row := range rows {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, rows[i-1].Position, &answer.Link, &answer.Body.NextPageToken)
		}
		answer.Body.Events = append(answer.Body.Events, eventBody(row, released))
	}
	return answer, nil
}

func eventBody(view EventView, release Release) EventBody {
	body := EventBody{
		Position: view.Position, Revision: view.Revision, Stream: view.Stream, EventID: view.EventID.String(), Type: view.Type,
		RecordedAt: rfc3339(view.RecordedAt), ActorID: view.Actor.ID.String(), ActorRole: view.Actor.Role,
		Facts: view.Facts, Personal: make([]NamedPersonalBody, 0, len(view.Personal)),
	}
	if len(body.Facts) == 0 {
		body.Facts = json.RawMessage("{}")
	}
	for _, value := range view.Personal {
		shown := personalBody(value.Value, release)
		if value.Field == "work_id" {
			shown = workIDBody(value.Value, release)
		}
		body.Personal = append(body.Personal, NamedPersonalBody{Section: value.Section, Field: value.Field, Purpose: string(value.Purpose), Value: shown})
	}
	return body
}
