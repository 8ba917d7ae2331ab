package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// takeStep records the intent of a step, has its effect, and records the result.
// A test may end the process at each of the three points between.
func (a *App) takeStep(ctx context.Context, loaded *domain.Loaded[erasure.State], step eventschema.ErasureStep) error {
	if loaded.State.Begun != step {
		_, err := a.record(ctx, loaded, erasure.Begin{Step: step, StartedAt: a.clock()})
		if err == nil {
			a.fault(string(step) + " intended")
		}
		return err
	}
	if step == eventschema.StepDestroy { // one at a time until its event is stored, because the rate counts events
		a.destroying.Lock()
		defer a.destroying.Unlock()
	}
	result, err := a.effect(ctx, loaded.State, step)
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	a.fault(string(step) + " done")
	if _, err := a.record(ctx, loaded, result); err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	a.fault(string(step) + " recorded")
	return nil
}

// effect has the effect of a step and answers its result. It may be repeated.
func (a *App) effect(ctx context.Context, s erasure.State, step eventschema.ErasureStep) (erasure.Command, error) {
	switch step {
	case eventschema.StepCloseFence:
		if err := a.holdToRate(ctx, s); err != nil { // now, rather than with the fence closed
			return nil, err
		}
		return erasure.CloseFence{ClosedAt: a.clock()}, a.setFence(ctx, s, keyring.FenceClosing)
	case eventschema.StepReopenFence:
		return erasure.ReopenFence{ReopenedAt: a.clock()}, a.setFence(ctx, s, keyring.FenceOpen)
	case eventschema.StepDrain:
		holders, err := a.quiesce(ctx, s, a.clock())
		return erasure.Drained{DrainedAt: a.clock(), Holders: holders}, err
	case eventschema.StepReview:
		// No event of this release holds free text about anybody else.
		return erasure.Reviewed{ReviewedAt: a.clock()}, nil
	case eventschema.StepDestroy:
		return a.destroyKeys(ctx, s)
	case eventschema.StepQuiesce:
		holders, err := a.quiesce(ctx, s, s.DestroyedAt.Add(cacheBound))
		return erasure.Quiesced{QuiescedAt: a.clock(), Holders: holders}, err
	case eventschema.StepScrub:
		return a.scrub(ctx, s)
	case eventschema.StepPursue:
		files, err := a.deleteMedia(ctx, s)
		if err != nil {
			return nil, err
		}
		recipients, err := a.disclosedTo(ctx, s)
		return erasure.Pursued{PursuedAt: a.clock(), Files: files, Recipients: recipients}, err
	case eventschema.StepVerify:
		verified, err := a.verifyErasure(ctx, s)
		return verified, err
	case eventschema.StepExpire:
		return a.expireRecords(ctx, s)
	case eventschema.StepCertify:
		return a.certify(ctx, s, eventschema.CertificateEffective)
	case eventschema.StepFinalise:
		return a.certify(ctx, s, eventschema.CertificateFinal)
	}
	return nil, domain.ErrUnknownCommand
}

// subjectsOf are the key subjects of a case: the person and the work record, each
// nil where there is none or where it cannot be known any more.
func (a *App) subjectsOf(ctx context.Context, s erasure.State) (person, work uuid.UUID, err error) {
	if s.RecordID != uuid.Nil {
		return uuid.Nil, s.RecordID, nil
	}
	work, err = a.workOfCase(ctx, s)
	if err != nil || work != uuid.Nil {
		return s.PersonID, work, err
	}
	restricted, err := a.keys.RestrictedUnder(ctx, a.tenant, s.CaseID)
	if err == nil && len(restricted) > 0 {
		work = restricted[0]
	}
	return s.PersonID, work, err
}

// orderOf says what the case destroys. Of a whole person everything goes, and the
// locations of their work record; the rest of that record is kept from ordinary
// use.
func (a *App) orderOf(ctx context.Context, s erasure.State) (keyring.Order, error) {
	person, work, err := a.subjectsOf(ctx, s)
	if err != nil {
		return keyring.Order{}, err
	}
	order := keyring.Order{Tenant: a.tenant, Case: s.CaseID}
	purposes := map[eventschema.KeyHolder][]eventschema.Purpose{}
	for _, target := range s.Destroys() {
		purposes[target.Holder] = append(purposes[target.Holder], target.Purpose)
	}
	if s.Scope == eventschema.ScopePerson {
		purposes[eventschema.HolderPerson] = nil // all, also those of a later release
		order.Erase = []uuid.UUID{person}
	}
	if s.WholeRecord() { // nothing is ever sealed for it again
		purposes[eventschema.HolderRecord] = nil
		order.Erase = []uuid.UUID{work}
	}
	if _, targeted := purposes[eventschema.HolderPerson]; targeted {
		order.Destroy = append(order.Destroy, keyring.Target{Subject: person, Purposes: purposes[eventschema.HolderPerson], Items: s.Items})
	}
	if of, targeted := purposes[eventschema.HolderRecord]; targeted && work != uuid.Nil {
		order.Destroy = append(order.Destroy, keyring.Target{Subject: work, Purposes: of, Periods: s.Periods})
	}
	if s.Scope == eventschema.ScopePerson && work != uuid.Nil {
		order.Restrict = []uuid.UUID{work}
	}
	return order, nil
}

