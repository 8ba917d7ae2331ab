package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/keyring"
	"tracekeep/adapters/mediastore"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/media"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// noticeRemoval opens the case of a removal that was asked for, whose id is that of the
// request: there is one, however often it is noticed.
func (a *App) noticeRemoval(ctx context.Context, recorded eventschema.Recorded) error {
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return err
	}
	asked, ok := decoded.Event.(*eventschema.MediaRemovalRequested)
	if !ok {
		return nil
	}
	err = a.openByPolicy(ctx, erasure.Request{
		CaseID: recorded.ID, Origin: eventschema.OriginRemoval, Scope: eventschema.ScopeItem, PersonID: asked.PersonID,
		Purposes: []eventschema.Purpose{eventschema.PurposeMedia}, Items: []uuid.UUID{asked.ItemID}, RequestedBy: decoded.Meta.Actor.ID, RequestedAt: asked.RequestedAt,
	}, eventschema.Actor{ID: decoded.Meta.Actor.ID, Role: discardActor})
	if err != nil {
		return fmt.Errorf("open the case of a removal: %w", err)
	}
	return nil
}

// AwaitRemoval waits until the case of a removal is certified, or stopped by a hold.
func (a *App) AwaitRemoval(ctx context.Context, id uuid.UUID) (erasure.Phase, error) {
	const pause = 20 * time.Millisecond
	for {
		loaded, err := a.loadCase(ctx, id)
		if err != nil {
			return "", err
		}
		if p := loaded.State.Phase; p == erasure.PhaseHeld || p.Ended() || !p.Before(erasure.PhaseCertified) {
			return p, nil
		}
		select {
		case <-ctx.Done():
			return loaded.State.Phase, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// mediaDestroyed lists the items whose keys an order destroys.
func (a *App) mediaDestroyed(ctx context.Context, order keyring.Order) ([]projections.Media, error) {
	var items []projections.Media
	for _, target := range order.Destroy {
		if len(target.Purposes) > 0 && !slices.Contains(target.Purposes, eventschema.PurposeMedia) {
			continue
		}
		all, err := projections.MediaOf(ctx, a.models.Querier(), a.tenant, target.Subject)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if len(target.Items) == 0 || slices.Contains(target.Items, m.ItemID) {
				items = append(items, m)
			}
		}
	}
	return items, nil
}

// deleteMedia deletes the files of what a case made unreadable, and says so in the
// stream of each. The read models are behind the destruction, so they know them all. It
// answers how many items are gone under this case, also when it is repeated.
func (a *App) deleteMedia(ctx context.Context, s erasure.State) (files int, err error) {
	order, err := a.orderOf(ctx, s)
	if err != nil {
		return 0, err
	}
	items, err := a.mediaDestroyed(ctx, order)
	if err != nil {
		return 0, err
	}
	for _, m := range items {
		if gone, err := a.keyGone(ctx, m); err != nil || !gone { // given anew since, under another key
			if err != nil {
				return files, err
			}
			continue
		}
		if _, err := a.media.RemoveItem(m.ItemID); err != nil {
			return files, err
		}
		a.fault("media deleted")
		outcome, err := domain.Handle(ctx, a.handler, media.Decider(), domain.Request{
			Stream: eventschema.MediaStream(a.tenant, m.ItemID), Key: "removed under " + s.CaseID.String(), Actor: eventschema.Actor{ID: a.operator, Role: erasureActor},
		}, media.Command(media.Remove{CaseID: s.CaseID, RemovedAt: a.clock()}))
		if err != nil {
			return files, err
		}
		if outcome.Repeated || len(outcome.Events) > 0 {
			files++
		}
	}
	return files, nil
}

// keyGone says whether nothing of an item can be opened any more.
func (a *App) keyGone(ctx context.Context, m projections.Media) (bool, error) {
	for _, section := range m.Sections {
		opening, err := a.keys.Open(ctx, section.At, section.Envelope, eventschema.UseAudit)
		if err != nil {
			return false, err
		}
		if opening.State != eventschema.StateErased {
			return false, nil
		}
	}
	return true, nil
}

// namesBlob asks the event store, which knows best, whether an event names a file.
func (a *App) namesBlob(ctx context.Context, blob mediastore.Blob) (bool, error) {
	loaded, err := a.loadMedia(ctx, blob.Item)
	if err != nil {
		return false, err
	}
	return loaded.State.Attached && !loaded.State.Removed && loaded.State.SHA256 == blob.SHA256, nil
}

// lookAfterMedia sweeps once, as soon as nobody is between a file and its event.
func (a *App) lookAfterMedia(ctx context.Context) error {
	for {
		_, done, err := a.sweepMedia(ctx)
		if done && err == nil || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			a.log.Warn("leftover files are looked for again later", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
}

// sweepMedia removes files that no event names: what a process left that died between a
// file and its event, and what a restored copy of the folder brought back. done is false
// while somebody is writing.
func (a *App) sweepMedia(ctx context.Context) (swept int, done bool, err error) {
	done, err = a.media.Alone(func() error {
		if _, err := a.media.ClearIncoming(); err != nil {
			return err
		}
		kept := map[mediastore.Blob]bool{}
		err := a.eachMedia(ctx, func(m projections.Media) error {
			if m.RemovedAt == nil {
				kept[mediastore.Blob{Item: m.ItemID, SHA256: m.SHA256}] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
		for blob, err := range a.media.Blobs(ctx) {
			if err != nil {
				return err
			}
			if kept[blob] {
				continue
			}
			named, err := a.namesBlob(ctx, blob)
			if err != nil {
				return err
			}
			if named { // since the read models were last brought up to date
				continue
			}
			if err := a.media.Remove(blob); err != nil {
				return err
			}
			swept++
		}
		return nil
	})
	if swept > 0 {
		a.log.Info("files that no event names were removed", zap.Int("files", swept))
	}
	return swept, done, err
}

// eachMedia goes through everything that was ever attached.
func (a *App) eachMedia(ctx context.Context, do func(projections.Media) error) error {
	const page = 1000
	for after := uuid.Nil; ; {
		rows, err := projections.MediaAfter(ctx, a.models.Querier(), a.tenant, after, page)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if err := do(m); err != nil {
				return err
			}
			after = m.ItemID
		}
		if len(rows) < page {
			return nil
		}
	}
}

// MediaDefect is one thing that is wrong with a stored file.
type MediaDefect struct {
	ItemID uuid.UUID `json:"item"`
	Defect string    `json:"defect"` // missing, changed or left_over
}

// MediaReport is what holding every file against its event found.
type MediaReport struct {
	OK      bool          `json:"ok"`
	Kept    int           `json:"kept"`
	Removed int           `json:"removed"` // whose file is gone, as it must be
	Bytes   int64         `json:"bytes"`
	Defects []MediaDefect `json:"defects,omitempty"`
}

// VerifyMedia holds every stored file against the hash in its event. It needs no key and
// opens nothing. What is being removed while it looks may be there or not.
func (a *App) VerifyMedia(ctx context.Context, progress func(done int)) (MediaReport, error) {
	report := MediaReport{}
	kept := map[mediastore.Blob]bool{}
	defect := func(item uuid.UUID, what string) {
		report.Defects = append(report.Defects, MediaDefect{ItemID: item, Defect: what})
	}
	err := a.eachMedia(ctx, func(m projections.Media) error {
		blob := mediastore.Blob{Item: m.ItemID, SHA256: m.SHA256}
		if m.RemovedAt != nil {
			report.Removed++
			return nil
		}
		kept[blob] = true
		bytes, err := a.media.Check(ctx, blob)
		report.Bytes += bytes
		switch {
		case errors.Is(err, mediastore.ErrMissing) && m.RemovalRequestedAt != nil:
		case errors.Is(err, mediastore.ErrMissing):
			defect(m.ItemID, "missing")
		case errors.Is(err, mediastore.ErrCorrupt), err == nil && bytes != m.StoredBytes:
			defect(m.ItemID, "changed")
		case err != nil:
			return err
		default:
			report.Kept++
		}
		if progress != nil {
			progress(report.Kept + report.Removed)
		}
		return nil
	})
	if err != nil {
		return report, fmt.Errorf("verify media: %w", err)
	}
	for blob, err := range a.media.Blobs(ctx) {
		if err != nil {
			return report, fmt.Errorf("verify media: %w", err)
		}
		if kept[blob] {
			continue
		}
		named, err := a.namesBlob(ctx, blob)
		if err != nil {
			return report, fmt.Errorf("verify media: %w", err)
		}
		if !named {
			defect(blob.Item, "left_over")
		}
	}
	report.OK = len(report.Defects) == 0
	return report, nil
}
