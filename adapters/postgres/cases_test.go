package postgres_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// other is an event of a case, a hold, a restriction, a disclosure, a pay period, a shift, a class or a reading.
type other struct {
	category string
	id       uuid.UUID
	event    eventschema.Event
}

func (o other) stream(tenant uuid.UUID) eventschema.StreamName {
	return eventschema.StreamName{Category: o.category, Tenant: tenant, ID: o.id}
}

// others has the n-th of each, in an order in which they may happen. The case is
// the n-th beside those that mixed and drawOther write themselves.
func others(n int, at time.Time) []other {
	var all []other
	of := id("held case", n)
	for _, event := range eventsOfCase(of, n, at) {
		all = append(all, other{eventschema.CategoryErasure, of, event})
	}
	hold, restriction, disclosure, person := id("hold", n), id("restriction", n), id("disclosure", n), id("person", n)
	for _, event := range []eventschema.Event{
		&eventschema.HoldPlaced{HoldID: hold, MatterID: id("matter", n), PersonID: person, Purposes: []eventschema.Purpose{eventschema.PurposeWork},
			Reason: eventschema.HoldDispute, PlacedAt: at, PlacedBy: id("actor", 1), ConfirmBy: at, ReviewBy: at, WorkID: eventschema.Clear(canary)},
		&eventschema.HoldConfirmed{HoldID: hold, ConfirmedAt: at, ConfirmedBy: id("actor", 2)},
		&eventschema.HoldLiftRequested{HoldID: hold, RequestedAt: at, RequestedBy: id("actor", 1), Reason: "settled"},
		&eventschema.HoldReviewed{HoldID: hold, ReviewedAt: at.Add(time.Hour), ReviewedBy: id("actor", 1), ReviewBy: at.AddDate(0, 6, 0)},
		&eventschema.HoldLiftRequested{HoldID: hold, RequestedAt: at.Add(2 * time.Hour), RequestedBy: id("actor", 3), Reason: "settled"},
		&eventschema.HoldLifted{HoldID: hold, LiftedAt: at, LiftedBy: id("actor", 2)},
		&eventschema.HoldLapsed{HoldID: hold, LapsedAt: at},
	} {
		all = append(all, other{eventschema.CategoryHold, hold, event})
	}
	for _, event := range []eventschema.Event{
		&eventschema.ProcessingRestricted{CaseID: restriction, PersonID: person, Ground: eventschema.RestrictionObjection, RequestedAt: at,
			RestrictedAt: at, RestrictedBy: id("actor", 1), WorkID: eventschema.Clear(canary)},
		&eventschema.ObjectionDecided{CaseID: restriction, DecidedAt: at, DecidedBy: id("actor", 1), Outcome: eventschema.ObjectionOverridden},
		&eventschema.RestrictionLifted{CaseID: restriction, LiftedAt: at, LiftedBy: id("actor", 1), ToldAt: at},
	} {
		all = append(all, other{eventschema.CategoryRestriction, restriction, event})
	}
	by := eventschema.PaidBy{Rest: true, Zone: "Europe/Berlin", Rules: []eventschema.PaidRules{{Name: "flsa", Version: 1, Digest: "00"}}}
	period, days := id("pay period", n), [2]string{"2026-03-01", "2026-03-15"}
	all = append(all,
		other{eventschema.CategoryTimeCard, id("work", n), &eventschema.TimeCardLocked{
			CardID: id("card", n), PeriodID: period, WorkID: id("work", n), From: days[0], To: days[1], Time: eventschema.PaidTime{RegularSeconds: 3600 * int64(n), PremiumHours: 1},
			Jobs: []eventschema.JobTime{{Job: "grip", Time: eventschema.PaidTime{RegularSeconds: 3600 * int64(n), PremiumHours: 1}}}, By: &by,
			Adjustments: []eventschema.TimeAdjustment{{PeriodID: id("pay period", n+1), From: days[0], To: days[1], Time: eventschema.PaidTime{OvertimeSeconds: -60}}},
			LockedAt:    at, LockedBy: id("actor", 1),
		}},
		other{eventschema.CategoryPayPeriod, period, &eventschema.PeriodLocked{
			PeriodID: period, From: days[0], To: days[1], Plan: "acme", PlanVersion: 1, Paid: []eventschema.PaidBy{by}, Cards: n, LockedAt: at, LockedBy: id("actor", 1),
		}})
	correction := id("correction", n)
	for _, event := range []eventschema.Event{
		&eventschema.CorrectionRequested{CorrectionID: correction, PunchID: id("punch", n), WorkID: id("work", n), Void: n%2 == 0, OccurredAt: at,
			Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Reason: eventschema.ReasonOther, RequestedAt: at, RequestedBy: id("actor", 1)},
		&eventschema.CorrectionRefused{CorrectionID: correction, RefusedAt: at, RefusedBy: id("actor", 2), Ground: "as_recorded"},
		&eventschema.CorrectionApproved{CorrectionID: correction, ApprovedAt: at.Add(time.Hour), ApprovedBy: id("actor", 2)},
	} {
		all = append(all, other{eventschema.CategoryCorrection, correction, event})
	}
	all = append(all, other{eventschema.CategoryReading, id("reader", n), &eventschema.ValuesRead{
		ReadID: id("read", n), ReadBy: id("reader", n), Operation: "list-people", Use: eventschema.UseService, ReadAt: at,
		Shown: []eventschema.Shown{{Values: nameAndEmail, Subjects: []uuid.UUID{person, id("person", 90)}}, {Values: nameAndEmail[:1], Subjects: []uuid.UUID{id("work", n)}}},
	}})
	all = append(all, eventsOfDevice(n, at)...)
	for _, event := range eventsOfTerminal(n, at) {
		all = append(all, other{eventschema.CategoryTerminal, id("terminal", n), event})
	}
	for _, event := range eventsOfShift(n, at) {
		all = append(all, other{eventschema.CategoryAssignment, id("shift", n), event})
	}
	all = append(all, othersOfClasses(n, at)...)
	for _, event := range eventsOfSite(n, at) {
		all = append(all, other{eventschema.CategorySite, id("tenant", 1), event})
	}
	for _, event := range eventsOfField(n, at) {
		all = append(all, other{eventschema.CategoryField, id("tenant", 1), event})
	}
	values := valuesOfFields(id("person", 200+n), id("work", 200+n), at)
	all = append(all, other{eventschema.CategoryPerson, id("person", 200+n), values[0]}, other{eventschema.CategoryWork, id("work", 200+n), values[1]})
	return append(all, other{eventschema.CategoryDisclosure, disclosure, &eventschema.DisclosureRecorded{
		DisclosureID: disclosure, PersonID: person, Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll",
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, Instrument: "", Reference: "2026-0417", DisclosedAt: at, DisclosedBy: id("actor", 1),
	}})
}

