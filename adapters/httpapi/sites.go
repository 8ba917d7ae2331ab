package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// SiteBody is one site.
type SiteBody struct {
	Site     string     `json:"site" example:"harbor_st"`
	Zone     string     `json:"zone" example:"America/New_York"`
	Stations []string   `json:"stations" doc:"Whose punches are of this site unless they say another."`
	Fence    *FenceBody `json:"fence,omitempty" doc:"Left out where the site has none."`
}

// FenceBody is a circle on the ground, WGS 84.
type FenceBody struct {
	Latitude     float64 `json:"latitude" example:"42.3601"`
	Longitude    float64 `json:"longitude" example:"-71.0589"`
	RadiusMetres int     `json:"radius_metres" example:"150"`
}

type sitesAnswer struct {
	Body struct {
		Sites []SiteBody `json:"sites"`
	}
}

// LocationPointBody is a point that was kept with a punch.
type LocationPointBody struct {
	Position       uint64            `json:"position" doc:"The place in the log." example:"48213"`
	PunchID        string            `json:"punch_id" format:"uuid"`
	OccurredAt     string            `json:"occurred_at" format:"date-time" example:"2026-03-02T07:00:00Z"`
	Purpose        string            `json:"purpose" doc:"What the point is held for; see purposes." example:"location"`
	Latitude       PersonalBody      `json:"latitude"`
	Longitude      PersonalBody      `json:"longitude"`
	AccuracyMetres PersonalBody      `json:"accuracy_metres"`
	Site           string            `json:"site,omitempty" example:"harbor_st"`
	Fence          *FenceReadingBody `json:"fence,omitempty" doc:"What the fence of the site said; it stays when the point is erased."`
}

// FenceReadingBody is what a fence said of a point.
type FenceReadingBody struct {
	Verdict        string `json:"verdict" enum:"inside,outside,uncertain" example:"inside"`
	DistanceMetres int    `json:"distance_metres" doc:"From the edge, rounded up to 50 metres; 1000 is that or more, 0 is inside." example:"0"`
}

// PurposeBody says why something is held.
type PurposeBody struct {
	Purpose string   `json:"purpose" example:"location"`
	Holds   string   `json:"holds" example:"coordinates of punches and their accuracy"`
	Basis   string   `json:"basis" example:"consent, GDPR Art. 6(1)(a) and 7"`
	Keep    string   `json:"keep" doc:"How long, at most." example:"12 months"`
	Sooner  []string `json:"sooner" doc:"What ends it before."`
}

type locationsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		PersonID      string              `json:"person_id" format:"uuid"`
		Purposes      []PurposeBody       `json:"purposes"`
		Points        []LocationPointBody `json:"points"`
		NextPageToken string              `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerSites(api huma.API) {
	huma.Register(api, a.operation("list-sites", http.MethodGet, "/v1/sites", "Sites", "Sites and their fences",
		"In order of code; those that are closed are left out. Where a site is says nothing about a person."),
		func(ctx context.Context, _ *Fresh) (*sitesAnswer, error) { return a.listSites(ctx) })
	huma.Register(api, a.operation("list-visits", http.MethodGet, "/v1/visits", "Sites", "Who visited which centre",
		"In order of work id and time; a page holds the visits of page_size work records. A visit is no work: it is in no hours and ends none."),
		func(ctx context.Context, in *visitsInput) (*visitsAnswer, error) { return a.listVisits(ctx, *in) })
	huma.Register(api, a.operation("list-location-history", http.MethodGet, "/v1/people/{person_id}/location-history", "People", "The points kept of a person",
		"Every point that was kept with a punch, oldest first, with its purpose and what can be known of it today. A point whose consent was withdrawn says erased, under its case."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			PersonID ID `path:"person_id"`
		}) (*locationsAnswer, error) {
			return a.listLocations(ctx, in.Paging, in.PersonID.id())
		})
}

type visitsInput struct {
	Fresh
	Paging
	DaysQuery
	WorkID ID     `query:"work_id" doc:"Whose; left out, everybody's."`
	Site   string `query:"site" maxLength:"60" pattern:"^[a-z0-9_]+$" doc:"Only of this centre." example:"learning_centre"`
}

type visitsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Visits        []VisitBody `json:"visits"`
		NextPageToken string      `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

