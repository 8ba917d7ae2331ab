package bundle

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fnote "github.com/transparency-dev/formats/note"
	"pgregory.net/rapid"

	"tracekeep/adapters/ledger/trail"
)

// lived makes a log to which everything has happened: an erasure, a removal, a
// change of the key, and more of each behind it.
func lived(t testing.TB, seed uint64, n int) *testLog {
	l := newLog(t, seed, n)
	l.erase()
	l.changeKey(2)
	for i := range 30 {
		l.punch(i%9, `{}`)
	}
	l.forget(3, 2)
	l.forget(5, 1)
	l.changeKey(3)
	for i := range 300 {
		l.punch(i%9, `{}`)
	}
	return l
}

// promise: I9
func TestABundleOfAnyPartOfALogVerifies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := lived(t, rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(40, 500).Draw(rt, "events"))
		size := uint64(len(l.events))
		selection := all()
		switch rapid.IntRange(0, 2).Draw(rt, "scope") {
		case 1:
			first := rapid.Uint64Range(0, size-1).Draw(rt, "first")
			selection = Selection{Scope: ScopeRange, First: first, End: first + 1 + rapid.Uint64Range(0, size-first-1).Draw(rt, "leaves")}
		case 2:
			selection = Selection{Scope: ScopeStreams, Of: "somebody"}
			for i := range rapid.IntRange(0, 4).Draw(rt, "streams") {
				selection.Streams = append(selection.Streams, streamOf(i))
			}
		}
		for _, trusted := range []string{l.first, l.key.public} {
			report := verify(t, l.bundle(selection), Trust{Key: trusted})
			if !report.OK || !report.Proven {
				rt.Fatalf("%+v: %+v", selection, report)
			}
			if selection.Scope == ScopeAll && (report.Events+report.Accounts.Removed != size || report.Accounts.Removed != 3 || report.Certified != 1 || report.Keys != 3) {
				rt.Fatalf("%+v", report)
			}
		}
	})
}

func TestTheSameInputGivesTheSameBytes(t *testing.T) {
	one, two := lived(t, 1, 500).bundle(all()), lived(t, 1, 500).bundle(all())
	if !bytes.Equal(one, two) {
		t.Error("two bundles of one log differ")
	}
}

// What the exporter writes must stay what the verifier expects, whatever Go
// makes of an archive: these bytes were written by an earlier release.
func TestABundleOfAnEarlierRelease(t *testing.T) {
	path := filepath.Join("testdata", "bundle.zip")
	l := newLog(t, 9, 30)
	l.erase()
	l.changeKey(2)
	l.forget(3, 1)
	now := l.bundle(all())
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, now, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(now, then) {
		t.Error("the exporter writes other bytes than it did")
	}
	if report := verify(t, then, Trust{Key: newKey(t, 1).public}); !report.OK {
		t.Errorf("%+v", report)
	}
}

func TestAnEarlierCheckpointIsContinued(t *testing.T) {
	l := newLog(t, 4, 700)
	kept := l.checkpoint()
	for i := range 200 {
		l.punch(i%9, `{}`)
	}
	size := uint64(len(l.events))
	late := Selection{Scope: ScopeRange, First: 800, End: size}
	with := func(w *Writer) {
		if err := w.Head(700, kept); err != nil {
			t.Fatal(err)
		}
	}
	other := newLog(t, 5, 700).checkpoint()
	for rule, c := range map[string]struct {
		content []byte
		kept    string
		want    Continued
		wrong   trail.Kind
	}{
		"by the events of the whole log":         {l.bundle(all()), kept, Continued{700, true, true}, ""},
		"by a proof that was asked for":          {l.bundle(late, with), kept, Continued{700, true, true}, ""},
		"unknown from a part that begins later":  {l.bundle(late), kept, Continued{700, false, false}, ""},
		"another log under the same key":         {l.bundle(all()), other, Continued{700, false, true}, trail.KindForked},
		"another log, where a proof is given":    {l.bundle(late, with), other, Continued{700, false, true}, trail.KindForked},
		"a bundle that is older than the paper":  {newLog(t, 4, 600).bundle(all()), kept, Continued{700, false, true}, trail.KindRolledBack},
		"an empty log is continued by every log": {l.bundle(late), newLog(t, 1, 0).checkpoint(), Continued{0, true, true}, ""},
	} {
		report := verify(t, c.content, Trust{Key: l.first, Earlier: []string{c.kept}})
		if report.OK != (c.wrong == "") || len(report.Earlier) != 1 || report.Earlier[0] != c.want {
			t.Errorf("%s: %+v %+v", rule, report.Earlier, report.Findings)
		}
		if !report.OK && report.Findings[0].Kind != c.wrong {
			t.Errorf("%s: %+v", rule, report.Findings)
		}
	}
}

