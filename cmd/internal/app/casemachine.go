package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// The actors of what nobody does by hand.
const (
	erasureActor    = "erasure"    // the machine
	withdrawalActor = "withdrawal" // of a consent
	retentionActor  = "retention"  // the clock
	discardActor    = "removal"    // of a photo or document
)

const (
	// caseWorkers is how many cases go forward at once: one that waits for
	// processes that do not answer must not hold up the others.
	caseWorkers = 4
	// sweepEvery is how often the clock is asked what has come of age.
	sweepEvery = time.Minute
)

// runErasures takes cases forward, beginning with those a crash left half-way. A
// case that cannot go on now waits while the others go on.
func (a *App) runErasures(ctx context.Context) error {
	if err := a.sweep(ctx, true); err != nil {
		return fmt.Errorf("list unfinished erasures: %w", err)
	}
	workers, ctx := errgroup.WithContext(ctx)
	for range caseWorkers {
		workers.Go(func() error { a.workOnCases(ctx); return nil })
	}
	workers.Go(func() error { return a.releaseBatches(ctx) })
	workers.Go(func() error { return a.runRetention(ctx) })
	workers.Go(func() error {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			if err := a.sweep(ctx, false); err != nil && ctx.Err() == nil {
				a.log.Warn("what has come of age is looked for again later", zap.Error(err))
			}
		}
	})
	return workers.Wait()
}

func (a *App) workOnCases(ctx context.Context) {
	for {
		id, ok := a.cases.take(ctx)
		if !ok {
			return
		}
		err := a.forward(ctx, id)
		pause := a.cases.give(id, err != nil && ctx.Err() == nil)
		if pause > 0 {
			a.log.Warn("erasure case cannot go on yet", zap.Stringer("case", id), zap.Duration("again_in", pause), zap.Error(err))
		}
	}
}

// sweep queues every case that may have something to do, and settles holds. A
// certified case has, once the copies of another epoch are noise; at the start
// every one is looked at.
func (a *App) sweep(ctx context.Context, starting bool) error {
	if err := a.sweepHolds(ctx, starting); err != nil {
		return err
	}
	retired, err := a.keys.Retirements(ctx)
	if err != nil {
		return err
	}
	if err := a.resumeBatches(ctx); err != nil {
		return err
	}
	register, err := a.Today().register(ctx)
	if err != nil {
		return err
	}
	final := int64(0)
	for _, receipt := range retired {
		if !a.noiseFrom(receipt).After(a.clock()) {
			final++
		}
	}
	more := a.retirements.Swap(final) != final || starting
	for _, c := range register {
		waits := waitIn(c, a.clock())
		unfinished := c.State.Open() && waits != erasure.WaitIdentity && waits != erasure.WaitScope && waits != erasure.WaitApproval
		if unfinished || c.State == projections.ErasureRetired || c.State == projections.ErasureCertified && more || starting && c.EndedAt != nil {
			a.cases.add(c.CaseID)
		}
	}
	return nil
}

// noticeCases queues what has news in a page of the log, and settles what another
// process may have left half-way. It runs before the page counts as applied, and
// so again after a crash.
func (a *App) noticeCases(ctx context.Context, page []eventschema.Recorded) error {
	held := false
	for _, recorded := range page {
		category, _, _ := strings.Cut(recorded.Stream, "-")
		name, err := eventschema.ParseStreamName(recorded.Stream)
		if err != nil || name.Tenant != a.tenant || strings.HasPrefix(recorded.Type, "$") { // the end of a stream says nothing
			continue
		}
		switch category {
		case eventschema.CategoryErasure:
			a.cases.add(name.ID)
			err = a.noticeEnd(ctx, recorded)
		case eventschema.CategoryPerson:
			err = a.noticeEnd(ctx, recorded)
		case eventschema.CategoryRetention:
			a.released.add(name.ID)
		case eventschema.CategoryHold:
			held, err = true, a.settleHold(ctx, name.ID)
		case eventschema.CategoryRestriction:
			err = a.settleRestriction(ctx, name.ID)
		case eventschema.CategoryConsent:
			err = a.noticeWithdrawal(ctx, recorded)
		case eventschema.CategoryMedia:
			err = a.noticeRemoval(ctx, recorded)
		}
		if err != nil {
			return err
		}
	}
	if !held {
		return nil
	}
	register, err := a.Today().register(ctx)
	if err != nil {
		return err
	}
	for _, c := range register {
		if c.State.Open() {
			a.cases.add(c.CaseID)
		}
	}
	return nil
}

