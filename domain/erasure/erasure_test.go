package erasure_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

var (
	caseID   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	personID = uuid.MustParse("0e4d1f3a-6f0b-4a37-9a51-2c6f3a8d1b02")
	workID   = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer  = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	second   = uuid.MustParse("c0a80101-0000-4000-8000-000000000005")
	third    = uuid.MustParse("c0a80101-0000-4000-8000-000000000006")
	holdID   = uuid.MustParse("c0a80101-0000-4000-8000-000000000007")
	told     = uuid.MustParse("c0a80101-0000-4000-8000-000000000008")
	noon     = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	inManila = noon.In(time.FixedZone("PST", 8*3600))
	hash     = strings.Repeat("0123456789abcdef", 4)
	week     = 7 * 24 * time.Hour
	keys     = []eventschema.DestroyedKey{{KeyID: uuid.MustParse("11111111-2222-4333-8444-555555555506"), Purpose: eventschema.PurposeIdentity, Check: "5f2c", Epoch: 7}}
	retained = []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "wage records, 29 CFR 516.2 and 516.5", Until: "end of employment + 7 years"}}
	targets  = []eventschema.ErasureTarget{
		{Holder: eventschema.HolderPerson, Purpose: eventschema.PurposeIdentity}, {Holder: eventschema.HolderPerson, Purpose: eventschema.PurposeContact},
		{Holder: eventschema.HolderPerson, Purpose: eventschema.PurposeThirdParty}, {Holder: eventschema.HolderRecord, Purpose: eventschema.PurposeLocation},
		{Holder: eventschema.HolderPerson, Purpose: eventschema.PurposeMedia}, {Holder: eventschema.HolderRecord, Purpose: eventschema.PurposeNotes},
	}
	holders   = eventschema.KeyHolders{Acknowledged: 2, BoundedBy: noon.Add(time.Minute)}
	recipient = eventschema.Recipient{DisclosureID: told, Name: "payroll_bureau", DisclosedAt: noon}
)

// The commands, as people and the machine give them.
var (
	request = erasure.Request{
		CaseID: caseID, Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson, PersonID: personID, WorkID: workID,
		RequestedBy: officer, RequestedAt: inManila, ClaimHash: hash,
	}
	verifyIdentity = erasure.VerifyIdentity{VerifiedBy: officer, VerifiedAt: inManila, Method: eventschema.IdentityDocument}
	assess         = erasure.Assess{AssessedBy: officer, AssessedAt: inManila}
	noHolds        = erasure.CheckHolds{CheckedAt: inManila, CoolingOff: week}
	approve        = erasure.Approve{ApprovedBy: second, ApprovedAt: inManila.Add(week)}
	cancel         = erasure.Cancel{CancelledBy: officer, CancelledAt: inManila, Reason: "withdrawn"}
	destroyed      = erasure.Destroyed{DestroyedAt: inManila, Keys: keys, Lookups: 2}
	certify        = erasure.Certify{Kind: eventschema.CertificateEffective, CertifiedAt: inManila, Leaf: 812, Position: 40961, Certificate: "certificate"}
	finalise       = erasure.Certify{Kind: eventschema.CertificateFinal, CertifiedAt: inManila, Leaf: 812, Position: 40961, Certificate: "final"}
	verified       = erasure.Verified{VerifiedAt: inManila, Credentials: eventschema.CredentialsSeparate, Tried: 3, Erased: 3}
	retired        = erasure.Retired{Epochs: []eventschema.RetiredEpoch{{Epoch: 7, RetiredAt: noon}}}
)

