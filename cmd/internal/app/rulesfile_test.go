package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
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

// What a built-in set says is part of every period that was locked by it: whoever
// changes one gives it a version, and keeps the one before in [payrules.Earlier].
func TestBuiltInSetsKeepTheirDigests(t *testing.T) {
	want := map[string]string{
		"flsa 1":                       "8751889ac94d17adcfa6ae61b20e1db56b3d9f04029b4f712f8684034422276d",
		"california 1":                 "fb35ebd133570f890dc964e3cccc8bd00adf560a1da672936367ebd4f8901e4d",
		"california 2":                 "89d8986f5e9588a617a4956453c77e706d5f67131564fe18c26748426c21c434",
		"eu 1":                         "767448b78583a87f8e0d026a40e9e4aaf889923e57ab0b0f075ab8658e63e4c7",
		"de 1":                         "3e1222313b5135fa7a8109df470bec31a17e70f35e8d7cbae4e0197075311903",
		"207k-7 1":                     "d1aa600605a943c9dc0d39f1590e9c4851cf67011b5cfd12c6add49e26c376c9",
		"207k-14 1":                    "d2e4881c73d86782232f017deca72206f250203fc3b7ec6ec15967a54cdf29e5",
		"207k-28 1":                    "824189f1847958fcc519db441943e0b740ea82fb57177c0e9363d6f048fe0fe5",
		"207k-fire-7 1":                "fd958b11009ac07a8cd59fe9d66ce712b12f6226b8e5480827cab7dc2969acaa",
		"207k-fire-14 1":               "8746015597e9c8845445dccf7a4dbfb1b5071d757d1f7b70f322e2cec6879be1",
		"207k-fire-28 1":               "7ceb019c8f4bacb5472ab867cc429af08a7674b824f3551d32cbb98fea35c078",
		"207k-7 2":                     "3a8a0dae939b00e57b60d477fa57ea15700c0cdd6b1e7d079ca81b3476a3e785",
		"207k-14 2":                    "2ce2a8e5207ca2325f9247df9006ca6170b9450a1002763ea199b7e9592147f8",
		"207k-28 2":                    "b9cf3f70d31fb7425f27dd1e064ac41d21e57d2a459422b6b8c8c5a1cbf2e8b9",
		"207k-fire-7 2":                "5bf62452eb18f2730c364d2133e7971c324feec2c381da2e12b89d71462a0e55",
		"207k-fire-14 2":               "ea84e125b6fb78cd4b7166851749817cad168bc819c8376102122f2cf1f6a405",
		"207k-fire-28 2":               "4c12b6cd1556c1dc11117e1a871140fdc90b7e8ef00e38769f3fa749ef13fdee",
		"boston-court 1":               "4e61d805f33f230b94dc5206d4c215c39705c0aad3428924fd7951a162831721",
		"boston-detail-construction 1": "f81afe60090f5f036bfbc3cbce56ac26ea850e5691397f57939e012edb2cb05e",
		"boston-detail-security 1":     "691f77af7dc86f79932b1bb590a0ead64b2bd96a4baecd3630b789d47bf77cd6",
	}
	got := map[string]string{}
	for _, rules := range append(payrules.BuiltIns(), payrules.Earlier()...) {
		got[fmt.Sprint(rules.Name, " ", rules.Version)] = digestOf(rules)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a built-in set says something else than it did (-want +got):\n%s", diff)
	}
}

func TestAFileIsBasedOnTheVersionItNames(t *testing.T) {
	for version, want := range map[string]payrules.SalaryFor{"": payrules.ForRegularHours, "based_on_version: 2\n": payrules.ForRegularHours, "based_on_version: 1\n": ""} {
		rules, err := ParseRules([]byte("name: acme\nversion: 3\nbased_on: california\n" + version))
		if err != nil || rules.Salary != want || rules.Version != 3 {
			t.Errorf("%q: salary %q, version %d, %v", version, rules.Salary, rules.Version, err)
		}
	}
	for _, text := range []string{"name: acme\nversion: 3\nbased_on: california\nbased_on_version: 3\n", "name: acme\nversion: 3\nbased_on_version: 1\nsource: x\nworkweek: {days: 7, anchor: 2026-01-04}\n"} {
		if _, err := ParseRules([]byte(text)); !errors.Is(err, ErrRulesFile) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
