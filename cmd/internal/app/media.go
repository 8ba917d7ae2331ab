package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/mediastore"
	"tracekeep/domain"
	"tracekeep/domain/media"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// openMedia opens the folder of photos and documents.
func (a *App) openMedia(context.Context, Config) error {
	rules, err := readMediaRules(a.folder.path(mediaFile))
	if err != nil {
		return err
	}
	a.mediaRules = rules
	store, err := mediastore.Open(mediastore.Config{Dir: a.folder.path("media"), Sealer: a.keys, Opener: a.keys, Limit: rules.MostBytes})
	if err != nil {
		return err
	}
	a.media = store
	a.onClose(store.Close)
	return nil
}

// MediaLimit implements [httpapi.Media].
func (a *App) MediaLimit() int64 { return a.media.Limit() }

// mediaItem is the id of the item that an intent attaches.
func (a *App) mediaItem(key string) uuid.UUID { return uuid.NewSHA1(a.tenant, []byte("media\x00"+key)) }

func (a *App) loadMedia(ctx context.Context, item uuid.UUID) (*domain.Loaded[media.State], error) {
	return domain.Load(ctx, a.handler, eventschema.MediaStream(a.tenant, item), media.Decider())
}

// AttachMedia implements [httpapi.Media]. The file is durable before its event is
// appended; until the outcome of the append is known nobody takes it for a leftover.
func (a *App) AttachMedia(ctx context.Context, intent httpapi.Intent, order httpapi.MediaOrder, content io.Reader) (httpapi.MediaReceipt, error) {
	item := a.mediaItem(intent.Key)
	if err := a.admitMedia(ctx, order); err != nil {
		return httpapi.MediaReceipt{}, err
	}
	loaded, err := a.loadMedia(ctx, item)
	if err != nil {
		return httpapi.MediaReceipt{}, outward(err)
	}
	outcome := domain.Outcome{Revision: uint64(max(loaded.Next, 0)), Repeated: true}
	switch s := loaded.State; {
	case s.Attached && (s.PersonID != order.Person || s.Class != order.Class):
		return httpapi.MediaReceipt{}, outward(media.ErrOther)
	case !s.Attached:
		if outcome, err = a.storeMedia(ctx, intent, item, order, content); err != nil {
			return httpapi.MediaReceipt{}, outward(mediaRefusal(err))
		}
		if loaded, err = a.loadMedia(ctx, item); err != nil {
			return httpapi.MediaReceipt{}, outward(err)
		}
	}
	if order.Class == eventschema.MediaPortrait {
		if err := a.replacePortrait(ctx, intent, order.Person, item); err != nil {
			return httpapi.MediaReceipt{}, outward(err)
		}
	}
	return httpapi.MediaReceipt{Receipt: receipt(outcome), ItemID: item, MediaType: loaded.State.Type, SHA256: loaded.State.SHA256}, nil
}

// admitMedia refuses what no content could make good, before any is read.
func (a *App) admitMedia(ctx context.Context, order httpapi.MediaOrder) error {
	if err := media.Admit(order.Class, a.mediaRules.noPhotos(), order.Caption, order.FileName); err != nil {
		return outward(err)
	}
	if err := a.refuseErased(ctx, order.Person); err != nil {
		return err
	}
	_, err := a.workOfPerson(ctx, order.Person) // somebody registered
	return err
}

// storeMedia makes the keys, stores the content and appends its event.
func (a *App) storeMedia(ctx context.Context, intent httpapi.Intent, item uuid.UUID, order httpapi.MediaOrder, content io.Reader) (domain.Outcome, error) {
	of := keyring.Ref{Tenant: a.tenant, Subject: order.Person, Purpose: eventschema.PurposeMedia}
	one := of
	one.Item = item
	if err := a.keys.Create(ctx, of, one); err != nil {
		return domain.Outcome{}, fmt.Errorf("make the key of an item: %w", err)
	}
	writing, err := a.media.Begin()
	if err != nil {
		return domain.Outcome{}, err
	}
	defer writing.End()
	noPhotos := a.mediaRules.noPhotos()
	stored, err := writing.Put(ctx, eventschema.MediaBlob(a.tenant, order.Person, item), eventschema.MediaTypesOf(order.Class, noPhotos), content)
	if err != nil {
		return domain.Outcome{}, err
	}
	a.fault("media stored")
	outcome, err := domain.Handle(ctx, a.handler, media.Decider(), domain.Request{
		Stream: eventschema.MediaStream(a.tenant, item), Key: "attach", Actor: actorIn(intent.Principal, order.Person), CorrelationID: intent.CorrelationID,
	}, media.Command(media.Attach{
		ItemID: item, PersonID: order.Person, Class: order.Class, Type: stored.Type, SHA256: stored.SHA256, StoredBytes: stored.StoredBytes,
		Bytes: eventschema.Clear(strconv.FormatInt(stored.Bytes, 10)), Caption: order.Caption, FileName: order.FileName,
		AttachedAt: order.ReceivedAt, AttachedBy: actorIn(intent.Principal, order.Person).ID, NoPhotos: noPhotos,
	}))
	if errors.Is(err, domain.ErrUnknownOutcome) || ctx.Err() != nil || err != nil && passes(err) {
		return outcome, err // the event may be there: what is left over is swept later
	}
	if err != nil || outcome.Repeated { // the same upload, twice at once: the other one's file counts
		if named, unknown := a.namesBlob(ctx, stored.Blob); unknown == nil && !named {
			err = errors.Join(err, a.media.Remove(stored.Blob))
		}
	}
	return outcome, err
}

