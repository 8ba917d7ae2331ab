package erasure_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/domaintest"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

func TestCheckHolds(t *testing.T) {
	held := changed(noHolds, func(c *erasure.CheckHolds) { c.Holds = []uuid.UUID{holdID} })
	other := changed(noHolds, func(c *erasure.CheckHolds) { c.Holds = []uuid.UUID{third} })
	wasOther := &eventschema.HoldChecked{CaseID: caseID, CheckedAt: noon, Holds: []uuid.UUID{third}}
	backwards := changed(noHolds, func(c *erasure.CheckHolds) { c.CoolingOff = -week })
	atOnce := &eventschema.CoolingOffStarted{CaseID: caseID, StartedAt: noon, Until: noon}
	reopened := &eventschema.FenceReopened{CaseID: caseID, ReopenedAt: noon}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"without a hold the case begins to cool off": {Given: until(wasAssessed), When: noHolds, Then: past(wasClear, wasCooling)},
		"a cooling-off never ends before it began":   {Given: until(wasAssessed), When: backwards, Then: past(wasClear, atOnce)},
		"a hold stops it": {Given: until(wasAssessed), When: held, Then: past(wasHeld)},
		"a hold placed while it cools off stops it":       {Given: until(wasCooling), When: held, Then: past(wasHeld)},
		"a hold placed after the approval stops it":       {Given: until(wasApproved), When: held, Then: past(wasHeld)},
		"a hold found in the act of destroying stops it":  {Given: untilBegun(eventschema.StepDestroy), When: held, Then: past(wasHeld)},
		"a hold comes too late for what is gone":          {Given: until(wasDestroyed), When: held},
		"the same hold again changes nothing":             {Given: until(wasCooling, wasHeld), When: held},
		"another hold is recorded":                        {Given: until(wasCooling, wasHeld), When: other, Then: past(wasOther)},
		"once lifted the case cools off from the start":   {Given: until(wasCooling, wasHeld), When: noHolds, Then: past(wasClear, wasCooling)},
		"but the fence is reopened first":                 {Given: until(wasReviewed, wasHeld), When: noHolds, Refused: erasure.ErrOrder},
		"and then it cools off":                           {Given: until(wasReviewed, wasHeld, begun(eventschema.StepReopenFence), reopened), When: noHolds, Then: past(wasClear, wasCooling)},
		"still no hold changes nothing":                   {Given: until(wasCooling), When: noHolds},
		"what is not assessed cannot be checked":          {Given: until(wasIdentified), When: noHolds, Refused: erasure.ErrNotAssessed},
		"a case that has ended is not checked":            {Given: past(wasRequested, wasCancelled), When: held},
		"a case approved in the first release is checked": {Given: first(wasApproved, wasAssessed), When: noHolds, Then: past(wasClear)},
	})
}

