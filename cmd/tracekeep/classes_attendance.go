package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/course"
	"tracekeep/projections"
)

type classesAttendance struct {
	dataFlags
	momentFlags
	Class    uuid.UUID `help:"Class id." required:""`
	Work     uuid.UUID `help:"Work id of one student." placeholder:"ID"`
	From     string    `help:"First day, 2006-01-02, by the clock of the class." placeholder:"DAY"`
	To       string    `help:"Last day." placeholder:"DAY"`
	Counting string    `help:"Rules of what counts (YAML): version, excused (left_out, attended or missed) and missed_from_minutes (how late is missed; 0: never). Default: version 1, left_out, 0." type:"existingfile" placeholder:"FILE"`
	JSON     bool      `name:"json" help:"Print one JSON object for each student."`
}

// Run shows how much of a class its students attended.
func (c classesAttendance) Run(ctx context.Context, t *terminal) error {
	counting, err := readCounting(c.Counting)
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		zone, err := a.ZoneOfClass(ctx, c.Class)
		if err != nil {
			return err
		}
		asked := projections.SessionsAsked{Classes: []uuid.UUID{c.Class}}
		if c.From != "" || c.To != "" {
			if asked.From, asked.To, err = (spanFlags{From: c.From, To: c.To, Zone: zone}).span(); err != nil {
				return err
			}
		}
		rows, err := w.ClassAttendance(ctx, operator(a), asked, c.Work, counting)
		if err != nil {
			return err
		}
		return printAttendance(ctx, t, a, rows, counting, c.JSON)
	})
}

// readCounting reads rules of counting, or answers those that count without a file.
func readCounting(path string) (course.Counting, error) {
	counting := course.DefaultCounting()
	if path == "" {
		return counting, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return counting, err
	}
	written := struct {
		Version int    `yaml:"version"`
		Excused string `yaml:"excused"`
		Minutes int    `yaml:"missed_from_minutes"`
	}{Excused: string(counting.Excused)}
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	if err := errors.Join(decoder.Decode(&written), file.Close()); err != nil {
		return counting, fmt.Errorf("%s: %w", path, err)
	}
	counting = course.Counting{Version: written.Version, Excused: course.Counted(written.Excused), MissedFrom: time.Duration(written.Minutes) * time.Minute}
	if err := counting.Validate(); err != nil {
		return counting, fmt.Errorf("%s: %w", path, err)
	}
	return counting, nil
}

func printAttendance(ctx context.Context, t *terminal, a *app.App, attended []app.StudentAttendance, counting course.Counting, asJSON bool) error {
	names := make([]httpapi.Personal, len(attended))
	for i := range attended {
		names[i] = attended[i].Name
	}
	release, err := released(ctx, a, "classes-attendance", names...)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(attended))
	for _, s := range attended {
		share, counts := s.PerMille()
		percent := "-"
		if counts {
			percent = fmt.Sprintf("%d.%d %%", share/10, share%10)
		}
		if asJSON {
			one := map[string]any{
				"class": s.ClassID, "work_id": s.WorkID, "name": personalOf(s.Name, release), "sessions": s.Sessions, "cancelled": s.Cancelled, "not_marked": s.NotMarked,
				"present": s.Present, "late": s.Late, "late_minutes": s.LateMinutes, "too_late": s.TooLate, "absent": s.Absent, "excused": s.Excused,
				"attended": s.Attended, "missed": s.Missed, "counting_version": counting.Version,
			}
			if counts {
				one["attended_per_mille"] = share
			}
			if err := printJSON(t.out, one); err != nil {
				return err
			}
			continue
		}
		row := []string{s.WorkID.String(), shown(s.Name, release), percent, fmt.Sprintf("%d of %d", s.Attended, s.Attended+s.Missed)}
		for _, n := range []int{s.Sessions, s.Present, s.Late, s.TooLate, s.Absent, s.Excused, s.NotMarked, s.Cancelled} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	if asJSON {
		return nil
	}
	if err := table(t.out, "WORK ID|NAME|ATTENDED|COUNTED|SESSIONS|PRESENT|LATE|TOO LATE|ABSENT|EXCUSED|NOT MARKED|CANCELLED", rows); err != nil {
		return err
	}
	late := "however late"
	if counting.MissedFrom > 0 {
		late = fmt.Sprintf("up to %d minutes late", int(counting.MissedFrom/time.Minute)-1)
	}
	_, err = fmt.Fprintf(t.out, "counted (rules of version %d): present, and %s, as attended; excused as %s; not marked as neither\n", counting.Version, late, counting.Excused)
	return err
}
