package hours

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Severity grades a finding.
type Severity string

// The severities: what changes what is paid is high.
const (
	Low    Severity = "low"
	Medium Severity = "medium"
	High   Severity = "high"
)

// The exceptions that a review finds beside those of pairing.
const (
	WrongKey      ExceptionCode = "wrong_key"        // two of a direction in a row: one was pressed for the other
	OutBeforeIn   ExceptionCode = "out_before_in"    // an out, then its in: times or keys were exchanged
	LongInterval  ExceptionCode = "long_interval"    // no interval of a person who went home in between
	MissingReturn ExceptionCode = "missing_meal_end" // out for a meal or a break, and no in after it
	ShortMeal     ExceptionCode = "short_meal"

	// What the fence of the site said of a point that was kept. The punch counts like
	// any other, in all of its pairings.
	OutsideFence   ExceptionCode = "outside_fence"
	UncertainFence ExceptionCode = "uncertain_fence"      // too near to the edge to tell
	DeclaredToo    ExceptionCode = "declared_and_punched" // the day has punches and hours without times: both count
	Over24Hours    ExceptionCode = "over_24_hours"        // the day has more, punched and declared, than fit into it
)

// OfFence is the exception that the verdict of a fence is, or none.
func OfFence(verdict eventschema.FenceVerdict) (ExceptionCode, bool) {
	switch verdict {
	case eventschema.FenceOutside:
		return OutsideFence, true
	case eventschema.FenceUncertain:
		return UncertainFence, true
	case eventschema.FenceInside:
	}
	return "", false
}

// Grade is how a code is reported: how grave it is, after how long, and the code
// that TimeTrex gives the same thing, where it has one.
type Grade struct {
	Code     ExceptionCode
	Severity Severity
	Grace    time.Duration // after the punch, before it is said: what is missing may be on its way
	TimeTrex string
}

// ReviewPolicy says what is reported, and how. It is data with a version, as
// [PairingRule] is.
type ReviewPolicy struct {
	Version int
	Pairing PairingRule // that made what is reviewed
	Grades  []Grade     // a code that is not among them is not reported
	Long    time.Duration
	Meal    time.Duration // a shorter one is short
	Return  time.Duration // the longest meal
}

// DefaultReview reports an interval of more than twelve hours, a meal of less than
// thirty minutes and one of which nobody came back within two hours.
//
// History:
//   - version 1 knew no declared hours and no fences.
//   - version 2 reports what fences said, days that have punches and declared hours, and days of more than 24 hours.
func DefaultReview() ReviewPolicy {
	pairing := DefaultPairing()
	return ReviewPolicy{
		Version: 2, Pairing: pairing, Long: 12 * time.Hour, Meal: 30 * time.Minute, Return: 2 * time.Hour,
		Grades: []Grade{
			{Code: MissingOut, Severity: High, Grace: pairing.Longest, TimeTrex: "M2"},
			{Code: MissingIn, Severity: High, TimeTrex: "M1"},
			{Code: OutBeforeIn, Severity: High},
			{Code: WrongKey, Severity: Medium},
			{Code: MissingReturn, Severity: Medium, Grace: 2 * time.Hour, TimeTrex: "M3"},
			{Code: LongInterval, Severity: Medium},
			{Code: ShortMeal, Severity: Medium, TimeTrex: "L2"},
			{Code: RepeatPunch, Severity: Low},
			{Code: OutsideFence, Severity: Medium, TimeTrex: "G1"},
			{Code: UncertainFence, Severity: Low},
			{Code: Over24Hours, Severity: High},
			{Code: DeclaredToo, Severity: Medium},
		},
	}
}

// Finding is something that somebody should look at before hours are paid. It
// changes no hours: what is missing is never invented, and what looks exchanged is
// put right by a correction only.
type Finding struct {
	Code     ExceptionCode
	Severity Severity
	TimeTrex string
	At       time.Time
	WorkDate string
	Punches  []uuid.UUID // that it is about, the earlier first

	// Of a finding about declared hours, which has no time of day: the declarations, and
	// what was punched and declared on the day.
	Declared      []uuid.UUID
	PunchedTime   time.Duration
	DeclaredHours time.Duration
}

// end is one end of an interval, or a punch that became none.
type end struct {
	id        uuid.UUID
	at        time.Time
	workDate  string
	direction eventschema.Direction
	lone      bool
}

// Review finds what is worth a look in the pairing of one work id, as of now, in
// order of time.
func (p ReviewPolicy) Review(paired Pairing, now time.Time) []Finding {
	var found []Finding
	add := func(code ExceptionCode, at time.Time, workDate string, punches ...uuid.UUID) {
		i := slices.IndexFunc(p.Grades, func(g Grade) bool { return g.Code == code })
		if i >= 0 && !now.Before(at.Add(p.Grades[i].Grace)) {
			found = append(found, Finding{Code: code, Severity: p.Grades[i].Severity, TimeTrex: p.Grades[i].TimeTrex, At: at, WorkDate: workDate, Punches: punches})
		}
	}
	for _, e := range paired.Exceptions {
		add(e.Code, e.At, e.WorkDate, e.Punch)
	}
	for i, w := range paired.Intervals {
		if w.End.Sub(w.Start) > p.Long {
			add(LongInterval, w.Start, w.WorkDate, w.In, w.Out)
		}
		if w.OutKind != eventschema.KindMeal && w.OutKind != eventschema.KindBreak {
			continue
		}
		var next WorkInterval
		if i+1 < len(paired.Intervals) {
			next = paired.Intervals[i+1]
		}
		switch gone := next.Start.Sub(w.End); {
		case next.Start.IsZero() || gone > p.Return:
			add(MissingReturn, w.End, w.WorkDate, w.Out)
		case w.OutKind == eventschema.KindMeal && gone < p.Meal:
			add(ShortMeal, w.End, w.WorkDate, w.Out, next.In)
		}
	}
	ends := endsOf(paired)
	for i := 1; i < len(ends); i++ {
		before, after := ends[i-1], ends[i]
		if after.at.Sub(before.at) > p.Pairing.Longest || !before.lone && !after.lone {
			continue
		}
		switch {
		case before.direction == after.direction:
			add(WrongKey, after.at, after.workDate, before.id, after.id)
		case before.lone && after.lone && before.direction == eventschema.DirectionOut:
			add(OutBeforeIn, before.at, before.workDate, before.id, after.id)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int { return a.At.Compare(b.At) })
	return found
}

// endsOf puts the punches that count back into order, the outs of an instant before
// its ins. One that was pressed for a transfer ends one interval and begins the
// next, and is there twice.
func endsOf(paired Pairing) []end {
	var ends []end
	for _, w := range paired.Intervals {
		ends = append(ends,
			end{id: w.In, at: w.Start, workDate: w.WorkDate, direction: eventschema.DirectionIn},
			end{id: w.Out, at: w.End, workDate: w.WorkDate, direction: eventschema.DirectionOut})
	}
	for _, e := range paired.Exceptions {
		switch e.Code {
		case MissingOut:
			ends = append(ends, end{id: e.Punch, at: e.At, workDate: e.WorkDate, direction: eventschema.DirectionIn, lone: true})
		case MissingIn:
			ends = append(ends, end{id: e.Punch, at: e.At, workDate: e.WorkDate, direction: eventschema.DirectionOut, lone: true})
		default: // a repeat counts for nothing, and what a fence said changes no count
		}
	}
	slices.SortFunc(ends, func(a, b end) int {
		return cmp.Or(a.at.Compare(b.at), outsFirst(a.direction, b.direction), slices.Compare(a.id[:], b.id[:]))
	})
	return ends
}
