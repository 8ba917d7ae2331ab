package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// touched is a span of time in which punches of one work id changed, and the
// punches found around it.
type touched struct {
	workKey
	lo, hi  time.Time // both included
	reach   int32     // how many punches to read on either side, at least
	punches []hours.Punch
	window  hours.Window
	last    *lastPunch // known when the window has no end; nil when no punch is left
	settled bool
}

// complete says on which sides the punches read go to the end of the history.
func (t *touched) complete() [2]bool {
	var before, after int32
	for i := range t.punches {
		switch at := t.punches[i].OccurredAt; {
		case at.Before(t.lo):
			before++
		case at.After(t.hi):
			after++
		}
	}
	return [2]bool{before < t.reach, after < t.reach}
}

const (
	// firstReach is enough where people press in and out in turn.
	firstReach = 4
	// apart is how far two changes of one work id must lie from each other to be
	// read separately: a correction of an old punch must not read the years between.
	apart = 7 * 24 * time.Hour
)

// disturbances are the stretches of time in which punches of a work id changed.
type disturbances map[workKey][]stretch

// stretch is a span of time, both ends included.
type stretch struct{ lo, hi time.Time }

// manyStretches bounds what is kept of one work id. Beyond it, and where there
// really are as many, all becomes one: more is then paired again, and alike.
const manyStretches = 64

// add notes that something changed.
func (d disturbances) add(key workKey, changed stretch) {
	of := d[key]
	if n := len(of); n > 0 && of[n-1].near(changed) {
		of[n-1] = of[n-1].and(changed)
		return
	}
	if of = append(of, changed); len(of) > manyStretches {
		if of = together(of); len(of) > manyStretches/2 {
			of = []stretch{of[0].and(of[len(of)-1])}
		}
	}
	d[key] = of
}

// at is the stretch of one instant.
func at(instant time.Time) stretch { return stretch{instant, instant} }

func (s stretch) near(other stretch) bool {
	return !other.lo.After(s.hi.Add(apart)) && !other.hi.Before(s.lo.Add(-apart))
}

func (s stretch) and(other stretch) stretch {
	if other.lo.Before(s.lo) {
		s.lo = other.lo
	}
	if other.hi.After(s.hi) {
		s.hi = other.hi
	}
	return s
}

