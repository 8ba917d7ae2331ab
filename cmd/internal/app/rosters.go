package app

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Roster implements [httpapi.Workforce]. Of a question about one work record only its
// own places are listed.
func (w *World) Roster(ctx context.Context, _ httpapi.Principal, asked projections.ShiftsAsked) ([]httpapi.RosterShift, error) {
	roster, err := w.roster(ctx, asked)
	return roster, outward(err)
}

// Roster implements [httpapi.Workforce].
func (a *App) Roster(ctx context.Context, by httpapi.Principal, asked projections.ShiftsAsked) ([]httpapi.RosterShift, error) {
	return a.Today().Roster(ctx, by, asked)
}

func (w *World) roster(ctx context.Context, asked projections.ShiftsAsked) ([]httpapi.RosterShift, error) {
	shifts, err := projections.Shifts(ctx, w.q, w.a.tenant, asked)
	if err != nil || len(shifts) == 0 {
		return nil, err
	}
	ids, index := make([]uuid.UUID, len(shifts)), map[uuid.UUID]int{}
	roster := make([]httpapi.RosterShift, len(shifts))
	for i, s := range shifts {
		ids[i], index[s.ShiftID], roster[i].Shift = s.ShiftID, i, s
	}
	places, err := projections.PlacesOf(ctx, w.q, w.a.tenant, ids)
	if err != nil {
		return nil, err
	}
	for _, p := range places {
		if asked.Work != uuid.Nil && p.WorkID != asked.Work {
			continue
		}
		of := &roster[index[p.ShiftID]]
		of.Places = append(of.Places, p)
	}
	return roster, nil
}

// Attendance implements [httpapi.Workforce].
func (a *App) Attendance(ctx context.Context, _ httpapi.Principal, from, to time.Time) ([]assignment.Mark, error) {
	marks, err := a.Today().Attendance(ctx, assignment.DefaultGrace(), from, to)
	return marks, outward(err)
}

// Attendance compares the shifts that begin between two instants with the time
// worked. Unscheduled work is listed where it begins between them.
func (w *World) Attendance(ctx context.Context, grace assignment.Grace, from, to time.Time) ([]assignment.Mark, error) {
	// Work of a shift may begin before it, and that of an earlier one end within.
	const around = 48 * time.Hour
	assigned, err := projections.AssignmentsOf(ctx, w.q, w.a.tenant, nil, from.Add(-around), to.Add(around))
	if err != nil {
		return nil, err
	}
	var duties []assignment.Duty
	for _, s := range assigned {
		duties = append(duties, assignment.Duty{ShiftID: s.ShiftID, WorkID: s.WorkID, Start: s.StartsAt, End: s.EndsAt})
	}
	worked, err := w.worked(ctx, from.Add(-around), to.Add(around))
	if err != nil {
		return nil, err
	}
	var marks []assignment.Mark
	for _, m := range grace.Attend(duties, worked, w.now()) {
		if !m.Start.Before(from) && m.Start.Before(to) {
			marks = append(marks, m)
		}
	}
	return marks, nil
}

// worked lists the time worked that may lie between two instants, and who is in.
func (w *World) worked(ctx context.Context, from, to time.Time) ([]assignment.Presence, error) {
	return w.presences(ctx, projections.Days{
		From: from.AddDate(0, 0, -1).UTC().Format(time.DateOnly), To: to.AddDate(0, 0, 1).UTC().Format(time.DateOnly),
	})
}

// presences lists the time worked on some days, and who of them is in.
func (w *World) presences(ctx context.Context, days projections.Days) ([]assignment.Presence, error) {
	intervals, err := projections.IntervalsOf(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return nil, err
	}
	var worked []assignment.Presence
	for _, i := range intervals {
		worked = append(worked, assignment.Presence{WorkID: i.WorkID, Start: i.Start, End: i.End})
	}
	present, err := projections.WhoIsIn(ctx, w.q, w.a.tenant, w.now())
	if err != nil {
		return nil, err
	}
	for _, p := range present {
		if len(days.Works) == 0 || slices.Contains(days.Works, p.WorkID) {
			worked = append(worked, assignment.Presence{WorkID: p.WorkID, Start: p.Since})
		}
	}
	return worked, nil
}

// CompleteShift closes a shift that is over: attendance is what the punches say by
// now, the ratings are given by work id, and who is not rated is unrated.
func (a *App) CompleteShift(ctx context.Context, intent httpapi.Intent, shift uuid.UUID, ratings map[uuid.UUID]eventschema.QualityRating) (httpapi.Receipt, error) {
	view, err := a.Shift(ctx, shift)
	if err != nil {
		return httpapi.Receipt{}, err
	}
	marks, err := a.Today().Attendance(ctx, assignment.DefaultGrace(), view.StartsAt, view.StartsAt.Add(1))
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	command := assignment.Complete{GraceVersion: assignment.DefaultGrace().Version, CompletedAt: a.clock(), CompletedBy: intent.Principal.ID}
	for work := range ratings {
		if !view.Assigned(work) {
			return httpapi.Receipt{}, outwardShift(assignment.ErrResults)
		}
	}
	if view.Kind == eventschema.ShiftTask {
		for _, place := range view.Places {
			marks = append(marks, assignment.Mark{ShiftID: shift, WorkID: place.WorkID, Attendance: eventschema.AttendanceNone})
		}
	}
	for _, m := range marks {
		if m.ShiftID != shift {
			continue
		}
		command.Results = append(command.Results, eventschema.ShiftResult{
			WorkID: m.WorkID, Attendance: m.Attendance, LateMinutes: int64(m.Late / time.Minute), Worked: int64(m.Worked / time.Minute),
			Rating: cmp.Or(ratings[m.WorkID], eventschema.RatingNone),
		})
	}
	outcome, err := a.handleShift(ctx, intent, shift, command)
	if err != nil {
		return httpapi.Receipt{}, outwardShift(err)
	}
	return receipt(outcome), nil
}
