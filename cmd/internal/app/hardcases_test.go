package app

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/person"
	"tracekeep/eventschema"
)

// TestHardCasesOfErasure has one test for each case that an erasure must not get
// wrong, in one house.
func TestHardCasesOfErasure(t *testing.T) {
	set := &traps{}
	h := openHouse(t, func(h *house) { h.fault = set.fault })
	for name, test := range map[string]func(*house, *traps){
		"a value sealed before its key is destroyed and stored afterwards is noise": sealedBeforeStoredAfter,
		"a write that comes while the writers are drained is asked to come again":   writeWhileClosed,
		"a point under way when consent is withdrawn is not kept":                   pointUnderWay,
		"of two people in one event one is erased":                                  twoPeopleInOneEvent,
		"a supervisor is erased and their approvals remain":                         supervisorErased,
		"free text about others is reviewed, also when there is none":               noFreeText,
		"whoever is hired again is somebody new":                                    rehired,
		"an offline punch of an erased person that comes late is refused for good":  lateOfflinePunch,
		"one purpose is erased, and may be given anew":                              onePurpose,
		"one photo is erased, and the others stay":                                  onePhoto,
	} {
		t.Run(name, func(t *testing.T) { h.in(t, func() { test(h, set) }) })
	}
	h.caughtUp()
	if differences, err := h.CheckModels(t.Context(), nil); err != nil || len(differences) > 0 {
		t.Errorf("the read models differ from a rebuild: %v %v", differences, err)
	}
}

// lateStore appends only after something else has happened.
type lateStore struct {
	domain.Store
	first func()
}

func (s lateStore) Append(ctx context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error) {
	s.first()
	return s.Store.Append(ctx, stream, expected, events)
}

func sealedBeforeStoredAfter(h *house, _ *traps) {
	who := h.register("Ada Example")
	var id uuid.UUID
	late := *h.handler
	late.Store = lateStore{h.handler.Store, func() { id = h.erase(who.PersonID) }}
	_, err := domain.Handle(h.t.Context(), &late, person.Decider(), domain.Request{
		Stream: eventschema.PersonStream(h.Tenant(), who.PersonID), Key: "late", Actor: h.as(httpapi.RoleHR).Actor(),
	}, person.Command(person.Correct{PersonID: who.PersonID, LegalName: eventschema.Clear("Ada Late"), Reason: "typo", CorrectedAt: h.clock()}))
	if err != nil {
		h.t.Fatal(err)
	}
	h.caughtUp()
	if name := h.name(httpapi.RoleAuditor, who.PersonID); name.State() != eventschema.StateErased || name.Case() != id || name.CertificateLeaf == nil {
		h.t.Errorf("the late name is %s under case %s", name.State(), name.Case())
	}
	events := h.streamOf(eventschema.PersonStream(h.Tenant(), who.PersonID))
	last := events[len(events)-1]
	if err := h.registry.Open(h.t.Context(), h.keys, &last, eventschema.UseAudit); err != nil {
		h.t.Fatal(err)
	}
	if name := last.Event.(*eventschema.PersonCorrected).LegalName; name.State() != eventschema.StateErased {
		h.t.Errorf("the name in the late event is %s", name.State())
	}
	if _, err := h.History(h.t.Context(), h.as(httpapi.RoleAuditor), who.PersonID, 0, 100); err != nil {
		h.t.Errorf("history: %v", err)
	}
}

func writeWhileClosed(h *house, set *traps) {
	who := h.register("Ada Example")
	id := h.assessed(who.PersonID)
	correct := func() error {
		_, err := h.CorrectPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.PersonCorrection{
			PersonID: who.PersonID, Email: eventschema.Clear("a@example.org"), Reason: "typo", ReceivedAt: h.clock(),
		})
		return err
	}
	var meanwhile, punch error
	set.at(string(eventschema.StepCloseFence)+" recorded", func() {
		meanwhile = correct()
		_, punch = h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, h.clock()))
	})
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	h.certified(id)
	for what, err := range map[string]error{"a correction": meanwhile, "a punch": punch} {
		if !errors.Is(err, httpapi.ErrUnavailable) {
			h.t.Errorf("%s while the fence is closed: %v", what, err)
		}
	}
	var erased *httpapi.Erased
	if err := correct(); !errors.As(err, &erased) || erased.Case != id || erased.CertificateLeaf == nil {
		h.t.Errorf("and afterwards: %v", err)
	}
}

