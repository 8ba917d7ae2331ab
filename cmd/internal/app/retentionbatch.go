package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/domain/retention"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// errTooManyBatches refuses an officer who approves faster than one may.
var errTooManyBatches = &httpapi.Refusal{Code: "too_many_today", Message: "this officer has approved as many batches as one may within 24 hours"}

// proposals lists the open cases of ended retention, the earliest due first.
func (a *App) proposals(ctx context.Context) ([]projections.Erasure, error) {
	register, err := a.Today().register(ctx)
	if err != nil {
		return nil, err
	}
	due := slices.DeleteFunc(register, func(c projections.Erasure) bool {
		return c.Origin != eventschema.OriginRetention || c.DestroyedAt != nil || !c.State.Open()
	})
	slices.SortStableFunc(due, func(x, y projections.Erasure) int {
		if x.DueOn != y.DueOn {
			if x.DueOn < y.DueOn {
				return -1
			}
			return 1
		}
		return slices.Compare(x.CaseID[:], y.CaseID[:])
	})
	return due, nil
}

// RetentionDue implements [httpapi.Retentions].
func (a *App) RetentionDue(ctx context.Context, _ httpapi.Principal) ([]httpapi.RetentionItem, error) {
	due, err := a.proposals(ctx)
	if err != nil {
		return nil, outward(err)
	}
	in, err := a.waitingBatches(ctx)
	if err != nil {
		return nil, outward(err)
	}
	items := make([]httpapi.RetentionItem, 0, len(due))
	for _, c := range due {
		item := httpapi.RetentionItem{
			CaseID: c.CaseID, Class: string(retention.ClassOf(c.Purposes)), PersonID: c.PersonID, WorkID: c.RecordID, Periods: c.Periods,
			DueOn: c.DueOn, Status: string(c.State), BatchID: c.BatchID,
		}
		if c.Anchor != nil {
			item.Anchor = *c.Anchor
		}
		if item.BatchID == uuid.Nil {
			item.BatchID = in[c.CaseID]
		}
		if day, err := time.Parse(time.DateOnly, c.DueOn); err == nil {
			item.Days = int(a.clock().UTC().Sub(day) / (24 * time.Hour))
		}
		if item.WorkID == uuid.Nil {
			if item.WorkID, err = a.workOfPerson(ctx, c.PersonID); err != nil && !errors.Is(err, errLink) && !errors.Is(err, httpapi.ErrNotFound) {
				return nil, err
			}
		}
		if item.Matters, err = a.mattersOn(ctx, c.CaseID); err != nil {
			return nil, outward(err)
		}
		items = append(items, item)
	}
	return items, nil
}

// mattersOn lists the matters of the legal holds that keep what a case would
// destroy now, whether the case has noticed or not.
func (a *App) mattersOn(ctx context.Context, id uuid.UUID) ([]uuid.UUID, error) {
	loaded, err := a.loadCase(ctx, id)
	if err != nil {
		return nil, err
	}
	order, err := a.orderOf(ctx, loaded.State)
	if err != nil {
		return nil, err
	}
	holds, _, err := a.holdsOn(ctx, order)
	if err != nil {
		return nil, err
	}
	var matters []uuid.UUID
	for _, id := range holds {
		held, err := domain.Load(ctx, a.handler, eventschema.HoldStream(a.tenant, id), hold.Decider())
		if err != nil {
			return nil, err
		}
		if matter := held.State.MatterID; !slices.Contains(matters, matter) {
			matters = append(matters, matter)
		}
	}
	return matters, nil
}

