package postgres

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Errors of applying.
var (
	// ErrMovedBack says that the checkpoints stand before the page: a rebuild has
	// switched to tables that have not come so far. The caller asks
	// [ReadModels.Resume] and subscribes anew from there.
	ErrMovedBack = errors.New("read models were rebuilt: resume from their position")
	// ErrVersion says that another release has rebuilt a read model; this process
	// must not write to it.
	ErrVersion = errors.New("read model belongs to another version of its projection")
	// ErrTenant says that an event names another tenant than its stream does.
	ErrTenant = errors.New("event and stream name different tenants")
	// ErrPosition says that a position does not fit the checkpoint.
	ErrPosition = errors.New("position is out of range")
)

// never is the checkpoint of a projection to which nothing was applied.
const never int64 = -1

// Apply applies a page of events that follow each other in the log, ending at
// last, to every read model, and moves their checkpoints to last in the same
// transaction. What a checkpoint says is already applied is skipped, so a page
// may be given again, and pages may overlap. The store's own system events only
// move the checkpoint.
//
// An event that cannot be decoded, or that a projection refuses, applies
// nothing of its page: the caller stops and reports. [ErrMovedBack] asks the
// caller to [ReadModels.Resume].
func (r *ReadModels) Apply(ctx context.Context, events []eventschema.Recorded, last uint64) error {
	if last > math.MaxInt64 {
		return fmt.Errorf("apply up to %d: %w", last, ErrPosition)
	}
	decoded, err := r.decode(events)
	if err != nil {
		return err
	}
	err = pgx.BeginTxFunc(ctx, r.pool, writing(), func(tx pgx.Tx) error {
		return r.applyIn(ctx, tx, projections.NewPage(decoded, last))
	})
	if err != nil {
		return fmt.Errorf("apply up to %d: %w", last, err)
	}
	r.moved(int64(last))
	return nil
}

// writing begins a transaction that applies pages. Losing a commit in a crash
// of the server loses its checkpoint with it, and the page is applied again:
// there is nothing to wait for. Every statement finds its rows by key; a plan
// made while a table was small must not read it whole when it is large.
func writing() pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: `BEGIN; SET LOCAL synchronous_commit = off;
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`}
}

func (r *ReadModels) applyIn(ctx context.Context, tx pgx.Tx, page projections.Page) error {
	active := r.active()
	before, err := advance(ctx, tx, active, int64(page.Last))
	if err != nil {
		return err
	}
	r.mu.Lock()
	reached := r.reached
	r.mu.Unlock()
	for _, p := range active {
		switch at := before[p.Name]; {
		case at >= int64(page.Last):
			continue
		case at < reached:
			return ErrMovedBack
		default:
			if err := p.Apply(ctx, tx, after(page, at)); err != nil {
				return fmt.Errorf("projection %s: %w", p.Name, err)
			}
		}
	}
	return nil
}

// active are the projections whose tables are of this code's version.
func (r *ReadModels) active() []projections.Projection {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.stale) == 0 {
		return r.cfg.Projections
	}
	var active []projections.Projection
	for _, p := range r.cfg.Projections {
		if !slices.Contains(r.stale, p.Name) {
			active = append(active, p)
		}
	}
	return active
}

// advance moves the checkpoints that stand before last and says where each
// stood. It holds them until the transaction ends, against other appliers and
// against a switch.
func advance(ctx context.Context, tx pgx.Tx, active []projections.Projection, last int64) (map[string]int64, error) {
	names := make([]string, len(active))
	versions := make(map[string]int, len(active))
	for i, p := range active {
		names[i], versions[p.Name] = p.Name, p.Version
	}
	rows, err := tx.Query(ctx, `
WITH old AS (SELECT projection, version, position FROM checkpoint WHERE projection = ANY($1) ORDER BY projection FOR UPDATE),
moved AS (UPDATE checkpoint c SET position = $2 FROM old WHERE c.projection = old.projection AND old.position < $2)
SELECT projection, version, position FROM old`, names, last)
	if err != nil {
		return nil, fmt.Errorf("move checkpoints: %w", err)
	}
	before := make(map[string]int64, len(active))
	var name string
	var version int
	var position int64
	if _, err := pgx.ForEachRow(rows, []any{&name, &version, &position}, func() error {
		if version != versions[name] {
			return fmt.Errorf("projection %s, stored %d, code %d: %w", name, version, versions[name], ErrVersion)
		}
		before[name] = position
		return nil
	}); err != nil {
		return nil, fmt.Errorf("move checkpoints: %w", err)
	}
	for _, name := range names {
		if _, ok := before[name]; !ok {
			return nil, fmt.Errorf("projection %s has no checkpoint: %w", name, ErrVersion)
		}
	}
	return before, nil
}

// after is the part of a page that comes after a checkpoint.
func after(page projections.Page, checkpoint int64) projections.Page {
	for i := range page.Events {
		if int64(page.Events[i].Position) > checkpoint {
			page.Events = page.Events[i:]
			return page
		}
	}
	page.Events = nil
	return page
}

// decodeTogether is the number of events from which a page is decoded on two
// cores.
const decodeTogether = 512

// decode reads the events of a page once for all projections and leaves the
// system events out.
func (r *ReadModels) decode(events []eventschema.Recorded) ([]eventschema.Decoded, error) {
	if len(events) < decodeTogether {
		return r.decodePart(events)
	}
	half := len(events) / 2
	var parts [2][]eventschema.Decoded
	var group errgroup.Group
	for i, part := range [][]eventschema.Recorded{events[:half], events[half:]} {
		group.Go(func() (err error) {
			parts[i], err = r.decodePart(part)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return append(parts[0], parts[1]...), nil
}

func (r *ReadModels) decodePart(events []eventschema.Recorded) ([]eventschema.Decoded, error) {
	decoded := make([]eventschema.Decoded, 0, len(events))
	for i := range events {
		if strings.HasPrefix(events[i].Type, "$") {
			continue
		}
		d, err := r.cfg.Registry.Decode(events[i])
		if err != nil {
			return nil, err
		}
		name, err := eventschema.ParseStreamName(d.Stream)
		if err != nil {
			return nil, fmt.Errorf("event at position %d: %w", d.Position, err)
		}
		if name.Tenant != d.Meta.Tenant {
			return nil, fmt.Errorf("event at position %d: %w", d.Position, ErrTenant)
		}
		if d.Position > math.MaxInt64 {
			return nil, fmt.Errorf("event at position %d: %w", d.Position, ErrPosition)
		}
		decoded = append(decoded, d)
	}
	return decoded, nil
}
