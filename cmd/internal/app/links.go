package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
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
