package trail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/transparency-dev/merkle/rfc6962"
)

const (
	leafLabel = "tracekeep-leaf/v1"
	bodyLabel = "tracekeep-body/v1"

	kindWholeSalted   = 0x01
	kindWholeUnsalted = 0x02
	kindSalted        = 0x03
	kindUnsalted      = 0x04

	// saltBytes is the length of the random salt an event carries in its metadata.
	saltBytes   = 32
	leafBytes   = len(leafLabel) + 1 + 8 + sha256.Size
	saltEncoded = 44 // characters of standard base64 for saltBytes bytes
)

// Event is one event exactly as the event store holds it. The trail commits to
// these bytes, so nothing may normalise them.
type Event struct {
	Stream      string
	Revision    uint64 // place in the stream, from 0, dense
	Position    uint64 // place in the log, strictly increasing, not dense
	ID          [16]byte
	Type        string // stored name with version, for example punch-recorded.v2
	ContentType string
	Created     time.Time // when the store committed it, UTC, 100 ns steps
	Data        []byte
	Metadata    []byte
}

// Counts says whether an event of a stream has a leaf. Streams whose name begins
// with a dollar sign are the store's own and have none; the metadata of all
// others have one, because they are how events are ordered to be removed.
func Counts(stream string) bool {
	return !strings.HasPrefix(strings.TrimPrefix(stream, metaPrefix), "$")
}

// metaPrefix begins the name of the stream that holds another stream's metadata.
const metaPrefix = "$$"

// Commitment is what a leaf says about an event beside its position, which is
// no part of it, so that an event found at another place is recognised.
type Commitment struct {
	kind byte
	sum  Hash
}

// LeafData is the content of the leaf that stands for an event, in the format
// of the package documentation. It is a pure function of the event as stored.
func LeafData(event Event) []byte { return Commit(event).leafData(event.Position) }

// LeafHash is the RFC 6962 leaf hash of [LeafData].
func LeafHash(event Event) Hash { return Commit(event).LeafAt(event.Position) }

// Commit computes the commitment to an event, in two parts: to its place in its
// stream and to its body.
func Commit(event Event) Commitment {
	body, salted := BodyOf(event)
	return commitTo(event.Stream, event.Revision, body, salted)
}

func commitTo(stream string, revision uint64, body Hash, salted bool) Commitment {
	kind := byte(kindUnsalted)
	if salted {
		kind = kindSalted
	}
	fields := make([]byte, 0, 256)
	fields = appendField(fields, leafLabel)
	fields = appendField(fields, stream)
	fields = appendNumber(fields, revision)
	fields = appendField(fields, body[:])
	return Commitment{kind: kind, sum: sha256.Sum256(fields)}
}

// BodyOf is the hash of what happened, and whether it has a salt: everything of
// an event but its place. It is what remains of an event that was removed, and
// with a salt it confirms no guess.
func BodyOf(event Event) (body Hash, salted bool) {
	salt := saltOf(event.Metadata)
	fields := make([]byte, 0, 512)
	fields = appendField(fields, bodyLabel)
	fields = appendField(fields, salt)
	fields = appendField(fields, event.ID[:])
	fields = appendField(fields, event.Type)
	fields = appendNumber(fields, ticks(event.Created))
	fields = appendField(fields, event.ContentType)
	return sumWith(fields, event), salt != nil
}

// CommitWhole computes the commitment in one part, as logs had it before bodies
// were hashed on their own.
func CommitWhole(event Event) Commitment {
	kind := byte(kindWholeUnsalted)
	salt := saltOf(event.Metadata)
	if salt != nil {
		kind = kindWholeSalted
	}
	fields := make([]byte, 0, 512)
	fields = appendField(fields, leafLabel)
	fields = appendField(fields, salt)
	fields = appendField(fields, event.ID[:])
	fields = appendField(fields, event.Stream)
	fields = appendNumber(fields, event.Revision)
	fields = appendField(fields, event.Type)
	fields = appendNumber(fields, ticks(event.Created))
	fields = appendField(fields, event.ContentType)
	return Commitment{kind: kind, sum: sumWith(fields, event)}
}

// Recognise finds the kind of commitment under which an event is the one of a
// stored leaf. It answers the commitment of today when it is under none.
func Recognise(event Event, leaf Hash) (Commitment, bool) {
	made := Commit(event)
	if made.LeafAt(event.Position) == leaf {
		return made, true
	}
	if whole := CommitWhole(event); whole.LeafAt(event.Position) == leaf {
		return whole, true
	}
	return made, false
}

// Salted says whether the event had a salt.
func (c Commitment) Salted() bool { return c.kind == kindSalted || c.kind == kindWholeSalted }

// LeafAt is the hash of the leaf if the event stands at a position.
func (c Commitment) LeafAt(position uint64) Hash {
	return Hash(rfc6962.DefaultHasher.HashLeaf(c.leafData(position)))
}

func (c Commitment) leafData(position uint64) []byte {
	leaf := make([]byte, 0, leafBytes)
	leaf = append(leaf, leafLabel...)
	leaf = append(leaf, c.kind)
	leaf = binary.BigEndian.AppendUint64(leaf, position)
	return append(leaf, c.sum[:]...)
}

// ticks counts steps of 100 ns since 1970, rounded down.
func ticks(at time.Time) uint64 { return uint64(at.Unix()*1e7 + int64(at.Nanosecond()/100)) }

// sumWith hashes fields and behind them the data and metadata of an event.
func sumWith(fields []byte, event Event) (sum Hash) {
	digest := sha256.New()
	digest.Write(fields)
	writeField(digest, event.Data)
	writeField(digest, event.Metadata)
	digest.Sum(sum[:0])
	return sum
}

func appendField[T string | []byte](to []byte, value T) []byte {
	to = binary.BigEndian.AppendUint64(to, uint64(len(value)))
	return append(to, value...)
}

func appendNumber(to []byte, value uint64) []byte {
	to = binary.BigEndian.AppendUint64(to, 8)
	return binary.BigEndian.AppendUint64(to, value)
}

func writeField(digest hash.Hash, value []byte) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(value)))
	digest.Write(length[:])
	digest.Write(value)
}

// saltOf answers nil unless the metadata carry a well-formed salt. It decodes
// into a map because a struct field would also match "Salt" and "SALT", which
// no other language's parser does.
func saltOf(metadata []byte) []byte {
	if !utf8.Valid(metadata) {
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(metadata, &members) != nil {
		return nil
	}
	raw, found := members["salt"]
	if !found || raw[0] != '"' {
		return nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil || len(text) != saltEncoded {
		return nil
	}
	salt, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(salt) != saltBytes {
		return nil
	}
	return salt
}
