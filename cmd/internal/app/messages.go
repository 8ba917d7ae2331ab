package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/message"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// deletionActor is who opens the case of a message that was taken back.
const deletionActor = "deletion"

// siteAhead is how far ahead shifts count when a message goes to the people of a site.
const siteAhead = 14 * 24 * time.Hour

// Refusals of messages that are not the domain's.
var (
	errUnknownRecipient = &httpapi.Refusal{Code: "unknown_recipient", Message: "a recipient is a work record, or somebody who wrote to you", Pointer: "/to"}
	errSiteIsOfficers   = &httpapi.Refusal{Code: "officers_only", Message: "to all of a site only officers write", Pointer: "/site"}
)

// refusalsOfMessages names every rule about messages that may say no to a caller.
func refusalsOfMessages() []refusal {
	return []refusal{
		{message.ErrNoText, "no_text", "/text"},
		{message.ErrTooLong, "too_long", "/text"},
		{message.ErrText, "bad_text", "/text"},
		{message.ErrNoRecipients, "nobody_there", "/to"},
		{message.ErrTooMany, "too_many_recipients", "/to"},
		{message.ErrRecipient, "bad_recipient", "/to"},
	}
}

func outwardMessage(err error) error {
	if errors.Is(err, message.ErrNoMessage) {
		return errors.Join(httpapi.ErrNotFound, err)
	}
	for _, r := range refusalsOfMessages() {
		if errors.Is(err, r.err) {
			return &httpapi.Refusal{Code: r.code, Message: r.err.Error(), Pointer: r.pointer}
		}
	}
	return outward(err)
}

// correspondent is the id under which somebody writes and receives: a worker under
// that of their work record.
func correspondent(p httpapi.Principal) uuid.UUID { return actorIn(p, p.Work).ID }

// SendMessage implements [httpapi.Messages]. The key of the text is made for it; the
// key of the sender and month, below which it hangs, with the first of a month.
func (a *App) SendMessage(ctx context.Context, intent httpapi.Intent, m httpapi.NewMessage) (httpapi.MessageReceipt, error) {
	sender, id := correspondent(intent.Principal), uuid.NewSHA1(a.tenant, []byte("message\x00"+intent.Key))
	if err := a.refuseErased(ctx, sender); err != nil {
		return httpapi.MessageReceipt{}, err
	}
	known, err := projections.Messages(ctx, a.models.Querier(), a.tenant, projections.MessagesAsked{Sender: sender, Message: id, Limit: 1})
	if err != nil {
		return httpapi.MessageReceipt{}, outward(err)
	}
	if len(known) == 1 { // also when the month has changed since
		return httpapi.MessageReceipt{Receipt: httpapi.Receipt{Position: known[0].Position, Repeated: true}, MessageID: id, Recipients: known[0].Recipients}, nil
	}
	command := message.Send{MessageID: id, SenderID: sender, ShiftID: m.ShiftID, Site: m.Site, Text: m.Text, SentAt: m.SentAt}
	if command.Audience, command.To, err = a.audience(ctx, intent.Principal, sender, m); err != nil {
		return httpapi.MessageReceipt{}, outwardMessage(err)
	}
	above := keyring.Ref{Tenant: a.tenant, Subject: sender, Purpose: eventschema.PurposeNotes, Period: eventschema.NotesPeriod(m.SentAt)}
	key := above
	key.Item = id
	outcome, err := domain.Handle(ctx, a.handler, message.Decider(), domain.Request{
		Stream: eventschema.MessageStream(a.tenant, sender, m.SentAt), Key: intent.Key, EventID: id, Actor: actorIn(intent.Principal, sender), CorrelationID: intent.CorrelationID,
		Before: func(ctx context.Context) error { return a.keys.Create(ctx, above, key) },
	}, message.Command(command))
	if err != nil {
		return httpapi.MessageReceipt{}, outwardMessage(err)
	}
	return httpapi.MessageReceipt{Receipt: receipt(outcome), MessageID: id, Recipients: len(command.To)}, nil
}

