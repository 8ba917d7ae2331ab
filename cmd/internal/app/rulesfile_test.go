package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tracekeep/domain/payrules"
)

func TestEveryBuiltInSetIsAFileOfRules(t *testing.T) {
	for _, rules := range payrules.BuiltIns() {
		rules.Name = "acme-" + rules.Name
		var text bytes.Buffer
		if err := WriteRules(&text, rules); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		read, err := RulesOf(file)
		if err != nil {
			t.Errorf("%s: %v", rules.Name, err)
		}
		if diff := cmp.Diff(rules, read); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAFileSaysWhatIsDifferentFromABuiltInSet(t *testing.T) {
	for _, text := range []string{`
name: acme
version: 3
based_on: flsa
source: Acme handbook
zone: America/New_York
starts: wednesday
workweek: {at: "14:00"}
rounding: {step: 6m}
`, `{"name": "acme", "version": 3, "based_on": "flsa", "source": "Acme handbook", "zone": "America/New_York",
"starts": "wednesday", "workweek": {"at": "14:00"}, "rounding": {"step": "6m"}}`} {
		want, _ := payrules.BuiltIn("flsa")
		want.Name, want.Version, want.Source, want.Zone = "acme", 3, "Acme handbook", "America/New_York"
		want.Workweek = payrules.Workweek(time.Wednesday, payrules.Clock{Hour: 14})
		want.Rounding.Step = 6 * time.Minute
		got, err := ParseRules([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAFileOfRulesIsReadStrictly(t *testing.T) {
	const good = "name: acme\nversion: 1\nsource: us\nworkweek: {days: 7, anchor: 2026-01-04}\n"
	if _, err := ParseRules([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for fault, text := range map[string]string{
		"nothing":                           "",
		"no mapping":                        "- 1",
		"a name nobody knows":               good + "overtime: 40h",
		"a name nobody knows, further down": good + "weekly: [{after: 40h, class: overtime, source: x, pays: 2}]",
		"the same name twice":               good + "name: again",
		"a second document":                 good + "---\nname: more",
		"a length without a unit":           good + "shift_gap: 40",
		"a class nobody knows":              good + "weekly: [{after: 40h, class: triple, source: x}]",
		"a limit without a source":          good + "weekly: [{after: 40h, class: overtime}]",
		"based on nothing":                  good + "based_on: moon",
		"the name of a built-in set":        "name: flsa\nversion: 2\nbased_on: flsa",
		"no name, based on a set":           "version: 2\nbased_on: flsa",
		"no version, based on a set":        "name: acme\nbased_on: flsa",
		"a zone that is none":               good + "zone: Mars/Base",
		"the zone of the machine":           good + "zone: Local",
		"a day that is none":                good + "starts: someday",
		"a time of day that is none":        good + "workday: \"25:00\"",
		"a work period with a weekday":      "name: a\nversion: 1\nbased_on: 207k-28\nstarts: sunday",
	} {
		if _, err := ParseRules([]byte(text)); !errors.Is(err, ErrRulesFile) && !errors.Is(err, payrules.ErrRules) {
			t.Errorf("%s: %v", fault, err)
		}
	}
	for _, name := range []string{"moon", filepath.Join(t.TempDir(), "none.yaml")} {
		if _, err := RulesOf(name); err == nil {
			t.Errorf("%s was found", name)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	for _, rules := range payrules.BuiltIns() {
		var text bytes.Buffer
		rules.Name = "acme"
		if err := WriteRules(&text, rules); err != nil {
			f.Fatal(err)
		}
		f.Add(text.Bytes())
	}
	f.Add([]byte("based_on: flsa\nname: x\nversion: 1\nstarts: monday\nworkweek: {at: \"23:59\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := ParseRules(text)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := WriteRules(&again, rules); err != nil {
			t.Fatal(err)
		}
		read, err := ParseRules(again.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, again.String())
		}
		if diff := cmp.Diff(rules, read, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A schedule that is accepted keeps every class as long as its law says, and says
// nothing behind its end that nobody reads.
func FuzzParseSchedule(f *testing.F) {
	f.Add(`{"classes": [{"class": "payroll", "keep": "7y", "floor": "3y", "floor_source": "29 CFR 516.5"}]}`)
	f.Add(`{"classes": []}`)
	f.Add(`{"classes": []} {"classes": []}`)
	f.Fuzz(func(t *testing.T, text string) {
		schedule, err := parseSchedule(text)
		if err != nil {
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("accepted, and no JSON: %q", text)
		}
		if again, err := parseSchedule(text); err != nil || !cmp.Equal(schedule, again, cmp.Exporter(func(reflect.Type) bool { return true })) {
			t.Fatalf("read twice, it says two things: %v", err)
		}
	})
}
