package app

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// performanceField is what was shown, as the record of readings names it.
const performanceField = string(eventschema.CategoryPerformance) + ".measures"

// Performance implements [httpapi.Workforce]. It is computed from what is there
// anyhow, at the moment it is asked for, and kept nowhere.
func (w *World) Performance(ctx context.Context, by httpapi.Principal, q httpapi.PerformanceQuestion) (httpapi.PerformanceView, error) {
	var view httpapi.PerformanceView
	var err error
	if view.WorkID, view.Link, err = w.a.whose(ctx, by, q.Whose); err != nil {
		return view, err
	}
	if view.Name, err = w.a.nameOf(ctx, by, view.WorkID); err != nil {
		return view, outward(err)
	}
	if view.Measured = measuredOf(view.WorkID, view.Name); view.Measured.State() != eventschema.StateClear {
		return view, nil
	}
	shifts, err := w.pastShifts(ctx, projections.ShiftsAsked{Work: view.WorkID, From: q.From, To: earlier(q.To, w.now())}, daysAround(view.WorkID, q.From, q.To))
	if err != nil {
		return view, outward(err)
	}
	view.Shifts = slices.DeleteFunc(shifts, func(s httpapi.PastShift) bool { return s.StartsAt.Before(q.From) })
	outcomes := make([]assignment.Outcome, len(view.Shifts))
	for i, s := range view.Shifts {
		outcomes[i] = assignment.Outcome{
			ShiftID: s.ShiftID, Kind: s.Kind, Start: s.StartsAt, End: s.EndsAt, Cancelled: s.CancelledAt != nil, Mark: s.Mark, Rating: s.Rating,
		}
		if s.CompletedAt != nil {
			outcomes[i].CompletedAt = *s.CompletedAt
		}
	}
	view.Figures = assignment.Measures(outcomes, w.now())
	return view, nil
}

// measuredOf stands for the performance of somebody in the record of readings. Who is
// withheld from a reader, restricted or erased, is not judged for that reader either.
func measuredOf(work uuid.UUID, name httpapi.Personal) httpapi.Personal {
	switch name.State() {
	case eventschema.StateClear, eventschema.StateAbsent:
	default:
		return name
	}
	subject := name.Of.Subject
	if subject == uuid.Nil {
		subject = work
	}
	return httpapi.Personal{Personal: eventschema.Clear("shown"), Of: httpapi.ValueOf{
		Subject: subject, ShownValue: eventschema.ShownValue{Field: performanceField, Purpose: eventschema.PurposeWork},
	}}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// daysAround are the work dates on which the shifts of a period may have been worked.
func daysAround(work uuid.UUID, from, to time.Time) projections.Days {
	const around = 2 // a shift may begin on the eve, and end when the period is over
	return projections.Days{
		Works: only(work), From: from.UTC().AddDate(0, 0, -around).Format(time.DateOnly), To: to.UTC().AddDate(0, 0, around).Format(time.DateOnly),
	}
}
