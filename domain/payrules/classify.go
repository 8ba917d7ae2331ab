package payrules

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Work is one span of work, as pairing made it of two punches.
type Work struct {
	In, Out         uuid.UUID
	Start, End      time.Time
	InKind, OutKind eventschema.PunchKind
	Job             string // whose rate is paid; empty is a job like any other
}

// Cause is why a stretch of time counts as it does.
type Cause struct {
	Rule    string // the part of the set of rules
	Set     string // the name of the set
	Version int    // of the set
	Source  string
}

// Line is a stretch of work in one class. All lines together are exactly the time
// that is paid by the hour: none is left out, none is there twice.
type Line struct {
	Class      Class
	Start, End time.Time
	In, Out    uuid.UUID // the punches it lies between
	Job        string
	Workday    string // local date on which the workday began
	Cycle      string // local date on which the workweek or work period began
	Cause      Cause
	Pause      bool // a pause that counts as work

	// Declared is set for hours that were declared without times of day. Length is how
	// many, and Start, End, In and Out are not known.
	Declared uuid.UUID
	Length   time.Duration
}

// Time is the elapsed time of the line, or what was declared.
func (l Line) Time() time.Duration {
	if l.Declared != uuid.Nil {
		return l.Length
	}
	return l.End.Sub(l.Start)
}

// split cuts a line after a length that it has.
func (l Line) split(after time.Duration) (first, rest Line) {
	first, rest = l, l
	if l.Declared != uuid.Nil {
		first.Length, rest.Length = after, l.Length-after
		return first, rest
	}
	first.End, rest.Start = l.Start.Add(after), l.Start.Add(after)
	return first, rest
}

// Facts are what the rules must know beside the time worked.
type Facts struct {
	FirstMealWaived  bool // by mutual consent, where the law lets it be
	SecondMealWaived bool
	// Neutral lists the first days of workweeks that count in no average: leave, sickness.
	Neutral []string
	// From and To bound the time whose work is known. What is judged by the absence
	// of work (a weekly rest, an average) is judged for whole weeks inside of it.
	From, To time.Time
}

// Result is what a set of rules makes of the work of one person.
type Result struct {
	Lines      []Line
	Premiums   []Premium
	Breaches   []Breach
	Overlaps   []Overlap
	Drifts     []Drift
	Guaranteed []Guaranteed
	Unjudged   []Unjudged
}

// Overlap is time of one span that lies in an earlier one too. It counts once.
type Overlap struct {
	In, Out    uuid.UUID // of the later span
	With       uuid.UUID // the in of the earlier one
	Start, End time.Time
}

// Apply works out what is owed for work in the zone of the rules. The order of
// work does not matter, and work is left as it is. The rules are valid.
func (r Rules) Apply(loc *time.Location, work []Work, facts Facts) Result {
	return r.ApplyDeclared(loc, work, nil, facts)
}

// ApplyDeclared works out what is owed for work, and for hours that were declared
// beside it. Declared hours count in days and cycles as work does, after the work of
// their day that has times; what goes by the clock does not see them, and the result
// says so.
func (r Rules) ApplyDeclared(loc *time.Location, work []Work, declared []Declared, facts Facts) Result {
	var result Result
	result.Guaranteed, result.Drifts = r.guarantees(loc, work), r.Drifts(work, loc)
	actual, overlaps := apart(slices.Clone(work))
	result.Overlaps = overlaps
	lines := func(counted []Work) []Line {
		return r.withDeclared(loc, r.cut(loc, r.withPauses(actual, counted)), declared)
	}
	result.Lines = r.classify(lines(r.Rounding.apply(actual, loc)))
	result.Unjudged = r.unjudged(declared)
	// Rounding is for what is paid. Whether a meal, a rest or a day was long enough is told
	// by what was punched (Donohue v. AMN, 2021).
	shifts, exact := r.shifts(actual), result.Lines
	if r.Rounding.Step > 0 {
		exact = lines(actual)
	}
	result.Premiums = r.premiums(loc, shifts, facts)
	result.Breaches = r.breaches(loc, shifts, actual, exact, facts)
	return result
}

// apart sorts spans and takes out what overlaps.
func apart(spans []Work) ([]Work, []Overlap) {
	slices.SortFunc(spans, func(a, b Work) int {
		if c := a.Start.Compare(b.Start); c != 0 {
			return c
		}
		if c := a.End.Compare(b.End); c != 0 {
			return c
		}
		return slices.Compare(a.In[:], b.In[:])
	})
	kept, overlaps := spans[:0], []Overlap(nil)
	for _, s := range spans {
		if n := len(kept); n > 0 && s.Start.Before(kept[n-1].End) {
			last := kept[n-1]
			end := s.End
			if last.End.Before(end) {
				end = last.End
			}
			overlaps = append(overlaps, Overlap{In: s.In, Out: s.Out, With: last.In, Start: s.Start, End: end})
			s.Start = end
		}
		if s.End.After(s.Start) {
			kept = append(kept, s)
		}
	}
	return kept, overlaps
}

