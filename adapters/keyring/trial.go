package keyring

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Probe is an old envelope that is tried, and where it stood.
type Probe struct {
	At       eventschema.Coordinates
	Envelope []byte
}

// Trial is what one copy of the key store, put to what unwraps one of its epochs,
// was good for.
type Trial struct {
	Copy   string
	Epoch  int
	With   string // the provider's name, or the escrow
	Unlock string // empty when the epoch opened, else why it did not
	Keys   int    // keys that were unwrapped and tried on every envelope
	Opened []int  // probes that a key opened
}

// OpenedEscrow is an unlocked escrow. The caller forgets it.
type OpenedEscrow struct {
	ID     uuid.UUID
	inside escrowed
}

// Forget overwrites its keys.
func (e OpenedEscrow) Forget() { e.inside.forget() }

// OpenEscrow unlocks an escrow.
func OpenEscrow(safe Safe, file []byte) (OpenedEscrow, error) {
	inside, err := safe.unlock(file)
	if err != nil {
		return OpenedEscrow{}, fmt.Errorf("open an escrow: %w", err)
	}
	return OpenedEscrow{ID: inside.Escrow, inside: inside}, nil
}

// Try does what somebody could do who holds a copy of the key store: it unwraps
// each of its epochs with the providers of this key store and with every escrow,
// every key with these, and puts each key to each envelope, also to those that name
// another key. It answers an error when a provider cannot be asked, because then
// nothing is shown. Nothing is cached, and no opened value is kept.
func (k *Keyring) Try(ctx context.Context, c *Copy, escrows []OpenedEscrow, probes []Probe, progress func(done, all int)) ([]Trial, error) {
	heads := make([]header, len(probes))
	for i, p := range probes {
		var err error
		if heads[i], err = parseEnvelope(p.Envelope); err != nil {
			return nil, fmt.Errorf("try envelope %d: %w", i, err)
		}
	}
	var trials []Trial
	for _, row := range c.epochs {
		kek, index, err := k.custody.unwrapRow(ctx, row)
		clear(index)
		trial := Trial{Copy: c.Name, Epoch: row.number, With: "provider " + row.provider}
		switch {
		case errors.Is(err, ErrNoKEK):
			trial.Unlock = "its provider key is gone"
		case errors.Is(err, ErrWrongKEK):
			trial.Unlock = "the provider's key did not wrap it"
		case errors.Is(err, ErrUnknownProvider):
			trial.Unlock = "its provider is not configured here"
		case err != nil:
			return nil, fmt.Errorf("try %s: %w", c.Name, err)
		}
		if err == nil {
			err = c.try(ctx, &trial, kek, probes, heads, progress)
			clear(kek)
		} else {
			err = nil
		}
		if err != nil {
			return nil, fmt.Errorf("try %s: %w", c.Name, err)
		}
		trials = append(trials, trial)
	}
	for _, e := range escrows {
		for _, held := range e.inside.Epochs {
			trial := Trial{Copy: c.Name, Epoch: held.Epoch, With: "escrow " + e.ID.String()}
			if err := c.try(ctx, &trial, held.KEK, probes, heads, progress); err != nil {
				return nil, fmt.Errorf("try %s: %w", c.Name, err)
			}
			trials = append(trials, trial)
		}
	}
	return trials, nil
}

// try unwraps the keys of one epoch and puts each to each envelope.
func (c *Copy) try(ctx context.Context, trial *Trial, kek []byte, probes []Probe, heads []header, progress func(done, all int)) error {
	under, err := newAEAD(kek)
	if err != nil {
		return err
	}
	in := &Keyring{}
	in.epochs.replace([]epoch{{number: trial.Epoch, kek: under}})
	for i := range c.keys {
		if progress != nil && i%1000 == 0 {
			progress(i, len(c.keys))
		}
		row := &c.keys[i]
		if row.epoch != trial.Epoch {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		key, err := in.unwrapRow(row)
		if err != nil {
			continue // of another epoch in part, or not of this store
		}
		e, err := newEntry(row.id, row.ref, key, instant{})
		if err != nil {
			return err
		}
		trial.Keys++
		for p := range probes {
			e.id = heads[p].keyID
			if _, err := openEnvelope(e, heads[p], probes[p].At); err == nil && !slices.Contains(trial.Opened, p) {
				trial.Opened = append(trial.Opened, p)
			}
		}
	}
	return nil
}
