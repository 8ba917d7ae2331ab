package main

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/base64"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/pgcluster"
	"tracekeep/cmd/internal/app"
)

// lab is a folder that is served while it is searched: one person in it is erased,
// and what their values were is known.
type lab struct {
	office
	values []string
	works  []string // of the people, in their order
}

type findings struct {
	Hits     int          `json:"hits"`
	Valid    bool         `json:"valid"`
	Evidence app.Evidence `json:"evidence"`
}

// looks runs the command with the values on standard input.
func (l lab) looks(person string, args ...string) (code int, found findings, said string) {
	l.t.Helper()
	var out, failures bytes.Buffer
	term := &terminal{in: strings.NewReader(strings.Join(l.values, "\n")), out: &out, err: &failures, clock: time.Now, random: rand.Reader}
	args = append([]string{"forensics", "--data", l.data, "--person", person, "--values", "-", "--json"}, args...)
	code = run(l.t.Context(), args, term)
	if out.Len() > 0 {
		answer{out: out.String()}.last(l.t, &found)
	}
	return code, found, out.String() + failures.String()
}

// personValues reads who is in a people file.
func personValues(t *testing.T, name string) (people [][]string) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		var values []string
		for i, column := range rows[0] {
			switch column {
			case "name", "display_name", "full_name", "email", "phone", "birth_date", "employee_number":
				values = append(values, row[i])
			}
		}
		people = append(people, values)
	}
	return people
}

