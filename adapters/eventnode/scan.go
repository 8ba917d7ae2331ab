package eventnode

import (
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

const (
	pageRecords    = 512
	pageBytes      = 128 << 10
	pageConsidered = 8192
	// restBytes and restRecords is what a page keeps that waits for events.
	restBytes   = 16 << 10
	restRecords = 64
)

// page is a piece of the log copied out of the database, so that no iterator
// stays open while a slow reader takes it: an open iterator keeps files and
// memory tables alive.
type page struct {
	recs []record
	buf  []byte
	size int

	considered int   // how many records were looked at
	lastSeen   int64 // position of the last of them
	lastRev    int64 // the last revision looked at, where a stream was scanned
	end        bool  // nothing is left in the range
}

func (p *page) reset() {
	p.recs, p.buf, p.size = p.recs[:0], p.buf[:0], 0
	p.considered, p.lastSeen, p.lastRev, p.end = 0, 0, 0, false
}

// rest gives back the memory of a page that was large.
func (p *page) rest() {
	p.reset()
	if cap(p.buf) > restBytes {
		p.buf = nil
	}
	if cap(p.recs) > restRecords {
		p.recs = nil
	}
}

func (p *page) full(limit int) bool {
	return len(p.recs) >= min(limit, pageRecords) || p.size >= pageBytes
}

// add decodes a copy of a stored record and keeps it when keep says so.
func (p *page) add(pos int64, raw []byte, keep func(*record) bool) error {
	if cap(p.buf)-len(p.buf) < len(raw) {
		// Records kept so far go on pointing into the old buffer.
		p.buf = make([]byte, 0, max(min(4*cap(p.buf), pageBytes+pageBytes/4), restBytes, len(raw)))
	}
	start := len(p.buf)
	p.buf = append(p.buf, raw...)
	r, err := decodeRecord(pos, p.buf[start:])
	if err != nil {
		return corrupt(fmt.Sprintf("record at position %d", pos), err)
	}
	p.considered++
	p.lastSeen = pos
	if keep != nil && !keep(&r) {
		p.buf = p.buf[:start]
		return nil
	}
	p.recs = append(p.recs, r)
	p.size += len(raw)
	return nil
}

// logRange is a part of the log, both ends included.
type logRange struct {
	from, to  int64
	backwards bool
}

// scanLog fills the page with records of the range that keep accepts (nil
// accepts all), at most limit of them, after looking at no more than consider.
func (s *store) scanLog(p *page, rg logRange, limit, consider int, keep func(*record) bool) error {
	p.reset()
	if rg.from > rg.to {
		p.end = true
		return nil
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: logKey(rg.from), UpperBound: logKey(rg.to + 1)})
	if err != nil {
		return storageError("log", err)
	}
	defer it.Close()
	valid, step := it.First, it.Next
	if rg.backwards {
		valid, step = it.Last, it.Prev
	}
	ok := valid()
	for ; ok && !p.full(limit) && p.considered < consider; ok = step() {
		pos, good := positionOf(it.Key())
		if !good {
			return corrupt("log", fmt.Errorf("key of %d bytes", len(it.Key())))
		}
		raw, err := it.ValueAndErr()
		if err != nil {
			return storageError(fmt.Sprintf("record at position %d", pos), err)
		}
		if err := p.add(pos, raw, keep); err != nil {
			return err
		}
	}
	if err := it.Error(); err != nil {
		return storageError(fmt.Sprintf("log after position %d", p.lastSeen), err)
	}
	p.end = !ok
	return nil
}

// revisionRange is a part of a stream, both ends included.
type revisionRange struct {
	from, to  int64
	backwards bool
}

// behind is what is left of a range when a scan has come to rev.
func (rg revisionRange) behind(rev int64) revisionRange {
	if rg.backwards {
		rg.to = rev - 1
	} else {
		rg.from = rev + 1
	}
	return rg
}

// upTo is the part of a range that a scan crosses before it comes to rev.
func (rg revisionRange) upTo(rev int64) revisionRange {
	if rg.backwards {
		rg.from = rev + 1
	} else {
		rg.to = rev - 1
	}
	return rg
}

// scanStream fills the page with events of a stream. The caller asks only for
// revisions that were given out; one that is missing was removed by a scavenge,
// or it is corruption. A scan that is not at its end goes on behind lastRev.
func (s *store) scanStream(p *page, stream uint64, rg revisionRange, limit int, keep func(*record) bool) error {
	p.reset()
	if rg.from > rg.to {
		p.end = true
		return nil
	}
	upper := streamKey(stream+1, 0)
	if rg.to < math.MaxInt64 {
		upper = streamKey(stream, rg.to+1)
	}
	index, err := s.db.NewIter(&pebble.IterOptions{LowerBound: streamKey(stream, rg.from), UpperBound: upper})
	if err != nil {
		return storageError("stream index", err)
	}
	defer index.Close()
	log, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceLog}, UpperBound: after(spaceLog)})
	if err != nil {
		return storageError("log", err)
	}
	defer log.Close()

	valid, step := index.First, index.Next
	if rg.backwards {
		valid, step = index.Last, index.Prev
	}
	ok := valid()
	for ; ok && !p.full(limit) && p.considered < pageConsidered; ok = step() {
		rev := revisionOf(index.Key())
		if err := s.mayLack(stream, rg.upTo(rev)); err != nil {
			return err
		}
		if err := s.addIndexed(p, stream, rev, index, log, keep); err != nil {
			return err
		}
		p.lastRev = rev
		rg = rg.behind(rev)
	}
	if err := index.Error(); err != nil {
		return storageError("stream index", err)
	}
	if p.end = !ok; p.end {
		return s.mayLack(stream, rg)
	}
	return nil
}

// mayLack tells revisions that a scavenge removed, which may be missing, from
// others. The floor that it reads is at least as new as what the caller saw,
// because a scavenge moves it in the batch that removes the events.
func (s *store) mayLack(stream uint64, rg revisionRange) error {
	if rg.from > rg.to {
		return nil
	}
	raw, err := s.get(headKey(stream))
	if err != nil {
		return storageError("stream head", err)
	}
	h, err := decodeHead(raw)
	if err != nil {
		return corrupt("stream head", err)
	}
	if rg.to >= h.floor {
		return corrupt("stream index", fmt.Errorf("revision %d of stream number %d is missing", max(rg.from, h.floor), stream))
	}
	return nil
}

// addIndexed adds the record that an index entry points to.
func (s *store) addIndexed(p *page, stream uint64, rev int64, index, log *pebble.Iterator, keep func(*record) bool) error {
	raw, err := index.ValueAndErr()
	if err != nil {
		return storageError("stream index", err)
	}
	pos, err := decodePosition(raw)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("record at position %d", pos)
	found := log.SeekGE(logKey(pos))
	if err := log.Error(); err != nil {
		return storageError(what, err)
	}
	if at, _ := positionOf(log.Key()); !found || at != pos {
		// The two iterators may stand on both sides of a scavenge.
		if err := s.mayLack(stream, revisionRange{from: rev, to: rev}); err != nil {
			return corrupt(what, errors.New("it is missing"))
		}
		return nil
	}
	body, err := log.ValueAndErr()
	if err != nil {
		return storageError(what, err)
	}
	matches := true
	err = p.add(pos, body, func(r *record) bool {
		matches = r.stream == stream && r.rev == rev
		return matches && (keep == nil || keep(r))
	})
	if err == nil && !matches {
		err = corrupt(what, errors.New("the stream index names another event"))
	}
	return err
}
