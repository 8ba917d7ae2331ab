package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger"
	"tracekeep/eventschema"
)

// progressMark is a position that only grows, and that others can wait for.
type progressMark struct {
	mu       sync.Mutex
	position uint64
	moved    chan struct{}
}

func newProgressMark() *progressMark { return &progressMark{moved: make(chan struct{})} }

func (p *progressMark) advance(position uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if position <= p.position {
		return
	}
	p.position = position
	close(p.moved)
	p.moved = make(chan struct{})
}

func (p *progressMark) wait(ctx context.Context, position uint64) error {
	for {
		p.mu.Lock()
		reached, moved := p.position >= position, p.moved
		p.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// trailCovers waits until the trail has a leaf for a position.
func (a *App) trailCovers(ctx context.Context, position uint64) error {
	return a.covered.wait(ctx, position)
}

func (a *App) trailOrigin() string { return "tracekeep/" + eventschema.Hex(a.tenant) }

// errNoTrail answers a process that does not own the data folder.
var errNoTrail = fmt.Errorf("the trail is written by the process that serves the folder: %w", httpapi.ErrUnavailable)

// Proof implements [httpapi.Trail].
func (a *App) Proof(ctx context.Context, _ httpapi.Principal, position uint64) (httpapi.ProofView, error) {
	if a.ledger == nil {
		return httpapi.ProofView{}, errNoTrail
	}
	proof, err := a.ledger.Prove(ctx, position)
	switch {
	case errors.Is(err, ledger.ErrNotInTrail), errors.Is(err, ledger.ErrNotYet):
		return httpapi.ProofView{}, errors.Join(httpapi.ErrNotFound, err)
	case err != nil:
		return httpapi.ProofView{}, err
	}
	view := httpapi.ProofView{
		Position: proof.Position, Leaf: proof.Index, LeafHash: proof.Leaf[:], TreeSize: proof.Size, Checkpoint: proof.Checkpoint,
	}
	for _, h := range proof.Hashes {
		view.Hashes = append(view.Hashes, append([]byte(nil), h[:]...))
	}
	return view, nil
}

// Checkpoint implements [httpapi.Trail].
func (a *App) Checkpoint(context.Context, httpapi.Principal) (string, error) {
	if a.ledger == nil {
		return "", errNoTrail
	}
	text := a.ledger.Checkpoint().Text
	if text == "" {
		return "", httpapi.ErrNotFound
	}
	return text, nil
}

// TrailReport is the verdict over the whole event store.
type TrailReport = ledger.Report

// Verify checks the whole event store against the trail. It needs the trail's
// folder and public key only, so it also runs beside a serving process.
func (a *App) Verify(ctx context.Context, progress func(done uint64)) (TrailReport, error) {
	return ledger.Verify(ctx, a.folder.path("trail"), a.verifierKey, a.whole.ReadAll(ctx, 0), progress)
}

// newID draws a random id.
func (a *App) newID() (uuid.UUID, error) {
	id, err := uuid.NewRandomFromReader(a.random)
	if err != nil {
		return uuid.Nil, fmt.Errorf("draw an id: %w", err)
	}
	return id, nil
}

// VerifierKey is the public key of the trail.
func (a *App) VerifierKey() string { return a.verifierKey }
