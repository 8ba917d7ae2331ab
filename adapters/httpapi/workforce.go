package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/hours"
)

// WhoseQuery says whose work a question is about.
type WhoseQuery struct {
	WorkID   ID `query:"work_id" doc:"Whose; or send person_id."`
	PersonID ID `query:"person_id"`
}

func (q WhoseQuery) whose() Whose { return Whose{Work: q.WorkID.id(), Person: q.PersonID.id()} }

// check refuses two at once, and nobody where somebody is required.
func (q WhoseQuery) check(required bool) *Problem {
	if q.WorkID != "" && q.PersonID != "" || required && q.WorkID == "" && q.PersonID == "" {
		return invalid("query/work_id", "exactly_one", "one of work_id and person_id")
	}
	return nil
}

func (q WhoseQuery) filter() []string {
	return []string{"work_id", string(q.WorkID), "person_id", string(q.PersonID)}
}

// DaysQuery says which days.
type DaysQuery struct {
	From string `query:"from" required:"true" format:"date" doc:"First work date." example:"2026-03-02"`
	To   string `query:"to" required:"true" format:"date" doc:"Last work date, included; at most 366 days." example:"2026-03-08"`
}

// RulesQuery names a set of rules.
type RulesQuery struct {
	Rules string `query:"rules" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"A set of rules, such as flsa; list-pay-rules lists them." example:"flsa"`
	Zone  string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" doc:"IANA zone whose clock begins days and weeks, for rules that name none." example:"America/New_York"`
}

// PlanQuery names a pay plan.
type PlanQuery struct {
	Plan string `query:"plan" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"Instead of rules, a pay plan that the server was given; list-pay-rules lists them."`
}

func (a *API) registerWorkforce(api huma.API) {
	huma.Register(api, a.operation("get-timecard", http.MethodGet, "/v1/timecard", "Hours", "The time card of one work record",
		"Days, findings, punches that count otherwise than they were recorded, corrections that wait, and what is locked. With rules, what the days are paid as."),
		func(ctx context.Context, in *struct {
			Fresh
			WhoseQuery
			DaysQuery
			RulesQuery
			PlanQuery
		}) (*struct{ Body TimecardBody }, error) {
			return a.getTimecard(ctx, in.WhoseQuery, in.DaysQuery, paidByNames{in.Rules, in.Zone, in.Plan})
		})
	huma.Register(api, a.operation("list-exceptions", http.MethodGet, "/v1/exceptions", "Hours", "What to look at before hours are paid",
		"In order of work id and time; a page holds the findings of page_size work records."),
		func(ctx context.Context, in *exceptionsInput) (*exceptionsAnswer, error) {
			return a.listExceptions(ctx, *in)
		})
	huma.Register(api, a.operation("get-board", http.MethodGet, "/v1/board", "Hours", "Who is on site",
		"As of now, in order of work id: who is in, on which shift, and whose out is overdue. The counts are of everybody, whatever the page."),
		func(ctx context.Context, in *boardInput) (*boardAnswer, error) { return a.getBoard(ctx, *in) })
	huma.Register(api, a.operation("list-overtime", http.MethodGet, "/v1/overtime", "Hours", "Who is near overtime",
		"One workweek of the rules, as far as it is over, in order of work id. Who is in now has worked up to now."),
		func(ctx context.Context, in *overtimeInput) (*overtimeAnswer, error) { return a.listOvertime(ctx, *in) })
	huma.Register(api, a.operation("list-caps", http.MethodGet, "/v1/caps", "Shifts", "How much of the caps is taken up",
		"What is assigned in a local day and its week, of all employers together, in order of work id."),
		func(ctx context.Context, in *capsInput) (*capsAnswer, error) { return a.listCaps(ctx, *in) })
	huma.Register(api, a.operation("get-work-history", http.MethodGet, "/v1/work-history", "Hours", "All that one work record worked",
		"Every shift that has begun and what came of it, the jobs they add up to, and the hours of every month."),
		func(ctx context.Context, in *struct {
			Fresh
			WhoseQuery
		}) (*struct{ Body WorkHistoryBody }, error) {
			return a.getWorkHistory(ctx, in.WhoseQuery)
		})
	a.registerPerformance(api)
}

func (a *API) getTimecard(ctx context.Context, who WhoseQuery, days DaysQuery, named paidByNames) (*struct{ Body TimecardBody }, error) {
	if problem := who.check(true); problem != nil {
		return nil, problem
	}
	if problem := span(days.From, days.To); problem != nil {
		return nil, problem
	}
	asked := TimecardQuestion{Whose: who.whose(), From: days.From, To: days.To, Earlier: a.config.Pay.earlier()}
	if named.Rules+named.Plan != "" {
		plan, problem := a.config.Pay.plan("query", named)
		if problem != nil {
			return nil, problem
		}
		asked.Plan = &plan
	}
	view, err := a.inside.Workforce.Timecard(ctx, caller(ctx), asked)
	if err != nil {
		return nil, problemOf(err)
	}
	released, err := a.release(ctx, "get-timecard", view.Link, view.Name)
	if err != nil {
		return nil, err
	}
	return &struct{ Body TimecardBody }{TimecardBodyOf(view, released)}, nil
}

