package eventnode

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// namesRemembered bounds the names an audit keeps, to look each up once.
	namesRemembered = 100_000

	// A block of the log that cannot be read is skipped in steps of its size,
	// which grow so that the end is reached whatever the positions are.
	skipBytes    = 32 << 10
	skipsPerStep = 16

	unreadLimit = 16
)

var errLeftOut = errors.New("left out")

// audit holds the log against everything that is derived from it: the stream
// index, the heads, the names. Opening a folder audits what follows the durable
// mark, Verify the whole of it.
type audit struct {
	s *store
	// found is told of every defect; an error from it ends the audit.
	found func(Defect) error

	// before is the position of the record before, negative if it is not known.
	before int64
	whole  int64 // wholeAfter
	// times: creation times must not go back. Those that Import took may.
	times   bool
	ticks   int64 // creation time of the record before
	numbers map[string]uint64
	count   int64 // records looked at
	span    int64 // positions that they take up
	streams int64 // heads looked at
	defects int64 // reported
	unread  int   // lookups that met damage
	leftOut int64 // lookups that were left out after that
	stopped bool  // by found
	// after is where a part of the log begins, and touched collects its streams;
	// touched is nil when the whole log is audited.
	after   int64
	touched map[uint64]touchedStream
}

// touchedStream is what an audited piece of the log has of a stream.
type touchedStream struct {
	first   int64 // lowest revision
	records int64
}

func newAudit(s *store, found func(Defect) error) *audit {
	return &audit{s: s, found: found, numbers: map[string]uint64{}}
}

// get looks a key up, until too much could not be read: the engine takes half a
// second of the processor for every look at a damaged block, and the block is
// reported by then.
func (a *audit) get(key []byte) ([]byte, error) {
	if a.unread >= unreadLimit {
		a.leftOut++
		return nil, errLeftOut
	}
	raw, err := a.s.get(key)
	if err != nil && pebble.IsCorruptionError(err) {
		a.unread++
	}
	return raw, err
}

func (a *audit) report(d Defect) error {
	a.defects++
	err := a.found(d)
	a.stopped = a.stopped || err != nil
	return err
}

// goOn makes a defect of what could not be read because it is damaged, so that
// the rest can be audited.
func (a *audit) goOn(pos int64, err error) error {
	if errors.Is(err, errLeftOut) {
		return nil
	}
	if err == nil || a.stopped || !errors.Is(err, ErrCorrupt) {
		return err
	}
	return a.report(Defect{Kind: DefectFile, Position: pos, Detail: err.Error()})
}

// firstKept is the lowest revision that a stream must have; those below it are
// missing from the log, together with their index entries. This and wholeAfter
// are the places that know why events may be missing: a scavenge removed them.
func (h head) firstKept() int64 { return h.floor }

// wholeAfter is the position after which the log has no holes: every record
// begins where the one before it ends. Whoever removes records, or writes them at
// positions of his own as Import does, moves it on first.
func (s *store) wholeAfter() (int64, error) {
	raw, err := s.get(markKey(wholeMark))
	if err != nil || raw == nil {
		return 0, wrapStorage("where the log is whole", err)
	}
	return decodePosition(raw)
}

// since audits what follows a position, and every stream it touches.
func (a *audit) since(position int64) error {
	a.after, a.before, a.touched = position, position, map[uint64]touchedStream{}
	if err := a.records(position+1, func(int64) error { return nil }); err != nil {
		return err
	}
	it, err := a.s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceStream}, UpperBound: after(spaceStream)})
	if err != nil {
		return storageError("stream index", err)
	}
	defer it.Close()
	for stream, touched := range a.touched {
		if err := a.touchedStream(it, stream, touched); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) touchedStream(it *pebble.Iterator, stream uint64, t touchedStream) error {
	h, err := a.head(stream)
	if err != nil {
		return err
	}
	if h == nil {
		return a.report(Defect{Kind: DefectHead, Stream: a.nameOf(stream), Detail: "the head is missing or damaged"})
	}
	kept := h.firstKept()
	// What came right before must be there too.
	from := max(min(t.first, h.last+1)-1, kept, 0)
	it.SeekGE(streamKey(stream, from))
	end, err := a.walk(it, stream, from)
	if err != nil {
		return err
	}
	if end.entries != t.records {
		detail := fmt.Sprintf("the log has %d new records, the stream index %d", t.records, end.entries)
		if err := a.report(Defect{Kind: DefectIndex, Stream: a.nameOf(stream), Detail: detail}); err != nil {
			return err
		}
	}
	return a.agrees(stream, *h, end, kept)
}

// records audits the log from a position on, and leaves out what is damaged.
// seen is told how far it is.
func (a *audit) records(from int64, seen func(pos int64) error) (err error) {
	if a.whole, err = a.s.wholeAfter(); err != nil {
		return err
	}
	step := int64(skipBytes)
	for skips := 1; ; skips++ {
		last, err := a.readable(from, seen)
		if err == nil || a.stopped || !errors.Is(err, ErrCorrupt) {
			return err
		}
		if skips == 1 || last >= from { // else the damage goes on
			if err := a.goOn(last+1, err); err != nil {
				return err
			}
		}
		a.before = -1
		if from = max(from, last+1) + step; from > a.s.last {
			return nil
		}
		if skips%skipsPerStep == 0 {
			step *= 2
		}
	}
}

