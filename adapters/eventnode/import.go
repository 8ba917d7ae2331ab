package eventnode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// importRound is how many records Import writes at once.
const importRound = 1000

// ErrNotEmpty is what Import says of a folder that has events.
var ErrNotEmpty = errors.New("event store is not empty")

// ImportRecord is an event at the place and time where another store had it.
type ImportRecord struct {
	Position int64  // in the log; greater than that of the record before
	Stream   string // not $all
	Revision int64  // the next of the stream, 0 for its first event
	ID       uuid.UUID
	Type     string
	JSON     bool
	Ticks    int64 // creation time in units of 100 ns since 1970, taken as it is
	Data     []byte
	Metadata []byte
}

// Import fills an empty folder with events at given positions and times, which
// no client can ask for. It is for tests that compare with what another store
// recorded, such as the data set of the official client's own suite, and for
// measurements of large stores; nothing else may call it. It does not serve:
// Open the folder afterwards. Until it has returned nothing is sure. It fails
// with ErrNotEmpty when the folder has events, with what Open fails with, and
// at a record out of order; the folder is of no use then.
func Import(cfg Config, records iter.Seq[ImportRecord]) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	st, err := openStore(cfg.withDefaults())
	if err != nil {
		return err
	}
	if st.last > 0 {
		return errors.Join(fmt.Errorf("import into %s: %w", cfg.Dir, ErrNotEmpty), st.close())
	}
	q := newSequencer(st, cfg.withDefaults(), nil, nil)
	err = q.importAll(records)
	if err == nil {
		// Nothing was synced on the way; this writes and syncs all of it.
		err = wrapStorage("import", st.db.Flush())
	}
	return errors.Join(err, st.close())
}

func (q *sequencer) importAll(records iter.Seq[ImportRecord]) error {
	rd, n, left := q.newRound(nil), 0, scavengeState{}
	for r := range records {
		free, err := rd.importRecord(r)
		if err != nil {
			rd.close()
			return fmt.Errorf("import %s@%d: %w", r.Stream, r.Revision, err)
		}
		left.Span += free
		if n++; n%importRound > 0 {
			continue
		}
		if err := q.commitImport(rd, &left); err != nil {
			return err
		}
		rd = q.newRound(nil)
	}
	if err := rd.batch.Set(markKey(wholeMark), binary.BigEndian.AppendUint64(nil, uint64(rd.pos)), nil); err != nil {
		return storageError("import", err)
	}
	return q.commitImport(rd, &left)
}

// commitImport also notes what part of the positions the import left free.
func (q *sequencer) commitImport(rd *round, left *scavengeState) error {
	defer rd.close()
	note, err := left.encode()
	if err := errors.Join(err, rd.batch.Set(markKey(scavengeMark), note, nil), rd.flush()); err != nil {
		return err
	}
	if err := rd.batch.Commit(pebble.NoSync); err != nil {
		return storageError("import", err)
	}
	q.pos, q.lastStream = rd.pos, rd.lastStream
	q.heads.put(rd.streams)
	return nil
}

// importRecord appends a record at its own position and says how much of the
// positions before it stays free, less than nothing where records lie closer
// than their size.
func (rd *round) importRecord(in ImportRecord) (free int64, err error) {
	if in.Stream == "" || in.Stream == allStream || in.Type == "" || in.Type == typeTombstone {
		return 0, errors.New("no event that can be imported")
	}
	s, err := rd.open(in.Stream)
	if err != nil {
		return 0, err
	}
	r := record{name: []byte(in.Stream), typ: []byte(in.Type), data: in.Data, meta: in.Metadata}
	before := in.Position - 1 - int64(r.encodedLen()) // where put would go on from
	switch {
	case in.Position <= rd.pos:
		return 0, fmt.Errorf("position %d does not follow %d", in.Position, rd.pos)
	case in.Revision != s.head.last+1:
		return 0, fmt.Errorf("revision %d does not follow %d", in.Revision, s.head.last)
	}
	free = before - rd.pos
	e := proposed{id: in.ID, typ: in.Type, json: in.JSON, data: in.Data, meta: in.Metadata}
	rd.pos, rd.ticks = before, in.Ticks
	rd.append(s, e)
	if !isMetastream(in.Stream) {
		return free, nil
	}
	target, err := rd.open(metaTarget(in.Stream))
	if err != nil {
		return 0, err
	}
	rd.setMeta(target, e)
	return free, nil
}