func TestEveryStepHasItsIntentAndItsResult(t *testing.T) {
	for _, step := range []struct {
		step    eventschema.ErasureStep
		before  eventschema.Event
		result  erasure.Command
		after   eventschema.Event
		refused error // of the result before the intent
	}{
		{eventschema.StepCloseFence, wasApproved, erasure.CloseFence{ClosedAt: inManila}, wasFenced, erasure.ErrOrder},
		{eventschema.StepDrain, wasFenced, erasure.Drained{DrainedAt: inManila, Holders: holders}, wasDrained, erasure.ErrOrder},
		{eventschema.StepReview, wasDrained, erasure.Reviewed{ReviewedAt: inManila}, wasReviewed, erasure.ErrOrder},
		{eventschema.StepDestroy, wasReviewed, destroyed, wasDestroyed, erasure.ErrOrder},
		{eventschema.StepQuiesce, wasDestroyed, erasure.Quiesced{QuiescedAt: inManila, Holders: holders}, wasQuiesced, erasure.ErrOrder},
		{eventschema.StepScrub, wasQuiesced, erasure.Scrubbed{ScrubbedAt: inManila, Position: 99}, wasScrubbed, erasure.ErrOrder},
		{eventschema.StepPursue, wasScrubbed, erasure.Pursued{PursuedAt: inManila, Recipients: wasPursued.Recipients}, wasPursued, erasure.ErrOrder},
		{eventschema.StepVerify, wasPursued, verified, wasVerified, erasure.ErrOrder},
		{eventschema.StepCertify, wasVerified, certify, wasCertified, erasure.ErrOrder},
		{eventschema.StepFinalise, wasRetired, finalise, wasFinal, erasure.ErrOrder},
	} {
		begin := erasure.Begin{Step: step.step, StartedAt: inManila}
		table := map[string]kase{
			"the intent is recorded when it is the step's turn": {Given: until(step.before), When: begin, Then: past(begun(step.step))},
			"the intent is recorded once":                       {Given: untilBegun(step.step), When: begin},
			"not before its turn":                               {Given: past(wasRequested, wasIdentified), When: begin, Refused: erasure.ErrOrder},
			"not in a case that was cancelled":                  {Given: past(wasRequested, wasCancelled), When: begin, Refused: erasure.ErrOrder},
			"the result follows":                                {Given: untilBegun(step.step), When: step.result, Then: past(step.after)},
			"a result that comes again changes nothing":         {Given: until(step.after), When: step.result},
			"nor at the end of the case":                        {Given: whole(), When: step.result},
			"no result without its intent":                      {Given: until(step.before), When: step.result, Refused: step.refused},
			"a case nobody opened":                              {When: step.result, Refused: erasure.ErrNotRequested},
		}
		t.Run(string(step.step), func(t *testing.T) { domaintest.Run(t, erasure.Decider(), table) })
	}
}

// promise: DS-20
func TestDestroyed(t *testing.T) {
	nothing := changed(destroyed, func(d *erasure.Destroyed) { d.Keys = nil })
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"what was destroyed is recorded, and what was kept, why and until when": {Given: untilBegun(eventschema.StepDestroy), When: destroyed, Then: past(wasDestroyed)},
		"nothing is destroyed without approval":                                 {Given: until(wasCooling), When: destroyed, Refused: erasure.ErrNotApproved},
		"nor while a hold is in force":                                          {Given: untilBegun(eventschema.StepDestroy, wasHeld), When: destroyed, Refused: erasure.ErrNotApproved},
		"a case that found every key destroyed by another case ends like any other": {
			Given: untilBegun(eventschema.StepDestroy), When: nothing,
			Then: past(&eventschema.KeysDestroyed{CaseID: caseID, PersonID: personID, DestroyedAt: noon, Lookups: 2, Retained: retained})},
	})
}

func TestReviewed(t *testing.T) {
	taken := []eventschema.Mention{{SenderID: workID, MessageID: told}, {SenderID: workID, MessageID: holdID}}
	found := erasure.Reviewed{ReviewedAt: inManila, ReviewedBy: officer, Texts: 12, Mentions: 3, Left: 1, Ground: "legal_claims", Taken: taken}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"texts of others that name the person": {Given: untilBegun(eventschema.StepReview), When: found, Then: past(&eventschema.MentionsReviewed{
			CaseID: caseID, ReviewedAt: noon, ReviewedBy: officer, Texts: 12, Mentions: 3, Left: 1, Ground: "legal_claims", Taken: taken})},
		"what does not stay is named":        {Given: untilBegun(eventschema.StepReview), When: changed(found, func(r *erasure.Reviewed) { r.Taken = taken[:1] }), Refused: erasure.ErrMentions},
		"an officer decides about them":      {Given: untilBegun(eventschema.StepReview), When: changed(found, func(r *erasure.Reviewed) { r.ReviewedBy = uuid.Nil }), Refused: erasure.ErrMentions},
		"what stays stays on a ground":       {Given: untilBegun(eventschema.StepReview), When: changed(found, func(r *erasure.Reviewed) { r.Ground = "" }), Refused: erasure.ErrMentions},
		"more cannot stay than there was":    {Given: untilBegun(eventschema.StepReview), When: changed(found, func(r *erasure.Reviewed) { r.Left = 4 }), Refused: erasure.ErrMentions},
		"more cannot mention than there are": {Given: untilBegun(eventschema.StepReview), When: changed(found, func(r *erasure.Reviewed) { r.Mentions = 13 }), Refused: erasure.ErrMentions},
	})
}

