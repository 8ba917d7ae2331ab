package app

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/retention"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// post is the story of the messages of a few people.
type post struct {
	*house
	clock         *jump
	hr            httpapi.Principal
	ada, ben, cy  httpapi.PersonReceipt
	fromHR, toBen uuid.UUID
}

// self is a worker who acts for themself.
func (p *post) self(who httpapi.PersonReceipt) httpapi.Principal {
	return httpapi.Principal{Tenant: p.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: who.PersonID, Work: who.WorkID}
}

func (p *post) send(by httpapi.Principal, text string, to ...uuid.UUID) uuid.UUID {
	p.t.Helper()
	sent, err := p.SendMessage(p.t.Context(), p.intent(by), httpapi.NewMessage{To: to, Text: eventschema.Clear(text), SentAt: p.clock.now()})
	if err != nil || sent.Recipients != len(to) {
		p.t.Fatalf("%+v %v", sent, err)
	}
	p.caughtUp()
	return sent.MessageID
}

// reads opens a message and answers its state, and its text where it is clear.
func (p *post) reads(by httpapi.Principal, id uuid.UUID) (eventschema.State, string) {
	p.t.Helper()
	p.caughtUp()
	opened, err := p.OpenMessage(p.t.Context(), p.intent(by), id)
	if err != nil {
		p.t.Fatal(err)
	}
	text, _ := opened.Text.Reveal(opened.Release)
	return opened.Text.State(), text
}

func (p *post) wantState(what string, by httpapi.Principal, id uuid.UUID, want eventschema.State) {
	p.t.Helper()
	if state, text := p.reads(by, id); state != want || (text != "") != (want == eventschema.StateClear) {
		p.t.Errorf("%s: %s %q, want %s", what, state, text, want)
	}
}