// VisitBody is one visit to a centre. It is no work.
type VisitBody struct {
	WorkID  string       `json:"work_id" format:"uuid"`
	Name    PersonalBody `json:"name"`
	State   string       `json:"state" enum:"here,ended,missing_out,out_without_in" example:"ended"`
	Site    string       `json:"site,omitempty" example:"learning_centre"`
	Reason  string       `json:"reason,omitempty" doc:"Code of the subject." example:"calculus"`
	Date    string       `json:"date" format:"date" doc:"Local date at the centre." example:"2026-03-02"`
	Since   *string      `json:"since,omitempty" format:"date-time" doc:"Left out where nobody said when they came."`
	Until   *string      `json:"until,omitempty" format:"date-time" doc:"Left out where nobody said when they left."`
	Seconds int64        `json:"seconds" doc:"Of a visit that has ended, else 0." example:"3600"`
}

func (a *API) listVisits(ctx context.Context, in visitsInput) (*visitsAnswer, error) {
	if problem := span(in.From, in.To); problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Sites.Visits(ctx, caller(ctx), VisitsQuestion{From: in.From, To: in.To, Work: in.WorkID.id(), Site: in.Site})
	if err != nil {
		return nil, problemOf(err)
	}
	asks := asking(ctx, "list-visits", "from", in.From, "to", in.To, "work_id", string(in.WorkID), "site", in.Site)
	answer := &visitsAnswer{}
	answer.Body.Visits, err = pageBodies(ctx, a, asks, in.Paging, rows, func(r VisitRow) (uuid.UUID, Personal) { return r.WorkID, r.Name },
		visitBody, &answer.Link, &answer.Body.NextPageToken)
	return answer, err
}

func visitBody(row VisitRow, release Release) VisitBody {
	known := func(at time.Time) *time.Time {
		if at.IsZero() {
			return nil
		}
		return &at
	}
	return VisitBody{
		WorkID: row.WorkID.String(), Name: personalBody(row.Name, release), State: string(row.State), Site: row.Site, Reason: row.Reason, Date: row.Date,
		Since: optionalTime(known(row.Since)), Until: optionalTime(known(row.Until)), Seconds: row.Seconds(),
	}
}

func (a *API) listSites(ctx context.Context) (*sitesAnswer, error) {
	sites, err := a.inside.Sites.OpenSites(ctx, caller(ctx))
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &sitesAnswer{}
	answer.Body.Sites = make([]SiteBody, len(sites))
	for i, s := range sites {
		body := SiteBody{Site: s.Code, Zone: s.Zone, Stations: append([]string{}, s.Stations...)}
		if f := s.Fence; f != nil {
			body.Fence = &FenceBody{Latitude: float64(f.LatitudeMicrodegrees) / 1e6, Longitude: float64(f.LongitudeMicrodegrees) / 1e6, RadiusMetres: f.RadiusMetres}
		}
		answer.Body.Sites[i] = body
	}
	return answer, nil
}

func (a *API) listLocations(ctx context.Context, paging Paging, person uuid.UUID) (*locationsAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-location-history", filter: []string{person.String()}}
	after, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Sites.LocationHistory(ctx, by, person, after, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	var values []Personal
	for _, row := range rows[:min(len(rows), paging.Size)] {
		values = append(values, row.Values()...)
	}
	released, err := a.release(ctx, "list-location-history", values...)
	if err != nil {
		return nil, err
	}
	answer := &locationsAnswer{}
	answer.Body.PersonID, answer.Body.Purposes = person.String(), []PurposeBody{purposeBody(eventschema.PurposeLocation)}
	answer.Body.Points = make([]LocationPointBody, 0, len(rows))
	for i, row := range rows {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, rows[i-1].Position, &answer.Link, &answer.Body.NextPageToken)
		}
		answer.Body.Points = append(answer.Body.Points, pointBody(row, released))
	}
	return answer, nil
}

func pointBody(view LocationView, release Release) LocationPointBody {
	body := LocationPointBody{
		Position: view.Position, PunchID: view.PunchID.String(), OccurredAt: rfc3339(view.OccurredAt), Purpose: string(view.Purpose), Site: view.Site,
		Latitude: personalBody(view.Latitude, release), Longitude: personalBody(view.Longitude, release), AccuracyMetres: personalBody(view.AccuracyMetres, release),
	}
	if view.Fence != nil {
		body.Fence = &FenceReadingBody{Verdict: string(view.Fence.Verdict), DistanceMetres: view.Fence.DistanceMetres}
	}
	return body
}

// purposeBody says what the register of processing says of a purpose.
func purposeBody(purpose eventschema.Purpose) PurposeBody {
	activity, _ := eventschema.Activity(purpose)
	return PurposeBody{
		Purpose: string(purpose), Holds: activity.Holds, Basis: activity.BasisNote, Keep: activity.Retention.Keep.String(),
		Sooner: append([]string{}, activity.Retention.Sooner...),
	}
}