var nameAndEmail = []eventschema.ShownValue{
	{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}, {Field: "contact.email", Purpose: eventschema.PurposeContact},
}

func eventsOfCase(of uuid.UUID, n int, at time.Time) []eventschema.Event {
	holders := eventschema.KeyHolders{Acknowledged: 1, BoundedBy: at}
	recipients := []eventschema.Recipient{{DisclosureID: id("disclosure", n), Name: "payroll_bureau", DisclosedAt: at}, {DisclosureID: id("disclosure", 99), Name: "court", DisclosedAt: at}}
	return []eventschema.Event{
		&eventschema.ErasureRequested{CaseID: of, Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson, PersonID: id("person", 100+n),
			RequestedAt: at, RequestedBy: id("actor", 1), ClaimHash: "c0ffee", WorkID: eventschema.Clear(canary)},
		&eventschema.IdentityVerified{CaseID: of, VerifiedAt: at, VerifiedBy: id("actor", 1), Method: eventschema.IdentityDocument},
		&eventschema.DeadlineExtended{CaseID: of, ExtendedAt: at, ExtendedBy: id("actor", 1), ToldAt: at, Until: at.AddDate(0, 3, 0), Reason: "complex"},
		&eventschema.ScopeAssessed{CaseID: of, AssessedAt: at, AssessedBy: id("actor", 1), Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "law", Until: "2033"}}},
		&eventschema.HoldChecked{CaseID: of, CheckedAt: at, Holds: []uuid.UUID{id("hold", n)}},
		&eventschema.HoldChecked{CaseID: of, CheckedAt: at},
		&eventschema.CoolingOffStarted{CaseID: of, StartedAt: at, Until: at.Add(time.Hour)},
		&eventschema.ErasureApproved{CaseID: of, ApprovedAt: at, ApprovedBy: id("actor", 2)},
		&eventschema.ErasureStepStarted{CaseID: of, Step: eventschema.StepCloseFence, StartedAt: at},
		&eventschema.FenceClosed{CaseID: of, ClosedAt: at},
		&eventschema.WritersDrained{CaseID: of, DrainedAt: at, Holders: holders},
		&eventschema.MentionsReviewed{CaseID: of, ReviewedAt: at},
		&eventschema.KeysDestroyed{CaseID: of, PersonID: id("person", 100+n), DestroyedAt: at, Lookups: 1,
			Retained: []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "law", Until: "2033"}}},
		&eventschema.CachesQuiesced{CaseID: of, QuiescedAt: at, Holders: holders},
		&eventschema.ReadModelsScrubbed{CaseID: of, ScrubbedAt: at, Position: 7},
		&eventschema.CopiesPursued{CaseID: of, PursuedAt: at, Recipients: recipients},
		&eventschema.RecipientNotified{CaseID: of, DisclosureID: id("disclosure", n), NotifiedAt: at, NotifiedBy: id("actor", 1), Outcome: eventschema.NotifyTold},
		&eventschema.ErasureVerified{CaseID: of, VerifiedAt: at, Credentials: eventschema.CredentialsSeparate, Tried: 2, Erased: 2},
		&eventschema.ErasureCertified{CaseID: of, PersonID: id("person", 100+n), Kind: eventschema.CertificateEffective, CertifiedAt: at, Leaf: 8, Position: 9, Certificate: "effective"},
		&eventschema.RecipientNotified{CaseID: of, DisclosureID: id("disclosure", 99), NotifiedAt: at, NotifiedBy: id("actor", 1), Outcome: eventschema.NotifyImpossible},
		&eventschema.EpochsRetired{CaseID: of, RetiredAt: at},
		&eventschema.ErasureCertified{CaseID: of, PersonID: id("person", 100+n), Kind: eventschema.CertificateFinal, CertifiedAt: at, Leaf: 8, Position: 9, Certificate: "final"},
		&eventschema.FenceReopened{CaseID: of, ReopenedAt: at},
		&eventschema.ErasureCancelled{CaseID: of, CancelledAt: at, CancelledBy: id("actor", 1), Reason: "withdrawn"},
		&eventschema.ErasureRefused{CaseID: of, RefusedAt: at, RefusedBy: id("actor", 1), Ground: eventschema.RefusalLegalDuty},
	}
}

