package eventnode

import (
	"encoding/binary"
	"fmt"
	"strings"
)

const (
	headVersion = 1
	headLen     = 1 + 1 + 8*7 + checksumLen

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
}

func isMetastream(name string) bool { return strings.HasPrefix(name, "$$") }

// metaTarget is the stream that a metadata stream describes.
func metaTarget(name string) string { return name[2:] }

func metaStreamOf(name string) string { return "$$" + name }

// softDeleted: the whole stream is hidden, and a new append brings it back.
func (h head) softDeleted() bool { return h.meta.truncateBefore == tombstoneRevision }

// exists: a reader finds the stream, perhaps with nothing visible in it.
func (h head) exists() bool { return h.last >= 0 && !h.softDeleted() }

// firstVisible is the lowest revision that $maxCount and $tb leave visible.
func (h head) firstVisible() int64 {
	first := h.meta.truncateBefore
	if h.meta.maxCount > 0 {
		first = max(first, h.last-h.meta.maxCount+1)
	}
	return max(first, 0)
}

func (h head) encode() []byte {
	var flags byte
	if h.tombstoned {
		flags |= headTombstoned
	}
	b := append(make([]byte, 0, headLen), headVersion, flags)
	for _, v := range [...]uint64{h.no, uint64(h.last), uint64(h.metaPos), uint64(h.meta.maxCount),
		uint64(h.meta.maxAge), uint64(h.meta.truncateBefore), uint64(h.asOf)} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	return binary.BigEndian.AppendUint32(b, checksum(b))
}

func decodeHead(b []byte) (head, error) {
	if len(b) != headLen {
		return head{}, fmt.Errorf("stream head of %d bytes", len(b))
	}
	body := b[:headLen-checksumLen]
	if checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return head{}, fmt.Errorf("checksum of a stream head differs")
	}
	if body[0] != headVersion {
		return head{}, fmt.Errorf("stream head of version %d", body[0])
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(body[2+8*i:]) }
	return head{
		no: at(0), last: int64(at(1)), metaPos: int64(at(2)), asOf: int64(at(6)),
		tombstoned: body[1]&headTombstoned != 0,
		meta:       streamMeta{maxCount: int64(at(3)), maxAge: int64(at(4)), truncateBefore: int64(at(5))},
	}, nil
}
