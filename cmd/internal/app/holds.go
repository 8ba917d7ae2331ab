package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/hold"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// holdActor is the actor of a hold that lapses.
const holdActor = "hold"

// PlaceHold implements [httpapi.Holds]. The key store holds before the event says
// so: what fails in between holds until somebody sends the request again, or its
// time to be confirmed is over.
func (a *App) PlaceHold(ctx context.Context, intent httpapi.Intent, o httpapi.HoldOrder) (httpapi.HoldReceipt, error) {
	id := uuid.NewSHA1(a.tenant, []byte("hold\x00"+intent.Key))
	subjects, work := []uuid.UUID{o.Record}, uuid.Nil
	if o.Person != uuid.Nil {
		// A hold is also in time while the person is being erased: it stops the case.
		if err := a.refuseErased(ctx, o.Person); err != nil && !errors.Is(err, errBeingErased) {
			return httpapi.HoldReceipt{}, err
		}
		var err error
		if work, err = a.workOfPerson(ctx, o.Person); err != nil {
			return httpapi.HoldReceipt{}, err
		}
		subjects = []uuid.UUID{o.Person, work}
	}
	place := func() (domain.Outcome, error) {
		return domain.Handle(ctx, a.handler, hold.Decider(), domain.Request{
			Stream: eventschema.HoldStream(a.tenant, id), Key: intent.Key, Actor: intent.Principal.Actor(), CorrelationID: intent.CorrelationID,
			Before: func(ctx context.Context) error {
				return a.enforce(ctx, id, o.Purposes, o.At.Add(hold.ConfirmWithin), subjects...)
			},
		}, hold.Command(hold.Place{
			HoldID: id, MatterID: o.Matter, PersonID: o.Person, RecordID: o.Record, WorkID: work, Purposes: o.Purposes, Reason: o.Reason,
			PlacedBy: intent.Principal.ID, PlacedAt: o.At, ReviewBy: o.ReviewBy,
		}))
	}
	outcome, err := place()
	if errors.Is(err, keyring.ErrSubjectClosing) { // held since, so the case is stopped and opens the person again
		a.untilOpen(ctx, o.Person)
		outcome, err = place()
	}
	if errors.Is(err, keyring.ErrNoKey) {
		err = errors.Join(httpapi.ErrNotFound, err)
	}
	return httpapi.HoldReceipt{Receipt: receipt(outcome), HoldID: id}, outward(err)
}

// untilOpen waits for a case that is being stopped to open its person again, for
// as long as a caller may be kept waiting.
func (a *App) untilOpen(ctx context.Context, person uuid.UUID) {
	const longest, pause = 12 * time.Second, 20 * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	if cases, err := projections.ErasuresOf(waiting, a.models.Querier(), a.tenant, person); err == nil {
		for _, c := range cases {
			a.cases.add(c.CaseID)
		}
	}
	for {
		status, err := a.keys.Status(waiting, a.tenant, person)
		if err != nil || status[person].Fence != keyring.FenceClosing {
			return
		}
		select {
		case <-waiting.Done():
			return
		case <-time.After(pause):
		}
	}
}

// enforce makes the key store refuse what the hold covers. The key store knows
// each hold as a matter of its own, so that each is lifted alone. The zero time
// is no end.
func (a *App) enforce(ctx context.Context, id uuid.UUID, purposes []eventschema.Purpose, until time.Time, subjects ...uuid.UUID) error {
	var holds []keyring.Hold
	for _, subject := range subjects {
		if subject != uuid.Nil {
			holds = append(holds, keyring.Hold{Tenant: a.tenant, Matter: id, Subject: subject, Purposes: purposes, Expires: until})
		}
	}
	return a.keys.PlaceHold(ctx, holds...)
}

// AdvanceHold implements [httpapi.Holds].
func (a *App) AdvanceHold(ctx context.Context, intent httpapi.Intent, id uuid.UUID, step hold.Command) (httpapi.Receipt, error) {
	request := domain.Request{
		Stream: eventschema.HoldStream(a.tenant, id), Key: intent.Key, Actor: intent.Principal.Actor(),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}
	if _, confirms := step.(hold.Confirm); confirms {
		request.Before = func(ctx context.Context) error { return a.enforceAgain(ctx, id, time.Time{}) }
	}
	outcome, err := domain.Handle(ctx, a.handler, hold.Decider(), request, step)
	if err == nil {
		err = a.settleHold(ctx, id)
	}
	return acknowledge(outcome, err)
}

// enforceAgain places a hold on record in the key store, with another end. What
// is erased meanwhile needs none.
func (a *App) enforceAgain(ctx context.Context, id uuid.UUID, until time.Time) error {
	loaded, err := a.loadHold(ctx, id)
	if err != nil {
		return err
	}
	subjects := []uuid.UUID{loaded.State.RecordID}
	if person := loaded.State.PersonID; person != uuid.Nil {
		work, err := a.workIn(ctx, eventschema.HoldStream(a.tenant, id))
		if err != nil {
			return err
		}
		subjects = []uuid.UUID{person, work}
		if work == uuid.Nil { // the person was erased since; the work record is found by the case
			if subjects, err = a.restrictedOf(ctx, person); err != nil {
				return err
			}
		}
	}
	for _, subject := range subjects {
		if subject == uuid.Nil {
			continue
		}
		if err := a.enforce(ctx, id, loaded.State.Purposes, until, subject); err != nil && !errors.Is(err, keyring.ErrSubjectErased) {
			return err
		}
	}
	return nil
}

