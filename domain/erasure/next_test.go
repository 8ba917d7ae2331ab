package erasure_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

func step(s eventschema.ErasureStep) erasure.Todo { return erasure.Todo{Step: s} }
func decision(d erasure.Decision) erasure.Todo    { return erasure.Todo{Decision: d} }
func wait(w erasure.Wait) erasure.Todo            { return erasure.Todo{Wait: w} }

func TestNext(t *testing.T) {
	reopened := &eventschema.FenceReopened{CaseID: caseID, ReopenedAt: noon}
	purpose := *wasRequested
	purpose.Scope = eventschema.ScopePurpose
	onePurpose := past(&purpose, wasIdentified, wasAssessed, wasClear, wasCooling, wasApproved)
	policy := append(wasWithdrawn(), wasAssessed, wasClear, &eventschema.CoolingOffStarted{CaseID: caseID, StartedAt: noon, Until: noon})
	for rule, c := range map[string]struct {
		given []eventschema.Event
		want  erasure.Todo
	}{
		"a case nobody opened":                                 {nil, wait(erasure.WaitNothing)},
		"a request waits for the identity":                     {past(wasRequested), wait(erasure.WaitIdentity)},
		"then for an officer to assess it":                     {until(wasIdentified), wait(erasure.WaitScope)},
		"holds are checked by the machine":                     {until(wasAssessed), decision(erasure.DecideHolds)},
		"it cools off":                                         {until(wasCooling), erasure.Todo{Wait: erasure.WaitCoolingOff, Until: noon.Add(week)}},
		"a held case waits":                                    {until(wasCooling, wasHeld), wait(erasure.WaitHold)},
		"a held case is given back its writers":                {until(wasReviewed, wasHeld), step(eventschema.StepReopenFence)},
		"also when only the intent is on record":               {untilBegun(eventschema.StepCloseFence, wasHeld), step(eventschema.StepReopenFence)},
		"and then waits":                                       {until(wasReviewed, wasHeld, begun(eventschema.StepReopenFence), reopened), wait(erasure.WaitHold)},
		"a cancelled case is given back its writers":           {until(wasReviewed, wasCancelled), step(eventschema.StepReopenFence)},
		"and then is over":                                     {until(wasReviewed, wasCancelled, begun(eventschema.StepReopenFence), reopened), wait(erasure.WaitNothing)},
		"a case cancelled early is over at once":               {past(wasRequested, wasCancelled), wait(erasure.WaitNothing)},
		"an approved case closes the fence":                    {until(wasApproved), step(eventschema.StepCloseFence)},
		"an intent without a result comes again":               {untilBegun(eventschema.StepCloseFence), step(eventschema.StepCloseFence)},
		"writers are drained":                                  {until(wasFenced), step(eventschema.StepDrain)},
		"mentions are reviewed":                                {until(wasDrained), step(eventschema.StepReview)},
		"keys are destroyed":                                   {until(wasReviewed), step(eventschema.StepDestroy)},
		"one purpose needs no fence":                           {onePurpose, step(eventschema.StepReview)},
		"and its key is destroyed":                             {append(onePurpose, begun(eventschema.StepReview), wasReviewed), step(eventschema.StepDestroy)},
		"caches are quiesced":                                  {until(wasDestroyed), step(eventschema.StepQuiesce)},
		"read models are scrubbed":                             {until(wasQuiesced), step(eventschema.StepScrub)},
		"copies are pursued":                                   {until(wasScrubbed), step(eventschema.StepPursue)},
		"the erasure is verified":                              {until(wasPursued), step(eventschema.StepVerify)},
		"and certified":                                        {until(wasVerified), step(eventschema.StepCertify)},
		"the final certificate waits for epochs":               {until(wasCertified), decision(erasure.DecideRetired)},
		"and follows them":                                     {until(wasRetired), step(eventschema.StepFinalise)},
		"the end":                                              {whole(), wait(erasure.WaitNothing)},
		"withdrawn consent is assessed by policy":              {wasWithdrawn(), decision(erasure.DecideScope)},
		"and approved by policy":                               {policy, decision(erasure.DecideApproval)},
		"a work record that has come of age waits for a batch": {due(wasDue()), wait(erasure.WaitApproval)},
		"and ends its streams once it is verified":             {dueVerified(), step(eventschema.StepExpire)},
		"an intent to end them comes again":                    {append(dueVerified(), begun(eventschema.StepExpire)), step(eventschema.StepExpire)},
		"then it is certified":                                 {append(dueVerified(), begun(eventschema.StepExpire), wasExpired), step(eventschema.StepCertify)},
		"a request of the first release goes on":               {first(), wait(erasure.WaitIdentity)},
		"an approval of the first release goes on":             {first(wasApproved), decision(erasure.DecideScope)},
		"its holds are checked":                                {first(wasApproved, wasAssessed), decision(erasure.DecideHolds)},
		"and its fence closed":                                 {first(wasApproved, wasAssessed, wasClear), step(eventschema.StepCloseFence)},
		"a destruction of the first release too":               {first(wasApproved, wasDestroyed), step(eventschema.StepQuiesce)},
		"a certificate of the first release too":               {first(wasApproved, wasDestroyed, wasCertified), decision(erasure.DecideRetired)},
	} {
		t.Run(rule, func(t *testing.T) {
			if diff := cmp.Diff(c.want, erasure.Next(erasure.Decider().Fold(c.given...), noon)); diff != "" {
				t.Errorf("next (-want +got):\n%s", diff)
			}
		})
	}
	if got := erasure.Next(erasure.Decider().Fold(until(wasCooling)...), noon.Add(week)); got != wait(erasure.WaitApproval) {
		t.Errorf("at the end of cooling-off: %+v, want to wait for approval", got)
	}
}

