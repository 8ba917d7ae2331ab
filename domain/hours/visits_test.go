package hours_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// come is one punch of a visitor.
type come struct {
	at           string
	direction    eventschema.Direction
	site, reason string
}

func TestVisits(t *testing.T) {
	now := time.Date(2026, 3, 2, 18, 0, 0, 0, time.UTC)
	for rule, c := range map[string]struct {
		given []come
		then  []string
	}{
		"who came and left has visited": {
			[]come{{"2026-03-02T08:00:00Z", in, "centre", "calculus"}, {"2026-03-02T09:30:00Z", out, "centre", ""}},
			[]string{"ended centre calculus 2026-03-02 1-2 5400s"}},
		"the subject may be said on leaving": {
			[]come{{"2026-03-02T08:00:00Z", in, "", ""}, {"2026-03-02T09:30:00Z", out, "centre", "calculus"}},
			[]string{"ended centre calculus 2026-03-02 1-2 5400s"}},
		"who came and has not left is here": {
			[]come{{"2026-03-02T17:00:00Z", in, "centre", "calculus"}}, []string{"here centre calculus 2026-03-02 1-0 0s"}},
		"after sixteen hours somebody forgot to leave": {
			[]come{{"2026-03-02T01:59:59Z", in, "centre", ""}}, []string{"missing_out centre  2026-03-02 1-0 0s"}},
		"who comes again did not say when they left": {
			[]come{{"2026-03-02T08:00:00Z", in, "centre", "calculus"}, {"2026-03-02T13:00:00Z", in, "centre", "latin"}},
			[]string{"missing_out centre calculus 2026-03-02 1-0 0s", "here centre latin 2026-03-02 2-0 0s"}},
		"who leaves did not say when they came": {
			[]come{{"2026-03-02T08:00:00Z", out, "centre", ""}}, []string{"out_without_in centre  2026-03-02 0-1 0s"}},
		"who leaves another centre than they came to has left neither": {
			[]come{{"2026-03-02T08:00:00Z", in, "centre", "calculus"}, {"2026-03-02T09:30:00Z", out, "annex", ""}},
			[]string{"missing_out centre calculus 2026-03-02 1-0 0s", "out_without_in annex  2026-03-02 0-2 0s"}},
		"a card that is held to the kiosk twice is one coming": {
			[]come{{"2026-03-02T08:00:00Z", in, "centre", "calculus"}, {"2026-03-02T08:00:20Z", in, "centre", "calculus"}, {"2026-03-02T09:00:00Z", out, "centre", ""}},
			[]string{"ended centre calculus 2026-03-02 1-3 3600s"}},
		"nobody came": {nil, []string{}},
	} {
		t.Run(rule, func(t *testing.T) {
			var punches []hours.VisitPunch
			for i, p := range c.given {
				at, err := time.Parse(time.RFC3339, p.at)
				if err != nil {
					t.Fatal(err)
				}
				punches = append(punches, hours.VisitPunch{Site: p.site, Reason: p.reason, Punch: hours.Punch{
					ID: uuid.UUID{15: byte(i + 1)}, OccurredAt: at, Direction: p.direction, Kind: eventschema.KindVisit,
				}})
			}
			told := []string{}
			for _, v := range hours.DefaultPairing().Visits(punches, now) {
				told = append(told, fmt.Sprintf("%s %s %s %s %d-%d %ds", v.State, v.Site, v.Reason, v.Date, v.In[15], v.Out[15], v.Seconds()))
			}
			if diff := cmp.Diff(c.then, told); diff != "" {
				t.Errorf("(-then +got)\n%s", diff)
			}
		})
	}
}