func TestACaseIsInTheStateOfItsLatestStep(t *testing.T) {
	h, models := newHistory(t), open(t)
	of, at := id("held case", 1), clock("2026-03-02T08:00:00Z")
	states := []projections.ErasureState{
		projections.ErasureRequested, projections.ErasureIdentified, projections.ErasureIdentified, projections.ErasureAssessed,
		projections.ErasureHeld, projections.ErasureHeld, projections.ErasureCoolingOff, projections.ErasureApproved, projections.ErasureApproved,
		projections.ErasureFenced, projections.ErasureDrained, projections.ErasureReviewed, projections.ErasureDestroyed, projections.ErasureQuiesced,
		projections.ErasureScrubbed, projections.ErasurePursued, projections.ErasurePursued, projections.ErasureVerified, projections.ErasureCertified,
		projections.ErasureCertified, projections.ErasureRetired, projections.ErasureFinal, projections.ErasureFinal, projections.ErasureCancelled,
		projections.ErasureRefused,
	}
	for i, event := range eventsOfCase(of, 1, at) {
		h.add(eventschema.ErasureStream(h.tenant, of), event)
		apply(t, models, h.log[i:])
		e, err := projections.ErasureByCase(t.Context(), models.Querier(), h.tenant, of)
		if err != nil || e.State != states[i] {
			t.Errorf("after %s: %q %v, want %q", event.EventType(), e.State, err, states[i])
		}
	}
	e, err := projections.ErasureByCase(t.Context(), models.Querier(), h.tenant, of)
	if err != nil || e.Notified != 2 || len(e.Recipients) != 2 || e.FinalCertificate != "final" || e.Certificate != "effective" || e.EndedWhy != "legal_duty" ||
		!e.ExtendedUntil.Equal(at.AddDate(0, 3, 0)) || !e.CoolingUntil.Equal(at.Add(time.Hour)) || len(e.Retained) != 1 {
		t.Errorf("%+v %v", e, err)
	}
}

// A case that was approved before anybody assessed it, in the first release, is
// assessed by policy when it goes on; that is no step back.
func TestAnAssessmentByPolicyOfAnOldCaseIsNoStepBack(t *testing.T) {
	h, models := newHistory(t), open(t)
	of, at := id("case", 1), clock("2026-03-02T08:00:00Z")
	for _, event := range []eventschema.Event{
		&eventschema.ErasureRequested{CaseID: of, Scope: eventschema.ScopePerson, PersonID: id("person", 1), RequestedAt: at, RequestedBy: id("actor", 1)},
		&eventschema.ErasureApproved{CaseID: of, ApprovedAt: at, ApprovedBy: id("actor", 2)},
		&eventschema.ScopeAssessed{CaseID: of, AssessedAt: at, Policy: "first_release"},
	} {
		h.add(eventschema.ErasureStream(h.tenant, of), event)
	}
	apply(t, models, h.log)
	if e, err := projections.ErasureByCase(t.Context(), models.Querier(), h.tenant, of); err != nil || e.State != projections.ErasureApproved {
		t.Errorf("%q, %v", e.State, err)
	}
}