// due is a case of ended retention that has been assessed and is held by nothing.
func due(requested eventschema.Event) []eventschema.Event {
	return past(requested, wasNobody(), wasAssessed, wasClear, &eventschema.CoolingOffStarted{CaseID: caseID, StartedAt: noon, Until: noon})
}

func dueVerified() []eventschema.Event {
	return append(due(wasDue()), wasReleased, begun(eventschema.StepReview), wasReviewed, begun(eventschema.StepDestroy), wasDestroyed,
		begun(eventschema.StepQuiesce), wasQuiesced, begun(eventschema.StepScrub), wasScrubbed, begun(eventschema.StepPursue), wasPursued,
		begun(eventschema.StepVerify), wasVerified)
}

var (
	batchID     = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0a01")
	wasReleased = &eventschema.ErasureApproved{CaseID: caseID, ApprovedAt: noon, ApprovedBy: second, BatchID: batchID}
	wasExpired  = &eventschema.RecordsExpired{
		CaseID: caseID, RecordID: workID, ExpiredAt: noon, Whole: true, Streams: []eventschema.ExpiredStream{{Stream: "work-x.y", Events: 2}},
	}
)

// What has come of age goes with a batch and with nothing else, and what a law
// keeps does not go at all.
//
// promise: ST-38
func TestRetention(t *testing.T) {
	early := erasure.Request{
		CaseID: caseID, Origin: eventschema.OriginRetention, Scope: eventschema.ScopePurpose, RecordID: workID,
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, Anchor: left, RequestedBy: officer, RequestedAt: left.AddDate(4, 0, -1),
	}
	release := erasure.Approve{ApprovedBy: second, ApprovedAt: noon, BatchID: batchID}
	byHand := changed(release, func(a *erasure.Approve) { a.BatchID = uuid.Nil })
	byPolicy := changed(release, func(a *erasure.Approve) { a.ApprovedBy = uuid.Nil })
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a batch releases it":                     {Given: due(wasDue()), When: release, Then: past(wasReleased)},
		"an officer alone does not":               {Given: due(wasDue()), When: byHand, Refused: erasure.ErrBatch},
		"and the clock does not":                  {Given: due(wasDue()), When: byPolicy, Refused: erasure.ErrNoActor},
		"a batch releases nothing that was asked": {Given: until(wasCooling), When: changed(release, func(a *erasure.Approve) { a.ApprovedAt = noon.Add(week) }), Refused: erasure.ErrBatch},
		"streams end when their keys have":        {Given: due(wasDue()), When: erasure.Expired{ExpiredAt: noon}, Refused: erasure.ErrOrder},
		"the record of it names the streams": {
			Given: append(dueVerified(), begun(eventschema.StepExpire)), When: erasure.Expired{ExpiredAt: noon, Streams: wasExpired.Streams}, Then: past(wasExpired)},
		"they end once": {Given: append(dueVerified(), begun(eventschema.StepExpire), wasExpired), When: erasure.Expired{ExpiredAt: noon, Streams: wasExpired.Streams}},
	})
	for rule, c := range map[string]struct {
		change func(*erasure.Request)
		until  string // empty: allowed
	}{
		"a day before the floor":                    {func(*erasure.Request) {}, "2023-06-30"},
		"on its day it may go":                      {func(r *erasure.Request) { r.RequestedAt = left.AddDate(4, 0, 0) }, ""},
		"a higher floor of the installation":        {func(r *erasure.Request) { r.Floor, r.FloorSource = eventschema.Span{Years: 6}, "NYLL 195" }, "2025-06-30"},
		"a lower one does not lower the register's": {func(r *erasure.Request) { r.Floor, r.FloorSource = eventschema.Span{Years: 1}, "a law" }, "2023-06-30"},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := erasure.Decider().Decide(erasure.State{}, changed(early, c.change))
			var floor *erasure.FloorError
			switch {
			case c.until == "" && err != nil:
				t.Error(err)
			case c.until != "" && (!errors.As(err, &floor) || floor.Until.Format(time.DateOnly) != c.until || floor.Source == ""):
				t.Errorf("%v, want it refused until %s with the law", err, c.until)
			}
		})
	}
}

