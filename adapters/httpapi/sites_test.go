package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

func (c *company) OpenSites(_ context.Context, by httpapi.Principal) ([]httpapi.SiteView, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	return []httpapi.SiteView{
		{Code: "centre", Zone: "Europe/Berlin"},
		{Code: "harbor_st", Zone: "America/New_York", Stations: []string{"gate-1"}, Fence: &eventschema.SiteFence{LatitudeMicrodegrees: 42_360_100, LongitudeMicrodegrees: -71_058_900, RadiusMetres: 150}},
	}, nil
}

// LocationHistory knows three points of Ada: two that were erased when she withdrew
// her consent, and one since she gave it again.
func (c *company) LocationHistory(_ context.Context, _ httpapi.Principal, person uuid.UUID, after uint64, limit int) ([]httpapi.LocationView, error) {
	if c.fail != nil || person != ada {
		return nil, c.fail
	}
	var page []httpapi.LocationView
	for i := after + 1; i <= 3 && len(page) < limit; i++ {
		view := httpapi.LocationView{Position: i, PunchID: stranger, OccurredAt: now, Purpose: eventschema.PurposeLocation, Site: "harbor_st",
			Fence: &eventschema.FenceReading{Verdict: eventschema.FenceOutside, DistanceMetres: 150}}
		view.Latitude, view.Longitude = withheld(eventschema.StateErased, closedCase, &leaf), withheld(eventschema.StateErased, closedCase, &leaf)
		if i == 2 {
			of := func(field, text string) httpapi.Personal {
				return httpapi.Personal{Personal: eventschema.Clear(text), Of: httpapi.ValueOf{Subject: ada, ShownValue: eventschema.ShownValue{Field: "location." + field, Purpose: eventschema.PurposeLocation}}}
			}
			view.Latitude, view.Longitude, view.Fence = of("latitude", "52.52"), of("longitude", "13.4"), nil
		}
		page = append(page, view)
	}
	return page, nil
}

// Visits knows two visits of Ada, of whom she has ended one, and one of somebody else.
func (c *company) Visits(_ context.Context, by httpapi.Principal, q httpapi.VisitsQuestion) ([]httpapi.VisitRow, error) {
	if c.fail != nil || by.Tenant != tenant {
		return nil, c.fail
	}
	name := clearOf(ada, "legal_name", "Ada Example")
	all := []httpapi.VisitRow{
		{WorkID: adasWork, Name: name, Visit: hours.Visit{State: hours.VisitEnded, Site: "centre", Reason: "calculus", Date: "2026-03-02", Since: now.Add(-2 * time.Hour), Until: now.Add(-time.Hour)}},
		{WorkID: adasWork, Name: name, Visit: hours.Visit{State: hours.VisitOpen, Site: "centre", Date: "2026-03-02", Since: now}},
		{WorkID: strangeWork, Name: withheld(eventschema.StateErased, closedCase, &leaf), Visit: hours.Visit{State: hours.VisitNoIn, Site: "centre", Date: "2026-03-02", Until: now}},
	}
	return slices.DeleteFunc(all, func(r httpapi.VisitRow) bool {
		return q.Work != uuid.Nil && r.WorkID != q.Work || q.Site != "" && r.Site != q.Site
	}), nil
}

func TestVisitsAreListedPageByPage(t *testing.T) {
	s := start(t)
	var told []string
	for target := "/v1/visits?from=2026-03-02&to=2026-03-08&page_size=1"; target != ""; {
		a := s.send("hr", "GET", target, "")
		s.expect(a, 200, "")
		var got struct {
			Visits []struct {
				State, Reason string
				Name          struct{ State, Value string }
				Since, Until  *string
				Seconds       int
			}
			Next string `json:"next_page_token"`
		}
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		for _, v := range got.Visits {
			told = append(told, fmt.Sprint(v.Name.State, v.Name.Value, " ", v.State, v.Reason, v.Seconds, v.Since != nil, v.Until != nil))
		}
		if target = ""; got.Next != "" {
			target = "/v1/visits?from=2026-03-02&to=2026-03-08&page_size=1&page_token=" + got.Next
			told = append(told, "next page")
		}
	}
	want := []string{"clearAda Example endedcalculus3600 true true", "clearAda Example here0 true false", "next page", "erased out_without_in0 false true"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Error(diff)
	}
	s.expect(s.send("hr", "GET", "/v1/visits?from=2026-03-02&to=2028-03-08", ""), 422, "")
}

// A person is told of every point, why it is held, and what became of it.
func TestAWorkerSeesTheirPointsWithTheirPurpose(t *testing.T) {
	type value struct{ State, Value, Case string }
	type page struct {
		Purposes []struct {
			Purpose, Holds, Basis, Keep string
			Sooner                      []string
		}
		Points []struct {
			Purpose             string
			Latitude, Longitude value
			Accuracy            value `json:"accuracy_metres"`
			Fence               *struct {
				Verdict  string
				Distance int `json:"distance_metres"`
			}
		}
		Next string `json:"next_page_token"`
	}
	s := start(t)
	var points []string
	for target := "/v1/people/" + ada.String() + "/location-history?page_size=2"; target != ""; {
		a := s.send("worker", "GET", target, "")
		s.expect(a, 200, "")
		var got page
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Purposes) != 1 || got.Purposes[0].Purpose != "location" || got.Purposes[0].Keep != "12 months" || got.Purposes[0].Basis == "" || len(got.Purposes[0].Sooner) == 0 {
			t.Errorf("purposes %+v", got.Purposes)
		}
		for _, p := range got.Points {
			if p.Purpose != "location" || p.Accuracy.State != "absent" || p.Latitude.State != p.Longitude.State || (p.Fence == nil) == (p.Latitude.State == "erased") {
				t.Errorf("%+v", p)
			}
			points = append(points, p.Latitude.State+" "+p.Latitude.Value+p.Latitude.Case)
		}
		if target = ""; got.Next != "" {
			target = "/v1/people/" + ada.String() + "/location-history?page_size=2&page_token=" + got.Next
		}
	}
	erased := "erased " + closedCase.String()
	if want := []string{erased, "clear 52.52", erased}; len(points) != 3 || points[0] != want[0] || points[1] != want[1] || points[2] != want[2] {
		t.Errorf("%q, want %q", points, want)
	}
}
