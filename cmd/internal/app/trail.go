package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/trail"
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

// Proof implements [httpapi.Trail].
func (a *App) Proof(ctx context.Context, _ httpapi.Principal, position uint64) (httpapi.ProofView, error) {
	log, err := a.trail()
	if err != nil {
		return httpapi.ProofView{}, err
	}
	defer log.Close()
	proof, err := log.Prove(ctx, position)
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
func (a *App) Checkpoint(ctx context.Context, _ httpapi.Principal) (string, error) {
	return a.TrailTexts(ctx, false)
}

// TrailReport is the verdict over the whole event store.
type TrailReport = ledger.Report

// Verify checks the whole event store against the trail, and the trail against
// checkpoints that were handed out. It needs the trail's folder and public key
// only, so it also runs beside a serving process.
func (a *App) Verify(ctx context.Context, progress func(done uint64), held ...string) (TrailReport, error) {
	return ledger.Verify(ctx, a.folder.path("trail"), a.VerifierKey(), a.whole.ReadAll(ctx, 0), progress, held...)
}

// VerifyExtends shows that the trail continues a checkpoint that was handed out.
func (a *App) VerifyExtends(ctx context.Context, kept string) error {
	return ledger.VerifyExtends(ctx, a.folder.path("trail"), a.VerifierKey(), kept)
}

// VerifierKey is the public key of the trail that is in force.
func (a *App) VerifierKey() string {
	if a.ledger != nil {
		return a.ledger.VerifierKey()
	}
	return a.verifierKey
}

// TrailTexts gives the newest signed checkpoint, or all changes of the key.
func (a *App) TrailTexts(_ context.Context, handovers bool) (string, error) {
	log, err := a.trail()
	if err != nil {
		return "", err
	}
	defer log.Close()
	if handovers {
		return log.Handovers(), nil
	}
	return log.Checkpoint().Text, nil
}

// ErrNotOwner says that another process writes the trail.
var ErrNotOwner = errors.New("another process serves this data folder and writes the trail; stop it first")

// ChangeTrailKey gives the trail a new key and destroys the old one. Only the
// owner of the data folder can: [ErrNotOwner].
func (a *App) ChangeTrailKey() (trail.Handover, error) {
	if a.ledger == nil {
		return trail.Handover{}, ErrNotOwner
	}
	return a.ledger.ChangeKey(a.random)
}

// MakeTrailCosigner has the trail sign its checkpoints with an ML-DSA-44 key as
// well, and answers the verifier key. Errors: [ErrNotOwner], [fs.ErrExist].
func (a *App) MakeTrailCosigner() (string, error) {
	if a.ledger == nil {
		return "", ErrNotOwner
	}
	return a.ledger.MakeCosigner()
}

// newID draws a random id.
func (a *App) newID() (uuid.UUID, error) {
	id, err := uuid.NewRandomFromReader(a.random)
	if err != nil {
		return uuid.Nil, fmt.Errorf("draw an id: %w", err)
	}
	return id, nil
}
