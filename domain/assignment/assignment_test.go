package assignment_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/domain"
	"tracekeep/domain/assignment"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

var (
	shiftID  = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0901")
	swapID   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0902")
	ada      = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e01")
	bob      = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e02")
	cleo     = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	start    = at("2026-05-04T11:00:00Z") // a Monday, 07:00 in New York
	end      = start.Add(8 * time.Hour)
	before   = start.AddDate(0, 0, -3)
	answerBy = start.AddDate(0, 0, -1)
	policy   = assignment.DefaultPolicy()

	times = assignment.Times{Zone: "America/New_York", StartsLocal: "2026-05-04 07:00", EndsLocal: "2026-05-04 15:00", StartsAt: start, EndsAt: end}
	plan  = assignment.Plan{
		ShiftID: shiftID, Kind: eventschema.ShiftDetail, Employer: "customer_0042", Site: "harbor_st", Times: times, Headcount: 1,
		PlannedAt: before, PlannedBy: officer,
	}
	offer = assignment.Offer{
		Strategy: eventschema.StrategySeniority, Policy: policy, Candidates: []assignment.Candidate{{WorkID: bob, Seniority: 2}, {WorkID: ada, Seniority: 1}},
		RespondBy: answerBy, OfferedAt: before, OfferedBy: officer,
	}
	accept = assignment.Accept{Policy: policy, Candidate: assignment.Candidate{WorkID: ada}, AcceptedAt: before.Add(time.Hour)}
	assign = assignment.Assign{Policy: policy, Candidate: assignment.Candidate{WorkID: ada}, AssignedAt: before, AssignedBy: officer}
	ask    = assignment.RequestSwap{SwapID: swapID, From: ada, To: bob, RequestedAt: before}

	wasPlanned = &eventschema.ShiftPlanned{
		ShiftID: shiftID, Kind: eventschema.ShiftDetail, Employer: "customer_0042", Site: "harbor_st", Zone: "America/New_York",
		StartsLocal: "2026-05-04 07:00", EndsLocal: "2026-05-04 15:00", StartsAt: start, EndsAt: end, Headcount: 1, PlannedAt: before, PlannedBy: officer,
	}
	wasOffered  = offered(eventschema.StrategySeniority, ada)
	wasBid      = offered(eventschema.StrategyBidding, ada, bob)
	wasReleased = offered(eventschema.StrategyRelease, ada)
	wasAccepted = &eventschema.OfferAccepted{ShiftID: shiftID, WorkID: ada, AcceptedAt: before.Add(time.Hour)}
	wasAssigned = &eventschema.ShiftAssigned{ShiftID: shiftID, WorkID: ada, Strategy: eventschema.StrategyDirect, PolicyVersion: 1, AssignedAt: before, AssignedBy: officer}
	wasDeclined = &eventschema.OfferDeclined{ShiftID: shiftID, WorkID: ada, Reason: "family", DeclinedAt: before}
	wasAsked    = &eventschema.SwapRequested{ShiftID: shiftID, SwapID: swapID, FromWorkID: ada, ToWorkID: bob, RequestedAt: before}
	wasAgreed   = &eventschema.SwapAgreed{ShiftID: shiftID, SwapID: swapID, WorkID: bob, AgreedAt: before}
	wasSwapped  = &eventschema.SwapApproved{ShiftID: shiftID, SwapID: swapID, FromWorkID: ada, ToWorkID: bob, PolicyVersion: 1, ApprovedAt: before, ApprovedBy: officer}
	wasRefused  = &eventschema.SwapRefused{ShiftID: shiftID, SwapID: swapID, Reason: "too_late", RefusedAt: before, RefusedBy: officer}
	wasFreed    = &eventschema.ShiftUnassigned{ShiftID: shiftID, WorkID: ada, Reason: "sick", UnassignedAt: before, UnassignedBy: officer}
	wasOff      = &eventschema.ShiftCancelled{ShiftID: shiftID, Reason: "weather", CancelledAt: before, CancelledBy: officer}
	wasDone     = &eventschema.ShiftCompleted{ShiftID: shiftID, GraceVersion: 1, Results: []eventschema.ShiftResult{result(ada)}, CompletedAt: end, CompletedBy: officer}
)

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func offered(strategy eventschema.Strategy, works ...uuid.UUID) *eventschema.ShiftOffered {
	return &eventschema.ShiftOffered{
		ShiftID: shiftID, Strategy: strategy, PolicyVersion: 1, Offered: works, RespondBy: answerBy, OfferedAt: before, OfferedBy: officer,
		Standings: []eventschema.Standing{{WorkID: ada, Rank: 1}, {WorkID: bob, Rank: 2}},
	}
}

