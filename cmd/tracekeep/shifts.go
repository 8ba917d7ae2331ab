package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

type shiftsCommand struct {
	Plan       shiftsPlan       `cmd:"" help:"Plan a shift, or the shifts of a weekly pattern."`
	Reschedule shiftsReschedule `cmd:"" help:"Move a shift; say who cannot have it any more."`
	Offer      shiftsOffer      `cmd:"" help:"Offer a shift to people, in the order of a strategy."`
	Accept     shiftsAccept     `cmd:"" help:"Take a shift that was offered, for somebody."`
	Decline    shiftsDecline    `cmd:"" help:"Say no to an offer, for somebody."`
	Bid        shiftsBid        `cmd:"" help:"Bid for a shift that is open to bids, for somebody."`
	Award      shiftsAward      `cmd:"" help:"Give the free places to the best bids."`
	Assign     shiftsAssign     `cmd:"" help:"Give somebody a place."`
	Unassign   shiftsUnassign   `cmd:"" help:"Take somebody off a shift."`
	Swap       shiftsSwap       `cmd:"" help:"Hand a place over to somebody else: request, agree, approve, refuse."`
	Cancel     shiftsCancel     `cmd:"" help:"Call a shift off."`
	Complete   shiftsComplete   `cmd:"" help:"Close a shift that is over, with attendance and ratings."`
	List       shiftsList       `cmd:"" help:"List shifts, all or those with a free place."`
	Explain    shiftsExplain    `cmd:"" help:"Say why a shift went to whom it went: every step, with the figures that were compared."`
}

// Help implements kong's help provider.
func (shiftsCommand) Help() string {
	return `A shift is duty, or a detail for another employer; a task is done beside them, within up to 31 days. Every offer and every award keeps its reason: who was considered, the
figures that were compared, and what stood against those who were passed over. People appear as work ids, everything else as codes.
Nobody is assigned to two shifts at once, with less than eight hours of rest between shifts that do not adjoin, or to more than 16
hours in a day and 90 in a week, of all employers together.

Examples:
  tracekeep shifts plan --data ./records --kind detail --employer customer_0042 --site harbor_st --zone America/New_York \
      --start '2026-05-04 07:00' --end '2026-05-04 15:00' --headcount 2 --officer 6d1e…
  tracekeep shifts plan --data ./records --kind duty --employer agency --site gate_1 --zone Asia/Manila \
      --start '2026-05-04 22:00' --end '2026-05-05 06:00' --repeat mon,tue,wed --until 2026-06-30 --officer 6d1e…
  tracekeep shifts offer --data ./records --shift 77aa… --strategy fairness --candidate 3f0a… --candidate 91bc… \
      --respond-by 2026-05-03T12:00:00Z --officer 6d1e… --json
  tracekeep shifts offer --data ./records --shift 77aa… --strategy seniority --candidates people.jsonl --respond-by 2026-05-03T12:00:00Z --officer 6d1e…
  tracekeep shifts accept --data ./records --shift 77aa… --work 3f0a…
  tracekeep shifts reschedule --data ./records --shift 77aa… --zone America/New_York --start '2026-05-04 09:00' --end '2026-05-04 17:00' --officer 6d1e…
  tracekeep shifts complete --data ./records --shift 77aa… --rating 3f0a…=meets --officer 6d1e…
  tracekeep shifts list --data ./records --open --json
  tracekeep shifts explain --data ./records --shift 77aa…`
}

// answering names who answers for a step.
func answering(a *app.App, id uuid.UUID) httpapi.Principal {
	p := operator(a)
	if id != uuid.Nil {
		p.ID = id
	}
	return p
}

type shiftsPlan struct {
	dataFlags
	Kind          string    `help:"duty, detail for another employer, or task." enum:"duty,detail,task" required:""`
	Employer      string    `help:"Code of who pays: lower-case letters, digits and underscores." required:""`
	Site          string    `help:"Code of the site." required:""`
	Zone          string    `help:"IANA zone of the site." required:""`
	Start         string    `help:"Local time of the start, 2006-01-02 15:04; where the clock shows it twice, with its offset, 2006-01-02 15:04-04:00." required:""`
	End           string    `help:"Local time of the end, likewise." required:""`
	Headcount     int       `help:"How many people." default:"1"`
	Qualification string    `help:"Code of what everybody on it must have." placeholder:"CODE"`
	Repeat        []string  `help:"Days of the week on which it comes back at the same local times: mon,tue,…" placeholder:"DAY"`
	Every         int       `help:"Weeks from one repetition to the next." default:"1"`
	Except        []string  `help:"A day on which it does not come back, 2006-01-02; may be repeated." placeholder:"DAY"`
	Until         string    `help:"Last day of the repetitions, 2006-01-02; at most 400 days after the first." placeholder:"DAY"`
	Officer       uuid.UUID `help:"Id of the officer who plans it." required:""`
	Key           string    `help:"Idempotency key: repeating the command with the same key plans nothing twice; default: kind, employer, site and start." placeholder:"KEY"`
	JSON          bool      `name:"json" help:"Print one JSON object for each shift."`
}

