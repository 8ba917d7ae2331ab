package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// onDay is a day that a question may be put to; empty for none.
func onDay(text string) error {
	if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
		return &coded{code: exitUsage, err: fmt.Errorf("a day is written 2006-01-02, not %q", text)}
	}
	return nil
}

type classesList struct {
	dataFlags
	momentFlags
	On   string `help:"Only classes taught on this day, 2006-01-02, with their people of that day." placeholder:"DAY"`
	Site string `help:"Code of one site." placeholder:"CODE"`
	JSON bool   `name:"json" help:"Print one JSON object for each class."`
}

// Run lists classes.
func (c classesList) Run(ctx context.Context, t *terminal) error {
	if err := onDay(c.On); err != nil {
		return err
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, _ *app.App, w *app.World) error {
		classes, err := w.Classes(ctx, projections.ClassesAsked{On: c.On, Site: c.Site})
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(classes))
		for _, k := range classes {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{
					"class": k.ClassID, "source": k.Source, "source_id": k.SourceID, "code": k.Code, "course": k.Course, "title": k.Title, "site": k.Site, "zone": k.Zone,
					"starts_on": k.StartsOn, "ends_on": k.EndsOn, "ended_on": k.EndedOn, "students": k.Students, "others": k.Others,
				}); err != nil {
					return err
				}
				continue
			}
			ends := k.EndsOn
			if k.EndedOn != "" {
				ends = k.EndedOn
			}
			rows = append(rows, []string{k.ClassID.String(), printable(k.Title), dash(printable(k.Code)), dash(printable(k.Site)), dash(k.StartsOn), dash(ends), strconv.Itoa(k.Students), strconv.Itoa(k.Others)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "CLASS|TITLE|CODE|SITE|STARTS|OVER ON|STUDENTS|OTHERS", rows)
	})
}

type classesRoll struct {
	dataFlags
	momentFlags
	Class uuid.UUID `help:"Class id." placeholder:"ID"`
	Work  uuid.UUID `help:"Work id of one person." placeholder:"ID"`
	On    string    `help:"Only enrolments of this day, 2006-01-02." placeholder:"DAY"`
	JSON  bool      `name:"json" help:"Print one JSON object for each enrolment."`
}

// Run shows enrolments.
func (c classesRoll) Run(ctx context.Context, t *terminal) error {
	if err := onDay(c.On); err != nil {
		return err
	}
	if c.Class == uuid.Nil && c.Work == uuid.Nil {
		return &coded{code: exitUsage, err: errors.New("name a class (--class) or a person (--work)")}
	}
	asked := projections.EnrolmentsAsked{On: c.On}
	if c.Class != uuid.Nil {
		asked.Classes = []uuid.UUID{c.Class}
	}
	if c.Work != uuid.Nil {
		asked.Works = []uuid.UUID{c.Work}
	}
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		members, err := w.Members(ctx, operator(a), asked)
		if err != nil {
			return err
		}
		return printMembers(ctx, t, a, members, c.JSON)
	})
}

func printMembers(ctx context.Context, t *terminal, a *app.App, members []app.Member, asJSON bool) error {
	names := make([]httpapi.Personal, len(members))
	for i := range members {
		names[i] = members[i].Name
	}
	release, err := released(ctx, a, "classes-roll", names...)
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(members))
	for _, m := range members {
		if asJSON {
			if err := printJSON(t.out, map[string]any{
				"class": m.ClassID, "work_id": m.WorkID, "name": personalOf(m.Name, release), "role": m.Role, "begins_on": m.BeginsOn, "ends_on": m.EndsOn,
				"reason": m.Reason, "told_at": m.OpenedAt,
			}); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{m.ClassID.String(), m.WorkID.String(), shown(m.Name, release), string(m.Role), m.BeginsOn, dash(m.EndsOn), dash(string(m.Reason))})
	}
	if asJSON {
		return nil
	}
	return table(t.out, "CLASS|WORK ID|NAME|ROLE|SINCE|OVER ON|WHY", rows)
}

