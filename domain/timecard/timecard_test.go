package timecard_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

var (
	tenantID = uuid.MustParse("3f2504e0-4f89-41d3-9a0c-0305e82c3301")
	workID   = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")
	punchID  = uuid.MustParse("5d1c0a52-97a1-4a2f-8f0e-3b8f0b6f9a03")
	worker   = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000005")
	fixID    = uuid.MustParse("9b2d7c11-5e6f-4a80-9c1d-2e3f4a5b6c06")
	manila   = time.FixedZone("PST", 8*3600)
	// eight is the instant of the punch that most rules speak of.
	eight    = time.Date(2026, 3, 5, 8, 0, 12, 0, time.UTC)
	received = eight.Add(time.Second)
	tomorrow = eight.Add(24 * time.Hour)
)

// press is an ordinary punch, changed by each function in turn.
func press(changes ...func(*timecard.Punch)) timecard.Punch {
	p := timecard.Punch{
		PunchID: punchID, WorkID: workID, OccurredAt: eight, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
		Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, Station: "gate-1", StationClock: "2026-03-05 16:00:12",
		ReceivedAt: received, Location: eventschema.LocationNotOffered, Source: eventschema.SourceAPI,
	}
	for _, change := range changes {
		change(&p)
	}
	return p
}

func recorded(changes ...func(*eventschema.PunchRecorded)) *eventschema.PunchRecorded {
	e := &eventschema.PunchRecorded{
		PunchID: punchID, WorkID: workID, OccurredAt: eight, Zone: "Asia/Manila", OffsetSeconds: 8 * 3600,
		Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, Station: "gate-1", StationClock: "2026-03-05 16:00:12",
		ReceivedAt: received, Location: eventschema.LocationNotOffered, Source: eventschema.SourceAPI,
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

// fix says that the punch was an out: the wrong key was pressed.
func fix(changes ...func(*timecard.Correct)) timecard.Correct {
	c := timecard.Correct{
		CorrectionID: fixID, PunchID: punchID, WorkID: workID, OccurredAt: eight, OffsetSeconds: 8 * 3600,
		Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Reason: eventschema.ReasonWrongKey,
		CorrectedBy: worker, ApprovedBy: officer, CorrectedAt: tomorrow,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func corrected(changes ...func(*eventschema.PunchCorrected)) *eventschema.PunchCorrected {
	e := &eventschema.PunchCorrected{
		CorrectionID: fixID, PunchID: punchID, WorkID: workID, OccurredAt: eight, OffsetSeconds: 8 * 3600,
		Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Reason: eventschema.ReasonWrongKey,
		CorrectedBy: worker, ApprovedBy: officer, CorrectedAt: tomorrow,
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type (
	kase   = domaintest.Case[timecard.Command]
	punch  = timecard.Punch
	stored = eventschema.PunchRecorded
	change = timecard.Correct
	fixed  = eventschema.PunchCorrected
)

// promise: ST-07
// promise: ST-52
func TestPunch(t *testing.T) {
	counter, other := int64(40123), uuid.MustParse("5d1c0a52-97a1-4a2f-8f0e-3b8f0b6f9a99")
	sameInstant := recorded(func(e *stored) { e.PunchID = other })
	domaintest.Run(t, timecard.Decider(), map[string]kase{
		"a punch is recorded as the station reports it": {
			When: press(func(p *punch) { p.StationCounter, p.Verification = &counter, "1" }),
			Then: past(recorded(func(e *stored) { e.StationCounter, e.Verification = &counter, "1" })),
		},
		"site and job are kept as the station says them": {
			When: press(func(p *punch) { p.Site, p.Job = "harbor_st", "night_watch" }), Then: past(recorded(func(e *stored) { e.Site, e.Job = "harbor_st", "night_watch" }))},
		"a visit says why": {
			When: press(func(p *punch) { p.Kind, p.Reason = eventschema.KindVisit, "calculus" }),
			Then: past(recorded(func(e *stored) { e.Kind, e.Reason = eventschema.KindVisit, "calculus" }))},
		"nothing else has a reason":           {When: press(func(p *punch) { p.Reason = "calculus" }), Refused: timecard.ErrReasonOfVisit},
		"a site that is no code is refused":   {When: press(func(p *punch) { p.Site = "Mrs. Okafor's house" }), Refused: timecard.ErrCode},
		"a job that is no code is refused":    {When: press(func(p *punch) { p.Job = "Okafor, W." }), Refused: timecard.ErrCode},
		"a reason that is no code is refused": {When: press(func(p *punch) { p.Kind, p.Reason = eventschema.KindVisit, "failed calculus" }), Refused: timecard.ErrCode},
		"instants are stored in UTC": {
			When: press(func(p *punch) { p.OccurredAt, p.ReceivedAt = eight.In(manila), received.In(manila) }), Then: past(recorded())},
		"the same punch is recorded once": {Given: past(recorded()), When: press()},
		"an id that was used for another instant is refused": {Given: past(recorded()),
			When: press(func(p *timecard.Punch) { p.OccurredAt = eight.Add(time.Minute) }), Refused: timecard.ErrOtherPunch},
		"an id that was used for another direction is refused": {Given: past(recorded()),
			When: press(func(p *timecard.Punch) { p.Direction = eventschema.DirectionOut }), Refused: timecard.ErrOtherPunch},
		"the same punch is the same after it was corrected": {Given: past(recorded(), corrected()), When: press()},
		"an imported punch is known by its id, whatever zone it is imported under": {Given: past(recorded()),
			When: press(func(p *timecard.Punch) { p.OccurredAt, p.Source = eight.Add(time.Hour), eventschema.SourceImport })},
		"even when it comes again with other words": {
			Given: past(recorded()), When: press(func(p *punch) { p.Station, p.Zone = "", "UTC" })},
		"a second in after an in is a fact, too": {
			Given: past(recorded(func(e *stored) { e.PunchID, e.OccurredAt = other, eight.Add(-time.Minute) })), When: press(), Then: past(recorded())},
		"an out without an in is a fact, too": {
			When: press(func(p *punch) { p.Direction = eventschema.DirectionOut }),
			Then: past(recorded(func(e *stored) { e.Direction = eventschema.DirectionOut }))},
		"two punches in one instant are two punches": {Given: past(sameInstant), When: press(), Then: past(recorded())},
		"a punch may arrive after later ones": {
			Given: past(recorded(func(e *stored) { e.PunchID, e.OccurredAt = other, tomorrow })), When: press(), Then: past(recorded())},
		"a corrected punch that comes again changes nothing": {Given: past(recorded(), corrected()), When: press()},
		"a punch years late is recorded": {
			When: press(func(p *punch) { p.ReceivedAt = eight.AddDate(3, 0, 0) }),
			Then: past(recorded(func(e *stored) { e.ReceivedAt = eight.AddDate(3, 0, 0) }))},
		"a station's clock may run a day ahead": {
			When: press(func(p *punch) { p.ReceivedAt = eight.Add(-timecard.ClockTolerance) }),
			Then: past(recorded(func(e *stored) { e.ReceivedAt = eight.Add(-timecard.ClockTolerance) }))},
		"and not more": {
			When: press(func(p *punch) { p.ReceivedAt = eight.Add(-timecard.ClockTolerance - 1) }), Refused: timecard.ErrInTheFuture},
		"a punch has an instant":     {When: press(func(p *punch) { p.OccurredAt = time.Time{} }), Refused: timecard.ErrNoTime},
		"a punch has a station":      {When: press(func(p *punch) { p.Station = "" }), Refused: timecard.ErrStation},
		"a direction is in or out":   {When: press(func(p *punch) { p.Direction = "" }), Refused: timecard.ErrDirection},
		"a kind is one of the list":  {When: press(func(p *punch) { p.Kind = "nap" }), Refused: timecard.ErrKind},
		"no offset is that far west": {When: press(func(p *punch) { p.OffsetSeconds = -14*3600 - 1 }), Refused: timecard.ErrOffset},
		"no offset is that far east": {When: press(func(p *punch) { p.OffsetSeconds = 14*3600 + 1 }), Refused: timecard.ErrOffset},
		"Kiritimati is as far east as it gets": {
			When: press(func(p *punch) { p.OffsetSeconds = 14 * 3600 }), Then: past(recorded(func(e *stored) { e.OffsetSeconds = 14 * 3600 }))},
		"a command nobody wrote a rule for": {When: nil, Refused: domain.ErrUnknownCommand},
	})
	for _, kind := range []eventschema.PunchKind{
		eventschema.KindNormal, eventschema.KindBreak, eventschema.KindMeal, eventschema.KindTransfer, eventschema.KindOvertime,
	} {
		domaintest.Of(t, timecard.Decider()).
			When(press(func(p *punch) { p.Kind = kind })).
			Then(recorded(func(e *stored) { e.Kind = kind }))
	}
}

// Whatever became of the coordinates, the punch is kept and says so.
//
// promise: ST-10
// promise: ST-46
// promise: ST-47
func TestAPunchIsKeptWhateverBecameOfItsLocation(t *testing.T) {
	for _, outcome := range []eventschema.LocationOutcome{
		eventschema.LocationNotOffered, eventschema.LocationRecordedOutcome, eventschema.LocationDroppedNoConsent, eventschema.LocationDeniedByDevice,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			domaintest.Of(t, timecard.Decider()).
				When(press(func(p *punch) { p.Location = outcome })).
				Then(recorded(func(e *stored) { e.Location = outcome }))
		})
	}
}

// promise: ST-42
func TestCorrect(t *testing.T) {
	newYear := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	voided := corrected(func(e *fixed) { e.Void, e.Direction = true, eventschema.DirectionIn })
	second := uuid.MustParse("9b2d7c11-5e6f-4a80-9c1d-2e3f4a5b6c07")
	watch, none, wrong := "night_watch", "", "Night watch"
	domaintest.Run(t, timecard.Decider(), map[string]kase{
		"a correction is an event of its own and names both who answer for it": {
			Given: past(recorded()), When: fix(), Then: past(corrected())},
		"the time can be corrected": {
			Given: past(recorded()), When: fix(func(c *change) { c.OccurredAt = eight.Add(-3 * time.Minute).In(manila) }),
			Then: past(corrected(func(e *fixed) { e.OccurredAt = eight.Add(-3 * time.Minute) }))},
		"the kind can be corrected": {
			Given: past(recorded()), When: fix(func(c *change) { c.Kind = eventschema.KindMeal }),
			Then: past(corrected(func(e *fixed) { e.Kind = eventschema.KindMeal }))},
		"the job can be corrected": {
			Given: past(recorded(func(e *stored) { e.Job = "front_desk" })), When: fix(func(c *change) { c.Job = &watch }),
			Then: past(corrected(func(e *fixed) { e.Job = &watch }))},
		"and nothing but the job": {
			Given: past(recorded(), corrected()), When: fix(func(c *change) { c.CorrectionID, c.Job = second, &watch }),
			Then: past(corrected(func(e *fixed) { e.CorrectionID, e.Job = second, &watch }))},
		"a punch can be for no job after all": {
			Given: past(recorded(func(e *stored) { e.Job = watch }), corrected()), When: fix(func(c *change) { c.CorrectionID, c.Job = second, &none }),
			Then: past(corrected(func(e *fixed) { e.CorrectionID, e.Job = second, &none }))},
		"a correction that says nothing of the job leaves it": {
			Given: past(recorded(), corrected(func(e *fixed) { e.Job = &watch })), When: fix(func(c *change) { c.CorrectionID = second }), Refused: timecard.ErrNothingChanges},
		"to the job that counts already": {
			Given: past(recorded(func(e *stored) { e.Job = watch }), corrected()), When: fix(func(c *change) { c.CorrectionID, c.Job = second, &watch }), Refused: timecard.ErrNothingChanges},
		"a job is a code": {
			Given: past(recorded()), When: fix(func(c *change) { c.Job = &wrong }), Refused: timecard.ErrCode},
		"the offset can be corrected, for it decides the work date": {
			Given: past(recorded()), When: fix(func(c *change) { c.Direction, c.OffsetSeconds = eventschema.DirectionIn, 0 }),
			Then: past(corrected(func(e *fixed) { e.Direction, e.OffsetSeconds = eventschema.DirectionIn, 0 }))},
		"the instant of a correction is stored in UTC": {
			Given: past(recorded()), When: fix(func(c *change) { c.CorrectedAt = tomorrow.In(manila) }), Then: past(corrected())},
		"a punch can be voided, and what it said stays said": {
			Given: past(recorded()), When: fix(func(c *change) {
				c.Void, c.OccurredAt, c.OffsetSeconds, c.Direction, c.Kind = true, time.Time{}, 99*3600, "", ""
			}), Then: past(voided)},
		"a voided punch can count again": {
			Given: past(recorded(), voided), When: fix(func(c *change) { c.CorrectionID = second }),
			Then: past(corrected(func(e *fixed) { e.CorrectionID = second }))},
		"the same correction is made once": {Given: past(recorded(), corrected()), When: fix()},
		"a second correction that says what counts already is refused": {
			Given: past(recorded(), corrected()), When: fix(func(c *change) { c.CorrectionID = second }), Refused: timecard.ErrNothingChanges},
		"a correction that says what was recorded is refused": {
			Given: past(recorded()), When: fix(func(c *change) { c.Direction = eventschema.DirectionIn }), Refused: timecard.ErrNothingChanges},
		"voiding what is void is refused": {
			Given: past(recorded(), voided), When: fix(func(c *change) { c.CorrectionID, c.Void = second, true }), Refused: timecard.ErrNothingChanges},
		"an unknown punch cannot be corrected": {When: fix(), Refused: timecard.ErrUnknownPunch},
		"the reason is one of the list":        {Given: past(recorded()), When: fix(func(c *change) { c.Reason = "because" }), Refused: timecard.ErrReason},
		"somebody must have approved":          {Given: past(recorded()), When: fix(func(c *change) { c.ApprovedBy = uuid.Nil }), Refused: timecard.ErrNoApprover},
		"somebody must have corrected":         {Given: past(recorded()), When: fix(func(c *change) { c.CorrectedBy = uuid.Nil }), Refused: timecard.ErrNoApprover},
		"nobody approves their own correction": {Given: past(recorded()), When: fix(func(c *change) { c.ApprovedBy = worker }), Refused: timecard.ErrSelfApproval},
		"a corrected punch has an instant":     {Given: past(recorded()), When: fix(func(c *change) { c.OccurredAt = time.Time{} }), Refused: timecard.ErrNoTime},
		"a corrected punch has a direction":    {Given: past(recorded()), When: fix(func(c *change) { c.Direction = "up" }), Refused: timecard.ErrDirection},
		"a corrected punch has a kind":         {Given: past(recorded()), When: fix(func(c *change) { c.Kind = "nap" }), Refused: timecard.ErrKind},
		"a corrected punch has an offset":      {Given: past(recorded()), When: fix(func(c *change) { c.OffsetSeconds = 15 * 3600 }), Refused: timecard.ErrOffset},
		"a corrected punch stays in its year": {
			Given: past(recorded()), When: fix(func(c *change) { c.OccurredAt = newYear.Add(-1) }), Refused: timecard.ErrYear},
		"and the year is that of UTC": {
			Given: past(recorded()), When: fix(func(c *change) { c.OccurredAt = newYear.In(time.FixedZone("", -5*3600)) }),
			Then: past(corrected(func(e *fixed) { e.OccurredAt = newYear }))},
		"a corrected punch does not lie in the future": {
			Given: past(recorded()), When: fix(func(c *change) { c.OccurredAt = tomorrow.Add(timecard.ClockTolerance + 1) }), Refused: timecard.ErrInTheFuture},
	})
	for _, reason := range []eventschema.CorrectionReason{
		eventschema.ReasonWrongKey, eventschema.ReasonWrongTime, eventschema.ReasonNotThisPunch, eventschema.ReasonOther,
	} {
		domaintest.Of(t, timecard.Decider()).Given(recorded()).
			When(fix(func(c *change) { c.Reason = reason })).
			Then(corrected(func(e *fixed) { e.Reason = reason }))
	}
}

// What counts is listed, in order of time, from an instant on and before another.
func TestPresses(t *testing.T) {
	state := timecard.Decider().Fold(
		recorded(func(e *stored) {
			e.PunchID, e.OccurredAt, e.Direction = uuid.UUID{1}, eight.Add(9*time.Hour), eventschema.DirectionOut
		}),
		recorded(func(e *stored) { e.PunchID = uuid.UUID{2} }),
		recorded(func(e *stored) { e.PunchID, e.OccurredAt = uuid.UUID{3}, eight.Add(-1) }),
		recorded(func(e *stored) { e.PunchID, e.OccurredAt = uuid.UUID{4}, eight.Add(24*time.Hour) }),
		recorded(func(e *stored) { e.PunchID, e.OccurredAt = uuid.UUID{5}, eight.Add(time.Hour) }),
		&eventschema.PunchCorrected{CorrectionID: uuid.UUID{6}, PunchID: uuid.UUID{5}, Void: true},
	)
	want := []timecard.Press{{At: eight, Direction: eventschema.DirectionIn}, {At: eight.Add(9 * time.Hour), Direction: eventschema.DirectionOut}}
	if got := state.Presses(eight, eight.Add(24*time.Hour)); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
