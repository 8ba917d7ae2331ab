package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
)

type classesCommand struct {
	List       classesList       `cmd:"" help:"List classes, with how many people belong to each."`
	Roll       classesRoll       `cmd:"" help:"Show who is enrolled in a class and since when, or in which classes somebody is."`
	Sessions   classesSessions   `cmd:"" help:"Show how students attended the sessions of a class, corrections included."`
	Attendance classesAttendance `cmd:"" help:"Show how much of a class its students attended, and the figures behind it."`
	Define     classesDefine     `cmd:"" help:"Define a class, or change what is known of it."`
	End        classesEnd        `cmd:"" help:"End a class before its time."`
	Plan       classesPlan       `cmd:"" help:"Plan a session of a class, or those of a weekly timetable."`
	Cancel     classesCancel     `cmd:"" help:"Call a session off."`
	Enrol      classesEnrol      `cmd:"" help:"Enrol somebody in a class."`
	Withdraw   classesWithdraw   `cmd:"" help:"End somebody's enrolment."`
	Mark       classesMark       `cmd:"" help:"Mark who was present, absent, late or excused; correct a mark."`
}

// Help implements kong's help provider.
func (classesCommand) Help() string {
	return `Classes and enrolments usually come from the school's own program: see tracekeep import --help. What is said here by
hand is overruled when that program says something else.

People are named by work id (tracekeep query people lists them). A mark is never edited: another one for the same student
and session is a correction, which needs its reason and leaves both to be seen.

Examples:
  tracekeep classes list --data ./records --on 2026-10-26
  tracekeep classes define --data ./records --id chem-1 --title "Basic Chemistry" --site main --zone Europe/Vienna
  tracekeep classes enrol --data ./records --class CLASS --work WORK --from 2026-09-07
  tracekeep classes plan --data ./records --class CLASS --start "2026-10-26 09:00" --end "2026-10-26 09:45" --repeat mon,wed --until 2026-12-18
  tracekeep classes mark --data ./records --class CLASS --session SESSION --mark WORK=late:7 --mark WORK=absent --others present
  tracekeep classes mark --data ./records --class CLASS --session SESSION --mark WORK=excused --reason excused_since
  tracekeep classes sessions --data ./records --class CLASS --from 2026-10-26 --to 2026-10-30 --json
  tracekeep classes attendance --data ./records --class CLASS --from 2026-09-01 --to 2027-01-31 --counting ours.yaml`
}

// classStep is what every command needs that changes something.
type classStep struct {
	dataFlags
	Class   uuid.UUID `help:"Class id." required:""`
	Officer uuid.UUID `help:"Id of who answers for it; default: the operator of the data folder." placeholder:"ID"`
	JSON    bool      `name:"json" help:"Print one JSON object for each line."`
}

// intentOf is an intent of its own each time it is asked for.
func intentOf(t *terminal, a *app.App, officer uuid.UUID) (httpapi.Intent, error) {
	id, err := uuid.NewRandomFromReader(t.random)
	return httpapi.Intent{Principal: answering(a, officer), Key: id.String()}, err
}

// do runs one step and says what became of it.
func (c classStep) do(ctx context.Context, t *terminal, step func(context.Context, *app.App, httpapi.Intent) (httpapi.Receipt, error)) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent, err := intentOf(t, a, c.Officer)
		if err != nil {
			return err
		}
		receipt, err := step(ctx, a, intent)
		if err != nil {
			return err
		}
		return printChange(t, c.Class, receipt, c.JSON)
	})
}

func printChange(t *terminal, class uuid.UUID, receipt httpapi.Receipt, asJSON bool) error {
	if asJSON {
		return printJSON(t.out, map[string]any{"class": class, "changed": !receipt.Repeated, "position": receipt.Position})
	}
	said := "recorded"
	if receipt.Repeated {
		said = "nothing to change"
	}
	return table(t.out, "CLASS|", [][]string{{class.String(), said}})
}

type classesDefine struct {
	dataFlags
	Source   string    `help:"Name of the program whose id --id is." default:"tracekeep"`
	ID       string    `help:"Id of the class in that program; it names the class for ever." required:""`
	Title    string    `help:"Title of the course. Not of the class: no name of a teacher belongs here." required:""`
	Code     string    `help:"Code of the class."`
	Course   string    `help:"Code of the course."`
	Site     string    `help:"Code of the school or centre."`
	Zone     string    `help:"IANA zone of the site, such as Europe/Vienna." required:""`
	StartsOn string    `help:"First day, 2006-01-02." placeholder:"DAY"`
	EndsOn   string    `help:"First day on which it is over." placeholder:"DAY"`
	Officer  uuid.UUID `help:"Id of who answers for it; default: the operator of the data folder." placeholder:"ID"`
	JSON     bool      `name:"json" help:"Print one JSON object."`
}

// Run defines a class.
func (c classesDefine) Run(ctx context.Context, t *terminal) error {
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "Local" {
		return &coded{code: exitUsage, err: fmt.Errorf("%q is no IANA zone, such as America/New_York", c.Zone)}
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent, err := intentOf(t, a, c.Officer)
		if err != nil {
			return err
		}
		receipt, class, err := a.DefineClass(ctx, intent, course.Define{
			Source: c.Source, SourceID: c.ID, DefinedAt: t.clock(),
			Facts: course.Facts{Code: c.Code, Course: c.Course, Title: c.Title, Site: c.Site, Zone: c.Zone, StartsOn: c.StartsOn, EndsOn: c.EndsOn},
		})
		if err != nil {
			return err
		}
		return printChange(t, class, receipt, c.JSON)
	})
}