func result(work uuid.UUID) eventschema.ShiftResult {
	return eventschema.ShiftResult{WorkID: work, Attendance: eventschema.AttendanceOnTime, Worked: 480, Rating: eventschema.RatingMeets}
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[assignment.Command]

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// promise: OT-34
func TestPlanAndCancel(t *testing.T) {
	cancel := assignment.Cancel{Reason: "weather", CancelledAt: before, CancelledBy: officer}
	later := changed(times, func(u *assignment.Times) {
		u.StartsLocal, u.EndsLocal, u.StartsAt, u.EndsAt = "2026-05-04 09:00", "2026-05-04 17:00", start.Add(2*time.Hour), end.Add(2*time.Hour)
	})
	move := assignment.Reschedule{Times: later, RescheduledAt: before, RescheduledBy: officer}
	wasMoved := &eventschema.ShiftRescheduled{
		ShiftID: shiftID, Zone: later.Zone, StartsLocal: later.StartsLocal, EndsLocal: later.EndsLocal, StartsAt: later.StartsAt, EndsAt: later.EndsAt,
		RescheduledAt: before, RescheduledBy: officer,
	}
	planned := func(change func(*assignment.Plan)) assignment.Plan { return changed(plan, change) }
	other := assignment.Commitment{ShiftID: swapID, Start: end.Add(time.Hour), End: end.Add(6 * time.Hour)}
	moveWith := func(commitments ...assignment.Commitment) assignment.Reschedule {
		return changed(move, func(r *assignment.Reschedule) {
			r.Policy, r.Candidates = policy, []assignment.Candidate{{WorkID: ada, Commitments: commitments}}
		})
	}
	wasBumped := &eventschema.ShiftUnassigned{ShiftID: shiftID, WorkID: ada, Reason: "double_booked", With: other.ShiftID, UnassignedAt: before, UnassignedBy: officer}
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"a detail is planned":                    {When: plan, Then: past(wasPlanned)},
		"once":                                   {Given: past(wasPlanned), When: plan, Refused: assignment.ErrAlreadyPlanned},
		"by somebody":                            {When: planned(func(p *assignment.Plan) { p.PlannedBy = uuid.Nil }), Refused: assignment.ErrNoActor},
		"of a kind":                              {When: planned(func(p *assignment.Plan) { p.Kind = "hobby" }), Refused: assignment.ErrKind},
		"an employer is a code, not a name":      {When: planned(func(p *assignment.Plan) { p.Employer = "Moriarty & Sons" }), Refused: assignment.ErrCode},
		"a site is a code":                       {When: planned(func(p *assignment.Plan) { p.Site = "" }), Refused: assignment.ErrCode},
		"for somebody":                           {When: planned(func(p *assignment.Plan) { p.Headcount = 0 }), Refused: assignment.ErrHeadcount},
		"in a named zone":                        {When: planned(func(p *assignment.Plan) { p.Zone = "Local" }), Refused: assignment.ErrZone},
		"forwards in time":                       {When: planned(func(p *assignment.Plan) { p.EndsAt = start }), Refused: assignment.ErrTimes},
		"within a day":                           {When: planned(func(p *assignment.Plan) { p.EndsAt = start.Add(25 * time.Hour) }), Refused: assignment.ErrTimes},
		"with its local times":                   {When: planned(func(p *assignment.Plan) { p.StartsLocal = "at dawn" }), Refused: assignment.ErrTimes},
		"moved while nobody has it":              {Given: past(wasPlanned, wasOffered), When: move, Then: past(wasMoved)},
		"who has it keeps it":                    {Given: past(wasPlanned, wasAssigned), When: moveWith(), Then: past(wasMoved)},
		"who cannot have it then is taken off":   {Given: past(wasPlanned, wasAssigned), When: moveWith(other), Then: past(wasMoved, wasBumped)},
		"whoever has it is judged":               {Given: past(wasPlanned, wasAssigned), When: move, Refused: assignment.ErrCandidates},
		"nobody is moved into the past":          {Given: past(wasPlanned), When: changed(move, func(r *assignment.Reschedule) { r.StartsAt, r.EndsAt = before, before.Add(time.Hour) }), Refused: assignment.ErrMovedBack},
		"a swap for the time before is over":     {Given: past(wasPlanned, wasAssigned, wasAsked, wasMoved), When: assignment.AgreeSwap{SwapID: swapID, WorkID: bob, AgreedAt: before}, Refused: assignment.ErrNoSwap},
		"moving it to where it is":               {Given: past(wasPlanned, wasMoved), When: move},
		"an offer for the time before is over":   {Given: past(wasPlanned, wasOffered, wasMoved), When: accept, Refused: assignment.ErrNotOffered},
		"called off":                             {Given: past(wasPlanned, wasAssigned), When: cancel, Then: past(wasOff)},
		"calling it off twice changes nothing":   {Given: past(wasPlanned, wasOff), When: cancel},
		"for a reason":                           {Given: past(wasPlanned), When: changed(cancel, func(c *assignment.Cancel) { c.Reason = "It rained." }), Refused: assignment.ErrCode},
		"what is done is not called off":         {Given: past(wasPlanned, wasAssigned, wasDone), When: cancel, Refused: assignment.ErrCompleted},
		"what is called off is not moved":        {Given: past(wasPlanned, wasOff), When: move, Refused: assignment.ErrCancelled},
		"nobody cancels what nobody planned":     {When: cancel, Refused: assignment.ErrNotPlanned},
		"a command that nobody wrote a rule for": {Given: past(wasPlanned), When: nil, Refused: domain.ErrUnknownCommand},
	})
}