// pageOf is the page of rows that begins behind a work record. Rows come in order of
// work id, and those of one work record stay together.
func pageOf[T any](rows []T, after uuid.UUID, size int, work func(T) uuid.UUID) (page []T, last uuid.UUID, more bool) {
	from, _ := slices.BinarySearchFunc(rows, after, func(row T, id uuid.UUID) int {
		of := work(row)
		if slices.Compare(of[:], id[:]) <= 0 {
			return -1
		}
		return 1
	})
	if after == uuid.Nil {
		from = 0
	}
	works := 0
	for i := from; i < len(rows); i++ {
		if of := work(rows[i]); i == from || of != last {
			if works == size {
				return rows[from:i], last, true
			}
			works, last = works+1, of
		}
	}
	return rows[from:], last, false
}

// pageBodies shows a page of rows by work id, once the reading of their names is
// recorded.
func pageBodies[T, B any](ctx context.Context, a *API, asks question, paging Paging, rows []T, row func(T) (uuid.UUID, Personal), body func(T, Release) B, link, token *string) ([]B, error) {
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	page, last, more := pageOf(rows, after, paging.Size, func(r T) uuid.UUID {
		id, _ := row(r)
		return id
	})
	released, err := a.release(ctx, asks.operation, each(page, func(r T) Personal {
		_, name := row(r)
		return name
	})...)
	if err != nil {
		return nil, err
	}
	bodies := each(page, func(r T) B { return body(r, released) })
	if more {
		return bodies, a.nextID(asks, paging, last, asks.filter, link, token)
	}
	return bodies, nil
}

// below is the question about what is listed below some ids.
func (q question) below(ids ...ID) question {
	for _, id := range ids {
		q.path = append(q.path, string(id))
	}
	return q
}

func asking(ctx context.Context, operation string, filter ...string) question {
	return question{tenant: caller(ctx).Tenant, operation: operation, filter: filter}
}

type exceptionsInput struct {
	Fresh
	Paging
	WhoseQuery
	DaysQuery
	Station  string `query:"station" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" doc:"Only what began there." example:"gate-1"`
	Severity string `query:"severity" enum:"low,medium,high" doc:"Only what is at least this grave." example:"high"`
}

type exceptionsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Exceptions    []ExceptionRowBody `json:"exceptions"`
		NextPageToken string             `json:"next_page_token,omitempty"`
	}
}

