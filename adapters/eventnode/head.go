package eventnode

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	headVersion = 1
	headLen     = 1 + 1 + 8*7 + checksumLen
	// A head of version 2 ends with the floor. Only streams that lost events to a
	// scavenge have one, so that any other folder stays as it was.
	flooredVersion = 2
	flooredLen     = headLen + 8

	headTombstoned = 1 << 0
)

// head is what the node knows of a stream without reading its events.
type head struct {
	no         uint64
	last       int64 // revision of the last event ever written, -1 for none
	tombstoned bool
	metaPos    int64 // position of the last event of the metadata stream, 0 for none
	meta       streamMeta
	asOf       int64 // position of the record that last changed this head
	// floor is the revision below which a scavenge removed every event. Only
	// below it may revisions be missing.
	floor int64
}

func isMetastream(name string) bool { return strings.HasPrefix(name, "$$") }

// metaTarget is the stream that a metadata stream describes.
func metaTarget(name string) string { return name[2:] }

func metaStreamOf(name string) string { return "$$" + name }

// softDeleted: the whole stream is hidden, and a new append brings it back.
func (h head) softDeleted() bool { return h.meta.truncateBefore == tombstoneRevision }

// exists: a reader finds the stream, perhaps with nothing visible in it.
func (h head) exists() bool { return h.last >= 0 && !h.softDeleted() }

// firstVisible is the lowest revision that $maxCount and $tb leave visible and
// that no scavenge removed.
func (h head) firstVisible() int64 {
	first := max(h.meta.truncateBefore, h.floor)
	if h.meta.maxCount > 0 {
		first = max(first, h.last-h.meta.maxCount+1)
	}
	return first
}

// removable is the revision below which a scavenge may remove events, whatever
// their age. The last event stays, so that the log itself tells how far the
// revisions of a stream went; where the stream has ended, its tombstone does.
func (h head) removable() int64 {
	if h.tombstoned {
		return h.last + 1
	}
	return min(h.firstVisible(), h.last)
}

func (h head) encode() []byte {
	var flags byte
	if h.tombstoned {
		flags |= headTombstoned
	}
	version := byte(headVersion)
	if h.floor > 0 {
		version = flooredVersion
	}
	b := append(make([]byte, 0, flooredLen), version, flags)
	for _, v := range [...]uint64{h.no, uint64(h.last), uint64(h.metaPos), uint64(h.meta.maxCount),
		uint64(h.meta.maxAge), uint64(h.meta.truncateBefore), uint64(h.asOf)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	if h.floor > 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(h.floor))
	}
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func decodeHead(b []byte) (head, error) {
	if len(b) != headLen && len(b) != flooredLen {
		return head{}, fmt.Errorf("stream head of %d bytes", len(b))
	}
	body := b[:len(b)-checksumLen]
	if checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return head{}, fmt.Errorf("checksum of a stream head differs")
	}
	floored, version := len(b) == flooredLen, byte(headVersion)
	if floored {
		version = flooredVersion
	}
	if body[0] != version {
		return head{}, fmt.Errorf("stream head of version %d and %d bytes", body[0], len(b))
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(body[2+8*i:]) }
	h := head{
		no: at(0), last: int64(at(1)), metaPos: int64(at(2)), asOf: int64(at(6)),
		tombstoned: body[1]&headTombstoned != 0,
		meta:       streamMeta{maxCount: int64(at(3)), maxAge: int64(at(4)), truncateBefore: int64(at(5))},
	}
	if floored {
		h.floor = int64(at(7))
	}
	return h, nil
}
