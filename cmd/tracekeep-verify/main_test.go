package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
)

// released is a bundle that an earlier release wrote, of a log of 34 events with
// an erasure, a change of the key and a removal in it.
var released = filepath.Join("..", "..", "adapters", "ledger", "bundle", "testdata", "bundle.zip")

// memberOf is a member of the bundle, which is a zip archive.
func memberOf(t *testing.T, name string) string {
	t.Helper()
	archive, err := zip.OpenReader(released)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	file, err := archive.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// firstKey is the key that the log had first, as its hand-over names it.
func firstKey(t *testing.T) string {
	t.Helper()
	return strings.Split(memberOf(t, "handovers"), "\n")[4]
}

func written(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// altered is the bundle with another type of the event of a leaf.
func altered(t *testing.T, leaf int) string {
	t.Helper()
	whole, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, fmt.Sprintf(`{"leaf":%d,`, leaf)) {
			lines[i] = strings.Replace(line, "punch-recorded", "punch-rejected", 1)
		}
	}
	return written(t, "changed.zip", strings.Join(lines, ""))
}

func verify(t *testing.T, args ...string) (code int, out, errors string) {
	t.Helper()
	var said, complained bytes.Buffer
	code = run(t.Context(), args, terminal{out: &said, err: &complained})
	return code, said.String(), complained.String()
}

// promise: OT-27
func TestAnAuditorIsToldWhatHoldsAndWhatDoesNot(t *testing.T) {
	key := firstKey(t)
	changed := altered(t, 20)
	policy := written(t, "policy", "log "+key+"\nquorum none\n")
	for rule, c := range map[string]struct {
		args []string
		code int
		says string // on standard output, or error when it could not look
	}{
		"a key":                    {[]string{"--key", key, released}, exitOK, "AS RECORDED: every event of the log"},
		"a key in a file":          {[]string{"--key", written(t, "log.vkey", key+"\n"), released}, exitOK, "AS RECORDED"},
		"a policy that names one":  {[]string{"--policy", policy, released}, exitOK, "AS RECORDED"},
		"a checkpoint kept":        {[]string{"--key", key, "--earlier", written(t, "kept", memberOf(t, "checkpoint")), released}, exitOK, "The log continues the checkpoint of 34 events"},
		"a changed event":          {[]string{"--key", key, changed}, exitDefect, "position 360, leaf 20, \"punches-"},
		"a key that is none":       {[]string{"--key", "example.com/other+b26b3e07+AfUqD/6sBJlDcTsVhsKHiD1JLxpVMdp+pT3LEbFHdzs3", released}, exitFailed, "no verifier key"},
		"a file that is no bundle": {[]string{"--key", key, policy}, exitDefect, "The file does not end as a bundle does"},
		"no such file":             {[]string{"--key", key, released + ".x"}, exitFailed, "no such file"},
		"a folder":                 {[]string{"--key", key, filepath.Dir(released)}, exitFailed, "is no file"},
		"a policy that is none":    {[]string{"--policy", changed, released}, exitFailed, "--policy"},
		"a checkpoint that is none": {
			[]string{"--key", key, "--earlier", policy, released}, exitDefect, "The earlier checkpoint is not signed by a key of the log that you trust",
		},
		"no key":      {[]string{released}, exitUsage, "a key of the log is needed"},
		"no bundle":   {[]string{"--key", key}, exitUsage, "name one bundle"},
		"two bundles": {[]string{"--key", key, released, released}, exitUsage, "name one bundle"},
		"help":        {[]string{"--help"}, exitOK, "usage: tracekeep-verify"},
		"version":     {[]string{"--version"}, exitOK, "tracekeep-verify"},
	} {
		code, out, complained := verify(t, c.args...)
		if said := out + complained; code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit code %d, want %d: %s", rule, code, c.code, said)
		}
	}
}

// What a machine reads has the place and the kind of each defect, and the same
// verdict as the text.
//
// promise: OT-27
func TestAMachineReadsTheSame(t *testing.T) {
	type read struct {
		Verdict string `json:"verdict"`
		bundle.Report
		Checked    []string `json:"checked"`
		NotChecked []string `json:"not_checked"`
	}
	for path, ok := range map[string]bool{released: true, altered(t, 20): false} {
		code, out, complained := verify(t, "--key", firstKey(t), "--json", path)
		_, text, _ := verify(t, "--key", firstKey(t), path)
		var said read
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if said.OK != ok || (code == exitOK) != ok || complained != "" || !strings.HasPrefix(text, said.Verdict+"\n") || len(said.Checked) == 0 || len(said.NotChecked) == 0 {
			t.Errorf("code %d, %+v, %q", code, said, text)
		}
		if ok {
			continue
		}
		found := false
		for _, f := range said.Findings {
			found = found || f.Kind == trail.KindAltered && f.Leaf == 20 && f.Position == 100+13*20
		}
		if !found {
			t.Errorf("the altered event of leaf 20 is not named: %+v", said.Findings)
		}
	}
}
