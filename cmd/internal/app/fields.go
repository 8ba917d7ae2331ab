package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/field"
	"tracekeep/domain/person"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
)

// currentFields is every field of the tenant as the log has it now: a value is checked
// against a field that was defined a moment ago.
func (a *App) currentFields(ctx context.Context) (field.State, error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.FieldStream(a.tenant), field.Decider())
	if err != nil {
		return nil, fmt.Errorf("read the fields of people: %w", err)
	}
	return loaded.State, nil
}

// SteerField implements [httpapi.Fields].
func (a *App) SteerField(ctx context.Context, intent httpapi.Intent, command field.Command) (httpapi.Receipt, error) {
	return acknowledge(domain.Handle(ctx, a.handler, field.Decider(), domain.Request{
		Stream: eventschema.FieldStream(a.tenant), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, command))
}

// errFieldsOfWork refuses a worker what belongs to the record of their work.
var errFieldsOfWork = &httpapi.Refusal{Code: "held_for_work", Message: "a field that is held for work is set by HR", Pointer: "/fields"}

// SetPersonFields implements [httpapi.Fields]. What is held for work goes to the work
// record, in an append and under a correlation id of its own, because one of both would
// link the two for ever. A request that was broken off between the two goes on with the
// second when it is sent again.
func (a *App) SetPersonFields(ctx context.Context, intent httpapi.Intent, s httpapi.FieldSetting) (httpapi.Receipt, error) {
	if err := a.refuseErased(ctx, s.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	defined, err := a.currentFields(ctx)
	if err == nil {
		err = defined.Check(s.Values)
	}
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	ofWork := defined.Only(s.Values, eventschema.PurposeWork)
	if len(ofWork) > 0 && intent.Principal.Role == httpapi.RoleWorker {
		return httpapi.Receipt{}, errFieldsOfWork
	}
	outcome, err := a.setPersonFields(ctx, a.handler, s, defined, domain.Request{
		Key: intent.Key, Actor: actorIn(intent.Principal, s.PersonID), CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	})
	stale := errors.Is(err, domain.ErrStale)
	if err != nil && !stale || len(ofWork) == 0 {
		return acknowledge(outcome, err)
	}
	record, err := a.workOfPerson(ctx, s.PersonID)
	switch {
	case err != nil:
		return httpapi.Receipt{}, err
	case record == uuid.Nil:
		return httpapi.Receipt{}, errors.Join(httpapi.ErrNotFound, work.ErrNotOpened)
	}
	// Values for work alone leave the person's stream where others may move it: whether
	// this was handled before, the work record knows.
	request := domain.Request{Stream: eventschema.WorkStream(a.tenant, record), Key: intent.Key, Actor: intent.Principal.Actor()}
	if stale {
		if before, err := a.handledBefore(ctx, request); err != nil || !before {
			return httpapi.Receipt{}, outward(errors.Join(domain.ErrStale, err))
		}
	}
	of, err := a.setWorkFields(ctx, a.handler, record, s, defined, request)
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	answer := receipt(outcome)
	answer.Position, answer.Repeated = max(answer.Position, of.Position), answer.Repeated && receipt(of).Repeated
	return answer, nil
}

// handledBefore says whether the first event of a request is in its stream.
func (a *App) handledBefore(ctx context.Context, request domain.Request) (bool, error) {
	first := domain.EventID(a.tenant, request.Stream, request.Key, 0)
	for recorded, err := range a.store.ReadStream(ctx, request.Stream.String(), 0) {
		if err != nil || recorded.ID == first {
			return err == nil, err
		}
	}
	return false, nil
}

// setPersonFields sets what is not held for work. The key for contacts is made anew
// after the earlier values were erased, that for third parties with the first.
func (a *App) setPersonFields(ctx context.Context, h *domain.Handler, s httpapi.FieldSetting, defined field.State, request domain.Request) (domain.Outcome, error) {
	request.Stream = eventschema.PersonStream(a.tenant, s.PersonID)
	keys := a.keysOfFields(s.PersonID, defined, s.Values)
	request.Before = func(ctx context.Context) error { return a.keys.Create(ctx, keys...) }
	return setFields(ctx, a, h, person.Decider(), request, field.Setting{Defined: defined, Wanted: s.Values}, func(f field.Setting) person.Command {
		return person.SetFields{PersonID: s.PersonID, Fields: f, Reason: s.Reason, SetAt: s.At}
	})
}

// keysOfFields are the keys that values may need which are not made at registration, or
// whose values can be erased alone.
func (a *App) keysOfFields(id uuid.UUID, defined field.State, wanted field.Values) (refs []keyring.Ref) {
	for _, purpose := range []eventschema.Purpose{eventschema.PurposeContact, eventschema.PurposeThirdParty} {
		if len(defined.Only(wanted, purpose)) > 0 {
			refs = append(refs, keyring.Ref{Tenant: a.tenant, Subject: id, Purpose: purpose})
		}
	}
	return refs
}

// setWorkFields sets what is held for work.
func (a *App) setWorkFields(
	ctx context.Context, h *domain.Handler, record uuid.UUID, s httpapi.FieldSetting, defined field.State, request domain.Request,
) (domain.Outcome, error) {
	return setFields(ctx, a, h, work.Decider(), request, field.Setting{Defined: defined, Wanted: s.Values}, func(f field.Setting) work.Command {
		return work.SetFields{WorkID: record, Fields: f, Reason: s.Reason, SetAt: s.At}
	})
}

// fieldTries is how often values are compared again when somebody else was faster.
const fieldTries = 8

// setFields compares what is wanted with what stands, and appends what differs. What was
// read is compared at the revision at which it was read.
func setFields[S, C any](
	ctx context.Context, a *App, h *domain.Handler, d domain.Decider[S, C], request domain.Request, setting field.Setting, command func(field.Setting) C,
) (domain.Outcome, error) {
	sent := request.IfRevision
	for range fieldTries {
		now, revision, err := a.valuesIn(ctx, request.Stream, setting.Defined)
		if err != nil {
			return domain.Outcome{}, err
		}
		setting.Now, request.IfRevision = now, sent
		if sent == nil {
			request.IfRevision = revision
		}
		outcome, err := domain.Handle(ctx, h, d, request, command(setting))
		if sent == nil && errors.Is(err, domain.ErrStale) {
			continue
		}
		return outcome, err
	}
	return domain.Outcome{}, fmt.Errorf("append to %s: %w", request.Stream, domain.ErrBusy)
}

// valuesIn opens the values of fields in a stream as they stand. Nobody is shown them:
// they are opened as a link is ([useOfLink]), because what is stored for a person can be
// put right while it is restricted. Of a stream that does not exist there is no revision.
func (a *App) valuesIn(ctx context.Context, stream eventschema.StreamName, defined field.State) (values field.Values, revision *uint64, err error) {
	values = field.Values{}
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, nil, fmt.Errorf("read %s: %w", stream, err)
		}
		revision = &recorded.Revision
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return nil, nil, err
		}
		if !eventschema.JoinsFields(decoded.Event.EventType()) {
			continue
		}
		if err := a.registry.Open(ctx, a.keys, &decoded, useOfLink); err != nil {
			return nil, nil, err
		}
		for _, section := range decoded.Event.Sections() {
			for _, joined := range section.Fields {
				if err := values.Fold(*joined.Value, defined.Of(section.Purpose)); err != nil {
					return nil, nil, fmt.Errorf("position %d: %w", recorded.Position, err)
				}
			}
		}
	}
	return values, revision, nil
}

var _ httpapi.Fields = (*App)(nil)