// promise: OT-34
func TestOffersAreAnswered(t *testing.T) {
	busy := assignment.Candidate{WorkID: ada, Commitments: []assignment.Commitment{{ShiftID: swapID, Start: start, End: end}}}
	won := &eventschema.ShiftAssigned{ShiftID: shiftID, WorkID: ada, Strategy: eventschema.StrategySeniority, Rank: 1, PolicyVersion: 1, AssignedAt: before.Add(time.Hour)}
	first := changed(*won, func(e *eventschema.ShiftAssigned) {
		e.Strategy, e.Rank, e.WorkID = eventschema.StrategyRelease, 0, cleo
	})
	tookIt := changed(*wasAccepted, func(e *eventschema.OfferAccepted) { e.WorkID = cleo })
	decline := assignment.Decline{WorkID: ada, Reason: "family", DeclinedAt: before}
	accepts := func(change func(*assignment.Accept)) assignment.Accept { return changed(accept, change) }
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"who was offered a shift takes it":         {Given: past(wasPlanned, wasOffered), When: accept, Then: past(wasAccepted, won)},
		"taking it twice changes nothing":          {Given: past(wasPlanned, wasOffered, wasAccepted, won), When: accept},
		"who was not asked cannot":                 {Given: past(wasPlanned, wasOffered), When: accepts(func(a *assignment.Accept) { a.Candidate.WorkID = bob }), Refused: assignment.ErrNotOffered},
		"nobody can before an offer":               {Given: past(wasPlanned), When: accept, Refused: assignment.ErrNotOffered},
		"not when the time to answer is over":      {Given: past(wasPlanned, wasOffered), When: accepts(func(a *assignment.Accept) { a.AcceptedAt = answerBy }), Refused: assignment.ErrOfferLapsed},
		"not when it has begun":                    {Given: past(wasPlanned, wasOffered), When: accepts(func(a *assignment.Accept) { a.AcceptedAt = start }), Refused: assignment.ErrBegun},
		"not once it is called off":                {Given: past(wasPlanned, wasOffered, wasOff), When: accept, Refused: assignment.ErrCancelled},
		"not who has become busy meanwhile":        {Given: past(wasPlanned, wasOffered), When: accepts(func(a *assignment.Accept) { a.Candidate = busy }), Refused: assignment.ErrConflict},
		"released to all, anybody may":             {Given: past(wasPlanned, wasReleased), When: accepts(func(a *assignment.Accept) { a.Candidate.WorkID = cleo }), Then: past(&tookIt, &first)},
		"until it is full":                         {Given: past(wasPlanned, wasReleased, wasAssigned), When: accepts(func(a *assignment.Accept) { a.Candidate.WorkID = cleo }), Refused: assignment.ErrFull},
		"what is bid for is not accepted":          {Given: past(wasPlanned, wasBid), When: accept, Refused: assignment.ErrOpenToBids},
		"who was offered it says no":               {Given: past(wasPlanned, wasOffered), When: decline, Then: past(wasDeclined)},
		"once":                                     {Given: past(wasPlanned, wasOffered, wasDeclined), When: decline},
		"with a code":                              {Given: past(wasPlanned, wasOffered), When: changed(decline, func(d *assignment.Decline) { d.Reason = "my mother is ill" }), Refused: assignment.ErrCode},
		"who was not asked has nothing to decline": {Given: past(wasPlanned, wasOffered), When: changed(decline, func(d *assignment.Decline) { d.WorkID = bob }), Refused: assignment.ErrNotOffered},
		"who has it does not decline it":           {Given: past(wasPlanned, wasOffered, won), When: decline, Refused: assignment.ErrAssigned},
		"an officer assigns":                       {Given: past(wasPlanned), When: assign, Then: past(wasAssigned)},
		"assigning twice changes nothing":          {Given: past(wasPlanned, wasAssigned), When: assign},
		"not somebody busy":                        {Given: past(wasPlanned), When: changed(assign, func(a *assignment.Assign) { a.Candidate = busy }), Refused: assignment.ErrConflict},
		"not above the headcount":                  {Given: past(wasPlanned, wasAssigned), When: changed(assign, func(a *assignment.Assign) { a.Candidate.WorkID = bob }), Refused: assignment.ErrFull},
		"nobody assigns by themselves":             {Given: past(wasPlanned), When: changed(assign, func(a *assignment.Assign) { a.AssignedBy = uuid.Nil }), Refused: assignment.ErrNoActor},
		"the place of who is taken off is open":    {Given: past(wasPlanned, wasAssigned, wasFreed), When: assign, Then: past(wasAssigned)},
		"only who has a place is taken off":        {Given: past(wasPlanned), When: assignment.Unassign{WorkID: ada, Reason: "sick", UnassignedAt: before, UnassignedBy: officer}, Refused: assignment.ErrNotAssigned},
		"somebody is taken off":                    {Given: past(wasPlanned, wasAssigned), When: assignment.Unassign{WorkID: ada, Reason: "sick", UnassignedAt: before, UnassignedBy: officer}, Then: past(wasFreed)},
	})
}

