package ledger

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"

	"tracekeep/adapters/ledger/trail"
)

// A checkpoint that opens must be one this key signed; its parser must take
// nothing it would not write itself, extensions aside.
func FuzzCheckpoint(f *testing.F) {
	l := openTest(f, f.TempDir())
	appendAll(f, l, history(50, 300), 100)
	f.Add(l.Checkpoint().Text)
	f.Add("a\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nextension\n")
	f.Add("a\n01\n=\n")
	signed, key := l.Checkpoint(), l.VerifierKey()
	f.Fuzz(func(t *testing.T, text string) {
		if opened, err := OpenCheckpoint(text, key); err == nil && (opened.Root != signed.Root || opened.Size != signed.Size) {
			t.Fatalf("forged: %q", text)
		}
		head, err := trail.ParseCheckpoint(text)
		if body := trail.CheckpointBody(head.Origin, head.Size, head.Root); err == nil && !bytes.HasPrefix([]byte(text), []byte(body)) {
			t.Fatalf("%q was read as %q", text, body)
		}
	})
}

// No proof but the right one verifies.
func FuzzInclusionProof(f *testing.F) {
	events := history(51, 300)
	l := openTest(f, f.TempDir())
	appendAll(f, l, events, 100)
	for _, i := range []int{0, 7, 299} {
		made, err := l.Prove(f.Context(), events[i].Position)
		if err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(made)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	right, err := l.Prove(f.Context(), events[7].Position)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var made InclusionProof
		if json.Unmarshal(text, &made) != nil || VerifyInclusion(made, events[7], l.VerifierKey()) != nil {
			return
		}
		if made.Index != right.Index || made.Size != right.Size || made.Leaf != right.Leaf {
			t.Fatalf("another proof verifies: %s", text)
		}
	})
}

// However the index is damaged, a search answers an entry that is there.
func FuzzPositions(f *testing.F) {
	f.Add([]byte{}, uint64(3))
	f.Add(encodePositions([]leaf{{position: 1}, {position: 5}, {position: 9}}), uint64(5))
	f.Add(bytes.Repeat([]byte{0xff}, 37), uint64(0))
	f.Fuzz(func(t *testing.T, content []byte, position uint64) {
		size := uint64(len(content)) / positionBytes
		index, exact, err := positions{file: bytes.NewReader(content)}.search(size, position)
		if err != nil || index > size {
			t.Fatalf("index %d of %d: %v", index, size, err)
		}
		if exact && binary.BigEndian.Uint64(content[index*positionBytes:]) != position {
			t.Fatalf("position %d is not at %d", position, index)
		}
	})
}

// A journal is read back entry by entry; only a torn end is left out.
func FuzzJournal(f *testing.F) {
	f.Add(make([]byte, 2*journalEntry+3))
	f.Fuzz(func(t *testing.T, content []byte) {
		var again []byte
		for _, held := range parseJournal(content) {
			again = binary.BigEndian.AppendUint64(again, held.position)
			again = append(again, held.hash[:]...)
		}
		if !bytes.HasPrefix(content, again) || len(content)-len(again) >= journalEntry {
			t.Fatalf("%d of %d bytes came back", len(again), len(content))
		}
	})
}
