package app

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Restrict implements [httpapi.Restrictions]. The key store restricts before the
// event says so: nothing is opened for ordinary work once this has answered. A
// person may have several restrictions; each is lifted alone.
func (a *App) Restrict(ctx context.Context, intent httpapi.Intent, o httpapi.RestrictionOrder) (httpapi.RestrictionReceipt, error) {
	id := uuid.NewSHA1(a.tenant, []byte("restriction\x00"+intent.Key))
	if err := a.refuseErased(ctx, o.Person); err != nil {
		return httpapi.RestrictionReceipt{}, err
	}
	work, err := a.workOfPerson(ctx, o.Person)
	if err != nil {
		return httpapi.RestrictionReceipt{}, err
	}
	outcome, err := domain.Handle(ctx, a.handler, restriction.Decider(), domain.Request{
		Stream: eventschema.RestrictionStream(a.tenant, id), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
		Before: func(ctx context.Context) error { return a.restrictKeys(ctx, id, o.Ground, o.Person, work) },
	}, restriction.Command(restriction.Restrict{
		CaseID: id, PersonID: o.Person, WorkID: work, Ground: o.Ground, RequestedAt: o.ReceivedAt, RestrictedBy: intent.Principal.ID, RestrictedAt: o.At,
	}))
	return httpapi.RestrictionReceipt{Receipt: receipt(outcome), CaseID: id}, outward(err)
}

// restrictKeys restricts subjects under a case. What is erased, or never was, is
// left out.
func (a *App) restrictKeys(ctx context.Context, id uuid.UUID, ground eventschema.RestrictionGround, subjects ...uuid.UUID) error {
	defer a.directory.forget()
	kind := keyring.KindRestriction
	if ground == eventschema.RestrictionObjection {
		kind = keyring.KindObjection
	}
	for _, subject := range subjects {
		if subject == uuid.Nil {
			continue
		}
		err := a.keys.Restrict(ctx, keyring.Restriction{Tenant: a.tenant, Case: id, Subject: subject, Kind: kind})
		if err != nil && !errors.Is(err, keyring.ErrSubjectErased) && !errors.Is(err, keyring.ErrNoKey) {
			return err
		}
	}
	return nil
}

// AdvanceRestriction implements [httpapi.Restrictions].
func (a *App) AdvanceRestriction(ctx context.Context, intent httpapi.Intent, id uuid.UUID, step restriction.Command) (httpapi.Receipt, error) {
	outcome, err := domain.Handle(ctx, a.handler, restriction.Decider(), domain.Request{
		Stream: eventschema.RestrictionStream(a.tenant, id), Key: intent.Key, Actor: intent.Principal.Actor(),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, step)
	if err == nil {
		err = a.settleRestriction(ctx, id)
	}
	return acknowledge(outcome, err)
}

// settleRestriction restricts keys, or opens them again, as a case on record has
// it. One does so at a time: what is behind would restrict again what was lifted.
func (a *App) settleRestriction(ctx context.Context, id uuid.UUID) error {
	a.restricting.Lock()
	defer a.restricting.Unlock()
	stream := eventschema.RestrictionStream(a.tenant, id)
	loaded, err := domain.Load(ctx, a.handler, stream, restriction.Decider())
	if err != nil || loaded.State.RestrictedAt.IsZero() {
		return err
	}
	if !loaded.State.InForce() {
		_, err := a.keys.LiftRestriction(ctx, a.tenant, id)
		a.directory.forget()
		return err
	}
	work, err := a.workIn(ctx, stream)
	if err != nil {
		return err
	}
	return a.restrictKeys(ctx, id, loaded.State.Ground, loaded.State.PersonID, work)
}

// eachRestriction visits the restrictions.
func (a *App) eachRestriction(ctx context.Context, visit func(uuid.UUID) error) error {
	const page = 500
	for before := uint64(0); ; {
		all, err := projections.Restrictions(ctx, a.models.Querier(), a.tenant, before, page)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := visit(r.CaseID); err != nil {
				return err
			}
			before = r.Position
		}
		if len(all) < page {
			return nil
		}
	}
}

// ListRestrictions implements [httpapi.Restrictions].
func (a *App) ListRestrictions(ctx context.Context, _ httpapi.Principal, before uint64, limit int) ([]httpapi.RestrictionView, error) {
	all, err := projections.Restrictions(ctx, a.models.Querier(), a.tenant, before, limit)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.RestrictionView, len(all))
	for i, r := range all {
		views[i] = httpapi.RestrictionView{Position: r.Position, State: restriction.State{
			CaseID: r.CaseID, PersonID: r.PersonID, Ground: r.Ground, RequestedAt: at(r.RequestedAt), RestrictedAt: at(r.RestrictedAt),
			RestrictedBy: r.RestrictedBy, Outcome: r.Outcome, DecidedAt: at(r.DecidedAt), LiftedAt: at(r.LiftedAt),
		}}
	}
	return views, nil
}
