package httpapi_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/assignment"
	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// These are the shifts and hours of the company: those of Ada, and for lists that turn
// pages those of two more work records.

var someShift = uuid.MustParse("eeeeeeee-9dc0-41d1-b245-5ffdce74fad2")

// works are the work records with something to list, in order.
func (c *company) works() []uuid.UUID {
	works := []uuid.UUID{adasWork, strangeWork, uuid.MustParse("5f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11")}
	if c.asked.Work != uuid.Nil {
		works = slices.DeleteFunc(works, func(w uuid.UUID) bool { return w != c.asked.Work })
	}
	return works
}

func (c *company) nameOf(work uuid.UUID) httpapi.Personal {
	if work == adasWork {
		return clearOf(ada, "legal_name", "Ada Example")
	}
	return withheld(eventschema.StateErased, closedCase, &leaf)
}

func (c *company) ask(whose httpapi.Whose) error {
	if c.thrown != nil {
		panic(c.thrown)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = whose
	return c.fail
}

func (c *company) Timecard(_ context.Context, _ httpapi.Principal, q httpapi.TimecardQuestion) (httpapi.TimecardView, error) {
	work, link := q.Work, httpapi.Personal{}
	if q.Person != uuid.Nil {
		work, link = adasWork, clearOf(q.Person, "work_id", eventschema.Hex(adasWork))
	}
	punch := projections.Punch{ID: stranger, WorkID: work, Station: "gate-1", CorrectedFor: eventschema.ReasonWrongTime, Recorded: projections.PunchReading{OccurredAt: now, OffsetSeconds: 3600, Direction: "in", Kind: "normal"}}
	punch.Counts = punch.Recorded
	card := httpapi.TimecardView{
		HoursView: httpapi.HoursView{WorkID: work, Link: link, RuleVersion: 1}, Name: c.nameOf(work), From: q.From, To: q.To, State: httpapi.CardPartlyLocked, Seconds: 3600, ReviewVersion: 1,
		Findings:    []hours.Finding{{Code: hours.MissingOut, Severity: hours.High, TimeTrex: "M2", At: now, WorkDate: "2026-03-02", Punches: []uuid.UUID{stranger}}},
		Corrections: []httpapi.CorrectedPunch{{Punch: punch, Latest: projections.Correction{CorrectedAt: now, CorrectedBy: work, ApprovedBy: stranger}}},
		Requests:    []projections.CorrectionRequest{{CorrectionID: stranger, PunchID: stranger, WorkID: work, OccurredAt: now, RequestedAt: &now}},
		Locked:      []httpapi.LockedDays{{Period: projections.PayPeriod{PeriodID: someHold, From: q.From, To: q.From, LockedAt: now}, Paid: true}},
	}
	if q.Plan != nil {
		rules := q.Plan.Groups[0].Parts[0].Rules
		card.Owed = &httpapi.OwedTime{Plan: q.Plan.Name, PlanVersion: q.Plan.Version, Rules: rules.Name, Version: rules.Version}
	}
	return card, c.ask(q.Whose)
}

func (c *company) Exceptions(_ context.Context, _ httpapi.Principal, q httpapi.ExceptionsQuestion) ([]httpapi.ExceptionRow, error) {
	err := c.ask(q.Whose)
	var rows []httpapi.ExceptionRow
	for _, work := range c.works() {
		for i := range 2 { // two of each, which stay together
			rows = append(rows, httpapi.ExceptionRow{WorkID: work, Name: c.nameOf(work), Station: "gate-1", Finding: hours.Finding{Code: hours.MissingOut, Severity: hours.High, At: now.AddDate(0, 0, i), Punches: []uuid.UUID{stranger}}})
		}
	}
	return rows, err
}

func (c *company) Board(context.Context, httpapi.Principal, httpapi.BoardQuestion) (httpapi.BoardView, error) {
	view := httpapi.BoardView{At: now, Stations: []httpapi.PlaceCount{{Code: "gate-1", In: 3, Overdue: 1}}, Sites: []httpapi.PlaceCount{{In: 3, Overdue: 1}}}
	err := c.ask(httpapi.Whose{})
	for _, work := range c.works() {
		view.Rows = append(view.Rows, httpapi.BoardRow{PresenceView: httpapi.PresenceView{WorkID: work, Name: c.nameOf(work), Since: now, Zone: "Europe/Berlin", Station: "gate-1"}})
	}
	view.Rows[0].Overdue, view.Rows[0].ShiftID, view.Rows[0].EndsAt = httpapi.OverdueShift, someShift, now
	return view, err
}

func (c *company) Overtime(_ context.Context, _ httpapi.Principal, q httpapi.OvertimeQuestion) (httpapi.OvertimeView, error) {
	err := c.ask(q.Whose)
	view := httpapi.OvertimeView{Start: now, End: now.AddDate(0, 0, 7), Limit: 40 * time.Hour}
	for i, work := range c.works() {
		state := []httpapi.OvertimeState{httpapi.OvertimeOver, httpapi.OvertimeNear, httpapi.OvertimeUnder}[i]
		view.Rows = append(view.Rows, httpapi.OvertimeRow{WorkID: work, Name: c.nameOf(work), State: state, Totals: payrules.Totals{Regular: 38 * time.Hour}})
	}
	return view, err
}

func (c *company) Caps(_ context.Context, _ httpapi.Principal, q httpapi.CapsQuestion) (httpapi.CapsView, error) {
	err := c.ask(q.Whose)
	view := httpapi.CapsView{PolicyVersion: 1, On: "2026-03-02"}
	for _, work := range c.works() {
		uses := assignment.DefaultPolicy().Uses(time.UTC, now, []assignment.Commitment{{Start: now, End: now.Add(time.Hour)}})
		view.Rows = append(view.Rows, httpapi.CapsRow{WorkID: work, Name: c.nameOf(work), Uses: uses})
	}
	return view, err
}

func (c *company) WorkHistory(_ context.Context, _ httpapi.Principal, whose httpapi.Whose) (httpapi.WorkHistoryView, error) {
	work := whose.Work
	if whose.Person != uuid.Nil {
		work = adasWork
	}
	shift := c.shifts()[0].Shift
	return httpapi.WorkHistoryView{
		WorkID: work, Name: c.nameOf(work), Seconds: 3600, Months: []httpapi.Month{{Month: "2026-03", Seconds: 3600, Days: 1}},
		Jobs: []httpapi.Job{{Kind: "detail", Employer: "customer_0042", Site: "harbor_st", Shifts: 1, Planned: time.Hour, Worked: time.Hour}}, Shifts: []httpapi.PastShift{{Shift: shift, State: assignment.StatusPlanned, Rating: eventschema.RatingMeets}},
	}, c.ask(whose)
}

func (c *company) Performance(_ context.Context, _ httpapi.Principal, q httpapi.PerformanceQuestion) (httpapi.PerformanceView, error) {
	work := q.Work
	if q.Person != uuid.Nil {
		work = adasWork
	}
	view := httpapi.PerformanceView{WorkID: work, Name: c.nameOf(work), Measured: c.nameOf(work)}
	if work == adasWork {
		view.Measured = clearOf(ada, "measures", "shown")
	}
	outcome := assignment.Outcome{ShiftID: someShift, Kind: "detail", Start: now, End: now.Add(time.Hour), CompletedAt: now.Add(time.Hour), Rating: eventschema.RatingMeets}
	view.Figures = assignment.Measures([]assignment.Outcome{outcome}, now.Add(2*time.Hour))
	view.Shifts = []httpapi.PastShift{{Shift: c.shifts()[0].Shift, State: assignment.StatusCompleted, Rating: eventschema.RatingMeets}}
	return view, c.ask(q.Whose)
}

// shifts are three shifts, two of which begin at the same time.
func (c *company) shifts() []httpapi.RosterShift {
	var shifts []httpapi.RosterShift
	for i := range 3 {
		id := someShift
		id[15] += byte(i)
		shifts = append(shifts, httpapi.RosterShift{
			Shift:  projections.Shift{ShiftID: id, Kind: "detail", Employer: "customer_0042", Site: "harbor_st", Zone: "Europe/Berlin", StartsLocal: "2026-03-09 07:00", EndsLocal: "2026-03-09 15:00", StartsAt: now.Add(time.Duration(i/2) * time.Hour), EndsAt: now.Add(8 * time.Hour), Headcount: 2, Assigned: 1},
			Places: []projections.Place{{ShiftID: id, WorkID: adasWork, State: projections.PlaceAssigned, Rating: eventschema.RatingMeets}, {ShiftID: id, WorkID: strangeWork, State: projections.PlaceOffered}},
		})
	}
	return shifts
}

func (c *company) Roster(_ context.Context, by httpapi.Principal, asked projections.ShiftsAsked) ([]httpapi.RosterShift, error) {
	if by.Tenant != tenant {
		return nil, c.fail
	}
	var page []httpapi.RosterShift
	for _, s := range c.shifts() {
		behind := s.StartsAt.After(asked.AfterStart) || s.StartsAt.Equal(asked.AfterStart) && strings.Compare(s.ShiftID.String(), asked.AfterID.String()) > 0
		if (asked.AfterStart.IsZero() || behind) && (asked.Limit == 0 || len(page) < asked.Limit) {
			page = append(page, s)
		}
	}
	return page, c.ask(httpapi.Whose{Work: asked.Work})
}

func (c *company) ShiftNow(_ context.Context, _ httpapi.Principal, shift uuid.UUID) (httpapi.RosterShift, uint64, error) {
	if shift != someShift {
		return httpapi.RosterShift{}, 0, httpapi.ErrNotFound
	}
	return c.shifts()[0], c.revision, c.fail
}

func (c *company) Attendance(context.Context, httpapi.Principal, time.Time, time.Time) ([]assignment.Mark, error) {
	err := c.ask(httpapi.Whose{})
	var marks []assignment.Mark
	for _, work := range c.works() {
		marks = append(marks, assignment.Mark{WorkID: work, ShiftID: someShift, Start: now, End: now.Add(time.Hour), Attendance: eventschema.AttendanceOnTime, GraceVersion: 1})
	}
	return marks, err
}

func (c *company) stepped(intent httpapi.Intent, step any) (httpapi.Receipt, error) {
	receipt, err := c.act(intent)
	if err == nil && !receipt.Repeated {
		c.mu.Lock()
		c.shiftSteps = append(c.shiftSteps, step)
		c.mu.Unlock()
	}
	return receipt, err
}

func (c *company) PlanShift(_ context.Context, intent httpapi.Intent, plan assignment.Plan) (httpapi.Receipt, uuid.UUID, error) {
	receipt, err := c.stepped(intent, plan)
	return receipt, someShift, err
}

func (c *company) RescheduleShift(_ context.Context, intent httpapi.Intent, _ uuid.UUID, move assignment.Reschedule) (httpapi.Receipt, []httpapi.TakenOff, error) {
	receipt, err := c.stepped(intent, move)
	return receipt, []httpapi.TakenOff{{WorkID: strangeWork, Reason: "short_rest", With: someHold}}, err
}

func (c *company) AdvanceShift(_ context.Context, intent httpapi.Intent, _ uuid.UUID, people []httpapi.Known, step func([]assignment.Candidate) assignment.Command) (httpapi.Receipt, error) {
	var candidates []assignment.Candidate
	for _, p := range people {
		candidates = append(candidates, assignment.Candidate{WorkID: p.WorkID, Seniority: p.Seniority, Qualifications: p.Qualifications})
	}
	return c.stepped(intent, step(candidates))
}

func (c *company) AcceptShift(_ context.Context, intent httpapi.Intent, _ uuid.UUID, who httpapi.Known) (httpapi.Receipt, error) {
	return c.stepped(intent, who)
}

func (c *company) AwardShift(_ context.Context, intent httpapi.Intent, _ uuid.UUID, known []httpapi.Known) (httpapi.Receipt, error) {
	return c.stepped(intent, known)
}

func (c *company) RequestSwap(_ context.Context, intent httpapi.Intent, _, from, to uuid.UUID) (httpapi.Receipt, uuid.UUID, error) {
	receipt, err := c.stepped(intent, [2]uuid.UUID{from, to})
	return receipt, someHold, err
}

func (c *company) ApproveSwap(_ context.Context, intent httpapi.Intent, _, _ uuid.UUID, qualifications []string) (httpapi.Receipt, error) {
	return c.stepped(intent, qualifications)
}

func (c *company) CompleteShift(_ context.Context, intent httpapi.Intent, _ uuid.UUID, ratings map[uuid.UUID]eventschema.QualityRating) (httpapi.Receipt, error) {
	return c.stepped(intent, ratings)
}

func (c *company) AskCorrection(_ context.Context, intent httpapi.Intent, ask timecard.AskCorrection) (httpapi.Receipt, uuid.UUID, error) {
	receipt, err := c.stepped(intent, ask)
	return receipt, someHold, err
}

func (c *company) ApproveCorrection(_ context.Context, intent httpapi.Intent, _ uuid.UUID, step timecard.ApproveCorrection) (httpapi.Receipt, error) {
	return c.stepped(intent, step)
}

func (c *company) RefuseCorrection(_ context.Context, intent httpapi.Intent, _ uuid.UUID, step timecard.RefuseCorrection) (httpapi.Receipt, error) {
	return c.stepped(intent, step)
}

func (c *company) CorrectionRequests(_ context.Context, asked projections.CorrectionsAsked) ([]projections.CorrectionRequest, error) {
	before := asked.Before
	if before == 0 {
		before = 4
	}
	var page []projections.CorrectionRequest
	for i := before - 1; i > 0 && len(page) < asked.Limit; i-- {
		page = append(page, projections.CorrectionRequest{CorrectionID: someHold, PunchID: stranger, WorkID: adasWork, OccurredAt: now, Position: i})
	}
	return page, c.fail
}

func (c *company) LockPayPeriod(_ context.Context, by httpapi.Principal, order httpapi.LockOrder) (httpapi.LockedPeriod, error) {
	receipt, err := c.stepped(httpapi.Intent{Principal: by, Key: order.Period.String()}, order)
	return httpapi.LockedPeriod{Receipt: receipt, PeriodID: someHold, Cards: 3}, err
}

func (c *company) PayPeriods(context.Context) ([]projections.PayPeriod, error) {
	return []projections.PayPeriod{{PeriodID: someHold, From: "2026-03-01", To: "2026-03-14", Plan: "flsa", PlanVersion: 1, LockedAt: now}}, c.fail
}

func (c *company) TimeCards(_ context.Context, period uuid.UUID) ([]projections.TimeCard, error) {
	if err := c.ask(httpapi.Whose{}); err != nil || period != someHold {
		return nil, err
	}
	var cards []projections.TimeCard
	for _, work := range c.works() {
		cards = append(cards, projections.TimeCard{CardID: stranger, PeriodID: period, WorkID: work, LockedAt: now})
	}
	return cards, nil
}

func (c *company) Export(_ context.Context, by httpapi.Principal, order httpapi.ExportOrder, begin func(httpapi.ExportBegun), to io.Writer) error {
	if c.fail != nil {
		return c.fail
	}
	c.mu.Lock()
	c.shiftSteps = append(c.shiftSteps, order)
	c.mu.Unlock()
	begin(httpapi.ExportBegun{Disclosed: 1, Withheld: 1, LeftOut: []uuid.UUID{strangeWork}, Findings: 2})
	if _, err := io.WriteString(to, "name\r\n"+by.ID.String()+"\r\n"); err != nil {
		return err
	}
	if c.broken.Load() {
		return errBroken
	}
	return nil
}

// errBroken is what an export ends with behind its first bytes.
var errBroken = errors.New("the store went away")
