package eventnode

import (
	"encoding/binary"
	"math"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// round is what one group commit writes: a pebble batch, and the streams as
// they will be once it is on the disk.
type round struct {
	q          *sequencer
	requests   []*writeRequest
	outcomes   []outcome
	err        error // why nothing of the round was written
	handed     bool  // the batch is with the write-ahead log
	batch      *pebble.Batch
	streams    map[string]*openStream
	dirty      []*openStream
	pos        int64
	ticks      int64
	lastStream uint64
}

// openStream is a stream during a round.
type openStream struct {
	name    string
	head    head
	created bool // it has no number on the disk yet
	changed bool
	// fresh are the events this round appended, the last of them at head.last.
	fresh []freshEvent
	// rawMeta is the metadata this round wrote for this stream, if any.
	rawMeta []byte
}

type freshEvent struct {
	id  uuid.UUID
	pos int64
}

func (q *sequencer) newRound(requests []*writeRequest) *round {
	return &round{
		q: q, requests: requests, outcomes: make([]outcome, len(requests)),
		batch: q.store.db.NewBatch(), streams: map[string]*openStream{},
		pos: q.pos, ticks: q.nowTicks(), lastStream: q.lastStream,
	}
}

// answer tells every writer of the round what became of its request.
func (rd *round) answer() {
	for i, r := range rd.requests {
		if rd.err != nil {
			r.done(outcome{err: rd.err})
			continue
		}
		r.done(rd.outcomes[i])
	}
}

// weight is what the requests of the round took of the room.
func (rd *round) weight() int64 {
	var n int64
	for _, r := range rd.requests {
		n += rd.q.room.weight(r)
	}
	return n
}

// close gives the batch back; a batch that was written can no longer fail.
func (rd *round) close() { _ = rd.batch.Close() }

// open finds a stream as the requests before this one left it.
func (rd *round) open(name string) (*openStream, error) {
	if s, ok := rd.streams[name]; ok {
		return s, nil
	}
	h, found := rd.q.heads.get(name)
	if !found {
		var err error
		if h, found, err = rd.q.store.loadHead(name); err != nil {
			return nil, err
		}
	}
	if !found {
		h = head{last: -1}
	}
	s := &openStream{name: name, head: h}
	rd.streams[name] = s
	return s, nil
}

// state is what the expectation rules look at. A metadata stream ends with the
// stream it describes.
func (rd *round) state(s *openStream) (streamState, error) {
	st := streamState{
		last: s.head.last, tombstoned: s.head.tombstoned,
		softDeleted: s.head.softDeleted(), hasMeta: s.head.metaPos > 0,
	}
	if isMetastream(s.name) && !st.tombstoned {
		target, err := rd.open(metaTarget(s.name))
		if err != nil {
			return streamState{}, err
		}
		st.tombstoned = target.head.tombstoned
	}
	return st, nil
}

// apply rules on one request and adds what it writes to the batch. A refused
// request adds nothing.
func (rd *round) apply(r *writeRequest) outcome {
	if r.removal != nil {
		return rd.remove(r)
	}
	if !r.deadline.IsZero() && rd.q.clock().After(r.deadline) {
		return outcome{err: errTooLate}
	}
	s, err := rd.open(r.stream)
	if err != nil {
		return outcome{err: err}
	}
	st, err := rd.state(s)
	if err != nil {
		return outcome{err: err}
	}
	what, rev, err := rule(st, r.expected, r.ids(), streamPast{rd, s})
	if err != nil {
		return outcome{err: err}
	}
	o := outcome{ruling: what, cur: s.head.last, rev: s.head.last}
	switch what {
	case rulingIdempotent:
		o.rev = rev
		o.pos, o.err = rd.positionAt(s, rev)
	case rulingWrite:
		return rd.write(r, s, st)
	}
	return o
}

func (rd *round) write(r *writeRequest, s *openStream, st streamState) outcome {
	switch r.kind {
	case writeSoftDelete:
		return rd.softDelete(s, st)
	case writeTombstone:
		return rd.tombstone(r, s)
	}
	return rd.appendEvents(r, s, st)
}

// appendEvents does all that may fail before it appends anything, because a
// refused request adds nothing to the batch.
func (rd *round) appendEvents(r *writeRequest, s *openStream, st streamState) outcome {
	var revived []byte
	if st.softDeleted && len(r.events) > 0 {
		var err error
		if revived, err = rd.revivedMeta(s); err != nil {
			return outcome{err: err}
		}
	}
	var target *openStream
	if isMetastream(s.name) {
		var err error
		if target, err = rd.open(metaTarget(s.name)); err != nil {
			return outcome{err: err}
		}
	}
	o := outcome{ruling: rulingWrite}
	for _, e := range r.events {
		o.pos = rd.append(s, e)
	}
	o.cur, o.rev = s.head.last, s.head.last
	if revived != nil {
		o.err = rd.appendMeta(s, revived)
	}
	if target != nil && len(r.events) > 0 {
		o.err = rd.replaceMeta(target, r.events[len(r.events)-1])
	}
	return o
}

// revivedMeta is the metadata that keeps the events from before a soft delete
// hidden when the stream is written to again.
func (rd *round) revivedMeta(s *openStream) ([]byte, error) {
	if _, err := rd.open(metaStreamOf(s.name)); err != nil {
		return nil, err
	}
	raw, err := rd.currentMeta(s)
	if err != nil {
		return nil, err
	}
	return withTruncateBefore(raw, s.head.last+1)
}

// currentMeta is what was last written as the metadata of a stream.
func (rd *round) currentMeta(s *openStream) ([]byte, error) {
	if s.rawMeta != nil || s.head.metaPos == 0 {
		return s.rawMeta, nil
	}
	r, err := rd.q.store.readRecord(s.head.metaPos)
	if err != nil || r.flags&flagJSON == 0 { // as setMeta
		return nil, err
	}
	return r.data, nil
}

// replaceMeta makes the event just appended to a metadata stream the metadata
// of its target. Where that would show the events of a soft-deleted stream
// again, it is followed by a copy that hides them.
func (rd *round) replaceMeta(target *openStream, latest proposed) error {
	hidden := target.head.softDeleted()
	rd.setMeta(target, latest)
	if !hidden || target.head.softDeleted() {
		return nil
	}
	data, err := withTruncateBefore(target.rawMeta, target.head.last+1)
	if err != nil {
		return err
	}
	return rd.appendMeta(target, data)
}

// setMeta records in the target's head what the event just appended to its
// metadata stream says.
func (rd *round) setMeta(target *openStream, e proposed) {
	rd.number(target)
	target.head.metaPos = rd.pos
	target.rawMeta = []byte{}
	// The metadata of a metadata stream is fixed: only the latest is readable.
	if !isMetastream(target.name) {
		target.head.meta = streamMeta{}
		if e.json {
			target.head.meta = parseMeta(e.data)
			target.rawMeta = e.data
		}
	}
	rd.change(target)
}

// appendMeta writes metadata of the store's own making.
func (rd *round) appendMeta(s *openStream, data []byte) error {
	ms, err := rd.open(metaStreamOf(s.name))
	if err != nil {
		return err
	}
	e := proposed{id: uuid.New(), typ: typeMetadata, json: true, data: data}
	rd.append(ms, e)
	rd.setMeta(s, e)
	return nil
}

// tombstone ends a stream and with it its metadata stream, whose subscribers
// wake because it is among the streams of the round.
func (rd *round) tombstone(r *writeRequest, s *openStream) outcome {
	if _, err := rd.open(metaStreamOf(s.name)); err != nil {
		return outcome{err: err}
	}
	rd.number(s)
	pos := rd.put(s, tombstoneRevision, r.events[0])
	s.head.tombstoned = true
	rd.change(s)
	return outcome{ruling: rulingWrite, cur: s.head.last, rev: tombstoneRevision, pos: pos}
}

func (rd *round) softDelete(s *openStream, st streamState) outcome {
	if st.last < 0 && !st.hasMeta {
		return outcome{ruling: rulingWrongVersion, cur: -1, rev: -1}
	}
	data := softDeleteMeta(nil)
	if rd.q.keepRights {
		current, err := rd.currentMeta(s)
		if err != nil {
			return outcome{err: err}
		}
		data = softDeleteMeta(current)
	}
	if err := rd.appendMeta(s, data); err != nil {
		return outcome{err: err}
	}
	return outcome{ruling: rulingWrite, cur: s.head.last, rev: s.head.last, pos: rd.pos}
}

// append gives an event the next revision of the stream.
func (rd *round) append(s *openStream, e proposed) int64 {
	rd.number(s)
	pos := rd.put(s, s.head.last+1, e)
	s.head.last++
	s.fresh = append(s.fresh, freshEvent{e.id, pos})
	rd.change(s)
	rd.q.ids.add(s.head.no, e.id, s.head.last)
	return pos
}

// number gives a stream that is written for the first time its number. The
// head of a metadata stream carries the fixed metadata of its kind.
func (rd *round) number(s *openStream) {
	if s.head.no != 0 {
		return
	}
	rd.lastStream++
	s.head.no, s.created = rd.lastStream, true
	if isMetastream(s.name) {
		s.head.meta = streamMeta{maxCount: 1}
	}
}

func (rd *round) change(s *openStream) {
	s.head.asOf = rd.pos
	if !s.changed {
		s.changed = true
		rd.dirty = append(rd.dirty, s)
	}
}

// put encodes a record straight into the batch.
func (rd *round) put(s *openStream, rev int64, e proposed) int64 {
	r := record{
		stream: s.head.no, rev: rev, id: e.id, ticks: rd.ticks,
		name: []byte(s.name), typ: []byte(e.typ), data: e.data, meta: e.meta,
	}
	if e.json {
		r.flags |= flagJSON
	}
	if rev == tombstoneRevision {
		r.flags |= flagTombstone
	}
	size := r.encodedLen()
	rd.pos += 1 + int64(size)
	r.pos = rd.pos

	op := rd.batch.SetDeferred(logKeyLen, size)
	putLogKey(op.Key, r.pos)
	r.encodeInto(op.Value)
	_ = op.Finish() // fails for indexed batches only

	op = rd.batch.SetDeferred(streamKeyLen, 8)
	putStreamKey(op.Key, r.stream, rev)
	binary.BigEndian.PutUint64(op.Value, uint64(r.pos))
	_ = op.Finish()
	return r.pos
}

// flush adds the changed heads and the names of new streams to the batch.
func (rd *round) flush() error {
	for _, s := range rd.dirty {
		if s.created {
			var no [8]byte
			binary.BigEndian.PutUint64(no[:], s.head.no)
			if err := rd.batch.Set(nameKey(s.name), no[:], nil); err != nil {
				return storageError("name of a stream", err)
			}
		}
		if err := rd.batch.Set(headKey(s.head.no), s.head.encode(), nil); err != nil {
			return storageError("head of a stream", err)
		}
	}
	return nil
}

// positionAt is the position of an event written earlier or in this round.
func (rd *round) positionAt(s *openStream, rev int64) (int64, error) {
	if e, ok := s.freshAt(rev); ok {
		return e.pos, nil
	}
	if s.head.no == 0 {
		return 0, nil
	}
	return rd.q.store.positionAt(s.head.no, rev)
}

func (s *openStream) freshAt(rev int64) (freshEvent, bool) {
	first := s.head.last - int64(len(s.fresh)) + 1
	if rev < first || rev > s.head.last || rev == math.MaxInt64 {
		return freshEvent{}, false
	}
	return s.fresh[rev-first], true
}

// streamPast answers the expectation rules for one stream during a round.
type streamPast struct {
	rd *round
	s  *openStream
}

func (p streamPast) idAt(rev int64) (uuid.UUID, bool, error) {
	if e, ok := p.s.freshAt(rev); ok {
		return e.id, true, nil
	}
	if p.s.head.no == 0 || rev < p.s.head.floor {
		return uuid.UUID{}, false, nil
	}
	pos, err := p.rd.q.store.positionAt(p.s.head.no, rev)
	if err != nil || pos == 0 {
		return uuid.UUID{}, false, err
	}
	r, err := p.rd.q.store.readRecord(pos)
	if err != nil {
		return uuid.UUID{}, false, err
	}
	return r.id, true, nil
}

func (p streamPast) revisionOf(id uuid.UUID) (int64, bool, error) {
	if p.s.head.no == 0 {
		return 0, false, nil
	}
	return p.rd.q.ids.revisionOf(p.s.head.no, id, p.s.head.floor)
}