func (a *API) listExceptions(ctx context.Context, in exceptionsInput) (*exceptionsAnswer, error) {
	if problem := in.check(false); problem != nil {
		return nil, problem
	}
	if problem := span(in.From, in.To); problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Workforce.Exceptions(ctx, caller(ctx), ExceptionsQuestion{
		Whose: in.whose(), From: in.From, To: in.To, Station: in.Station, AtLeast: hours.Severity(in.Severity),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	asks := asking(ctx, "list-exceptions", append(in.filter(), "from", in.From, "to", in.To, "station", in.Station, "severity", in.Severity)...)
	answer := &exceptionsAnswer{}
	answer.Body.Exceptions, err = pageBodies(ctx, a, asks, in.Paging, rows, func(r ExceptionRow) (uuid.UUID, Personal) { return r.WorkID, r.Name },
		ExceptionRowBodyOf, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

type boardInput struct {
	Fresh
	Paging
	Station string `query:"station" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" doc:"Only who came in there." example:"gate-1"`
	Site    string `query:"site" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"Only who is there, as the punch or the shift says." example:"harbor_st"`
}

type boardAnswer struct {
	Link string `header:"Link"`
	Body struct {
		AsOf          string           `json:"as_of" format:"date-time" doc:"When it was read." example:"2026-03-02T09:30:00Z"`
		In            int              `json:"in" doc:"How many are in, in all." example:"12"`
		Overdue       int              `json:"overdue" example:"1"`
		Stations      []PlaceCountBody `json:"stations"`
		Sites         []PlaceCountBody `json:"sites"`
		People        []BoardRowBody   `json:"people"`
		NextPageToken string           `json:"next_page_token,omitempty"`
	}
}

func (a *API) getBoard(ctx context.Context, in boardInput) (*boardAnswer, error) {
	view, err := a.inside.Workforce.Board(ctx, caller(ctx), BoardQuestion{Station: in.Station, Site: in.Site})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &boardAnswer{}
	answer.Body.AsOf, answer.Body.In = rfc3339(view.At), len(view.Rows)
	for _, p := range view.Stations {
		answer.Body.Overdue += p.Overdue
	}
	count := func(p PlaceCount) PlaceCountBody { return PlaceCountBody(p) }
	answer.Body.Stations, answer.Body.Sites = each(view.Stations, count), each(view.Sites, count)
	answer.Body.People, err = pageBodies(ctx, a, asking(ctx, "get-board", "station", in.Station, "site", in.Site), in.Paging, view.Rows,
		func(r BoardRow) (uuid.UUID, Personal) { return r.WorkID, r.Name }, BoardRowBodyOf, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

type overtimeInput struct {
	Fresh
	Paging
	WhoseQuery
	Rules string `query:"rules" required:"true" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"A set of rules, such as flsa; list-pay-rules lists them." example:"flsa"`
	Zone  string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" doc:"IANA zone whose clock begins days and weeks, for rules that name none." example:"America/New_York"`
	On    string `query:"on" format:"date" doc:"The workweek in which this day begins; left out, the one that is running."`
	Near  int    `query:"near_minutes" minimum:"0" maximum:"10080" default:"240" doc:"From how little time left somebody is near."`
	State string `query:"state" enum:"under,near,over" default:"near" doc:"Only who is at least so far."`
}

type overtimeAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Rules         string            `json:"rules" example:"flsa"`
		RulesVersion  int               `json:"rules_version" example:"1"`
		StartsAt      string            `json:"starts_at" format:"date-time" doc:"When the workweek begins." example:"2026-03-01T05:00:00Z"`
		EndsAt        string            `json:"ends_at" format:"date-time" example:"2026-03-08T05:00:00Z"`
		LimitSeconds  int64             `json:"limit_seconds" doc:"Of the week; 0 where the rules have none." example:"144000"`
		Overtime      []OvertimeRowBody `json:"overtime"`
		NextPageToken string            `json:"next_page_token,omitempty"`
	}
}

func (a *API) listOvertime(ctx context.Context, in overtimeInput) (*overtimeAnswer, error) {
	if problem := in.check(false); problem != nil {
		return nil, problem
	}
	plan, problem := a.config.Pay.plan("query", paidByNames{Rules: in.Rules, Zone: in.Zone})
	if problem != nil {
		return nil, problem
	}
	rules := plan.Groups[0].Parts[0].Rules
	view, err := a.inside.Workforce.Overtime(ctx, caller(ctx), OvertimeQuestion{
		Whose: in.whose(), Rules: rules, Zone: in.Zone, On: in.On, Near: time.Duration(in.Near) * time.Minute,
	})
	if err != nil {
		return nil, problemOf(err)
	}
	states := []OvertimeState{OvertimeUnder, OvertimeNear, OvertimeOver}
	rows := slices.DeleteFunc(view.Rows, func(r OvertimeRow) bool {
		return slices.Index(states, r.State) < slices.Index(states, OvertimeState(in.State))
	})
	answer := &overtimeAnswer{}
	answer.Body.Rules, answer.Body.RulesVersion, answer.Body.LimitSeconds = rules.Name, rules.Version, seconds(view.Limit)
	answer.Body.StartsAt, answer.Body.EndsAt = rfc3339(view.Start), rfc3339(view.End)
	asks := asking(ctx, "list-overtime", append(in.filter(), "rules", in.Rules, "zone", in.Zone, "on", in.On, "near_minutes", strconv.Itoa(in.Near), "state", in.State)...)
	answer.Body.Overtime, err = pageBodies(ctx, a, asks, in.Paging, rows, func(r OvertimeRow) (uuid.UUID, Personal) { return r.WorkID, r.Name },
		OvertimeRowBodyOf, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

type capsInput struct {
	Fresh
	Paging
	WhoseQuery
	On   string `query:"on" format:"date" doc:"The day, with the week it lies in; left out, today."`
	Zone string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" default:"UTC" doc:"IANA zone in which the days begin."`
}

type capsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		PolicyVersion int           `json:"policy_version" example:"1"`
		On            string        `json:"on" format:"date" example:"2026-03-02"`
		People        []CapsRowBody `json:"people"`
		NextPageToken string        `json:"next_page_token,omitempty"`
	}
}

func (a *API) listCaps(ctx context.Context, in capsInput) (*capsAnswer, error) {
	if problem := in.check(false); problem != nil {
		return nil, problem
	}
	view, err := a.inside.Workforce.Caps(ctx, caller(ctx), CapsQuestion{Whose: in.whose(), On: in.On, Zone: in.Zone})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &capsAnswer{}
	answer.Body.PolicyVersion, answer.Body.On = view.PolicyVersion, view.On
	answer.Body.People, err = pageBodies(ctx, a, asking(ctx, "list-caps", append(in.filter(), "on", in.On, "zone", in.Zone)...), in.Paging, view.Rows,
		func(r CapsRow) (uuid.UUID, Personal) { return r.WorkID, r.Name }, CapsRowBodyOf, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

func (a *API) getWorkHistory(ctx context.Context, who WhoseQuery) (*struct{ Body WorkHistoryBody }, error) {
	if problem := who.check(true); problem != nil {
		return nil, problem
	}
	view, err := a.inside.Workforce.WorkHistory(ctx, caller(ctx), who.whose())
	if err != nil {
		return nil, problemOf(err)
	}
	released, err := a.release(ctx, "get-work-history", view.Link, view.Name)
	if err != nil {
		return nil, err
	}
	return &struct{ Body WorkHistoryBody }{WorkHistoryBodyOf(view, released)}, nil
}