type classesEnd struct {
	classStep
	On string `help:"First day on which it is over, 2006-01-02." required:"" placeholder:"DAY"`
}

// Run ends a class.
func (c classesEnd) Run(ctx context.Context, t *terminal) error {
	return c.do(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.AdvanceClass(ctx, intent, c.Class, course.End{EndedOn: c.On, EndedAt: t.clock(), EndedBy: intent.Principal.ID})
	})
}

type classesPlan struct {
	classStep
	timesFlags
}

// Run plans sessions.
func (c classesPlan) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		zone, err := a.ZoneOfClass(ctx, c.Class)
		if err != nil {
			return err
		}
		times, err := c.times(zone)
		if err != nil {
			return &coded{code: exitUsage, err: err}
		}
		var rows [][]string
		for _, at := range times {
			intent, err := intentOf(t, a, c.Officer)
			if err != nil {
				return err
			}
			receipt, session, err := a.PlanSession(ctx, intent, c.Class, course.PlanSession{
				Zone: at.Zone, StartsLocal: at.StartsLocal, EndsLocal: at.EndsLocal, StartsAt: at.StartsAt, EndsAt: at.EndsAt, PlannedAt: t.clock(),
			})
			if err != nil {
				return fmt.Errorf("%s: %w", at.StartsLocal, err)
			}
			if c.JSON {
				if err := printJSON(t.out, map[string]any{"session": session, "class": c.Class, "starts_local": at.StartsLocal, "starts_at": at.StartsAt, "ends_at": at.EndsAt, "repeated": receipt.Repeated}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{session.String(), at.StartsLocal, at.EndsLocal, at.Zone})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "SESSION|STARTS|ENDS|ZONE", rows)
	})
}

// timesFlags are a time by the clock on the wall, which may come back every week.
type timesFlags struct {
	Start  string   `help:"Start by the clock on the wall, 2006-01-02 15:04." required:""`
	End    string   `help:"End by the clock on the wall." required:""`
	Repeat []string `help:"Days of the week on which it comes back at the same local times: mon,tue,…" placeholder:"DAY"`
	Every  int      `help:"Weeks from one repetition to the next." default:"1"`
	Until  string   `help:"Last day of the repetitions, 2006-01-02; at most 400 days after the first." placeholder:"DAY"`
}

func (f timesFlags) times(zone string) ([]assignment.Times, error) {
	return shiftsPlan{Zone: zone, Start: f.Start, End: f.End, Repeat: f.Repeat, Every: f.Every, Until: f.Until}.times()
}

type classesCancel struct {
	classStep
	Session uuid.UUID `help:"Session id." required:""`
	Reason  string    `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run calls a session off.
func (c classesCancel) Run(ctx context.Context, t *terminal) error {
	return c.do(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.AdvanceClass(ctx, intent, c.Class, course.CancelSession{SessionID: c.Session, Reason: c.Reason, CancelledAt: t.clock(), CancelledBy: intent.Principal.ID})
	})
}

type classesEnrol struct {
	classStep
	Work uuid.UUID `help:"Work id." required:""`
	Role string    `help:"student, teacher, aide, proctor or administrator." default:"student" enum:"student,teacher,aide,proctor,administrator"`
	From string    `help:"First day, 2006-01-02." required:"" placeholder:"DAY"`
	To   string    `help:"First day without the enrolment; empty: until further notice." placeholder:"DAY"`
}

// Run enrols somebody.
func (c classesEnrol) Run(ctx context.Context, t *terminal) error {
	return c.do(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.Enrol(ctx, intent, c.Class, c.Work, course.Enrol{
			ClassID: c.Class, WorkID: c.Work, Role: eventschema.EnrolmentRole(c.Role), BeginsOn: c.From, EndsOn: c.To,
			Source: eventschema.SourceAPI, EnrolledAt: t.clock(), EnrolledBy: intent.Principal.ID,
		})
	})
}

type classesWithdraw struct {
	classStep
	Work   uuid.UUID `help:"Work id." required:""`
	Role   string    `help:"As what the person belongs to the class." default:"student" enum:"student,teacher,aide,proctor,administrator"`
	On     string    `help:"First day without the enrolment, 2006-01-02." required:"" placeholder:"DAY"`
	Reason string    `help:"withdrawn, moved (to another class) or entered_by_mistake." default:"withdrawn" enum:"withdrawn,moved,entered_by_mistake"`
}

// Run ends an enrolment.
func (c classesWithdraw) Run(ctx context.Context, t *terminal) error {
	return c.do(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) (httpapi.Receipt, error) {
		return a.Enrol(ctx, intent, c.Class, c.Work, course.Withdraw{
			ClassID: c.Class, WorkID: c.Work, Role: eventschema.EnrolmentRole(c.Role), EndsOn: c.On, Reason: eventschema.EnrolmentEnd(c.Reason),
			WithdrawnAt: t.clock(), WithdrawnBy: intent.Principal.ID,
		})
	})
}
