package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// press records a punch with a job for a work record.
func (d *desk) press(work uuid.UUID, at string, direction eventschema.Direction, kind eventschema.PunchKind, job string) uuid.UUID {
	d.t.Helper()
	occurred, err := time.Parse(time.RFC3339, at+":00+01:00")
	if err != nil {
		d.t.Fatal(err)
	}
	id := uuid.New()
	if _, err := d.a.RecordPunch(d.t.Context(), d.intent(), httpapi.PunchEntry{
		PunchID: id, Work: work, OccurredAt: occurred.UTC(), Zone: "Europe/Berlin", OffsetSeconds: 3600, Direction: direction, Kind: kind,
		Station: "gate-1", StationClock: at, ReceivedAt: time.Now(), Job: job,
	}); err != nil {
		d.t.Fatal(err)
	}
	return id
}

// planned is a plan file of three groups; the first has the person and rules given.
func planned(t *testing.T, dir, name string, ada, cal, dee uuid.UUID, adas string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	text := fmt.Sprintf(`
name: acme
version: 4
groups:
  - name: watch
    people: [%s]
    rules: %s
    zone: Europe/Berlin
    rates: {front_desk: 10.00, night_watch: 20.00, road_detail: 60.00}
    details:
      - {jobs: [road_detail], rules: boston-detail-construction}
  - name: west
    people: [%s]
    rules: california
    zone: Europe/Berlin
    rate: 20
    rates: {front_desk: 10}
    bonuses:
      - {person: %s, week: 2026-03-01, flat_sum: 100.00}
  - name: all_others
    rules: flsa
    rules_version: 1
    zone: Europe/Berlin
    job: kitchen
    rate: 12.00
    bonuses:
      - {person: %s, week: 2026-03-01, production: 46.00}
`, ada, adas, cal, cal, dee)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Ada and Cal work 10 hours at one rate and 40 at another, changing in the middle of
// a shift, under rules of their own; Dee works 46 hours and earns a bonus. All are
// paid and locked by one plan. Then it turns out that Ada changed to the wrong job.
//
// promise: ST-21
// promise: ST-07
func TestAPlanPaysGroupsByRulesAndJobsByRates(t *testing.T) {
	atDesk(t, func(d *desk) {
		in, out, normal, transfer := eventschema.DirectionIn, eventschema.DirectionOut, eventschema.KindNormal, eventschema.KindTransfer
		ada, works := d.person.WorkID, map[string]uuid.UUID{}
		for _, name := range []string{"Cal", "Dee"} {
			person, err := d.a.RegisterPerson(t.Context(), d.intent(), httpapi.Registration{LegalName: eventschema.Clear(name + " Example"), ReceivedAt: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			works[name] = person.WorkID
		}
		cal, dee := works["Cal"], works["Dee"]
		var changed uuid.UUID
		for day := 1; day <= 5; day++ {
			for _, work := range []uuid.UUID{ada, cal} {
				at := func(hour int) string { return fmt.Sprintf("2026-03-%02dT%02d:00", day, hour) }
				d.press(work, at(6), in, normal, "front_desk")
				change := d.press(work, at(8), in, transfer, "night_watch")
				d.press(work, at(16), out, normal, "")
				if work == ada && day == 5 {
					changed = change
				}
			}
		}
		d.press(ada, "2026-03-06T10:00", in, normal, "road_detail")
		d.press(ada, "2026-03-06T12:00", out, normal, "")
		for day, end := range map[int]int{1: 16, 2: 16, 3: 16, 4: 16, 5: 16, 6: 14} {
			d.press(dee, fmt.Sprintf("2026-03-%02dT08:00", day), in, normal, "")
			d.press(dee, fmt.Sprintf("2026-03-%02dT%02d:00", day, end), out, normal, "")
		}
		dir := t.TempDir()
		plan := planned(t, dir, "plan.yaml", ada, cal, dee, "flsa")
		week := []string{"--data", d.data, "--from", "2026-03-01", "--to", "2026-03-07"}
		report := func(plan string, more ...string) answer {
			return tracekeep(t, slices.Concat([]string{"hours", "report", "--plan", plan}, week, more)...)
		}
		d.checkPlannedPay(report(plan, "--json").ok(t).objects(t), map[string]string{
			// 29 CFR 778.115, and two hours outside of duty that are paid as four
			ada.String(): "watch 2026-03-01 18.0000 990.00, 2026-03-01 60.0000 240.00",
			// 900, the bonus, 10 hours that add 9 and 3.75, five premium hours at 20.50
			cal.String(): "west 2026-03-01 20.5000 1230.00",
			dee.String(): "all_others 2026-03-01 13.0000 637.00", // 29 CFR 778.110(b)
		})
		explained := report(plan, "--explain").ok(t)
		for _, want := range []string{"29 CFR 778.115", "Alvarado v. Dart Container", "pay: guarantee 120.00", "pay: bonus 46.00", "kitchen", "night_watch", changed.String()} {
			if !strings.Contains(explained.out, want) {
				t.Errorf("%q is missing in\n%s", want, explained.out)
			}
		}
		d.checkWageRecord(plan, dee)
		if nobody := report(withoutRest(t, dir, plan)); nobody.code != exitFailed || !strings.Contains(nobody.err, dee.String()) || strings.Contains(nobody.err, cal.String()) {
			t.Errorf("hours of nobody's group: %d %s", nobody.code, nobody.err)
		}
		d.checkPlannedLock(plan, planned(t, dir, "next.yaml", ada, cal, dee, "california"), ada, changed)
		d.checkRounding(dir, dee)
	})
}

// checkRounding loses fourteen minutes of a quarter, by 29 CFR 785.48(b), and gains ten
// in the next.
func (d *desk) checkRounding(dir string, dee uuid.UUID) {
	t := d.t
	for in, out := range map[string]string{"2026-03-30T08:08": "2026-03-30T12:07", "2026-04-01T08:05": "2026-04-01T12:10"} {
		d.press(dee, in, eventschema.DirectionIn, eventschema.KindNormal, "")
		d.press(dee, out, eventschema.DirectionOut, eventschema.KindNormal, "")
	}
	file := filepath.Join(dir, "quarters.yaml")
	if err := os.WriteFile(file, []byte("name: quarters\nversion: 1\nbased_on: flsa\nsource: the house\nzone: Europe/Berlin\nrounding: {step: 15m}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(to string) answer {
		return tracekeep(t, "hours", "rounding", "--data", d.data, "--rules", file, "--from", "2026-03-29", "--to", to, "--json")
	}
	rows := ask("2026-04-04").ok(t, exitRejected).objects(t)
	got := ""
	for _, row := range rows {
		got += fmt.Sprint(row["quarter"], " ", row["gained_seconds"], " ", row["loses"], "; ")
	}
	if want := "2026-Q1 -840 true; 2026-Q2 600 false; "; got != want || len(rows) != 2 || rows[0]["work_id"] != dee.String() {
		t.Errorf("%s, want %s", got, want)
	}
}

func (d *desk) checkPlannedPay(rows []map[string]any, want map[string]string) {
	d.t.Helper()
	got := map[string]string{}
	for _, row := range rows {
		var paid []string
		for _, p := range row["pay"].([]any) {
			pay := p.(map[string]any)
			paid = append(paid, fmt.Sprint(pay["cycle"], " ", pay["regular_rate"], " ", pay["gross"]))
		}
		got[row["work_id"].(string)] = fmt.Sprint(row["group"], " ", strings.Join(paid, ", "))
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		d.t.Errorf("paid\n%v, want\n%v", got, want)
	}
}

// checkWageRecord asks for what 29 CFR 516.2(a) lists: each of its twelve items is in
// the record, or it is said where else it is.
func (d *desk) checkWageRecord(plan string, dee uuid.UUID) {
	t := d.t
	rows := d.run("hours", "record", "--plan", plan, "--from", "2026-03-01", "--to", "2026-03-07", "--person", "Dee", "--json").objects(t)
	if len(rows) != 2 || rows[0]["work_id"] != dee.String() || rows[0]["week"] != "2026-03-01" || rows[0]["worked_seconds"] != 46*3600.0 || rows[0]["gross"] != "637.00" {
		t.Fatalf("%v", rows)
	}
	if days := rows[0]["days"].([]any); len(days) != 6 || days[5].(map[string]any)["seconds"] != 6*3600.0 {
		t.Errorf("%v", days)
	}
	missing := rows[1]["not_held"].(map[string]any)
	for i, f := range app.WageRecordFields() {
		if f.Item != fmt.Sprintf("(%d)", i+1) || len(f.In) == 0 && f.Elsewhere == "" {
			t.Errorf("item %d of 516.2(a) is %+v", i+1, f)
		}
		for _, name := range f.In {
			if value, there := rows[0][name]; !there || value == "" || value == nil {
				t.Errorf("%s %s: %s is missing", f.Item, f.What, name)
			}
		}
		if said, there := missing[f.Item+" "+f.What]; there != (f.Elsewhere != "") || there && said != f.Elsewhere {
			t.Errorf("%s %s: %v", f.Item, f.What, said)
		}
	}
	if len(app.WageRecordFields()) != 12 {
		t.Errorf("29 CFR 516.2(a) has twelve items")
	}
	if got := d.run("hours", "record", "--plan", plan, "--from", "2026-03-01", "--to", "2026-03-07"); !strings.Contains(got.out, "(2) home address") || !strings.Contains(got.out, "03-06 6:00") {
		t.Error(got.out)
	}
}

// withoutRest is the plan without its last group.
func withoutRest(t *testing.T, dir, plan string) string {
	t.Helper()
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "without.yaml")
	if err := os.WriteFile(file, text[:strings.Index(string(text), "  - name: all_others")], 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// checkPlannedLock locks the week, and then says that a punch was for another job. By
// the next plan Ada is in California, whose rules would have given her premium hours.
func (d *desk) checkPlannedLock(plan, next string, ada, changed uuid.UUID) {
	t := d.t
	officer, second := uuid.NewString(), uuid.NewString()
	var locked struct {
		PeriodID uuid.UUID `json:"period_id"`
		Cards    int
	}
	tracekeep(t, "periods", "lock", "--data", d.data, "--plan", plan, "--from", "2026-03-01", "--to", "2026-03-07", "--officer", officer, "--json").ok(t).last(t, &locked)
	if listed := d.run("periods", "list", "--json").objects(t); locked.Cards != 3 || len(listed) != 1 || listed[0]["plan"] != "acme" || len(listed[0]["paid_by"].([]any)) != 3 {
		t.Errorf("%+v, %v", locked, listed)
	}
	cards := func() string {
		text := ""
		for _, card := range d.run("periods", "cards", "--period", locked.PeriodID.String(), "--json").objects(t) {
			if card["work_id"] != ada.String() {
				continue
			}
			by := card["by"].(map[string]any)
			text += fmt.Sprint(by["group"], " ", by["rules"].([]any)[0].(map[string]any)["name"])
			for _, j := range card["jobs"].([]any) {
				job := j.(map[string]any)
				time := job["time"].(map[string]any)
				text += fmt.Sprint("; ", job["job"], " ", time["regular_seconds"], " ", time["overtime_seconds"], " ", time["guaranteed_seconds"])
			}
		}
		return text
	}
	const paid = "watch flsa; front_desk 28800 7200 <nil>; night_watch 115200 28800 <nil>; road_detail 7200 0 7200"
	if got := cards(); got != paid {
		t.Errorf("a card says %s, want %s", got, paid)
	}
	var asked struct {
		ID string `json:"correction_id"`
	}
	d.run("corrections", "request", "--punch", changed.String(), "--at", "2026-03-05T08:00:00+01:00", "--direction", "in", "--kind", "transfer", "--job", "front_desk",
		"--reason", "wrong_key", "--officer", officer, "--json").last(t, &asked)
	d.run("corrections", "approve", "--correction", asked.ID, "--officer", second)
	adjusted := ""
	for _, row := range tracekeep(t, "hours", "report", "--data", d.data, "--plan", next, "--from", "2026-03-08", "--to", "2026-03-14", "--json").ok(t).objects(t) {
		for _, a := range row["adjustments"].([]any) {
			adjustment := a.(map[string]any)
			time := adjustment["time"].(map[string]any)
			adjusted += fmt.Sprint(adjustment["job"], " ", time["regular_seconds"], " ", time["overtime_seconds"], " ", time["premium_hours"], "; ")
		}
	}
	// The eighth hour of the fifth day and nine more were overtime, and are now of the other job.
	if want := "front_desk 0 28800 0; night_watch 0 -28800 0; "; adjusted != want {
		t.Errorf("adjusted by %q, want %q", adjusted, want)
	}
	if got := cards(); got != paid {
		t.Errorf("a locked card has changed to %s", got)
	}
}

func TestWrongPlansAreRefused(t *testing.T) {
	dir := t.TempDir()
	person := uuid.NewString()
	const group = "\n  - {name: a, rules: flsa, zone: UTC"
	for fault, c := range map[string]struct{ text, says string }{
		"a strange name":             {"name: p\nversion: 1\nmoon: 1\ngroups:" + group + "}", "moon"},
		"no groups":                  {"name: p\nversion: 1\n", "at least one"},
		"two documents":              {"name: p\nversion: 1\ngroups:" + group + "}\n---\nname: q\n", "more than one document"},
		"two have all the rest":      {"name: p\nversion: 1\ngroups:" + group + "}\n  - {name: b, rules: flsa, zone: UTC}", "all the rest"},
		"a name twice":               {"name: p\nversion: 1\ngroups:" + group + "}" + group + ", people: [" + person + "]}", "there twice"},
		"a person twice":             {"name: p\nversion: 1\ngroups:" + group + ", people: [" + person + "]}\n  - {name: b, rules: flsa, zone: UTC, people: [" + person + "]}", person},
		"a person by name":           {"name: p\nversion: 1\ngroups:" + group + ", people: [ada]}", "work id"},
		"no zone":                    {"name: p\nversion: 1\ngroups:\n  - {name: a, rules: flsa}", "zone"},
		"a zone that is none":        {"name: p\nversion: 1\ngroups:\n  - {name: a, rules: flsa, zone: Moon}", "Moon"},
		"rules that are none":        {"name: p\nversion: 1\ngroups:\n  - {name: a, rules: nowhere, zone: UTC}", "nowhere"},
		"another version":            {"name: p\nversion: 1\ngroups:" + group + ", rules_version: 2}", "rules_version"},
		"a rate of a float":          {"name: p\nversion: 1\ngroups:" + group + ", rate: 1e3}", "12.50"},
		"a job that is no code":      {"name: p\nversion: 1\ngroups:" + group + ", rates: {Night watch: 3}}", "Night watch"},
		"a rate and a salary":        {"name: p\nversion: 1\ngroups:" + group + ", rate: 3, salary: {monthly: 4160, weekly: 40h}}", "rates or a salary"},
		"a salary of work periods":   {"name: p\nversion: 1\ngroups:\n  - {name: a, rules: 207k-28, zone: UTC, salary: {monthly: 4160, weekly: 40h}}", "7 days"},
		"a bonus without pay":        {"name: p\nversion: 1\ngroups:" + group + ", bonuses: [{production: 3}]}", "bonuses"},
		"a bonus of half a week":     {"name: p\nversion: 1\ngroups:" + group + ", rate: 3, bonuses: [{production: 3, week: 2026-03-02}]}", "2026-03-02"},
		"a bonus of somebody else's": {"name: p\nversion: 1\ngroups:" + group + ", people: [" + person + "], rate: 3, bonuses: [{production: 3, person: " + uuid.NewString() + "}]}", "not in the group"},
		"a detail without jobs":      {"name: p\nversion: 1\ngroups:" + group + ", details: [{rules: boston-court}]}", "name the jobs"},
	} {
		file := filepath.Join(dir, "plan.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := tracekeep(t, "hours", "plan", "--check", file); got.code != exitFailed || !strings.Contains(got.err, c.says) {
			t.Errorf("%s: %d %s%s", fault, got.code, got.out, got.err)
		}
	}
	if got := tracekeep(t, "hours", "plan", "--check", planned(t, dir, "plan.yaml", uuid.New(), uuid.New(), uuid.New(), "flsa")).ok(t); strings.Count(got.out, "\n") != 6 || !strings.Contains(got.out, "road_detail") {
		t.Error(got.out)
	}
	plan := []string{"hours", "report", "--data", dir, "--from", "2026-03-01", "--to", "2026-03-07", "--plan", filepath.Join(dir, "plan.yaml")}
	for _, more := range [][]string{{"--rules", "flsa"}, {"--zone", "UTC"}, {"--person", "x", "--rate", "3"}, {"--first-meal-waived"}} {
		if got := tracekeep(t, append(plan, more...)...); got.code != exitUsage {
			t.Errorf("a plan with %v: %d %s", more, got.code, got.err)
		}
	}
}