// restrictedOf finds the work record of a person whose link to it was erased.
func (a *App) restrictedOf(ctx context.Context, person uuid.UUID) ([]uuid.UUID, error) {
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), a.tenant, person)
	if err != nil {
		return nil, err
	}
	var subjects []uuid.UUID
	for _, c := range cases {
		found, err := a.keys.RestrictedUnder(ctx, a.tenant, c.CaseID)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, found...)
	}
	return subjects, nil
}

func (a *App) loadHold(ctx context.Context, id uuid.UUID) (*domain.Loaded[hold.State], error) {
	return domain.Load(ctx, a.handler, eventschema.HoldStream(a.tenant, id), hold.Decider())
}

// settleHold lets go in the key store of a hold that has ended.
func (a *App) settleHold(ctx context.Context, id uuid.UUID) error {
	loaded, err := a.loadHold(ctx, id)
	if err != nil || loaded.State.EndedAt.IsZero() {
		return err
	}
	_, err = a.keys.LiftHold(ctx, a.tenant, id)
	return err
}

// sweepHolds ends what nobody confirmed in time and lets go of what has ended,
// which a crash may have left held. At the start it looks at every hold.
func (a *App) sweepHolds(ctx context.Context, starting bool) error {
	return a.eachHold(ctx, !starting, func(h projections.Hold) error {
		if h.EndedAt != nil {
			return a.settleHold(ctx, h.HoldID)
		}
		if h.ConfirmedAt != nil || h.ConfirmBy == nil || a.clock().Before(*h.ConfirmBy) {
			return nil
		}
		_, err := domain.Handle(ctx, a.handler, hold.Decider(), domain.Request{
			Stream: eventschema.HoldStream(a.tenant, h.HoldID), Key: "lapse", Actor: eventschema.Actor{ID: a.operator, Role: holdActor},
		}, hold.Command(hold.Lapse{At: a.clock()}))
		if err != nil {
			return err
		}
		return a.settleHold(ctx, h.HoldID)
	})
}

// eachHold visits the holds, all or those that have not ended.
func (a *App) eachHold(ctx context.Context, open bool, visit func(projections.Hold) error) error {
	const page = 500
	for before := uint64(0); ; {
		holds, err := projections.Holds(ctx, a.models.Querier(), a.tenant, open, before, page)
		if err != nil {
			return err
		}
		for _, h := range holds {
			if err := visit(h); err != nil {
				return fmt.Errorf("hold %s: %w", h.HoldID, err)
			}
			before = h.Position
		}
		if len(holds) < page {
			return nil
		}
	}
}

// Hold implements [httpapi.Holds].
func (a *App) Hold(ctx context.Context, _ httpapi.Principal, id uuid.UUID) (httpapi.HoldView, error) {
	loaded, err := a.loadHold(ctx, id)
	if err != nil {
		return httpapi.HoldView{}, outward(err)
	}
	if !loaded.State.Placed {
		return httpapi.HoldView{}, httpapi.ErrNotFound
	}
	return a.holdView(loaded.State, uint64(loaded.Next)), nil //nolint:gosec // the stream has an event
}

func (a *App) holdView(s hold.State, revision uint64) httpapi.HoldView {
	now := a.clock()
	return httpapi.HoldView{State: s, Revision: revision, InForce: s.InForce(now), Overdue: s.Overdue(now)}
}

// ListHolds implements [httpapi.Holds].
func (a *App) ListHolds(ctx context.Context, _ httpapi.Principal, open bool, before uint64, limit int) ([]httpapi.HoldView, error) {
	holds, err := projections.Holds(ctx, a.models.Querier(), a.tenant, open, before, limit)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.HoldView, len(holds))
	for i, h := range holds {
		views[i] = a.holdView(hold.State{
			Placed: true, HoldID: h.HoldID, MatterID: h.MatterID, PersonID: h.PersonID, RecordID: h.RecordID, Purposes: h.Purposes, Reason: h.Reason,
			PlacedAt: at(h.PlacedAt), PlacedBy: h.PlacedBy, ConfirmBy: at(h.ConfirmBy), ConfirmedAt: at(h.ConfirmedAt), ConfirmedBy: h.ConfirmedBy,
			ReviewBy: at(h.ReviewBy), ReviewedAt: at(h.ReviewedAt), LiftAskedAt: at(h.LiftAskedAt), LiftAskedBy: h.LiftAskedBy,
			EndedAt: at(h.EndedAt), Lapsed: h.Lapsed,
		}, h.Position)
	}
	return views, nil
}

// at is an instant, or the zero time where there is none.
func at(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
