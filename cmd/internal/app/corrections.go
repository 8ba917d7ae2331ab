package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// AskCorrection records that somebody wants a punch to count otherwise, and answers
// the id of the request. It answers [httpapi.ErrNotFound] for a punch that is not
// recorded, and for one of another work record than ask names, where it names one.
func (a *App) AskCorrection(ctx context.Context, intent httpapi.Intent, ask timecard.AskCorrection) (httpapi.Receipt, uuid.UUID, error) {
	punch, err := projections.PunchByID(ctx, a.models.Querier(), a.tenant, ask.PunchID)
	if errors.Is(err, projections.ErrNotFound) || err == nil && ask.WorkID != uuid.Nil && ask.WorkID != punch.WorkID {
		return httpapi.Receipt{}, uuid.Nil, httpapi.ErrNotFound
	}
	if err != nil {
		return httpapi.Receipt{}, uuid.Nil, outward(err)
	}
	ask.CorrectionID, ask.WorkID = uuid.NewSHA1(a.tenant, []byte("correction\x00"+intent.Key)), punch.WorkID
	ask.RequestedBy = actorIn(intent.Principal, punch.WorkID).ID
	asked, err := a.decideCorrection(ctx, intent, ask.CorrectionID, ask, nil)
	return asked, ask.CorrectionID, err
}

// ApproveCorrection makes the correction that was asked for, and then records the
// approval. Interrupted in between, it is finished by approving again: a punch is
// corrected once under the id of the request.
func (a *App) ApproveCorrection(ctx context.Context, intent httpapi.Intent, id uuid.UUID, c timecard.ApproveCorrection) (httpapi.Receipt, error) {
	return a.decideCorrection(ctx, intent, id, c, func(ctx context.Context) error {
		loaded, err := domain.Load(ctx, a.handler, eventschema.CorrectionStream(a.tenant, id), timecard.RequestDecider())
		if err != nil {
			return err
		}
		asked := loaded.State.Asked
		punch, err := projections.PunchByID(ctx, a.models.Querier(), a.tenant, asked.PunchID)
		if err != nil {
			return fmt.Errorf("find the punch of a correction: %w", err)
		}
		asker := intent
		asker.Key = "approved " + id.String()
		asker.Principal.ID, asker.IfRevision = asked.RequestedBy, nil
		if asked.RequestedBy == asked.WorkID { // a worker, who appears in a record under its id
			asker.Principal.Role = httpapi.RoleWorker
		}
		_, err = a.CorrectPunch(ctx, asker, httpapi.PunchCorrection{
			CorrectionID: id, PunchID: asked.PunchID, Work: asked.WorkID, RecordedAs: punch.Recorded.OccurredAt, Void: asked.Void, OccurredAt: asked.OccurredAt,
			OffsetSeconds: asked.OffsetSeconds, Direction: asked.Direction, Kind: asked.Kind, Job: asked.Job, Reason: asked.Reason, ApprovedBy: c.ApprovedBy, ReceivedAt: c.ApprovedAt,
		})
		return err
	})
}

// RefuseCorrection leaves the punch as it is. A worker takes back what they asked for
// themself, and is told of no other request.
func (a *App) RefuseCorrection(ctx context.Context, intent httpapi.Intent, id uuid.UUID, c timecard.RefuseCorrection) (httpapi.Receipt, error) {
	if intent.Principal.Role == httpapi.RoleWorker {
		loaded, err := domain.Load(ctx, a.handler, eventschema.CorrectionStream(a.tenant, id), timecard.RequestDecider())
		if err != nil {
			return httpapi.Receipt{}, outward(err)
		}
		if own := intent.Principal.Work; own == uuid.Nil || loaded.State.Asked.RequestedBy != own {
			return httpapi.Receipt{}, httpapi.ErrNotFound
		}
		c.RefusedBy = intent.Principal.Work
	}
	return a.decideCorrection(ctx, intent, id, c, nil)
}

func (a *App) decideCorrection(ctx context.Context, intent httpapi.Intent, id uuid.UUID, c timecard.RequestCommand, before func(context.Context) error) (httpapi.Receipt, error) {
	return acknowledge(domain.Handle(ctx, a.handler, timecard.RequestDecider(), domain.Request{
		Stream: eventschema.CorrectionStream(a.tenant, id), Key: intent.Key, Actor: actorIn(intent.Principal, intent.Principal.Work), CorrelationID: intent.CorrelationID, Before: before,
	}, c))
}

// CorrectionRequests lists requests, the one with the latest news first.
func (a *App) CorrectionRequests(ctx context.Context, asked projections.CorrectionsAsked) ([]projections.CorrectionRequest, error) {
	requests, err := projections.CorrectionRequests(ctx, a.models.Querier(), a.tenant, asked)
	return requests, outward(err)
}

// PlacesOfPunches says where punches were made, by punch id.
func (a *App) PlacesOfPunches(ctx context.Context, punches []uuid.UUID) (map[uuid.UUID]projections.PunchPlace, error) {
	places, err := projections.PlacesOfPunches(ctx, a.models.Querier(), a.tenant, punches)
	return places, outward(err)
}

// CorrectDeclared says what counts in place of hours that were declared without times
// of day, and answers the id of the correction. Two people are named, who differ. It
// answers [httpapi.ErrNotFound] for hours that are not declared.
func (a *App) CorrectDeclared(ctx context.Context, intent httpapi.Intent, c timecard.CorrectDeclared) (uuid.UUID, error) {
	declared, err := projections.DeclarationByID(ctx, a.models.Querier(), a.tenant, c.DeclarationID)
	if errors.Is(err, projections.ErrNotFound) {
		return uuid.Nil, httpapi.ErrNotFound
	}
	if err != nil {
		return uuid.Nil, err
	}
	if err := a.refuseExpired(ctx, declared.WorkID); err != nil {
		return uuid.Nil, err
	}
	date, err := timecard.StreamDate(declared.WorkDate)
	if err != nil {
		return uuid.Nil, err
	}
	c.CorrectionID, c.WorkID, c.CorrectedBy = uuid.NewSHA1(a.tenant, []byte("correction\x00"+intent.Key)), declared.WorkID, intent.Principal.ID
	_, err = acknowledge(domain.Handle(ctx, a.handler, timecard.Decider(), domain.Request{
		Stream: eventschema.PunchesStream(a.tenant, c.WorkID, date), Key: intent.Key, Actor: actorIn(intent.Principal, c.WorkID),
		CorrelationID: intent.CorrelationID, EventID: c.CorrectionID,
	}, timecard.Command(c)))
	return c.CorrectionID, err
}
