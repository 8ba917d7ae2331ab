package main

import (
	"testing"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// promise: ST-42
func TestACorrectionIsAskedForByOneAndMadeByTheWordOfAnother(t *testing.T) {
	atDesk(t, func(d *desk) {
		d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		last := d.punch("2026-03-02T16:00:00+01:00", eventschema.DirectionOut)
		clerk, second := uuid.NewString(), uuid.NewString()
		ask := func(more ...string) string {
			var asked struct {
				ID string `json:"correction_id"`
			}
			d.run(append([]string{"corrections", "request", "--punch", last.String(), "--officer", clerk, "--json"}, more...)...).last(t, &asked)
			return asked.ID
		}
		approve := func(id, officer string) answer {
			return tracekeep(t, "corrections", "approve", "--data", d.data, "--correction", id, "--officer", officer)
		}
		refuse := func(id, officer string) answer {
			return tracekeep(t, "corrections", "refuse", "--data", d.data, "--correction", id, "--officer", officer, "--ground", "as_recorded")
		}
		later := []string{"--at", "2026-03-02T17:30:00+01:00", "--direction", "out", "--reason", "wrong_time"}
		moved := ask(later...)
		if again := ask(later...); again != moved {
			t.Errorf("the same was asked for twice: %s, %s", moved, again)
		}
		voided := ask("--void", "--reason", "not_the_punch")
		if got := d.hours(); got != 8*3600 {
			t.Errorf("a request changed the hours to %v", got)
		}
		if open := d.run("corrections", "list", "--json").objects(t); len(open) != 2 {
			t.Errorf("%v", open)
		}
		if got := approve(moved, clerk); got.code != exitFailed {
			t.Errorf("whoever asked approved: %s", got.out)
		}
		for range 2 { // once more changes nothing
			approve(moved, second).ok(t)
		}
		refuse(voided, second).ok(t)
		if got := approve(voided, second); got.code != exitFailed {
			t.Errorf("what was refused was approved: %s", got.out)
		}
		if got := d.hours(); got != 9.5*3600 {
			t.Errorf("%v seconds", got)
		}
		if open := d.run("corrections", "list", "--json").objects(t); len(open) != 0 {
			t.Errorf("%v", open)
		}
		all := d.run("corrections", "list", "--all", "--json").objects(t)
		if len(all) != 2 || all[0]["outcome"] != "refused" || all[1]["outcome"] != "approved" || all[1]["requested_by"] != clerk || all[1]["decided_by"] != second {
			t.Errorf("%v", all)
		}
		if got := approve(uuid.NewString(), second); got.code != exitFailed {
			t.Errorf("what nobody asked for was approved: %s", got.out)
		}
		if got := tracekeep(t, "corrections", "request", "--data", d.data, "--punch", uuid.NewString(), "--officer", clerk, "--void", "--reason", "other"); got.code != exitFailed {
			t.Errorf("a punch that is not there: %s", got.out)
		}
		if got := tracekeep(t, "corrections", "request", "--data", d.data, "--punch", last.String(), "--officer", clerk, "--at", "2026-03-02T17:30:00+01:00", "--reason", "other"); got.code != exitUsage {
			t.Errorf("without a direction: %d %s", got.code, got.out)
		}
	})
}