func TestHoldsRestrictionsAndDisclosuresAreListedAsTheyStand(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	for _, o := range others(1, at) {
		if _, ends := o.event.(*eventschema.HoldLapsed); !ends {
			h.add(o.stream(h.tenant), o.event)
		}
	}
	apply(t, models, h.log)
	q := models.Querier()
	holds, err := projections.Holds(t.Context(), q, h.tenant, false, 0, 10)
	if err != nil || len(holds) != 1 {
		t.Fatalf("%d holds: %v", len(holds), err)
	}
	asked, ended := at.Add(2*time.Hour), at
	if holds[0].LiftAskedAt == nil || !holds[0].LiftAskedAt.Equal(asked) || holds[0].LiftAskedBy != id("actor", 3) || !holds[0].EndedAt.Equal(ended) || holds[0].Lapsed {
		t.Errorf("%+v", holds[0])
	}
	if open, err := projections.Holds(t.Context(), q, h.tenant, true, 0, 10); err != nil || len(open) != 0 {
		t.Errorf("%d holds are open: %v", len(open), err)
	}
	restrictions, err := projections.RestrictionsOf(t.Context(), q, h.tenant, id("person", 1))
	if err != nil || len(restrictions) != 1 || restrictions[0].Outcome != eventschema.ObjectionOverridden || !restrictions[0].LiftedAt.Equal(at) {
		t.Errorf("%+v: %v", restrictions, err)
	}
	disclosures, err := projections.DisclosuresOf(t.Context(), q, h.tenant, id("person", 1))
	want := []projections.Disclosure{{
		DisclosureID: id("disclosure", 1), PersonID: id("person", 1), Recipient: "payroll_bureau", Ground: eventschema.DisclosureProcessor, Interest: "payroll",
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, Reference: "2026-0417", DisclosedAt: at, DisclosedBy: id("actor", 1),
	}}
	if diff := cmp.Diff(want, disclosures, cmpopts.IgnoreFields(projections.Disclosure{}, "Position")); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// A review says that a hold is still needed: what was asked before it is over.
func TestAReviewEndsTheWishToLiftAHold(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	for _, o := range others(1, at) {
		if o.category == eventschema.CategoryHold && len(h.log) < 4 {
			h.add(o.stream(h.tenant), o.event)
		}
	}
	apply(t, models, h.log)
	holds, err := projections.Holds(t.Context(), models.Querier(), h.tenant, true, 0, 10)
	if err != nil || len(holds) != 1 || holds[0].LiftAskedAt != nil || !holds[0].ReviewBy.Equal(at.AddDate(0, 6, 0)) {
		t.Errorf("%+v: %v", holds, err)
	}
}

// A reading is found under everybody it was about, and under nobody else.
func TestWhoReadAboutSomebodyIsListedNewestFirst(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	read := func(n int, shown ...eventschema.Shown) {
		h.add(eventschema.ReadingStream(h.tenant, id("reader", n), at), &eventschema.ValuesRead{
			ReadID: id("read", n), ReadBy: id("reader", n), Operation: "list-people", Use: eventschema.UseAudit, ReadAt: at, Shown: shown,
		})
	}
	ada, adasWork, bob := id("person", 1), id("work", 1), id("person", 2)
	read(1, eventschema.Shown{Values: nameAndEmail, Subjects: []uuid.UUID{bob, ada}})
	read(2, eventschema.Shown{Values: nameAndEmail, Subjects: []uuid.UUID{bob}})
	read(3, eventschema.Shown{Values: nameAndEmail, Subjects: []uuid.UUID{bob}}, eventschema.Shown{Values: nameAndEmail[:1], Subjects: []uuid.UUID{adasWork}})
	apply(t, models, h.log)
	of := func(subjects []uuid.UUID, before uint64, limit int) []projections.ReadingOf {
		t.Helper()
		found, err := projections.ReadingsOf(t.Context(), models.Querier(), h.tenant, subjects, before, limit)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	found := of([]uuid.UUID{ada, adasWork}, 0, 10)
	want := []projections.ReadingOf{
		{Position: h.log[2].Position, ReadID: id("read", 3), ReadAt: at, ReadBy: eventschema.Actor{ID: id("reader", 3), Role: found[0].ReadBy.Role},
			Operation: "list-people", Use: eventschema.UseAudit, Shown: nameAndEmail[:1], Together: 1},
		{Position: h.log[0].Position, ReadID: id("read", 1), ReadAt: at, ReadBy: eventschema.Actor{ID: id("reader", 1), Role: found[0].ReadBy.Role},
			Operation: "list-people", Use: eventschema.UseAudit, Shown: nameAndEmail, Together: 2},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rest := of([]uuid.UUID{ada, adasWork}, found[0].Position, 10); len(rest) != 1 || rest[0].ReadID != id("read", 1) {
		t.Errorf("the next page is %+v", rest)
	}
	if none := of([]uuid.UUID{id("person", 3)}, 0, 10); len(none) > 0 {
		t.Errorf("of a person nobody read about: %+v", none)
	}
}
