package timecard_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

// promise: ST-42
func TestRequestedCorrections(t *testing.T) {
	correction, punch, work := uuid.UUID{1}, uuid.UUID{2}, uuid.UUID{3}
	clerk, second := uuid.UUID{4}, uuid.UUID{5}
	watch, wrong := "night_watch", "Night watch"
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	ask := func(changes ...func(*timecard.AskCorrection)) timecard.RequestCommand {
		c := timecard.AskCorrection{
			CorrectionID: correction, PunchID: punch, WorkID: work, OccurredAt: noon, OffsetSeconds: 3600, Direction: eventschema.DirectionOut,
			Kind: eventschema.KindNormal, Reason: eventschema.ReasonWrongTime, RequestedAt: noon, RequestedBy: clerk,
		}
		for _, change := range changes {
			change(&c)
		}
		return c
	}
	asked := func(c timecard.RequestCommand) []eventschema.Event {
		event := eventschema.CorrectionRequested(c.(timecard.AskCorrection))
		return []eventschema.Event{&event}
	}
	void := ask(func(c *timecard.AskCorrection) { c.Void = true })
	approve := timecard.ApproveCorrection{ApprovedBy: second, ApprovedAt: noon}
	refuse := timecard.RefuseCorrection{RefusedBy: clerk, RefusedAt: noon, Ground: "as_recorded"}
	approved := &eventschema.CorrectionApproved{CorrectionID: correction, ApprovedAt: noon, ApprovedBy: second}
	refused := &eventschema.CorrectionRefused{CorrectionID: correction, RefusedAt: noon, RefusedBy: clerk, Ground: "as_recorded"}
	domaintest.Run(t, timecard.RequestDecider(), map[string]domaintest.Case[timecard.RequestCommand]{
		"somebody asks":                        {When: ask(), Then: asked(ask())},
		"somebody asks twice":                  {Given: asked(ask()), When: ask()},
		"a punch is to count for nothing":      {When: void, Then: []eventschema.Event{&eventschema.CorrectionRequested{CorrectionID: correction, PunchID: punch, WorkID: work, Void: true, Reason: eventschema.ReasonWrongTime, RequestedAt: noon, RequestedBy: clerk}}},
		"without a punch":                      {When: ask(func(c *timecard.AskCorrection) { c.PunchID = uuid.Nil }), Refused: timecard.ErrUnknownPunch},
		"nobody asks":                          {When: ask(func(c *timecard.AskCorrection) { c.RequestedBy = uuid.Nil }), Refused: timecard.ErrNoApprover},
		"without a reason":                     {When: ask(func(c *timecard.AskCorrection) { c.Reason = "because" }), Refused: timecard.ErrReason},
		"without a direction":                  {When: ask(func(c *timecard.AskCorrection) { c.Direction = "up" }), Refused: timecard.ErrDirection},
		"for another job":                      {When: ask(func(c *timecard.AskCorrection) { c.Job = &watch }), Then: asked(ask(func(c *timecard.AskCorrection) { c.Job = &watch }))},
		"for a job that is no code":            {When: ask(func(c *timecard.AskCorrection) { c.Job = &wrong }), Refused: timecard.ErrCode},
		"without a time":                       {When: ask(func(c *timecard.AskCorrection) { c.OccurredAt = time.Time{} }), Refused: timecard.ErrNoTime},
		"of the future":                        {When: ask(func(c *timecard.AskCorrection) { c.OccurredAt = noon.Add(25 * time.Hour) }), Refused: timecard.ErrInTheFuture},
		"a second person approves":             {Given: asked(ask()), When: approve, Then: []eventschema.Event{approved}},
		"and approves once":                    {Given: append(asked(ask()), approved), When: approve},
		"whoever asked approves":               {Given: asked(ask()), When: timecard.ApproveCorrection{ApprovedBy: clerk}, Refused: timecard.ErrSelfApproval},
		"nobody approves":                      {Given: asked(ask()), When: timecard.ApproveCorrection{}, Refused: timecard.ErrNoApprover},
		"what nobody asked for is approved":    {When: approve, Refused: timecard.ErrNotRequested},
		"what was refused is approved":         {Given: append(asked(ask()), refused), When: approve, Refused: timecard.ErrDecided},
		"a request is refused, or taken back":  {Given: asked(ask()), When: refuse, Then: []eventschema.Event{refused}},
		"and refused once":                     {Given: append(asked(ask()), refused), When: refuse},
		"what was made is refused":             {Given: append(asked(ask()), approved), When: refuse, Refused: timecard.ErrDecided},
		"a refusal in words":                   {Given: asked(ask()), When: timecard.RefuseCorrection{RefusedBy: second, Ground: "Because I say so"}, Refused: timecard.ErrGround},
		"what nobody asked for is not refused": {When: refuse, Refused: timecard.ErrNotRequested},
	})
}