// noticeWithdrawal opens the case of a withdrawn consent, whose id is that of the
// withdrawal: there is one, however often it is noticed.
func (a *App) noticeWithdrawal(ctx context.Context, recorded eventschema.Recorded) error {
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return err
	}
	withdrawn, ok := decoded.Event.(*eventschema.ConsentWithdrawn)
	if !ok {
		return nil
	}
	err = a.openByPolicy(ctx, erasure.Request{
		CaseID: recorded.ID, Origin: eventschema.OriginWithdrawal, Scope: eventschema.ScopePurpose, RecordID: withdrawn.WorkID,
		Purposes: []eventschema.Purpose{withdrawn.Purpose}, RequestedBy: decoded.Meta.Actor.ID, RequestedAt: withdrawn.WithdrawnAt,
	}, eventschema.Actor{ID: decoded.Meta.Actor.ID, Role: withdrawalActor})
	if err != nil {
		return fmt.Errorf("open the case of a withdrawn consent: %w", err)
	}
	return nil
}

// forward takes a case as far as it can go. It may be killed anywhere and called
// again at any time.
func (a *App) forward(ctx context.Context, id uuid.UUID) error {
	for asked := false; ; {
		loaded, err := a.loadCase(ctx, id)
		if err != nil {
			return fmt.Errorf("erasure case %s: %w", id, err)
		}
		todo := erasure.Next(loaded.State, a.clock())
		goesOn := true
		switch {
		case !asked && stoppable(loaded.State):
			asked, err = true, a.checkHolds(ctx, loaded)
		case todo.Step != "":
			err = a.takeStep(ctx, loaded, todo.Step)
		case todo.Decision != "":
			goesOn, err = a.decideCase(ctx, loaded, todo.Decision)
		default:
			if left := todo.Until.Sub(a.clock()); todo.Wait == erasure.WaitCoolingOff && left < sweepEvery { // else a sweep comes first
				time.AfterFunc(left, func() { a.cases.add(id) })
			}
			return nil
		}
		if errors.Is(err, errSlowed) {
			a.log.Info("erasure case waits", zap.Stringer("case", id), zap.Error(err))
			return nil // until a sweep brings it again
		}
		if err != nil {
			return fmt.Errorf("erasure case %s, %s: %w", id, loaded.State.Phase, err)
		}
		if !goesOn {
			return nil
		}
	}
}

// stoppable says whether a hold that was placed meanwhile must stop a case. Once
// it has begun to destroy, the key store decides.
func stoppable(s erasure.State) bool {
	return !s.AssessedAt.IsZero() && s.Phase.Before(erasure.PhaseDestroyed) && s.Begun != eventschema.StepDestroy
}

// record decides a command of the machine. The key names the revision it rests
// on: sent again it appends nothing twice.
func (a *App) record(ctx context.Context, loaded *domain.Loaded[erasure.State], command erasure.Command) (domain.Outcome, error) {
	return domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, loaded.State.CaseID), Key: fmt.Sprintf("%T after %s", command, strconv.FormatInt(int64(loaded.Next), 10)),
		Actor: eventschema.Actor{ID: a.operator, Role: erasureActor},
	}, command)
}

// decideCase takes a decision that is the machine's own. goesOn is false when
// there is nothing to decide yet.
func (a *App) decideCase(ctx context.Context, loaded *domain.Loaded[erasure.State], decision erasure.Decision) (goesOn bool, err error) {
	now := a.clock()
	switch decision {
	case erasure.DecideScope:
		ended, err := a.employmentEnded(ctx, loaded.State.CaseID)
		if err != nil {
			return false, err
		}
		_, err = a.record(ctx, loaded, erasure.Assess{AssessedAt: now, EmploymentEnded: ended})
		return true, err
	case erasure.DecideHolds:
		return true, a.checkHolds(ctx, loaded)
	case erasure.DecideApproval:
		_, err = a.record(ctx, loaded, erasure.Approve{ApprovedAt: now})
		return true, err
	case erasure.DecideRetired:
		epochs, all, err := a.retiredEpochs(ctx, loaded.State)
		if err != nil || !all {
			return false, err
		}
		_, err = a.record(ctx, loaded, erasure.Retired{Epochs: epochs})
		return true, err
	}
	return false, fmt.Errorf("decide %q: %w", decision, domain.ErrUnknownCommand)
}

