package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"tracekeep/cmd/internal/app"
)

// keysFolder is a data folder with some people, and an age identity beside it.
func keysFolder(t *testing.T) (data string, importing []string, identity, recipient string) {
	t.Helper()
	clock, people := clockFiles(t, 5, 1)
	data = founded(t)
	importing = []string{"import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people}
	key, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	identity, recipient = filepath.Join(dir, "identity"), key.Recipient().String()
	if err := os.WriteFile(identity, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return data, importing, identity, recipient
}

func keysStatusOf(t *testing.T, data string, codes ...int) keysReport {
	t.Helper()
	var report keysReport
	tracekeep(t, "keys", "status", "--json", "--data", data).ok(t, codes...).last(t, &report)
	return report
}

// The whole life of an epoch while its data folder is served: escrowed, followed
// by the next, verified, retired.
//
// promise: RR-39
// promise: DS-23
func TestTheKeysAreRotatedWhileTheFolderIsServed(t *testing.T) {
	data, importing, identity, recipient := keysFolder(t)
	tracekeep(t, importing...).ok(t)
	safe := t.TempDir()
	first, second := filepath.Join(safe, "1.age"), filepath.Join(safe, "2.age")
	withFolder(t, data, func(a *app.App) {
		before := tracekeep(t, "query", "people", "--data", data).ok(t).out
		if s := keysStatusOf(t, data); !s.Kept || s.Overdue || len(s.Epochs) != 1 || s.Epochs[0].Keys != 15 || s.Epochs[0].Tokens != 5 || s.Final != "29d 1m5s" {
			t.Fatalf("%+v", s)
		}
		tracekeep(t, "keys", "escrow", "--data", data, first, "--recipient", recipient).ok(t)
		if again := tracekeep(t, "keys", "escrow", "--data", data, first, "--recipient", recipient); again.code != exitFailed {
			t.Fatalf("an escrow was overwritten: %+v", again)
		}
		tracekeep(t, "keys", "verify-backup", "--data", data, first, "--identity-file", identity).ok(t)

		refused := tracekeep(t, "keys", "rotate", "--data", data)
		if refused.code != exitFailed || !strings.Contains(refused.err, "no copy of the newest epoch was verified") {
			t.Fatalf("%+v", refused)
		}
		if s := keysStatusOf(t, data); len(s.Epochs) != 2 || !strings.Contains(s.Waits, "a verified escrow of epoch 2") || s.Epochs[1].Keys != 15 {
			t.Fatalf("%+v", s)
		}
		if old := tracekeep(t, "keys", "verify-backup", "--data", data, first, "--identity-file", identity); old.code != exitDefect {
			t.Fatalf("an escrow of the old epoch passes for the new one: %+v", old)
		}
		var done rotationReport
		tracekeep(t, "keys", "rotate", "--json", "--data", data, "--escrow", second, "--identity-file", identity, "--destroy-old-escrows").ok(t).last(t, &done)
		if done.Created || done.Epoch != 2 || done.Escrow == nil || done.Tested != 15 || len(done.Retired) != 1 || done.Retired[0].Epoch != 1 {
			t.Fatalf("%+v", done)
		}
		if _, err := os.Stat(first); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the old escrow is left: %v", err)
		}
		if s := keysStatusOf(t, data); len(s.Epochs) != 1 || len(s.Retired) != 1 || s.Waits != "" || len(s.Escrows) != 2 || s.Escrows[0].DestroyedAt == nil || s.Holders != 2 {
			t.Fatalf("%+v", s)
		}
		if after := tracekeep(t, "query", "people", "--data", data).ok(t).out; after != before {
			t.Errorf("people before\n%s\nand after\n%s", before, after)
		}
		var report importReport
		tracekeep(t, importing...).ok(t).last(t, &report)
		if report.PeopleRegistered != 0 || report.Recorded != 0 {
			t.Errorf("after the rotation the same file registers %d people and %d punches", report.PeopleRegistered, report.Recorded)
		}
		if text := tracekeep(t, "keys", "status", "--data", data).ok(t).out; !strings.Contains(text, "retired") || !strings.Contains(text, "final after 29d 1m5s") {
			t.Errorf("%s", text)
		}
	})

	// The provider key is lost: nothing starts, and the escrow brings it back.
	files, err := filepath.Glob(filepath.Join(data, "keys", "*.kek"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	if lost := tracekeep(t, "keys", "status", "--data", data); lost.code != exitFailed || !strings.Contains(lost.err, "the provider has no such key") {
		t.Fatalf("%+v", lost)
	}
	tracekeep(t, "keys", "recover", "--data", data, second, "--identity-file", identity).ok(t)
	tracekeep(t, "query", "people", "--data", data).ok(t)
}

func TestAPolicyThatBreaksThePromiseIsShownAndRefused(t *testing.T) {
	data, importing, _, _ := keysFolder(t)
	tracekeep(t, importing...).ok(t)
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(data, "keys", "policy.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"backup_retention_days": 35}`)
	if s := keysStatusOf(t, data, exitDefect); s.Kept || s.Final != "50d 1m5s" || len(s.Stages) != 6 {
		t.Fatalf("%+v", s)
	}
	for _, command := range [][]string{{"query", "people"}, {"serve", "--listen", "127.0.0.1:0"}, {"keys", "rotate"}} {
		refused := tracekeep(t, append(command, "--data", data)...)
		if refused.code != exitFailed || !strings.Contains(refused.err, "could become final too late") || !strings.Contains(refused.err, "policy.json") {
			t.Errorf("%v: %+v", command, refused)
		}
	}
	for _, text := range []string{`{"backup_retention_day": 3}`, `{"epoch_days": "7"}`, `not json`} {
		write(text)
		if refused := tracekeep(t, "keys", "status", "--data", data); refused.code != exitFailed || !strings.Contains(refused.err, "key policy") {
			t.Errorf("%s: %+v", text, refused)
		}
	}
}

func TestKeysCommandLinesThatAreWrong(t *testing.T) {
	data := t.TempDir()
	for rule, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no such folder":             {[]string{"keys", "status"}, exitFailed, "not a tracekeep data folder"},
		"an escrow and its opposite": {[]string{"keys", "escrow", "x.age", "--destroy", "0b9c0000-0000-4000-8000-000000000000"}, exitUsage, "name a file"},
		"an escrow without a lock":   {[]string{"keys", "escrow", "x.age"}, exitFailed, "say how the escrow is locked"},
		"two locks":                  {[]string{"keys", "escrow", "x.age", "--passphrase-file", "p", "--recipient", "age1pq1x"}, exitUsage, "can't be used together"},
		"a recipient that is none":   {[]string{"keys", "escrow", "x.age", "--recipient", "age1x"}, exitFailed, "age-keygen -pq"},
		"nothing to verify":          {[]string{"keys", "verify-backup"}, exitUsage, "name an escrow"},
		"a step that does not exist": {[]string{"keys", "rotate", "--until", "end"}, exitUsage, "--until"},
		"an escrow nobody can open":  {[]string{"keys", "rotate", "--escrow", "x.age", "--recipient", "age1pq1x"}, exitFailed, "--identity-file"},
		"a copy and the lack of one": {[]string{"keys", "rotate", "--escrow", "x.age", "--without-backup"}, exitUsage, "can't be used together"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := tracekeep(t, append(c.args, "--data", data)...)
			if got.code != c.code || !strings.Contains(got.err, c.says) {
				t.Errorf("exit code %d, want %d with %q: %s", got.code, c.code, c.says, got.err)
			}
		})
	}
}

func TestSecretsOthersCanReadAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(file, []byte("correct horse battery staple\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := tracekeep(t, "keys", "escrow", "x.age", "--passphrase-file", file, "--data", t.TempDir())
	if got.code != exitFailed || !strings.Contains(got.err, "chmod 0600") {
		t.Fatalf("%+v", got)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (lockFlags{PassphraseFile: file}).open(); err != nil {
		t.Fatal(err)
	}
}
