package app

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/trail"
	"tracekeep/domain"
	"tracekeep/domain/removal"
	"tracekeep/eventschema"
)

// removalsAtOnce is how many events one listing names at most.
const removalsAtOnce = 2000

// ListedRemovals says what was listed for the event store to remove.
type ListedRemovals struct {
	Events  uint64 `json:"events"`
	Streams uint64 `json:"streams"`
	// Unlisted are streams that lost events before these were listed, or whose
	// leaves are of a kind that cannot be listed: a removal there will be found.
	Unlisted uint64 `json:"unlisted_streams"`
}

// ListRemovals writes down, as events of the trail, every event that a scavenge
// of the event store may remove now or within a day, and waits until the trail
// covers them. It belongs before every scavenge: what is removed without it is
// found as removed by [App.Verify], for ever. Listing what is listed changes
// nothing. progress may be nil and is told the number of events read.
func (a *App) ListRemovals(ctx context.Context, progress func(done uint64)) (ListedRemovals, error) {
	var report ListedRemovals
	if err := a.CatchUp(ctx, nil); err != nil {
		return report, err
	}
	log, err := a.trail()
	if err != nil {
		return report, err
	}
	defer log.Close()
	now := a.clock().UTC()
	plan := ledger.NewRemovals(now)
	var done uint64
	for recorded, err := range a.whole.ReadAll(ctx, 0) {
		if err != nil {
			return report, fmt.Errorf("look for removals: %w", err)
		}
		plan.Learn(recorded)
		if done++; progress != nil && done%1000 == 0 {
			progress(done)
		}
	}
	l := &lister{app: a, log: log, now: now, open: map[string]*pendingListing{}}
	for recorded, err := range a.whole.ReadAll(ctx, 0) {
		if err != nil {
			return report, fmt.Errorf("look for removals: %w", err)
		}
		if ground, may := plan.May(recorded); may {
			if err := l.take(ctx, recorded, ground); err != nil {
				return report, err
			}
		}
	}
	for _, pending := range l.open {
		if err := l.write(ctx, pending); err != nil {
			return report, err
		}
	}
	if a.ledger != nil && l.position > 0 {
		err = a.trailCovers(ctx, l.position)
	}
	return l.report, err
}

// lister collects what is to be listed, stream by stream.
type lister struct {
	app      *App
	log      *ledger.Snapshot
	now      time.Time
	open     map[string]*pendingListing
	report   ListedRemovals
	position uint64 // of the last listing
}

// pendingListing is a listing that is not written yet.
type pendingListing struct {
	stream eventschema.StreamName
	loaded *domain.Loaded[removal.State]
	next   removal.List
	closed bool // nothing more of this stream can be listed
	wrote  bool
}

func (l *lister) take(ctx context.Context, recorded eventschema.Recorded, ground eventschema.RemovalGround) error {
	pending := l.open[recorded.Stream]
	if pending == nil {
		pending = &pendingListing{stream: eventschema.RemovalStream(l.app.tenant, recorded.Stream)}
		var err error
		if pending.loaded, err = domain.Load(ctx, l.app.handler, pending.stream, removal.Decider()); err != nil {
			return err
		}
		pending.next = removal.List{Stream: recorded.Stream, FirstRevision: pending.loaded.State.Next}
		l.open[recorded.Stream] = pending
	}
	c := &pending.next
	c.Ground, c.ListedAt = ground, l.now
	switch next := c.FirstRevision + uint64(len(c.Leaves)); {
	case pending.closed, recorded.Revision < next:
		return nil
	case recorded.Revision > next:
		l.giveUp(pending)
		return nil
	}
	leaf, exact, err := l.log.Find(recorded.Position)
	if err != nil {
		return err
	}
	if !exact { // not yet in the trail, and so too new to be listed
		pending.closed = true
		return nil
	}
	stored, err := l.log.Leaf(leaf)
	if err != nil {
		return err
	}
	body, _ := trail.BodyOf(ledger.EventOf(recorded))
	removed := trail.Removed{Stream: recorded.Stream, Revision: recorded.Revision, Position: recorded.Position, Body: body}
	if !removed.Shows(stored) {
		l.giveUp(pending)
		return nil
	}
	c.Leaves, c.Positions, c.Bodies = append(c.Leaves, leaf), append(c.Positions, recorded.Position), append(c.Bodies, body.String())
	if len(c.Leaves) < removalsAtOnce {
		return nil
	}
	return l.write(ctx, pending)
}

func (l *lister) giveUp(pending *pendingListing) {
	pending.closed = true
	l.report.Unlisted++
}

// write appends what is collected of a stream.
func (l *lister) write(ctx context.Context, pending *pendingListing) error {
	n := uint64(len(pending.next.Leaves))
	if n == 0 {
		return nil
	}
	outcome, err := domain.Advance(ctx, l.app.handler, removal.Decider(), pending.loaded, domain.Request{
		Stream: pending.stream, Key: "list from " + strconv.FormatUint(pending.next.FirstRevision, 10),
		Actor: eventschema.Actor{ID: l.app.operator, Role: removalActor},
	}, removal.Command(pending.next))
	if err != nil {
		return err
	}
	l.position = max(l.position, outcome.Position)
	l.report.Events += n
	if !pending.wrote {
		pending.wrote = true
		l.report.Streams++
	}
	pending.next = removal.List{Stream: pending.next.Stream, FirstRevision: pending.next.FirstRevision + n}
	return nil
}

// removalActor is the role of who lists removals.
const removalActor = "operator"

// trail is the log for reading: the writer's own, or the files that the owner of
// the data folder writes.
func (a *App) trail() (*ledger.Snapshot, error) {
	if a.ledger != nil {
		return a.ledger.Snapshot(), nil
	}
	return ledger.ReadSnapshot(a.folder.path("trail"))
}
