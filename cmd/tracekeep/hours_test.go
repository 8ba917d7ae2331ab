package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracekeep/eventschema"
)

// One worker has the week that the mission's rules call a long sixth day, a meal
// that came too late, and an in whose out is missing.
//
// promise: ST-21
func TestHoursArePaidByRulesAndEveryMinuteSaysWhy(t *testing.T) {
	atDesk(t, func(d *desk) {
		in, out := eventschema.DirectionIn, eventschema.DirectionOut
		for day := 1; day <= 5; day++ { // from Sunday, 1 March 2026; each with a meal after four hours
			for hour, direction := range map[int]eventschema.Direction{6: in, 10: out, 11: in, 15: out} {
				d.punch(fmt.Sprintf("2026-03-%02dT%02d:00:00+01:00", day, hour), direction)
			}
		}
		first, last := d.punch("2026-03-06T06:00:00+01:00", in), d.punch("2026-03-06T19:00:00+01:00", out)
		lost := d.punch("2026-03-07T06:00:00+01:00", in)
		ask := func(args ...string) answer {
			args = append([]string{"hours", "report", "--data", d.data, "--zone", "Europe/Berlin"}, args...)
			return tracekeep(t, args...)
		}
		week := []string{"--from", "2026-03-01", "--to", "2026-03-07"}

		// The read models come after the last punch; the command waits for them.
		answered := ask(append(week, "--rules", "california", "--json")...).ok(t, exitRejected)
		rows := answered.objects(t)
		if len(rows) != 1 {
			t.Fatal(answered.out)
		}
		row := rows[0]
		for key, hours := range map[string]float64{"regular_seconds": 40, "overtime_seconds": 12, "double_time_seconds": 1} {
			if row[key] != hours*3600 {
				t.Errorf("%s is %v, want %v hours", key, row[key], hours)
			}
		}
		if row["premium_hours"] != 1.0 || row["rules"] != "california" || row["rules_version"] != 2.0 {
			t.Errorf("%v", row)
		}
		var explained float64
		rules := map[any]float64{}
		for _, l := range row["lines"].([]any) {
			line := l.(map[string]any)
			cause := line["cause"].(map[string]any)
			explained += line["seconds"].(float64)
			rules[cause["rule"]] += line["seconds"].(float64) / 3600
			if line["workday"] == "2026-03-06" && (line["in"] != first.String() || line["out"] != last.String() || cause["source"] == "") {
				t.Errorf("%v", line)
			}
		}
		if explained != 53*3600 || rules["straight_time"] != 40 || rules["weekly"] != 8 || rules["daily"] != 5 {
			t.Errorf("%v seconds are explained, by %v", explained, rules)
		}
		found := row["exceptions"].([]any)
		if len(found) != 2 || found[0].(map[string]any)["code"] != "long_interval" || fmt.Sprint(found[1].(map[string]any)["punches"]) != "["+lost.String()+"]" {
			t.Errorf("%v", found)
		}

		// A period that cuts the week finds the same overtime on its own days.
		cut := ask("--rules", "flsa", "--from", "2026-03-06", "--to", "2026-03-06", "--json").ok(t, exitRejected).objects(t)
		if len(cut) != 1 || cut[0]["overtime_seconds"] != 13.0*3600 || cut[0]["regular_seconds"] != 0.0 {
			t.Errorf("%v", cut)
		}
		// 53 hours at 12, with a production bonus of 53: the regular rate is 13, and 13 hours add 6.50 each.
		paid := ask(append(week, "--rules", "flsa", "--person", "Ada", "--rate", "12", "--production", "53", "--json")...).ok(t, exitRejected).objects(t)
		pay := paid[0]["pay"].([]any)[0].(map[string]any)
		if pay["regular_rate"] != "13.0000" || pay["gross"] != "773.50" || pay["cycle"] != "2026-03-01" {
			t.Errorf("%v", pay)
		}
		german := ask(append(week, "--rules", "de", "--explain")...).ok(t, exitRejected)
		for _, want := range []string{"Ada Example", "breach: pause", "ArbZG § 4", "0:00, not 0:45", "breach: long_day", first.String(), "exception: missing_out", "straight_time of de v1"} {
			if !strings.Contains(german.out, want) {
				t.Errorf("%q is missing in\n%s", want, german.out)
			}
		}
		scheduled := ask("--rules", "207k-28", "--schedule", "biweekly", "--anchor", "2026-03-01", "--on", "2026-03-10").ok(t, exitRejected)
		if !strings.Contains(scheduled.out, "2026-03-01/2026-03-14 by 207k-28, version 2") || !strings.Contains(scheduled.out, "53:00") {
			t.Error(scheduled.out)
		}

		// Whoever knew less is told less.
		if before := ask(append(week, "--rules", "flsa", "--known-at", "2020-01-01T00:00:00Z", "--json")...).ok(t); before.out != "" {
			t.Error(before.out)
		}
	})
}

func TestWrongOrdersForHoursAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte("name: acme\nversion: 1\nbased_on: flsa\nzone: America/New_York\nmoon: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	week := []string{"--from", "2026-03-01", "--to", "2026-03-07"}
	for fault, args := range map[string][]string{
		"no zone":                   append([]string{"--rules", "flsa"}, week...),
		"a zone that is none":       append([]string{"--rules", "nowhere", "--zone", "Europe/Berlin"}, week...),
		"a file with a strange key": append([]string{"--rules", file}, week...),
		"no days":                   {"--rules", "flsa", "--zone", "Europe/Berlin"},
		"days that are backwards":   {"--rules", "flsa", "--zone", "Europe/Berlin", "--from", "2026-03-07", "--to", "2026-03-01"},
		"days and a schedule":       append([]string{"--rules", "flsa", "--zone", "Europe/Berlin", "--schedule", "monthly"}, week...),
		"a schedule nobody keeps":   {"--rules", "flsa", "--zone", "Europe/Berlin", "--schedule", "yearly", "--on", "2026-03-07"},
		"a rate for everybody":      append([]string{"--rules", "flsa", "--zone", "Europe/Berlin", "--rate", "12"}, week...),
		"a rate that is none":       append([]string{"--rules", "flsa", "--zone", "Europe/Berlin", "--person", "x", "--rate", "1e3"}, week...),
	} {
		if got := tracekeep(t, append([]string{"hours", "report", "--data", t.TempDir()}, args...)...); got.code != exitUsage {
			t.Errorf("%s: exit code %d, %s", fault, got.code, got.err)
		}
	}
	if got := tracekeep(t, "hours", "rules", "--check", file); got.code != exitFailed || !strings.Contains(got.err, "moon") {
		t.Errorf("%d, %s", got.code, got.err)
	}
	if got := tracekeep(t, "hours", "rules").ok(t); !strings.Contains(got.out, "207k-28") {
		t.Error(got.out)
	}
	if got := tracekeep(t, "hours", "rules", "california").ok(t); !strings.Contains(got.out, "seventh_day:") {
		t.Error(got.out)
	}
}
