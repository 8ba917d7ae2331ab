package hours_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// What a fence said is reported, never so gravely that it holds up what is paid, and
// changes nothing of what else is found.
func TestAFenceIsAFindingAndNoMore(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	paired := hours.DefaultPairing().Pair(punchesOf([]press{{at: "2026-03-02T08:00:00Z", direction: in}, {at: "2026-03-02T12:00:00Z", direction: out}}))
	for verdict, want := range map[eventschema.FenceVerdict][]hours.Finding{
		eventschema.FenceInside:    nil,
		eventschema.FenceOutside:   {{Code: hours.OutsideFence, Severity: hours.Medium, TimeTrex: "G1", At: at, WorkDate: "2026-03-02", Punches: []uuid.UUID{{15: 1}}}},
		eventschema.FenceUncertain: {{Code: hours.UncertainFence, Severity: hours.Low, At: at, WorkDate: "2026-03-02", Punches: []uuid.UUID{{15: 1}}}},
	} {
		t.Run(string(verdict), func(t *testing.T) {
			fenced := paired
			fenced.Exceptions = nil
			if code, reported := hours.OfFence(verdict); reported {
				fenced.Exceptions = []hours.Exception{{Punch: uuid.UUID{15: 1}, Code: code, At: at, WorkDate: "2026-03-02"}}
			}
			if diff := cmp.Diff(want, hours.DefaultReview().Review(fenced, at.AddDate(0, 0, 1))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