// everything lists a command of every kind, by different people, with every
// answer that the outside may give.
func everything() map[string]erasure.Command {
	all := map[string]erasure.Command{
		"request": request, "withdrawal": withdrawal, "verify identity": verifyIdentity,
		"assess": assess, "assess by policy": changed(assess, func(a *erasure.Assess) { a.AssessedBy = uuid.Nil }),
		"assess as second": changed(assess, func(a *erasure.Assess) { a.AssessedBy = second; a.EmploymentEnded = noon }),
		"no holds":         noHolds, "held": changed(noHolds, func(c *erasure.CheckHolds) { c.Holds = []uuid.UUID{holdID} }),
		"approve": approve, "approve early": changed(approve, func(a *erasure.Approve) { a.ApprovedAt = noon }),
		"approve own":       changed(approve, func(a *erasure.Approve) { a.ApprovedBy = officer }),
		"approve by policy": changed(approve, func(a *erasure.Approve) { a.ApprovedBy = uuid.Nil }),
		"cancel":            cancel, "refuse": erasure.Refuse{RefusedBy: second, RefusedAt: noon, Ground: eventschema.RefusalLegalDuty},
		"fence": erasure.CloseFence{ClosedAt: noon}, "reopen": erasure.ReopenFence{ReopenedAt: noon},
		"drained": erasure.Drained{DrainedAt: noon}, "reviewed": erasure.Reviewed{ReviewedAt: noon},
		"destroyed": destroyed, "quiesced": erasure.Quiesced{QuiescedAt: noon}, "scrubbed": erasure.Scrubbed{ScrubbedAt: noon},
		"pursued": erasure.Pursued{PursuedAt: noon}, "verified": verified,
		"unverified": changed(verified, func(v *erasure.Verified) { v.Erased = 1 }),
		"certify":    certify, "retired": retired, "finalise": finalise,
	}
	for _, s := range steps() {
		all["begin "+string(s)] = erasure.Begin{Step: s, StartedAt: noon.Add(week)}
	}
	return all
}

func steps() []eventschema.ErasureStep {
	return []eventschema.ErasureStep{
		eventschema.StepCloseFence, eventschema.StepReopenFence, eventschema.StepDrain, eventschema.StepReview, eventschema.StepDestroy,
		eventschema.StepQuiesce, eventschema.StepScrub, eventschema.StepPursue, eventschema.StepVerify, eventschema.StepCertify, eventschema.StepFinalise,
	}
}