// checkHolds asks the key store which holds are in force for what the case would
// destroy. A key store that cannot be asked is an error, and the case stays where
// it is. What nobody has to approve is due at once: where a hold keeps it, it
// opens for legal claims and audits only from now on.
func (a *App) checkHolds(ctx context.Context, loaded *domain.Loaded[erasure.State]) error {
	order, err := a.orderOf(ctx, loaded.State)
	if err != nil {
		return err
	}
	check := erasure.CheckHolds{CheckedAt: a.clock(), CoolingOff: a.coolingOff}
	if loaded.State.ByPolicy() { // withdrawing is as easy as giving, and what has come of age has waited
		check.CoolingOff = 0
	}
	var kept []keyring.Target
	if check.Holds, kept, err = a.holdsOn(ctx, order); err != nil {
		return err
	}
	if len(kept) > 0 && loaded.State.ByPolicy() && len(loaded.State.Items) == 0 { // a hold keeps purposes, not items
		if err := a.withhold(ctx, loaded.State.CaseID, kept); err != nil {
			return err
		}
	}
	_, err = a.record(ctx, loaded, check)
	if errors.Is(err, erasure.ErrOrder) { // the fence of a held case is reopened first
		return nil
	}
	return err
}

// withhold lets what a hold keeps open for legal claims and audits only. It is an
// order of its own in the key store: that of the case stays to be carried out.
func (a *App) withhold(ctx context.Context, id uuid.UUID, kept []keyring.Target) error {
	under := uuid.NewSHA1(id, fmt.Append(nil, "withheld", kept))
	_, err := a.keys.Destroy(ctx, keyring.Order{Tenant: a.tenant, Case: under, Withhold: kept})
	a.directory.forget()
	if errors.Is(err, keyring.ErrNotHeld) { // lifted meanwhile: the case goes on
		return nil
	}
	return err
}

// holdsOn lists the holds in force on what an order destroys, and what of it they
// keep.
func (a *App) holdsOn(ctx context.Context, order keyring.Order) (ids []uuid.UUID, kept []keyring.Target, err error) {
	var subjects []uuid.UUID
	for _, target := range order.Destroy {
		subjects = append(subjects, target.Subject)
	}
	holds, err := a.keys.Holds(ctx, a.tenant, subjects...)
	if err != nil {
		return nil, nil, err
	}
	for _, hold := range holds {
		for _, target := range order.Destroy {
			if purposes, some := overlap(target.Purposes, hold.Purposes); some && target.Subject == hold.Subject {
				ids = append(ids, hold.Matter) // the key store knows each hold as a matter of its own
				kept = append(kept, keyring.Target{Subject: hold.Subject, Purposes: purposes})
			}
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(ids), kept, nil
}

// overlap is what two lists of purposes, of which an empty one means all, have in
// common.
func overlap(one, other []eventschema.Purpose) (both []eventschema.Purpose, some bool) {
	switch {
	case len(one) == 0:
		return other, true
	case len(other) == 0:
		return one, true
	}
	for _, purpose := range one {
		if slices.Contains(other, purpose) {
			both = append(both, purpose)
		}
	}
	return both, len(both) > 0
}

// retiredEpochs lists the retirements of the epochs that wrapped the keys of a
// case; all is false while one is missing, its provider still delays it, or a
// backup may hold the provider's key.
func (a *App) retiredEpochs(ctx context.Context, s erasure.State) (epochs []eventschema.RetiredEpoch, all bool, err error) {
	retirements, err := a.keys.Retirements(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, epoch := range s.WrappedBy() {
		i := slices.IndexFunc(retirements, func(r keyring.Retirement) bool { return r.Epoch == epoch })
		if i < 0 {
			return nil, false, nil
		}
		noise := a.noiseFrom(retirements[i])
		if noise.After(a.clock()) {
			return nil, false, nil
		}
		epochs = append(epochs, eventschema.RetiredEpoch{Epoch: epoch, RetiredAt: noise, Reach: retirements[i].Reach, Receipt: retirements[i].Hash})
	}
	return epochs, true, nil
}

// noiseFrom is from when on no copy opens what an epoch wrapped: its provider has
// carried out the destruction, and the last backup that held the provider's key
// has expired.
func (a *App) noiseFrom(receipt keyring.Retirement) time.Time {
	return receipt.FinalAt.Add(a.policy.BackupRetention)
}
