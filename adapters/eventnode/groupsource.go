package eventnode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// readSource reads the next events when there is room for a batch of them.
func (g *group) readSource() (more bool, err error) {
	g.mu.Lock()
	room, seen := g.core.room(), g.core.seen
	g.mu.Unlock()
	batch := int(g.set.ReadBatch)
	if room < min(batch, pageRecords) {
		g.setLive(false)
		return false, nil
	}
	if g.set.all() {
		return g.readAll(seen, batch)
	}
	return g.readStream(seen, batch)
}

func (g *group) readAll(seen int64, batch int) (more bool, err error) {
	wanted := func(r *record) bool { return !hidden(r) && (g.set.filter == nil || g.set.filter.matches(r)) }
	rg := logRange{from: seen + 1, to: g.store.mark.position()}
	if err := g.store.scanLog(&g.page, rg, batch, pageConsidered, wanted); err != nil {
		return false, err
	}
	if err := g.set.filter.err(); err != nil {
		return false, err
	}
	return !g.page.end, g.arrive((*message).atPosition, max(seen, g.page.lastSeen))
}

// readStream reads as subscriptions do: the stream's metadata hides events
// from a group that catches up, and none from one that is live.
func (g *group) readStream(seen int64, batch int) (more bool, err error) {
	r := &reader{streamServer: g.streams, ctx: g.ctx}
	h, found, deleted, err := r.visibleHead(g.set.Stream)
	if err != nil {
		return false, err
	}
	if !found || deleted || seen >= h.last {
		g.catching = false
		g.setLive(true)
		return false, nil
	}
	g.catching = g.catching || h.last-seen > int64(g.set.LiveBuffer)
	rg := revisionRange{from: seen + 1, to: h.last}
	var keep func(*record) bool
	if g.catching {
		rg.from = max(rg.from, h.firstVisible())
		keep = r.youngEnough(h)
	}
	if err := g.store.scanStream(&g.page, h.no, rg, batch, keep); err != nil {
		return false, err
	}
	looked := g.page.lastRev
	if g.page.end {
		looked = h.last
		g.catching = false
	}
	return !g.page.end, g.arrive((*message).atRevision, looked)
}

func (m *message) atPosition(r *record) { m.place = r.pos }

func (m *message) atRevision(r *record) { m.place = r.rev }

// arrive hands the records of the page to the rules; looked is the place up to
// which the page goes.
func (g *group) arrive(place func(*message, *record), looked int64) error {
	buckets, err := g.buckets(false)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.page.recs {
		r := &g.page.recs[i]
		m := newMessage(r, buckets[i])
		place(m, r)
		g.core.arrive(m)
	}
	g.core.look(looked, g.page.considered-len(g.page.recs))
	g.live = g.page.end
	g.deliver(g.clock())
	return nil
}

func (g *group) setLive(live bool) {
	g.mu.Lock()
	g.live = live
	g.mu.Unlock()
}

// readCheckpoint is the place from which the group goes on.
func (g *group) readCheckpoint() (int64, error) {
	h, found, err := g.store.readHead(g.ctx, g.set.checkpointStream())
	if err != nil {
		return 0, err
	}
	if !found || !h.exists() || h.tombstoned || h.firstVisible() > h.last {
		return g.set.First - 1, nil
	}
	r, found, err := g.store.eventAt(h.no, h.last)
	if err != nil {
		return 0, err
	}
	if !found { // somebody wrote and scavenged since
		return g.readCheckpoint()
	}
	var text string
	if err := json.Unmarshal(r.data, &text); err != nil {
		return 0, corrupt("checkpoint of group "+g.set.Group, err)
	}
	place, err := g.set.parsePlace(text)
	if err != nil {
		return 0, corrupt("checkpoint of group "+g.set.Group, err)
	}
	return place, nil
}

// errScavenged: the event of a message was removed while the message waited.
var errScavenged = errors.New("event was removed by a scavenge")

// load reads a message: its event, and the link that led to it, if any. The
// event is nil when readers cannot see it any more. It fails with errScavenged
// when the original record is gone.
func (g *group) load(ctx context.Context, at origin, replayed bool) (target, link *record, err error) {
	rec, found, err := g.store.recordOf(at)
	if err != nil {
		return nil, nil, err
	}
	if !found {
		return nil, nil, errScavenged
	}
	if (g.set.ResolveLinks || replayed) && bytes.Equal(rec.typ, []byte(typeLink)) {
		r := &reader{streamServer: g.streams, ctx: ctx}
		target, isLink, err := r.resolve(&rec)
		if err != nil {
			return nil, nil, err
		}
		if isLink {
			return target, &rec, nil
		}
	}
	return &rec, nil, nil
}

// parkedRange are the revisions of a parked stream that are parked.
type parkedRange struct {
	no         uint64
	first, end int64 // from first on, below end
}

func (gs *groups) parked(ctx context.Context, set *groupSettings) (parkedRange, error) {
	h, found, err := gs.store.readHead(ctx, set.parkedStream())
	if err != nil || !found {
		return parkedRange{}, err
	}
	return parkedRange{no: h.no, first: min(h.firstVisible(), h.last+1), end: h.last + 1}, nil
}

func (g *group) parkedHead() (parkedRange, error) { return g.groups.parked(g.ctx, g.set) }

// readReplay reads the next parked messages while a replay goes on.
func (g *group) readReplay() (more bool, err error) {
	g.mu.Lock()
	from, to := g.core.replayed, g.replayTo
	full := len(g.core.retries) >= g.core.limits.buffer
	g.mu.Unlock()
	if from >= to || full {
		return false, nil
	}
	parked, err := g.parkedHead()
	if err != nil {
		return false, err
	}
	rg := revisionRange{from: max(from, parked.first), to: min(to, parked.end) - 1}
	if err := g.store.scanStream(&g.page, parked.no, rg, int(g.set.ReadBatch), nil); err != nil {
		return false, err
	}
	buckets, err := g.buckets(true)
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.page.recs {
		r := &g.page.recs[i]
		m := newMessage(r, buckets[i])
		m.atRevision(r)
		g.core.replay(m)
	}
	if g.page.end {
		g.core.replayed = max(g.core.replayed, to)
	}
	g.deliver(g.clock())
	return true, nil
}
