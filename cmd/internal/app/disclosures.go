package app

import (
	"context"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/disclosure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// RecordDisclosure implements [httpapi.Disclosures].
func (a *App) RecordDisclosure(ctx context.Context, intent httpapi.Intent, r disclosure.Record) (httpapi.Receipt, error) {
	if err := a.refuseErased(ctx, r.PersonID); err != nil {
		return httpapi.Receipt{}, err
	}
	if _, err := a.workOfPerson(ctx, r.PersonID); err != nil { // somebody registered
		return httpapi.Receipt{}, err
	}
	return acknowledge(domain.Handle(ctx, a.handler, disclosure.Decider(), domain.Request{
		Stream: eventschema.DisclosureStream(a.tenant, r.DisclosureID), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, r))
}

// DisclosuresOf implements [httpapi.Disclosures].
func (a *App) DisclosuresOf(ctx context.Context, _ httpapi.Principal, person uuid.UUID) ([]httpapi.DisclosureView, error) {
	all, err := projections.DisclosuresOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.DisclosureView, len(all))
	for i, d := range all {
		views[i] = httpapi.DisclosureView{Position: d.Position, Record: disclosure.Record{
			DisclosureID: d.DisclosureID, PersonID: d.PersonID, Recipient: d.Recipient, Ground: d.Ground, Interest: d.Interest, Purposes: d.Purposes,
			Instrument: d.Instrument, Reference: d.Reference, DisclosedAt: d.DisclosedAt, DisclosedBy: d.DisclosedBy, ApprovedBy: d.ApprovedBy,
		}}
	}
	return views, nil
}
