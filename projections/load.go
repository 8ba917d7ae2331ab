package projections

import (
	"context"

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
	// disturbed is where hours came out otherwise than it seemed page by page.
	disturbed disturbances
}

// NewLoad begins a load.
func NewLoad() *Load { return &Load{disturbed: disturbances{}} }

// Loader makes the loader of a projection. Loaders are made, and settled, in the
// order of [All].
func (l *Load) Loader(p Projection) Loader {
	if p.newLoader != nil {
		return p.newLoader(l, p)
	}
	return plainLoader{p}
}

// Lanes parts projections so that those of different lanes share no table and
// may be loaded at the same time, about as many rows either way.
func Lanes(all []Projection) [][]Projection {
	var paired, others []Projection
	for _, p := range all {
		if p.newLoader != nil { // hours are settled from punches
			paired = append(paired, p)
			continue
		}
		others = append(others, p)
	}
	return [][]Projection{paired, others}
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
