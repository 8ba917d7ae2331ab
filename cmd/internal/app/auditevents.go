package app

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// auditPage is how many entries of the feed are asked for at once.
const auditPage = 500

// readListings learns what may be gone. Of streams only their own listings are
// read.
func (x *auditExport) readListings(ctx context.Context) error {
	query := projections.AuditQuery{OldestFirst: true, Limit: auditPage, Categories: []string{eventschema.CategoryRemoval}}
	if x.selection.Scope == bundle.ScopeStreams {
		query.Streams = x.listingIDs()
	}
	return x.entries(ctx, query, func(leaf uint64, event *eventschema.Recorded, _ projections.AuditEntry) error {
		if event == nil {
			return nil // a listing that is gone explains nothing
		}
		listing, err := trail.ParseListing(ledger.EventOf(*event))
		if err != nil {
			return err
		}
		return x.claims.put(listing)
	})
}

// listingIDs are the ids of the streams that list removals of the selected ones.
func (x *auditExport) listingIDs() (ids []uuid.UUID) {
	for _, stream := range x.selection.Streams {
		ids = append(ids, eventschema.RemovalStream(x.app.tenant, stream).ID)
	}
	return ids
}

// entries goes through entries of the feed that have a leaf, with their events;
// an event is nil when the store no longer has it.
func (x *auditExport) entries(ctx context.Context, query projections.AuditQuery, take func(leaf uint64, event *eventschema.Recorded, entry projections.AuditEntry) error) error {
	for {
		page, err := projections.Audit(ctx, x.app.models.Querier(), x.app.tenant, query)
		if err != nil {
			return err
		}
		events, err := x.fetch(ctx, page)
		if err != nil {
			return err
		}
		for i, entry := range page {
			leaf, exact, err := x.log.Find(entry.Position)
			if err != nil {
				return err
			}
			if !exact { // later than the checkpoint
				return nil
			}
			if events[i] == nil {
				if events[i], err = x.readLeaf(ctx, leaf, entry.Position); err != nil {
					return err
				}
			}
			if err := take(leaf, events[i], entry); err != nil {
				return err
			}
			query.From = &page[i].Position
		}
		if len(page) < query.Limit {
			return nil
		}
	}
}

// fetch reads the events of a page of entries, stream by stream.
func (x *auditExport) fetch(ctx context.Context, page []projections.AuditEntry) ([]*eventschema.Recorded, error) {
	wanted := map[string]map[uint64]int{}
	for i, entry := range page {
		stream := entry.Stream.String()
		if wanted[stream] == nil {
			wanted[stream] = map[uint64]int{}
		}
		wanted[stream][entry.Revision] = i
	}
	events := make([]*eventschema.Recorded, len(page))
	for stream, revisions := range wanted {
		first, last := ^uint64(0), uint64(0)
		for revision := range revisions {
			first, last = min(first, revision), max(last, revision)
		}
		for recorded, err := range x.app.store.ReadStream(ctx, stream, first) {
			if err != nil {
				return nil, fmt.Errorf("export %s: %w", stream, err)
			}
			if i, asked := revisions[recorded.Revision]; asked {
				events[i] = &recorded
			}
			if recorded.Revision >= last {
				break
			}
		}
	}
	return events, nil
}

// readLeaf reads one event from the log, where also those stand that their stream
// hides; nil when it is gone.
func (x *auditExport) readLeaf(ctx context.Context, leaf, position uint64) (*eventschema.Recorded, error) {
	before, err := x.before(leaf)
	if err != nil {
		return nil, err
	}
	for recorded, err := range x.app.whole.ReadAll(ctx, before) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("export position %d: %w", position, err)
		case recorded.Position == position:
			return &recorded, nil
		case recorded.Position > position:
			return nil, nil
		}
	}
	return nil, nil
}

// before is the position of the leaf before, 0 for the first one.
func (x *auditExport) before(leaf uint64) (uint64, error) {
	if leaf == 0 {
		return 0, nil
	}
	return x.log.Position(leaf - 1)
}

// writeStreams writes the events of the selected streams, and the listings that
// explain what is gone.
func (x *auditExport) writeStreams(ctx context.Context) error {
	chosen := map[string]struct{}{}
	for _, stream := range x.selection.Streams {
		chosen[stream] = struct{}{}
	}
	ids := x.listingIDs()
	seen := map[uuid.UUID]struct{}{}
	for _, stream := range x.selection.Streams {
		name, err := eventschema.ParseStreamName(stream)
		if err != nil {
			return err
		}
		if _, known := seen[name.ID]; !known {
			seen[name.ID] = struct{}{}
			ids = append(ids, name.ID)
		}
	}
	query := projections.AuditQuery{OldestFirst: true, Limit: auditPage, Streams: ids}
	return x.entries(ctx, query, func(leaf uint64, event *eventschema.Recorded, entry projections.AuditEntry) error {
		if _, ours := chosen[entry.Stream.String()]; !ours && entry.Stream.Category != eventschema.CategoryRemoval {
			return nil
		}
		if written := x.done.Events + x.done.Gone; x.progress != nil && written%auditPage == 0 {
			x.progress(written, 0)
		}
		if err := x.writeLeaf(leaf, entry.Position, event); err != nil || event == nil {
			return err
		}
		return x.openValues(ctx, leaf, *event)
	})
}

// writeLeaf writes what there is of one leaf.
func (x *auditExport) writeLeaf(leaf, position uint64, event *eventschema.Recorded) error {
	hash, err := x.log.Leaf(leaf)
	if err != nil {
		return err
	}
	if event != nil {
		x.done.Events++
		return x.writer.Event(leaf, hash, ledger.EventOf(*event))
	}
	removed, err := x.claims.of(leaf)
	if err != nil {
		return err
	}
	x.done.Gone++
	return x.writer.Gone(leaf, hash, position, removed)
}

