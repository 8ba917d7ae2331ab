package payrules

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// Average is the most time a week may have on average over a number of weeks.
type Average struct {
	Time   time.Duration `yaml:"time,omitempty"`
	Weeks  int           `yaml:"weeks,omitempty"`
	Source string        `yaml:"source,omitempty"`
}

// WeekTime is the work of one workweek. A neutral one (leave, sickness) counts
// neither as a week nor for its hours (Directive 2003/88/EC, Art. 16(b)).
type WeekTime struct {
	Starts  string // local date
	Worked  time.Duration
	Neutral bool
}

// Of answers the time that counts in some weeks, how many count, and whether that
// is more than the average allows. It compares exactly.
func (a Average) Of(weeks []WeekTime) (worked time.Duration, counted int, exceeded bool) {
	for _, w := range weeks {
		if !w.Neutral {
			worked += w.Worked
			counted++
		}
	}
	return worked, counted, worked > time.Duration(counted)*a.Time
}

// BreachCode says which rule about rest was broken.
type BreachCode string

// The breaches.
const (
	DailyRestBreach  BreachCode = "daily_rest"
	WeeklyRestBreach BreachCode = "weekly_rest"
	AverageBreach    BreachCode = "average_week"
	PauseBreach      BreachCode = "pause"
	StretchBreach    BreachCode = "stretch_without_pause"
	LongDayBreach    BreachCode = "long_day"
)

// Breach is one rule broken. Got and Need are lengths of rest where there was too
// little, and of work where there was too much; of an average, of one week.
type Breach struct {
	Code       BreachCode
	Start, End time.Time // the time that was judged
	Got, Need  time.Duration
	In, Out    uuid.UUID // the punches around it, where there are such
	Cause      Cause
}

func (r Rules) breaches(loc *time.Location, shifts []shift, spans []Work, lines []Line, facts Facts) []Breach {
	var found []Breach
	if r.DailyRest.Time > 0 {
		found = append(found, r.dailyRest(spans)...)
	}
	found = append(found, r.pauses(shifts)...)
	if r.LongestDay.Time > 0 {
		found = append(found, r.longDays(loc, lines)...)
	}
	if r.WeeklyRest.Time > 0 {
		found = append(found, r.weeklyRest(loc, spans, facts)...)
	}
	if r.Average.Weeks > 0 {
		found = append(found, r.averages(loc, lines, facts)...)
	}
	slices.SortStableFunc(found, func(a, b Breach) int { return a.Start.Compare(b.Start) })
	return found
}

// dailyRest looks at the 24 hours from the start of work after each rest: a rest
// must lie in them whole. After 24 hours without one the next are counted from
// the work that follows the longest rest there was.
func (r Rules) dailyRest(spans []Work) []Breach {
	var found []Breach
	for i := 0; i < len(spans); {
		end := spans[i].Start.Add(day)
		longest, after := time.Duration(0), -1
		rested := false
		for j := i; j < len(spans) && !rested; j++ {
			if !spans[j].End.Before(end) {
				break
			}
			until := end
			if j+1 < len(spans) && spans[j+1].Start.Before(end) {
				until = spans[j+1].Start
			}
			rest := until.Sub(spans[j].End)
			if rest > longest || after < 0 {
				longest, after = rest, j
			}
			rested = rest >= r.DailyRest.Time
		}
		if rested {
			i = after + 1
			continue
		}
		breach := Breach{Code: DailyRestBreach, Start: spans[i].Start, End: end, Got: longest, Need: r.DailyRest.Time, Cause: r.cause("daily_rest", r.DailyRest.Source)}
		if after < 0 { // worked through
			after = i
		} else if after+1 < len(spans) {
			breach.In, breach.Out = spans[after+1].In, spans[after].Out
		}
		found = append(found, breach)
		i = after + 1
	}
	return found
}

