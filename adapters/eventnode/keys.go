package eventnode

import (
	"encoding/binary"
	"math"
)

// The key spaces of the folder. All integers are big-endian, so that keys sort
// as the numbers do.
const (
	spaceLog    = 'a' // position            → record
	spaceStream = 's' // stream, revision    → position
	spaceName   = 'n' // name                → stream number
	spaceHead   = 'h' // stream              → head
	spaceMark   = 'm' // name of the mark    → its value
	spaceGroup  = 'g' // stream::group       → settings of the group
	spaceUser   = 'u' // name                → password hash
)

const (
	logKeyLen    = 1 + 8
	streamKeyLen = 1 + 8 + 8
	headKeyLen   = 1 + 8

	formatMark   = "format"
	nodeMark     = "node"
	scavengeMark = "scavenge"
	wholeMark    = "whole-after" // a position: see wholeAfter

	// tombstoneRevision is the revision of the record that ends a stream.
	tombstoneRevision = math.MaxInt64
)

func putLogKey(dst []byte, pos int64) []byte {
	dst = append(dst[:0], spaceLog)
	return binary.BigEndian.AppendUint64(dst, uint64(pos))
}

func logKey(pos int64) []byte { return putLogKey(make([]byte, 0, logKeyLen), pos) }

func positionOf(key []byte) (int64, bool) {
	if len(key) != logKeyLen || key[0] != spaceLog {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(key[1:])), true
}

func putStreamKey(dst []byte, stream uint64, rev int64) []byte {
	dst = append(dst[:0], spaceStream)
	dst = binary.BigEndian.AppendUint64(dst, stream)
	return binary.BigEndian.AppendUint64(dst, uint64(rev))
}

func streamKey(stream uint64, rev int64) []byte {
	return putStreamKey(make([]byte, 0, streamKeyLen), stream, rev)
}

func streamOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[1:]) }

func revisionOf(key []byte) int64 { return int64(binary.BigEndian.Uint64(key[9:])) }

func headKey(stream uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, headKeyLen), spaceHead), stream)
}

func nameKey(name string) []byte { return append([]byte{spaceName}, name...) }

func markKey(name string) []byte { return append([]byte{spaceMark}, name...) }

func groupKey(id string) []byte { return append([]byte{spaceGroup}, id...) }

func userKey(name string) []byte { return append([]byte{spaceUser}, name...) }

// after is the smallest key that follows every key of a space.
func after(space byte) []byte { return []byte{space + 1} }
