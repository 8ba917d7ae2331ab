package eventnode

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

const (
	headsAtOnce  = 1024
	removeAtOnce = 256
)

// removeHidden goes through all streams and has the sequencer remove what their
// heads hide. What an earlier scavenge did shows in the floors of the heads, so
// that there is no other place to go on from.
func (v *scavenger) removeHidden(ctx context.Context) error {
	_, key, err := v.store.lastIn(spaceHead)
	if err != nil || key == nil {
		return err
	}
	total := int64(binary.BigEndian.Uint64(key[1:]))
	for done := int64(0); done < total; {
		heads, err := v.store.headsFrom(uint64(done)+1, headsAtOnce)
		if err != nil {
			return err
		}
		for _, h := range heads {
			if err := v.scavengeStream(ctx, h); err != nil {
				return err
			}
			done = int64(h.no)
		}
		if len(heads) == 0 {
			return nil
		}
		v.tell(ScavengeRemoves, done, total)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (v *scavenger) tell(phase string, done, total int64) {
	v.options.Progress(ScavengeProgress{ID: v.id, Phase: phase, Done: done, Total: total, Events: v.state.Events})
}

// headsFrom copies heads out of the database, so that no iterator stays open
// while events are removed.
func (s *store) headsFrom(no uint64, limit int) ([]head, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: headKey(no), UpperBound: after(spaceHead)})
	if err != nil {
		return nil, storageError("stream heads", err)
	}
	defer it.Close()
	var heads []head
	for ok := it.First(); ok && len(heads) < limit; ok = it.Next() {
		raw, err := it.ValueAndErr()
		if err != nil {
			return nil, storageError("stream heads", err)
		}
		h, err := decodeHead(raw)
		if err != nil {
			return nil, corrupt(fmt.Sprintf("head of stream number %x", it.Key()[1:]), err)
		}
		heads = append(heads, h)
	}
	return heads, wrapStorage("stream heads", it.Error())
}

// hiddenPart is the oldest events of a stream, as far as they may be removed.
type hiddenPart struct {
	head
	below int64 // revisions below it are hidden, whatever their age
	to    int64 // the last revision to look at
	// limited: events from before oldest are too old to be shown.
	limited bool
	oldest  int64
}

func (v *scavenger) scavengeStream(ctx context.Context, h head) error {
	if h.tombstoned && h.metaPos > 0 {
		if err := v.scavengeMetadata(ctx, h.no); err != nil {
			return err
		}
	}
	part := hiddenPart{head: h, below: h.removable()}
	part.to = part.below - 1
	if !h.tombstoned {
		if part.oldest, part.limited = h.meta.oldestShown(v.now); part.limited {
			part.to = h.last - 1
		}
	}
	return v.removePart(ctx, part)
}

// scavengeMetadata removes all metadata of a stream that was ended.
func (v *scavenger) scavengeMetadata(ctx context.Context, stream uint64) error {
	end, found, err := v.store.eventAt(stream, tombstoneRevision)
	if err != nil || !found {
		return err
	}
	h, found, err := v.store.loadHead(metaStreamOf(string(end.name)))
	if err != nil || !found {
		return err
	}
	return v.removePart(ctx, hiddenPart{head: h, below: h.last + 1, to: h.last})
}

// removePart removes batch by batch, small ones first, because most streams with
// a $maxAge have nothing to lose.
func (v *scavenger) removePart(ctx context.Context, part hiddenPart) error {
	rg := revisionRange{from: part.floor, to: part.to}
	for limit := 1; rg.from <= rg.to; limit = min(limit*8, removeAtOnce) {
		began := v.clock()
		if err := v.store.scanStream(&v.page, part.no, rg, limit, nil); err != nil {
			return err
		}
		removed, err := v.removePage(ctx, part, rg.from == part.floor)
		if err != nil || removed < len(v.page.recs) || v.page.end {
			return err
		}
		rg = rg.behind(v.page.lastRev)
		if err := v.rest(ctx, began); err != nil {
			return err
		}
	}
	return nil
}

// removePage removes the hidden events at the start of the page and says how
// many they were.
func (v *scavenger) removePage(ctx context.Context, part hiddenPart, first bool) (int, error) {
	rm := &removal{state: &v.state, aged: ageRule{maxAge: part.meta.maxAge}}
	for i := range v.page.recs {
		r := &v.page.recs[i]
		if r.rev >= part.below {
			if !part.limited || r.ticks >= part.oldest {
				break
			}
			rm.aged.below = r.rev + 1
		}
		if r.pos > v.state.Position {
			break
		}
		rm.events = append(rm.events, removable{pos: r.pos, rev: r.rev, size: r.encodedLen()})
	}
	if len(rm.events) == 0 {
		return 0, nil
	}
	before := v.state.Events
	r := &writeRequest{stream: string(v.page.recs[0].name), size: len(rm.events) * (logKeyLen + streamKeyLen), removal: rm}
	if err := v.submit(ctx, r); err != nil {
		return 0, fmt.Errorf("remove events of %s: %w", r.stream, err)
	}
	removed := int(v.state.Events - before)
	if first && removed > 0 {
		v.state.Streams++
	}
	for _, e := range rm.events[:removed] {
		v.touched.add(e.pos, e.pos)
	}
	return removed, nil
}
