package eventnode

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// all audits the whole log and every key space, in memory that does not grow
// with the log: a bit a stream beside buffers of a fixed size.
func (a *audit) all(seen func(pos int64) error) error {
	streams, err := a.names()
	if err := a.goOn(0, err); err != nil {
		return err
	}
	if err := a.records(1, seen); err != nil {
		return err
	}
	entries, err := a.heads(streams)
	if err := a.goOn(0, err); err != nil {
		return err
	}
	if entries != a.count || a.defects > 0 {
		if err := a.goOn(0, a.withoutRecord()); err != nil {
			return err
		}
	}
	if err := a.goOn(0, a.positions()); err != nil {
		return err
	}
	if err := a.goOn(0, a.groups()); err != nil {
		return err
	}
	if err := a.goOn(0, a.strangers()); err != nil {
		return err
	}
	if a.leftOut > 0 {
		return a.report(Defect{Kind: DefectFile, Detail: fmt.Sprintf("%d lookups of names, heads and index entries were left out, because too much could not be read", a.leftOut)})
	}
	return nil
}

// positions: what no record takes up of the log is what scavenges say they
// freed. It finds a record that is missing together with everything that knew it.
func (a *audit) positions() error {
	state, err := a.s.loadScavenge()
	if err != nil || a.defects > 0 || a.span+state.Span == a.s.last {
		return err
	}
	return a.report(Defect{Kind: DefectRevision, Position: a.s.last, Detail: fmt.Sprintf(
		"the records take up %d positions and scavenges freed %d, but the log ends at %d", a.span, state.Span, a.s.last)})
}

// each calls do with every entry of a key space.
func (s *store) each(space byte, what string, do func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{space}, UpperBound: after(space)})
	if err != nil {
		return storageError(what, err)
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return storageError(what, err)
		}
		if err := do(it.Key(), value); err != nil {
			return err
		}
	}
	return wrapStorage(what, it.Error())
}

// numberSet has one bit for each stream number up to the highest.
type numberSet []uint64

func (b numberSet) has(i uint64) bool { return i/64 < uint64(len(b)) && b[i/64]&(1<<(i%64)) != 0 }

func (b numberSet) flip(i uint64) { b[i/64] ^= 1 << (i % 64) }

