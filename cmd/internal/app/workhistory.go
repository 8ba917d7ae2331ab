package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// WorkHistory implements [httpapi.Workforce]: every shift that somebody had and that
// has begun, what became of it, and every hour that was worked.
func (w *World) WorkHistory(ctx context.Context, by httpapi.Principal, who httpapi.Whose) (httpapi.WorkHistoryView, error) {
	var view httpapi.WorkHistoryView
	var err error
	if view.WorkID, view.Link, err = w.a.whose(ctx, by, who); err != nil {
		return view, err
	}
	days := projections.Days{Works: only(view.WorkID), From: "1900-01-01", To: "2199-12-31"}
	byDay, err := projections.HoursByDay(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return view, outward(err)
	}
	shifts, err := w.pastShifts(ctx, projections.ShiftsAsked{Work: view.WorkID, To: w.now()}, days)
	if err != nil {
		return view, outward(err)
	}
	if len(byDay)+len(shifts) == 0 { // no hours are one thing, hours that expired another
		if err := w.a.refuseExpired(ctx, view.WorkID); err != nil {
			return view, err
		}
	}
	for _, d := range byDay {
		if n := len(view.Months); n == 0 || view.Months[n-1].Month != d.WorkDate[:7] {
			view.Months = append(view.Months, httpapi.Month{Month: d.WorkDate[:7]})
		}
		month := &view.Months[len(view.Months)-1]
		month.Seconds += d.Seconds
		month.Days++
		view.Seconds += d.Seconds
	}
	view.Shifts, view.Jobs = shifts, jobsOf(shifts)
	view.Name, err = w.a.nameOf(ctx, by, view.WorkID)
	return view, outward(err)
}

// pastShifts lists those of the shifts asked for that a work record has a place on, by
// start, each with how its person came to it: of a completed one as it was closed, of
// another one as the punches of the days say it now. Nobody has to come to a task.
func (w *World) pastShifts(ctx context.Context, asked projections.ShiftsAsked, days projections.Days) ([]httpapi.PastShift, error) {
	work := asked.Work
	roster, err := w.roster(ctx, asked)
	if err != nil {
		return nil, err
	}
	var shifts []httpapi.PastShift
	var duties []assignment.Duty
	for _, s := range roster {
		i := slices.IndexFunc(s.Places, func(p projections.Place) bool { return p.WorkID == work && p.State == projections.PlaceAssigned })
		if i < 0 {
			continue
		}
		place := s.Places[i]
		past := httpapi.PastShift{Shift: s.Shift, State: s.State(), Rating: place.Rating, Mark: assignment.Mark{
			WorkID: work, ShiftID: s.ShiftID, Start: s.StartsAt, End: s.EndsAt, Attendance: place.Attendance,
			Late: time.Duration(place.LateMinutes) * time.Minute, Worked: time.Duration(place.WorkedMinutes) * time.Minute,
		}}
		if s.CompletedAt == nil && s.CancelledAt == nil && s.Kind != eventschema.ShiftTask {
			duties = append(duties, assignment.Duty{ShiftID: s.ShiftID, WorkID: work, Start: s.StartsAt, End: s.EndsAt})
		}
		shifts = append(shifts, past)
	}
	if len(duties) == 0 {
		return shifts, nil
	}
	worked, err := w.presences(ctx, days)
	if err != nil {
		return nil, err
	}
	for _, m := range assignment.DefaultGrace().Attend(duties, worked, w.now()) {
		if i := slices.IndexFunc(shifts, func(s httpapi.PastShift) bool { return s.ShiftID == m.ShiftID }); i >= 0 {
			shifts[i].Mark = m
		}
	}
	return shifts, nil
}

// jobsOf adds up shifts by kind, employer and site. What was called off is no job.
func jobsOf(shifts []httpapi.PastShift) []httpapi.Job {
	type key struct {
		kind           eventschema.ShiftKind
		employer, site string
	}
	sums := map[key]*httpapi.Job{}
	for _, s := range shifts {
		if s.CancelledAt != nil {
			continue
		}
		k := key{s.Kind, s.Employer, s.Site}
		if sums[k] == nil {
			sums[k] = &httpapi.Job{Kind: s.Kind, Employer: s.Employer, Site: s.Site}
		}
		sums[k].Shifts++
		if s.Kind != eventschema.ShiftTask { // it takes up no time
			sums[k].Planned += s.EndsAt.Sub(s.StartsAt)
		}
		sums[k].Worked += s.Mark.Worked
	}
	var jobs []httpapi.Job
	for _, job := range sums {
		jobs = append(jobs, *job)
	}
	slices.SortFunc(jobs, func(a, b httpapi.Job) int {
		return cmp.Or(cmp.Compare(a.Employer, b.Employer), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Kind, b.Kind))
	})
	return jobs
}
