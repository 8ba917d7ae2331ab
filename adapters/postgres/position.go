package postgres

import (
	"context"
	"fmt"
	"time"
)

// Position is the position up to which every read model has been applied. It
// answers false when there is none and the log must be read from its beginning.
// Read models that need a rebuild do not count.
func (r *ReadModels) Position(ctx context.Context) (uint64, bool, error) {
	at, err := r.lowest(ctx)
	return uint64(max(at, 0)), err == nil && at != never, err
}

// Resume is [ReadModels.Position] for the one caller of Apply: a promise to
// subscribe anew behind the position it answers. It is needed after
// [ErrMovedBack], because only then may pages come from further back.
func (r *ReadModels) Resume(ctx context.Context) (uint64, bool, error) {
	at, err := r.lowest(ctx)
	if err != nil {
		return 0, false, err
	}
	r.mu.Lock()
	r.reached = at
	r.mu.Unlock()
	return uint64(max(at, 0)), at != never, nil
}

func (r *ReadModels) lowest(ctx context.Context) (int64, error) {
	active := r.active()
	names := make([]string, len(active))
	for i, p := range active {
		names[i] = p.Name
	}
	var at int64
	if err := r.pool.QueryRow(ctx, `SELECT COALESCE(min(position), $2) FROM checkpoint WHERE projection = ANY($1)`, names, never).Scan(&at); err != nil {
		return 0, fmt.Errorf("read checkpoints: %w", err)
	}
	return at, nil
}

// moved wakes who waits after a commit.
func (r *ReadModels) moved(last int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reached = max(r.reached, last)
	close(r.changed)
	r.changed = make(chan struct{})
}

// lookAgain is how often WaitFor asks the database for what another process
// has applied.
const lookAgain = 25 * time.Millisecond

// WaitFor returns when every read model shows the event at position, so that a
// reader sees what was written before. It asks the database and not a memory of
// it, since a rebuild may have moved the read models back. The limit is the
// caller's ctx, whose error it returns.
func (r *ReadModels) WaitFor(ctx context.Context, position uint64) error {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		at, err := r.lowest(ctx)
		if err != nil {
			return fmt.Errorf("wait for position %d: %w", position, err)
		}
		if at >= 0 && uint64(at) >= position {
			return nil
		}
		timer.Reset(lookAgain)
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for position %d: %w", position, ctx.Err())
		case <-changed:
		case <-timer.C:
		}
	}
}