type classesSessions struct {
	dataFlags
	momentFlags
	Class   uuid.UUID `help:"Class id." required:""`
	Session uuid.UUID `help:"Only this session." placeholder:"ID"`
	From    string    `help:"First day, 2006-01-02." placeholder:"DAY"`
	To      string    `help:"Last day." placeholder:"DAY"`
	JSON    bool      `name:"json" help:"Print one JSON object for each student and session."`
}

// Run shows who attended.
func (c classesSessions) Run(ctx context.Context, t *terminal) error {
	return c.inWorld(ctx, t, c.dataFlags, func(ctx context.Context, a *app.App, w *app.World) error {
		asked := projections.SessionsAsked{Classes: []uuid.UUID{c.Class}}
		if c.Session != uuid.Nil {
			asked.Sessions = []uuid.UUID{c.Session}
		}
		if c.From != "" || c.To != "" {
			zone, err := a.ZoneOfClass(ctx, c.Class)
			if err != nil {
				return err
			}
			if asked.From, asked.To, err = (spanFlags{From: c.From, To: c.To, Zone: zone}).span(); err != nil {
				return err
			}
		}
		rolls, err := w.SessionRolls(ctx, operator(a), asked)
		if err != nil {
			return err
		}
		return printRolls(ctx, t, a, rolls, c.JSON)
	})
}

func printRolls(ctx context.Context, t *terminal, a *app.App, rolls []app.SessionRoll, asJSON bool) error {
	var names []httpapi.Personal
	for _, roll := range rolls {
		for _, s := range roll.Students {
			names = append(names, s.Name)
		}
	}
	release, err := released(ctx, a, "classes-sessions", names...)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, roll := range rolls {
		if asJSON {
			if err := printJSON(t.out, rollJSON(roll, release)); err != nil {
				return err
			}
			continue
		}
		if len(roll.Students) == 0 || roll.CancelledAt != nil {
			rows = append(rows, []string{roll.SessionID.String(), roll.StartsLocal, "-", "-", sessionState(roll), ""})
		}
		for _, s := range roll.Students {
			now, before := marksInWords(s.Marks)
			rows = append(rows, []string{roll.SessionID.String(), roll.StartsLocal, s.WorkID.String(), shown(s.Name, release), now, before})
		}
	}
	if asJSON {
		return nil
	}
	return table(t.out, "SESSION|STARTS|WORK ID|NAME|ATTENDANCE|BEFORE IT WAS CORRECTED", rows)
}

func sessionState(roll app.SessionRoll) string {
	if roll.CancelledAt != nil {
		return "cancelled (" + roll.Reason + ")"
	}
	return "planned"
}

// marksInWords says what counts and what was corrected, with why.
func marksInWords(marks []projections.Mark) (now, before string) {
	now = "not marked"
	var earlier []string
	for i, m := range marks {
		said := string(m.State)
		if m.State == eventschema.MarkLate {
			said = fmt.Sprintf("late by %d min", m.LateMinutes)
		}
		if m.Counts {
			now = said
			continue
		}
		earlier = append(earlier, fmt.Sprintf("%s, until %s: %s", said, marks[i+1].MarkedAt.Format(time.RFC3339), marks[i+1].Reason))
	}
	return now, strings.Join(earlier, "; ")
}

func rollJSON(roll app.SessionRoll, release httpapi.Release) map[string]any {
	students := make([]map[string]any, 0, len(roll.Students))
	for _, s := range roll.Students {
		student := map[string]any{"work_id": s.WorkID, "name": personalOf(s.Name, release), "state": "", "marks": []map[string]any{}}
		marks := make([]map[string]any, 0, len(s.Marks))
		for _, m := range s.Marks {
			one := map[string]any{"mark": m.MarkID, "state": m.State, "late_minutes": m.LateMinutes, "marked_at": m.MarkedAt, "marked_by": m.MarkedBy, "counts": m.Counts}
			if m.Corrects != uuid.Nil {
				one["corrects"], one["reason"] = m.Corrects, m.Reason
			}
			if m.Counts {
				student["state"], student["late_minutes"] = m.State, m.LateMinutes
			}
			marks = append(marks, one)
		}
		student["marks"] = marks
		students = append(students, student)
	}
	out := map[string]any{
		"session": roll.SessionID, "class": roll.ClassID, "starts_local": roll.StartsLocal, "ends_local": roll.EndsLocal, "zone": roll.Zone, "starts_at": roll.StartsAt,
		"ends_at": roll.EndsAt, "students": students,
	}
	if roll.CancelledAt != nil {
		out["cancelled_at"], out["reason"] = roll.CancelledAt, roll.Reason
	}
	return out
}

