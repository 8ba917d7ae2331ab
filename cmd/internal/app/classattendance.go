package app

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// StudentAttendance is how one student attended one class.
type StudentAttendance struct {
	ClassID uuid.UUID
	WorkID  uuid.UUID
	Name    httpapi.Personal
	course.Attendance
}

// ClassAttendance adds up how students attended the sessions of some classes, by class
// and work id; of one student only where work is not nil.
func (w *World) ClassAttendance(ctx context.Context, by httpapi.Principal, asked projections.SessionsAsked, work uuid.UUID, counting course.Counting) ([]StudentAttendance, error) {
	rolls, err := w.SessionRolls(ctx, by, asked)
	if err != nil {
		return nil, err
	}
	type key struct{ class, work uuid.UUID }
	of := map[key]*StudentAttendance{}
	for _, roll := range rolls {
		for _, s := range roll.Students {
			if work != uuid.Nil && s.WorkID != work {
				continue
			}
			k := key{roll.ClassID, s.WorkID}
			if of[k] == nil {
				of[k] = &StudentAttendance{ClassID: roll.ClassID, WorkID: s.WorkID, Name: s.Name}
			}
			state, late := eventschema.MarkState(""), 0
			for _, m := range s.Marks {
				if m.Counts {
					state, late = m.State, m.LateMinutes
				}
			}
			of[k].Attendance = counting.Add(of[k].Attendance, roll.CancelledAt != nil, state, late)
		}
	}
	rows := make([]StudentAttendance, 0, len(of))
	for _, row := range of {
		rows = append(rows, *row)
	}
	slices.SortFunc(rows, func(x, y StudentAttendance) int {
		if c := slices.Compare(x.ClassID[:], y.ClassID[:]); c != 0 {
			return c
		}
		return slices.Compare(x.WorkID[:], y.WorkID[:])
	})
	return rows, nil
}