// together joins the stretches that lie close to each other, in order of time.
func together(all []stretch) []stretch {
	slices.SortFunc(all, func(a, b stretch) int { return a.lo.Compare(b.lo) })
	joined := all[:1]
	for _, s := range all[1:] {
		if last := &joined[len(joined)-1]; last.near(s) {
			*last = last.and(s)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// addFormerInstants adds every instant at which corrected punches ever counted.
// which selects them: tenant_id and punch_id, a punch more than once if need be.
func addFormerInstants(ctx context.Context, tx pgx.Tx, into disturbances, which string, args ...any) error {
	rows, err := tx.Query(ctx, `
WITH n AS (SELECT DISTINCT * FROM (`+which+`) AS n (tenant_id, punch_id))
SELECT p.tenant_id, p.work_id, COALESCE(p.recorded_occurred_at, p.occurred_at)
FROM n JOIN punch p ON p.tenant_id = n.tenant_id AND p.punch_id = n.punch_id
UNION ALL
SELECT p.tenant_id, p.work_id, c.occurred_at
FROM n JOIN punch p ON p.tenant_id = n.tenant_id AND p.punch_id = n.punch_id
JOIN punch_correction c ON c.tenant_id = n.tenant_id AND c.punch_id = n.punch_id AND NOT c.void`, args...)
	if err != nil {
		return err
	}
	var tenant, work [16]byte
	var counted time.Time
	_, err = pgx.ForEachRow(rows, []any{&tenant, &work, &counted}, func() error {
		into.add(workKey{tenant, work}, at(counted.UTC()))
		return nil
	})
	return err
}

// spansOf lists the changes by work id and time.
func spansOf(changed disturbances) []*touched {
	spans := make([]*touched, 0, len(changed))
	for key, all := range changed {
		for _, s := range together(all) {
			spans = append(spans, &touched{workKey: key, lo: s.lo, hi: s.hi, reach: firstReach})
		}
	}
	slices.SortFunc(spans, (*touched).compare)
	return spans
}

func (t *touched) compare(other *touched) int {
	if c := slices.Compare(t.tenant[:], other.tenant[:]); c != 0 {
		return c
	}
	if c := slices.Compare(t.work[:], other.work[:]); c != 0 {
		return c
	}
	return t.lo.Compare(other.lo)
}

// windows reads around every span until it has edges beyond which nothing can
// have changed. Spans whose windows meet are joined, because an edge proves
// nothing when the punches beyond it changed as well.
func windows(ctx context.Context, tx pgx.Tx, rule hours.PairingRule, spans []*touched) ([]*touched, error) {
	for {
		var open []*touched
		for _, s := range spans {
			if !s.settled {
				open = append(open, s)
			}
		}
		if len(open) == 0 {
			joined := join(spans)
			if len(joined) == len(spans) {
				return spans, nil
			}
			spans = joined
			continue
		}
		if err := readAround(ctx, tx, open); err != nil {
			return nil, fmt.Errorf("read around changed punches: %w", err)
		}
		for _, s := range open {
			if s.settled = s.settle(rule); !s.settled {
				s.reach *= 4
			}
		}
	}
}

// settle finds the window and, where the window has no end, the last counted
// punch. It answers false when the punches read do not tell.
func (t *touched) settle(rule hours.PairingRule) bool {
	complete := t.complete()
	window, ok := rule.Window(t.punches, t.lo, t.hi, complete)
	if !ok || !window.To.IsZero() {
		t.window = window
		return ok
	}
	last, found, known := rule.LastCounted(t.punches, complete[0])
	if found {
		t.last = &lastPunch{counted: last, latest: t.punches[len(t.punches)-1].OccurredAt}
	}
	t.window = window
	return known
}

// join expects spans in order of work id and time.
func join(spans []*touched) []*touched {
	joined := spans[:0:0]
	for _, s := range spans {
		if n := len(joined); n > 0 && joined[n-1].workKey == s.workKey && joined[n-1].meets(s) {
			joined[n-1] = &touched{workKey: s.workKey, lo: joined[n-1].lo, hi: s.hi, reach: max(joined[n-1].reach, s.reach)}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// meets says whether the window of t reaches the changes of the later span or
// the other way round.
func (t *touched) meets(later *touched) bool {
	if !t.settled || !later.settled {
		return true
	}
	return t.window.To.IsZero() || !t.window.To.Before(later.lo) || later.window.From.IsZero() || !later.window.From.After(t.hi)
}

// ofWork chooses the punches that hours are made of.
const ofWork = `NOT voided AND kind <> '` + string(eventschema.KindVisit) + `'`

// readAround fills the punches that count inside every span and the nearest on
// either side of it. It reads an instant whole, since what a punch of it counts for
// depends on the others.
func readAround(ctx context.Context, tx pgx.Tx, spans []*touched) error {
	var tenants, works uuids
	los, his := make([]time.Time, 0, len(spans)), make([]time.Time, 0, len(spans))
	reaches := make([]int32, 0, len(spans))
	for _, s := range spans {
		tenants.add(s.tenant)
		works.add(s.work)
		los, his, reaches = append(los, s.lo), append(his, s.hi), append(reaches, s.reach)
		s.punches = s.punches[:0]
	}
	rows, err := tx.Query(ctx, `
SELECT s.i, p.punch_id, p.occurred_at, p.offset_seconds, p.direction, p.kind, COALESCE(p.job, '')
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::integer[])
	WITH ORDINALITY AS s (tenant_id, work_id, lo, hi, reach, i)
CROSS JOIN LATERAL (
	(SELECT * FROM punch WHERE tenant_id = s.tenant_id AND work_id = s.work_id AND occurred_at < s.lo AND `+ofWork+`
		ORDER BY occurred_at DESC FETCH FIRST (s.reach) ROWS WITH TIES)
	UNION ALL
	(SELECT * FROM punch WHERE tenant_id = s.tenant_id AND work_id = s.work_id AND occurred_at >= s.lo AND occurred_at <= s.hi AND `+ofWork+`)
	UNION ALL
	(SELECT * FROM punch WHERE tenant_id = s.tenant_id AND work_id = s.work_id AND occurred_at > s.hi AND `+ofWork+`
		ORDER BY occurred_at FETCH FIRST (s.reach) ROWS WITH TIES)) p`, tenants, works, los, his, reaches)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i int64
		punch, err := scanHoursPunch(rows, &i)
		if err != nil {
			return err
		}
		spans[i-1].punches = append(spans[i-1].punches, punch)
	}
	return rows.Err()
}

// scanHoursPunch reads what pairing needs, behind the columns in before.
func scanHoursPunch(rows pgx.Rows, before ...any) (hours.Punch, error) {
	var p hours.Punch
	var id [16]byte
	var direction, kind string
	err := rows.Scan(append(before, &id, &p.OccurredAt, &p.OffsetSeconds, &direction, &kind, &p.Job)...)
	p.ID, p.OccurredAt = id, p.OccurredAt.UTC()
	p.Direction, p.Kind = eventschema.Direction(direction), eventschema.PunchKind(kind)
	return p, err
}