type classesMark struct {
	classStep
	Session uuid.UUID `help:"Session id." required:""`
	Mark    []string  `help:"Work id and present, absent, excused or late:MINUTES; may be repeated." placeholder:"WORK=STATE"`
	Others  string    `help:"How everybody else attended who is enrolled and not marked yet: present or absent." enum:",present,absent" default:""`
	Reason  string    `help:"Why marks are corrected: arrived_after_all, excused_since, not_excused, wrong_mark or wrong_student." placeholder:"CODE"`
}

// Run marks students, each by an append of their own; one that is refused stops the
// rest, and giving the same command again goes on.
func (c classesMark) Run(ctx context.Context, t *terminal) error {
	marks, err := c.marks()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		if c.Others != "" {
			if marks, err = c.andOthers(ctx, a, marks); err != nil {
				return err
			}
		}
		for _, mark := range marks {
			intent, err := intentOf(t, a, c.Officer)
			if err != nil {
				return err
			}
			mark.MarkedAt = t.clock()
			if _, err := a.MarkAttendance(ctx, intent, c.Class, c.Session, mark); err != nil {
				return fmt.Errorf("%s: %w", mark.WorkID, err)
			}
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		rolls, err := a.Today().SessionRolls(ctx, operator(a), projections.SessionsAsked{Sessions: []uuid.UUID{c.Session}})
		if err != nil {
			return err
		}
		return printRolls(ctx, t, a, rolls, c.JSON)
	})
}

// marks reads --mark.
func (c classesMark) marks() ([]course.Mark, error) {
	if len(c.Mark) == 0 && c.Others == "" {
		return nil, errors.New("say how somebody attended: --mark WORK=present, or --others present")
	}
	var marks []course.Mark
	for _, text := range c.Mark {
		who, state, ok := strings.Cut(text, "=")
		work, err := uuid.Parse(who)
		if !ok || err != nil {
			return nil, fmt.Errorf("a mark is written WORK=STATE, with a work id, not %q", text)
		}
		mark := course.Mark{WorkID: work, State: eventschema.MarkState(state), Reason: eventschema.MarkReason(c.Reason)}
		if minutes, late := strings.CutPrefix(state, "late:"); late {
			mark.State = eventschema.MarkLate
			if mark.LateMinutes, err = strconv.Atoi(minutes); err != nil {
				return nil, fmt.Errorf("late is written late:MINUTES, not %q", state)
			}
		}
		if slices.ContainsFunc(marks, func(m course.Mark) bool { return m.WorkID == work }) {
			return nil, fmt.Errorf("%s is named twice", work)
		}
		marks = append(marks, mark)
	}
	return marks, nil
}

// andOthers adds everybody who is enrolled, not named and not marked yet.
func (c classesMark) andOthers(ctx context.Context, a *app.App, marks []course.Mark) ([]course.Mark, error) {
	rolls, err := a.Today().SessionRolls(ctx, operator(a), projections.SessionsAsked{Classes: []uuid.UUID{c.Class}, Sessions: []uuid.UUID{c.Session}})
	if err != nil {
		return nil, err
	}
	named := marks
	for _, roll := range rolls {
		for _, s := range roll.Students {
			gone := s.Name.State() == eventschema.StateErased
			if len(s.Marks) == 0 && !gone && !slices.ContainsFunc(named, func(m course.Mark) bool { return m.WorkID == s.WorkID }) {
				marks = append(marks, course.Mark{WorkID: s.WorkID, State: eventschema.MarkState(c.Others)})
			}
		}
	}
	return marks, nil
}
