package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// certificateType names the format of the text that is signed.
const certificateType = "tracekeep-erasure-certificate/v1"

// Certificate is what the effective certificate of an erasure says. It names no
// person: the claim hash lets the one who holds the claim code show that it is
// theirs. It is signed as a note with the key of the trail.
type Certificate struct {
	Type        string                   `json:"type"`
	Kind        string                   `json:"kind"` // effective; the final one comes with epoch retirement
	Case        uuid.UUID                `json:"case"`
	Scope       eventschema.ErasureScope `json:"scope"`
	RequestedAt time.Time                `json:"requested_at"`
	DestroyedAt time.Time                `json:"destroyed_at"`
	// EffectiveBy is when the last process that may have cached a key has dropped
	// it; the process that destroyed it dropped it at once.
	EffectiveBy time.Time                  `json:"effective_not_later_than"`
	CertifiedAt time.Time                  `json:"certified_at"`
	Keys        []eventschema.DestroyedKey `json:"keys"`
	Lookups     int                        `json:"lookups_removed"`
	Retained    []eventschema.Retained     `json:"retained"`
	Caches      string                     `json:"caches"`
	Probes      Probes                     `json:"probes"`
	NotCovered  []string                   `json:"not_covered"`
	ClaimHash   string                     `json:"claim_hash"`
	Trail       TrailPlace                 `json:"trail"`
}

// Probes says how many old envelopes were tried after the destruction, and how
// many answered erased.
type Probes struct {
	Tried  int `json:"tried"`
	Erased int `json:"erased"`
}

// TrailPlace is where the destruction stands in the trail.
type TrailPlace struct {
	Origin   string `json:"origin"`
	Position uint64 `json:"position"`
	Leaf     uint64 `json:"leaf"`
	Size     uint64 `json:"size"`
	Root     string `json:"root"`
}

// certify writes the effective certificate: it waits for the trail to cover the
// destruction, tries the person's old envelopes, signs, and records.
func (a *App) certify(ctx context.Context, state erasure.State) error {
	position, err := a.positionOfDestruction(ctx, state.CaseID)
	if err != nil {
		return err
	}
	if err := a.trailCovers(ctx, position); err != nil {
		return err
	}
	proof, err := a.ledger.Prove(ctx, position)
	if err != nil {
		return fmt.Errorf("place the destruction in the trail: %w", err)
	}
	probes, err := a.probe(ctx, state.PersonID)
	if err != nil {
		return err
	}
	if probes.Tried == 0 || probes.Erased != probes.Tried {
		return fmt.Errorf("%d of %d old envelopes do not answer erased", probes.Tried-probes.Erased, probes.Tried)
	}
	checkpoint := a.ledger.Checkpoint()
	now := a.clock().UTC()
	text, err := json.MarshalIndent(Certificate{
		Type: certificateType, Kind: "effective", Case: state.CaseID, Scope: state.Scope,
		RequestedAt: state.RequestedAt, DestroyedAt: state.DestroyedAt,
		EffectiveBy: state.DestroyedAt.Add(cacheBound), CertifiedAt: now,
		Keys: state.Keys, Lookups: state.Lookups, Retained: state.Retained,
		Caches: "every process drops cached keys when notified; one that is not notified stops using them within " + cacheBound.String(),
		Probes: probes,
		NotCovered: []string{
			"copies of the key store made before the destruction, until they are deleted or their key epoch is retired",
			"packages handed out before, and devices not seen since",
		},
		ClaimHash: state.ClaimHash,
		Trail: TrailPlace{
			Origin: a.trailOrigin(), Position: position, Leaf: proof.Index, Size: checkpoint.Size, Root: checkpoint.Root.String(),
		},
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	signed, err := a.ledger.SignNote(string(text) + "\n")
	if err != nil {
		return fmt.Errorf("sign certificate: %w", err)
	}
	_, err = domain.Handle(ctx, a.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(a.tenant, state.CaseID), Key: "certify",
		Actor: eventschema.Actor{ID: a.operator, Role: erasureActor},
	}, erasure.Command(erasure.Certify{CertifiedAt: now, Leaf: proof.Index, Position: position, Certificate: signed}))
	return err
}

// cacheBound is the longest a key may be used after its destruction by a process
// that was not notified: the cache time of readers plus the allowance for clocks.
const cacheBound = 65 * time.Second

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

// probe opens every envelope of the person's own stream and counts the answers.
func (a *App) probe(ctx context.Context, personID uuid.UUID) (Probes, error) {
	var probes Probes
	for recorded, err := range a.store.ReadStream(ctx, eventschema.PersonStream(a.tenant, personID).String(), 0) {
		if err != nil {
			return probes, err
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return probes, err
		}
		for _, sealed := range decoded.Sealed {
			opening, err := a.keys.Open(ctx, decoded.At(sealed), sealed.Envelope, eventschema.UseAudit)
			if err != nil {
				return probes, fmt.Errorf("try an old envelope: %w", err)
			}
			probes.Tried++
			if opening.State == eventschema.StateErased {
				probes.Erased++
			}
		}
	}
	return probes, nil
}
