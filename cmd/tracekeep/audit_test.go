package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracekeep/adapters/ledger/bundle"
)

// promise: OT-27
func TestABundleForAnAuditorIsCheckedOffline(t *testing.T) {
	data, dir := founded(t), t.TempDir()
	clock, people := clockFiles(t, 6, 1)
	tracekeep(t, "import", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	kept := filepath.Join(dir, "checkpoint")
	if err := os.WriteFile(kept, []byte(tracekeep(t, "audit", "checkpoint", "--data", data).ok(t).out), 0o600); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "first.vkey") // what the auditor was given at the beginning
	content, err := os.ReadFile(filepath.Join(data, "trail", "log.vkey"))
	if err == nil {
		err = os.WriteFile(key, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	tracekeep(t, "audit", "change-key", "--data", data).ok(t)
	var somebody struct {
		PersonID string `json:"person_id"`
	}
	tracekeep(t, "query", "people", "--data", data, "--json").ok(t).last(t, &somebody)

	for name, args := range map[string][]string{
		"all":    {"--all"},
		"range":  {"--from", "2026-01-01", "--to", "2099-12-31"},
		"person": {"--person", somebody.PersonID},
		"site":   {"--site", "1"},
	} {
		file := filepath.Join(dir, name+".zip")
		var exported struct {
			Events    uint64           `json:"events"`
			Selection bundle.Selection `json:"selection"`
		}
		tracekeep(t, append([]string{"audit", "export", "--data", data, "--out", file, "--earlier", kept, "--json"}, args...)...).ok(t).last(t, &exported)
		if exported.Events == 0 || name == "person" && len(exported.Selection.Streams) < 3 {
			t.Errorf("%s: %+v", name, exported)
		}
		said := tracekeep(t, "audit", "verify-bundle", "--key", key, "--earlier", kept, file).ok(t)
		if !strings.Contains(said.out, "AS RECORDED") || !strings.Contains(said.out, "it has had 2 keys") || !strings.Contains(said.out, "The log continues the checkpoint") {
			t.Errorf("%s:\n%s", name, said.out)
		}
		if again := tracekeep(t, append([]string{"audit", "export", "--data", data, "--out", file}, args...)...); again.code != exitFailed || !strings.Contains(again.err, "name another file") {
			t.Errorf("%s: a file was written over: %+v", name, again)
		}
	}
	changed := filepath.Join(dir, "changed.zip")
	content, err = os.ReadFile(filepath.Join(dir, "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	content = []byte(strings.Replace(string(content), "punch-recorded", "punch-rejected", 1))
	if err := os.WriteFile(changed, content, 0o600); err != nil {
		t.Fatal(err)
	}
	found := tracekeep(t, "audit", "verify-bundle", "--key", key, changed).ok(t, exitDefect)
	if !strings.Contains(found.out, "NOT AS RECORDED") || !strings.Contains(found.out, "position ") {
		t.Errorf("%s", found.out)
	}
	tracekeep(t, "verify", "--data", data, "--earlier", kept).ok(t)
	witnessed(t, data, dir, key, somebody.PersonID)
}

// witnessed has the log sign with a second key, and an outsider cosign what they
// saw of it.
func witnessed(t *testing.T, data, dir, key, person string) {
	t.Helper()
	path := func(name string) string { return filepath.Join(dir, name) }
	var own, witness struct {
		Key string `json:"key"`
	}
	tracekeep(t, "audit", "make-cosigner", "--data", data, "--json").ok(t).last(t, &own)
	tracekeep(t, "audit", "make-witness", "--name", "council.example", "--out", path("witness"), "--json").ok(t).last(t, &witness)
	log, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	policy := path("policy")
	if err := os.WriteFile(policy, []byte("log "+string(log)+"witness own "+own.Key+"\nwitness council "+witness.Key+"\ngroup both all own council\nquorum both\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cosign := []string{"audit", "cosign", "--key", key, "--witness", path("witness"), "--kept", path("seen")}
	export := func(name string, more ...string) string {
		tracekeep(t, append([]string{"audit", "export", "--data", data, "--out", path(name)}, more...)...).ok(t)
		return path(name)
	}

	grow := func(interest string) {
		tracekeep(t, "disclose", "record", "--data", data, "--person", person, "--officer", "6d1e2f3a-0b9c-4d41-9245-5ffdce74fad2",
			"--recipient", "payroll_bureau", "--ground", "processor", "--interest", interest, "--purpose", "work").ok(t)
	}

	grow("payroll")
	july := export("july.zip", "--from", "1")
	tracekeep(t, append(cosign, july)...).ok(t, exitFailed) // nothing was signed before
	signed := path("july.cosigned")
	if err := os.WriteFile(signed, []byte(tracekeep(t, append(cosign, "--first", july)...).ok(t).out), 0o600); err != nil {
		t.Fatal(err)
	}
	tracekeep(t, append(cosign, "--first", july)...).ok(t, exitFailed)
	unwitnessed := tracekeep(t, "audit", "verify-bundle", "--policy", policy, july).ok(t, exitDefect)
	if !strings.Contains(unwitnessed.out, "unwitnessed") {
		t.Errorf("%s", unwitnessed.out)
	}
	grow("taxes")
	notSigned := func(rule, bundle string) {
		before, err := os.ReadFile(path("seen"))
		if err != nil {
			t.Fatal(err)
		}
		refused := tracekeep(t, append(cosign, bundle)...).ok(t, exitDefect)
		after, err := os.ReadFile(path("seen"))
		if err != nil || string(after) != string(before) || refused.out != "" || !strings.Contains(refused.err, "nothing was signed") {
			t.Errorf("%s: %+v", rule, refused)
		}
	}
	notSigned("nothing proves that it continues what was signed", export("part.zip", "--site", "1"))
	august := export("august.zip", "--from", "1", "--earlier", signed)
	seen := tracekeep(t, "audit", "verify-bundle", "--policy", policy, august).ok(t)
	if !strings.Contains(seen.out, "have signed the log") || !strings.Contains(seen.out, "own, council") {
		t.Errorf("%s", seen.out)
	}
	tracekeep(t, append(cosign, august)...).ok(t)
	notSigned("rolled back behind what was signed", july)
}

// promise: OT-17
// promise: RR-34
func TestValuesAreOpenedOnlyWithAReasonThatIsRecorded(t *testing.T) {
	data, dir := founded(t), t.TempDir()
	clock, people := clockFiles(t, 3, 1)
	tracekeep(t, "import", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	var somebody struct {
		PersonID  string `json:"person_id"`
		BirthDate struct {
			Value string `json:"value"`
		} `json:"birth_date"`
	}
	tracekeep(t, "query", "people", "--data", data, "--json").ok(t).last(t, &somebody)
	officer, other := "6d1e2f3a-0b9c-4d41-9245-5ffdce74fad2", "77f02f3a-0b9c-4d41-9245-5ffdce74fad2"
	export := func(name string, more ...string) (string, answer) {
		file := filepath.Join(dir, name)
		return file, tracekeep(t, append([]string{"audit", "export", "--data", data, "--out", file, "--person", somebody.PersonID, "--json"}, more...)...)
	}
	contains := func(file, text string) bool {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(content), text)
	}
	disclosures := func() int {
		return strings.Count(tracekeep(t, "disclose", "list", "--data", data, "--person", somebody.PersonID, "--json").ok(t).out, "\n")
	}

	sealed, said := export("sealed.zip")
	if said.ok(t); somebody.BirthDate.Value == "" || contains(sealed, somebody.BirthDate.Value) || contains(sealed, `"field":"birth_date"`) || disclosures() != 0 {
		t.Fatalf("an export without a reason opens values of %+v", somebody)
	}
	court := []string{"--open", "identity", "--officer", officer, "--recipient", "labour_court", "--ground", "court_order", "--interest", "legal_duty"}
	for rule, more := range map[string][]string{
		"no file number":       nil,
		"no second person":     {"--instrument", "17 Cv 4711"},
		"the same one again":   {"--instrument", "17 Cv 4711", "--approved-by", officer},
		"a purpose of nothing": {"--open", "gossip", "--instrument", "17 Cv 4711", "--approved-by", other},
	} {
		file, refused := export("refused.zip", append(court, more...)...)
		if _, err := os.Stat(file); refused.code == exitOK || err == nil || disclosures() != 0 {
			t.Errorf("%s: %+v", rule, refused)
		}
	}
	opened, said := export("opened.zip", append(court, "--instrument", "17 Cv 4711", "--approved-by", other)...)
	var exported struct {
		Opened     uint64 `json:"opened_values"`
		Disclosure string `json:"disclosure"`
	}
	said.ok(t).last(t, &exported)
	if exported.Opened == 0 || exported.Disclosure == "" || !contains(opened, somebody.BirthDate.Value) || !contains(opened, "disclosure-recorded.v1") || disclosures() != 1 {
		t.Errorf("%+v", exported)
	}
	if contains(opened, `"purpose":"contact"`) {
		t.Error("values of another purpose were opened")
	}
	key := filepath.Join(data, "trail", "log.vkey")
	if checked := tracekeep(t, "audit", "verify-bundle", "--key", key, opened).ok(t); !strings.Contains(checked.out, "in opened.jsonl") {
		t.Errorf("%s", checked.out)
	}
}

func TestAnExportSaysWhatItNeeds(t *testing.T) {
	for rule, args := range map[string][]string{
		"something must be chosen":      {},
		"a range goes without a person": {"--from", "1", "--person", "ana"},
		"one thing at a time":           {"--all", "--person", "ana"},
		"values are opened of a person": {"--all", "--open", "work"},
		"and with a reason":             {"--person", "ana", "--open", "work", "--recipient", "court"},
		"a reason of nothing":           {"--person", "ana", "--ground", "court_order"},
	} {
		if got := tracekeep(t, append([]string{"audit", "export", "--data", "x", "--out", "y"}, args...)...); got.code != exitUsage {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}