func (r Rules) pauses(shifts []shift) []Breach {
	var found []Breach
	for _, s := range shifts {
		first, last := s[0], s[len(s)-1]
		breach := Breach{Start: first.Start, End: last.End, In: first.In, Out: last.Out, Cause: r.cause("pauses", r.Pauses.Source)}
		worked, pauses := s.split(0)
		var rested, since time.Duration
		var longest time.Duration
		for _, p := range pauses {
			if p.length < r.Pauses.AtLeast {
				continue
			}
			rested += p.length
			longest, since = max(longest, p.before-since), p.before
		}
		longest = max(longest, worked-since)
		need := time.Duration(0)
		for _, p := range r.Pauses.Pauses {
			if worked > p.Over {
				need = p.Need
			}
		}
		if rested < need {
			breach.Code, breach.Got, breach.Need = PauseBreach, rested, need
			found = append(found, breach)
		} else if r.Pauses.LongestStretch > 0 && longest > r.Pauses.LongestStretch {
			breach.Code, breach.Got, breach.Need = StretchBreach, longest, r.Pauses.LongestStretch
			found = append(found, breach)
		}
	}
	return found
}

func (r Rules) longDays(loc *time.Location, lines []Line) []Breach {
	var found []Breach
	for len(lines) > 0 {
		n, worked := 0, time.Duration(0)
		for n < len(lines) && lines[n].Workday == lines[0].Workday {
			worked += lines[n].Time()
			n++
		}
		if worked > r.LongestDay.Time {
			breach := Breach{
				Code: LongDayBreach, Start: lines[0].Start, End: lines[n-1].End, Got: worked, Need: r.LongestDay.Time,
				In: lines[0].In, Out: lines[n-1].Out, Cause: r.cause("longest_day", r.LongestDay.Source),
			}
			if lines[n-1].Declared != uuid.Nil { // when in the day is not known
				breach.Start, breach.End = r.bounds(loc, lines[0].Workday)
			}
			found = append(found, breach)
		}
		lines = lines[n:]
	}
	return found
}

// weeks lists the cycles that lie within the time whose work is known.
func (r Rules) weeks(loc *time.Location, facts Facts) (g grid, first, end int) {
	g = r.Workweek.grid(loc)
	if facts.From.IsZero() || !facts.To.After(facts.From) {
		return g, 0, 0
	}
	first, end = g.index(facts.From), g.index(facts.To)
	if g.start(first).Before(facts.From) {
		first++
	}
	return g, first, end
}

func (r Rules) weeklyRest(loc *time.Location, spans []Work, facts Facts) []Breach {
	var found []Breach
	g, first, end := r.weeks(loc, facts)
	for week := first; week < end; week++ {
		from, to := g.start(week), g.start(week+1)
		longest, free := time.Duration(0), from
		for _, s := range spans {
			if !s.End.After(from) || !s.Start.Before(to) {
				continue
			}
			longest = max(longest, s.Start.Sub(free))
			free = s.End
		}
		longest = max(longest, to.Sub(free))
		if longest < r.WeeklyRest.Time {
			found = append(found, Breach{
				Code: WeeklyRestBreach, Start: from, End: to, Got: longest, Need: r.WeeklyRest.Time, Cause: r.cause("weekly_rest", r.WeeklyRest.Source),
			})
		}
	}
	return found
}

// averages judges every reference period that ends with a known week. As long as
// fewer weeks are known than it has, none is judged.
func (r Rules) averages(loc *time.Location, lines []Line, facts Facts) []Breach {
	g, first, end := r.weeks(loc, facts)
	worked := map[string]time.Duration{}
	for _, l := range lines {
		worked[l.Cycle] += l.Time()
	}
	var weeks []WeekTime
	for week := first; week < end; week++ {
		starts := g.date(week).Format(time.DateOnly)
		weeks = append(weeks, WeekTime{Starts: starts, Worked: worked[starts], Neutral: slices.Contains(facts.Neutral, starts)})
	}
	var found []Breach
	for n := r.Average.Weeks; n <= len(weeks); n++ {
		total, counted, exceeded := r.Average.Of(weeks[n-r.Average.Weeks : n])
		if exceeded {
			found = append(found, Breach{
				Code: AverageBreach, Start: g.start(first + n - r.Average.Weeks), End: g.start(first + n),
				Got: total / time.Duration(counted), Need: r.Average.Time, Cause: r.cause("average", r.Average.Source),
			})
		}
	}
	return found
}
