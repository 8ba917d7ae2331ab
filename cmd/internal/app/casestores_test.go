package app

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

// TestCasesOverTheirStores goes through what a case leaves in its stores and what
// it finds there, in one house.
//
// promise: RR-27
func TestCasesOverTheirStores(t *testing.T) {
	set := &traps{}
	h := openHouse(t, func(h *house) { h.fault = set.fault })
	for _, test := range []struct {
		rule string
		run  func(*house, *traps)
	}{
		{"what the verification finds keeps the certificate back", verificationFindsSomething},
		{"approvals that come at the same moment are slowed at the destruction", slowedAtTheDestruction},
		{"stored cases of the first release go on", casesOfTheFirstRelease},
		{"the restricted values of a person open for audits only, until every restriction is lifted", restrictedValues},
		{"an objection is decided, and lifted only when it was overridden", objection},
		{"recipients are listed, and what became of telling them", recipientsTold},
		{"a whole person is erased while restricted", erasedWhileRestricted},
	} {
		t.Run(test.rule, func(t *testing.T) { h.in(t, func() { test.run(h, set) }) })
	}
}

func verificationFindsSomething(h *house, set *traps) {
	r := registration("Ada Example")
	r.Badge = eventschema.Clear("verify/17")
	who, err := h.RegisterPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), r)
	if err != nil {
		h.t.Fatal(err)
	}
	id := h.assessed(who.PersonID)
	h.onKeys(`CREATE TABLE kept AS SELECT * FROM lookup WHERE person = '` + who.PersonID.String() + `'`)
	set.at(string(eventschema.StepVerify)+" intended", func() { h.onKeys(`INSERT INTO lookup TABLE kept`) })
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	until(h.t, func() bool { return h.cases.stuck() > 0 })
	if view := h.await(id, erasure.PhasePursued); view.CertifiedAt != nil {
		h.t.Fatal("certified although a badge still finds the person")
	}
	h.onKeys(`DELETE FROM lookup l USING kept k WHERE l.token = k.token`, `DROP TABLE kept`)
	h.certified(id)
}

func slowedAtTheDestruction(h *house, _ *traps) {
	officer := h.as(httpapi.RolePrivacy)
	h.perOfficer.Store(1)
	defer func() { h.perOfficer.Store(100) }()
	var ids []uuid.UUID
	for range 2 {
		ids = append(ids, h.assessed(h.register("Ada Example").PersonID))
	}
	for _, id := range ids { // past the check that both would pass at the same moment
		h.await(id, erasure.PhaseCoolingOff)
		if _, err := domain.Handle(h.t.Context(), h.handler, erasure.Decider(), domain.Request{
			Stream: eventschema.ErasureStream(h.Tenant(), id), Key: "approve", Actor: officer.Actor(),
		}, erasure.Command(erasure.Approve{ApprovedBy: officer.ID, ApprovedAt: h.clock()})); err != nil {
			h.t.Fatal(err)
		}
	}
	destroyed := func() (n int) {
		for _, id := range ids {
			if _, done, err := h.keys.ReceiptOf(h.t.Context(), h.Tenant(), id); err == nil && done {
				n++
			}
		}
		return n
	}
	until(h.t, func() bool { return destroyed() == 1 })
	for range 3 {
		h.swept()
		if n := destroyed(); n != 1 {
			h.t.Fatalf("%d erasures of one officer within a day", n)
		}
	}
	h.perOfficer.Store(2)
	h.swept()
	h.certified(ids[0])
	h.certified(ids[1])
}