func TestNoCertificateOnABadVerification(t *testing.T) {
	bad := func(change func(*erasure.Verified)) kase {
		return kase{Given: untilBegun(eventschema.StepVerify), When: changed(verified, change), Refused: erasure.ErrNotVerifiedYet}
	}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"an old envelope still opens":         bad(func(v *erasure.Verified) { v.Erased = 2 }),
		"a key lives":                         bad(func(v *erasure.Verified) { v.Keys = 1 }),
		"a blind index still finds them":      bad(func(v *erasure.Verified) { v.Lookups = 1 }),
		"no certificate before verification":  {Given: until(wasPursued), When: certify, Refused: erasure.ErrOrder},
		"nor before the keys are gone":        {Given: until(wasReviewed), When: certify, Refused: erasure.ErrNotDestroyed},
		"no final one before the effective":   {Given: until(wasVerified), When: finalise, Refused: erasure.ErrOrder},
		"nor before the epochs are retired":   {Given: until(wasCertified), When: finalise, Refused: erasure.ErrOrder},
		"a command nobody wrote a rule for":   {Given: past(wasRequested), When: nil, Refused: domain.ErrUnknownCommand},
		"a stopped case is never certified":   {Given: past(wasRequested, wasCancelled), When: certify, Refused: erasure.ErrNotDestroyed},
		"a case nobody opened has none":       {When: certify, Refused: erasure.ErrNotRequested},
		"a second effective one is not kept":  {Given: until(wasCertified), When: changed(certify, func(c *erasure.Certify) { c.Certificate = "other" })},
		"a second final one is not kept":      {Given: whole(), When: changed(finalise, func(c *erasure.Certify) { c.Certificate = "other" })},
		"a first certificate of a later kind": {Given: untilBegun(eventschema.StepCertify), When: finalise, Refused: erasure.ErrOrder},
	})
}

func TestRetired(t *testing.T) {
	several := untilBegun(eventschema.StepDestroy, &eventschema.KeysDestroyed{CaseID: caseID, DestroyedAt: noon, Keys: []eventschema.DestroyedKey{{Epoch: 7}, {Epoch: 8}, {Epoch: 7}}},
		wasQuiesced, wasScrubbed, wasPursued, wasVerified, wasCertified)
	both := erasure.Retired{Epochs: []eventschema.RetiredEpoch{{Epoch: 7, RetiredAt: noon}, {Epoch: 8, RetiredAt: inManila.Add(time.Hour)}}}
	nothing := untilBegun(eventschema.StepDestroy, &eventschema.KeysDestroyed{CaseID: caseID, DestroyedAt: noon}, wasQuiesced, wasScrubbed, wasPursued, wasVerified, wasCertified)
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"the epochs that wrapped the keys are gone": {Given: until(wasCertified), When: retired, Then: past(wasRetired)},
		"once":                                      {Given: until(wasRetired), When: retired},
		"the last of several counts":                {Given: several, When: both, Then: past(&eventschema.EpochsRetired{CaseID: caseID, Epochs: both.Epochs, RetiredAt: noon.Add(time.Hour)})},
		"all of them must be gone":                  {Given: several, When: retired, Refused: erasure.ErrOrder},
		"not before the effective certificate":      {Given: until(wasVerified), When: retired, Refused: erasure.ErrOrder},
		"a case without keys waits for no epoch":    {Given: nothing, When: erasure.Retired{}, Then: past(&eventschema.EpochsRetired{CaseID: caseID, RetiredAt: noon})},
		"a certified case of the first release too": {Given: first(wasApproved, wasDestroyed, wasCertified), When: retired, Then: past(wasRetired)},
	})
}
