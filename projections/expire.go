package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// expired is what came of age in some pages: whole work records, and streams.
type expired struct {
	tenants, works      uuids // whole records
	of, ids             uuids // streams: their tenants and the ids in their names
	categories, periods []string
}

func (e *expired) learn(page Page) error {
	for i := range page.Events {
		d := &page.Events[i]
		said, ok := d.Event.(*eventschema.RecordsExpired)
		if !ok {
			continue
		}
		if said.Whole {
			e.tenants.add(d.Meta.Tenant)
			e.works.add(said.RecordID)
		}
		for _, stream := range said.Streams {
			name, err := eventschema.ParseStreamName(stream.Stream)
			if err != nil {
				return fmt.Errorf("expired stream at position %d: %w", d.Position, err)
			}
			e.of.add(d.Meta.Tenant)
			e.ids.add(name.ID)
			e.categories, e.periods = append(e.categories, name.Category), append(e.periods, name.Period)
		}
	}
	return nil
}

func (e *expired) any() bool { return len(e.tenants)+len(e.of) > 0 }

// forgetting makes a projection forget what has come of age. Its tables then hold
// the same whether the events are still in the log or a scavenge has taken them.
// Nothing is ever said again of what has expired: its streams have ended.
func (p Projection) forgetting() Projection {
	if p.expire == nil {
		return p
	}
	apply, load, expire := p.Apply, p.newLoader, p.expire
	if load == nil {
		load = func(_ *Load, p Projection) Loader { return plainLoader{p} }
	}
	plain := p
	p.Apply = func(ctx context.Context, tx pgx.Tx, page Page) error {
		if err := apply(ctx, tx, page); err != nil {
			return err
		}
		return new(expired).forget(ctx, tx, page, expire)
	}
	p.newLoader = func(l *Load, _ Projection) Loader {
		return &forgettingLoader{Loader: load(l, plain), expire: expire}
	}
	return p
}

func (e *expired) forget(ctx context.Context, tx pgx.Tx, page Page, expire func(context.Context, pgx.Tx, *expired) error) error {
	if err := e.learn(page); err != nil || !e.any() {
		return err
	}
	if err := expire(ctx, tx, e); err != nil {
		return fmt.Errorf("forget what has expired: %w", err)
	}
	return nil
}

// forgettingLoader forgets at the end of a load.
type forgettingLoader struct {
	Loader
	expired expired
	expire  func(context.Context, pgx.Tx, *expired) error
}

// Add implements [Loader].
func (l *forgettingLoader) Add(ctx context.Context, tx pgx.Tx, page Page) error {
	if err := l.expired.learn(page); err != nil {
		return err
	}
	return l.Loader.Add(ctx, tx, page)
}

// Settle implements [Loader].
func (l *forgettingLoader) Settle(ctx context.Context, tx pgx.Tx) error {
	if err := l.Loader.Settle(ctx, tx); err != nil {
		return err
	}
	return l.expired.forget(ctx, tx, Page{}, l.expire)
}

// expireWorks deletes the rows of whole work records from tables.
func expireWorks(tables ...string) func(context.Context, pgx.Tx, *expired) error {
	return func(ctx context.Context, tx pgx.Tx, e *expired) error {
		for _, table := range tables {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` t USING unnest($1::uuid[], $2::uuid[]) AS gone (tenant_id, work_id)
WHERE t.tenant_id = gone.tenant_id AND t.work_id = gone.work_id`, e.tenants, e.works); err != nil {
				return err
			}
		}
		return nil
	}
}

// expireNamed deletes the rows of streams of a category from a table whose column
// holds the id in their name.
func expireNamed(table, column, category string) func(context.Context, pgx.Tx, *expired) error {
	return func(ctx context.Context, tx pgx.Tx, e *expired) error {
		_, err := tx.Exec(ctx, `DELETE FROM `+table+` t USING unnest($1::uuid[], $2::uuid[], $3::text[]) AS gone (tenant_id, id, category)
WHERE t.tenant_id = gone.tenant_id AND t.`+column+` = gone.id AND gone.category = $4`, e.of, e.ids, e.categories, category)
		return err
	}
}

// expireStreams deletes the rows of streams from a table that names them.
func expireStreams(table string) func(context.Context, pgx.Tx, *expired) error {
	return func(ctx context.Context, tx pgx.Tx, e *expired) error {
		_, err := tx.Exec(ctx, `DELETE FROM `+table+` t USING unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS gone (tenant_id, stream_id, category, period)
WHERE t.tenant_id = gone.tenant_id AND t.stream_id = gone.stream_id AND t.category = gone.category AND t.period = gone.period`,
			e.of, e.ids, e.categories, e.periods)
		return err
	}
}