// promise: OT-35
func TestOffersExplainThemselves(t *testing.T) {
	full := changed(offer, func(o *assignment.Offer) {
		o.Candidates = []assignment.Candidate{
			{WorkID: cleo, Commitments: []assignment.Commitment{{ShiftID: swapID, Start: start.Add(time.Hour), End: end}}},
			{WorkID: bob, Seniority: 2}, {WorkID: ada, Seniority: 1},
		}
	})
	decided, err := assignment.Decider().Decide(assignment.Decider().Fold(wasPlanned, wasOffered, wasDeclined), full)
	if err != nil || len(decided) != 1 {
		t.Fatalf("%v: %v", decided, err)
	}
	event := decided[0].(*eventschema.ShiftOffered)
	if len(event.Standings) != 1 || event.Standings[0].WorkID != bob || event.Standings[0].Rank != 1 || event.Standings[0].Reasons[0] != (eventschema.StandingReason{Code: eventschema.StandingSeniority, Value: 2}) {
		t.Errorf("the order is %+v", event.Standings)
	}
	want := []eventschema.PassedOver{
		{WorkID: ada, Code: eventschema.ConflictDeclined},
		{WorkID: cleo, Code: eventschema.ConflictDoubleBooked, With: swapID, Counted: 420},
	}
	if len(event.PassedOver) != 2 || event.PassedOver[0] != want[0] || event.PassedOver[1] != want[1] || len(event.Offered) != 1 || event.Offered[0] != bob {
		t.Errorf("passed over %+v, offered to %v", event.PassedOver, event.Offered)
	}
	offers := func(change func(*assignment.Offer)) assignment.Offer { return changed(offer, change) }
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"nobody free is told with figures":     {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.Candidates = full.Candidates[:1] }), Refused: assignment.ErrConflict},
		"a swap puts nobody in order":          {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.Strategy = eventschema.StrategySwap }), Refused: assignment.ErrStrategy},
		"nobody is named twice":                {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.Candidates = append(o.Candidates[:1:1], o.Candidates[0]) }), Refused: assignment.ErrCandidates},
		"somebody is named":                    {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.Candidates = nil }), Refused: assignment.ErrCandidates},
		"an answer is due before the start":    {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.RespondBy = end }), Refused: assignment.ErrRespondBy},
		"a shift that is full is not offered":  {Given: past(wasPlanned, wasAssigned), When: offer, Refused: assignment.ErrFull},
		"a shift that has begun is not either": {Given: past(wasPlanned), When: offers(func(o *assignment.Offer) { o.OfferedAt = start }), Refused: assignment.ErrBegun},
	})
}

