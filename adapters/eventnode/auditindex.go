package eventnode

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// head is nil when there is none that can be read.
func (a *audit) head(stream uint64) (*head, error) {
	raw, err := a.get(headKey(stream))
	if err != nil {
		return nil, storageError(fmt.Sprintf("head of stream number %d", stream), err)
	}
	h, err := decodeHead(raw)
	if err != nil {
		return nil, nil //nolint:nilerr // reported where heads are audited
	}
	return &h, nil
}

// indexEnd is what the index of a stream ends with.
type indexEnd struct {
	last       int64 // revision of the last event, -1 for none
	position   int64 // of the last record, the tombstone included; 0 for none
	tombstoned bool
	entries    int64 // how many point to the part of the log that is audited
}

// walk follows the index of one stream from where the iterator stands to its
// end, and looks for gaps from revision want on.
func (a *audit) walk(it *pebble.Iterator, stream uint64, want int64) (indexEnd, error) {
	end := indexEnd{last: want - 1}
	for ; it.Valid(); it.Next() {
		key := it.Key()
		if len(key) != streamKeyLen || streamOf(key) != stream {
			break
		}
		raw, err := it.ValueAndErr()
		if err != nil {
			return end, storageError("stream index", err)
		}
		if len(raw) == 8 { // another length is reported with the record
			end.position = int64(binary.BigEndian.Uint64(raw))
		}
		if end.position > a.after {
			end.entries++
		}
		rev := revisionOf(key)
		switch {
		case rev == tombstoneRevision:
			end.tombstoned = true
			continue
		case rev > want:
			if err := a.gap(stream, want, rev); err != nil {
				return end, err
			}
		}
		want = max(want, rev+1)
		end.last = want - 1
	}
	return end, wrapStorage("stream index", it.Error())
}

func (a *audit) gap(stream uint64, from, to int64) error {
	d := Defect{Kind: DefectRevision, Stream: a.nameOf(stream), Revision: &from, Detail: "it is missing from the stream index"}
	if to-from > 1 {
		d.Detail = fmt.Sprintf("revisions %d to %d are missing from the stream index", from, to-1)
	}
	return a.report(d)
}

// nameOf names a stream in a defect, by its records if they can be read.
func (a *audit) nameOf(stream uint64) string {
	unnamed := fmt.Sprintf("number %d", stream)
	if a.unread >= unreadLimit {
		return unnamed
	}
	it, err := a.s.db.NewIter(&pebble.IterOptions{LowerBound: streamKey(stream, 0), UpperBound: streamKey(stream, math.MaxInt64)})
	if err != nil {
		return unnamed
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		raw, err := it.ValueAndErr()
		if err != nil || len(raw) != 8 {
			continue
		}
		r, err := a.s.readRecord(int64(binary.BigEndian.Uint64(raw)))
		if err == nil && r.stream == stream {
			return string(r.name)
		}
		if a.unread++; a.unread >= unreadLimit {
			return unnamed
		}
	}
	return unnamed
}

// agrees: the head of a stream is what its index ends with. kept is firstKept.
func (a *audit) agrees(stream uint64, h head, end indexEnd, kept int64) error {
	var wrong string
	switch newest := max(end.position, h.metaPos); {
	case h.no != stream:
		wrong = fmt.Sprintf("the head under number %d is of number %d", stream, h.no)
	case h.last != end.last:
		wrong = fmt.Sprintf("the head says last revision %d, the stream index %d", h.last, end.last)
	case h.tombstoned != end.tombstoned:
		wrong = fmt.Sprintf("ended for ever: the head says %t, the stream index %t", h.tombstoned, end.tombstoned)
	case h.asOf < newest || kept == 0 && h.asOf != newest:
		wrong = fmt.Sprintf("the head is as of position %d, the latest record is at %d", h.asOf, newest)
	default:
		return nil
	}
	return a.report(Defect{Kind: DefectHead, Stream: a.nameOf(stream), Position: h.asOf, Detail: wrong})
}