// withPauses makes work of pauses that count as such, by how long they were. Actual and
// counted are the same spans, as they were punched and as they are paid.
func (r Rules) withPauses(actual, counted []Work) []Line {
	var lines []Line
	for i, s := range counted {
		if i > 0 && actual[i].Start.After(actual[i-1].End) && actual[i].Start.Sub(actual[i-1].End) <= r.PaidBreaks.Time {
			before := counted[i-1]
			lines = append(lines, Line{Start: before.End, End: s.Start, In: before.Out, Out: s.In, Job: before.Job, Pause: true})
		}
		lines = append(lines, Line{Start: s.Start, End: s.End, In: s.In, Out: s.Out, Job: s.Job})
	}
	return lines
}

// cut cuts lines where a workday or a cycle begins.
func (r Rules) cut(loc *time.Location, lines []Line) []Line {
	days, cycles := dayGrid(r.Workday, loc), r.Workweek.grid(loc)
	// Lines of one day follow each other, and where a day begins is dear to find out.
	var today, cycle stretch
	parts := make([]Line, 0, len(lines)+len(lines)/4)
	for _, l := range lines {
		for l.Start.Before(l.End) {
			if !today.holds(l.Start) {
				today = days.stretch(l.Start)
			}
			if !cycle.holds(l.Start) {
				cycle = cycles.stretch(l.Start)
			}
			part := l
			for _, end := range []time.Time{today.end, cycle.end} {
				if end.Before(part.End) {
					part.End = end
				}
			}
			part.Workday, part.Cycle = today.date, cycle.date
			parts = append(parts, part)
			l.Start = part.End
		}
	}
	return parts
}

// classify puts lines that are in order, each within one workday and one cycle,
// into classes.
func (r Rules) classify(lines []Line) []Line {
	done := make([]Line, 0, len(lines)+len(lines)/4)
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n].Cycle == lines[0].Cycle {
			n++
		}
		done = r.classifyCycle(done, lines[:n])
		lines = lines[n:]
	}
	return done
}

func (r Rules) classifyCycle(done, lines []Line) []Line {
	seventh := r.seventhCounts(lines)
	var today string
	var days int
	var inDay, inCycle time.Duration
	for _, l := range lines {
		if l.Workday != today {
			today, inDay = l.Workday, 0
			days++
		}
		daily, rule := r.Daily, "daily"
		if seventh && days == 7 {
			daily, rule = r.SeventhDay.Limits, "seventh_day"
		}
		for l.Time() > 0 {
			class, source, lasts := at(daily, inDay)
			cause := r.cause(rule, source)
			length := shorter(l.Time(), lasts)
			// Only what no day pays more for counts towards the week: nothing is overtime twice.
			if class == Regular {
				class, source, lasts = at(r.Weekly, inCycle)
				length = shorter(length, lasts)
				inCycle += length
				cause = r.cause("weekly", source)
				if class == Regular {
					cause = r.cause("straight_time", r.Source)
				}
			}
			var part Line
			part, l = l.split(length)
			part.Class, part.Cause = class, cause
			done = append(done, part)
			inDay += length
		}
	}
	return done
}

// seventhCounts says whether the limits of a seventh day apply to a cycle.
func (r Rules) seventhCounts(lines []Line) bool {
	if len(r.SeventhDay.Limits) == 0 || r.SeventhDay.UnlessNoDayOver == 0 {
		return len(r.SeventhDay.Limits) > 0
	}
	worked := map[string]time.Duration{}
	for _, l := range lines {
		if worked[l.Workday] += l.Time(); worked[l.Workday] > r.SeventhDay.UnlessNoDayOver {
			return true
		}
	}
	return false
}

func (r Rules) cause(rule, source string) Cause {
	return Cause{Rule: rule, Set: r.Name, Version: r.Version, Source: source}
}

// at is the class of the time that follows after some hours, who says so, and how
// long that lasts; 0 means without end.
func at(limits []Limit, after time.Duration) (class Class, source string, lasts time.Duration) {
	class = Regular
	for _, l := range limits {
		if after < l.After {
			return class, source, l.After - after
		}
		class, source = l.Class, l.Source
	}
	return class, source, 0
}

// shorter is the shorter of a length and a limit, where 0 is none.
func shorter(length, limit time.Duration) time.Duration {
	if limit > 0 && limit < length {
		return limit
	}
	return length
}

// Totals adds lines up by class.
type Totals struct{ Regular, Overtime, DoubleTime time.Duration }

// TotalsOf adds up lines.
func TotalsOf(lines []Line) Totals {
	var t Totals
	for _, l := range lines {
		switch l.Class {
		case Regular:
			t.Regular += l.Time()
		case Overtime:
			t.Overtime += l.Time()
		case DoubleTime:
			t.DoubleTime += l.Time()
		}
	}
	return t
}

// Worked is the time of all classes.
func (t Totals) Worked() time.Duration { return t.Regular + t.Overtime + t.DoubleTime }