func TestWitnessesOfABundle(t *testing.T) {
	secret, public, err := fnote.GenerateMLDSAKey("witness.example")
	if err != nil {
		t.Fatal(err)
	}
	witness, err := fnote.NewSignerForCosignatureV1(secret)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := trail.ParsePolicy("witness w " + public + "\nquorum w\n")
	if err != nil {
		t.Fatal(err)
	}
	l := newLog(t, 6, 300)
	seen := l.checkpoint(witness)
	l.punch(1, `{}`)
	trust := Trust{Key: l.first, Policy: &policy}
	report := verify(t, l.bundle(all(), func(w *Writer) {
		if err := w.Head(300, seen); err != nil {
			t.Fatal(err)
		}
	}), trust)
	if !report.OK || report.Witnessed.Size != 300 || strings.Join(report.Witnessed.By, " ") != "w" {
		t.Errorf("%+v", report)
	}
	report = verify(t, l.bundle(all()), trust)
	if report.OK || report.Findings[0].Kind != trail.KindUnwitnessed {
		t.Errorf("nobody signed: %+v", report)
	}
}

func TestOpenedValuesAreCountedAndNotProven(t *testing.T) {
	l := newLog(t, 7, 30)
	open := func(leaf uint64) func(*Writer) {
		return func(w *Writer) {
			if err := w.Open(Opened{Leaf: leaf, Section: "work", Field: "payroll_name", Purpose: "work", State: "clear", Value: "OKAFOR WREN"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	selection := Selection{Scope: ScopeStreams, Of: "somebody", Streams: []string{l.events[4].Stream}}
	report := verify(t, l.bundle(selection, open(4)), Trust{Key: l.first})
	if !report.OK || report.Opened != 1 || !strings.Contains(strings.Join(report.NotChecked(), " "), "1 value in opened.jsonl") {
		t.Errorf("%+v", report)
	}
	report = verify(t, l.bundle(Selection{Scope: ScopeRange, First: 5, End: 6}, open(4)), Trust{Key: l.first})
	if report.OK || report.Findings[0].Kind != trail.KindFalseClaim || report.Findings[0].Leaf != 4 {
		t.Errorf("of an event that is not there: %+v", report)
	}
}

func TestTheVerdictIsPlain(t *testing.T) {
	l := lived(t, 8, 40)
	kept := l.checkpoint()
	whole := verify(t, l.bundle(all()), Trust{Key: l.first, Earlier: []string{kept}})
	broken := verify(t, rewrite(t, l, l.bundle(all()), func(lines []string) []string {
		lines[7] = strings.Replace(lines[7], "punch-recorded", "punch-rejected", 1)
		return lines
	}), Trust{Key: l.first})
	for name, report := range map[string]Report{"whole.txt": whole, "broken.txt": broken} {
		var out bytes.Buffer
		if err := report.WriteText(&out); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if os.Getenv("UPDATE_GOLDEN") != "" {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want) {
			t.Errorf("%s\ngot\n%s\nwant\n%s", name, out.String(), want)
		}
	}
}

func TestNoKeyIsNoTrust(t *testing.T) {
	l := newLog(t, 1, 3)
	content := l.bundle(all())
	if _, err := Verify(t.Context(), bytes.NewReader(content), int64(len(content)), Trust{Key: "x"}, nil); err == nil {
		t.Error("a key that is none is taken")
	}
	report := verify(t, content, Trust{Key: newKey(t, 9).public})
	if report.OK || report.Proven {
		t.Errorf("a stranger's key: %+v", report)
	}
	for _, f := range report.Findings {
		if f.Kind != trail.KindBadSignature {
			t.Errorf("%+v", f)
		}
	}
}

func ExampleReport_Verdict() {
	fmt.Println(Report{OK: true, Origin: "example.com/log", Selection: Selection{Scope: ScopeStreams}}.Verdict())
	// Output: AS RECORDED: every event in this bundle is in the log example.com/log as it was recorded.
}