// audience settles who receives a message now. Of a shift or a site nobody is told who
// cannot be told any more.
func (a *App) audience(ctx context.Context, by httpapi.Principal, sender uuid.UUID, m httpapi.NewMessage) (eventschema.Audience, []uuid.UUID, error) {
	switch {
	case m.Site != "":
		if by.Role == httpapi.RoleWorker {
			return "", nil, errSiteIsOfficers
		}
		people, err := projections.PeopleOfSite(ctx, a.models.Querier(), a.tenant, m.Site, m.SentAt, m.SentAt.Add(siteAhead))
		if err != nil {
			return "", nil, err
		}
		people, err = a.reachable(ctx, sender, people)
		return eventschema.AudienceSite, people, err
	case m.ShiftID != uuid.Nil:
		people, err := a.crewOf(ctx, by, sender, m.ShiftID)
		return eventschema.AudienceShift, people, err
	}
	for _, to := range m.To {
		if err := a.refuseErased(ctx, to); err != nil {
			return "", nil, err
		}
		if err := a.requireCorrespondent(ctx, sender, to); err != nil {
			return "", nil, err
		}
	}
	return eventschema.AudiencePeople, m.To, nil
}

// crewOf are the people with a place on a shift. A worker writes to a shift of their own.
func (a *App) crewOf(ctx context.Context, by httpapi.Principal, sender, shift uuid.UUID) ([]uuid.UUID, error) {
	roster, err := a.Today().roster(ctx, projections.ShiftsAsked{IDs: []uuid.UUID{shift}})
	if err != nil {
		return nil, err
	}
	var people []uuid.UUID
	for _, s := range roster {
		for _, p := range s.Places {
			if p.State == projections.PlaceAssigned {
				people = append(people, p.WorkID)
			}
		}
	}
	if len(roster) == 0 || by.Role == httpapi.RoleWorker && !slices.Contains(people, sender) {
		return nil, httpapi.ErrNotFound
	}
	return a.reachable(ctx, sender, people)
}

// reachable leaves out the sender, and who was erased or is about to be.
func (a *App) reachable(ctx context.Context, sender uuid.UUID, people []uuid.UUID) ([]uuid.UUID, error) {
	fences, err := a.keys.Status(ctx, a.tenant, people...)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(people, func(who uuid.UUID) bool {
		fence := fences[who].Fence
		return who == sender || fence != "" && fence != keyring.FenceOpen
	}), nil
}

// requireCorrespondent refuses a recipient who is neither a work record nor an officer
// who wrote to the sender before.
func (a *App) requireCorrespondent(ctx context.Context, sender, to uuid.UUID) error {
	err := a.requireWork(ctx, to)
	if !errors.Is(err, errUnknownWork) {
		return err
	}
	wrote, err := projections.HasWritten(ctx, a.models.Querier(), a.tenant, to, sender)
	if err == nil && !wrote {
		err = errUnknownRecipient
	}
	return err
}

// MessagesOf implements [httpapi.Messages].
func (a *App) MessagesOf(ctx context.Context, by httpapi.Principal, box httpapi.Box) ([]projections.Message, error) {
	asked := projections.MessagesAsked{Recipient: correspondent(by), Unread: box.Unread, Before: box.Before, Limit: box.Limit}
	if box.Sent {
		asked.Recipient, asked.Sender, asked.Unread = uuid.Nil, correspondent(by), false
	}
	found, err := projections.Messages(ctx, a.models.Querier(), a.tenant, asked)
	return found, outward(err)
}

// Notices implements [httpapi.Messages].
func (a *App) Notices(ctx context.Context, by httpapi.Principal, limit int) ([]projections.Notice, error) {
	found, err := projections.NoticesOf(ctx, a.models.Querier(), a.tenant, correspondent(by), limit)
	return found, outward(err)
}