// writeRun writes every leaf of a range, and behind it the listings that explain
// what is gone from it.
func (x *auditExport) writeRun(ctx context.Context) error {
	next, end := x.selection.First, x.selection.End
	before, err := x.before(next)
	if err != nil {
		return err
	}
	for recorded, err := range x.app.whole.ReadAll(ctx, before) {
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		if next, err = x.writeUpTo(next, end, recorded); err != nil {
			return err
		}
		if next == end {
			break
		}
	}
	for ; next < end; next++ {
		position, err := x.log.Position(next)
		if err != nil {
			return err
		}
		if err := x.writeLeaf(next, position, nil); err != nil {
			return err
		}
	}
	return x.writeListingsBehind(ctx, end)
}

// writeUpTo writes the leaves up to that of an event, and answers the next leaf.
func (x *auditExport) writeUpTo(next, end uint64, recorded eventschema.Recorded) (uint64, error) {
	for ; next < end; next++ {
		if x.progress != nil && next%1024 == 0 {
			x.progress(next-x.selection.First, end-x.selection.First)
		}
		position, err := x.log.Position(next)
		switch {
		case err != nil:
			return next, err
		case position < recorded.Position:
			err = x.writeLeaf(next, position, nil)
		case position == recorded.Position:
			return next + 1, x.writeLeaf(next, position, &recorded)
		case ledger.Counts(recorded):
			x.done.Unrecorded++
			return next, x.writer.Unrecorded(ledger.EventOf(recorded))
		default:
			return next, nil
		}
		if err != nil {
			return next, err
		}
	}
	return next, nil
}

// writeListingsBehind writes the listings after a range that name one of its
// leaves.
func (x *auditExport) writeListingsBehind(ctx context.Context, end uint64) error {
	if !x.claims.any || end == x.log.Checkpoint().Size || end == 0 {
		return nil
	}
	last, err := x.log.Position(end - 1)
	if err != nil {
		return err
	}
	query := projections.AuditQuery{OldestFirst: true, Limit: auditPage, Categories: []string{eventschema.CategoryRemoval}, From: &last}
	return x.entries(ctx, query, func(leaf uint64, event *eventschema.Recorded, entry projections.AuditEntry) error {
		if event == nil {
			return nil
		}
		listing, err := trail.ParseListing(ledger.EventOf(*event))
		if err != nil {
			return err
		}
		i := sort.Search(len(listing.Leaves), func(i int) bool { return listing.Leaves[i] >= x.selection.First })
		if i == len(listing.Leaves) || listing.Leaves[i] >= end {
			return nil
		}
		return x.writeLeaf(leaf, entry.Position, event)
	})
}

// leavesBetween finds the leaves from one bound to another, both included.
func (a *App) leavesBetween(ctx context.Context, log *ledger.Snapshot, from, to string) (first, end uint64, err error) {
	end = log.Checkpoint().Size
	if from != "" {
		if first, err = a.leafAt(ctx, log, from, false); err != nil {
			return 0, 0, fmt.Errorf("from: %w", err)
		}
	}
	if to != "" {
		if end, err = a.leafAt(ctx, log, to, true); err != nil {
			return 0, 0, fmt.Errorf("to: %w", err)
		}
	}
	if first >= end {
		return 0, 0, fmt.Errorf("from %q to %q: %w", from, to, errNothingToExport)
	}
	return first, end, nil
}

// leafAt finds the first leaf at a bound, or with after the first one behind it.
func (a *App) leafAt(ctx context.Context, log *ledger.Snapshot, bound string, after bool) (uint64, error) {
	if position, err := strconv.ParseUint(bound, 10, 63); err == nil {
		if after {
			position++
		}
		leaf, _, err := log.Find(position)
		return leaf, err
	}
	instant, err := time.Parse(time.RFC3339, bound)
	if err != nil {
		if instant, err = time.Parse(time.DateOnly, bound); err != nil {
			return 0, fmt.Errorf("%q is no position, no date like 2026-03-31 and no instant like 2026-03-31T12:00:00Z", bound)
		}
		if after {
			instant = instant.AddDate(0, 0, 1).Add(-1)
		}
	}
	return a.leafAtTime(ctx, log, instant, after)
}

// leafAtTime finds a leaf by when its event was stored. Where a clock went back
// the log is not in the order of time; then it is one of the places that fit.
func (a *App) leafAtTime(ctx context.Context, log *ledger.Snapshot, instant time.Time, after bool) (uint64, error) {
	var failure error
	found := sort.Search(int(log.Checkpoint().Size), func(i int) bool { //nolint:gosec // a log has fewer leaves
		if failure != nil {
			return true
		}
		recorded, err := a.storedFrom(ctx, log, uint64(i)) //nolint:gosec // i is not negative
		if err != nil {
			failure = err
			return true
		}
		return recorded.After(instant) || !after && recorded.Equal(instant)
	})
	return uint64(found), failure //nolint:gosec // found is not negative
}

// storedFrom is when the event of a leaf was stored, or the next one that is
// still there.
func (a *App) storedFrom(ctx context.Context, log *ledger.Snapshot, leaf uint64) (time.Time, error) {
	x := &auditExport{app: a, log: log}
	before, err := x.before(leaf)
	if err != nil {
		return time.Time{}, err
	}
	for recorded, err := range a.whole.ReadAll(ctx, before) {
		if err != nil {
			return time.Time{}, err
		}
		return recorded.Created, nil
	}
	return a.clock(), nil
}
