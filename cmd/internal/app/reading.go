package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/postgres"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// CatchUp waits until the read models and, where this process writes it, the
// trail have everything that was in the log when it was called.
func (a *App) CatchUp(ctx context.Context, progress func(position, target uint64)) error {
	target, err := a.whole.LastPosition(ctx)
	if err != nil || target == 0 {
		return err
	}
	if progress != nil {
		at, _, err := a.models.Position(ctx)
		if err != nil {
			return err
		}
		progress(at, target)
	}
	if err := a.Await(ctx, target); err != nil {
		return err
	}
	if a.ledger != nil {
		return a.trailCovers(ctx, target)
	}
	return nil
}

// errRenewing says that another process has yet to rebuild what this one reads.
var errRenewing = fmt.Errorf("the read models are of another release than this command: the process that serves the folder is rebuilding them, or must be restarted with this release: %w", httpapi.ErrUnavailable)

// Await implements [httpapi.Freshness]. While read models of another release are
// rebuilt, only who does not ask for a position is answered; a process that joins
// the owner does not wait for it.
func (a *App) Await(ctx context.Context, position uint64) error {
	if !a.Owner() && len(a.models.NeedsRebuild()) > 0 {
		return errRenewing
	}
	select {
	case <-a.renewed:
	case <-ctx.Done():
		return fmt.Errorf("wait for the rebuild of the read models: %w", ctx.Err())
	}
	return a.models.WaitFor(ctx, position)
}

// certificateLeaf is the leaf of a case's certificate, once there is one.
func (a *App) certificateLeaf(ctx context.Context, id uuid.UUID) *uint64 {
	e, err := projections.ErasureByCase(ctx, a.models.Querier(), a.tenant, id)
	if err != nil || !e.State.Certified() {
		return nil
	}
	return &e.Leaf
}

// erased is the answer about something that a case erased.
func (a *App) erased(ctx context.Context, id uuid.UUID) error {
	return &httpapi.Erased{Case: id, CertificateLeaf: a.certificateLeaf(ctx, id)}
}

// Person implements [httpapi.Reading].
func (a *App) Person(ctx context.Context, by httpapi.Principal, id uuid.UUID) (httpapi.PersonView, error) {
	row, err := projections.PersonByID(ctx, a.models.Querier(), a.tenant, id)
	if errors.Is(err, projections.ErrNotFound) {
		return httpapi.PersonView{}, httpapi.ErrNotFound
	}
	if err != nil {
		return httpapi.PersonView{}, outward(err)
	}
	view, err := a.openPerson(ctx, row, by.Use(), map[uuid.UUID]*uint64{})
	if err != nil {
		return httpapi.PersonView{}, outward(err)
	}
	if view.Revision, err = a.revisionOf(ctx, eventschema.PersonStream(a.tenant, id)); err != nil {
		return httpapi.PersonView{}, outward(err)
	}
	return view, nil
}

// People implements [httpapi.Reading].
func (a *App) People(ctx context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PersonView, error) {
	opened, err := a.openDirectory(ctx, by)
	if err != nil {
		return nil, outward(err)
	}
	from := 0
	if after != uuid.Nil {
		from = 1 + slices.IndexFunc(opened.people, func(p httpapi.PersonView) bool { return p.PersonID == after })
	}
	return opened.people[from:min(from+limit, len(opened.people))], nil
}

// namesOfWorks gives the names to show beside work records, by work id.
func (a *App) namesOfWorks(ctx context.Context, by httpapi.Principal, works []uuid.UUID) (map[uuid.UUID]httpapi.Personal, error) {
	inOrder, err := a.namesOf(ctx, by, works)
	if err != nil {
		return nil, err
	}
	names := make(map[uuid.UUID]httpapi.Personal, len(works))
	for i, work := range works {
		names[work] = inOrder[i]
	}
	return names, nil
}

// namesOf gives the names to show beside work records, in their order: the person's,
// or why there is none. The record of an erased person stays; its fence knows the case.
func (a *App) namesOf(ctx context.Context, by httpapi.Principal, works []uuid.UUID) ([]httpapi.Personal, error) {
	opened, err := a.openDirectory(ctx, by)
	if err != nil {
		return nil, err
	}
	names := make([]httpapi.Personal, len(works))
	var strangers []uuid.UUID
	var places []int // of the strangers
	for i, work := range works {
		if of, known := opened.byWork[work]; known {
			names[i] = opened.people[of].LegalName
		} else {
			strangers, places = append(strangers, work), append(places, i)
		}
	}
	if len(strangers) == 0 {
		return names, nil
	}
	status, err := a.keys.Status(ctx, a.tenant, strangers...)
	if err != nil {
		return nil, err
	}
	restrictions, err := a.keys.Restrictions(ctx, a.tenant, strangers...)
	if err != nil {
		return nil, err
	}
	restricted := map[uuid.UUID]uuid.UUID{}
	for _, r := range restrictions {
		restricted[r.Subject] = r.Case
	}
	for n, work := range strangers {
		name := &names[places[n]]
		switch s := status[work]; s.Fence {
		case keyring.FenceErased, keyring.FenceRestricted: // the record of an erased person
			*name = a.personal(ctx, eventschema.Withheld(eventschema.StateErased, s.Case))
		default:
			state := eventschema.StateUnavailable
			if restricted[work] != uuid.Nil {
				state = eventschema.StateRestricted
			}
			*name = a.personal(ctx, eventschema.Withheld(state, restricted[work]))
		}
	}
	return names, nil
}

// CheckModels compares the live read models with a rebuild beside them. progress may
// be nil.
func (a *App) CheckModels(ctx context.Context, progress func(postgres.Progress)) ([]postgres.Difference, error) {
	return a.models.Check(ctx, a.whole.ReadAll(ctx, 0), progress)
}

// LastPosition is where the log ends now.
func (a *App) LastPosition(ctx context.Context) (uint64, error) { return a.whole.LastPosition(ctx) }

// ReadModels is where the queries of the projections are put.
func (a *App) ReadModels() projections.Querier { return a.models.Querier() }
