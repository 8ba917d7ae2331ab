package eventnode

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// ledger is what the outside world was told, kept outside the system.
type ledger struct {
	mu    sync.Mutex
	acked map[uuid.UUID]int64 // event id → position told for the last of its append
	ends  map[int64]string    // position told for a deletion → its stream
	seen  map[int64]uuid.UUID // position → event a subscriber was shown
	done  map[int64]bool      // revisions that a consumer of a group acknowledged
}

func newLedger() *ledger {
	return &ledger{acked: map[uuid.UUID]int64{}, ends: map[int64]string{}, seen: map[int64]uuid.UUID{}, done: map[int64]bool{}}
}

func (l *ledger) ack(r *writeRequest, o outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.kind != writeEvents {
		l.ends[o.pos] = r.stream
		return
	}
	for _, e := range r.events {
		l.acked[e.id] = o.pos
	}
}

func (l *ledger) copy() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{acked: maps.Clone(l.acked), ends: maps.Clone(l.ends), seen: maps.Clone(l.seen), done: maps.Clone(l.done)}
}

// size is how many events were acknowledged.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// finished are the revisions acknowledged by now.
func (l *ledger) finished() map[int64]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.done)
}

const typePart = "part"

// part says which place an event has in its append.
type part struct {
	Append uuid.UUID
	At, Of int
}

func partOf(id uuid.UUID, at, of int, padding []byte) proposed {
	data, _ := json.Marshal(part{id, at, of})
	return proposed{id: uuid.New(), typ: typePart, json: true, data: data, meta: padding}
}

// check holds the log against what the outside world was told: every
// acknowledged append is there whole, any other is there whole or not at all,
// no event is there twice, and nothing that was shown is gone.
func (l *ledger) check(log []record) error {
	at, ids, parts := map[uuid.UUID]int64{}, map[int64]uuid.UUID{}, map[uuid.UUID][]part{}
	var errs []error
	for _, r := range log {
		if _, twice := at[r.id]; twice {
			errs = append(errs, fmt.Errorf("event %s is there twice", r.id))
		}
		at[r.id], ids[r.pos] = r.pos, r.id
		if string(r.typ) != typePart {
			continue
		}
		var p part
		if err := json.Unmarshal(r.data, &p); err != nil {
			return err
		}
		parts[p.Append] = append(parts[p.Append], p)
	}
	for id, told := range l.acked {
		if pos, ok := at[id]; !ok || pos > told {
			errs = append(errs, fmt.Errorf("acknowledged event %s is lost (position told %d, found %d)", id, told, pos))
		}
	}
	for pos, id := range l.seen {
		if ids[pos] != id {
			errs = append(errs, fmt.Errorf("at position %d a subscriber was shown another event", pos))
		}
	}
	for pos, stream := range l.ends {
		if _, ok := ids[pos]; !ok {
			errs = append(errs, fmt.Errorf("the end of %s at position %d is lost", stream, pos))
		}
	}
	for id, ps := range parts {
		for i, p := range ps {
			if p.At != i || p.Of != len(ps) {
				errs = append(errs, fmt.Errorf("append %s is there in part: %v", id, ps))
			}
		}
	}
	return errors.Join(errs[:min(len(errs), 5)]...)
}

func wholeLog(s *store) ([]record, error) {
	var all []record
	for from := int64(1); ; {
		p := &page{}
		if err := s.scanLog(p, logRange{from: from, to: s.mark.position()}, 1<<30, 1<<30, nil); err != nil {
			return nil, err
		}
		all = append(all, p.recs...)
		if p.end {
			return all, nil
		}
		from = p.lastSeen + 1
	}
}