// box lists a mailbox.
func (p *post) box(by httpapi.Principal, box httpapi.Box) []projections.Message {
	p.t.Helper()
	box.Limit = 100
	p.caughtUp()
	found, err := p.MessagesOf(p.t.Context(), by, box)
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// What people write to each other is sealed, read by its recipients alone, taken back
// by its sender, forgotten with whoever wrote it and with whoever it names, and comes
// of age by a clock of its own.
//
// promise: ST-12
func TestMessagesAreReadTakenBackErasedAndExpire(t *testing.T) {
	clock := &jump{}
	h := openHouse(t, func(h *house) { h.clock = clock.now })
	p := &post{house: h, clock: clock, hr: h.as(httpapi.RoleHR)}
	p.ada, p.ben, p.cy = p.register("Ada Example"), p.register("Ben Example"), p.register("Cy Example")
	p.caughtUp()
	for _, stage := range []struct {
		rule string
		run  func()
	}{
		{"a message is opened by its recipients, each with a receipt", p.opened},
		{"nobody else sees it, a privacy officer in a history least of all", p.closedToOthers},
		{"no file holds a text", p.sealed},
		{"its sender takes it back, and its key goes alone", p.takenBack},
		{"what somebody wrote goes with them, and what names them", p.erasedWithTheirAuthor},
		{"what a legal hold keeps of its author stays", p.leftUnderHold},
		{"a month comes of age two years later, and not a day before", p.comesOfAge},
	} {
		if !t.Run(stage.rule, func(t *testing.T) { h.in(t, stage.run) }) {
			return
		}
	}
	h.caughtUp()
	if differences, err := h.CheckModels(t.Context(), nil); err != nil || len(differences) > 0 {
		t.Errorf("the read models differ from a rebuild: %v %v", differences, err)
	}
}

func (p *post) opened() {
	t := p.t
	p.fromHR = p.send(p.hr, "The gate of the north yard stays shut until noon.", p.ada.WorkID, p.ben.WorkID)
	if unread := p.box(p.self(p.ben), httpapi.Box{Unread: true}); len(unread) != 1 || unread[0].MessageID != p.fromHR || unread[0].SenderID != p.hr.ID {
		t.Fatalf("ben's inbox: %+v", unread)
	}
	for range 2 {
		if state, text := p.reads(p.self(p.ben), p.fromHR); state != eventschema.StateClear || text != "The gate of the north yard stays shut until noon." {
			t.Errorf("ben reads %s %q", state, text)
		}
	}
	p.caughtUp()
	if receipts := p.streamOf(eventschema.ReceiptStream(p.Tenant(), p.ben.WorkID, p.clock.now())); len(receipts) != 1 || receipts[0].Meta.Actor.ID != p.ben.WorkID {
		t.Errorf("receipts: %+v", receipts)
	}
	if unread := p.box(p.self(p.ben), httpapi.Box{Unread: true}); len(unread) != 0 {
		t.Errorf("unread: %+v", unread)
	}
	if sent := p.box(p.hr, httpapi.Box{Sent: true}); len(sent) != 1 || sent[0].Read != 1 || sent[0].Recipients != 2 {
		t.Errorf("sent: %+v", sent)
	}
	back := p.send(p.self(p.ben), "Understood.", p.hr.ID)
	p.wantState("an officer reads an answer", p.hr, back, eventschema.StateClear)
	same := httpapi.Intent{Principal: p.hr, Key: "the same"}
	message := httpapi.NewMessage{To: []uuid.UUID{p.cy.WorkID}, Text: eventschema.Clear("Once."), SentAt: p.clock.now()}
	first, err := p.SendMessage(t.Context(), same, message)
	p.caughtUp()
	message.SentAt = message.SentAt.AddDate(0, 1, 0)
	again, errAgain := p.SendMessage(t.Context(), same, message)
	if err != nil || errAgain != nil || !again.Repeated || again.MessageID != first.MessageID || len(p.box(p.self(p.cy), httpapi.Box{})) != 1 {
		t.Errorf("sent twice: %+v %v, %+v %v", first, err, again, errAgain)
	}
}

func (p *post) closedToOthers() {
	t := p.t
	for who, by := range map[string]httpapi.Principal{"somebody it did not go to": p.self(p.cy), "its sender": p.hr, "another officer": p.as(httpapi.RolePrivacy)} {
		if _, err := p.OpenMessage(t.Context(), p.intent(by), p.fromHR); !errors.Is(err, httpapi.ErrNotFound) {
			t.Errorf("%s: %v", who, err)
		}
		if who == "its sender" {
			continue
		}
		if _, err := p.DeleteMessage(t.Context(), p.intent(by), p.fromHR); !errors.Is(err, httpapi.ErrNotFound) {
			t.Errorf("%s takes it back: %v", who, err)
		}
	}
	mine := p.send(p.self(p.ada), "For Ben alone.", p.ben.WorkID)
	for role, want := range map[httpapi.Role]eventschema.State{httpapi.RoleWorker: eventschema.StateClear, httpapi.RolePrivacy: eventschema.StateSealed, httpapi.RoleAuditor: eventschema.StateClear} {
		by := p.as(role)
		if role == httpapi.RoleWorker {
			by = p.self(p.ada)
		}
		events, err := p.History(t.Context(), by, p.ada.PersonID, 0, 100)
		i := slices.IndexFunc(events, func(e httpapi.EventView) bool { return e.EventID == mine })
		if err != nil || i < 0 || len(events[i].Personal) != 1 || events[i].Personal[0].Value.State() != want {
			t.Errorf("%s sees %d events in the history of ada, and no text that is %s: %v", role, len(events), want, err)
		}
	}
	p.toBen = mine
	stranger := httpapi.NewMessage{To: []uuid.UUID{uuid.New()}, Text: eventschema.Clear("Hello."), SentAt: p.clock.now()}
	_, err := p.SendMessage(t.Context(), p.intent(p.self(p.ada)), stranger)
	p.wantRefusal("a message to nobody known", err, "unknown_recipient")
	_, err = p.SendMessage(t.Context(), p.intent(p.self(p.ada)), httpapi.NewMessage{Site: "harbor_st", Text: eventschema.Clear("Hello."), SentAt: p.clock.now()})
	p.wantRefusal("a worker who writes to a site", err, "officers_only")
}

// sealed looks for the texts in every file of the house, with a control.
func (p *post) sealed() {
	id := uuid.New()
	search, err := p.SearchPlaintext(p.t.Context(), []string{"The gate of the north yard stays shut until noon.", "For Ben alone."}, id)
	if err != nil || search.Hits != 0 || search.Files == 0 {
		p.t.Errorf("%+v %v", search, err)
	}
}

func (p *post) takenBack() {
	t := p.t
	kept := p.send(p.self(p.ada), "This one stays.", p.ben.WorkID)
	for range 2 {
		if _, err := p.DeleteMessage(t.Context(), p.intent(p.self(p.ada)), p.toBen); err != nil {
			t.Fatal(err)
		}
		p.caughtUp()
	}
	deleted := p.streamOf(eventschema.MessageStream(p.Tenant(), p.ada.WorkID, p.clock.now()))
	if last := deleted[len(deleted)-1]; last.Event.EventType() != "message-deleted" || len(deleted) != 3 {
		t.Fatalf("%d events", len(deleted))
	}
	p.certified(deleted[2].ID)
	view, err := p.ErasureCase(t.Context(), p.as(httpapi.RolePrivacy), deleted[2].ID)
	if err != nil || view.Origin != eventschema.OriginDeletion || len(view.Items) != 1 {
		t.Errorf("the case: %+v %v", view, err)
	}
	p.wantState("what was taken back", p.self(p.ben), p.toBen, eventschema.StateErased)
	if err := p.registry.Open(t.Context(), p.keys, &deleted[0], eventschema.UseAudit); err != nil {
		t.Fatal(err)
	}
	if text := deleted[0].Event.(*eventschema.MessageSent).Text; text.State() != eventschema.StateErased || text.Case() != deleted[2].ID {
		t.Errorf("in the log it is %s", text.State())
	}
	p.wantState("the other one", p.self(p.ben), kept, eventschema.StateClear)
}

func (p *post) erasedWithTheirAuthor() {
	t := p.t
	own := p.send(p.self(p.ada), "I am on my way.", p.ben.WorkID)
	naming := p.send(p.self(p.ben), "Tell ADA  example to hurry.", p.cy.WorkID)
	other := p.send(p.self(p.ben), "Somebody called Ada is here.", p.cy.WorkID)
	p.wantState("before", p.self(p.cy), naming, eventschema.StateClear)
	id := p.erase(p.ada.PersonID)
	for what, m := range map[string]struct {
		by   httpapi.Principal
		id   uuid.UUID
		want eventschema.State
	}{
		"what she wrote":                     {p.self(p.ben), own, eventschema.StateErased},
		"what names her":                     {p.self(p.cy), naming, eventschema.StateErased},
		"what has a part of her name":        {p.self(p.cy), other, eventschema.StateClear},
		"what was written to her and others": {p.self(p.ben), p.fromHR, eventschema.StateClear},
	} {
		p.wantState(what, m.by, m.id, m.want)
	}
	reviewed := 0
	for _, recorded := range p.streamOf(eventschema.ErasureStream(p.Tenant(), id)) {
		if e, ok := recorded.Event.(*eventschema.MentionsReviewed); ok && e.Mentions == 1 && e.Left == 0 && e.ReviewedBy != uuid.Nil &&
			slices.Equal(e.Taken, []eventschema.Mention{{SenderID: p.ben.WorkID, MessageID: naming}}) && e.Texts > 3 {
			reviewed++
		}
	}
	if reviewed != 1 {
		t.Error("the case does not say which texts went with her")
	}
	_, err := p.SendMessage(t.Context(), p.intent(p.hr), httpapi.NewMessage{To: []uuid.UUID{p.ada.WorkID}, Text: eventschema.Clear("Hello."), SentAt: p.clock.now()})
	p.wantErased("a message to somebody erased", err, id)
}

func (p *post) leftUnderHold() {
	dee := p.register("Dee Example")
	p.caughtUp()
	naming := p.send(p.self(p.ben), "Dee Example left the gate open.", p.cy.WorkID)
	held := p.hold(p.ben.PersonID, eventschema.PurposeNotes)
	id := p.erase(dee.PersonID)
	left := false
	for _, recorded := range p.streamOf(eventschema.ErasureStream(p.Tenant(), id)) {
		if e, ok := recorded.Event.(*eventschema.MentionsReviewed); ok {
			left = e.Mentions == 1 && e.Left == 1 && e.Ground == "legal_hold" && len(e.Taken) == 0
		}
	}
	if !left {
		p.t.Error("the case does not say that a text stays, and why")
	}
	p.wantState("it is still there", p.self(p.cy), naming, eventschema.StateClear)
	p.lift(held)
}

func (p *post) comesOfAge() {
	t, sent := p.t, p.clock.now()
	p.clock.until(sent.AddDate(2, 0, -1))
	if err := p.proposeDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.dueItems(retention.ClassCommunication, 0)
	p.clock.until(sent.AddDate(2, 0, 2))
	if err := p.proposeDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	var cases []uuid.UUID
	for _, item := range p.dueItems(retention.ClassCommunication, 4) { // of hr, ada, ben and cy, who only read
		cases = append(cases, item.CaseID)
		if !slices.Equal(item.Periods, []string{eventschema.NotesPeriod(sent)}) {
			t.Errorf("%+v", item)
		}
	}
	p.releasedBatch(cases...)
	for _, by := range []httpapi.Principal{p.hr, p.self(p.ben), p.self(p.cy)} {
		if left := append(p.box(by, httpapi.Box{}), p.box(by, httpapi.Box{Sent: true})...); len(left) != 0 {
			t.Errorf("left of %s: %+v", by.Role, left)
		}
	}
	if err := p.proposeDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.dueItems(retention.ClassCommunication, 0)
	again := p.send(p.hr, "And life goes on.", p.cy.WorkID)
	p.wantState("what is written afterwards", p.self(p.cy), again, eventschema.StateClear)
}