// Validate is called by kong.
func (c shiftsPlan) Validate() error {
	switch {
	case len(c.Repeat) == 0 && (c.Until != "" || c.Every != 1 || len(c.Except) > 0):
		return errors.New("--until, --every and --except belong to a shift that comes back; say on which days with --repeat")
	case len(c.Repeat) > 0 && c.Until == "":
		return errors.New("a shift that comes back needs its last day: --until")
	}
	return nil
}

// Run plans a shift, or those of a pattern.
func (c shiftsPlan) Run(ctx context.Context, t *terminal) error {
	times, err := c.times()
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		key := c.Key
		if key == "" {
			key = strings.Join([]string{"plan", c.Kind, c.Employer, c.Site, c.Start}, " ")
		}
		plan := assignment.Plan{
			Kind: eventschema.ShiftKind(c.Kind), Employer: c.Employer, Site: c.Site, Headcount: c.Headcount, Qualification: c.Qualification, PlannedAt: t.clock(),
		}
		if len(c.Repeat) > 0 {
			plan.RosterID = uuid.NewSHA1(a.Tenant(), []byte("roster\x00"+key))
		}
		var rows [][]string
		for _, at := range times {
			plan.Times = at
			receipt, id, err := a.PlanShift(ctx, httpapi.Intent{Principal: answering(a, c.Officer), Key: key + " " + at.StartsLocal}, plan)
			if err != nil {
				return err
			}
			if c.JSON {
				if err := printJSON(t.out, map[string]any{"shift": id, "starts_at": at.StartsAt, "ends_at": at.EndsAt, "starts_local": at.StartsLocal, "repeated": receipt.Repeated}); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{id.String(), at.StartsLocal, at.EndsLocal, at.Zone})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "SHIFT|STARTS|ENDS|ZONE", rows)
	})
}

// timesBetween reads when a shift is, by the clock of its site.
func timesBetween(zone, start, end string) (assignment.Times, *time.Location, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return assignment.Times{}, nil, fmt.Errorf("%q is no IANA zone, such as America/New_York", zone)
	}
	times := assignment.Times{Zone: zone}
	if times.StartsAt, times.StartsLocal, err = localInstant(start, loc); err == nil {
		times.EndsAt, times.EndsLocal, err = localInstant(end, loc)
	}
	return times, loc, err
}

// times reads when the shift is, or each of its repetitions.
func (c shiftsPlan) times() ([]assignment.Times, error) {
	first, loc, err := timesBetween(c.Zone, c.Start, c.End)
	if err != nil {
		return nil, err
	}
	if len(c.Repeat) == 0 {
		return []assignment.Times{first}, nil
	}
	days, err := weekdays(c.Repeat)
	if err != nil {
		return nil, err
	}
	start, end := first.StartsAt, first.EndsAt
	if !end.After(start) || end.Sub(start) > 24*time.Hour {
		return nil, errors.New("a shift that comes back ends within 24 hours of its start")
	}
	pattern := assignment.Pattern{
		Weekdays: days, Every: c.Every, Zone: loc,
		Start: assignment.Clock{Hour: start.In(loc).Hour(), Min: start.In(loc).Minute()}, End: assignment.Clock{Hour: end.In(loc).Hour(), Min: end.In(loc).Minute()},
	}
	occurrences, err := pattern.Expand(first.StartsLocal[:len(time.DateOnly)], c.Until)
	if err != nil {
		return nil, err
	}
	left := map[string]bool{}
	for _, day := range c.Except {
		if !slices.ContainsFunc(occurrences, func(o assignment.Occurrence) bool { return o.Date == day }) {
			return nil, fmt.Errorf("--except %s: the shift would not come back on that day (written 2006-01-02)", day)
		}
		left[day] = true
	}
	var times []assignment.Times
	for _, o := range occurrences {
		if !left[o.Date] {
			times = append(times, o.Times)
		}
	}
	return times, nil
}

// localInstant reads a local time, with or without its offset.
func localInstant(text string, loc *time.Location) (at time.Time, local string, err error) {
	var offset *int
	parsed, err := time.Parse(assignment.LocalLayout, text)
	if err != nil {
		if parsed, err = time.Parse(assignment.LocalLayout+"-07:00", text); err != nil {
			return at, "", fmt.Errorf("a local time is written 2006-01-02 15:04, or with its offset 2006-01-02 15:04-07:00, not %q", text)
		}
		_, seconds := parsed.Zone()
		offset = &seconds
	}
	resolved, err := localtime.Resolve(localtime.Of(parsed), loc, offset)
	if err != nil {
		return at, "", fmt.Errorf("%s: %w", text, err)
	}
	return resolved.At, parsed.Format(assignment.LocalLayout), nil
}

