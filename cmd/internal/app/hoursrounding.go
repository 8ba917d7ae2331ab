package app

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/payrules"
)

// RoundingDrift is what rounding did to the hours of one work record in a quarter.
type RoundingDrift struct {
	WorkID uuid.UUID
	Name   httpapi.Personal
	payrules.Drift
}

// RoundingDrifts adds up, for each work record and quarter of the days, what the
// rounding of its rules did. Whose rules do not round is left out. Errors: as
// [World.OwedHours].
func (w *World) RoundingDrifts(ctx context.Context, by httpapi.Principal, o HoursOrder) ([]RoundingDrift, error) {
	o.Plan = withoutWages(o.Plan)
	groups, err := o.groups(w.now())
	if err != nil {
		return nil, err
	}
	owed, err := w.owed(ctx, groups, o.Period, o.Works)
	if err == nil {
		err = grouped(owed)
	}
	if err != nil {
		return nil, err
	}
	all, err := w.withNames(ctx, by, owed)
	if err != nil {
		return nil, err
	}
	var drifts []RoundingDrift
	for _, one := range all {
		var of []RoundingDrift
		for _, d := range one.Result.Drifts { // one for each part of the group
			i := slices.IndexFunc(of, func(known RoundingDrift) bool { return known.Quarter == d.Quarter })
			if i < 0 {
				of = append(of, RoundingDrift{WorkID: one.WorkID, Name: one.Name, Drift: d})
				continue
			}
			of[i].Actual, of[i].Rounded = of[i].Actual+d.Actual, of[i].Rounded+d.Rounded
		}
		slices.SortFunc(of, func(a, b RoundingDrift) int { return strings.Compare(a.Quarter, b.Quarter) })
		drifts = append(drifts, of...)
	}
	return drifts, nil
}