func pointUnderWay(h *house, set *traps) {
	who := h.register("Ada Example")
	consent := h.consents(who.WorkID)
	entry := punchEntry(who.WorkID, h.clock())
	entry.Location = point()
	set.at("point before its seal", func() { h.certified(h.withdraws(consent)) })
	got, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), entry)
	if err != nil || got.Location != eventschema.LocationDroppedNoConsent {
		h.t.Fatalf("%+v, %v", got, err)
	}
	if points := h.streamOf(eventschema.LocationStream(h.Tenant(), who.WorkID, entry.OccurredAt)); len(points) != 0 {
		h.t.Errorf("%d points are recorded", len(points))
	}
	// One that was taken before the withdrawal and comes after it is not kept either.
	before := punchEntry(who.WorkID, entry.OccurredAt.Add(time.Millisecond))
	before.Location = point()
	if got, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), before); err != nil || got.Location != eventschema.LocationDroppedNoConsent {
		h.t.Errorf("a late point: %+v, %v", got, err)
	}
}

// twoPeopleInOneEvent seals two sections of one event, each for its own person.
func twoPeopleInOneEvent(h *house, _ *traps) {
	one, other := h.register("Ada Example"), h.register("Ben Example")
	event := eventschema.Coordinates{
		Tenant: h.Tenant(), Stream: "shift-swap", EventID: uuid.New(), EventType: "person-registered", SchemaVersion: 1,
	}
	section := func(who uuid.UUID, purpose eventschema.Purpose) eventschema.Coordinates {
		at := event
		at.Subject, at.Purpose, at.Section = who, purpose, string(purpose)
		return at
	}
	sections := map[string]eventschema.Coordinates{
		"legal_name": section(one.PersonID, eventschema.PurposeIdentity), "email": section(other.PersonID, eventschema.PurposeContact),
	}
	envelopes := map[string][]byte{}
	for field, at := range sections {
		text, err := json.Marshal(map[string]string{field: "a value"})
		if err != nil {
			h.t.Fatal(err)
		}
		if envelopes[field], err = h.keys.Seal(h.t.Context(), at, text); err != nil {
			h.t.Fatal(err)
		}
	}
	h.erase(one.PersonID)
	for field, want := range map[string]eventschema.State{"legal_name": eventschema.StateErased, "email": eventschema.StateClear} {
		opened, err := h.registry.OpenSection(h.t.Context(), h.keys, sections[field], envelopes[field], eventschema.UseService)
		if err != nil || opened[field].State() != want {
			h.t.Errorf("%s is %s, want %s: %v", field, opened[field].State(), want, err)
		}
	}
}

