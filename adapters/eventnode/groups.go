package eventnode

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
)

// groupTick is how often a group looks for messages that were held too long
// and for a checkpoint that is due, as on a real node.
const groupTick = time.Second

var (
	errGroupExists  = errors.New("persistent subscription exists")
	errGroupMissing = errors.New("persistent subscription does not exist")
	errGroupRefused = errors.New("persistent subscription refused")

	errReplayBeforeStart = fmt.Errorf("%w: a replay cannot stop before the start", errGroupRefused)
)

// groups are the persistent subscriptions of a node, and how they change.
type groups struct {
	store     *store
	sequencer *sequencer
	streams   *streamServer
	clock     func() time.Time
	log       *zap.Logger
	slow      *zap.Logger // says the same thing now and then only
	noSync    bool
	tickEvery time.Duration
	stopTime  time.Duration // for the last checkpoint of a group

	// admin is held while a group is created, changed or deleted.
	admin sync.Mutex
	mu    sync.RWMutex
	byID  map[string]*group
}

func newGroups(st *store, q *sequencer, n *streamServer, cfg Config) *groups {
	return &groups{
		store: st, sequencer: q, streams: n, clock: cfg.Clock, log: cfg.Log, slow: cfg.slow, noSync: cfg.NoSync,
		tickEvery: cfg.groupTick, stopTime: cfg.Limits.StopTime / 4, byID: map[string]*group{},
	}
}

// start sets a group to work. Its settings have been validated.
func (gs *groups) start(set *groupSettings) {
	g := gs.newGroup(set)
	gs.mu.Lock()
	gs.byID[set.id()] = g
	gs.mu.Unlock()
	go g.run()
}

// close stops all groups; nobody may start one any more.
func (gs *groups) close() {
	for _, g := range gs.list() {
		g.cancel() // all at once: each writes a last checkpoint
	}
	for _, g := range gs.list() {
		g.stop()
	}
}

func (gs *groups) find(id string) (*group, error) {
	gs.mu.RLock()
	defer gs.mu.RUnlock()
	if g := gs.byID[id]; g != nil {
		return g, nil
	}
	return nil, errGroupMissing
}

// list is in the order of ids, so that answers are repeatable.
func (gs *groups) list() []*group {
	gs.mu.RLock()
	defer gs.mu.RUnlock()
	all := make([]*group, 0, len(gs.byID))
	for _, g := range gs.byID {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.set.id(), b.set.id()) })
	return all
}

func (gs *groups) durably() *pebble.WriteOptions {
	if gs.noSync {
		return pebble.NoSync
	}
	return pebble.Sync
}

// groupStart is where a group begins, as a client names it.
type groupStart struct {
	at              startPoint
	commit, prepare uint64 // for a revision commit counts
}

// place finds the first revision or position that the group shows.
func (gs *groups) place(ctx context.Context, set *groupSettings, start groupStart) error {
	set.FromEnd = start.at == fromEnd
	switch {
	case set.all() && start.at == fromStart:
		set.First = 1
	case set.all() && start.at == fromEnd:
		set.First = gs.store.mark.position() + 1
	case set.all():
		end := uint64(gs.store.mark.position())
		if start.prepare > start.commit || start.commit > end {
			return fmt.Errorf("%w: start position C:%d/P:%d is not in the log", errGroupRefused, start.commit, start.prepare)
		}
		set.First = max(int64(start.commit), 1)
	case start.at == fromStart:
		set.First = 0
	case start.at == fromEnd:
		h, found, err := gs.store.readHead(ctx, set.Stream)
		if err != nil {
			return err
		}
		if set.First = 0; found {
			set.First = h.last + 1
		}
	default:
		if start.commit >= tombstoneRevision {
			return fmt.Errorf("%w: start revision %d is out of range", errGroupRefused, start.commit)
		}
		set.First = int64(start.commit)
	}
	return nil
}

func refuse(set *groupSettings) error {
	if err := set.validate(); err != nil {
		return fmt.Errorf("%w: %w", errGroupRefused, err)
	}
	return nil
}

// create makes a group that survives restarts once create has returned.
func (gs *groups) create(ctx context.Context, set *groupSettings, start groupStart) error {
	gs.admin.Lock()
	defer gs.admin.Unlock()
	if _, err := gs.find(set.id()); err == nil {
		return errGroupExists
	}
	if err := errors.Join(refuse(set), gs.place(ctx, set, start)); err != nil {
		return err
	}
	if err := gs.store.putGroup(set, gs.durably()); err != nil {
		return err
	}
	gs.start(set)
	return nil
}

// update drops the consumers of a group and lets it go on from its checkpoint
// with other settings; the filter stays.
func (gs *groups) update(ctx context.Context, set *groupSettings, start groupStart) error {
	gs.admin.Lock()
	defer gs.admin.Unlock()
	old, err := gs.find(set.id())
	if err != nil {
		return err
	}
	set.Filter = old.set.Filter
	if err := errors.Join(refuse(set), gs.place(ctx, set, start)); err != nil {
		return err
	}
	old.stop()
	if err := gs.store.putGroup(set, gs.durably()); err != nil {
		gs.start(old.set)
		return err
	}
	gs.start(set)
	return nil
}

// remove deletes a group. Its streams go first: a crash in between leaves a
// group without a checkpoint, and never a checkpoint for a group of the same
// name that is created later.
func (gs *groups) remove(ctx context.Context, id string) error {
	gs.admin.Lock()
	defer gs.admin.Unlock()
	g, err := gs.find(id)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.forget = true
	g.mu.Unlock()
	g.stop()
	ctx = context.WithoutCancel(ctx) // half a deletion helps nobody
	err = errors.Join(
		gs.softDelete(ctx, g.set.checkpointStream()),
		gs.softDelete(ctx, g.set.parkedStream()))
	if err == nil {
		err = gs.store.dropGroup(id, gs.durably())
	}
	if err != nil {
		gs.start(g.set)
		return err
	}
	gs.mu.Lock()
	delete(gs.byID, id)
	gs.mu.Unlock()
	return nil
}

func (gs *groups) softDelete(ctx context.Context, stream string) error {
	h, found, err := gs.store.readHead(ctx, stream)
	if err != nil || !found || !h.exists() || h.tombstoned {
		return err
	}
	_, err = gs.streams.remove(ctx, writeSoftDelete, stream, expectAny)
	return err
}

// restart drops all consumers and begins every group anew.
func (gs *groups) restart() {
	gs.admin.Lock()
	defer gs.admin.Unlock()
	for _, g := range gs.list() {
		g.stop()
		gs.start(g.set)
	}
}