func weekdays(names []string) ([]time.Weekday, error) {
	var days []time.Weekday
	for _, name := range names {
		found := false
		for day := time.Sunday; day <= time.Saturday; day++ {
			if strings.EqualFold(day.String()[:3], name) {
				days, found = append(days, day), true
			}
		}
		if !found {
			return nil, fmt.Errorf("a day of the week is mon, tue, wed, thu, fri, sat or sun, not %q", name)
		}
	}
	return days, nil
}

// shiftStep is what every later step needs.
type shiftStep struct {
	dataFlags
	Shift   uuid.UUID `help:"Shift id." required:""`
	Officer uuid.UUID `help:"Id of the officer who answers for it; default: the operator of the data folder." placeholder:"ID"`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// take advances the shift and shows it. step is told who answers for it, when, and
// what the roster says of the people.
func (c shiftStep) take(ctx context.Context, t *terminal, people []app.Known, step func(by uuid.UUID, at time.Time, candidates []assignment.Candidate) assignment.Command) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		return c.advance(ctx, t, a, people, step)
	})
}

func (c shiftStep) advance(ctx context.Context, t *terminal, a *app.App, people []app.Known, step func(uuid.UUID, time.Time, []assignment.Candidate) assignment.Command) error {
	intent, err := c.intent(t, a)
	if err != nil {
		return err
	}
	_, err = a.AdvanceShift(ctx, intent, c.Shift, people, func(candidates []assignment.Candidate) assignment.Command {
		return step(intent.Principal.ID, t.clock(), candidates)
	})
	if err != nil {
		return err
	}
	return c.show(ctx, t, a, c.Shift)
}

// step takes a step of the application and shows the shift.
func (c shiftStep) step(ctx context.Context, t *terminal, step func(context.Context, *app.App, httpapi.Intent) error) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent, err := c.intent(t, a)
		if err != nil {
			return err
		}
		if err := step(ctx, a, intent); err != nil {
			return err
		}
		return c.show(ctx, t, a, c.Shift)
	})
}

func (c shiftStep) intent(t *terminal, a *app.App) (httpapi.Intent, error) {
	id, err := uuid.NewRandomFromReader(t.random)
	return httpapi.Intent{Principal: answering(a, c.Officer), Key: id.String()}, err
}

func (c shiftStep) show(ctx context.Context, t *terminal, a *app.App, shifts ...uuid.UUID) error {
	if err := a.CatchUp(ctx, nil); err != nil {
		return err
	}
	roster, err := a.Roster(ctx, operator(a), projections.ShiftsAsked{IDs: shifts})
	if err != nil {
		return err
	}
	return printRoster(t, roster, c.JSON)
}

type shiftsCancel struct {
	shiftStep
	followingFlag
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run calls a shift off, or it and those that follow.
func (c shiftsCancel) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		shifts, err := c.of(ctx, a, c.Shift)
		if err != nil {
			return err
		}
		for _, s := range shifts {
			intent, err := c.intent(t, a)
			if err != nil {
				return err
			}
			_, err = a.AdvanceShift(ctx, intent, s.ShiftID, nil, func([]assignment.Candidate) assignment.Command {
				return assignment.Cancel{Reason: c.Reason, CancelledAt: t.clock(), CancelledBy: intent.Principal.ID}
			})
			if err != nil {
				return fmt.Errorf("shift %s of %s: %w", s.ShiftID, s.StartsLocal, err)
			}
		}
		return c.show(ctx, t, a, idsOf(shifts)...)
	})
}

type shiftsComplete struct {
	shiftStep
	Rating map[string]string `help:"Work id and exceeds, meets, below or unrated; may be repeated." placeholder:"WORK=RATING"`
}

// Run closes a shift.
func (c shiftsComplete) Run(ctx context.Context, t *terminal) error {
	ratings := map[uuid.UUID]eventschema.QualityRating{}
	for work, rating := range c.Rating {
		id, err := uuid.Parse(work)
		if err != nil {
			return &coded{code: exitUsage, err: fmt.Errorf("a rating begins with a work id, not %q", work)}
		}
		ratings[id] = eventschema.QualityRating(rating)
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		intent, err := c.intent(t, a)
		if err != nil {
			return err
		}
		if _, err := a.CompleteShift(ctx, intent, c.Shift, ratings); err != nil {
			return err
		}
		return c.show(ctx, t, a, c.Shift)
	})
}
