package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.uber.org/zap"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// Append adds a page of events and returns when they are durably in the trail
// under a new signed checkpoint. Events of the store's own streams get no leaf,
// see [Counts]. Positions must strictly increase ([ErrOutOfOrder]). Events the
// trail already has are skipped when they are the same without gaps, otherwise
// the answer is [ErrFork] and nothing is written: so a page may be repeated after
// an unknown outcome. ctx is looked at before each checkpoint, of which a page of
// up to 8,192 events needs one. After a failed write every call answers
// [ErrFailed] until the ledger is opened anew.
func (l *Ledger) Append(ctx context.Context, page []eventschema.Recorded) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.usable(); err != nil {
		return err
	}
	for i := 1; i < len(page); i++ {
		if page[i].Position <= page[i-1].Position {
			return fmt.Errorf("position %d after %d: %w", page[i].Position, page[i-1].Position, ErrOutOfOrder)
		}
	}
	fresh, err := l.skipKnown(counted(page))
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(fresh, maxChunk) {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("append to the trail: %w", err)
		}
		if err := l.commitChunk(chunk); err != nil {
			l.failed = err
			return fmt.Errorf("append to the trail: %w", err)
		}
	}
	return nil
}

// Counts says whether an event has a leaf; see [trail.Counts].
func Counts(event eventschema.Recorded) bool { return trail.Counts(event.Stream) }

// counted leaves out what has no leaf.
func counted(page []eventschema.Recorded) []eventschema.Recorded {
	others := func(event eventschema.Recorded) bool { return !Counts(event) }
	if !slices.ContainsFunc(page, others) {
		return page
	}
	return slices.DeleteFunc(slices.Clone(page), others)
}

// Confirm compares the trail with the event store before the follower
// continues. next begins with the first event that counts which the store answers
// when it is read from [Ledger.LastPosition] on, that position included. A store
// that is shorter than the trail, or holds another event there, is [ErrFork]. It
// writes nothing.
func (l *Ledger) Confirm(ctx context.Context, next []eventschema.Recorded) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("confirm the trail: %w", err)
	}
	last, some := l.LastPosition()
	if !some {
		return nil
	}
	if len(next) == 0 || next[0].Position != last {
		return fmt.Errorf("event store has no event at position %d where the trail ends: %w", last, ErrFork)
	}
	_, err := l.skipKnown(next[:1])
	return err
}

// skipKnown answers the part of a page that lies beyond the trail, after
// comparing the rest leaf by leaf.
func (l *Ledger) skipKnown(page []eventschema.Recorded) ([]eventschema.Recorded, error) {
	at := l.current.Load()
	last, size := at.checkpoint.Position, at.checkpoint.Size
	if size == 0 || len(page) == 0 || page[0].Position > last {
		return page, nil
	}
	index, exact, err := positions{file: l.positions}.search(size, page[0].Position)
	if err != nil {
		return nil, err
	}
	if !exact {
		return nil, fmt.Errorf("position %d is not in the trail: %w", page[0].Position, ErrFork)
	}
	var known []Hash
	for i, event := range page {
		if index == size {
			return page[i:], nil
		}
		if i == 0 || index%tileWidth == 0 {
			if known, err = at.tree.tile(0, index/tileWidth); err != nil {
				return nil, err
			}
		}
		if _, same := trail.Recognise(EventOf(event), known[index%tileWidth]); !same {
			return nil, fmt.Errorf("event at position %d is not the one in the trail: %w", event.Position, ErrFork)
		}
		index++
	}
	return nil, nil
}

// commitChunk makes the leaves of one checkpoint's worth of events and writes them.
func (l *Ledger) commitChunk(events []eventschema.Recorded) error {
	leaves := make([]leaf, len(events))
	unsalted := 0
	for i, event := range events {
		made := trail.Commit(EventOf(event))
		leaves[i] = leaf{position: event.Position, hash: made.LeafAt(event.Position)}
		if !made.Salted() && !strings.HasPrefix(event.Type, "$") {
			unsalted++
		}
	}
	if unsalted > 0 {
		l.log.Warn("events without a salt in the trail", zap.Int("events", unsalted), zap.Uint64("up_to", leaves[len(leaves)-1].position))
	}
	return l.commitLeaves(leaves)
}

// commitLeaves adds leaves under one checkpoint. The order is what makes a crash
// harmless: journal on disk, tiles and positions visible, checkpoint on disk.
func (l *Ledger) commitLeaves(leaves []leaf) error {
	from := *l.current.Load()
	step, err := grow(from, leaves)
	if err != nil {
		return err
	}
	if err := l.journal.append(leaves); err != nil {
		return err
	}
	l.passes("journal written")
	if err := l.writeTiles(step); err != nil {
		return err
	}
	if _, err := l.positions.WriteAt(encodePositions(leaves), int64(from.checkpoint.Size)*positionBytes); err != nil {
		return fmt.Errorf("write positions: %w", err)
	}
	l.passes("positions written")
	if err := l.publish(step.next); err != nil {
		return err
	}
	l.replacePartials(step.next.tree)
	l.passes("partial tiles replaced")
	if l.journal.held >= l.limit {
		return l.flush()
	}
	return nil
}

// replacePartials discards the partial tiles of the head before, except those
// the base of the journal stands on.
func (l *Ledger) replacePartials(t *tree) {
	now := partials(t)
	for level, path := range l.live {
		if now[level] != path && l.synced[level] != path {
			l.discard(path)
		}
	}
	l.live = now
}
