package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
)

// explanation collects rows, each with the time by which it is put in order.
type explanation struct {
	group *payrules.Group
	loc   *time.Location
	rows  []explainedRow
}

type explainedRow struct {
	at    time.Time
	cells []string
}

func (e *explanation) add(what, job string, from, to time.Time, length string, cause payrules.Cause, ids ...uuid.UUID) {
	seen := ""
	for _, id := range ids {
		if id != uuid.Nil {
			seen += " " + id.String()
		}
	}
	e.rows = append(e.rows, explainedRow{from, []string{
		what, printable(job), clockTime(from, e.loc), clockTime(to, e.loc), length, hourlyRate(e.group, what, job), ruleOf(cause), printable(cause.Source), seen,
	}})
}

// onDay adds what has a date and no time of day.
func (e *explanation) onDay(what, job, date, length string, cause payrules.Cause, ids ...uuid.UUID) {
	at, _ := time.ParseInLocation(time.DateOnly, date, e.loc) // as it was declared
	e.add(what, job, at, time.Time{}, length, cause, ids...)
	e.rows[len(e.rows)-1].cells[2] = date
}

// lines adds what is paid for, and what was paused.
func (e *explanation) lines(lines []payrules.Line) {
	for _, l := range lines {
		what := string(l.Class)
		if l.Declared != uuid.Nil {
			e.onDay(what+" (declared)", l.Job, l.Workday, duration(l.Time()), l.Cause, l.Declared)
			continue
		}
		if l.Pause {
			what += " (pause)"
		}
		e.add(what, l.Job, l.Start, l.End, duration(l.Time()), l.Cause, l.In, l.Out)
	}
}

// findings adds what is worth a look.
func (e *explanation) findings(found []hours.Finding) {
	cause := payrules.Cause{Rule: "review", Set: "punches", Version: hours.DefaultReview().Version}
	for _, f := range found {
		what := fmt.Sprintf("exception: %s (%s)", f.Code, f.Severity)
		if len(f.Declared) > 0 {
			e.onDay(what, "", f.WorkDate, fmt.Sprintf("%s punched, %s declared", duration(f.PunchedTime), duration(f.DeclaredHours)), cause, slices.Concat(f.Punches, f.Declared)...)
			continue
		}
		e.add(what, "", f.At, time.Time{}, "", cause, f.Punches...)
	}
}

// explained is a row for everything that a report counts of one work record, in
// order of time.
func explained(owed app.OwedHours) [][]string {
	rules := owed.Group.Parts[0].Rules
	loc, _ := time.LoadLocation(owed.Group.ZoneOf(rules)) // as the report has done
	e := &explanation{group: owed.Group, loc: loc}
	e.lines(owed.Result.Lines)
	for _, p := range owed.Result.Premiums {
		e.add("premium: "+string(p.Code), "", p.Start, time.Time{}, "1:00", p.Cause, p.In, p.Out)
	}
	for _, b := range owed.Result.Breaches {
		e.add("breach: "+string(b.Code), "", b.Start, b.End, fmt.Sprintf("%s, not %s", duration(b.Got), duration(b.Need)), b.Cause, b.Out, b.In)
	}
	for _, g := range owed.Result.Guaranteed {
		e.add("guaranteed", g.Job, g.Start, g.Start.Add(g.Worked), duration(g.Paid), g.Cause, g.In, g.Out)
	}
	for _, v := range owed.Result.Overlaps {
		e.add("overlap", "", v.Start, v.End, duration(v.End.Sub(v.Start)), payrules.Cause{}, v.With, v.In)
	}
	for _, u := range owed.Result.Unjudged {
		e.onDay("not judged: "+strings.Join(u.Rules, ", "), "", u.Workday, duration(u.Time), payrules.Cause{Rule: "by the clock", Set: rules.Name, Version: rules.Version})
	}
	e.findings(owed.Findings)
	slices.SortStableFunc(e.rows, func(a, b explainedRow) int { return a.at.Compare(b.at) })
	cells := make([][]string, 0, len(e.rows)+len(owed.Result.Drifts))
	for _, r := range e.rows {
		cells = append(cells, r.cells)
	}
	for _, d := range owed.Result.Drifts {
		cells = append(cells, []string{"rounding", "", d.Quarter, "", signed(d.Gained()), "", ruleOf(d.Cause), d.Cause.Source, ""})
	}
	return append(cells, payExplained(owed.Pay)...)
}