// The events that follow from them.
var (
	wasRequested = &eventschema.ErasureRequested{
		CaseID: caseID, Origin: eventschema.OriginRequest, Scope: eventschema.ScopePerson, PersonID: personID,
		WorkID: eventschema.Clear(eventschema.Hex(workID)), RequestedBy: officer, RequestedAt: noon, ClaimHash: hash,
	}
	wasIdentified = &eventschema.IdentityVerified{CaseID: caseID, VerifiedBy: officer, VerifiedAt: noon, Method: eventschema.IdentityDocument}
	wasAssessed   = &eventschema.ScopeAssessed{CaseID: caseID, AssessedBy: officer, AssessedAt: noon, Destroyed: targets, Retained: retained}
	wasClear      = &eventschema.HoldChecked{CaseID: caseID, CheckedAt: noon, Holds: []uuid.UUID{}}
	wasHeld       = &eventschema.HoldChecked{CaseID: caseID, CheckedAt: noon, Holds: []uuid.UUID{holdID}}
	wasCooling    = &eventschema.CoolingOffStarted{CaseID: caseID, StartedAt: noon, Until: noon.Add(week)}
	wasApproved   = &eventschema.ErasureApproved{CaseID: caseID, ApprovedBy: second, ApprovedAt: noon.Add(week)}
	wasFenced     = &eventschema.FenceClosed{CaseID: caseID, ClosedAt: noon}
	wasDrained    = &eventschema.WritersDrained{CaseID: caseID, DrainedAt: noon, Holders: holders}
	wasReviewed   = &eventschema.MentionsReviewed{CaseID: caseID, ReviewedAt: noon}
	wasDestroyed  = &eventschema.KeysDestroyed{CaseID: caseID, PersonID: personID, DestroyedAt: noon, Keys: keys, Lookups: 2, Retained: retained}
	wasQuiesced   = &eventschema.CachesQuiesced{CaseID: caseID, QuiescedAt: noon, Holders: holders}
	wasScrubbed   = &eventschema.ReadModelsScrubbed{CaseID: caseID, ScrubbedAt: noon, Position: 99}
	wasPursued    = &eventschema.CopiesPursued{CaseID: caseID, PursuedAt: noon, Recipients: []eventschema.Recipient{recipient}}
	wasVerified   = &eventschema.ErasureVerified{CaseID: caseID, VerifiedAt: noon, Credentials: eventschema.CredentialsSeparate, Tried: 3, Erased: 3}
	wasCertified  = &eventschema.ErasureCertified{
		CaseID: caseID, PersonID: personID, Kind: eventschema.CertificateEffective, CertifiedAt: noon, Leaf: 812, Position: 40961, Certificate: "certificate"}
	wasRetired = &eventschema.EpochsRetired{CaseID: caseID, Epochs: []eventschema.RetiredEpoch{{Epoch: 7, RetiredAt: noon}}, RetiredAt: noon}
	wasFinal   = &eventschema.ErasureCertified{
		CaseID: caseID, PersonID: personID, Kind: eventschema.CertificateFinal, CertifiedAt: noon, Leaf: 812, Position: 40961, Certificate: "final"}
	wasCancelled = &eventschema.ErasureCancelled{CaseID: caseID, CancelledAt: noon, CancelledBy: officer, Reason: "withdrawn"}
)

func begun(step eventschema.ErasureStep) eventschema.Event {
	return &eventschema.ErasureStepStarted{CaseID: caseID, Step: step, StartedAt: noon}
}

// whole is the history of a case about a whole person, to its end.
func whole() []eventschema.Event {
	return past(wasRequested, wasIdentified, wasAssessed, wasClear, wasCooling, wasApproved,
		begun(eventschema.StepCloseFence), wasFenced, begun(eventschema.StepDrain), wasDrained, begun(eventschema.StepReview), wasReviewed,
		begun(eventschema.StepDestroy), wasDestroyed, begun(eventschema.StepQuiesce), wasQuiesced, begun(eventschema.StepScrub), wasScrubbed,
		begun(eventschema.StepPursue), wasPursued, begun(eventschema.StepVerify), wasVerified, begun(eventschema.StepCertify), wasCertified,
		wasRetired, begun(eventschema.StepFinalise), wasFinal)
}

// until is the history up to and with an event.
func until(last eventschema.Event, more ...eventschema.Event) []eventschema.Event {
	for i, event := range whole() {
		if event == last {
			return append(whole()[:i+1:i+1], more...)
		}
	}
	panic("the event is not in the history")
}

// untilBegun is the history up to and with the intent of a step.
func untilBegun(step eventschema.ErasureStep, more ...eventschema.Event) []eventschema.Event {
	for i, event := range whole() {
		if started, ok := event.(*eventschema.ErasureStepStarted); ok && started.Step == step {
			return append(whole()[:i+1:i+1], more...)
		}
	}
	panic("the step is not in the history")
}

