package eventnode

import (
	"encoding/binary"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// wireEvent is an event on its way to a client. It is written to the wire from
// the record itself: to make the generated message first, with its map of
// metadata, took as long as all else that the node does for an event it sends.
// Both services that send events give their fields the same numbers; a test
// holds what is written here to the generated messages.
type wireEvent struct {
	event, link *record // event is nil where a link leads nowhere
	stringIDs   bool
	// retries is told by persistent subscriptions only.
	retries  int32
	toGroups bool

	eventSize, linkSize int
}

// Numbers of fields. All are below 16, so that a tag takes one byte.
const (
	respEvent = 1 // ReadResp

	readEvent   = 1 // ReadResp.ReadEvent
	readLink    = 2
	readCommit  = 3
	readRetries = 5

	recordedID       = 1 // ReadResp.ReadEvent.RecordedEvent
	recordedStream   = 2
	recordedRevision = 3
	recordedPrepare  = 4
	recordedCommit   = 5
	recordedMetadata = 6
	recordedCustom   = 7
	recordedData     = 8

	uuidStructured = 1 // UUID
	uuidText       = 2
	uuidMost       = 1 // UUID.Structured
	uuidLeast      = 2
	streamName     = 3 // StreamIdentifier
	entryKey       = 1 // of a map
	entryValue     = 2

	uuidTextLen = 36
)

const (
	metadataType    = "type"
	metadataContent = "content-type"
	metadataCreated = "created"
)

func sizeOfVarint(v uint64) int { return 1 + protowire.SizeVarint(v) }

func sizeOfBytes(n int) int { return 1 + protowire.SizeBytes(n) }

func sizeOfEntry(key string, value int) int {
	return sizeOfBytes(sizeOfBytes(len(key)) + sizeOfBytes(value))
}

// size is what appendTo will append.
func (m *wireEvent) size() int { return sizeOfBytes(m.bodySize()) }

func (m *wireEvent) bodySize() int {
	n := sizeOfVarint(uint64(m.original().pos))
	if m.event != nil {
		m.eventSize = m.recordedSize(m.event)
		n += sizeOfBytes(m.eventSize)
	}
	if m.link != nil {
		m.linkSize = m.recordedSize(m.link)
		n += sizeOfBytes(m.linkSize)
	}
	if m.toGroups {
		n += sizeOfVarint(uint64(m.retries))
	}
	return n
}

// original is the record whose position counts.
func (m *wireEvent) original() *record {
	if m.link != nil {
		return m.link
	}
	return m.event
}

func (m *wireEvent) recordedSize(r *record) int {
	n := sizeOfBytes(m.idSize(r)) + sizeOfBytes(sizeOfBytes(len(r.name))) +
		sizeOfVarint(uint64(r.rev)) + 2*sizeOfVarint(uint64(r.pos)) +
		sizeOfEntry(metadataType, len(r.typ)) + sizeOfEntry(metadataContent, len(r.contentType())) +
		sizeOfEntry(metadataCreated, decimalLen(r.ticks))
	if len(r.meta) > 0 {
		n += sizeOfBytes(len(r.meta))
	}
	if len(r.data) > 0 {
		n += sizeOfBytes(len(r.data))
	}
	return n
}

func halves(r *record) (most, least uint64) {
	return binary.BigEndian.Uint64(r.id[:8]), binary.BigEndian.Uint64(r.id[8:])
}

func (m *wireEvent) idSize(r *record) int {
	if m.stringIDs {
		return sizeOfBytes(uuidTextLen)
	}
	most, least := halves(r)
	return sizeOfBytes(sizeOfVarint(most) + sizeOfVarint(least))
}

// decimalLen is the length of a number in decimal digits.
func decimalLen(n int64) int {
	var digits [20]byte
	return len(strconv.AppendInt(digits[:0], n, 10))
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// appendLen begins a field of so many bytes.
func appendLen(b []byte, field protowire.Number, n int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(n))
}

func appendBytes[T []byte | string](b []byte, field protowire.Number, v T) []byte {
	return append(appendLen(b, field, len(v)), v...)
}

// appendTo appends the message; size must have been called.
func (m *wireEvent) appendTo(b []byte) []byte {
	b = appendLen(b, respEvent, m.bodySize())
	if m.event != nil {
		b = m.appendRecorded(appendLen(b, readEvent, m.eventSize), m.event)
	}
	if m.link != nil {
		b = m.appendRecorded(appendLen(b, readLink, m.linkSize), m.link)
	}
	b = appendVarint(b, readCommit, uint64(m.original().pos))
	if m.toGroups {
		b = appendVarint(b, readRetries, uint64(m.retries))
	}
	return b
}

func (m *wireEvent) appendRecorded(b []byte, r *record) []byte {
	b = appendLen(b, recordedID, m.idSize(r))
	if m.stringIDs {
		b = appendBytes(b, uuidText, r.id.String())
	} else {
		most, least := halves(r)
		b = appendLen(b, uuidStructured, sizeOfVarint(most)+sizeOfVarint(least))
		b = appendVarint(appendVarint(b, uuidMost, most), uuidLeast, least)
	}
	b = appendBytes(appendLen(b, recordedStream, sizeOfBytes(len(r.name))), streamName, r.name)
	b = appendVarint(b, recordedRevision, uint64(r.rev))
	b = appendVarint(b, recordedPrepare, uint64(r.pos))
	b = appendVarint(b, recordedCommit, uint64(r.pos))
	b = appendEntry(b, metadataType, r.typ)
	b = appendEntry(b, metadataContent, r.contentType())
	var digits [20]byte
	b = appendEntry(b, metadataCreated, strconv.AppendInt(digits[:0], r.ticks, 10))
	if len(r.meta) > 0 {
		b = appendBytes(b, recordedCustom, r.meta)
	}
	if len(r.data) > 0 {
		b = appendBytes(b, recordedData, r.data)
	}
	return b
}

func appendEntry[T []byte | string](b []byte, key string, value T) []byte {
	b = appendLen(b, recordedMetadata, sizeOfBytes(len(key))+sizeOfBytes(len(value)))
	return appendBytes(appendBytes(b, entryKey, key), entryValue, value)
}