// Every case that commands in any order can reach is visited, and everything
// that must hold of a destruction is held against the history that led there.
//
// promise: RR-31
func TestNoPathDestroysWithoutIdentityScopeHoldCheckAndSecondPerson(t *testing.T) {
	decider := erasure.Decider()
	type visit struct {
		state   erasure.State
		history []eventschema.Event
	}
	seen := map[string]bool{}
	queue := []visit{{state: decider.Initial()}, {state: decider.Fold(first(wasApproved)...), history: first(wasApproved)}}
	destructions, finals := 0, 0
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for name, command := range everything() {
			events, err := decider.Decide(at.state, command)
			if err != nil && len(events) > 0 {
				t.Fatalf("%s is refused with events", name)
			}
			next := visit{state: at.state, history: slices.Clone(at.history)}
			for _, event := range events {
				next.state = decider.Evolve(next.state, event)
				next.history = append(next.history, event)
				checkHistory(t, next.history)
				switch e := event.(type) {
				case *eventschema.KeysDestroyed:
					destructions++
				case *eventschema.ErasureCertified:
					if e.Kind == eventschema.CertificateFinal {
						finals++
					}
				}
			}
			if key := fmt.Sprintf("%+v", next.state); len(events) > 0 && !seen[key] {
				seen[key] = true
				queue = append(queue, next)
			}
		}
	}
	t.Logf("%d states, %d ways to a destruction, %d to a final certificate", len(seen), destructions, finals)
	if len(seen) < 100 || destructions == 0 || finals == 0 {
		t.Errorf("the search saw %d states, %d destructions, %d final certificates: it proves nothing", len(seen), destructions, finals)
	}
}

// checkHistory looks at the last event of a history.
func checkHistory(t *testing.T, history []eventschema.Event) {
	t.Helper()
	last := history[len(history)-1]
	before := map[string]int{}
	for _, event := range history[:len(history)-1] {
		before[event.EventType()]++
	}
	if _, oldCase := history[0].(*eventschema.ErasureRequested); !oldCase {
		t.Fatalf("a case begins with %s", history[0].EventType())
	}
	of := func(eventType string) int { return before[eventType] }
	fromFirstRelease := len(history) > 1 && history[1] == eventschema.Event(wasApproved)
	switch e := last.(type) {
	case *eventschema.ErasureRequested:
		if len(history) != 1 {
			t.Errorf("a case is opened twice: %s", names(history))
		}
	case *eventschema.KeysDestroyed:
		checkApproval(t, history, fromFirstRelease)
		if of("keys-destroyed") > 0 || of("erasure-cancelled")+of("erasure-refused") > 0 {
			t.Errorf("destroyed twice, or after the end: %s", names(history))
		}
		if of("identity-verified") == 0 && !fromFirstRelease || of("scope-assessed") == 0 || of("mentions-reviewed") == 0 {
			t.Errorf("destroyed without identity, scope or review: %s", names(history))
		}
	case *eventschema.ErasureCertified:
		if of("erasure-verified") == 0 || e.Kind == eventschema.CertificateFinal && of("epochs-retired") == 0 || of("erasure-certified") > 1 {
			t.Errorf("certified too early or too often: %s", names(history))
		}
	case *eventschema.ErasureCancelled, *eventschema.ErasureRefused:
		if of("keys-destroyed") > 0 {
			t.Errorf("ended after the point of no return: %s", names(history))
		}
	}
}

// checkApproval wants, behind the last hold that stopped the case, a clear check,
// a cooling-off, and the word of somebody else.
func checkApproval(t *testing.T, history []eventschema.Event, fromFirstRelease bool) {
	t.Helper()
	var clear bool
	var cooled time.Time
	var approval *eventschema.ErasureApproved
	asked, assessed := uuid.Nil, uuid.Nil
	for _, event := range history {
		switch e := event.(type) {
		case *eventschema.ErasureRequested:
			asked = e.RequestedBy
		case *eventschema.ScopeAssessed:
			assessed = e.AssessedBy
		case *eventschema.HoldChecked:
			if clear = len(e.Holds) == 0; !clear {
				approval = nil
			}
		case *eventschema.CoolingOffStarted:
			cooled = e.Until
		case *eventschema.ErasureApproved:
			approval = e
		}
	}
	switch {
	case !clear:
		t.Errorf("destroyed under a hold, or unchecked: %s", names(history))
	case approval == nil:
		t.Errorf("destroyed without approval: %s", names(history))
	case approval.ApprovedAt.Before(cooled):
		t.Errorf("approved before it had cooled off: %s", names(history))
	case approval.ApprovedBy == uuid.Nil && approval.Policy == "":
		t.Errorf("approved by nobody: %s", names(history))
	case approval.ApprovedBy != uuid.Nil && !fromFirstRelease && (approval.ApprovedBy == asked || approval.ApprovedBy == assessed):
		t.Errorf("approved by whoever asked or assessed: %s", names(history))
	}
}

