package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"tracekeep/adapters/postgres"
)

// Rebuild fills the read models from the log again and switches to them. What was
// appended while it read, and applied to the old ones alone, is applied to the new
// ones before it returns.
func (a *App) Rebuild(ctx context.Context, progress func(postgres.Progress)) (postgres.Rebuilt, error) {
	rebuilt, err := a.models.Rebuild(ctx, a.whole.ReadAll(ctx, 0), func(p postgres.Progress) {
		a.fault("rebuild half done")
		if progress != nil {
			progress(p)
		}
	})
	if err != nil {
		return rebuilt, err
	}
	a.fault("rebuild switched")
	a.applying.Lock()
	defer a.applying.Unlock()
	last, err := a.whole.LastPosition(ctx)
	if err != nil || last <= rebuilt.Position {
		return rebuilt, err
	}
	return rebuilt, a.applyAgain(ctx, last)
}

// reconcile brings the key store to what the log has decided, before anything is
// served, and answers which read models are of another release. Where their tables
// do not tell this release what it asks, they are rebuilt at once.
func (a *App) reconcile(ctx context.Context) (stale []string, err error) {
	stale = a.models.NeedsRebuild()
	err = a.reconcileAll(ctx)
	if err != nil && len(stale) > 0 {
		a.log.Warn("read models of another release do not answer this one and are rebuilt first", zap.Strings("projections", stale), zap.Error(err))
		if _, err := a.Rebuild(ctx, nil); err != nil {
			return nil, err
		}
		close(a.renewed)
		return nil, a.reconcileAll(ctx)
	}
	return stale, err
}

// renewModels rebuilds the read models of another release while their old tables go
// on answering, as they were when this release started. The others follow the log
// meanwhile. Cases wait: nothing is destroyed on the word of an old table.
func (a *App) renewModels(ctx context.Context) error {
	stale := a.models.NeedsRebuild()
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	a.log.Info("read models of another release are rebuilt; the old ones go on answering", zap.Strings("projections", stale), zap.Uint64("position", last))
	a.fault("rebuild")
	if _, err := a.Rebuild(ctx, a.toldNowAndThen(last)); err != nil {
		return err
	}
	close(a.renewed)
	a.lookAfterCases()
	return nil
}

// toldEvery is how often the log says how far a rebuild is.
const toldEvery = 10 * time.Second

// toldNowAndThen writes progress to the log.
func (a *App) toldNowAndThen(last uint64) func(postgres.Progress) {
	told := a.clock()
	return func(p postgres.Progress) {
		if now := a.clock(); now.Sub(told) >= toldEvery {
			told = now
			a.log.Info("rebuilding", zap.Uint64("events", p.Events), zap.Uint64("position", p.Position), zap.Uint64("of", last))
		}
	}
}

// lookAfterCases starts what acts on its own: erasure cases, and the rotation of keys.
func (a *App) lookAfterCases() {
	a.background(a.watching, "erasure cases", a.runErasures)
	a.background(a.watching, "keys", a.keepKeys)
}

// followsLog says whether the read models of this release and the trail have what
// was in the log when it was called.
func (a *App) followsLog(ctx context.Context) error {
	target, err := a.whole.LastPosition(ctx)
	if err != nil || target == 0 {
		return err
	}
	if err := a.models.WaitFor(ctx, target); err != nil {
		return err
	}
	return a.trailCovers(ctx, target)
}
