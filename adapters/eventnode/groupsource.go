package eventnode

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
)

const (
	parksAtOnce = 256
	// longestReason cuts off what a client may say about a message it parks.
	longestReason = 4 << 10
	// truncateStep is how many replayed messages are finished before the parked
	// stream is cut off while the replay goes on.
	truncateStep = 1000
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
	g.arrive((*message).atPosition, max(seen, g.page.lastSeen))
	return !g.page.end, nil
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
	looked := rg.from + int64(g.page.considered) - 1
	if g.page.end {
		looked = h.last
		g.catching = false
	}
	g.arrive((*message).atRevision, looked)
	return !g.page.end, nil
}

func (m *message) atPosition(r *record) { m.place = r.pos }

func (m *message) atRevision(r *record) { m.place = r.rev }

// arrive hands the records of the page to the rules; looked is the place up to
// which the page goes.
func (g *group) arrive(place func(*message, *record), looked int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.page.recs {
		r := &g.page.recs[i]
		m := &message{pos: r.pos, id: r.id, bucket: r.bucket()}
		place(m, r)
		g.core.arrive(m)
	}
	g.core.look(looked, g.page.considered-len(g.page.recs))
	g.live = g.page.end
	g.deliver(g.clock())
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
	pos, err := g.store.positionAt(h.no, h.last)
	if err != nil {
		return 0, err
	}
	r, err := g.store.readRecord(pos)
	if err != nil {
		return 0, err
	}
	var text string
	if err := json.Unmarshal(r.data, &text); err != nil {
		return 0, corrupt("checkpoint of group "+g.set.id(), err)
	}
	place, err := g.set.parsePlace(text)
	if err != nil {
		return 0, corrupt("checkpoint of group "+g.set.id(), err)
	}
	return place, nil
}

func (g *group) writeCheckpoint(ctx context.Context, ending bool) error {
	g.mu.Lock()
	due := g.core.checkpointDue(g.clock(), ending)
	place, number := g.core.checkpoint()
	g.mu.Unlock()
	if !due {
		return nil
	}
	name := g.set.checkpointStream()
	if err := g.limitCheckpoints(ctx, name); err != nil {
		return err
	}
	data, err := json.Marshal(g.set.showPlace(place))
	if err != nil {
		return err
	}
	e := proposed{id: uuid.New(), typ: typeCheckpoint, json: true, data: data}
	if _, err := g.append(ctx, name, e); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.core.checkpointed(place, number, g.clock())
	return nil
}

// limitCheckpoints sees to it that old checkpoints are not kept, before the
// first is written.
func (g *group) limitCheckpoints(ctx context.Context, name string) error {
	h, found, err := g.store.readHead(ctx, name)
	if err != nil || found && h.exists() && h.metaPos > 0 {
		return err
	}
	_, err = g.append(ctx, metaStreamOf(name), proposed{id: uuid.New(), typ: typeMetadata, json: true, data: []byte(`{"$maxCount":2}`)})
	return err
}

// append writes to a stream of the group and says whether the stream took it:
// one that somebody ended for ever takes nothing.
func (g *group) append(ctx context.Context, stream string, events ...proposed) (taken bool, err error) {
	o, err := g.sequencer.write(ctx, &writeRequest{stream: stream, expected: expectAny, events: events})
	if err != nil {
		return false, fmt.Errorf("append to %s: %w", stream, err)
	}
	if o.ruling == rulingStreamDeleted {
		g.log.Warn("persistent subscription cannot write to its own stream", zap.String("stream", stream))
		return false, nil
	}
	return true, nil
}

// writeParked writes what is to be parked. Nothing counts as parked before the
// disk has it.
func (g *group) writeParked() (more bool, err error) {
	g.mu.Lock()
	parks := g.core.takeParks(parksAtOnce)
	g.mu.Unlock()
	if len(parks) == 0 {
		return false, nil
	}
	events := make([]proposed, len(parks))
	for i, m := range parks {
		if events[i], err = g.parkedEvent(m); err != nil {
			return false, err
		}
	}
	taken, err := g.append(g.ctx, g.set.parkedStream(), events...)
	if err != nil {
		return false, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range parks {
		if taken {
			g.core.parked(m)
		} else {
			g.core.notParked(m)
		}
	}
	return true, nil
}

// parkedEvent is the link that stands for a parked message. It points to what
// the consumers saw, so that a message parked again is not a link to a link.
func (g *group) parkedEvent(m *message) (proposed, error) {
	target, link, err := g.load(g.ctx, m.pos, m.replayed)
	if err != nil {
		return proposed{}, err
	}
	r := target
	if r == nil {
		r = link
	}
	original := r
	if link != nil {
		original = link
	}
	reason := strings.ToValidUTF8(m.reason[:min(len(m.reason), longestReason)], "")
	meta, err := json.Marshal(struct {
		Added    string `json:"added"`
		Reason   string `json:"reason"`
		Revision int64  `json:"subscriptionEventNumber"`
	}{g.clock().UTC().Format(time.RFC3339Nano), reason, original.rev})
	if err != nil {
		return proposed{}, err
	}
	data := append(strconv.AppendInt(nil, r.rev, 10), '@')
	return proposed{id: uuid.New(), typ: typeLink, data: append(data, r.name...), meta: meta}, nil
}

// load reads a message: its event, and the link that led to it, if any. The
// event is nil when readers cannot see it any more.
func (g *group) load(ctx context.Context, pos int64, replayed bool) (target, link *record, err error) {
	rec, err := g.store.readRecord(pos)
	if err != nil {
		return nil, nil, err
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
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.page.recs {
		r := &g.page.recs[i]
		g.core.replay(&message{place: r.rev, pos: r.pos, id: r.id, bucket: r.bucket()})
	}
	if g.page.end {
		g.core.replayed = max(g.core.replayed, to)
	}
	g.deliver(g.clock())
	return true, nil
}

// truncateParked hides parked messages whose replay is finished. A message in
// replay stays parked on the disk, so that a crash does not lose it.
func (g *group) truncateParked() error {
	g.mu.Lock()
	finished := min(g.core.replayFinished(), math.MaxInt64-1)
	replaying := g.core.replays.oldest != nil || g.core.replayed < g.replayTo
	g.mu.Unlock()
	if finished <= g.truncated || replaying && finished-g.truncated < truncateStep {
		return nil
	}
	name := g.set.parkedStream()
	h, found, err := g.store.readHead(g.ctx, name)
	if err != nil || !found {
		return err
	}
	var current []byte
	if h.metaPos > 0 {
		r, err := g.store.readRecord(h.metaPos)
		if err != nil {
			return err
		}
		current = r.data
	}
	data, err := withTruncateBefore(current, finished)
	if err != nil {
		return err
	}
	if _, err := g.append(g.ctx, metaStreamOf(name), proposed{id: uuid.New(), typ: typeMetadata, json: true, data: data}); err != nil {
		return err
	}
	g.truncated = finished
	return nil
}