// promise: OT-35
func TestBids(t *testing.T) {
	bid := assignment.PlaceBid{WorkID: ada, Points: 40, BidAt: before}
	wasPlaced := &eventschema.BidPlaced{ShiftID: shiftID, WorkID: ada, Points: 40, BidAt: before}
	higher := &eventschema.BidPlaced{ShiftID: shiftID, WorkID: bob, Points: 41, BidAt: before.Add(time.Hour)}
	award := assignment.Award{Policy: policy, Candidates: []assignment.Candidate{{WorkID: ada}, {WorkID: bob}, {WorkID: cleo, Points: 999}}, AwardedAt: answerBy, AwardedBy: officer}
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"who was asked bids":                  {Given: past(wasPlanned, wasBid), When: bid, Then: past(wasPlaced)},
		"the same bid again changes nothing":  {Given: past(wasPlanned, wasBid, wasPlaced), When: bid},
		"another bid takes its place":         {Given: past(wasPlanned, wasBid, wasPlaced), When: changed(bid, func(b *assignment.PlaceBid) { b.Points = 50 }), Then: past(&eventschema.BidPlaced{ShiftID: shiftID, WorkID: ada, Points: 50, BidAt: before})},
		"a bid is something":                  {Given: past(wasPlanned, wasBid), When: changed(bid, func(b *assignment.PlaceBid) { b.Points = 0 }), Refused: assignment.ErrPoints},
		"not too late":                        {Given: past(wasPlanned, wasBid), When: changed(bid, func(b *assignment.PlaceBid) { b.BidAt = answerBy }), Refused: assignment.ErrOfferLapsed},
		"what was offered is not bid for":     {Given: past(wasPlanned, wasOffered), When: bid, Refused: assignment.ErrNotOpenToBids},
		"nothing is awarded without a bid":    {Given: past(wasPlanned, wasBid), When: award, Refused: assignment.ErrNoBids},
		"what was offered is not awarded":     {Given: past(wasPlanned, wasOffered), When: award, Refused: assignment.ErrNotOpenToBids},
		"nor by nobody":                       {Given: past(wasPlanned, wasBid, wasPlaced), When: changed(award, func(a *assignment.Award) { a.AwardedBy = uuid.Nil }), Refused: assignment.ErrNoActor},
		"a shift that is full is not awarded": {Given: past(wasPlanned, wasBid, wasPlaced, wasAssigned), When: award, Refused: assignment.ErrFull},
	})
	decided, err := assignment.Decider().Decide(assignment.Decider().Fold(wasPlanned, wasBid, wasPlaced, higher), award)
	if err != nil || len(decided) != 1 {
		t.Fatalf("%v: %v", decided, err)
	}
	if won := decided[0].(*eventschema.ShiftAssigned); won.WorkID != bob || won.Rank != 1 || len(won.Standings) != 2 || won.Standings[0].Reasons[0].Value != 41 {
		t.Errorf("the highest bid of those who bid wins: %+v", won)
	}
	declined := &eventschema.OfferDeclined{ShiftID: shiftID, WorkID: bob, Reason: "family", DeclinedAt: before}
	for _, c := range []struct {
		rule string
		past []eventschema.Event
		want uuid.UUID
	}{
		{"who says no after the bid has taken it back", past(wasPlanned, wasBid, wasPlaced, higher, declined), ada},
		{"who bids after the no has taken that back", past(wasPlanned, wasBid, wasPlaced, declined, higher), bob},
	} {
		decided, err := assignment.Decider().Decide(assignment.Decider().Fold(c.past...), award)
		if err != nil || len(decided) != 1 || decided[0].(*eventschema.ShiftAssigned).WorkID != c.want {
			t.Errorf("%s: %v %v", c.rule, decided, err)
		}
	}
}

