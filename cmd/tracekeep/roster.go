package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/domain/localtime"
	"tracekeep/projections"
)

// spanFlags are the days that a roster is asked for.
type spanFlags struct {
	From string `help:"First day, 2006-01-02." required:""`
	To   string `help:"Last day, 2006-01-02." required:""`
	Zone string `help:"IANA zone in which the days begin." default:"UTC"`
}

// span gives the instants between which the days lie.
func (s spanFlags) span() (from, to time.Time, err error) {
	loc, err := zoneIn(s.Zone)
	if err != nil {
		return from, to, err
	}
	if err := checkDays(s.From, s.To); err != nil {
		return from, to, err
	}
	first, _ := time.Parse(time.DateOnly, s.From)
	last, _ := time.Parse(time.DateOnly, s.To)
	return localtime.Midnight(first, loc), localtime.Midnight(last.AddDate(0, 0, 1), loc), nil
}

// zoneIn is the zone of a flag.
func zoneIn(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, &coded{code: exitUsage, err: fmt.Errorf("%q is no IANA zone, such as America/New_York", name)}
	}
	return loc, nil
}

type rosterCommand struct {
	dataFlags
	momentFlags
	spanFlags
	Site string `help:"Code of one site." placeholder:"CODE"`
	JSON bool   `name:"json" help:"Print one JSON object for each shift."`
}

// Help implements kong's help provider.
func (rosterCommand) Help() string {
	return `Lists the shifts that overlap some days, with the people who were asked or assigned, by work id; or as it was at a moment.

Examples:
  tracekeep roster --data ./records --from 2026-05-04 --to 2026-05-10
  tracekeep roster --data ./records --from 2026-05-04 --to 2026-05-10 --zone America/New_York --site harbor_st --json
  tracekeep roster --data ./records --from 2026-05-04 --to 2026-05-10 --as-of 2026-05-01`
}

// Run shows the roster.
func (c rosterCommand) Run(ctx context.Context, t *terminal) error {
	from, to, err := c.span()
	if err != nil {
		return err
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		roster, err := w.Roster(ctx, operator(a), projections.ShiftsAsked{From: from, To: to, Site: c.Site})
		if err != nil {
			return err
		}
		return printRoster(t, roster, c.JSON)
	})
}

type shiftsList struct {
	dataFlags
	Open bool   `help:"Only the shifts with a free place."`
	Site string `help:"Code of one site." placeholder:"CODE"`
	JSON bool   `name:"json" help:"Print one JSON object for each shift."`
}

// Run lists shifts.
func (c shiftsList) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		roster, err := a.Roster(ctx, operator(a), projections.ShiftsAsked{Site: c.Site, Open: c.Open})
		if err != nil {
			return err
		}
		return printRoster(t, roster, c.JSON)
	})
}

// placeJSON is one person and one shift.
type placeJSON struct {
	WorkID        uuid.UUID `json:"work_id"`
	State         string    `json:"state"`
	Strategy      string    `json:"strategy,omitempty"`
	Rank          int       `json:"rank,omitempty"`
	Points        int       `json:"points,omitempty"`
	Attendance    string    `json:"attendance,omitempty"`
	LateMinutes   int64     `json:"late_minutes,omitempty"`
	WorkedMinutes int64     `json:"worked_minutes,omitempty"`
}

func printRoster(t *terminal, roster []httpapi.RosterShift, asJSON bool) error {
	rows := make([][]string, 0, len(roster))
	for _, s := range roster {
		if !asJSON {
			var people []string
			for _, p := range s.Places {
				people = append(people, p.WorkID.String()+" "+string(p.State))
			}
			rows = append(rows, []string{
				s.ShiftID.String(), s.StartsLocal, s.EndsLocal, s.Zone, string(s.Kind), s.Employer, s.Site, string(s.State()),
				fmt.Sprintf("%d/%d", s.Assigned, s.Headcount), strings.Join(people, ", "),
			})
			continue
		}
		places := make([]placeJSON, 0, len(s.Places))
		for _, p := range s.Places {
			places = append(places, placeJSON{
				WorkID: p.WorkID, State: string(p.State), Strategy: string(p.Strategy), Rank: p.Rank, Points: p.Points, Attendance: string(p.Attendance),
				LateMinutes: p.LateMinutes, WorkedMinutes: p.WorkedMinutes,
			})
		}
		out := map[string]any{
			"shift": s.ShiftID, "kind": s.Kind, "employer": s.Employer, "site": s.Site, "zone": s.Zone, "starts_local": s.StartsLocal,
			"ends_local": s.EndsLocal, "starts_at": s.StartsAt, "ends_at": s.EndsAt, "headcount": s.Headcount, "assigned": s.Assigned,
			"state": s.State(), "people": places,
		}
		if s.RosterID != uuid.Nil {
			out["roster"] = s.RosterID
		}
		if s.Qualification != "" {
			out["qualification"] = s.Qualification
		}
		if s.RespondBy != nil {
			out["respond_by"] = s.RespondBy
		}
		if err := printJSON(t.out, out); err != nil {
			return err
		}
	}
	if asJSON {
		return nil
	}
	return table(t.out, "SHIFT|STARTS|ENDS|ZONE|KIND|EMPLOYER|SITE|STATE|PLACES|PEOPLE", rows)
}

type attendanceCommand struct {
	dataFlags
	momentFlags
	spanFlags
	JSON bool `name:"json" help:"Print one JSON object for each person and shift."`
}

// Help implements kong's help provider.
func (attendanceCommand) Help() string {
	return `Compares the shifts that begin on some days with the time that punches say was worked. Five minutes at either end are
within the grace (version 1). Work that belongs to no shift of its person is unscheduled; a shift that is not over is pending.

Examples:
  tracekeep attendance --data ./records --from 2026-05-04 --to 2026-05-10
  tracekeep attendance --data ./records --from 2026-05-04 --to 2026-05-10 --zone America/New_York --json
  tracekeep attendance --data ./records --from 2026-05-04 --to 2026-05-10 --known-at 2026-05-11T09:00:00Z`
}

// Run compares the roster with the time worked.
func (c attendanceCommand) Run(ctx context.Context, t *terminal) error {
	from, to, err := c.span()
	if err != nil {
		return err
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, _ *app.App, w *app.World) error {
		marks, err := w.Attendance(ctx, assignment.DefaultGrace(), from, to)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(marks))
		for _, m := range marks {
			if c.JSON {
				if err := printJSON(t.out, markJSON(m)); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{
				m.WorkID.String(), idOrDash(m.ShiftID), m.Start.Format(time.RFC3339), string(m.Attendance),
				fmt.Sprint(int64(m.Late / time.Minute)), fmt.Sprint(int64(m.EarlyLeave / time.Minute)), hoursAndMinutes(int64(m.Worked / time.Second)),
			})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "WORK ID|SHIFT|STARTS|ATTENDANCE|LATE|EARLY|WORKED", rows)
	})
}

func markJSON(m assignment.Mark) map[string]any {
	out := map[string]any{
		"work_id": m.WorkID, "attendance": m.Attendance, "starts_at": m.Start, "late_minutes": int64(m.Late / time.Minute),
		"early_leave_minutes": int64(m.EarlyLeave / time.Minute), "worked_seconds": int64(m.Worked / time.Second), "grace_version": m.GraceVersion,
	}
	if m.ShiftID != uuid.Nil {
		out["shift"] = m.ShiftID
	}
	for name, at := range map[string]time.Time{"ends_at": m.End, "arrived_at": m.Arrived, "left_at": m.Left} {
		if !at.IsZero() {
			out[name] = at
		}
	}
	return out
}
