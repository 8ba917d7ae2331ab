package ledger

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

// promise: I9
func TestEveryProofVerifiesAndNoneForAChangedEvent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := history(rapid.Uint64().Draw(rt, "seed"), rapid.IntRange(1, 1200).Draw(rt, "events"))
		dir, err := os.MkdirTemp(t.TempDir(), "log")
		if err != nil {
			rt.Fatal(err)
		}
		l, err := open(testConfig(dir), uint64(rapid.IntRange(1, 900).Draw(rt, "journal")))
		if err != nil {
			rt.Fatal(err)
		}
		defer l.Close()
		heads := []Checkpoint{l.Checkpoint()}
		for rest := events; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "page")
			if err := l.Append(t.Context(), rest[:n]); err != nil {
				rt.Fatal(err)
			}
			rest = rest[n:]
			heads = append(heads, l.Checkpoint())
		}
		for range 20 {
			event := rapid.SampledFrom(events).Draw(rt, "event")
			made, err := l.Prove(t.Context(), event.Position)
			if err != nil {
				rt.Fatal(err)
			}
			made = throughJSON(rt, made)
			if err := VerifyInclusion(made, event, l.VerifierKey()); err != nil {
				rt.Fatalf("position %d: %v", event.Position, err)
			}
			if err := VerifyInclusion(made, changed(rt, event), l.VerifierKey()); !errors.Is(err, ErrProof) {
				rt.Fatalf("changed event at %d: %v", event.Position, err)
			}
			if err := VerifyInclusion(bent(rt, made), event, l.VerifierKey()); err == nil {
				rt.Fatal("a bent proof verifies")
			}
		}
		older := rapid.SampledFrom(heads).Draw(rt, "older")
		newer := rapid.SampledFrom(heads).Draw(rt, "newer")
		if older.Size > newer.Size {
			older, newer = newer, older
		}
		steps, err := l.ProveConsistency(t.Context(), older.Size, newer.Size)
		if err != nil {
			rt.Fatal(err)
		}
		if err := VerifyConsistency(older.Text, newer.Text, steps, l.VerifierKey()); err != nil {
			rt.Fatalf("from %d to %d: %v", older.Size, newer.Size, err)
		}
		if len(steps) > 0 {
			steps[rapid.IntRange(0, len(steps)-1).Draw(rt, "step")][3] ^= 1
			if err := VerifyConsistency(older.Text, newer.Text, steps, l.VerifierKey()); !errors.Is(err, ErrProof) {
				rt.Fatalf("bent consistency: %v", err)
			}
		}
	})
}

func throughJSON(t *rapid.T, made InclusionProof) (back InclusionProof) {
	text, err := json.Marshal(made)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

// changed alters one thing that was recorded about an event.
func changed(t *rapid.T, e eventschema.Recorded) eventschema.Recorded {
	switch rapid.IntRange(0, 8).Draw(t, "what changes") {
	case 0:
		e.Data = flipped(t, e.Data)
	case 1:
		e.Metadata = flipped(t, e.Metadata)
	case 2:
		e.Type += "x"
	case 3:
		e.Created = e.Created.Add(100)
	case 4:
		e.Stream += "0"
	case 5:
		e.Revision++
	case 6:
		e.Position++
	case 7:
		e.ID[3] ^= 1
	case 8:
		e.ContentType = "text/plain"
	}
	return e
}

func flipped(t *rapid.T, content []byte) []byte {
	if len(content) == 0 {
		return []byte{0}
	}
	content = slices.Clone(content)
	content[rapid.IntRange(0, len(content)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	return content
}

// bent falsifies one part of a proof.
func bent(t *rapid.T, p InclusionProof) InclusionProof {
	p.Hashes = slices.Clone(p.Hashes)
	switch kind := rapid.IntRange(0, 4).Draw(t, "what bends"); {
	case kind == 0 && len(p.Hashes) > 0:
		p.Hashes[rapid.IntRange(0, len(p.Hashes)-1).Draw(t, "hash")][0] ^= 1
	case kind == 1 && len(p.Hashes) > 0:
		p.Hashes = p.Hashes[1:]
	case kind == 2:
		p.Hashes = append(p.Hashes, Hash{})
	case kind == 3:
		p.Size++
	default:
		p.Leaf[5] ^= 1
	}
	return p
}

func TestHashTextIsCanonical(t *testing.T) {
	var h Hash
	for _, text := range []string{"", "AAAA", base64.StdEncoding.EncodeToString(make([]byte, 33)), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="} {
		if err := h.UnmarshalText([]byte(text)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