func TestSwaps(t *testing.T) {
	agree := assignment.AgreeSwap{SwapID: swapID, WorkID: bob, AgreedAt: before}
	approve := assignment.ApproveSwap{SwapID: swapID, Policy: policy, Candidate: assignment.Candidate{WorkID: bob}, ApprovedAt: before, ApprovedBy: officer}
	refuse := assignment.RefuseSwap{SwapID: swapID, Reason: "too_late", RefusedAt: before, RefusedBy: officer}
	given := past(wasPlanned, wasAssigned)
	asked, agreed := append(given[:2:2], wasAsked), append(given[:2:2], wasAsked, wasAgreed)
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"who has a place asks":            {Given: given, When: ask, Then: past(wasAsked)},
		"once":                            {Given: asked, When: ask},
		"one swap of a place at a time":   {Given: asked, When: changed(ask, func(r *assignment.RequestSwap) { r.SwapID, r.To = shiftID, cleo }), Refused: assignment.ErrSwapOpen},
		"who has none does not":           {Given: given, When: changed(ask, func(r *assignment.RequestSwap) { r.From, r.To = bob, ada }), Refused: assignment.ErrNotAssigned},
		"not with oneself":                {Given: given, When: changed(ask, func(r *assignment.RequestSwap) { r.To = ada }), Refused: assignment.ErrSwapSelf},
		"not when it has begun":           {Given: given, When: changed(ask, func(r *assignment.RequestSwap) { r.RequestedAt = start }), Refused: assignment.ErrBegun},
		"the other agrees":                {Given: asked, When: agree, Then: past(wasAgreed)},
		"agreeing twice changes nothing":  {Given: agreed, When: agree},
		"a third does not agree for them": {Given: asked, When: changed(agree, func(a *assignment.AgreeSwap) { a.WorkID = cleo }), Refused: assignment.ErrNoSwap},
		"then an officer approves":        {Given: agreed, When: approve, Then: past(wasSwapped)},
		"not before both have agreed":     {Given: asked, When: approve, Refused: assignment.ErrNotAgreed},
		"not by nobody":                   {Given: agreed, When: changed(approve, func(a *assignment.ApproveSwap) { a.ApprovedBy = uuid.Nil }), Refused: assignment.ErrNoActor},
		"not for somebody else":           {Given: agreed, When: changed(approve, func(a *assignment.ApproveSwap) { a.Candidate.WorkID = cleo }), Refused: assignment.ErrCandidates},
		"not where the rules are against": {Given: agreed, When: changed(approve, func(a *assignment.ApproveSwap) {
			a.Candidate.Commitments = []assignment.Commitment{{ShiftID: swapID, Start: start, End: end}}
		}), Refused: assignment.ErrConflict},
		"a swap is refused":                 {Given: agreed, When: refuse, Then: past(wasRefused)},
		"and is over then":                  {Given: append(agreed[:4:4], wasRefused), When: approve, Refused: assignment.ErrNoSwap},
		"one that is done is over":          {Given: append(agreed[:4:4], wasSwapped), When: refuse, Refused: assignment.ErrNoSwap},
		"the place has moved":               {Given: append(agreed[:4:4], wasSwapped), When: ask, Refused: assignment.ErrNotAssigned},
		"taking somebody off ends the swap": {Given: append(agreed[:4:4], wasFreed), When: approve, Refused: assignment.ErrNoSwap},
	})
}