// firstRelease appends an event as the first release stored it.
func (h *house) firstRelease(id uuid.UUID, revision domain.Expected, name string, data map[string]any, sealed ...eventschema.Sealed) {
	h.t.Helper()
	if len(sealed) > 0 {
		data["sealed"] = sealed
	}
	payload, err := json.Marshal(data)
	if err != nil {
		h.t.Fatal(err)
	}
	salt := make([]byte, eventschema.SaltBytes)
	_, _ = rand.Read(salt)
	metadata, err := json.Marshal(eventschema.Metadata{
		CorrelationID: uuid.New(), CausationID: uuid.New(), Tenant: h.Tenant(), Actor: h.as(httpapi.RolePrivacy).Actor(), Salt: salt,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.store.Append(h.t.Context(), eventschema.ErasureStream(h.Tenant(), id).String(), revision,
		[]eventschema.Proposed{{ID: uuid.NewSHA1(id, []byte(name)), Type: name + ".v1", Data: payload, Metadata: metadata}}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) requestedInTheFirstRelease(id uuid.UUID, who httpapi.PersonReceipt) {
	h.t.Helper()
	text, err := json.Marshal(map[string]string{"work_id": eventschema.Hex(who.WorkID)})
	if err != nil {
		h.t.Fatal(err)
	}
	envelope, err := h.keys.Seal(h.t.Context(), eventschema.Coordinates{
		Tenant: h.Tenant(), Subject: who.PersonID, Purpose: eventschema.PurposeIdentity, Stream: eventschema.ErasureStream(h.Tenant(), id).String(),
		EventID: uuid.NewSHA1(id, []byte("erasure-requested")), EventType: "erasure-requested", SchemaVersion: 1, Section: "identity",
	}, text)
	if err != nil {
		h.t.Fatal(err)
	}
	h.firstRelease(id, domain.NoStream, "erasure-requested", map[string]any{
		"case_id": id, "person_id": who.PersonID, "scope": "person", "requested_at": h.clock().UTC(), "requested_by": uuid.New(), "claim_hash": strings.Repeat("ab", 32),
	}, eventschema.Sealed{Section: "identity", Purpose: eventschema.PurposeIdentity, Subject: who.PersonID, Envelope: envelope})
}

func casesOfTheFirstRelease(h *house, _ *traps) {
	people := []httpapi.PersonReceipt{h.register("Ada Example"), h.register("Ben Example"), h.register("Cleo Example")}
	h.caughtUp()
	requested, approved, destroyed := uuid.New(), uuid.New(), uuid.New()
	for i, id := range []uuid.UUID{requested, approved, destroyed} {
		h.requestedInTheFirstRelease(id, people[i])
	}
	receipt, err := h.keys.Destroy(h.t.Context(), keyring.Order{
		Tenant: h.Tenant(), Case: destroyed, Erase: []uuid.UUID{people[2].PersonID}, Restrict: []uuid.UUID{people[2].WorkID},
		Destroy: []keyring.Target{
			{Subject: people[2].PersonID}, {Subject: people[2].WorkID, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}},
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	var keys []eventschema.DestroyedKey
	for _, k := range receipt.Keys {
		keys = append(keys, eventschema.DestroyedKey{KeyID: k.ID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
	}
	for i, id := range []uuid.UUID{approved, destroyed} {
		h.firstRelease(id, 0, "erasure-approved", map[string]any{"case_id": id, "approved_at": h.clock().UTC(), "approved_by": uuid.New()})
		if i == 0 {
			continue
		}
		h.firstRelease(id, 1, "keys-destroyed", map[string]any{
			"case_id": id, "person_id": people[2].PersonID, "destroyed_at": receipt.DestroyedAt, "keys": keys, "lookups": receipt.Lookups,
			"retained": []eventschema.Retained{{Purpose: eventschema.PurposeWork, Ground: "29 CFR 516.5", Until: "end of employment + 7 years"}},
		})
	}
	h.certified(approved)
	h.certified(destroyed)
	h.wantName(people[1].PersonID, eventschema.StateErased)
	h.wantName(people[2].PersonID, eventschema.StateErased)
	h.wantRefusal("an approval of what nobody assessed", h.approval(requested), "identity_not_verified")
	h.identifyAndAssess(h.as(httpapi.RolePrivacy), requested)
	h.await(requested, erasure.PhaseCoolingOff)
	if err := h.approval(requested); err != nil {
		h.t.Fatal(err)
	}
	h.certified(requested)
	h.wantName(people[0].PersonID, eventschema.StateErased)
}

// restrict restricts the values of a person.
func (h *house) restrict(person uuid.UUID, ground eventschema.RestrictionGround) uuid.UUID {
	h.t.Helper()
	by := h.as(httpapi.RolePrivacy)
	receipt, err := h.Restrict(h.t.Context(), h.intent(by), httpapi.RestrictionOrder{Person: person, Ground: ground, ReceivedAt: h.clock(), At: h.clock()})
	if err != nil {
		h.t.Fatal(err)
	}
	return receipt.CaseID
}

func (h *house) advanceRestriction(id uuid.UUID, step func(by uuid.UUID) restriction.Command) error {
	by := h.as(httpapi.RolePrivacy)
	_, err := h.AdvanceRestriction(h.t.Context(), h.intent(by), id, step(by.ID))
	return err
}

func (h *house) lifted(by uuid.UUID) restriction.Command {
	return restriction.Lift{LiftedBy: by, LiftedAt: h.clock(), ToldAt: h.clock().Add(-time.Hour)}
}

func restrictedValues(h *house, _ *traps) {
	who := h.register("Ada Example")
	h.caughtUp()
	contested, claims := h.restrict(who.PersonID, eventschema.RestrictionAccuracy), h.restrict(who.PersonID, eventschema.RestrictionClaims)
	h.wantName(who.PersonID, eventschema.StateRestricted)
	if name := h.name(httpapi.RoleAuditor, who.PersonID); name.State() != eventschema.StateClear {
		h.t.Errorf("for an audit the name is %s", name.State())
	}
	found, err := h.FindPerson(h.t.Context(), h.as(httpapi.RoleHR), who.PersonID.String())
	if err != nil || len(found) != 1 || found[0].LegalName.State() != eventschema.StateRestricted {
		h.t.Errorf("the search finds %+v: %v", found, err)
	}
	// What is stored goes on being stored (GDPR Art. 18(2)).
	if _, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, h.clock())); err != nil {
		h.t.Errorf("a punch: %v", err)
	}
	h.close() // a restart restricts what is restricted on record
	h.open()
	h.wantName(who.PersonID, eventschema.StateRestricted)
	if err := h.advanceRestriction(contested, h.lifted); err != nil {
		h.t.Fatal(err)
	}
	h.wantName(who.PersonID, eventschema.StateRestricted)
	if err := h.advanceRestriction(claims, h.lifted); err != nil {
		h.t.Fatal(err)
	}
	h.wantName(who.PersonID, eventschema.StateClear)
}

func objection(h *house, _ *traps) {
	who := h.register("Ada Example")
	h.caughtUp()
	decided := func(outcome eventschema.ObjectionOutcome) func(uuid.UUID) restriction.Command {
		return func(by uuid.UUID) restriction.Command {
			return restriction.DecideObjection{Outcome: outcome, DecidedBy: by, DecidedAt: h.clock()}
		}
	}
	id := h.restrict(who.PersonID, eventschema.RestrictionObjection)
	h.wantName(who.PersonID, eventschema.StateRestricted)
	h.wantRefusal("lifting what is undecided", h.advanceRestriction(id, h.lifted), "undecided")
	if err := h.advanceRestriction(id, decided(eventschema.ObjectionOverridden)); err != nil {
		h.t.Fatal(err)
	}
	if err := h.advanceRestriction(id, h.lifted); err != nil {
		h.t.Fatal(err)
	}
	h.wantName(who.PersonID, eventschema.StateClear)
	upheld := h.restrict(who.PersonID, eventschema.RestrictionObjection)
	if err := h.advanceRestriction(upheld, decided(eventschema.ObjectionUpheld)); err != nil {
		h.t.Fatal(err)
	}
	h.wantRefusal("lifting what was upheld", h.advanceRestriction(upheld, h.lifted), "objection_upheld")
	h.wantName(who.PersonID, eventschema.StateRestricted)
}

func recipientsTold(h *house, _ *traps) {
	who := h.register("Ada Example")
	by := h.as(httpapi.RolePrivacy)
	h.caughtUp()
	var disclosed []uuid.UUID
	for recipient, purpose := range map[string]eventschema.Purpose{"payroll_bureau": eventschema.PurposeWork, "insurer": eventschema.PurposeContact} {
		id := uuid.New()
		if _, err := h.RecordDisclosure(h.t.Context(), h.intent(by), disclosure.Record{
			DisclosureID: id, PersonID: who.PersonID, Recipient: recipient, Ground: eventschema.DisclosureProcessor, Interest: "payroll",
			Purposes: []eventschema.Purpose{purpose}, DisclosedAt: h.clock(), DisclosedBy: by.ID,
		}); err != nil {
			h.t.Fatal(err)
		}
		disclosed = append(disclosed, id)
	}
	h.caughtUp()
	contact := h.erase(who.PersonID, eventschema.PurposeContact)
	if view := h.await(contact, erasure.PhaseCertified); len(view.Recipients) != 1 || view.Recipients[0].Name != "insurer" {
		h.t.Errorf("of contact values: %+v", view.Recipients)
	}
	id := h.erase(who.PersonID)
	if view := h.await(id, erasure.PhaseCertified); len(view.Recipients) != 2 {
		h.t.Errorf("of the whole person: %+v", view.Recipients)
	}
	tell := func(which uuid.UUID) error {
		_, err := h.AdvanceErasure(h.t.Context(), h.intent(by), id, erasure.NotifyRecipient{
			DisclosureID: which, NotifiedBy: by.ID, NotifiedAt: h.clock(), Outcome: eventschema.NotifyTold,
		})
		return err
	}
	h.wantRefusal("telling nobody on record", tell(uuid.New()), "unknown_recipient")
	if err := tell(disclosed[0]); err != nil {
		h.t.Fatal(err)
	}
	told := 0
	for _, r := range h.await(id, erasure.PhaseCertified).Recipients {
		if r.Outcome == eventschema.NotifyTold && r.DisclosureID == disclosed[0] {
			told++
		}
	}
	if told != 1 {
		h.t.Errorf("%d recipients are told", told)
	}
	history, err := h.History(h.t.Context(), h.as(httpapi.RoleAuditor), who.PersonID, 0, 200)
	if err != nil {
		h.t.Fatal(err)
	}
	shown := 0
	for _, event := range history {
		if strings.HasPrefix(event.Type, "disclosure-recorded") {
			shown++
		}
	}
	if shown != 2 {
		h.t.Errorf("the history shows %d disclosures", shown)
	}
}

func erasedWhileRestricted(h *house, _ *traps) {
	who := h.register("Ada Example")
	h.caughtUp()
	restricted := h.restrict(who.PersonID, eventschema.RestrictionClaims)
	id := h.erase(who.PersonID)
	if name := h.name(httpapi.RoleAuditor, who.PersonID); name.State() != eventschema.StateErased || name.Case() != id {
		h.t.Errorf("for an audit the name is %s", name.State())
	}
	if err := h.advanceRestriction(restricted, h.lifted); err != nil {
		h.t.Errorf("lifting it afterwards: %v", err)
	}
	h.wantName(who.PersonID, eventschema.StateErased)
	var erased *httpapi.Erased
	_, err := h.Restrict(h.t.Context(), h.intent(h.as(httpapi.RolePrivacy)), httpapi.RestrictionOrder{
		Person: who.PersonID, Ground: eventschema.RestrictionClaims, ReceivedAt: h.clock(), At: h.clock(),
	})
	if !errors.As(err, &erased) || erased.Case != id {
		h.t.Errorf("restricting who is erased: %v", err)
	}
}

// A dump of the key store from before brings back nothing that was erased or
// withdrawn, opens nothing that is restricted, and lets go of nothing that is held.
//
// promise: ST-33
func TestARestoredKeyStoreBringsNobodyBack(t *testing.T) {
	h := openHouse(t)
	gone, withdrawn, restricted, held := h.register("Ada Example"), h.register("Ben Example"), h.register("Cleo Example"), h.register("Dan Example")
	consent := h.consents(withdrawn.WorkID)
	entry := punchEntry(withdrawn.WorkID, h.clock())
	entry.Location = point()
	if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), entry); err != nil {
		t.Fatal(err)
	}
	h.caughtUp()
	tables := []string{"subject", "dek", "lookup", "hold", "restriction", "tombstone", "destruction"}
	for _, table := range tables {
		h.onKeys(`CREATE TABLE kept_` + table + ` AS TABLE ` + table)
	}
	id := h.erase(gone.PersonID)
	h.certified(h.withdraws(consent))
	h.restrict(restricted.PersonID, eventschema.RestrictionAccuracy)
	matter := h.hold(held.PersonID)
	h.caughtUp()
	h.onKeys(`TRUNCATE ` + strings.Join(tables, `, `))
	for _, table := range tables {
		h.onKeys(`INSERT INTO ` + table + ` TABLE kept_` + table)
	}
	h.close()
	h.open()
	h.caughtUp()
	if name := h.name(httpapi.RoleAuditor, gone.PersonID); name.State() != eventschema.StateErased || name.Case() != id {
		t.Errorf("the name is %s after the restore", name.State())
	}
	status, err := h.keys.Status(t.Context(), h.Tenant(), gone.WorkID)
	if err != nil || status[gone.WorkID].Fence != keyring.FenceRestricted {
		t.Errorf("the work record is %s: %v", status[gone.WorkID].Fence, err)
	}
	points := h.streamOf(eventschema.LocationStream(h.Tenant(), withdrawn.WorkID, entry.OccurredAt))
	if err := h.registry.Open(t.Context(), h.keys, &points[0], eventschema.UseAudit); err != nil {
		t.Fatal(err)
	}
	if state := points[0].Event.(*eventschema.LocationRecorded).Latitude.State(); state != eventschema.StateErased {
		t.Errorf("the point is %s after the restore", state)
	}
	h.wantName(restricted.PersonID, eventschema.StateRestricted)
	holds, err := h.keys.Holds(t.Context(), h.Tenant(), held.PersonID)
	if err != nil || len(holds) != 1 || holds[0].Matter != matter {
		t.Errorf("held by %+v: %v", holds, err)
	}
}