// batches lists every batch, the one with the latest news first.
func (a *App) batches(ctx context.Context) ([]projections.RetentionBatch, error) {
	const page = 200
	var all []projections.RetentionBatch
	for before := uint64(0); ; {
		some, err := projections.RetentionBatches(ctx, a.models.Querier(), a.tenant, before, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page {
			return all, nil
		}
		before = some[len(some)-1].Position
	}
}

// waitingBatches says in which batch a case waits for a second officer.
func (a *App) waitingBatches(ctx context.Context) (map[uuid.UUID]uuid.UUID, error) {
	all, err := a.batches(ctx)
	if err != nil {
		return nil, err
	}
	in := map[uuid.UUID]uuid.UUID{}
	for _, b := range all {
		if b.ApprovedAt != nil || retention.Lapsed(b.SubmittedAt, a.clock()) {
			continue
		}
		for _, id := range b.Cases {
			in[id] = b.BatchID
		}
	}
	return in, nil
}

// SubmitRetention implements [httpapi.Retentions].
func (a *App) SubmitRetention(ctx context.Context, intent httpapi.Intent, cases []uuid.UUID) (httpapi.RetentionBatchReceipt, error) {
	id := uuid.NewSHA1(a.tenant, []byte("retention batch\x00"+intent.Key))
	due, err := a.RetentionDue(ctx, intent.Principal)
	if err != nil {
		return httpapi.RetentionBatchReceipt{}, err
	}
	receiptOf := httpapi.RetentionBatchReceipt{BatchID: id}
	submit := retention.Submit{BatchID: id, SubmittedBy: intent.Principal.ID, SubmittedAt: a.clock().UTC(), Cases: cases}
	for _, item := range due {
		if len(cases) > 0 && !slices.Contains(cases, item.CaseID) {
			continue
		}
		switch {
		case len(item.Matters) > 0:
			receiptOf.Held++
			submit.Cases = slices.DeleteFunc(slices.Clone(submit.Cases), func(c uuid.UUID) bool { return c == item.CaseID })
		case len(cases) > 0, item.BatchID != uuid.Nil, len(submit.Cases) == retention.MostInBatch:
		default:
			submit.Cases = append(submit.Cases, item.CaseID)
		}
	}
	for _, named := range cases {
		if !slices.ContainsFunc(due, func(item httpapi.RetentionItem) bool { return item.CaseID == named }) {
			return receiptOf, fmt.Errorf("case %s is not due: %w", named, httpapi.ErrNotFound)
		}
	}
	outcome, err := domain.Handle(ctx, a.handler, retention.Decider(), domain.Request{
		Stream: eventschema.RetentionStream(a.tenant, id), Key: "submit", Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
	}, retention.Command(submit))
	if err != nil {
		return receiptOf, outward(err)
	}
	receiptOf.Receipt, receiptOf.Cases = receipt(outcome), len(submit.Cases)
	return receiptOf, nil
}

// ApproveRetention implements [httpapi.Retentions]. Cases that a hold keeps as of
// now are left out, and so are those that are no longer waiting. The others go on
// in the process that owns the data folder.
func (a *App) ApproveRetention(ctx context.Context, intent httpapi.Intent, batch uuid.UUID) (httpapi.Receipt, error) {
	stream := eventschema.RetentionStream(a.tenant, batch)
	loaded, err := domain.Load(ctx, a.handler, stream, retention.Decider())
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	if loaded.State.ApprovedAt.IsZero() {
		if err := a.holdToBatchRate(ctx, intent.Principal.ID); err != nil {
			return httpapi.Receipt{}, outward(err)
		}
	}
	approve := retention.Approve{ApprovedBy: intent.Principal.ID, ApprovedAt: a.clock().UTC(), LeftOut: []eventschema.LeftOut{}}
	for _, id := range loaded.State.Cases {
		c, err := a.awaitProposed(ctx, id)
		if err != nil {
			return httpapi.Receipt{}, outward(err)
		}
		matters, err := a.mattersOn(ctx, id)
		if err != nil {
			return httpapi.Receipt{}, outward(err)
		}
		if len(matters) > 0 || c.State.Phase != erasure.PhaseCoolingOff || c.State.RequestedBy == intent.Principal.ID {
			approve.LeftOut = append(approve.LeftOut, eventschema.LeftOut{CaseID: id, Matters: matters})
		}
	}
	return acknowledge(domain.Handle(ctx, a.handler, retention.Decider(), domain.Request{
		Stream: stream, Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, retention.Command(approve)))
}

// awaitProposed waits until the machine has assessed a case and checked its holds,
// which follows the proposal within moments.
func (a *App) awaitProposed(ctx context.Context, id uuid.UUID) (*domain.Loaded[erasure.State], error) {
	const longest, pause = 12 * time.Second, 20 * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for {
		loaded, err := a.loadCase(ctx, id)
		if err != nil || !loaded.State.Phase.Before(erasure.PhaseHeld) {
			return loaded, err
		}
		select {
		case <-waiting.Done():
			return loaded, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// holdToBatchRate keeps an officer to the rate: batches are counted, not the cases
// in them, because it is batches that somebody looks through.
func (a *App) holdToBatchRate(ctx context.Context, officer uuid.UUID) error {
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	if err := a.Await(ctx, last); err != nil {
		return err
	}
	approved, err := projections.BatchesBy(ctx, a.models.Querier(), a.tenant, officer, a.clock().Add(-24*time.Hour))
	if err == nil && approved >= a.casePolicy.BatchesPerDay {
		err = errTooManyBatches
	}
	return err
}

// RetentionBatch implements [httpapi.Retentions].
func (a *App) RetentionBatch(ctx context.Context, _ httpapi.Principal, batch uuid.UUID) (httpapi.RetentionBatchView, error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.RetentionStream(a.tenant, batch), retention.Decider())
	if err != nil {
		return httpapi.RetentionBatchView{}, outward(err)
	}
	b := loaded.State
	if b.SubmittedAt.IsZero() {
		return httpapi.RetentionBatchView{}, httpapi.ErrNotFound
	}
	return httpapi.RetentionBatchView{
		BatchID: b.BatchID, Revision: uint64(loaded.Next), SubmittedAt: b.SubmittedAt, SubmittedBy: b.SubmittedBy, Cases: b.Cases, //nolint:gosec // the stream has an event
		ApprovedAt: b.ApprovedAt, ApprovedBy: b.ApprovedBy, Released: b.Released, LeftOut: b.LeftOut,
	}, nil
}

// releaseBatches approves the cases of batches that two officers released, until
// ctx ends. A case that was stopped meanwhile waits for another batch; one that was
// assessed by a clock that ran ahead of ours is tried again.
func (a *App) releaseBatches(ctx context.Context) error {
	for {
		id, ok := a.released.take(ctx)
		if !ok {
			return nil
		}
		err := a.releaseBatch(ctx, id)
		if pause := a.released.give(id, err != nil && ctx.Err() == nil); pause > 0 {
			a.log.Warn("a batch of ended retention cannot go on yet", zap.Stringer("batch", id), zap.Duration("again_in", pause), zap.Error(err))
		}
	}
}

func (a *App) releaseBatch(ctx context.Context, id uuid.UUID) error {
	loaded, err := domain.Load(ctx, a.handler, eventschema.RetentionStream(a.tenant, id), retention.Decider())
	if err != nil {
		return err
	}
	b := loaded.State
	at := a.clock().UTC()
	if at.Before(b.ApprovedAt) {
		at = b.ApprovedAt
	}
	for _, c := range b.Released {
		_, err := domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
			Stream: eventschema.ErasureStream(a.tenant, c), Key: "batch " + id.String(), Actor: eventschema.Actor{ID: b.ApprovedBy, Role: retentionActor},
		}, erasure.Command(erasure.Approve{ApprovedBy: b.ApprovedBy, ApprovedAt: at, BatchID: id}))
		switch {
		case err == nil:
			a.fault("case released")
		case stopsRelease(err):
			a.log.Info("a case was stopped after its batch was approved", zap.Stringer("case", c), zap.Error(err))
		default:
			return err
		}
	}
	return nil
}

// stopsRelease says whether an error is a refusal of the case itself.
func stopsRelease(err error) bool {
	for _, refusal := range []error{
		erasure.ErrHeld, erasure.ErrEnded, erasure.ErrHoldUnchecked, erasure.ErrNotAssessed, erasure.ErrSamePerson, erasure.ErrNotRequested,
	} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// resumeBatches queues the batches that were approved and have cases which are
// not: of before a crash, above all.
func (a *App) resumeBatches(ctx context.Context) error {
	due, err := a.proposals(ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	all, err := a.batches(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		for _, c := range due {
			if b.ApprovedAt != nil && c.ApprovedAt == nil && slices.Contains(b.Released, c.CaseID) {
				a.released.add(b.BatchID)
				break
			}
		}
	}
	return nil
}
