package eventnode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"

	"github.com/google/uuid"
)

const (
	recordVersion = 1

	flagJSON      = 1 << 0
	flagTombstone = 1 << 1

	// version, flags, stream number, revision, id, ticks
	recordFixedLen = 1 + 1 + 8 + 8 + 16 + 8
	checksumLen    = 4
)

const (
	typeMetadata  = "$metadata"
	typeTombstone = "$streamDeleted"
	typeLink      = "$>"
)

// record is one event as the log keeps it. The byte slices of a decoded record
// point into the buffer it was decoded from.
type record struct {
	pos    int64
	stream uint64
	rev    int64
	id     uuid.UUID
	ticks  int64
	flags  byte
	name   []byte
	typ    []byte
	data   []byte
	meta   []byte
}

var errBadRecord = errors.New("bad record")

func uvarintLen(n int) int {
	l := 1
	for n >= 0x80 {
		n >>= 7
		l++
	}
	return l
}

func sizedLen(b []byte) int { return uvarintLen(len(b)) + len(b) }

func (r *record) encodedLen() int {
	return recordFixedLen + sizedLen(r.name) + sizedLen(r.typ) + sizedLen(r.data) + sizedLen(r.meta) + checksumLen
}

// encodeInto fills dst, which must be encodedLen long. The checksum covers the
// position too, so that a record under a wrong key is found.
func (r *record) encodeInto(dst []byte) {
	b := append(dst[:0], recordVersion, r.flags)
	b = binary.BigEndian.AppendUint64(b, r.stream)
	b = binary.BigEndian.AppendUint64(b, uint64(r.rev))
	b = append(b, r.id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.ticks))
	for _, part := range [...][]byte{r.name, r.typ, r.data, r.meta} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	binary.BigEndian.AppendUint32(b, recordChecksum(b, r.pos))
}

// checksum is CRC-32C. MakeTable hands out one shared table for Castagnoli.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func newChecksum() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

func recordChecksum(body []byte, pos int64) uint32 {
	var p [8]byte
	binary.BigEndian.PutUint64(p[:], uint64(pos))
	return crc32.Update(checksum(body), crc32.MakeTable(crc32.Castagnoli), p[:])
}

// decodeRecord reads the record stored at pos. The result shares memory with b.
func decodeRecord(pos int64, b []byte) (record, error) {
	if len(b) < recordFixedLen+4+checksumLen {
		return record{}, fmt.Errorf("%w: %d bytes are too few", errBadRecord, len(b))
	}
	body := b[:len(b)-checksumLen]
	if recordChecksum(body, pos) != binary.BigEndian.Uint32(b[len(body):]) {
		return record{}, fmt.Errorf("%w: checksum differs", errBadRecord)
	}
	if body[0] != recordVersion {
		return record{}, fmt.Errorf("%w: version %d", errBadRecord, body[0])
	}
	r := record{
		pos:    pos,
		flags:  body[1],
		stream: binary.BigEndian.Uint64(body[2:]),
		rev:    int64(binary.BigEndian.Uint64(body[10:])),
		ticks:  int64(binary.BigEndian.Uint64(body[34:])),
	}
	copy(r.id[:], body[18:34])
	rest := body[recordFixedLen:]
	for _, part := range [...]*[]byte{&r.name, &r.typ, &r.data, &r.meta} {
		n, used := binary.Uvarint(rest)
		if used <= 0 || n > uint64(len(rest)-used) {
			return record{}, fmt.Errorf("%w: a length runs over the end", errBadRecord)
		}
		*part = rest[used : used+int(n) : used+int(n)]
		rest = rest[used+int(n):]
	}
	if len(rest) != 0 {
		return record{}, fmt.Errorf("%w: %d bytes left over", errBadRecord, len(rest))
	}
	return r, nil
}
