package ledger

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

// promise: I9
func TestOldCheckpointsAndNotesVerifyAfterTheKeyChanged(t *testing.T) {
	events := history(70, 900)
	dir := t.TempDir()
	l := openTest(t, dir)
	first := l.VerifierKey()
	var checkpoints, notes []string
	for i, chunk := range slices.Collect(slices.Chunk(events, 300)) {
		appendAll(t, l, chunk, 50)
		signed, err := l.SignNote("certificate\n")
		if err != nil {
			t.Fatal(err)
		}
		checkpoints, notes = append(checkpoints, l.Checkpoint().Text), append(notes, signed)
		before := l.VerifierKey()
		said, err := l.ChangeKey(seeded(uint64(80 + i)))
		if err != nil {
			t.Fatal(err)
		}
		if said.Old != before || said.New != l.VerifierKey() || said.Size != l.Checkpoint().Size || before == said.New {
			t.Fatalf("%+v", said)
		}
		if i == 1 { // the change survives a restart
			closeTest(t, l)
			l = openTest(t, dir)
		}
	}
	for _, trusted := range []string{first, l.VerifierKey()} {
		keys, err := trail.ParseKeys(trusted, l.Handovers())
		if err != nil {
			t.Fatal(err)
		}
		for i := range checkpoints {
			if _, err := keys.OpenCheckpoint(checkpoints[i]); err != nil {
				t.Errorf("checkpoint %d: %v", i, err)
			}
			if _, _, err := keys.OpenNote(notes[i]); err != nil {
				t.Errorf("note %d: %v", i, err)
			}
		}
		report := verifyTest(t, dir, trusted, events)
		if !report.OK || report.Keys != 4 {
			t.Errorf("%+v", report)
		}
		if err := VerifyExtends(t.Context(), dir, trusted, checkpoints[0]); err != nil {
			t.Errorf("extends: %v", err)
		}
	}
	if report := verifyTest(t, dir, openOther(t, t.TempDir()).VerifierKey(), events); report.OK {
		t.Error("a stranger's key leads to the log")
	}
	// An old key that was stolen signs nothing new.
	stale := trail.CheckpointBody(testOrigin, 10_000, Hash{1})
	keys := l.Keys()
	if _, err := keys.OpenCheckpoint(signWith(t, seeded(7), stale)); !errors.Is(err, ErrSignature) {
		t.Errorf("an old key signs a later log: %v", err)
	}
}

// signWith signs a checkpoint with the key drawn from a source.
func signWith(t *testing.T, random io.Reader, body string) string {
	t.Helper()
	dir := t.TempDir()
	key, err := makeKey(dir, signerKeyFile, testOrigin, random)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: body}, key.log)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// A crash while the key changes leaves one of the two in force.
func TestCrashWhileTheKeyChanges(t *testing.T) {
	events := history(71, 400)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events[:200], 50)
	older := l.VerifierKey()
	before := copyDir(t, dir)
	if _, err := l.ChangeKey(seeded(81)); err != nil {
		t.Fatal(err)
	}
	newer, after := l.VerifierKey(), copyDir(t, dir)
	closeTest(t, l)
	move := func(from, file, to, as string) {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(from, file))
		if err != nil {
			t.Fatal(err)
		}
		rewriteFile(t, filepath.Join(to, as), content)
	}
	for rule, c := range map[string]struct {
		crash func(dir string)
		want  string
	}{
		"before the hand-over is written": {func(dir string) { move(after, signerKeyFile, dir, nextKeyFile) }, older},
		"a draft of the new key":          {func(dir string) { rewriteFile(t, filepath.Join(dir, nextKeyFile+".next"), []byte("PRI")) }, older},
		"after the hand-over is written": {func(dir string) {
			move(after, signerKeyFile, dir, nextKeyFile)
			move(after, handoversFile, dir, handoversFile)
		}, newer},
		"after the key is in force": {func(dir string) {
			move(after, signerKeyFile, dir, signerKeyFile)
			move(after, handoversFile, dir, handoversFile)
		}, newer},
		"before the checkpoint is signed anew": {func(dir string) {
			for _, file := range []string{signerKeyFile, handoversFile, verifierKeyFile} {
				move(after, file, dir, file)
			}
		}, newer},
	} {
		t.Run(rule, func(t *testing.T) {
			crashed := copyDir(t, before)
			c.crash(crashed)
			again := openTest(t, crashed)
			if again.VerifierKey() != c.want {
				t.Fatalf("in force is %s", again.VerifierKey())
			}
			if _, err := os.Stat(filepath.Join(crashed, nextKeyFile)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a second key is left: %v", err)
			}
			appendAll(t, again, events[200:], 70)
			if report := verifyTest(t, crashed, older, events); !report.OK || report.Events != 400 {
				t.Errorf("%+v", report)
			}
		})
	}
	lost := copyDir(t, after)
	move(before, signerKeyFile, lost, signerKeyFile)
	if _, err := Open(testConfig(lost)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("an old key beside a newer hand-over: %v", err)
	}
}
