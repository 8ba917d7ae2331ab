package projections

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
)

// Who visited which centre, when, for which subject, for how long?
//
// Visits are few beside work and are asked for by days, so they are paired when
// somebody asks, from the punches themselves: they have no table of their own.

// VisitsAsked says which visits are asked for.
type VisitsAsked struct {
	From, To string      // 2006-01-02, local dates of the visits at their sites, both included
	Site     string      // empty: every centre
	Works    []uuid.UUID // none: everybody
}

// Visit is one visit of somebody.
type Visit struct {
	WorkID uuid.UUID
	hours.Visit
}

// around is how far beside the days asked for punches are read: an offset moves a
// date by less than a day, and a visit is shorter than one.
const around = 2

// Visits lists visits by work id and time, as of now.
func Visits(ctx context.Context, q Querier, tenant uuid.UUID, asked VisitsAsked, now time.Time) ([]Visit, error) {
	var works uuids
	if len(asked.Works) > 0 {
		works = uuidsOf(asked.Works)
	}
	rows, err := q.Query(ctx, `
SELECT work_id, punch_id, occurred_at, offset_seconds, direction, COALESCE(site, ''), COALESCE(reason, '')
FROM punch WHERE tenant_id = $1 AND kind = 'visit' AND NOT voided AND occurred_at >= $2::date - $4::integer AND occurred_at < $3::date + 1 + $4::integer
	AND ($5::uuid[] IS NULL OR work_id = ANY($5))
ORDER BY work_id, occurred_at, position`, tenant, asked.From, asked.To, around, works)
	if err != nil {
		return nil, fmt.Errorf("query visits: %w", err)
	}
	byWork, order := map[uuid.UUID][]hours.VisitPunch{}, []uuid.UUID(nil)
	var work uuid.UUID
	var p hours.VisitPunch
	_, err = pgx.ForEachRow(rows, []any{&work, &p.ID, &p.OccurredAt, &p.OffsetSeconds, &p.Direction, &p.Site, &p.Reason}, func() error {
		if byWork[work] == nil {
			order = append(order, work)
		}
		p.OccurredAt, p.Kind = p.OccurredAt.UTC(), eventschema.KindVisit
		byWork[work] = append(byWork[work], p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read visits: %w", err)
	}
	var visits []Visit
	for _, work := range order {
		for _, v := range hours.DefaultPairing().Visits(byWork[work], now) {
			if v.Date >= asked.From && v.Date <= asked.To && (asked.Site == "" || v.Site == asked.Site) {
				visits = append(visits, Visit{WorkID: work, Visit: v})
			}
		}
	}
	return visits, nil
}

// VisitCount counts visits of one day to one centre for one subject. It names nobody.
type VisitCount struct {
	Date, Site, Reason string
	Visits, Visitors   int
	Seconds            int64 // of those that ended
}

// CountVisits counts visits by day, centre and subject, in this order. One of which
// only the leaving is known counts too.
func CountVisits(visits []Visit) []VisitCount {
	type key struct{ date, site, reason string }
	counts, seen := map[key]*VisitCount{}, map[key]map[uuid.UUID]bool{}
	var sorted []*VisitCount
	for _, v := range visits {
		k := key{v.Date, v.Site, v.Reason}
		if counts[k] == nil {
			counts[k], seen[k] = &VisitCount{Date: v.Date, Site: v.Site, Reason: v.Reason}, map[uuid.UUID]bool{}
			sorted = append(sorted, counts[k])
		}
		seen[k][v.WorkID] = true
		counts[k].Visits++
		counts[k].Visitors = len(seen[k])
		counts[k].Seconds += v.Seconds()
	}
	slices.SortFunc(sorted, func(a, b *VisitCount) int {
		return cmp.Or(cmp.Compare(a.Date, b.Date), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Reason, b.Reason))
	})
	out := make([]VisitCount, len(sorted))
	for i, c := range sorted {
		out[i] = *c
	}
	return out
}
