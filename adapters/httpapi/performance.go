package httpapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// PerformanceBody is what is measured of one work record. Figures and Shifts are there
// only when State is clear.
type PerformanceBody struct {
	WorkID  string       `json:"work_id" format:"uuid"`
	Name    PersonalBody `json:"name"`
	State   string       `json:"state" enum:"clear,sealed,erased,restricted,held,unavailable" doc:"Whether it can be shown to this reader." example:"clear"`
	Figures []FigureBody `json:"figures"`
	Shifts  []RatedShift `json:"shifts" doc:"What the figures are counted from, in order of the start."`
}

// FigureBody is one measure and how it came about.
type FigureBody struct {
	Name        string   `json:"name" example:"shifts_on_time"`
	Unit        string   `json:"unit" enum:"shifts,tasks,minutes,ratings" example:"shifts"`
	Value       int64    `json:"value" example:"11"`
	Of          *int64   `json:"of,omitempty" doc:"What the value is a part of; left out where it is of nothing." example:"12"`
	Explanation string   `json:"explanation"`
	Shifts      []string `json:"shifts" doc:"The ids of those that count in the value."`
}

// RatedShift is one shift or task with its rating.
type RatedShift struct {
	PastShiftBody
	CompletedAt *string `json:"completed_at,omitempty" format:"date-time"`
	Rating      string  `json:"rating,omitempty" enum:"exceeds,meets,below,unrated" doc:"Given when it was completed." example:"meets"`
}

// PerformanceBodyOf shows a performance to who holds the release of it.
func PerformanceBodyOf(view PerformanceView, release Release) PerformanceBody {
	body := PerformanceBody{
		WorkID: view.WorkID.String(), Name: personalBody(view.Name, release), State: personalBody(view.Measured, release).State,
		Figures: []FigureBody{}, Shifts: []RatedShift{},
	}
	if _, recorded := view.Measured.Reveal(release); !recorded {
		return body
	}
	body.Figures = each(view.Figures, func(f assignment.Figure) FigureBody {
		return FigureBody{Name: f.Name, Unit: f.Unit, Value: f.Value, Of: f.Of, Explanation: f.Explained, Shifts: each(f.Shifts, uuid.UUID.String)}
	})
	body.Shifts = each(view.Shifts, func(s PastShift) RatedShift {
		return RatedShift{PastShiftBody: pastShiftBody(s), CompletedAt: optionalTime(s.CompletedAt), Rating: string(s.Rating)}
	})
	return body
}

func (a *API) registerPerformance(api huma.API) {
	huma.Register(api, a.operation("get-performance", http.MethodGet, "/v1/performance", "Performance", "How somebody did",
		"Of the shifts and tasks that began on some days: how many were completed and on time, hours against the plan, ratings. Each figure says how it is counted and from which shifts. "+
			"Shown to "+strings.Join(performanceReaders(), ", ")+"; a worker sees their own. No other operation shows a rating."),
		func(ctx context.Context, in *struct {
			Fresh
			WhoseQuery
			DaysQuery
			Zone string `query:"zone" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" default:"UTC" doc:"IANA zone in which the days begin."`
		}) (*struct{ Body PerformanceBody }, error) {
			return a.getPerformance(ctx, in.WhoseQuery, in.DaysQuery, in.Zone)
		})
}

// performanceReaders are the roles of the register.
func performanceReaders() (roles []string) {
	for _, role := range Roles() {
		if eventschema.MaySee(eventschema.CategoryPerformance, string(role), Principal{Role: role}.Use()) {
			roles = append(roles, string(role))
		}
	}
	return roles
}

func (a *API) getPerformance(ctx context.Context, who WhoseQuery, days DaysQuery, zone string) (*struct{ Body PerformanceBody }, error) {
	if problem := who.check(true); problem != nil {
		return nil, problem
	}
	from, to, problem := instants(days.From, days.To, zone)
	if problem != nil {
		return nil, problem
	}
	view, err := a.inside.Workforce.Performance(ctx, caller(ctx), PerformanceQuestion{Whose: who.whose(), From: from, To: to})
	if err != nil {
		return nil, problemOf(err)
	}
	released, err := a.release(ctx, "get-performance", view.Link, view.Name, view.Measured)
	if err != nil {
		return nil, err
	}
	return &struct{ Body PerformanceBody }{PerformanceBodyOf(view, released)}, nil
}
