package app

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/postgres"
	"tracekeep/projections"
)

// World is what a question is put to: the records as they are, or as they were
// at a moment. Who somebody is is told as of today in either, because a name that
// was erased since is erased for every question.
type World struct {
	a      *App
	q      projections.Querier
	now    func() time.Time // of questions that depend on the time
	replay *postgres.World  // nil: as they are
}

// Today is the world as it is.
func (a *App) Today() *World { return &World{a: a, q: a.models.Querier(), now: a.clock} }

// At opens the world of a moment, and replays it first where need be. The caller
// closes it.
func (a *App) At(ctx context.Context, moment projections.Moment, progress func(postgres.Progress)) (*World, error) {
	kept, err := a.unexpired(ctx)
	if err != nil {
		return nil, fmt.Errorf("the world at a moment: %w", err)
	}
	replay, err := a.models.Replay(ctx, moment, func(position uint64) postgres.Log { return kept(a.whole.ReadAll(ctx, position)) }, progress)
	if err != nil {
		return nil, fmt.Errorf("the world at a moment: %w", err)
	}
	now := a.clock
	if !moment.AsOf.IsZero() {
		now = func() time.Time { return moment.AsOf }
	}
	return &World{a: a, q: replay.Querier(), now: now, replay: replay}, nil
}

// Close ends the use of a world.
func (w *World) Close() {
	if w.replay != nil {
		w.replay.Close()
	}
}

// Now is the instant that questions are about which depend on the time.
func (w *World) Now() time.Time { return w.now() }

// Replay describes what the world was made from, and false for the one of today.
func (w *World) Replay() (made postgres.Replay, fresh, ok bool) {
	if w.replay == nil {
		return postgres.Replay{}, false, false
	}
	return w.replay.Replay, w.replay.Fresh, true
}

// schema is where the tables of the world stand.
func (w *World) schema() string {
	if w.replay == nil {
		return w.a.models.Schema()
	}
	return w.replay.Schema()
}

// Replays lists the moments that were replayed and kept.
func (a *App) Replays(ctx context.Context) ([]postgres.Replay, error) { return a.models.Replays(ctx) }

// DropReplay drops one. It answers [postgres.ErrNoReplay].
func (a *App) DropReplay(ctx context.Context, id string) error { return a.models.DropReplay(ctx, id) }

// PresenceAt lists who was in at an instant, by work id.
func (a *App) PresenceAt(ctx context.Context, by httpapi.Principal, at time.Time) ([]httpapi.PresenceView, error) {
	return a.Today().Presence(ctx, by, at)
}

// HoursOfWork lists the days of one work record, both ends included.
func (a *App) HoursOfWork(ctx context.Context, work uuid.UUID, from, to string) (httpapi.HoursView, error) {
	return a.Today().HoursOfWork(ctx, work, from, to)
}

// HoursOfAll adds up the hours of everybody, the longest first.
func (a *App) HoursOfAll(ctx context.Context, by httpapi.Principal, from, to string) ([]WorkerHours, error) {
	return a.Today().HoursOfAll(ctx, by, from, to)
}

// FindPerson lists the people whose legal name contains the text, ignoring
// case, or whose id or work id it is. An empty text lists everybody, those whose
// name cannot be read included.
func (a *App) FindPerson(ctx context.Context, by httpapi.Principal, text string) ([]httpapi.PersonView, error) {
	return a.Today().FindPerson(ctx, by, text)
}

// ErasureRegister lists every case, the one with the latest news first.
func (a *App) ErasureRegister(ctx context.Context) ([]httpapi.ErasureView, error) {
	return a.Today().ErasureRegister(ctx)
}
