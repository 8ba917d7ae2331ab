package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/postgres"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// compareVisits pairs the punches of visits alone.
func compareVisits(rt *rapid.T, t *testing.T, models *postgres.ReadModels, h *history, counting map[uuid.UUID]map[uuid.UUID]*hours.Punch, voided map[uuid.UUID]bool) {
	now := clock("2026-03-11T06:00:00Z")
	var want, got []string
	for work, byID := range counting {
		var punches []hours.VisitPunch
		for punchID, p := range byID {
			if !voided[punchID] && p.Kind == eventschema.KindVisit {
				punches = append(punches, hours.VisitPunch{Punch: *p})
			}
		}
		for _, v := range hours.DefaultPairing().Visits(punches, now) {
			want = append(want, fmt.Sprint(work, v.State, v.In, v.Out, v.Since.UTC(), v.Until.UTC(), v.Date))
		}
	}
	visits, err := projections.Visits(t.Context(), models.Querier(), h.tenant, projections.VisitsAsked{From: "2000-01-01", To: "2100-01-01"}, now)
	if err != nil {
		rt.Fatal(err)
	}
	for _, v := range visits {
		got = append(got, fmt.Sprint(v.WorkID, v.State, v.In, v.Out, v.Since, v.Until, v.Date))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatalf("the visits of the fold and those asked for differ (-fold +asked):\n%s", diff)
	}
}