// setFence closes the subjects of a case, or opens them again. What another case
// has erased or closed meanwhile stays as it is.
func (a *App) setFence(ctx context.Context, s erasure.State, to keyring.Fence) error {
	person, work, err := a.subjectsOf(ctx, s)
	if err != nil {
		return err
	}
	for _, subject := range []uuid.UUID{person, work} {
		if subject == uuid.Nil {
			continue
		}
		err := a.keys.SetFence(ctx, a.tenant, s.CaseID, to, subject)
		if err != nil && !errors.Is(err, keyring.ErrSubjectErased) && !errors.Is(err, keyring.ErrOtherCase) {
			return err
		}
	}
	return nil
}

// quiesce waits until no process uses what the case revoked. Where nothing is on
// record of it, as for a case of the first release, only the bound is known.
func (a *App) quiesce(ctx context.Context, s erasure.State, bound time.Time) (eventschema.KeyHolders, error) {
	quiet, err := a.keys.Quiesce(ctx, a.tenant, s.CaseID)
	if errors.Is(err, keyring.ErrNothingRevoked) {
		return eventschema.KeyHolders{BoundedBy: bound}, nil
	}
	return eventschema.KeyHolders{Acknowledged: len(quiet.Acknowledged), Silent: len(quiet.Silent), BoundedBy: quiet.At}, err
}

// cacheBound is the longest a key may be used after its destruction by a process
// that was not notified: the cache time of readers plus the allowance for clocks.
const cacheBound = 65 * time.Second

// errSlowed says that an officer's cases go no faster.
var errSlowed = errors.New("the officer who approved has had as many erasures as one may within 24 hours; the case waits")

// destroyKeys is the point of no return. The key store destroys everything in one
// transaction and remembers the receipt by case, so a crash between the
// destruction and its event loses nothing. A hold that the key store knows of
// makes it refuse, and the case is held.
func (a *App) destroyKeys(ctx context.Context, s erasure.State) (erasure.Command, error) {
	receipt, done, err := a.keys.ReceiptOf(ctx, a.tenant, s.CaseID)
	if err != nil {
		return nil, err
	}
	if !done {
		if err := a.holdToRate(ctx, s); err != nil {
			return nil, err
		}
		order, err := a.orderOf(ctx, s)
		if err != nil {
			return nil, err
		}
		if len(order.Destroy) == 0 { // a purpose of a work record that does not exist
			return erasure.Destroyed{DestroyedAt: a.clock()}, nil
		}
		receipt, err = a.keys.Destroy(ctx, order)
		var held *keyring.HeldError
		if errors.As(err, &held) {
			return erasure.CheckHolds{CheckedAt: a.clock(), Holds: held.Matters}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	a.directory.forget()
	keys := make([]eventschema.DestroyedKey, 0, len(receipt.Keys))
	for _, k := range receipt.Keys {
		keys = append(keys, eventschema.DestroyedKey{KeyID: k.ID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
	}
	return erasure.Destroyed{DestroyedAt: receipt.DestroyedAt, Keys: keys, Lookups: receipt.Lookups}, nil
}

// holdToRate slows an officer down, also one whose approvals came in at the same
// moment and were each the first of the day.
func (a *App) holdToRate(ctx context.Context, s erasure.State) error {
	if s.ApprovedBy == uuid.Nil || s.BatchID != uuid.Nil { // of batches, the batches are counted
		return nil
	}
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	if err := a.Await(ctx, last); err != nil {
		return err
	}
	destroyed, err := projections.DestroyedFor(ctx, a.models.Querier(), a.tenant, s.ApprovedBy, s.CaseID, a.clock().Add(-24*time.Hour))
	if err == nil && int64(destroyed) >= a.perOfficer.Load() {
		err = errSlowed
	}
	return err
}

// scrub brings every read model behind the destruction and drops opened copies.
// The sealed sections stay where they are, as noise: a rebuild gives the same.
func (a *App) scrub(ctx context.Context, s erasure.State) (erasure.Command, error) {
	position, err := a.positionOfDestruction(ctx, s.CaseID)
	if err != nil {
		return nil, err
	}
	if err := a.Await(ctx, position); err != nil {
		return nil, err
	}
	a.directory.forget()
	return erasure.Scrubbed{ScrubbedAt: a.clock(), Position: position}, nil
}

func (a *App) positionOfDestruction(ctx context.Context, id uuid.UUID) (uint64, error) {
	for recorded, err := range a.store.ReadStream(ctx, eventschema.ErasureStream(a.tenant, id).String(), 0) {
		if err != nil {
			return 0, err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return 0, err
		}
		if _, ok := decoded.Event.(*eventschema.KeysDestroyed); ok {
			return recorded.Position, nil
		}
	}
	return 0, erasure.ErrNotDestroyed
}