// TestWhatWasErasedIsLookedForEverywhere plants what an erasure must not leave, in
// one place after the other, and the search finds it; and it finds nothing where
// nothing is, with every control in its place.
//
// promise: ST-29
// promise: DS-26
func TestWhatWasErasedIsLookedForEverywhere(t *testing.T) {
	l := lab{office: office{t: t, data: founded(t), first: uuid.NewString(), second: uuid.NewString()}}
	clock, people := clockFiles(t, 3, 1)
	tracekeep(t, "import", "--json", "--data", l.data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	zero := time.Duration(0)
	serving(t, dataFlags{Data: l.data, CoolingOff: &zero, ErasuresPerDay: 20}, func() {
		for _, p := range l.says("query", "people", "--json").ok(t).objects(t) {
			l.people = append(l.people, p["person_id"].(string))
			if len(l.people) == 1 {
				l.values = l.knownOf(p, people)
			}
		}
		written := l.writes()
		before := l.dump("--format=plain")
		packed := l.dump("--format=custom")
		l.eraseFirst()
		code, found, said := l.looks(l.people[0])
		if code != exitOK || found.Hits != 0 || !found.Valid || len(found.Evidence.Sources) < 8 {
			t.Fatalf("exit code %d\n%s", code, said)
		}
		for _, s := range found.Evidence.Sources {
			if s.Must && s.Control == 0 || s.Parts == 0 {
				t.Errorf("%s: %d parts, control %d", s.Source, s.Parts, s.Control)
			}
		}
		for _, message := range written {
			if said := l.says("messages", "read", "--work", l.works[1], "--message", message, "--json").ok(t).out; !strings.Contains(said, `"erased"`) {
				t.Errorf("a message that goes with the erased person: %s", said)
			}
		}
		l.finds()
		for rule, file := range map[string]string{"a plain dump": before, "a packed dump": packed} {
			if code, found, said := l.looks(l.people[0], "--key-copy", file); code != exitDefect || found.Hits == 0 {
				t.Errorf("%s of the key store from before opens nothing: exit code %d\n%s", rule, code, said)
			}
		}
		l.says("keys", "rotate", "--without-backup").ok(t)
		for rule, file := range map[string]string{"a plain dump": before, "a packed dump": packed} {
			if code, found, said := l.looks(l.people[0], "--key-copy", file); code != exitOK || found.Hits != 0 {
				t.Errorf("%s after the epoch has retired: exit code %d\n%s", rule, code, said)
			}
		}
		if code, _, _ := l.looks(l.people[1]); code != exitFailed {
			t.Errorf("somebody living: exit code %d", code)
		}
		for code, kind := range map[string]string{"allergies": "text", "card": "number"} { // the canary has values of them
			l.says("fields", "define", "--field", code, "--label", code, "--purpose", "contact", "--kind", kind, "--officer", l.first).ok(t)
		}
		canary := l.says("forensics").ok(t).out
		if !strings.Contains(canary, "(control)") || !strings.Contains(canary, ", 12 values") || strings.Contains(canary, "Žofía") {
			t.Errorf("the run with a canary says\n%s", canary)
		}
	})
}

// writes has the first person write to the second, and the third write about the
// first: neither text may be found once the first is erased.
func (l *lab) writes() (messages []string) {
	for _, p := range l.people {
		for _, found := range l.says("query", "people", "--find", p, "--json").ok(l.t).objects(l.t) {
			l.works = append(l.works, found["work_id"].(map[string]any)["value"].(string))
		}
	}
	for from, text := range map[int]string{0: "Yours, " + l.values[0], 2: "Where is " + l.values[0] + "?"} {
		sent := l.says("messages", "send", "--work", l.works[from], "--to", l.works[1], "--text", text, "--json").ok(l.t).objects(l.t)
		messages = append(messages, sent[0]["message_id"].(string))
	}
	return messages
}

// knownOf is what the people file says of a person whom the directory names.
func (l lab) knownOf(p map[string]any, people string) []string {
	l.t.Helper()
	name := p["legal_name"].(map[string]any)["value"].(string)
	for _, values := range personValues(l.t, people) {
		for _, value := range values {
			if value == name {
				return values
			}
		}
	}
	l.t.Fatalf("the people file does not name person %v", p["person_id"])
	return nil
}

// dump is a backup of the key store, as pg_dump makes it.
func (l lab) dump(format string) string {
	l.t.Helper()
	folder, _, err := pgcluster.Binaries(l.t.Context(), "")
	if err != nil {
		l.t.Fatal(err)
	}
	file := filepath.Join(l.t.TempDir(), "keys.dump")
	var who struct {
		Keys string `json:"keys"`
	}
	text, err := os.ReadFile(filepath.Join(l.data, "running.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	answer{out: string(bytes.ReplaceAll(text, []byte("\n"), nil))}.last(l.t, &who)
	if said, err := exec.CommandContext(l.t.Context(), filepath.Join(folder, "pg_dump"), format, "--file", file, "--dbname", who.Keys).CombinedOutput(); err != nil {
		l.t.Fatalf("pg_dump: %v\n%s", err, said)
	}
	return file
}

func (l lab) eraseFirst() {
	l.t.Helper()
	c := crashCase{t: l.t, data: l.data, officer: l.first, approver: l.second}
	id := c.prepare(l.people[0])
	l.says("erase", "approve", "--case", id, "--officer", l.second).ok(l.t)
}

// finds plants the erased person's values.
func (l lab) finds() {
	name := l.values[0]
	for rule, plant := range map[string]func(dir string) (place string, also []string){
		"in a log of the service": func(string) (string, []string) { return filepath.Join(l.data, "logs", "planted.log"), nil },
		"in a backup":             func(dir string) (string, []string) { return filepath.Join(dir, "backup"), []string{"--also", dir} },
	} {
		for form, content := range map[string]string{
			"as it is":   `{"msg":"hello ` + name + `"}`,
			"in base64":  base64.StdEncoding.EncodeToString([]byte("a user " + name + " of")),
			"compressed": compressed(l.t, name),
		} {
			place, also := plant(l.t.TempDir())
			if err := os.WriteFile(place, []byte(content), 0o600); err != nil {
				l.t.Fatal(err)
			}
			code, found, said := l.looks(l.people[0], also...)
			if code != exitDefect || found.Hits == 0 {
				l.t.Errorf("%s %s: exit code %d, %d hits", rule, form, code, found.Hits)
			}
			if strings.Contains(said, name) {
				l.t.Errorf("%s %s: the value is printed", rule, form)
			}
			if err := os.Remove(place); err != nil {
				l.t.Fatal(err)
			}
		}
	}
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(strings.Repeat("some ", 50) + text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A run that cannot show that it would have found something says so.
func TestARunWithoutItsControlsProvesNothing(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 1, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	l := lab{office: office{t: t, data: data, first: uuid.NewString(), second: uuid.NewString()}, values: []string{"somebody of whom nothing is left"}}
	zero := time.Duration(0)
	serving(t, dataFlags{Data: data, CoolingOff: &zero, ErasuresPerDay: 20}, func() {
		l.people = crashCase{t: t, data: data}.people()
		l.eraseFirst() // nobody lives any more: that keys open nothing shows nothing
		if code, found, said := l.looks(l.people[0]); code != exitInvalid || found.Valid || found.Hits != 0 {
			t.Errorf("without anybody living: exit code %d\n%s", code, said)
		}
		l.values = []string{"short"}
		if code, found, said := l.looks(l.people[0]); code != exitInvalid || len(found.Evidence.TooShort) != 1 {
			t.Errorf("with values too short: exit code %d\n%s", code, said)
		}
	})
	serving(t, dataFlags{Data: data, ErasuresPerDay: 20}, func() {
		first := l.says("forensics").ok(t, exitInvalid)
		_, seed, found := strings.Cut(strings.TrimSpace(first.err), "--canary ")
		if !found || !strings.Contains(first.err, "cools off") {
			t.Fatalf("a canary that cools off: %s", first.err)
		}
		if again := l.says("forensics", "--canary", seed).ok(t, exitInvalid); again.err != first.err {
			t.Errorf("going on too early says %s, before it said %s", again.err, first.err)
		}
	})
	for rule, args := range map[string][]string{
		"a person without values":        {"--person", uuid.NewString()},
		"values of nobody":               {"--values", "-"},
		"two people":                     {"--person", uuid.NewString(), "--canary", "aa"},
		"an escrow that nothing unlocks": {"--escrow", people},
	} {
		if got := tracekeep(t, append([]string{"forensics", "--data", data}, args...)...); got.code != exitUsage && got.code != exitFailed {
			t.Errorf("%s: exit code %d\n%s", rule, got.code, got.err)
		}
	}
}
