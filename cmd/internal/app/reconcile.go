package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// onRecord is what the event store knows that a key store must agree with. The
// registers among the read models may be as old as a restored key store, which
// often stands in the same Postgres: what they have not seen yet is read from the
// log.
type onRecord struct{ cases, holds, restrictions []uuid.UUID }

// reconcileAll holds the key store against the record before anything is served from
// it: a copy that was restored has back what was destroyed since, open what was
// restricted, and free what is held.
func (a *App) reconcileAll(ctx context.Context) error {
	record, err := a.readRecord(ctx)
	if err != nil {
		return fmt.Errorf("read what the key store must agree with: %w", err)
	}
	for _, id := range record.holds { // before anything is destroyed
		if err := a.placeAgain(ctx, id); err != nil {
			return fmt.Errorf("place hold %s again: %w", id, err)
		}
	}
	if err := a.reconcileKeys(ctx, record.cases); err != nil {
		return err
	}
	for _, id := range record.restrictions {
		if err := a.settleRestriction(ctx, id); err != nil {
			return fmt.Errorf("restriction %s: %w", id, err)
		}
	}
	return nil
}

// readRecord reads the registers, and the log from where they end.
func (a *App) readRecord(ctx context.Context) (record onRecord, err error) {
	if err := a.readRegisters(ctx, &record); err != nil {
		return record, err
	}
	seen, _, err := a.models.Position(ctx)
	if err != nil {
		return record, err
	}
	listed := map[uuid.UUID]bool{}
	for _, id := range slices.Concat(record.cases, record.holds, record.restrictions) {
		listed[id] = true
	}
	for recorded, err := range a.whole.ReadAll(ctx, seen) {
		if err != nil {
			return record, err
		}
		category, _, _ := strings.Cut(recorded.Stream, "-")
		list := record.of(category)
		if list == nil {
			continue
		}
		if name, err := eventschema.ParseStreamName(recorded.Stream); err == nil && name.Tenant == a.tenant && !listed[name.ID] {
			listed[name.ID] = true
			*list = append(*list, name.ID)
		}
	}
	return record, nil
}

// of is the list that a category of streams belongs to; nil for the others.
func (r *onRecord) of(category string) *[]uuid.UUID {
	switch category {
	case eventschema.CategoryErasure:
		return &r.cases
	case eventschema.CategoryHold:
		return &r.holds
	case eventschema.CategoryRestriction:
		return &r.restrictions
	}
	return nil
}

func (a *App) readRegisters(ctx context.Context, record *onRecord) error {
	register, err := a.Today().register(ctx)
	if err != nil {
		return err
	}
	for _, c := range register {
		record.cases = append(record.cases, c.CaseID)
	}
	err = a.eachHold(ctx, true, func(h projections.Hold) error {
		record.holds = append(record.holds, h.HoldID)
		return nil
	})
	if err != nil {
		return err
	}
	return a.eachRestriction(ctx, func(id uuid.UUID) error {
		record.restrictions = append(record.restrictions, id)
		return nil
	})
}

// placeAgain places a hold on record in the key store, and lets go of one that has
// ended.
func (a *App) placeAgain(ctx context.Context, id uuid.UUID) error {
	loaded, err := a.loadHold(ctx, id)
	if err != nil || !loaded.State.Placed {
		return err
	}
	if !loaded.State.EndedAt.IsZero() {
		return a.settleHold(ctx, id)
	}
	until := time.Time{}
	if loaded.State.ConfirmedAt.IsZero() {
		until = loaded.State.ConfirmBy
	}
	err = a.enforceAgain(ctx, id, until)
	if errors.Is(err, keyring.ErrNoKey) {
		a.log.Warn("a hold covers a subject that the key store does not know", zap.Stringer("hold", id))
		return nil
	}
	return err
}

// reconcileKeys destroys again what a restored copy of the key store brought
// back, and refuses an event store that lacks a case under which keys were
// destroyed.
func (a *App) reconcileKeys(ctx context.Context, cases []uuid.UUID) error {
	var record []keyring.Destroyed
	known := map[uuid.UUID]bool{}
	for _, id := range cases {
		loaded, err := a.loadCase(ctx, id)
		if err != nil {
			return err
		}
		s := loaded.State
		if s.Begun == eventschema.StepDestroy { // a crash may have come between the destruction and its event
			known[id] = true
		}
		if s.DestroyedAt.IsZero() {
			continue
		}
		known[id] = true
		d := keyring.Destroyed{Case: id, At: s.DestroyedAt}
		for _, k := range s.Keys {
			d.Keys = append(d.Keys, keyring.DestroyedKey{ID: k.KeyID, Purpose: k.Purpose, Check: k.Check, Epoch: k.Epoch})
		}
		if s.Scope == eventschema.ScopePerson {
			d.Person = s.PersonID
			if err := a.restrictAgain(ctx, s); err != nil {
				return err
			}
		}
		if s.WholeRecord() {
			d.Person = s.RecordID
		}
		record = append(record, d)
	}
	if err := a.refuseUnknownDestruction(ctx, known); err != nil {
		return err
	}
	if len(record) == 0 {
		return nil
	}
	revived, err := a.keys.Reconcile(ctx, a.tenant, record)
	if err != nil {
		return err
	}
	if revived > 0 {
		a.log.Error("the key store was older than the erasures on record; its keys were destroyed again", zap.Int("keys", revived))
	}
	return nil
}

// refuseUnknownDestruction compares the event store with what the key store
// remembers of it. The read models and the trail may be as old as a restored event
// store; the key store of another Postgres is not.
func (a *App) refuseUnknownDestruction(ctx context.Context, known map[uuid.UUID]bool) error {
	destroyed, err := a.keys.DestroyedUnder(ctx, a.tenant)
	if err != nil {
		return err
	}
	for _, id := range destroyed {
		if !known[id] {
			return fmt.Errorf("%w: the key store destroyed keys under case %s, which the event store does not have so far", ErrShorterStore, id)
		}
	}
	return nil
}

// restrictAgain restricts the work record of an erased person whom the key store
// has forgotten to have erased: the link to it is readable once more, and goes
// with the keys that are destroyed again next.
func (a *App) restrictAgain(ctx context.Context, s erasure.State) error {
	status, err := a.keys.Status(ctx, a.tenant, s.PersonID)
	if err != nil || status[s.PersonID].Fence == keyring.FenceErased {
		return err
	}
	work, err := a.workOfCase(ctx, s)
	if err != nil || work == uuid.Nil {
		return err
	}
	return a.keys.SetFence(ctx, a.tenant, s.CaseID, keyring.FenceRestricted, work)
}