// first is the history of a case of the first release.
func first(events ...eventschema.Event) []eventschema.Event {
	return append(past(wasRequested), events...)
}

func past(events ...eventschema.Event) []eventschema.Event { return events }

type kase = domaintest.Case[erasure.Command]

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// withdrawal is a case that withdrawn consent opens.
var withdrawal = erasure.Request{
	CaseID: caseID, Origin: eventschema.OriginWithdrawal, Scope: eventschema.ScopePurpose, RecordID: workID,
	Purposes: []eventschema.Purpose{eventschema.PurposeLocation}, RequestedBy: workID, RequestedAt: inManila,
}

func wasWithdrawn() []eventschema.Event {
	return past(
		&eventschema.ErasureRequested{
			CaseID: caseID, Origin: eventschema.OriginWithdrawal, Scope: eventschema.ScopePurpose, RecordID: workID,
			Purposes: []eventschema.Purpose{eventschema.PurposeLocation}, RequestedBy: workID, RequestedAt: noon,
		},
		&eventschema.IdentityVerified{CaseID: caseID, VerifiedBy: workID, VerifiedAt: noon, Method: eventschema.IdentityAuthenticated},
	)
}

func TestRequest(t *testing.T) {
	withoutWork := *wasRequested
	withoutWork.WorkID = eventschema.Personal{}
	contact := changed(request, func(r *erasure.Request) {
		r.Scope, r.Purposes = eventschema.ScopePurpose, []eventschema.Purpose{eventschema.PurposeContact}
	})
	wasContact := *wasRequested
	wasContact.Scope, wasContact.Purposes = contact.Scope, contact.Purposes
	purposes := func(p ...eventschema.Purpose) func(*erasure.Request) {
		return func(r *erasure.Request) { r.Purposes = p }
	}
	photo := func(items ...uuid.UUID) erasure.Request {
		return changed(contact, func(r *erasure.Request) {
			r.Scope, r.Purposes, r.Items = eventschema.ScopeItem, []eventschema.Purpose{eventschema.PurposeMedia}, items
		})
	}
	wasPhoto := *wasRequested
	wasPhoto.Scope, wasPhoto.Purposes, wasPhoto.Items = eventschema.ScopeItem, []eventschema.Purpose{eventschema.PurposeMedia}, []uuid.UUID{told}
	ended := changed(contact, func(r *erasure.Request) {
		r.Origin, r.ClaimHash, r.PersonID, r.RecordID, r.WorkID = eventschema.OriginRetention, "", uuid.Nil, workID, uuid.Nil
		r.Purposes = []eventschema.Purpose{eventschema.PurposeWork}
		r.Anchor, r.DueOn = left, "2026-06-30"
	})
	months := func(of ...string) erasure.Request {
		return changed(ended, func(r *erasure.Request) {
			r.Purposes, r.Periods = []eventschema.Purpose{eventschema.PurposeLocation}, of
		})
	}
	wasMonths := func(of ...string) eventschema.Event {
		was := *wasDue().(*eventschema.ErasureRequested)
		was.Purposes, was.Periods = []eventschema.Purpose{eventschema.PurposeLocation}, of
		return &was
	}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a case is opened, with the link to the work record sealed in it": {When: request, Then: past(wasRequested)},
		"a person without a work record": {
			When: changed(request, func(r *erasure.Request) { r.WorkID = uuid.Nil }), Then: past(&withoutWork)},
		"a case about one purpose":               {When: contact, Then: past(&wasContact)},
		"a case is opened once":                  {Given: past(wasRequested), When: request, Refused: erasure.ErrAlreadyRequested},
		"and not again when it is done":          {Given: whole(), When: request, Refused: erasure.ErrAlreadyRequested},
		"somebody must have asked":               {When: changed(request, func(r *erasure.Request) { r.RequestedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"a case about nobody":                    {When: changed(request, func(r *erasure.Request) { r.PersonID = uuid.Nil }), Refused: erasure.ErrSubject},
		"a case that ties a person to a record":  {When: changed(request, func(r *erasure.Request) { r.RecordID = workID }), Refused: erasure.ErrSubject},
		"a scope nobody knows":                   {When: changed(request, func(r *erasure.Request) { r.Scope = "everything" }), Refused: erasure.ErrScope},
		"an origin nobody knows":                 {When: changed(request, func(r *erasure.Request) { r.Origin = "whim" }), Refused: erasure.ErrScope},
		"a whole person and a purpose beside":    {When: changed(request, purposes(eventschema.PurposeContact)), Refused: erasure.ErrScope},
		"a work record is no whole person":       {When: changed(withdrawal, func(r *erasure.Request) { r.Scope, r.Purposes = eventschema.ScopePerson, nil }), Refused: erasure.ErrScope},
		"a purpose that is not named":            {When: changed(contact, purposes()), Refused: erasure.ErrPurpose},
		"a purpose nobody knows":                 {When: changed(contact, purposes("shoe_size")), Refused: erasure.ErrPurpose},
		"a purpose named twice":                  {When: changed(contact, purposes(eventschema.PurposeContact, eventschema.PurposeContact)), Refused: erasure.ErrPurpose},
		"the identity goes with the person only": {When: changed(contact, purposes(eventschema.PurposeIdentity)), Refused: erasure.ErrPurpose},
		"wage records stay until they are due":   {When: changed(contact, purposes(eventschema.PurposeWork)), Refused: erasure.ErrPurpose},
		"and go when their time is over":         {When: ended, Then: past(wasDue(), wasNobody())},
		"nor before it is known since when that counts": {
			When: changed(ended, func(r *erasure.Request) { r.Anchor = time.Time{} }), Refused: erasure.ErrAnchor},
		"some months of locations": {When: months("2025-05", "2025-06"), Then: past(wasMonths("2025-05", "2025-06"), wasNobody())},
		"months of what has none": {
			When: changed(months("2025-05"), purposes(eventschema.PurposeWork)), Refused: erasure.ErrScope},
		"a single photo":                           {When: photo(told), Then: past(&wasPhoto)},
		"a photo without an id":                    {When: photo(uuid.Nil), Refused: erasure.ErrScope},
		"no photo at all":                          {When: photo(), Refused: erasure.ErrScope},
		"a photo named twice":                      {When: photo(told, told), Refused: erasure.ErrScope},
		"an item of a purpose that has none":       {When: changed(photo(told), purposes(eventschema.PurposeContact)), Refused: erasure.ErrPurpose},
		"items of two purposes":                    {When: changed(photo(told), purposes(eventschema.PurposeMedia, eventschema.PurposeNotes)), Refused: erasure.ErrScope},
		"a purpose and items beside":               {When: changed(photo(told), func(r *erasure.Request) { r.Scope = eventschema.ScopePurpose }), Refused: erasure.ErrScope},
		"a work record has no contact":             {When: changed(withdrawal, purposes(eventschema.PurposeContact)), Refused: erasure.ErrPurpose},
		"without a claim nobody can prove":         {When: changed(request, func(r *erasure.Request) { r.ClaimHash = "" }), Refused: erasure.ErrClaimHash},
		"a hash cut short":                         {When: changed(request, func(r *erasure.Request) { r.ClaimHash = hash[1:] }), Refused: erasure.ErrClaimHash},
		"withdrawn consent names no person":        {When: withdrawal, Then: wasWithdrawn()},
		"a claim hash that is none is refused too": {When: changed(withdrawal, func(r *erasure.Request) { r.ClaimHash = "x" }), Refused: erasure.ErrClaimHash},
		"the claim code itself is no hash": {
			When: changed(request, func(r *erasure.Request) { r.ClaimHash = strings.Repeat("WREN-", 12) + "CODE" }), Refused: erasure.ErrClaimHash},
	})
}

// left is when an employment ended whose record has come of age.
var left = time.Date(2019, 6, 30, 0, 0, 0, 0, time.UTC)

func wasDue() eventschema.Event {
	return &eventschema.ErasureRequested{
		CaseID: caseID, Origin: eventschema.OriginRetention, Scope: eventschema.ScopePurpose, RecordID: workID,
		Purposes: []eventschema.Purpose{eventschema.PurposeWork}, Anchor: left, DueOn: "2026-06-30", RequestedBy: officer, RequestedAt: noon,
	}
}

func wasNobody() eventschema.Event {
	return &eventschema.IdentityVerified{CaseID: caseID, VerifiedBy: officer, VerifiedAt: noon, Method: eventschema.IdentityNobodyAsked}
}

func TestVerifyIdentity(t *testing.T) {
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"whoever asked is shown to be the person": {Given: past(wasRequested), When: verifyIdentity, Then: past(wasIdentified)},
		"once is enough":                  {Given: past(wasRequested, wasIdentified), When: changed(verifyIdentity, func(v *erasure.VerifyIdentity) { v.VerifiedBy = second })},
		"a machine vouches for nobody":    {Given: past(wasRequested), When: changed(verifyIdentity, func(v *erasure.VerifyIdentity) { v.VerifiedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"a way of verifying that is none": {Given: past(wasRequested), When: changed(verifyIdentity, func(v *erasure.VerifyIdentity) { v.Method = "trust" }), Refused: erasure.ErrMethod},
		"an officer cannot say that nobody asked": {
			Given: past(wasRequested), When: changed(verifyIdentity, func(v *erasure.VerifyIdentity) { v.Method = eventschema.IdentityNobodyAsked }), Refused: erasure.ErrMethod},
		"a cancelled case is over":                                   {Given: past(wasRequested, wasCancelled), When: verifyIdentity, Refused: erasure.ErrEnded},
		"it comes too late for a case approved in the first release": {Given: first(wasApproved), When: verifyIdentity, Refused: erasure.ErrOrder},
		"a case nobody opened":                                       {When: verifyIdentity, Refused: erasure.ErrNotRequested},
	})
}

// promise: DS-20
func TestAssess(t *testing.T) {
	left := changed(assess, func(a *erasure.Assess) { a.EmploymentEnded = time.Date(2028, 2, 29, 23, 0, 0, 0, time.UTC) })
	wasLeft := *wasAssessed
	wasLeft.Retained = []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: retained[0].Ground, Until: "2035-02-28"}}
	byPolicy := changed(assess, func(a *erasure.Assess) { a.AssessedBy = uuid.Nil })
	wasPolicy := &eventschema.ScopeAssessed{
		CaseID: caseID, AssessedAt: noon, Policy: "withdrawal", Retained: []eventschema.Retained{},
		Destroyed: []eventschema.ErasureTarget{{Holder: eventschema.HolderRecord, Purpose: eventschema.PurposeLocation}},
	}
	old := *wasAssessed
	old.AssessedBy, old.Policy = uuid.Nil, "first_release"
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"what goes and what stays, on which ground":        {Given: until(wasIdentified), When: assess, Then: past(wasAssessed)},
		"the wage record stays for seven years, clamped":   {Given: until(wasIdentified), When: left, Then: past(&wasLeft)},
		"nothing is assessed before the identity":          {Given: past(wasRequested), When: assess, Refused: erasure.ErrNotVerified},
		"assessing again the same changes nothing":         {Given: until(wasCooling), When: assess},
		"assessing again otherwise starts over":            {Given: until(wasCooling), When: left, Then: past(&wasLeft)},
		"what was approved stays as it was approved":       {Given: until(wasApproved), When: left, Refused: erasure.ErrOrder},
		"not while the keys are being destroyed":           {Given: untilBegun(eventschema.StepDestroy), When: left, Refused: erasure.ErrPointOfNoReturn},
		"a person assesses what a person asked for":        {Given: until(wasIdentified), When: byPolicy, Refused: erasure.ErrNoActor},
		"a policy assesses withdrawn consent":              {Given: wasWithdrawn(), When: byPolicy, Then: past(wasPolicy)},
		"a case approved in the first release is assessed": {Given: first(wasApproved), When: byPolicy, Then: past(&old)},
		"a case nobody opened":                             {When: assess, Refused: erasure.ErrNotRequested},
	})
}

