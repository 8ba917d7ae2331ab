package ledger

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestThePlaceOfALeafIsProvedWithoutItsEvent(t *testing.T) {
	events := history(7, 300)
	l, err := open(testConfig(t.TempDir()), 50)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Append(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		made, err := l.Prove(t.Context(), rapid.SampledFrom(events).Draw(rt, "event").Position)
		if err != nil {
			rt.Fatal(err)
		}
		if err := VerifyPlace(made, l.VerifierKey()); err != nil {
			rt.Fatalf("leaf %d: %v", made.Index, err)
		}
		other := made
		other.Leaf[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1
		if err := VerifyPlace(other, l.VerifierKey()); !errors.Is(err, ErrProof) {
			rt.Fatalf("another leaf: %v", err)
		}
		elsewhere := made
		elsewhere.Index = (made.Index + 1) % made.Size
		if err := VerifyPlace(elsewhere, l.VerifierKey()); !errors.Is(err, ErrProof) {
			rt.Fatalf("another place: %v", err)
		}
		larger := made
		larger.Size++
		if err := VerifyPlace(larger, l.VerifierKey()); !errors.Is(err, ErrProof) {
			rt.Fatalf("another tree: %v", err)
		}
	})
}