func supervisorErased(h *house, _ *traps) {
	worker, supervisor := h.register("Ada Example"), h.register("Sam Supervisor")
	hr := h.as(httpapi.RoleHR)
	in, out := punchEntry(worker.WorkID, h.clock().Add(-8*time.Hour)), punchEntry(worker.WorkID, h.clock().Add(-2*time.Hour))
	out.Direction = eventschema.DirectionOut
	for _, p := range []httpapi.PunchEntry{in, out} {
		if _, err := h.RecordPunch(h.t.Context(), h.intent(hr), p); err != nil {
			h.t.Fatal(err)
		}
	}
	if _, err := h.CorrectPunch(h.t.Context(), h.intent(h.as(httpapi.RoleManager)), httpapi.PunchCorrection{
		CorrectionID: uuid.New(), PunchID: out.PunchID, Work: worker.WorkID, RecordedAs: out.OccurredAt, OccurredAt: out.OccurredAt.Add(time.Hour),
		Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal, Reason: eventschema.ReasonWrongTime, ApprovedBy: supervisor.PersonID, ReceivedAt: h.clock(),
	}); err != nil {
		h.t.Fatal(err)
	}
	hours := func() string {
		h.caughtUp()
		view, err := h.HoursOfWork(h.t.Context(), worker.WorkID, in.OccurredAt.AddDate(0, 0, -1).Format(time.DateOnly), in.OccurredAt.AddDate(0, 0, 2).Format(time.DateOnly))
		if err != nil {
			h.t.Fatal(err)
		}
		text, err := json.Marshal(view.Days)
		if err != nil {
			h.t.Fatal(err)
		}
		return string(text)
	}
	before := hours()
	id := h.erase(supervisor.PersonID)
	if after := hours(); after != before {
		h.t.Errorf("the hours changed:\n%s\n%s", before, after)
	}
	events := h.streamOf(eventschema.PunchesStream(h.Tenant(), worker.WorkID, out.OccurredAt))
	if by := events[len(events)-1].Event.(*eventschema.PunchCorrected).ApprovedBy; by != supervisor.PersonID {
		h.t.Errorf("the approval is by %s", by)
	}
	if name := h.name(httpapi.RoleAuditor, supervisor.PersonID); name.State() != eventschema.StateErased || name.Case() != id {
		h.t.Errorf("who approved is %s", name.State())
	}
}

// noFreeText guards what the review of mentions rests on: messages are the only free
// text of this release, and the review looks through them. Whoever adds another one
// has it looked through as well.
func noFreeText(h *house, _ *traps) {
	for _, definition := range h.registry.Definitions() {
		for _, section := range definition.New().Sections() {
			if section.Purpose == eventschema.PurposeNotes && definition.Type != "message-sent" {
				h.t.Errorf("%s holds free text that the review of an erasure does not look through", definition.Type)
			}
		}
	}
	who := h.register("Ada Example")
	id := h.erase(who.PersonID)
	reviewed := false
	for _, recorded := range h.streamOf(eventschema.ErasureStream(h.Tenant(), id)) {
		if e, ok := recorded.Event.(*eventschema.MentionsReviewed); ok {
			reviewed = e.Texts == 0 && e.Mentions == 0 && e.Left == 0
		}
	}
	if !reviewed {
		h.t.Error("the case does not say that there was nothing to review")
	}
}

func rehired(h *house, _ *traps) {
	hired := registration("Ada Example")
	hired.EmployeeNumber, hired.Badge = eventschema.Clear("E-4711"), eventschema.Clear("rehire/17")
	hr := h.as(httpapi.RoleHR)
	first, err := h.RegisterPerson(h.t.Context(), h.intent(hr), hired)
	if err != nil {
		h.t.Fatal(err)
	}
	id := h.erase(first.PersonID)
	again, err := h.RegisterPerson(h.t.Context(), h.intent(hr), hired)
	if err != nil {
		h.t.Fatal(err)
	}
	if again.PersonID == first.PersonID || again.WorkID == first.WorkID || again.Repeated {
		h.t.Fatalf("hired again under the old ids: %+v", again)
	}
	h.caughtUp()
	if name := h.name(httpapi.RoleHR, first.PersonID); name.State() != eventschema.StateErased || name.Case() != id {
		h.t.Errorf("the old name is %s", name.State())
	}
	if name := h.name(httpapi.RoleHR, again.PersonID); name.State() != eventschema.StateClear {
		h.t.Errorf("the new name is %s", name.State())
	}
	found, err := h.keys.Find(h.t.Context(), h.Tenant(), "badge", "rehire/17")
	if err != nil || len(found) != 1 || found["rehire/17"].Person != again.PersonID {
		h.t.Errorf("the badge finds %+v, want the new person: %v", found, err)
	}
}