func TestApprove(t *testing.T) {
	by := func(who uuid.UUID) erasure.Approve {
		return changed(approve, func(a *erasure.Approve) { a.ApprovedBy = who })
	}
	early := changed(approve, func(a *erasure.Approve) { a.ApprovedAt = noon.Add(week - time.Second) })
	othersAssessed := *wasAssessed
	othersAssessed.AssessedBy = third
	cooledWithdrawal := append(wasWithdrawn(),
		&eventschema.ScopeAssessed{CaseID: caseID, AssessedAt: noon, Policy: "withdrawal"}, wasClear,
		&eventschema.CoolingOffStarted{CaseID: caseID, StartedAt: noon, Until: noon})
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a second person approves when the case has cooled off": {Given: until(wasCooling), When: approve, Then: past(wasApproved)},
		"not before it has":                        {Given: until(wasCooling), When: early, Refused: erasure.ErrCoolingOff},
		"whoever asked does not approve":           {Given: until(wasCooling), When: by(officer), Refused: erasure.ErrSamePerson},
		"nor whoever assessed":                     {Given: past(wasRequested, wasIdentified, &othersAssessed, wasClear, wasCooling), When: by(third), Refused: erasure.ErrSamePerson},
		"nobody does not approve":                  {Given: until(wasCooling), When: by(uuid.Nil), Refused: erasure.ErrNoActor},
		"approving twice changes nothing":          {Given: until(wasApproved), When: approve},
		"approving what is done changes nothing":   {Given: whole(), When: approve},
		"not before the identity is verified":      {Given: past(wasRequested), When: approve, Refused: erasure.ErrNotVerified},
		"not before the scope is assessed":         {Given: until(wasIdentified), When: approve, Refused: erasure.ErrNotAssessed},
		"not before holds are checked":             {Given: until(wasAssessed), When: approve, Refused: erasure.ErrHoldUnchecked},
		"not under a hold":                         {Given: until(wasCooling, wasHeld), When: approve, Refused: erasure.ErrHeld},
		"a cancelled case is not approved":         {Given: until(wasCooling, wasCancelled), When: approve, Refused: erasure.ErrEnded},
		"a policy approves what needs no person":   {Given: cooledWithdrawal, When: by(uuid.Nil), Then: past(&eventschema.ErasureApproved{CaseID: caseID, ApprovedAt: noon.Add(week), Policy: "withdrawal"})},
		"a case of the first release needs it all": {Given: first(), When: approve, Refused: erasure.ErrNotVerified},
		"a case nobody opened":                     {When: approve, Refused: erasure.ErrNotRequested},
	})
}