// checkInvariants holds a folder against itself, in other words than the audit
// does: the log, the stream index and the stream heads tell the same story, and
// what is missing was scavenged.
func checkInvariants(s *store, log []record) error {
	index := map[string]int64{}
	err := s.each(spaceStream, "index", func(key, value []byte) error {
		at, err := decodePosition(value)
		index[string(key)] = at
		return err
	})
	if err != nil || len(index) != len(log) {
		return fmt.Errorf("the stream index has %d entries, the log %d (%w)", len(index), len(log), err)
	}
	lastPos, lastTicks, span := int64(0), int64(0), int64(0)
	revisions := map[uint64][]int64{}
	for _, r := range log {
		if r.pos <= lastPos || r.ticks < lastTicks {
			return fmt.Errorf("position %d at %d follows position %d at %d", r.pos, r.ticks, lastPos, lastTicks)
		}
		lastPos, lastTicks, span = r.pos, r.ticks, span+1+int64(r.encodedLen())
		if at := index[string(streamKey(r.stream, r.rev))]; at != r.pos {
			return fmt.Errorf("index of %s@%d says %d, the log %d", r.name, r.rev, at, r.pos)
		}
		if h, found, err := s.loadHead(string(r.name)); err != nil || !found || h.no != r.stream {
			return fmt.Errorf("head of %s is %+v (%v, %w)", r.name, h, found, err)
		}
		revisions[r.stream] = append(revisions[r.stream], r.rev)
	}
	if state, err := s.loadScavenge(); err != nil || span+state.Span != lastPos {
		return fmt.Errorf("records take up %d of the positions and scavenges freed %d, but the last is %d (%w)", span, state.Span, lastPos, err)
	}
	return checkHeads(s, revisions)
}

// checkHeads: every stream has all revisions from its floor to its last, and
// something is left of it unless it was ended.
func checkHeads(s *store, revisions map[uint64][]int64) error {
	heads, err := s.headsFrom(0, 1<<30)
	if err != nil {
		return err
	}
	for i, h := range heads {
		found := revisions[h.no]
		delete(revisions, h.no)
		if n := len(found); h.tombstoned {
			if n == 0 || found[n-1] != tombstoneRevision {
				return fmt.Errorf("the tombstone of %+v is missing", h)
			}
			found = found[:n-1]
		}
		for j, rev := range found {
			if rev != h.floor+int64(j) {
				return fmt.Errorf("revision %d stands where %d belongs in %+v", rev, h.floor+int64(j), h)
			}
		}
		if h.no != uint64(i)+1 || h.floor+int64(len(found)) != h.last+1 {
			return fmt.Errorf("head %d is %+v, its revisions are %v", i+1, h, found)
		}
		if len(found) == 0 && h.last >= 0 && !h.tombstoned && h.meta.maxCount != 1 {
			return fmt.Errorf("nothing is left of %+v", h)
		}
	}
	if len(revisions) > 0 {
		return fmt.Errorf("%d streams have no head", len(revisions))
	}
	return nil
}

func countKeys(t *testing.T, s *store, space byte) int {
	t.Helper()
	n := 0
	if err := s.each(space, "entries", func([]byte, []byte) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

// checkpointOf is the revision up to which a group on a stream is finished, -1
// when it has no checkpoint.
func checkpointOf(s *store, set *groupSettings) (int64, error) {
	h, found, err := s.loadHead(set.checkpointStream())
	if err != nil || !found || h.last < 0 {
		return -1, err
	}
	pos, err := s.positionAt(h.no, h.last)
	if err != nil {
		return -1, err
	}
	r, err := s.readRecord(pos)
	if err != nil {
		return -1, err
	}
	var text string
	if err := json.Unmarshal(r.data, &text); err != nil {
		return -1, err
	}
	return set.parsePlace(text)
}

// notBefore: a checkpoint covers finished events only.
func notBefore(checkpoint int64, finished map[int64]bool) error {
	for rev := range checkpoint + 1 {
		if !finished[rev] {
			return fmt.Errorf("the checkpoint is at %d, and revision %d is not finished", checkpoint, rev)
		}
	}
	return nil
}

// recordsOf is wholeLog for tests that read the log of a running node.
func recordsOf(t *testing.T, s *store) []record {
	t.Helper()
	log, err := wholeLog(s)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func wantInvariants(t *testing.T, s *store) {
	t.Helper()
	if err := checkInvariants(s, recordsOf(t, s)); err != nil {
		t.Fatal(err)
	}
}
