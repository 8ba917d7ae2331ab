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
	data, dir := records(t), t.TempDir()
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
}

func TestAnExportSaysWhatItNeeds(t *testing.T) {
	for rule, args := range map[string][]string{
		"something must be chosen":      {},
		"a range goes without a person": {"--from", "1", "--person", "ana"},
		"one thing at a time":           {"--all", "--person", "ana"},
	} {
		if got := tracekeep(t, append([]string{"audit", "export", "--data", "x", "--out", "y"}, args...)...); got.code != exitUsage {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}