// hourlyRate is what an hour of a job is paid, where the group has rates.
func hourlyRate(group *payrules.Group, what, job string) string {
	if group.Wages == nil || strings.HasPrefix(what, "premium") || strings.HasPrefix(what, "breach") || strings.HasPrefix(what, "exception") || strings.HasPrefix(what, "not judged") || what == "overlap" {
		return ""
	}
	rate, _ := group.Parts[0].Rules.Rate(group.Wages.Of(uuid.Nil, ""), job)
	return rate.Decimals(4)
}

func ruleOf(cause payrules.Cause) string {
	if cause.Rule == "" {
		return ""
	}
	return fmt.Sprintf("%s of %s v%d", cause.Rule, printable(cause.Set), cause.Version)
}

// payExplained is a row for every step from hours to what a workweek is paid.
func payExplained(paid []payrules.Pay) [][]string {
	var cells [][]string
	for _, p := range paid {
		for _, s := range p.Steps {
			length, rate := "", ""
			if s.Time > 0 {
				length, rate = duration(s.Time), s.Rate.Decimals(4)
			}
			cells = append(cells, []string{"pay: " + s.What + " " + s.Amount.String(), printable(s.Job), p.Cycle, "", length, rate, ruleOf(s.Cause), printable(s.Cause.Source), ""})
		}
		cells = append(cells, []string{"pay: regular rate", "", p.Cycle, "", "", p.RegularRate.Decimals(4), ruleOf(p.RateCause), printable(p.RateCause.Source), ""})
	}
	return cells
}

// clockTime is an instant by the clock of a zone, with its offset.
func clockTime(at time.Time, loc *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return at.In(loc).Format("2006-01-02T15:04:05-07:00")
}

func signed(d time.Duration) string {
	if d < 0 {
		return "-" + duration(-d)
	}
	return "+" + duration(d)
}

