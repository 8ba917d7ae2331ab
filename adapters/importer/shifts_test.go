package importer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// recalling is a notebook that knows what was written into it before.
type recalling struct{ *notebook }

func (r recalling) Recall(_ context.Context, work uuid.UUID, from, before time.Time) (presses []Press, err error) {
	for _, p := range r.punches {
		if p.Work == work && !p.At.Before(from) && p.At.Before(before) {
			presses = append(presses, Press{At: p.At, Direction: p.Direction})
		}
	}
	return presses, nil
}

// A terminal without keys for in and out pushes each punch alone, or some together,
// or all at once when it was away: each means what it means in a file of all.
func TestPushedOneByOnePunchesMeanWhatTheyMeanTogether(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var rows []string
		at := time.Date(2026, 5, 4, 5, 0, 0, 0, time.UTC)
		for range rapid.IntRange(1, 12).Draw(rt, "shifts") {
			start := at.Add(time.Duration(rapid.IntRange(0, 120).Draw(rt, "late")) * time.Minute)
			presses := rapid.SampledFrom([]int{1, 2, 2, 2, 4, 6}).Draw(rt, "presses")
			for press := range presses {
				when := start.Add(time.Duration(press)*9*time.Hour/time.Duration(max(1, presses-1)) + time.Duration(rapid.IntRange(0, 50).Draw(rt, "minutes"))*time.Minute)
				rows = append(rows, "7\t"+when.Format(time.DateTime)+"\t255\t15")
			}
			at = at.Add(time.Duration(rapid.SampledFrom([]int{24, 24, 24, 24, 24, 24, 19, 30, 72}).Draw(rt, "hours")) * time.Hour)
		}
		together, apart := newNotebook("7"), recalling{newNotebook("7")}
		took(t, formatted(t, "adms", strings.Join(rows, "\n")), together)
		for rest := rows; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "pushed at once")
			for range rapid.IntRange(1, 2).Draw(rt, "times") { // the answer may be lost
				if _, err := Run(t.Context(), formatted(t, "adms", strings.Join(rest[:n], "\n")), apart); err != nil {
					rt.Fatal(err)
				}
			}
			rest = rest[n:]
		}
		if one, other := meanings(together), meanings(apart.notebook); !slices.Equal(one, other) {
			rt.Fatalf("together\n%s\napart\n%s", strings.Join(one, "\n"), strings.Join(other, "\n"))
		}
	})
}

func meanings(n *notebook) (list []string) {
	for _, p := range n.punches {
		list = append(list, fmt.Sprint(p.StationClock, " ", p.Direction))
	}
	return list
}
