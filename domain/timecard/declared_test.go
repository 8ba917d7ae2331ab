package timecard_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// dayEnds is midnight after the work date in Manila.
var dayEnds = time.Date(2026, 3, 5, 16, 0, 0, 0, time.UTC)

type (
	entry  = timecard.Declare
	said   = eventschema.HoursDeclared
	amend  = timecard.CorrectDeclared
	amends = eventschema.DeclarationCorrected
)

// declare says that seven and a half hours were worked.
func declare(changes ...func(*entry)) timecard.Declare {
	d := timecard.Declare{
		DeclarationID: punchID, WorkID: workID, WorkDate: "2026-03-05", Zone: "Asia/Manila", DayEnds: dayEnds, Seconds: 27000,
		Origin: "harvest", ReceivedAt: tomorrow, Source: eventschema.SourceImport,
	}
	for _, change := range changes {
		change(&d)
	}
	return d
}

func declared(changes ...func(*said)) *eventschema.HoursDeclared {
	e := &eventschema.HoursDeclared{
		DeclarationID: punchID, WorkID: workID, WorkDate: "2026-03-05", Zone: "Asia/Manila", DayEnds: dayEnds, Seconds: 27000,
		Origin: "harvest", ReceivedAt: tomorrow, Source: eventschema.SourceImport,
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

// sevenHours says that it was half an hour less.
func sevenHours(changes ...func(*amend)) timecard.CorrectDeclared {
	c := timecard.CorrectDeclared{
		CorrectionID: fixID, DeclarationID: punchID, WorkID: workID, Seconds: 25200, Reason: eventschema.ReasonWrongHours,
		CorrectedBy: worker, ApprovedBy: officer, CorrectedAt: tomorrow,
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func amended(changes ...func(*amends)) *eventschema.DeclarationCorrected {
	e := &eventschema.DeclarationCorrected{
		CorrectionID: fixID, DeclarationID: punchID, WorkID: workID, DayEnds: dayEnds, Seconds: 25200, Reason: eventschema.ReasonWrongHours,
		CorrectedBy: worker, ApprovedBy: officer, CorrectedAt: tomorrow,
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

func TestDeclaredHours(t *testing.T) {
	domaintest.Run(t, timecard.Decider(), map[string]kase{
		"hours are recorded as they are declared":          {When: declare(), Then: past(declared())},
		"the same declaration is recorded once":            {Given: past(declared()), When: declare()},
		"and once, after it was corrected, too":            {Given: past(declared(), amended()), When: declare()},
		"a day that has punches may have declared hours":   {Given: past(recorded()), When: declare(func(d *entry) { d.DeclarationID = fixID }), Then: past(declared(func(e *said) { e.DeclarationID = fixID }))},
		"an id that was used for other hours is refused":   {Given: past(declared()), When: declare(func(d *entry) { d.Seconds++ }), Refused: timecard.ErrOtherDeclaration},
		"no hours are not declared":                        {When: declare(func(d *entry) { d.Seconds = 0 }), Refused: timecard.ErrHours},
		"less than none are not either":                    {When: declare(func(d *entry) { d.Seconds = -60 }), Refused: timecard.ErrHours},
		"a day has 24 hours":                               {When: declare(func(d *entry) { d.Seconds = 86400 }), Then: past(declared(func(e *said) { e.Seconds = 86400 }))},
		"and no more":                                      {When: declare(func(d *entry) { d.Seconds = 86401 }), Refused: timecard.ErrHours},
		"a work date is a date":                            {When: declare(func(d *entry) { d.WorkDate = "2026-02-30" }), Refused: timecard.ErrWorkDate},
		"whose end is known":                               {When: declare(func(d *entry) { d.DayEnds = time.Time{} }), Refused: timecard.ErrWorkDate},
		"somebody declared them":                           {When: declare(func(d *entry) { d.Origin = "" }), Refused: timecard.ErrStation},
		"hours of today may be declared today":             {When: declare(func(d *entry) { d.ReceivedAt = dayEnds.Add(-24 * time.Hour) }), Then: past(declared(func(e *said) { e.ReceivedAt = dayEnds.Add(-24 * time.Hour) }))},
		"those of next week may not":                       {When: declare(func(d *entry) { d.ReceivedAt = dayEnds.AddDate(0, 0, -7) }), Refused: timecard.ErrInTheFuture},
		"a correction says what counts in their place":     {Given: past(declared()), When: sevenHours(), Then: past(amended())},
		"a correction is made once":                        {Given: past(declared(), amended()), When: sevenHours()},
		"a voided declaration keeps what it said":          {Given: past(declared()), When: sevenHours(func(c *amend) { c.Void = true }), Then: past(amended(func(e *amends) { e.Void, e.Seconds = true, 27000 }))},
		"and is brought back by a correction":              {Given: past(declared(), amended(func(e *amends) { e.CorrectionID, e.Void = officer, true })), When: sevenHours(), Then: past(amended())},
		"a correction changes something":                   {Given: past(declared()), When: sevenHours(func(c *amend) { c.Seconds = 27000 }), Refused: timecard.ErrNothingChanges},
		"what was not declared is not corrected":           {When: sevenHours(), Refused: timecard.ErrUnknownDeclaration},
		"a punch is not corrected as if it were declared":  {Given: past(recorded()), When: sevenHours(), Refused: timecard.ErrUnknownDeclaration},
		"declared hours are not corrected as a punch":      {Given: past(declared()), When: fix(), Refused: timecard.ErrUnknownPunch},
		"a correction of hours has a reason for hours":     {Given: past(declared()), When: sevenHours(func(c *amend) { c.Reason = eventschema.ReasonWrongKey }), Refused: timecard.ErrReason},
		"two people answer for it":                         {Given: past(declared()), When: sevenHours(func(c *amend) { c.ApprovedBy = uuid.Nil }), Refused: timecard.ErrNoApprover},
		"who are not the same":                             {Given: past(declared()), When: sevenHours(func(c *amend) { c.ApprovedBy = worker }), Refused: timecard.ErrSelfApproval},
		"a correction leaves no more hours than a day has": {Given: past(declared()), When: sevenHours(func(c *amend) { c.Seconds = 86401 }), Refused: timecard.ErrHours},
	})
}

// Entries are told apart by everything that identifies them, and by nothing else.
func TestADeclarationIsKnownByWhatItsFileSays(t *testing.T) {
	type known struct {
		origin, date string
		seconds      int64
		nth          int
		project      string
	}
	draw := rapid.Custom(func(t *rapid.T) known {
		return known{
			rapid.SampledFrom([]string{"a", "a1", "1"}).Draw(t, "origin"), rapid.SampledFrom([]string{"2026-03-05", "2026-03-06"}).Draw(t, "date"),
			rapid.Int64Range(1, 12).Draw(t, "seconds"), rapid.IntRange(1, 2).Draw(t, "nth"), rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "project"),
		}
	})
	of := func(k known) uuid.UUID {
		return timecard.DeclarationID(tenantID, workID, k.origin, k.date, k.seconds, k.nth, k.project)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw.Draw(t, "a"), draw.Draw(t, "b")
		if (a == b) != (of(a) == of(b)) {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}
