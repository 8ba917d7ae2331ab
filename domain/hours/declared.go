package hours

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Declared is hours that were declared for a day, at unknown times.
type Declared struct {
	ID       uuid.UUID
	WorkDate string
	Time     time.Duration
	Job      string // code; decides nothing here
}

// ReviewDeclared finds the days of one work id whose declared hours are worth a look,
// in order of date: beside punches, and more than a day has.
func (p ReviewPolicy) ReviewDeclared(paired Pairing, declared []Declared) []Finding {
	days := map[string]*Finding{}
	for _, d := range declared {
		if days[d.WorkDate] == nil {
			days[d.WorkDate] = &Finding{WorkDate: d.WorkDate}
		}
		day := days[d.WorkDate]
		day.Declared, day.DeclaredHours = append(day.Declared, d.ID), day.DeclaredHours+d.Time
	}
	punched := map[string]bool{}
	for _, w := range paired.Intervals {
		punched[w.WorkDate] = true
		if day := days[w.WorkDate]; day != nil {
			day.Punches, day.PunchedTime = append(day.Punches, w.In, w.Out), day.PunchedTime+w.End.Sub(w.Start)
		}
	}
	for _, e := range paired.Exceptions {
		punched[e.WorkDate] = true
		if day := days[e.WorkDate]; day != nil && !slices.Contains(day.Punches, e.Punch) {
			day.Punches = append(day.Punches, e.Punch)
		}
	}
	var found []Finding
	add := func(day Finding, code ExceptionCode) {
		if i := slices.IndexFunc(p.Grades, func(g Grade) bool { return g.Code == code }); i >= 0 {
			day.Code, day.Severity, day.TimeTrex = code, p.Grades[i].Severity, p.Grades[i].TimeTrex
			found = append(found, day)
		}
	}
	for _, day := range days {
		if punched[day.WorkDate] {
			add(*day, DeclaredToo)
		}
		if day.PunchedTime+day.DeclaredHours > 24*time.Hour {
			add(*day, Over24Hours)
		}
	}
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.WorkDate, b.WorkDate), cmp.Compare(a.Code, b.Code))
	})
	return found
}