func TestComplete(t *testing.T) {
	complete := assignment.Complete{GraceVersion: 1, Results: []eventschema.ShiftResult{result(ada)}, CompletedAt: end, CompletedBy: officer}
	results := func(change func(*eventschema.ShiftResult)) assignment.Complete {
		return changed(complete, func(c *assignment.Complete) { c.Results = []eventschema.ShiftResult{changed(result(ada), change)} })
	}
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"how it went is recorded":         {Given: past(wasPlanned, wasAssigned), When: complete, Then: past(wasDone)},
		"once":                            {Given: past(wasPlanned, wasAssigned, wasDone), When: complete},
		"not before it is over":           {Given: past(wasPlanned, wasAssigned), When: changed(complete, func(c *assignment.Complete) { c.CompletedAt = end.Add(-1) }), Refused: assignment.ErrNotOver},
		"of everybody":                    {Given: past(wasPlanned, wasAssigned), When: changed(complete, func(c *assignment.Complete) { c.Results = nil }), Refused: assignment.ErrResults},
		"of nobody else":                  {Given: past(wasPlanned, wasAssigned), When: results(func(r *eventschema.ShiftResult) { r.WorkID = bob }), Refused: assignment.ErrResults},
		"pending is no result":            {Given: past(wasPlanned, wasAssigned), When: results(func(r *eventschema.ShiftResult) { r.Attendance = eventschema.AttendancePending }), Refused: assignment.ErrResults},
		"a rating is a code":              {Given: past(wasPlanned, wasAssigned), When: results(func(r *eventschema.ShiftResult) { r.Rating = "he was rude" }), Refused: assignment.ErrRating},
		"what was called off has none":    {Given: past(wasPlanned, wasAssigned, wasOff), When: complete, Refused: assignment.ErrCancelled},
		"a shift nobody had is closed":    {Given: past(wasPlanned), When: changed(complete, func(c *assignment.Complete) { c.Results = nil }), Then: past(changedDone(nil))},
		"what is done is not taken apart": {Given: past(wasPlanned, wasAssigned, wasDone), When: assignment.Unassign{WorkID: ada, Reason: "sick", UnassignedBy: officer}, Refused: assignment.ErrCompleted},
	})
}

// A task is done beside other work, within a month and perhaps early.
//
// promise: ST-08
func TestTasks(t *testing.T) {
	weeks := assignment.Times{Zone: "America/New_York", StartsLocal: "2026-05-04 07:00", EndsLocal: "2026-06-04 07:00", StartsAt: start, EndsAt: start.AddDate(0, 0, 31)}
	task := changed(plan, func(p *assignment.Plan) { p.Kind, p.Times = eventschema.ShiftTask, weeks })
	wasTask := *wasPlanned
	wasTask.Kind, wasTask.EndsLocal, wasTask.EndsAt = eventschema.ShiftTask, weeks.EndsLocal, weeks.EndsAt
	busy := changed(assign, func(a *assignment.Assign) {
		a.Candidate.Commitments = []assignment.Commitment{{ShiftID: swapID, Kind: eventschema.ShiftDuty, Start: start, End: end}}
	})
	done := assignment.Complete{
		GraceVersion: 1, CompletedAt: end, CompletedBy: officer,
		Results: []eventschema.ShiftResult{{WorkID: ada, Attendance: eventschema.AttendanceNone, Rating: eventschema.RatingNone}},
	}
	wasTaskDone := changedDone(done.Results)
	present := changed(done, func(c *assignment.Complete) { c.Results = []eventschema.ShiftResult{result(ada)} })
	domaintest.Run(t, assignment.Decider(), map[string]kase{
		"a task may take a month":                     {When: task, Then: past(&wasTask)},
		"and no more":                                 {When: changed(task, func(p *assignment.Plan) { p.EndsAt = p.EndsAt.Add(time.Second) }), Refused: assignment.ErrTimes},
		"it goes to somebody who is at work then":     {Given: past(&wasTask), When: busy, Then: past(wasAssigned)},
		"which a detail does not":                     {Given: past(wasPlanned), When: busy, Refused: assignment.ErrConflict},
		"it may be done early":                        {Given: past(&wasTask, wasAssigned), When: done, Then: past(wasTaskDone)},
		"nobody has to be there for it":               {Given: past(&wasTask, wasAssigned), When: present, Refused: assignment.ErrResults},
		"for anything else somebody was there or not": {Given: past(wasPlanned, wasAssigned), When: done, Refused: assignment.ErrResults},
	})
}