// OpenMessage implements [httpapi.Messages]. The receipt is the record of the reading:
// it stands in the log before the text is shown.
func (a *App) OpenMessage(ctx context.Context, intent httpapi.Intent, id uuid.UUID) (httpapi.OpenedMessage, error) {
	reader := correspondent(intent.Principal)
	found, err := projections.Messages(ctx, a.models.Querier(), a.tenant, projections.MessagesAsked{Recipient: reader, Message: id, Limit: 1})
	switch {
	case err != nil:
		return httpapi.OpenedMessage{}, outward(err)
	case len(found) == 0:
		return httpapi.OpenedMessage{}, httpapi.ErrNotFound
	}
	opened := httpapi.OpenedMessage{Message: found[0]}
	if opened.DeletedAt != nil { // its key goes in a moment, or is kept by a hold for other uses
		opened.Text = httpapi.Personal{Personal: eventschema.Withheld(eventschema.StateErased, uuid.Nil)}
		return opened, nil
	}
	text, err := a.textOf(ctx, opened.Message, intent.Principal.Use())
	if err != nil {
		return opened, outward(err)
	}
	opened.Text = a.personal(ctx, text)
	opened.Text.Of = httpapi.ValueOf{Subject: opened.SenderID, ShownValue: eventschema.ShownValue{Field: "message.text", Purpose: eventschema.PurposeNotes}}
	if text.State() != eventschema.StateClear {
		return opened, nil
	}
	outcome, err := domain.Handle(ctx, a.handler, message.Receipts(), domain.Request{
		Stream: eventschema.ReceiptStream(a.tenant, reader, opened.SentAt), Key: "read " + id.String(), Actor: actorIn(intent.Principal, reader), CorrelationID: intent.CorrelationID,
	}, message.Open{MessageID: id, SenderID: opened.SenderID, ReaderID: reader, SentAt: opened.SentAt, ReadAt: a.clock()})
	if errors.Is(err, eventstoredb.ErrStreamDeleted) { // the reader's month has come of age before the sender's
		return httpapi.OpenedMessage{}, httpapi.ErrNotFound
	}
	if err != nil {
		return httpapi.OpenedMessage{}, outwardMessage(err)
	}
	opened.Receipt, opened.Release = receipt(outcome), httpapi.ReleaseOf(opened.Text.Of)
	return opened, nil
}

// textOf opens the text of a message.
func (a *App) textOf(ctx context.Context, m projections.Message, use eventschema.Use) (eventschema.Personal, error) {
	fields, err := a.registry.OpenSection(ctx, a.keys, m.At, m.Envelope, use)
	if err != nil {
		return eventschema.Personal{}, fmt.Errorf("message at position %d: %w", m.Position, err)
	}
	return fields["text"], nil
}

// DeleteMessage implements [httpapi.Messages]. An erasure case destroys the key as soon
// as the deletion is noticed ([App.noticeDeletion]).
func (a *App) DeleteMessage(ctx context.Context, intent httpapi.Intent, id uuid.UUID) (httpapi.Receipt, error) {
	sender := correspondent(intent.Principal)
	found, err := projections.Messages(ctx, a.models.Querier(), a.tenant, projections.MessagesAsked{Sender: sender, Message: id, Limit: 1})
	switch {
	case err != nil:
		return httpapi.Receipt{}, outward(err)
	case len(found) == 0:
		return httpapi.Receipt{}, httpapi.ErrNotFound
	}
	outcome, err := domain.Handle(ctx, a.handler, message.Decider(), domain.Request{
		Stream: eventschema.MessageStream(a.tenant, sender, found[0].SentAt), Key: "delete " + id.String(), Actor: actorIn(intent.Principal, sender), CorrelationID: intent.CorrelationID,
	}, message.Command(message.Delete{MessageID: id, SenderID: sender, DeletedAt: a.clock()}))
	if err != nil {
		return httpapi.Receipt{}, outwardMessage(err)
	}
	return receipt(outcome), nil
}

// noticeDeletion opens the case of a message that was taken back, whose id is that of
// the event: there is one, however often it is noticed.
func (a *App) noticeDeletion(ctx context.Context, recorded eventschema.Recorded) error {
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return err
	}
	deleted, ok := decoded.Event.(*eventschema.MessageDeleted)
	if !ok {
		return nil
	}
	err = a.openByPolicy(ctx, erasure.Request{
		CaseID: recorded.ID, Origin: eventschema.OriginDeletion, Scope: eventschema.ScopeItem, RecordID: deleted.SenderID,
		Purposes: []eventschema.Purpose{eventschema.PurposeNotes}, Items: []uuid.UUID{deleted.MessageID}, RequestedBy: deleted.SenderID, RequestedAt: deleted.DeletedAt,
	}, eventschema.Actor{ID: deleted.SenderID, Role: deletionActor})
	if err != nil {
		return fmt.Errorf("open the case of a deleted message: %w", err)
	}
	return nil
}

var _ httpapi.Messages = (*App)(nil)