func names(history []eventschema.Event) []string {
	var all []string
	for _, event := range history {
		name := event.EventType()
		if started, ok := event.(*eventschema.ErasureStepStarted); ok {
			name += " " + string(started.Step)
		}
		all = append(all, name)
	}
	return all
}

// A case killed anywhere goes on from its events alone, to the same end: after
// any prefix, doing what Next asks for leads to the final certificate.
func TestAfterAnyPrefixTheSameEndIsReached(t *testing.T) {
	decider := erasure.Decider()
	for n := range len(whole()) + 1 {
		if n == 0 {
			continue
		}
		state := decider.Fold(whole()[:n]...)
		for turns := 0; erasure.Next(state, noon.Add(week)).Wait != erasure.WaitNothing; turns++ {
			if turns > 60 {
				t.Fatalf("after %d events the case never ends; it is %s", n, state.Phase)
			}
			events, err := decider.Decide(state, answer(state))
			if err != nil || len(events) == 0 {
				t.Fatalf("after %d events, %s: %d events, %v", n, state.Phase, len(events), err)
			}
			for _, event := range events {
				state = decider.Evolve(state, event)
			}
		}
		if diff := cmp.Diff(decider.Fold(whole()...), state); diff != "" {
			t.Errorf("after %d events (-want +got):\n%s", n, diff)
		}
	}
}

// answer is what a machine and two officers would do next.
func answer(s erasure.State) erasure.Command {
	todo := erasure.Next(s, noon.Add(week))
	results := map[eventschema.ErasureStep]erasure.Command{
		eventschema.StepCloseFence: erasure.CloseFence{ClosedAt: noon}, eventschema.StepReopenFence: erasure.ReopenFence{ReopenedAt: noon},
		eventschema.StepDrain: erasure.Drained{DrainedAt: noon, Holders: holders}, eventschema.StepReview: erasure.Reviewed{ReviewedAt: noon},
		eventschema.StepDestroy: destroyed, eventschema.StepQuiesce: erasure.Quiesced{QuiescedAt: noon, Holders: holders},
		eventschema.StepScrub: erasure.Scrubbed{ScrubbedAt: noon, Position: 99}, eventschema.StepPursue: erasure.Pursued{PursuedAt: noon, Recipients: wasPursued.Recipients},
		eventschema.StepVerify: verified, eventschema.StepCertify: certify, eventschema.StepFinalise: finalise,
	}
	if todo.Step != "" && s.Begun != todo.Step {
		return erasure.Begin{Step: todo.Step, StartedAt: noon}
	}
	if todo.Step != "" {
		return results[todo.Step]
	}
	return map[erasure.Todo]erasure.Command{
		wait(erasure.WaitIdentity): verifyIdentity, wait(erasure.WaitScope): assess, wait(erasure.WaitApproval): approve,
		decision(erasure.DecideHolds): noHolds, decision(erasure.DecideRetired): retired,
	}[todo]
}

func TestAPrefixOfHistoryNeverBreaksEvolve(t *testing.T) {
	commands := everything()
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOf(rapid.SampledFrom(append(whole(), wasHeld, wasCancelled, &eventschema.PersonClosed{}))).Draw(t, "history")
		for i := range len(history) + 1 {
			for name, command := range commands {
				if events, err := erasure.Decider().Decide(erasure.Decider().Fold(history[:i]...), command); err != nil && len(events) > 0 {
					t.Fatalf("%s is refused with events", name)
				}
			}
		}
	})
}

// Folding must not reach back into a state that was folded before.
func TestFoldingLeavesEarlierStatesAlone(t *testing.T) {
	decider := erasure.Decider()
	notified := func(outcome eventschema.NotifyOutcome) eventschema.Event {
		return &eventschema.RecipientNotified{CaseID: caseID, DisclosureID: told, NotifiedAt: noon, NotifiedBy: officer, Outcome: outcome}
	}
	before := decider.Fold(until(wasPursued, notified(eventschema.NotifyTold))...)
	_ = decider.Evolve(before, notified(eventschema.NotifyImpossible))
	if before.Notified[told] != eventschema.NotifyTold {
		t.Error("a later event changed an earlier state")
	}
}
