package assignment

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Candidate is what is known of somebody who could work a shift.
type Candidate struct {
	WorkID         uuid.UUID
	Qualifications []string // codes
	// Seniority is the place in the seniority list, 1 for the longest service, 0 for
	// nobody on it. It is a number and not the date of hiring, which would point to a
	// person for as long as the log lives.
	Seniority   int
	Commitments []Commitment // shifts of every employer that lie near this one, without this one
	Assigned    Share        // in the span that fairness looks at
	LastStart   time.Time    // of the latest shift assigned; zero for none
	Points      int          // bid
	BidAt       time.Time
}

// Share is how much of the work somebody was given.
type Share struct {
	Minutes int64
	Shifts  int64
}

// ranks says whether a strategy puts people in order.
func ranks(strategy eventschema.Strategy) bool {
	_, ok := figures[strategy]
	return ok || strategy == eventschema.StrategyRelease
}

// figure is one number that a strategy compares; the smaller goes first.
type figure struct {
	code eventschema.StandingCode
	of   func(shift uuid.UUID, c Candidate) (value, order int64)
}

func ascending(code eventschema.StandingCode, of func(Candidate) int64) figure {
	return figure{code: code, of: func(_ uuid.UUID, c Candidate) (int64, int64) { v := of(c); return v, v }}
}

// lot decides between people who are alike in everything that a strategy compares.
// It is drawn anew for each shift, so that it favours nobody for long, and from ids
// alone, so that anybody can draw it again. Two people have the same lot once in
// some billion billions; their ids then decide.
var lot = figure{code: eventschema.StandingLot, of: func(shift uuid.UUID, c Candidate) (int64, int64) {
	drawn := uuid.NewSHA1(shift, c.WorkID[:])
	v := int64(binary.BigEndian.Uint64(drawn[:8]) >> 1) //nolint:gosec // one bit is shifted out
	return v, v
}}

var (
	bySeniority = figure{code: eventschema.StandingSeniority, of: func(_ uuid.UUID, c Candidate) (int64, int64) {
		if c.Seniority <= 0 {
			return 0, int64(1) << 62 // behind everybody who is on the list
		}
		return int64(c.Seniority), int64(c.Seniority)
	}}
	byLastStart = ascending(eventschema.StandingLastAssigned, func(c Candidate) int64 {
		if c.LastStart.IsZero() {
			return 0
		}
		return c.LastStart.Unix()
	})
	byMinutes = ascending(eventschema.StandingAssignedMinutes, func(c Candidate) int64 { return c.Assigned.Minutes })
	byShifts  = ascending(eventschema.StandingAssignedShifts, func(c Candidate) int64 { return c.Assigned.Shifts })
	byPoints  = figure{code: eventschema.StandingPoints, of: func(_ uuid.UUID, c Candidate) (int64, int64) { return int64(c.Points), -int64(c.Points) }}
	byBidAt   = ascending(eventschema.StandingBidAt, func(c Candidate) int64 {
		if c.BidAt.IsZero() {
			return 0
		}
		return c.BidAt.UnixMilli()
	})
)

// figures says what each strategy compares, the deciding one first. The lot is the
// stated rule of all of them for what is left equal.
var figures = map[eventschema.Strategy][]figure{
	eventschema.StrategySeniority: {bySeniority, lot},
	eventschema.StrategyRotation:  {byLastStart, lot},
	eventschema.StrategyFairness:  {byMinutes, byShifts, byLastStart, lot},
	eventschema.StrategyBidding:   {byPoints, byBidAt, lot},
}

// Rank puts candidates in the order of a strategy, and says of each why. It depends
// on nothing but its arguments and not on the order of the candidates. A release to
// all puts nobody before another: everybody is first, and whoever answers first
// has the place.
func Rank(strategy eventschema.Strategy, shift uuid.UUID, candidates []Candidate) []eventschema.Standing {
	compared := figures[strategy]
	type row struct {
		eventschema.Standing
		order []int64
	}
	rows := make([]row, 0, len(candidates))
	for _, c := range candidates {
		r := row{Standing: eventschema.Standing{WorkID: c.WorkID, Rank: 1, Reasons: []eventschema.StandingReason{}}}
		for _, f := range compared {
			value, order := f.of(shift, c)
			r.Reasons = append(r.Reasons, eventschema.StandingReason{Code: f.code, Value: value})
			r.order = append(r.order, order)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(slices.Compare(a.order, b.order), compareIDs(a.WorkID, b.WorkID))
	})
	standings := make([]eventschema.Standing, len(rows))
	for i, r := range rows {
		standings[i] = r.Standing
		if len(compared) > 0 {
			standings[i].Rank = i + 1
		}
	}
	return standings
}
