package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// The link from a person to their work record is sealed under the identity key.
// It is opened here as an audit opens it: what is done for a person, erasing above
// all, must also be possible while their values are restricted. Nobody is shown
// it.
const useOfLink = eventschema.UseAudit

// linkOf is the link of an event that carries one.
func linkOf(event eventschema.Event) (*eventschema.Personal, bool) {
	switch e := event.(type) {
	case *eventschema.PersonRegistered:
		return &e.WorkID, true
	case *eventschema.ErasureRequested:
		return &e.WorkID, true
	case *eventschema.HoldPlaced:
		return &e.WorkID, true
	case *eventschema.ProcessingRestricted:
		return &e.WorkID, true
	}
	return nil, false
}

// errNoLink says that a stream holds no event with a link.
var errNoLink = errors.New("no link to a work record in this stream")

// workIn opens the link that the first such event of a stream carries. It is the
// nil id where there is no work record, and where the link is erased.
func (a *App) workIn(ctx context.Context, stream eventschema.StreamName) (uuid.UUID, error) {
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return uuid.Nil, err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return uuid.Nil, err
		}
		link, ok := linkOf(decoded.Event)
		if !ok {
			continue
		}
		if err := a.registry.Open(ctx, a.keys, &decoded, useOfLink); err != nil {
			return uuid.Nil, err
		}
		return idOf(*link)
	}
	return uuid.Nil, errNoLink
}

// workOfPerson opens the link from a person to their work record. It answers
// [httpapi.ErrNotFound] for a person who was never registered.
func (a *App) workOfPerson(ctx context.Context, personID uuid.UUID) (uuid.UUID, error) {
	work, err := a.workIn(ctx, eventschema.PersonStream(a.tenant, personID))
	if errors.Is(err, errNoLink) {
		return uuid.Nil, httpapi.ErrNotFound
	}
	return work, outward(err)
}

// workOfCase opens the link that the request sealed under the key that the case
// will destroy.
func (a *App) workOfCase(ctx context.Context, s erasure.State) (uuid.UUID, error) {
	return a.workIn(ctx, eventschema.ErasureStream(a.tenant, s.CaseID))
}

// errLink says that the link from a person to the work record cannot be read.
var errLink = errors.New("the link to the work record cannot be read")

// idOf reads an id that was kept as a personal value. An absent or erased one
// is the nil id; one that cannot be read now is an error.
func idOf(value eventschema.Personal) (uuid.UUID, error) {
	switch value.State() {
	case eventschema.StateClear:
		text, _ := value.Reveal()
		id, err := eventschema.ParseHex(text)
		if err != nil {
			return uuid.Nil, errLink
		}
		return id, nil
	case eventschema.StateAbsent, eventschema.StateErased:
		return uuid.Nil, nil
	case eventschema.StateSealed, eventschema.StateRestricted, eventschema.StateHeld, eventschema.StateUnavailable:
		return uuid.Nil, fmt.Errorf("%w: it is %s", errLink, value.State())
	}
	return uuid.Nil, errLink
}

// reconcileKeys destroys again what a restored copy of the key store brought
// back, before anything is served from it.
func (a *App) reconcileKeys(ctx context.Context) error {
	register, err := a.Today().register(ctx)
	if err != nil {
		return err
	}
	var record []keyring.Destroyed
	for _, c := range register {
		loaded, err := a.loadCase(ctx, c.CaseID)
		if err != nil {
			return err
		}
		s := loaded.State
		if s.DestroyedAt.IsZero() {
			continue
		}
		d := keyring.Destroyed{Case: c.CaseID, At: s.DestroyedAt}
		for _, k := range s.Keys {
			d.Keys = append(d.Keys, keyring.DestroyedKey{ID: k.KeyID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
		}
		if s.Scope == eventschema.ScopePerson {
			d.Person = s.PersonID
			if err := a.restrictAgain(ctx, s); err != nil {
				return err
			}
		}
		if s.WholeRecord() {
			d.Person = s.RecordID
		}
		record = append(record, d)
	}
	if len(record) == 0 {
		return nil
	}
	revived, err := a.keys.Reconcile(ctx, a.tenant, record)
	if err != nil {
		return err
	}
	if revived > 0 {
		a.log.Error("the key store was older than the erasures on record; its keys were destroyed again", zap.Int("keys", revived))
	}
	return nil
}

// restrictAgain restricts the work record of an erased person whom the key store
// has forgotten to have erased: the link to it is readable once more, and goes
// with the keys that are destroyed again next.
func (a *App) restrictAgain(ctx context.Context, s erasure.State) error {
	status, err := a.keys.Status(ctx, a.tenant, s.PersonID)
	if err != nil || status[s.PersonID].Fence == keyring.FenceErased {
		return err
	}
	work, err := a.workOfCase(ctx, s)
	if err != nil || work == uuid.Nil {
		return err
	}
	return a.keys.SetFence(ctx, a.tenant, s.CaseID, keyring.FenceRestricted, work)
}