// owedJSON is everything that a report says of one work record.
func owedJSON(o app.HoursOrder, one app.OwedHours, release httpapi.Release) map[string]any {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	r := one.Result
	out := map[string]any{
		"work_id": one.WorkID, "name": personalOf(one.Name, release), "from": o.Period.First.Format(time.DateOnly), "to": o.Period.Last.Format(time.DateOnly),
		"plan": o.Plan.Name, "plan_version": o.Plan.Version, "group": one.Group.Name, "rules": one.Group.Parts[0].Rules.Name, "rules_version": one.Group.Parts[0].Rules.Version,
		"regular_seconds": seconds(one.Totals.Regular), "overtime_seconds": seconds(one.Totals.Overtime), "double_time_seconds": seconds(one.Totals.DoubleTime),
		"premium_hours": len(r.Premiums),
	}
	out["lines"] = each(r.Lines, func(l payrules.Line) map[string]any {
		line := map[string]any{
			"class": l.Class, "job": l.Job, "rate": hourlyRate(one.Group, string(l.Class), l.Job), "seconds": seconds(l.Time()), "workday": l.Workday, "cycle": l.Cycle, "cause": causeJSON(l.Cause),
		}
		if l.Declared != uuid.Nil {
			line["declared"] = l.Declared
		} else {
			line["start"], line["end"], line["in"], line["out"], line["pause"] = l.Start, l.End, l.In, l.Out, l.Pause
		}
		return line
	})
	out["not_judged"] = each(r.Unjudged, func(u payrules.Unjudged) map[string]any {
		return map[string]any{"workday": u.Workday, "declared_seconds": seconds(u.Time), "rules": u.Rules}
	})
	out["premiums"] = each(r.Premiums, func(p payrules.Premium) map[string]any {
		return map[string]any{"code": p.Code, "workday": p.Workday, "in": p.In, "out": p.Out, "cause": causeJSON(p.Cause)}
	})
	out["breaches"] = each(r.Breaches, func(b payrules.Breach) map[string]any {
		return map[string]any{
			"code": b.Code, "start": b.Start, "end": b.End, "got_seconds": seconds(b.Got), "need_seconds": seconds(b.Need), "in": b.In, "out": b.Out, "cause": causeJSON(b.Cause),
		}
	})
	out["guaranteed"] = each(r.Guaranteed, func(g payrules.Guaranteed) map[string]any {
		return map[string]any{"job": g.Job, "workday": g.Workday, "start": g.Start, "worked_seconds": seconds(g.Worked), "paid_seconds": seconds(g.Paid), "in": g.In, "out": g.Out, "cause": causeJSON(g.Cause)}
	})
	out["overlaps"] = each(r.Overlaps, func(v payrules.Overlap) map[string]any {
		return map[string]any{"start": v.Start, "end": v.End, "in": v.In, "out": v.Out, "with": v.With}
	})
	out["exceptions"] = each(one.Findings, func(f hours.Finding) map[string]any {
		found := map[string]any{"code": f.Code, "severity": f.Severity, "timetrex": f.TimeTrex, "work_date": f.WorkDate, "punches": f.Punches, "review_version": hours.DefaultReview().Version}
		if len(f.Declared) > 0 {
			found["declared"], found["punched_seconds"], found["declared_seconds"] = f.Declared, seconds(f.PunchedTime), seconds(f.DeclaredHours)
		} else {
			found["at"] = f.At
		}
		return found
	})
	out["rounding"] = each(r.Drifts, driftJSON)
	out["adjustments"] = each(one.Adjustments, adjustmentJSON)
	out["pay"] = each(one.Pay, payJSON)
	return out
}

func causeJSON(c payrules.Cause) map[string]any {
	return map[string]any{"rule": c.Rule, "set": c.Set, "version": c.Version, "source": c.Source}
}

func driftJSON(d payrules.Drift) map[string]any {
	seconds := func(d time.Duration) int64 { return int64(d / time.Second) }
	return map[string]any{
		"quarter": d.Quarter, "actual_seconds": seconds(d.Actual), "rounded_seconds": seconds(d.Rounded), "gained_seconds": seconds(d.Gained()),
		"loses": d.Gained() < 0, "cause": causeJSON(d.Cause),
	}
}

func payJSON(p payrules.Pay) map[string]any {
	return map[string]any{
		"cycle": p.Cycle, "worked_seconds": int64(p.Worked / time.Second), "straight": p.Straight.String(), "bonuses": p.Bonuses.String(), "regular_rate": p.RegularRate.Decimals(4), "regular_rate_cause": causeJSON(p.RateCause),
		"overtime_adds": p.Extra.String(), "premiums": p.Premiums.String(), "guaranteed": p.Guaranteed.String(), "gross": p.Gross.String(),
		"steps": each(p.Steps, func(s payrules.PayStep) map[string]any {
			return map[string]any{
				"what": s.What, "job": s.Job, "seconds": int64(s.Time / time.Second), "rate": s.Rate.Decimals(4), "amount": s.Amount.Decimals(4), "cause": causeJSON(s.Cause),
			}
		}),
	}
}

// each makes a list of objects, an empty one of nothing.
func each[T any](of []T, object func(T) map[string]any) []map[string]any {
	list := make([]map[string]any, len(of))
	for i := range of {
		list[i] = object(of[i])
	}
	return list
}

func adjustmentJSON(a eventschema.TimeAdjustment) map[string]any {
	return map[string]any{"period_id": a.PeriodID, "from": a.From, "to": a.To, "job": a.Job, "time": a.Time}
}
