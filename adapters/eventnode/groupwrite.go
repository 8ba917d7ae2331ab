package eventnode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	parksAtOnce = 256
	// longestReason cuts off what a client may say about a message it parks.
	longestReason = 4 << 10
	// truncateStep is how many replayed messages are finished before the parked
	// stream is cut off while the replay goes on.
	truncateStep = 1000
)

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
	r := &writeRequest{call: callInternal, stream: stream, expected: expectAny, events: events}
	for i := range events {
		r.size += events[i].size()
	}
	o, err := g.sequencer.write(ctx, r)
	if err != nil {
		return false, fmt.Errorf("append to a stream of the group: %w", err)
	}
	if o.ruling == rulingStreamDeleted {
		g.slow.Warn("event store: persistent subscription cannot write to its own stream", g.set.logged()...)
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
	events := make([]proposed, 0, len(parks))
	for _, m := range parks {
		e, err := g.parkedEvent(m)
		if errors.Is(err, errScavenged) { // there is nothing left to park
			continue
		}
		if err != nil {
			return false, err
		}
		events = append(events, e)
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
	target, link, err := g.load(g.ctx, m.origin, m.replayed)
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
		r, found, err := g.store.findRecord(h.metaPos)
		if err != nil || !found { // replaced and scavenged since: the next step reads the new one
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