// names collects the numbers that have a name. The set is nil if it would not be
// complete.
func (a *audit) names() (numberSet, error) {
	if a.s.lastStream == 0 {
		return nil, nil // empty, or the heads cannot be read
	}
	numbers := make(numberSet, a.s.lastStream/64+1)
	err := a.s.each(spaceName, "names of streams", func(key, value []byte) error {
		d := Defect{Kind: DefectName, Stream: string(key[1:])}
		if len(value) != 8 {
			d.Detail = fmt.Sprintf("its number has %d bytes", len(value))
			return a.report(d)
		}
		switch no := binary.BigEndian.Uint64(value); {
		case no == 0 || no > a.s.lastStream:
			d.Detail = fmt.Sprintf("number %d has no head", no)
			return a.report(d)
		case numbers.has(no):
			d.Detail = fmt.Sprintf("another stream has number %d too", no)
			return a.report(d)
		default:
			numbers.flip(no)
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	return numbers, nil
}

// heads goes through heads and stream index side by side, and says how many
// entries the index has. named are the numbers that have a name.
func (a *audit) heads(named numberSet) (entries int64, err error) {
	it, err := a.s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{spaceStream}, UpperBound: after(spaceStream)})
	if err != nil {
		return 0, storageError("stream index", err)
	}
	defer it.Close()
	it.First()
	err = a.s.each(spaceHead, "heads of streams", func(key, value []byte) error {
		if len(key) != headKeyLen {
			return a.report(Defect{Kind: DefectKey, Detail: fmt.Sprintf("%q is no key of a head", key)})
		}
		a.streams++
		no := streamOf(key)
		n, err := a.headless(it, no)
		entries += n
		if err != nil {
			return err
		}
		switch {
		case named == nil:
		case !named.has(no):
			err = a.report(Defect{Kind: DefectName, Stream: a.nameOf(no), Detail: fmt.Sprintf("no name has its number %d", no)})
		default:
			named.flip(no)
		}
		if err != nil {
			return err
		}
		n, err = a.oneHead(it, no, value)
		entries += n
		return err
	})
	if err != nil {
		return entries, err
	}
	n, err := a.headless(it, 0)
	if err != nil {
		return entries + n, err
	}
	return entries + n, a.nameless(named)
}

func (a *audit) oneHead(it *pebble.Iterator, no uint64, value []byte) (entries int64, err error) {
	h, err := decodeHead(value)
	if err != nil {
		if err := a.report(Defect{Kind: DefectHead, Stream: a.nameOf(no), Detail: err.Error()}); err != nil {
			return 0, err
		}
		end, err := a.walk(it, no, 0)
		return end.entries, err
	}
	kept := h.firstKept()
	end, err := a.walk(it, no, kept)
	if err == nil {
		err = a.agrees(no, h, end, kept)
	}
	if err == nil && h.metaPos > 0 {
		err = a.described(no, h)
	}
	return end.entries, err
}

// described: the metadata that a head names is the latest of its stream. What
// the metadata says is audited with the record itself.
func (a *audit) described(no uint64, h head) error {
	r, err := a.s.readRecord(h.metaPos)
	if err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if err == nil && isMetastream(string(r.name)) {
		own, err := a.numberOf(metaTarget(string(r.name)))
		if err != nil || own == no {
			return err
		}
	}
	return a.report(Defect{Kind: DefectHead, Stream: a.nameOf(no), Position: h.metaPos, Detail: "its metadata is not at this position"})
}

// headless reports index entries of streams below a number, which have no head;
// 0 stands for all that are left.
func (a *audit) headless(it *pebble.Iterator, below uint64) (entries int64, err error) {
	for it.Valid() {
		key := it.Key()
		if len(key) != streamKeyLen {
			if err := a.report(Defect{Kind: DefectKey, Detail: fmt.Sprintf("%q is no key of the stream index", key)}); err != nil {
				return entries, err
			}
			it.Next()
			continue
		}
		no := streamOf(key)
		if below != 0 && no >= below {
			break
		}
		if err := a.report(Defect{Kind: DefectHead, Stream: a.nameOf(no), Detail: "the stream has events and no head"}); err != nil {
			return entries, err
		}
		end, err := a.walk(it, no, 0)
		entries += end.entries
		if err != nil {
			return entries, err
		}
	}
	return entries, wrapStorage("stream index", it.Error())
}

// nameless reports names whose number has no head.
func (a *audit) nameless(left numberSet) error {
	for no := uint64(1); left != nil && no <= a.s.lastStream; no++ {
		if left[no/64] == 0 {
			no |= 63 // nothing in this word
			continue
		}
		if !left.has(no) {
			continue
		}
		if err := a.report(Defect{Kind: DefectHead, Stream: a.nameOf(no), Detail: fmt.Sprintf("stream number %d has a name and no head", no)}); err != nil {
			return err
		}
	}
	return nil
}

// withoutRecord names the index entries that lead nowhere.
func (a *audit) withoutRecord() error {
	return a.s.each(spaceStream, "stream index", func(key, value []byte) error {
		if len(key) != streamKeyLen || len(value) != 8 {
			return nil // reported already
		}
		no, rev, pos := streamOf(key), revisionOf(key), int64(binary.BigEndian.Uint64(value))
		raw, err := a.get(logKey(pos))
		if err != nil {
			return a.goOn(pos, storageError(fmt.Sprintf("record at position %d", pos), err))
		}
		d := Defect{Kind: DefectIndex, Position: pos, Revision: &rev}
		if raw == nil {
			d.Detail = "the stream index names a record that is missing"
		} else if r, err := decodeRecord(pos, raw); err != nil || r.stream == no && r.rev == rev {
			return nil //nolint:nilerr // damage is reported with the record
		} else {
			d.Detail = fmt.Sprintf("the stream index names a record that is %s@%d", r.name, r.rev)
		}
		d.Stream = a.nameOf(no)
		return a.report(d)
	})
}

// groups: settings of persistent subscriptions decode, and their checkpoints
// lie in the log.
func (a *audit) groups() error {
	return a.s.each(spaceGroup, "settings of groups", func(key, value []byte) error {
		id := string(key[1:])
		set, err := decodeGroup(value)
		if err == nil && set.id() != id {
			err = errors.New("they are of another group")
		}
		if err != nil {
			return a.report(Defect{Kind: DefectGroup, Stream: id, Detail: "settings: " + err.Error()})
		}
		if err := a.checkpoint(set); err != nil {
			if !errors.Is(err, errBadCheckpoint) {
				return err
			}
			return a.report(Defect{Kind: DefectGroup, Stream: id, Detail: err.Error()})
		}
		return nil
	})
}

var errBadCheckpoint = errors.New("checkpoint")

func (a *audit) checkpoint(set *groupSettings) error {
	no, err := a.numberOf(set.checkpointStream())
	if err != nil || no == 0 {
		return err
	}
	h, err := a.head(no)
	if err != nil || h == nil || !h.exists() || h.tombstoned || h.firstVisible() > h.last {
		return err
	}
	pos, err := a.s.positionAt(no, h.last)
	if err != nil || pos == 0 {
		return nil //nolint:nilerr // reported with the stream index
	}
	r, err := a.s.readRecord(pos)
	if err != nil {
		return nil //nolint:nilerr // reported with the log
	}
	var text string
	if err := json.Unmarshal(r.data, &text); err != nil {
		return fmt.Errorf("%w: %w", errBadCheckpoint, err)
	}
	place, err := set.parsePlace(text)
	if err != nil {
		return fmt.Errorf("%w: %w", errBadCheckpoint, err)
	}
	if set.all() && place > a.s.last {
		return fmt.Errorf("%w: position %d is after the end of the log", errBadCheckpoint, place)
	}
	return nil
}

// keySpaces are all that this version writes.
var keySpaces = []byte{spaceLog, spaceGroup, spaceHead, spaceMark, spaceName, spaceStream, spaceUser}

// strangers reports keys of no known space.
func (a *audit) strangers() error {
	it, err := a.s.db.NewIter(nil)
	if err != nil {
		return storageError("keys", err)
	}
	defer it.Close()
	known := map[byte]bool{}
	for _, space := range keySpaces {
		known[space] = true
	}
	for ok := it.First(); ok; {
		key := it.Key()
		if len(key) > 0 && known[key[0]] {
			ok = it.SeekGE(after(key[0]))
			continue
		}
		if err := a.report(Defect{Kind: DefectKey, Detail: fmt.Sprintf("%q is in no known key space", key)}); err != nil {
			return err
		}
		ok = it.Next()
	}
	return wrapStorage("keys", it.Error())
}