func changedDone(results []eventschema.ShiftResult) *eventschema.ShiftCompleted {
	done := *wasDone
	done.Results = results
	return &done
}

// No history, not even one that no decider would write, stops evolve or gives a
// shift more people than places once every event was decided here.
//
// promise: ST-08
func TestAShiftHasNeverMorePeopleThanPlaces(t *testing.T) {
	decider := assignment.Decider()
	people := []uuid.UUID{ada, bob, cleo}
	rapid.Check(t, func(t *rapid.T) {
		state := decider.Fold(changedPlan(rapid.IntRange(1, 2).Draw(t, "headcount")))
		for range rapid.IntRange(1, 30).Draw(t, "commands") {
			work := rapid.SampledFrom(people).Draw(t, "work")
			candidates := []assignment.Candidate{{WorkID: ada}, {WorkID: bob}, {WorkID: cleo}}
			command := rapid.SampledFrom([]assignment.Command{
				changed(offer, func(o *assignment.Offer) {
					o.Candidates = candidates
					o.Strategy = rapid.SampledFrom([]eventschema.Strategy{eventschema.StrategyFairness, eventschema.StrategyBidding, eventschema.StrategyRelease}).Draw(t, "strategy")
				}),
				changed(accept, func(a *assignment.Accept) { a.Candidate.WorkID = work }),
				changed(assign, func(a *assignment.Assign) { a.Candidate.WorkID = work }),
				assignment.Decline{WorkID: work, Reason: "no", DeclinedAt: before},
				assignment.PlaceBid{WorkID: work, Points: 5, BidAt: before},
				assignment.Award{Policy: policy, Candidates: candidates, AwardedAt: before, AwardedBy: officer},
				assignment.Unassign{WorkID: work, Reason: "sick", UnassignedAt: before, UnassignedBy: officer},
				assignment.RequestSwap{SwapID: work, From: work, To: rapid.SampledFrom(people).Draw(t, "to"), RequestedAt: before},
				assignment.AgreeSwap{SwapID: rapid.SampledFrom(people).Draw(t, "swap"), WorkID: work, AgreedAt: before},
				assignment.ApproveSwap{SwapID: rapid.SampledFrom(people).Draw(t, "swap"), Policy: policy, Candidate: assignment.Candidate{WorkID: work}, ApprovedAt: before, ApprovedBy: officer},
			}).Draw(t, "command")
			held := state
			events, err := decider.Decide(state, command)
			if err != nil && len(events) > 0 {
				t.Fatalf("%T is refused and yet has events", command)
			}
			for _, event := range events {
				state = decider.Evolve(state, event)
			}
			if len(state.Places) > state.Headcount {
				t.Fatalf("%d people on %d places after %T", len(state.Places), state.Headcount, command)
			}
			for i, place := range state.Places {
				for _, other := range state.Places[:i] {
					if other.WorkID == place.WorkID {
						t.Fatal("one person has two places")
					}
				}
			}
			if again, err := decider.Decide(held, command); errors.Is(err, nil) && len(again) != len(events) {
				t.Fatal("the state that was decided on has changed")
			}
		}
	})
}

func changedPlan(headcount int) *eventschema.ShiftPlanned {
	planned := *wasPlanned
	planned.Headcount = headcount
	return &planned
}
