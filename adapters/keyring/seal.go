package keyring

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"tracekeep/eventschema"
)

// Seal seals a section under the living key of its subject and purpose, which
// must exist: [ErrNoKey], [ErrSubjectClosing] or [ErrSubjectErased] otherwise.
// Once [Keyring.Destroy] has returned, no Seal of this process succeeds with a
// destroyed key; other processes stop within milliseconds, and after ten
// seconds in any case.
func (k *Keyring) Seal(ctx context.Context, at eventschema.Coordinates, plaintext []byte) ([]byte, error) {
	ref := refOf(at)
	for range attempts {
		envelope, hit, err := k.sealCached(ref, at, plaintext)
		if err != nil {
			return nil, fmt.Errorf("seal for %s: %w", at.Purpose, err)
		}
		if hit {
			return envelope, nil
		}
		if err := k.fetchSealers(ctx, []Ref{ref}); err != nil && !errors.Is(err, errInvalidated) {
			return nil, fmt.Errorf("seal for %s: %w", at.Purpose, err)
		}
	}
	return nil, fmt.Errorf("seal for %s: %w", at.Purpose, errInvalidated)
}

func (k *Keyring) sealCached(ref Ref, at eventschema.Coordinates, plaintext []byte) (envelope []byte, hit bool, err error) {
	now := k.now()
	k.cache.mu.RLock()
	defer k.cache.mu.RUnlock()
	e := k.cache.current[ref]
	if e == nil || !e.fetched.within(now, sealerTTL) || !k.cache.lease.within(now, leaseTTL) || e.allowance.Add(-1) < 0 {
		return nil, false, nil
	}
	envelope, err = sealEnvelope(e, k.random, at, plaintext)
	return envelope, true, err
}

// Open opens a section. [ErrCorrupt] says that the envelope was altered or
// stands in the wrong place, [ErrNoKey] that its key never existed here; both
// stop a replay. Restricted and held values open for a legal claim or an audit
// only.
// When Postgres cannot be asked the state is unavailable.
func (k *Keyring) Open(ctx context.Context, at eventschema.Coordinates, envelope []byte, use eventschema.Use) (eventschema.Opening, error) {
	h, err := parseEnvelope(envelope)
	if err != nil {
		return eventschema.Opening{}, fmt.Errorf("open for %s: %w", at.Purpose, err)
	}
	for range attempts {
		opening, hit, err := k.openCached(h, at, use)
		if err != nil {
			return eventschema.Opening{}, fmt.Errorf("open for %s: %w", at.Purpose, err)
		}
		if hit {
			return opening, nil
		}
		err = k.fetchByID(ctx, h.keyID)
		switch {
		case err == nil, errors.Is(err, errInvalidated):
		case errors.Is(err, ErrNoKey), errors.Is(err, ErrCorrupt):
			return eventschema.Opening{}, fmt.Errorf("open for %s: %w", at.Purpose, err)
		case ctx.Err() != nil:
			return eventschema.Opening{}, fmt.Errorf("open for %s: %w", at.Purpose, ctx.Err())
		default:
			k.log.Warn("the key store cannot be asked", zap.Error(err))
			return eventschema.Opening{State: eventschema.StateUnavailable}, nil
		}
	}
	return eventschema.Opening{State: eventschema.StateUnavailable}, nil
}

func (k *Keyring) openCached(h header, at eventschema.Coordinates, use eventschema.Use) (opening eventschema.Opening, hit bool, err error) {
	now := k.now()
	k.cache.mu.RLock()
	defer k.cache.mu.RUnlock()
	e := k.cache.byID[h.keyID]
	if e == nil || !e.fetched.within(now, readerTTL) || !k.cache.lease.within(now, leaseTTL) {
		return opening, false, nil
	}
	if e.erased {
		if e.ref.Tenant != at.Tenant || e.ref.Purpose != at.Purpose {
			return opening, true, ErrCorrupt
		}
		return eventschema.Opening{State: eventschema.StateErased, Case: e.underCase}, true, nil
	}
	if e.ref != refOf(at) {
		return opening, true, ErrCorrupt
	}
	if e.withheld != "" && !legal(use) {
		return eventschema.Opening{State: e.withheld, Case: e.underCase}, true, nil
	}
	plain, err := openEnvelope(e, h, at)
	if err != nil {
		return opening, true, err
	}
	return eventschema.Opening{State: eventschema.StateClear, Plaintext: plain}, true, nil
}

func refOf(at eventschema.Coordinates) Ref {
	return Ref{Tenant: at.Tenant, Subject: at.Subject, Purpose: at.Purpose, Period: at.Period, Item: at.Item}
}
