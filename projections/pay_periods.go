package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Which pay periods are closed, and what was paid for them?
func payPeriods() Projection {
	return Projection{
		Name: "pay_periods", Question: "Which pay periods are closed, and what was paid for them?", Version: 2,
		Tables: []string{"pay_period", "time_card"},
		Schema: `
CREATE TABLE pay_period (
	tenant_id uuid NOT NULL,
	period_id uuid NOT NULL,
	first_day text,
	last_day text,
	plan text,
	plan_version integer,
	paid_by json, -- the rules of each group
	cards integer,
	locked_at timestamptz,
	locked_by uuid,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, period_id)
);
CREATE TABLE time_card (
	tenant_id uuid NOT NULL,
	card_id uuid NOT NULL,
	period_id uuid,
	work_id uuid,
	first_day text,
	last_day text,
	paid json,
	jobs json,
	paid_by json,
	adjustments json,
	locked_at timestamptz,
	locked_by uuid,
	position bigint NOT NULL,
	PRIMARY KEY (tenant_id, card_id)
);`,
		Indexes: `
CREATE INDEX time_card_by_period ON time_card (period_id, work_id);`,
		Apply: applyPayPeriods, expire: expireWorks("time_card"),
	}
}

func applyPayPeriods(ctx context.Context, tx pgx.Tx, page Page) error {
	periods, cards := newSaid(), newSaid()
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.PeriodLocked:
			periods.add(d, "period_id", e.PeriodID, map[string]any{
				"first_day": storable(e.From), "last_day": storable(e.To), "plan": storable(e.Plan), "plan_version": e.PlanVersion,
				"paid_by": list(e.Paid), "cards": e.Cards, "locked_at": e.LockedAt, "locked_by": e.LockedBy,
			})
		case *eventschema.TimeCardLocked:
			cards.add(d, "card_id", e.CardID, map[string]any{
				"period_id": e.PeriodID, "work_id": e.WorkID, "first_day": storable(e.From), "last_day": storable(e.To), "paid": e.Time,
				"jobs": list(e.Jobs), "paid_by": e.By,
				"adjustments": list(e.Adjustments), "locked_at": e.LockedAt, "locked_by": e.LockedBy,
			})
		}
	}
	if err := periods.upsert(ctx, tx, "pay_period", "period_id", []string{
		"first_day", "last_day", "plan", "plan_version", "paid_by", "cards", "locked_at", "locked_by",
	}); err != nil {
		return fmt.Errorf("upsert pay periods: %w", err)
	}
	if err := cards.upsert(ctx, tx, "time_card", "card_id", []string{
		"period_id", "work_id", "first_day", "last_day", "paid", "jobs", "paid_by", "adjustments", "locked_at", "locked_by",
	}); err != nil {
		return fmt.Errorf("upsert time cards: %w", err)
	}
	return nil
}

// PayPeriod is one pay period that is closed.
type PayPeriod struct {
	PeriodID    uuid.UUID
	From, To    string // local days, both included
	Plan        string
	PlanVersion int
	Paid        []eventschema.PaidBy
	Cards       int
	LockedAt    time.Time
	LockedBy    uuid.UUID
}

// PayPeriods lists the periods that are closed, by their days.
func PayPeriods(ctx context.Context, q Querier, tenant uuid.UUID) ([]PayPeriod, error) {
	rows, err := q.Query(ctx, `
SELECT period_id, first_day, last_day, plan, plan_version, paid_by, cards, locked_at, locked_by
FROM pay_period WHERE tenant_id = $1 ORDER BY first_day, period_id`, tenant)
	if err != nil {
		return nil, fmt.Errorf("query pay periods: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p PayPeriod, err error) {
		err = row.Scan(&p.PeriodID, &p.From, &p.To, &p.Plan, &p.PlanVersion, &p.Paid, &p.Cards, &p.LockedAt, &p.LockedBy)
		p.LockedAt = p.LockedAt.UTC()
		return p, err
	})
}

// TimeCard is what one work record was paid for one period.
type TimeCard struct {
	CardID, PeriodID, WorkID uuid.UUID
	From, To                 string
	Time                     eventschema.PaidTime
	Jobs                     []eventschema.JobTime
	By                       *eventschema.PaidBy // nil: as the period says
	Adjustments              []eventschema.TimeAdjustment
	LockedAt                 time.Time
}

// TimeCards lists locked cards, by work id and days: of one period, or with the nil
// id of all; of the work records named, or of everybody.
func TimeCards(ctx context.Context, q Querier, tenant, period uuid.UUID, works ...uuid.UUID) ([]TimeCard, error) {
	var ids uuids
	if len(works) > 0 {
		ids = uuidsOf(works)
	}
	rows, err := q.Query(ctx, `
SELECT card_id, period_id, work_id, first_day, last_day, paid, jobs, paid_by, adjustments, locked_at
FROM time_card WHERE tenant_id = $1 AND ($2::uuid IS NULL OR period_id = $2) AND ($3::uuid[] IS NULL OR work_id = ANY($3))
ORDER BY work_id, first_day, card_id`, tenant, nonNil(period), ids)
	if err != nil {
		return nil, fmt.Errorf("query time cards: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c TimeCard, err error) {
		err = row.Scan(&c.CardID, &c.PeriodID, &c.WorkID, &c.From, &c.To, &c.Time, &c.Jobs, &c.By, &c.Adjustments, &c.LockedAt)
		c.LockedAt = c.LockedAt.UTC()
		return c, err
	})
}