// promise: OT-22
func TestCancelAndRefuse(t *testing.T) {
	refuse := erasure.Refuse{RefusedBy: second, RefusedAt: inManila, Ground: eventschema.RefusalLegalClaims}
	wasRefused := &eventschema.ErasureRefused{CaseID: caseID, RefusedAt: noon, RefusedBy: second, Ground: eventschema.RefusalLegalClaims}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"anybody may stop a case before the end":        {Given: past(wasRequested), When: cancel, Then: past(wasCancelled)},
		"also when it was approved":                     {Given: until(wasReviewed), When: cancel, Then: past(wasCancelled)},
		"also while it is held":                         {Given: until(wasCooling, wasHeld), When: cancel, Then: past(wasCancelled)},
		"once is enough":                                {Given: past(wasRequested, wasCancelled), When: cancel},
		"there is no way back once keys are destroyed":  {Given: untilBegun(eventschema.StepDestroy), When: cancel, Refused: erasure.ErrPointOfNoReturn},
		"nor afterwards":                                {Given: until(wasCertified), When: cancel, Refused: erasure.ErrPointOfNoReturn},
		"nor at the end":                                {Given: whole(), When: cancel, Refused: erasure.ErrEnded},
		"somebody must cancel":                          {Given: past(wasRequested), When: changed(cancel, func(c *erasure.Cancel) { c.CancelledBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"a reason is a code, not free text":             {Given: past(wasRequested), When: changed(cancel, func(c *erasure.Cancel) { c.Reason = "Ada asked me to" }), Refused: erasure.ErrReason},
		"a request is refused with a ground":            {Given: past(wasRequested), When: refuse, Then: past(wasRefused)},
		"refusing twice changes nothing":                {Given: past(wasRequested, wasRefused), When: refuse},
		"a ground nobody knows":                         {Given: past(wasRequested), When: changed(refuse, func(r *erasure.Refuse) { r.Ground = "tedious" }), Refused: erasure.ErrGround},
		"somebody must refuse":                          {Given: past(wasRequested), When: changed(refuse, func(r *erasure.Refuse) { r.RefusedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"withdrawing consent is a right without a no":   {Given: wasWithdrawn(), When: refuse, Refused: erasure.ErrGround},
		"what was destroyed cannot be refused any more": {Given: until(wasDestroyed), When: refuse, Refused: erasure.ErrPointOfNoReturn},
		"a cancelled case cannot be refused":            {Given: past(wasRequested, wasCancelled), When: refuse, Refused: erasure.ErrEnded},
	})
}

func TestExtend(t *testing.T) {
	extend := erasure.Extend{ExtendedBy: officer, ExtendedAt: inManila.AddDate(0, 0, 20), ToldAt: inManila.AddDate(0, 0, 19), Reason: "complex"}
	wasExtended := &eventschema.DeadlineExtended{
		CaseID: caseID, ExtendedBy: officer, ExtendedAt: noon.AddDate(0, 0, 20), ToldAt: noon.AddDate(0, 0, 19),
		Until: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), Reason: "complex",
	}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"two months more, when the person was told in time": {Given: past(wasRequested), When: extend, Then: past(wasExtended)},
		"once":                           {Given: past(wasRequested, wasExtended), When: extend, Refused: erasure.ErrExtended},
		"the person was not told":        {Given: past(wasRequested), When: changed(extend, func(e *erasure.Extend) { e.ToldAt = time.Time{} }), Refused: erasure.ErrToldLate},
		"the person is told later":       {Given: past(wasRequested), When: changed(extend, func(e *erasure.Extend) { e.ToldAt = e.ExtendedAt.Add(time.Second) }), Refused: erasure.ErrToldLate},
		"the person was told too late":   {Given: past(wasRequested), When: changed(extend, func(e *erasure.Extend) { e.ExtendedAt = noon.AddDate(0, 1, 1); e.ToldAt = e.ExtendedAt }), Refused: erasure.ErrToldLate},
		"somebody must extend":           {Given: past(wasRequested), When: changed(extend, func(e *erasure.Extend) { e.ExtendedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"a reason is a code":             {Given: past(wasRequested), When: changed(extend, func(e *erasure.Extend) { e.Reason = "" }), Refused: erasure.ErrReason},
		"a case that has ended has none": {Given: past(wasRequested, wasCancelled), When: extend, Refused: erasure.ErrEnded},
	})
}

func TestNotifyRecipient(t *testing.T) {
	notify := erasure.NotifyRecipient{DisclosureID: told, NotifiedBy: officer, NotifiedAt: inManila, Outcome: eventschema.NotifyTold}
	wasNotified := &eventschema.RecipientNotified{CaseID: caseID, DisclosureID: told, NotifiedBy: officer, NotifiedAt: noon, Outcome: eventschema.NotifyTold}
	domaintest.Run(t, erasure.Decider(), map[string]kase{
		"a recipient is told":                     {Given: until(wasPursued), When: notify, Then: past(wasNotified)},
		"also when the case has its certificates": {Given: whole(), When: notify, Then: past(wasNotified)},
		"once":                               {Given: until(wasPursued, wasNotified), When: notify},
		"a recipient the case does not list": {Given: until(wasPursued), When: changed(notify, func(n *erasure.NotifyRecipient) { n.DisclosureID = caseID }), Refused: erasure.ErrRecipient},
		"an outcome nobody knows":            {Given: until(wasPursued), When: changed(notify, func(n *erasure.NotifyRecipient) { n.Outcome = "later" }), Refused: erasure.ErrOutcome},
		"somebody must tell them":            {Given: until(wasPursued), When: changed(notify, func(n *erasure.NotifyRecipient) { n.NotifiedBy = uuid.Nil }), Refused: erasure.ErrNoActor},
		"not before the keys are gone":       {Given: until(wasReviewed), When: notify, Refused: erasure.ErrRecipient},
	})
}