// readable audits up to the first thing that cannot be read; last is the
// position of the last record, below from if there was none.
func (a *audit) readable(from int64, seen func(pos int64) error) (last int64, err error) {
	last = from - 1
	it, err := a.s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(from), UpperBound: after(spaceLog)})
	if err != nil {
		return last, storageError("log", err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		pos, good := positionOf(it.Key())
		if !good || pos <= 0 {
			if err := a.report(Defect{Kind: DefectKey, Detail: fmt.Sprintf("%q is no position of the log", it.Key())}); err != nil {
				return last, err
			}
			continue
		}
		raw, err := it.ValueAndErr()
		if err != nil {
			return last, storageError(fmt.Sprintf("record at position %d", pos), err)
		}
		last = pos
		if err := a.goOn(pos, a.record(pos, raw)); err != nil {
			return last, err
		}
		if err := seen(pos); err != nil {
			return last, err
		}
	}
	return last, wrapStorage(fmt.Sprintf("log after position %d", last), it.Error())
}

func (a *audit) record(pos int64, raw []byte) error {
	a.count++
	a.span += 1 + int64(len(raw))
	if begins := pos - 1 - int64(len(raw)); a.before >= a.whole && begins != a.before {
		detail := fmt.Sprintf("the record in front of it is at %d, and it begins after %d", a.before, begins)
		if err := a.report(Defect{Kind: DefectHole, Position: pos, Detail: detail}); err != nil {
			return err
		}
	}
	a.before = pos
	r, err := decodeRecord(pos, raw)
	if err != nil {
		return a.report(Defect{Kind: DefectRecord, Position: pos, Detail: err.Error()})
	}
	if r.rev < 0 || (r.flags&flagTombstone != 0) != (r.rev == tombstoneRevision) {
		return a.report(r.defect(DefectRecord, "revision and flags contradict each other"))
	}
	if a.times && r.ticks < a.ticks {
		if err := a.report(r.defect(DefectOrder, "created before the record in front of it")); err != nil {
			return err
		}
	}
	a.ticks = r.ticks
	if a.touched != nil {
		t, known := a.touched[r.stream]
		if !known || r.rev < t.first {
			t.first = r.rev
		}
		t.records++
		a.touched[r.stream] = t
	}
	if err := a.indexed(&r); err != nil {
		return err
	}
	if err := a.named(&r); err != nil || !isMetastream(string(r.name)) {
		return err
	}
	return a.metadata(&r)
}

// indexed: the stream index leads to the record.
func (a *audit) indexed(r *record) error {
	raw, err := a.get(streamKey(r.stream, r.rev))
	switch {
	case err != nil:
		return storageError("stream index of "+string(r.name), err)
	case raw == nil:
		return a.report(r.defect(DefectIndex, "the stream index has no entry for it"))
	case len(raw) != 8:
		return a.report(r.defect(DefectIndex, "its entry in the stream index has %d bytes", len(raw)))
	}
	if at := int64(binary.BigEndian.Uint64(raw)); at != r.pos {
		return a.report(r.defect(DefectIndex, "the stream index names position %d", at))
	}
	return nil
}

// named: the name that the record bears has the number that the record bears.
func (a *audit) named(r *record) error {
	if no, known := a.numbers[string(r.name)]; known && no == r.stream {
		return nil
	}
	no, err := a.numberOf(string(r.name))
	if err != nil {
		return err
	}
	if len(a.numbers) >= namesRemembered {
		clear(a.numbers)
	}
	a.numbers[string(r.name)] = r.stream // so that a wrong one is reported once
	if no != r.stream {
		return a.report(r.defect(DefectName, "the record says stream number %d, the names say %d", r.stream, no))
	}
	return nil
}

// numberOf is 0 for a name without a number.
func (a *audit) numberOf(name string) (uint64, error) {
	raw, err := a.get(nameKey(name))
	if err != nil {
		return 0, storageError("name of stream "+name, err)
	}
	if len(raw) != 8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(raw), nil
}

// metadata: the latest event of a metadata stream is what the head of the
// stream it describes says.
func (a *audit) metadata(r *record) error {
	own, err := a.head(r.stream)
	if err != nil || own == nil || own.last != r.rev {
		return err // audited as the head of the metadata stream, or not the latest
	}
	target := metaTarget(string(r.name))
	no, err := a.numberOf(target)
	if err != nil {
		return err
	}
	h, err := a.head(no)
	if err != nil {
		return err
	}
	want := streamMeta{}
	switch {
	case isMetastream(target):
		want = streamMeta{maxCount: 1}
	case r.flags&flagJSON != 0:
		want = parseMeta(r.data)
	}
	if h == nil || h.metaPos != r.pos || h.meta != want {
		return a.report(r.defect(DefectHead, "the head of %s does not know this metadata", target))
	}
	if _, known := a.touched[no]; a.touched != nil && !known {
		a.touched[no] = touchedStream{first: h.last + 1}
	}
	return nil
}
