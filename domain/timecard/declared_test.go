package timecard_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

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

// job says for which job they were.
func job(code string, changes ...func(*amend)) timecard.CorrectDeclared {
	return sevenHours(append([]func(*amend){func(c *amend) { c.Seconds, c.Job = 0, &code }}, changes...)...)
}

func ofJob(code string, seconds int64) func(*amends) {
	return func(e *amends) { e.Seconds, e.Job = seconds, &code }
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
		"hours may be for a job":                           {When: declare(func(d *entry) { d.Job = "night_watch" }), Then: past(declared(func(e *said) { e.Job = "night_watch" }))},
		"which is a code":                                  {When: declare(func(d *entry) { d.Job = "Night Watch" }), Refused: timecard.ErrCode},
		"a correction names the job alone":                 {Given: past(declared()), When: job("desk"), Then: past(amended(ofJob("desk", 27000)))},
		"or with the hours":                                {Given: past(declared()), When: job("desk", func(c *amend) { c.Seconds = 25200 }), Then: past(amended(ofJob("desk", 25200)))},
		"or takes it away":                                 {Given: past(declared(func(e *said) { e.Job = "desk" })), When: job(""), Then: past(amended(ofJob("", 27000)))},
		"the job it had changes nothing":                   {Given: past(declared(func(e *said) { e.Job = "desk" })), When: job("desk"), Refused: timecard.ErrNothingChanges},
		"nor does the one it has since it was corrected":   {Given: past(declared(), amended(ofJob("desk", 27000), func(e *amends) { e.CorrectionID = officer })), When: job("desk"), Refused: timecard.ErrNothingChanges},
		"a job corrected is a code":                        {Given: past(declared()), When: job("The Desk"), Refused: timecard.ErrCode},
		"what is void has no job to correct":               {Given: past(declared(), amended(func(e *amends) { e.CorrectionID, e.Void = officer, true })), When: job("desk"), Refused: timecard.ErrHours},
		"a void keeps the job":                             {Given: past(declared()), When: job("desk", func(c *amend) { c.Void = true }), Then: past(amended(func(e *amends) { e.Void, e.Seconds = true, 27000 }))},
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
	var all []known
	for _, origin := range []string{"a", "a1", "1"} {
		for _, date := range []string{"2026-03-05", "2026-03-06"} {
			for seconds := range int64(12) {
				for nth := range 2 {
					for _, project := range []string{"", "1", "2"} {
						all = append(all, known{origin, date, seconds, nth, project})
					}
				}
			}
		}
	}
	seen := map[uuid.UUID]known{}
	for _, k := range all {
		of := timecard.DeclarationID(tenantID, workID, k.origin, k.date, k.seconds, k.nth, k.project)
		if other, taken := seen[of]; taken || of != timecard.DeclarationID(tenantID, workID, k.origin, k.date, k.seconds, k.nth, k.project) {
			t.Errorf("%+v and %+v", k, other)
		}
		seen[of] = k
	}
}
