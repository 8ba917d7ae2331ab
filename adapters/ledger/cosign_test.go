package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracekeep/adapters/ledger/trail"
)

func policyOf(t *testing.T, text string) trail.Policy {
	t.Helper()
	policy, err := trail.ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// promise: OT-27
func TestALogSignsWithMLDSAAsWellOnceItIsTold(t *testing.T) {
	events := history(40, 300)
	dir := t.TempDir()
	l := openTest(t, dir)
	appendAll(t, l, events[:100], 50)
	before := l.Checkpoint().Text
	key, err := l.MakeCosigner()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.MakeCosigner(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second key: %v", err)
	}
	policy := policyOf(t, "log "+l.VerifierKey()+"\nwitness own "+key+"\nquorum own\n")
	if policy.Satisfied(before) || !policy.Satisfied(l.Checkpoint().Text) {
		t.Error("the newest checkpoint is to be signed with the key, and no older one")
	}
	if _, err := l.ChangeKey(seeded(83)); err != nil { // of Ed25519 only
		t.Fatal(err)
	}
	closeTest(t, l)
	l = openTest(t, dir)
	appendAll(t, l, events[100:], 50)
	if l.CosignerKey() != key || !policy.Satisfied(l.Checkpoint().Text) {
		t.Error("after a restart the log has forgotten the key")
	}
	if forged := strings.Replace(l.Checkpoint().Text, "\n300\n", "\n299\n", 1); policy.Satisfied(forged) {
		t.Error("the signature holds for another size")
	}
	if report := verifyTest(t, dir, l.VerifierKey(), events); !report.OK {
		t.Errorf("%+v", report.Findings)
	}
	stat, err := os.Stat(filepath.Join(dir, ownCosignerFile))
	if err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", stat, err)
	}
	closeTest(t, l)
	if err := os.Remove(filepath.Join(dir, ownCosignerFile+publicSuffix)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testConfig(dir)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("half a key: %v", err)
	}
}

func TestACrashWhileTheCosignerIsMadeLeavesNone(t *testing.T) {
	dir := t.TempDir()
	rewriteFile(t, filepath.Join(dir, ownCosignerFile+publicSuffix), []byte("half\n"))
	l := openTest(t, dir)
	if l.CosignerKey() != "" {
		t.Error("half a key is one")
	}
	if _, err := l.MakeCosigner(); err != nil {
		t.Error(err)
	}
}

func TestAWitnessAddsItsSignature(t *testing.T) {
	l := openTest(t, t.TempDir())
	appendAll(t, l, history(41, 60), 60)
	file := filepath.Join(t.TempDir(), "witness")
	made, err := MakeCosigner(file, "witness.example")
	if err != nil {
		t.Fatal(err)
	}
	again, err := ReadCosigner(file)
	if err != nil || again.VerifierKey() != made.VerifierKey() {
		t.Fatal(err)
	}
	signed, err := again.Cosign(l.Checkpoint().Text)
	if err != nil {
		t.Fatal(err)
	}
	if policy := policyOf(t, "witness w "+made.VerifierKey()+"\nquorum w\n"); !policy.Satisfied(signed) {
		t.Errorf("%s", signed)
	}
	if _, err := l.Keys().OpenCheckpoint(signed); err != nil {
		t.Errorf("the log's own signature: %v", err)
	}
	for rule, text := range map[string]string{"nothing": "", "a certificate": "tracekeep-note/v1\n{}\n\n— x y\n"} {
		if _, err := again.Cosign(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s is signed: %v", rule, err)
		}
	}
	if _, err := MakeCosigner(file, "witness.example"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a key is written over: %v", err)
	}
	if _, err := MakeCosigner(file+"2", "two words"); !errors.Is(err, ErrConfig) {
		t.Errorf("a name with a space: %v", err)
	}
	rewriteFile(t, file, []byte("PRIVATE+KEY+x"))
	if _, err := ReadCosigner(file); !errors.Is(err, ErrCorrupt) || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("a key that is none: %v", err)
	}
}
