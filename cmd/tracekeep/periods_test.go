package main

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// A week is paid; then one of its punches is corrected and another comes late. The
// card stays as it was paid, and the week after settles what it lacks, once.
//
// promise: ST-21
// promise: ST-42
func TestWhatChangesInALockedPeriodIsPaidWithTheNext(t *testing.T) {
	atDesk(t, func(d *desk) {
		in, out := eventschema.DirectionIn, eventschema.DirectionOut
		officer := uuid.NewString()
		shift := func(date string) (first, last uuid.UUID) {
			return d.punch(date+"T08:00:00+01:00", in), d.punch(date+"T16:00:00+01:00", out)
		}
		_, last := shift("2026-03-02") // a Monday
		shift("2026-03-09")
		lost := d.punch("2026-03-03T08:00:00+01:00", in)
		days := [][]string{{"--from", "2026-03-01", "--to", "2026-03-07"}, {"--from", "2026-03-08", "--to", "2026-03-14"}, {"--from", "2026-03-15", "--to", "2026-03-21"}}
		rules := []string{"--rules", "flsa", "--zone", "Europe/Berlin", "--json"}
		lock := func(week int, more ...string) answer {
			args := append([]string{"periods", "lock", "--data", d.data, "--officer", officer}, append(days[week], rules...)...)
			return tracekeep(t, append(args, more...)...)
		}
		adjustments := func(week int) string {
			args := append([]string{"hours", "report", "--data", d.data}, append(days[week], rules...)...)
			text := ""
			for _, row := range tracekeep(t, args...).ok(t, exitOK, exitRejected).objects(t) {
				for _, a := range row["adjustments"].([]any) {
					text += fmt.Sprint(a.(map[string]any)["from"], " ", a.(map[string]any)["time"].(map[string]any)["regular_seconds"], ";")
				}
			}
			return text
		}
		if got := lock(0); got.code != exitFailed {
			t.Fatalf("a period with a missing out was locked: %s%s", got.out, got.err)
		}
		var first, again, next struct {
			PeriodID    uuid.UUID `json:"period_id"`
			Cards       int
			Adjustments int
		}
		lock(0, "--despite-findings").ok(t).last(t, &first)
		if first.Cards != 1 || first.Adjustments != 0 {
			t.Errorf("%+v", first)
		}
		if got := adjustments(1); got != "" {
			t.Errorf("nothing has changed, and %s is adjusted", got)
		}

		d.correct(last, "2026-03-02T17:30:00+01:00", out, eventschema.ReasonWrongTime)
		d.punch("2026-03-03T12:00:00+01:00", out) // the out of lost, late
		if got := adjustments(1); got != "2026-03-01 19800;" {
			t.Errorf("an hour and a half and four hours more: %s", got)
		}
		lock(0, "--despite-findings").ok(t).last(t, &again)
		if again.PeriodID != first.PeriodID || adjustments(1) != "2026-03-01 19800;" {
			t.Errorf("a locked period was locked anew: %+v, %s", again, adjustments(1))
		}
		lock(1).ok(t).last(t, &next)
		if next.Adjustments != 1 {
			t.Errorf("%+v", next)
		}
		if got := adjustments(2); got != "" {
			t.Errorf("%s is adjusted twice", got)
		}
		for period, want := range map[uuid.UUID]string{
			first.PeriodID: "28800 0 []", next.PeriodID: "28800 1 [2026-03-01 19800]",
		} {
			card := d.run("periods", "cards", "--period", period.String(), "--json").objects(t)[0]
			var settled []string
			for _, a := range card["adjustments"].([]any) {
				settled = append(settled, fmt.Sprint(a.(map[string]any)["from"], " ", a.(map[string]any)["time"].(map[string]any)["regular_seconds"]))
			}
			if got := fmt.Sprint(card["time"].(map[string]any)["regular_seconds"], " ", len(settled), " ", settled); got != want {
				t.Errorf("a card says %s, want %s", got, want)
			}
		}
		// What was late turns out to be somebody else's: it is taken back.
		d.correct(lost, "", "", eventschema.ReasonNotThisPunch)
		if got := adjustments(2); got != "2026-03-01 -14400;" {
			t.Errorf("four hours less: %s", got)
		}
		if listed := d.run("periods", "list", "--json").objects(t); len(listed) != 2 || listed[0]["cards"] != 1.0 || listed[0]["locked_by"] != officer {
			t.Errorf("%v", listed)
		}
		if overlapping := tracekeep(t, "periods", "lock", "--data", d.data, "--officer", officer, "--rules", "flsa", "--zone", "Europe/Berlin", "--from", "2026-03-07", "--to", "2026-03-09", "--despite-findings"); overlapping.code != exitFailed {
			t.Errorf("days were paid twice: %s", overlapping.out)
		}
	})
}