// mediaRefusal is what the folder says of content, in the words of the domain.
func mediaRefusal(err error) error {
	switch {
	case errors.Is(err, mediastore.ErrTooLarge):
		return errors.Join(httpapi.ErrTooLarge, err)
	case errors.Is(err, mediastore.ErrType):
		return media.ErrType
	}
	return err
}

// replacePortrait asks for the end of the portraits that came before.
func (a *App) replacePortrait(ctx context.Context, intent httpapi.Intent, person, by uuid.UUID) error {
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	if err := a.Await(ctx, last); err != nil {
		return err
	}
	all, err := projections.MediaOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.ItemID == by {
			break // oldest first: what comes behind is newer
		}
		if m.Class != eventschema.MediaPortrait || m.RemovedAt != nil || m.RemovalRequestedAt != nil {
			continue
		}
		_, err := a.requestRemoval(ctx, intent.Principal, "replaced by "+by.String(), httpapi.MediaRemoval{
			Person: person, Item: m.ItemID, Reason: "replaced", ReceivedAt: a.clock(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *App) requestRemoval(ctx context.Context, by httpapi.Principal, key string, r httpapi.MediaRemoval) (domain.Outcome, error) {
	actor := actorIn(by, r.Person)
	return domain.Handle(ctx, a.handler, media.Decider(), domain.Request{
		Stream: eventschema.MediaStream(a.tenant, r.Item), Key: key, Actor: actor,
	}, media.Command(media.RequestRemoval{
		PersonID: r.Person, Reason: r.Reason, RequestedAt: r.ReceivedAt, RequestedBy: actor.ID, ByPerson: by.Role == httpapi.RoleWorker,
	}))
}

// RemoveMedia implements [httpapi.Media]. The process that owns the data folder opens
// the case when it sees the request.
func (a *App) RemoveMedia(ctx context.Context, intent httpapi.Intent, r httpapi.MediaRemoval) (httpapi.MediaReceipt, error) {
	outcome, err := a.requestRemoval(ctx, intent.Principal, intent.Key, r)
	if err != nil {
		return httpapi.MediaReceipt{}, outward(err)
	}
	answer := httpapi.MediaReceipt{Receipt: receipt(outcome), ItemID: r.Item}
	if answer.CaseID = domain.EventID(a.tenant, eventschema.MediaStream(a.tenant, r.Item), intent.Key, 0); len(outcome.Events) == 0 && !outcome.Repeated {
		loaded, err := a.loadMedia(ctx, r.Item)
		if err != nil {
			return httpapi.MediaReceipt{}, outward(err)
		}
		answer.CaseID = loaded.State.RemovedUnder
	}
	return answer, nil
}

// MediaOf implements [httpapi.Media].
func (a *App) MediaOf(ctx context.Context, by httpapi.Principal, person uuid.UUID) ([]httpapi.MediaView, error) {
	all, err := projections.MediaOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.MediaView, len(all))
	for i, m := range all {
		if views[i], err = a.openMediaView(ctx, by, m); err != nil {
			return nil, outward(err)
		}
	}
	return views, nil
}

func (a *App) openMediaView(ctx context.Context, by httpapi.Principal, m projections.Media) (httpapi.MediaView, error) {
	view := httpapi.MediaView{
		Position: m.Position, ItemID: m.ItemID, Class: m.Class, MediaType: m.MediaType, SHA256: m.SHA256, StoredBytes: m.StoredBytes,
		AttachedAt: m.AttachedAt, AttachedBy: m.AttachedBy, RemovalRequestedAt: m.RemovalRequestedAt, RemovedAt: m.RemovedAt, RemovedUnder: m.RemovedUnder,
	}
	for _, section := range m.Sections {
		fields, err := a.registry.OpenSection(ctx, a.keys, section.At, section.Envelope, by.Use())
		if err != nil {
			return view, fmt.Errorf("position %d: %w", section.Position, err)
		}
		for name, into := range map[string]*httpapi.Personal{"caption": &view.Caption, "file_name": &view.FileName, "bytes": &view.Bytes} {
			*into = a.personal(ctx, fields[name])
			into.Of = ofMedia(m.PersonID, name)
		}
	}
	return view, nil
}

// ofMedia names a value of an item as its reading does: by the person.
func ofMedia(person uuid.UUID, field string) httpapi.ValueOf {
	return httpapi.ValueOf{Subject: person, ShownValue: eventschema.ShownValue{Field: "media." + field, Purpose: eventschema.PurposeMedia}}
}

// ReadMedia implements [httpapi.Media].
func (a *App) ReadMedia(ctx context.Context, by httpapi.Principal, question httpapi.MediaQuestion, begin func(httpapi.MediaBegun), to io.Writer) error {
	m, err := a.mediaAsked(ctx, question)
	if err != nil {
		return outward(err)
	}
	view, err := a.openMediaView(ctx, by, m)
	if err != nil {
		return outward(err)
	}
	if err := a.readable(ctx, m, view); err != nil {
		return err
	}
	content := httpapi.Personal{Personal: eventschema.Clear("content"), Of: ofMedia(m.PersonID, "content")}
	release, err := a.RecordReading(ctx, by, question.Operation, content, view.FileName, view.Bytes)
	if err != nil {
		return outward(err)
	}
	length, _ := view.Bytes.Reveal(release)
	bytes, err := strconv.ParseInt(length, 10, 64)
	if err != nil {
		return fmt.Errorf("item %s: %w", m.ItemID, eventschema.ErrPayload)
	}
	name, _ := view.FileName.Reveal(release)
	begun := httpapi.MediaBegun{ItemID: m.ItemID, MediaType: m.MediaType, Bytes: bytes, FileName: name}
	err = a.media.Read(ctx, eventschema.MediaBlob(a.tenant, m.PersonID, m.ItemID), by.Use(), mediastore.Blob{Item: m.ItemID, SHA256: m.SHA256}, bytes,
		&beginning{begin: func() { begin(begun) }, to: to})
	var withheld *mediastore.WithheldError
	if errors.As(err, &withheld) { // destroyed since its section was opened
		return a.withheld(ctx, withheld.State, withheld.Case)
	}
	return outward(err)
}

// beginning says once that the first byte follows.
type beginning struct {
	begin func()
	to    io.Writer
}

// Write implements io.Writer.
func (b *beginning) Write(p []byte) (int, error) {
	if b.begin != nil {
		b.begin()
		b.begin = nil
	}
	return b.to.Write(p)
}

// mediaAsked finds the item of a question. That of somebody else is not there.
func (a *App) mediaAsked(ctx context.Context, question httpapi.MediaQuestion) (projections.Media, error) {
	all, err := projections.MediaOf(ctx, a.models.Querier(), a.tenant, question.Person)
	if err != nil {
		return projections.Media{}, err
	}
	for i := len(all) - 1; i >= 0; i-- { // the latest portrait counts
		m := all[i]
		if m.ItemID == question.Item || question.Item == uuid.Nil && m.Class == eventschema.MediaPortrait && m.RemovalRequestedAt == nil && m.RemovedAt == nil {
			return m, nil
		}
	}
	return projections.Media{}, httpapi.ErrNotFound
}

// readable says why content cannot be read, before its reading is recorded.
func (a *App) readable(ctx context.Context, m projections.Media, view httpapi.MediaView) error {
	if m.RemovedAt != nil {
		return a.erased(ctx, m.RemovedUnder)
	}
	return a.withheld(ctx, view.Bytes.State(), view.Bytes.Case())
}

// withheld is the answer about content in a state.
func (a *App) withheld(ctx context.Context, state eventschema.State, under uuid.UUID) error {
	switch state {
	case eventschema.StateErased:
		return a.erased(ctx, under)
	case eventschema.StateRestricted, eventschema.StateHeld:
		return errRestricted
	case eventschema.StateClear:
		return nil
	case eventschema.StateAbsent, eventschema.StateSealed, eventschema.StateUnavailable:
	}
	return httpapi.ErrUnavailable
}

var _ httpapi.Media = (*App)(nil)