func lateOfflinePunch(h *house, _ *traps) {
	who := h.register("Ada Example")
	taken := punchEntry(who.WorkID, h.clock())
	id := h.erase(who.PersonID)
	before := len(h.streamOf(eventschema.PunchesStream(h.Tenant(), who.WorkID, taken.OccurredAt)))
	_, err := h.RecordPunch(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), taken)
	var erased *httpapi.Erased
	if !errors.As(err, &erased) || erased.Case != id || erased.CertificateLeaf == nil {
		h.t.Errorf("the late punch: %v", err)
	}
	if after := len(h.streamOf(eventschema.PunchesStream(h.Tenant(), who.WorkID, taken.OccurredAt))); after != before {
		h.t.Errorf("%d punches, there were %d", after, before)
	}
}

func onePurpose(h *house, _ *traps) {
	r := registration("Ada Example")
	r.Email, r.Phone = eventschema.Clear("ada@example.org"), eventschema.Clear("+63 2 555")
	who, err := h.RegisterPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), r)
	if err != nil {
		h.t.Fatal(err)
	}
	id := h.erase(who.PersonID, eventschema.PurposeContact)
	states := func(name, email, phone eventschema.State) {
		h.t.Helper()
		view, err := h.Person(h.t.Context(), h.as(httpapi.RoleHR), who.PersonID)
		if err != nil || view.LegalName.State() != name || view.Email.State() != email || view.Phone.State() != phone {
			h.t.Errorf("%s, %s, %s: %v", view.LegalName.State(), view.Email.State(), view.Phone.State(), err)
		}
	}
	states(eventschema.StateClear, eventschema.StateErased, eventschema.StateErased)
	if view := h.await(id, erasure.PhaseCertified); view.KeysDestroyed != 1 || len(view.Retained) != 0 {
		h.t.Errorf("%d keys, retained %v", view.KeysDestroyed, view.Retained)
	}
	if _, err := h.CorrectPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.PersonCorrection{
		PersonID: who.PersonID, Email: eventschema.Clear("new@example.org"), Reason: "new_address", ReceivedAt: h.clock(),
	}); err != nil {
		h.t.Fatal(err)
	}
	h.caughtUp()
	states(eventschema.StateClear, eventschema.StateClear, eventschema.StateErased)
}

func onePhoto(h *house, _ *traps) {
	who := h.register("Ada Example")
	h.caughtUp()
	all := keyring.Ref{Tenant: h.Tenant(), Subject: who.PersonID, Purpose: eventschema.PurposeMedia}
	refs := []keyring.Ref{all, all}
	refs[0].Item, refs[1].Item = uuid.New(), uuid.New()
	if err := errors.Join(h.keys.Create(h.t.Context(), all), h.keys.Create(h.t.Context(), refs...)); err != nil {
		h.t.Fatal(err)
	}
	sealed := make([][]byte, len(refs))
	place := func(ref keyring.Ref) eventschema.Coordinates {
		return eventschema.Coordinates{
			Tenant: ref.Tenant, Subject: ref.Subject, Purpose: ref.Purpose, Item: ref.Item, Stream: "media", EventID: ref.Item,
			EventType: "photo", SchemaVersion: 1, Section: "media",
		}
	}
	for i, ref := range refs {
		var err error
		if sealed[i], err = h.keys.Seal(h.t.Context(), place(ref), []byte("a photo")); err != nil {
			h.t.Fatal(err)
		}
	}
	first := h.as(httpapi.RolePrivacy)
	asked, err := h.RequestErasure(h.t.Context(), h.intent(first), httpapi.ErasureRequest{
		Person: who.PersonID, Purposes: []eventschema.Purpose{eventschema.PurposeMedia}, Items: []uuid.UUID{refs[0].Item}, ReceivedAt: h.clock(),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.identifyAndAssess(first, asked.CaseID)
	if err := h.approval(asked.CaseID); err != nil {
		h.t.Fatal(err)
	}
	h.certified(asked.CaseID)
	for i, want := range []eventschema.State{eventschema.StateErased, eventschema.StateClear} {
		opening, err := h.keys.Open(h.t.Context(), place(refs[i]), sealed[i], eventschema.UseService)
		if err != nil || opening.State != want {
			h.t.Errorf("photo %d is %s, want %s: %v", i, opening.State, want, err)
		}
	}
}
