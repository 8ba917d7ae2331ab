package eventnode

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
)

func encodeRecord(r record) []byte {
	b := make([]byte, r.encodedLen())
	r.encodeInto(b)
	return b
}

func sameRecord(a, b record) bool {
	return a.pos == b.pos && a.stream == b.stream && a.rev == b.rev && a.id == b.id && a.ticks == b.ticks && a.flags == b.flags &&
		bytes.Equal(a.name, b.name) && bytes.Equal(a.typ, b.typ) && bytes.Equal(a.data, b.data) && bytes.Equal(a.meta, b.meta)
}

func someRecord() record {
	return record{
		pos: 4711, stream: 3, rev: 7, id: uuid.MustParse("6f1ed002-ab59-4cc8-9d5c-2ee1b2e3c0a1"), ticks: 17_000_000_000_000_000,
		flags: flagJSON, name: []byte("punches-1.2.2026"), typ: []byte("punch-recorded.v2"), data: bytes.Repeat([]byte("x"), 300), meta: []byte(`{"$correlationId":"1"}`),
	}
}

func TestRecordSurvivesTheLog(t *testing.T) {
	for name, r := range map[string]record{
		"an ordinary event":   someRecord(),
		"nothing but a type":  {pos: 1, stream: 1, name: []byte("s"), typ: []byte("t")},
		"the end of a stream": {pos: math.MaxInt64, stream: math.MaxUint64, rev: tombstoneRevision, flags: flagTombstone, name: []byte("\xff\x00"), typ: []byte(typeTombstone)},
		"two bytes of length": {pos: 9, stream: 1, name: bytes.Repeat([]byte("n"), 200), typ: []byte("t"), data: make([]byte, 20_000)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeRecord(r.pos, encodeRecord(r))
			if err != nil || !sameRecord(r, got) {
				t.Errorf("got %+v (%v)", got, err)
			}
		})
	}
}

// Every single flipped bit, and a record read from another place than its own,
// is found.
func TestFlippedBitIsFound(t *testing.T) {
	r := someRecord()
	b := encodeRecord(r)
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, err := decodeRecord(r.pos, b); !errors.Is(err, errBadRecord) {
				t.Fatalf("bit %d of byte %d flipped: %v", bit, i, err)
			}
			b[i] ^= 1 << bit
		}
	}
	if _, err := decodeRecord(r.pos+1, b); !errors.Is(err, errBadRecord) {
		t.Errorf("read at another position: %v", err)
	}
	for n := range b {
		if _, err := decodeRecord(r.pos, b[:n]); !errors.Is(err, errBadRecord) {
			t.Fatalf("cut off after %d bytes: %v", n, err)
		}
	}
}

func TestFlippedBitInHeadIsFound(t *testing.T) {
	h := head{no: 9, last: 41, metaPos: 12, meta: streamMeta{maxCount: 1, maxAge: 2, truncateBefore: 3}, asOf: 77, tombstoned: true}
	for _, floor := range []int64{0, 40} {
		h.floor = floor
		b := h.encode()
		if got, err := decodeHead(b); err != nil || got != h {
			t.Fatalf("%+v (%v)", got, err)
		}
		for i := range b {
			b[i] ^= 1 << (i % 8)
			if _, err := decodeHead(b); err == nil {
				t.Fatalf("byte %d changed unnoticed", i)
			}
			b[i] ^= 1 << (i % 8)
		}
	}
}

// FuzzRecord feeds the decoder with anything: it never panics, and what it
// accepts encodes to the same bytes.
func FuzzRecord(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		x := someRecord()
		x.pos = int64(r.IntN(1000))
		x.data = x.data[:r.IntN(len(x.data))]
		f.Add(x.pos, encodeRecord(x), true)
	}
	f.Add(int64(0), []byte{}, false)
	f.Add(int64(5), bytes.Repeat([]byte{0xff}, 80), true)
	f.Fuzz(func(t *testing.T, pos int64, b []byte, mend bool) {
		if mend && len(b) > checksumLen { // let the fuzzer past the checksum
			body := b[:len(b)-checksumLen]
			b = append(append([]byte{}, body...), 0, 0, 0, 0)
			putChecksum(b, pos)
		}
		got, err := decodeRecord(pos, b)
		if err != nil {
			if !errors.Is(err, errBadRecord) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeRecord(pos, encodeRecord(got))
		if err != nil || !sameRecord(got, again) {
			t.Fatalf("%+v became %+v (%v)", got, again, err)
		}
	})
}

func putChecksum(b []byte, pos int64) {
	body := b[:len(b)-checksumLen]
	c := recordChecksum(body, pos)
	b[len(body)], b[len(body)+1], b[len(body)+2], b[len(body)+3] = byte(c>>24), byte(c>>16), byte(c>>8), byte(c)
}
