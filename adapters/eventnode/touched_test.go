package eventnode

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"
)

// Whatever positions are noted, the ranges hold all of them, in order and apart,
// and what is remembered stays small.
func TestTouchedRangesHoldEveryPosition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x touched
		var noted []int64
		for range rapid.IntRange(0, 200).Draw(t, "times") {
			first := rapid.Int64Range(1, 1<<rapid.IntRange(1, 61).Draw(t, "scale")).Draw(t, "first")
			last := first + rapid.Int64Range(0, 1<<40).Draw(t, "length")
			x.add(first, last)
			noted = append(noted, first, last)
		}
		if len(x.parts) > touchedParts {
			t.Fatalf("%d parts are remembered", len(x.parts))
		}
		ranges := x.ranges()
		for i, rg := range ranges {
			if bytes.Compare(rg.from, rg.to) >= 0 || i > 0 && bytes.Compare(ranges[i-1].to, rg.from) > 0 {
				t.Fatalf("range %d is from %x to %x", i, rg.from, rg.to)
			}
		}
		for _, pos := range noted {
			held := false
			for _, rg := range ranges {
				held = held || bytes.Compare(rg.from, logKey(pos)) <= 0 && bytes.Compare(logKey(pos), rg.to) < 0
			}
			if !held {
				t.Fatalf("position %d is in no range", pos)
			}
		}
	})
}

// FuzzScavengeState feeds the decoder with anything: it never panics, and what
// it accepts encodes to a state that decodes to the same.
func FuzzScavengeState(f *testing.F) {
	state := scavengeState{Position: 7, Result: ScavengeSuccess, Records: 3, Span: 99}
	state.Pending.add(3, 17)
	b, err := state.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, false)
	f.Add(b[:len(b)-checksumLen], true)
	f.Add([]byte{}, false)
	f.Fuzz(func(t *testing.T, b []byte, mend bool) {
		if mend { // let the fuzzer past the checksum
			b = binary.BigEndian.AppendUint32(bytes.Clone(b), checksum(b))
		}
		got, err := decodeScavenge(b)
		if err != nil {
			return
		}
		again, err := got.encode()
		if err != nil {
			t.Fatal(err)
		}
		if same, err := decodeScavenge(again); err != nil || same != got {
			t.Fatalf("%+v became %+v (%v)", got, same, err)
		}
	})
}

func TestFlippedBitInScavengeStateIsFound(t *testing.T) {
	state := scavengeState{Position: 7, Result: ScavengeSuccess}
	b, err := state.encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 1 << (i % 8)
		if _, err := decodeScavenge(b); err == nil {
			t.Fatalf("byte %d changed unnoticed", i)
		}
		b[i] ^= 1 << (i % 8)
	}
}
