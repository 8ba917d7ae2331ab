package projections

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Loader fills the empty tables of one projection from the whole log. It serves
// one load, and what it remembers between two pages grows with the work records
// and not with the events.
type Loader interface {
	// Add adds a page, in the order of the log.
	Add(ctx context.Context, tx pgx.Tx, page Page) error
	// Settle makes the keys and completes the tables when all pages are in. They
	// then hold what Apply would have given.
	Settle(ctx context.Context, tx pgx.Tx) error
}

// Load is one load of the read models. What its loaders tell each other stands
// here, so that two loads share nothing.
type Load struct {
	asOf time.Time // where set, punches that count later are left out
	// dropped is where punches were that count for nothing after all: told by
	// punches, left out by hours.
	dropped   disturbances
	committed map[string]chan struct{}
}

// NewLoad begins a load of projections with what was the case at an instant, or
// at any with the zero time. The pages hold what [Moment.Held] says.
func NewLoad(of []Projection, asOf time.Time) *Load {
	l := &Load{asOf: stored(asOf), dropped: disturbances{}, committed: map[string]chan struct{}{}}
	for _, p := range of {
		l.committed[p.Name] = make(chan struct{})
	}
	return l
}

// Loader makes the loader of a projection.
func (l *Load) Loader(p Projection) Loader {
	if p.newLoader != nil {
		return p.newLoader(l, p)
	}
	return plainLoader{p}
}

// later says whether a punch comes after the world that is loaded.
func (l *Load) later(at time.Time) bool { return !l.asOf.IsZero() && at.After(l.asOf) }

// Committed says that the tables of a projection are settled and committed.
func (l *Load) Committed(p Projection) { close(l.committed[p.Name]) }

// await returns when the tables of another projection can be read. One that is
// not part of the load is not waited for.
func (l *Load) await(ctx context.Context, name string) error {
	settled := l.committed[name]
	if settled == nil {
		return nil
	}
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Lanes parts projections so that those of different lanes are filled at the
// same time, by a transaction each, with about as much work. A lane may wait for
// what another one commits, so no lane may wait for the end of one behind it.
func Lanes(all []Projection) [][]Projection {
	own := map[string]int{"punches": 0, "hours": 1}
	lanes := make([][]Projection, 3)
	for _, p := range all {
		lane, ok := own[p.Name]
		if !ok {
			lane = 2
		}
		lanes[lane] = append(lanes[lane], p)
	}
	return lanes
}

// plainLoader adds a page to empty tables as it does to full ones.
type plainLoader struct{ of Projection }

func (l plainLoader) Add(ctx context.Context, tx pgx.Tx, page Page) error {
	return l.of.Apply(ctx, tx, page)
}

func (l plainLoader) Settle(ctx context.Context, tx pgx.Tx) error {
	return script(ctx, tx, l.of.Keys)
}

// script runs statements that take no arguments, in one round trip.
func script(ctx context.Context, tx pgx.Tx, statements string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, statements).ReadAll()
	return err
}
