package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracekeep/eventschema"
)

var updateRegister = flag.Bool("update-register", false, "write testdata/register.md")

// The document is kept, so that a change of what is held, or for how long, is
// seen by whoever reviews it.
func TestTheRecordOfProcessing(t *testing.T) {
	got := tracekeep(t, "register", "--markdown").ok(t).out
	if *updateRegister {
		if err := os.WriteFile("testdata/register.md", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/register.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Fatalf("the record of processing has changed (-kept +now); if it should, run go test ./cmd/tracekeep -run Record -update-register\n%s", diff)
	}
}

func TestEveryPersonalFieldStandsInTheRegister(t *testing.T) {
	registry, err := eventschema.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[eventschema.Purpose]processing{}
	for line := range strings.Lines(tracekeep(t, "register", "--json").ok(t).out) {
		var row processing
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		rows[row.Purpose] = row
	}
	fields := 0
	for _, definition := range registry.Definitions() {
		for _, section := range definition.New().Sections() {
			for _, field := range section.Fields {
				fields++
				if !strings.Contains(strings.Join(rows[section.Purpose].Fields, "\n"), definition.Type+": "+field.Name) {
					t.Errorf("%s of %s is not in the row of %s", field.Name, definition.Type, section.Purpose)
				}
			}
		}
	}
	if fields < 10 || len(rows) != len(eventschema.Register()) {
		t.Errorf("%d fields, %d rows", fields, len(rows))
	}
}

func TestTheRegisterAsATableNamesEveryPurpose(t *testing.T) {
	out := tracekeep(t, "register").ok(t).out
	for _, purpose := range eventschema.Purposes() {
		if !strings.Contains(out, string(purpose)+" ") {
			t.Errorf("%s is missing:\n%s", purpose, out)
		}
	}
	if tracekeep(t, "register", "--json", "--markdown").code != exitUsage {
		t.Error("two forms at once")
	}
}
