package eventnode

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// removal asks the sequencer to remove the oldest events of a stream, and to
// note in the same batch how far the scavenge has come.
type removal struct {
	events []removable // in the order of revisions; none: only the note is written
	aged   ageRule
	// state belongs to the sequencer until the request is answered.
	state *scavengeState
}

// removable is an event that a scavenge found hidden.
type removable struct {
	pos, rev int64
	size     int // of its record, as the log has it
}

// ageRule is what a scavenge found by reading the times of events: with the
// $maxAge of a stream its events below a revision are too old to be shown.
type ageRule struct {
	maxAge int64 // seconds, 0: the stream has no limit
	below  int64
}

// remove rules on a removal once more, by the head as all writers before left
// it: what they made visible again stays.
func (rd *round) remove(r *writeRequest) outcome {
	if len(r.removal.events) > 0 {
		s, err := rd.open(r.stream)
		if err != nil {
			return outcome{err: err}
		}
		if err := rd.removeEvents(s, r.removal); err != nil {
			return outcome{err: err}
		}
	}
	note, err := r.removal.state.encode()
	if err == nil {
		err = errors.Join(rd.batch.Set(markKey(scavengeMark), note, nil), rd.moveWhole(r.removal.state.Pending.LastPosition))
	}
	return outcome{err: err}
}

// moveWhole: in front of the position the log has holes from now on.
func (rd *round) moveWhole(last int64) error {
	whole, err := rd.q.store.wholeAfter()
	if err != nil || last <= whole {
		return err
	}
	return rd.batch.Set(markKey(wholeMark), binary.BigEndian.AppendUint64(nil, uint64(last)), nil)
}

// removeEvents does all that may fail before it adds anything to the batch.
func (rd *round) removeEvents(s *openStream, rm *removal) error {
	for i, e := range rm.events {
		if want := s.head.floor + int64(i); e.rev != want {
			return corrupt("stream "+s.name, fmt.Errorf("revision %d is to be removed, the next is %d", e.rev, want))
		}
	}
	below := s.head.removable()
	if s.head.meta.maxAge == rm.aged.maxAge {
		below = max(below, min(rm.aged.below, s.head.last))
	}
	var target *openStream
	if isMetastream(s.name) {
		var err error
		if target, err = rd.open(metaTarget(s.name)); err != nil {
			return err
		}
		if target.head.tombstoned {
			below = s.head.last + 1
		}
	}
	for _, e := range rm.events {
		if e.rev >= below {
			break
		}
		// Each key on its own: a deleted range may leave the bytes of a table
		// where they are and only hide them.
		_ = rd.batch.Delete(logKey(e.pos), nil) // fails for indexed batches only
		_ = rd.batch.Delete(streamKey(s.head.no, e.rev), nil)
		s.head.floor++
		rm.state.count(s.head.no, e)
		rd.change(s)
	}
	if target != nil && s.head.floor > s.head.last { // nothing is left of the metadata
		target.head.metaPos, target.head.meta = 0, streamMeta{}
		rd.change(target)
	}
	return nil
}

// scavengeState is what the folder remembers of its latest scavenge and of all
// it lost to scavenges.
type scavengeState struct {
	ID       uuid.UUID `json:"id"`
	Position int64     `json:"position"` // records behind it were not considered
	Result   string    `json:"result"`
	Events   int64     `json:"events"`
	Streams  int64     `json:"streams"`
	Bytes    int64     `json:"bytes"`
	// Pending are the keys whose bytes may still be in the files of the folder.
	Pending keyBounds `json:"pending"`
	// Records is how many records all scavenges removed, and Span the part of
	// the log's positions that no record takes up, because they are gone or
	// because an import left it free. For the whole folder holds: the position of
	// the last record = Span + the sum of (1 + size) of all records in the log.
	Records int64 `json:"records"`
	Span    int64 `json:"span"`
}

// keyBounds holds removed keys, both ends included; all 0 when there are none.
type keyBounds struct {
	FirstPosition int64  `json:"first_position"`
	LastPosition  int64  `json:"last_position"`
	FirstStream   uint64 `json:"first_stream"`
	LastStream    uint64 `json:"last_stream"`
}

func (b keyBounds) empty() bool { return b.LastPosition == 0 }

func (b *keyBounds) add(stream uint64, pos int64) {
	if b.empty() {
		*b = keyBounds{pos, pos, stream, stream}
		return
	}
	b.FirstPosition, b.LastPosition = min(b.FirstPosition, pos), max(b.LastPosition, pos)
	b.FirstStream, b.LastStream = min(b.FirstStream, stream), max(b.LastStream, stream)
}

func (s *scavengeState) count(stream uint64, e removable) {
	s.Events++
	s.Bytes += int64(e.size)
	s.Records++
	s.Span += 1 + int64(e.size)
	s.Pending.add(stream, e.pos)
}

func (s *scavengeState) encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("state of the scavenge: %w", err)
	}
	return binary.BigEndian.AppendUint32(b, checksum(b)), nil
}

func decodeScavenge(b []byte) (scavengeState, error) {
	if len(b) < checksumLen {
		return scavengeState{}, fmt.Errorf("%d bytes are too few", len(b))
	}
	body := b[:len(b)-checksumLen]
	if checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return scavengeState{}, errors.New("checksum differs")
	}
	var s scavengeState
	if err := json.Unmarshal(body, &s); err != nil {
		return scavengeState{}, err
	}
	return s, nil
}

// loadScavenge reads what the folder remembers; an empty state when nothing was
// ever removed.
func (s *store) loadScavenge() (scavengeState, error) {
	raw, err := s.get(markKey(scavengeMark))
	if err != nil {
		return scavengeState{}, storageError("state of the scavenge", err)
	}
	if raw == nil {
		return scavengeState{}, nil
	}
	state, err := decodeScavenge(raw)
	if err != nil {
		return scavengeState{}, corrupt("state of the scavenge", err)
	}
	return state, nil
}
