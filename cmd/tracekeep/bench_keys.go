package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// benchSection is as long as the section of a registration.
var benchSection = []byte(`{"legal_name":"Somebody Measured At Length","birth_date":"1990-02-28","photo":"b7e1","login":"somebody.measured@bench.example"}`)

// keyStore measures the keys: sealing beside the bare cipher, fetching, moving
// to the next epoch, opening a directory, and forgetting in several processes.
func (b *bench) keyStore(ctx context.Context) error {
	return b.inFolder(ctx, benchPeople, func(a *app.App, _ importCommand) error {
		for _, measure := range []func(context.Context, *app.App) error{b.sealing, b.unwrapping, b.forgetting, b.deaf, b.crowd, b.rotation} {
			if err := measure(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}

// rate calls do for a while on one core and answers how often a second.
func (b *bench) rate(do func() error) (float64, error) {
	const span = time.Second
	started, n := b.t.clock(), 0
	for {
		for range 1000 {
			if err := do(); err != nil {
				return 0, err
			}
		}
		n += 1000
		if took := b.t.clock().Sub(started); took >= span {
			return float64(n) / took.Seconds(), nil
		}
	}
}

func (b *bench) sealing(ctx context.Context, a *app.App) error {
	ref := keyring.Ref{Tenant: a.Tenant(), Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	if err := a.Keys().Create(ctx, ref); err != nil {
		return err
	}
	at := eventschema.Coordinates{
		Tenant: ref.Tenant, Subject: ref.Subject, Purpose: ref.Purpose, Stream: eventschema.PersonStream(ref.Tenant, ref.Subject).String(),
		EventID: uuid.New(), EventType: "person-registered", SchemaVersion: 1, Section: "identity",
	}
	envelope, err := a.Keys().Seal(ctx, at, benchSection)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return err
	}
	bare, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	nonce, aad := make([]byte, bare.NonceSize()), make([]byte, 250)
	var raws, rates, seals, opens []float64
	for range b.Runs {
		raw, err := b.rate(func() error {
			_, err := io.ReadFull(b.t.random, nonce)
			bare.Seal(make([]byte, 0, len(benchSection)+bare.Overhead()), nonce, benchSection, aad)
			return err
		})
		if err != nil {
			return err
		}
		sealed, err := b.rate(func() error { _, err := a.Keys().Seal(ctx, at, benchSection); return err })
		if err != nil {
			return err
		}
		opened, err := b.rate(func() error { _, err := a.Keys().Open(ctx, at, envelope, eventschema.UseService); return err })
		if err != nil {
			return err
		}
		raws, rates, seals, opens = append(raws, raw), append(rates, sealed/raw), append(seals, sealed), append(opens, opened)
	}
	return errors.Join(
		b.report("AES-256-GCM with a random nonce alone, one core", median(raws), "seals/s", goal{}),
		b.report("seal a section, one core", median(seals), "seals/s", goal{}),
		b.report("open a section, one core", median(opens), "opens/s", goal{}),
		b.report("seal : AES-256-GCM with a random nonce alone", median(rates), "ratio", goal{}),
	)
}

// crowd opens the directory of many people, which HR searches.
func (b *bench) crowd(ctx context.Context, a *app.App) error {
	if err := a.RegisterMany(ctx, b.Crowd); err != nil {
		return err
	}
	if err := a.CatchUp(ctx, nil); err != nil {
		return err
	}
	started := b.t.clock()
	people, err := a.FindPerson(ctx, operator(a), "")
	if err != nil {
		return err
	}
	opening := b.t.clock().Sub(started)
	started = b.t.clock()
	if _, err := a.FindPerson(ctx, operator(a), "Measured 77"); err != nil {
		return err
	}
	return errors.Join(
		b.report(fmt.Sprintf("open the directory of %d people", len(people)), float64(opening.Microseconds())/1000, "ms", goal{}),
		b.report("search it by name", float64(b.t.clock().Sub(started).Microseconds())/1000, "ms", goal{}),
	)
}

// rotation moves many keys to the next epoch and retires the old one.
func (b *bench) rotation(ctx context.Context, a *app.App) error {
	purposes := eventschema.KeysMade(eventschema.AtRegistration)
	epochs, err := a.Keys().Epochs(ctx)
	if err != nil {
		return err
	}
	for keys := epochs[0].Keys; keys < b.Keys; {
		var refs []keyring.Ref
		for len(refs) < min(6000, b.Keys-keys) {
			subject := uuid.New()
			for _, purpose := range purposes {
				refs = append(refs, keyring.Ref{Tenant: a.Tenant(), Subject: subject, Purpose: purpose})
			}
		}
		if err := a.Keys().Create(ctx, refs...); err != nil {
			return err
		}
		keys += len(refs)
	}
	steps := map[keyring.RotationStep]time.Time{}
	options := keyring.RotateOptions{
		RetireOptions: keyring.RetireOptions{WithoutBackup: true},
		Progress:      func(step keyring.RotationStep, _, _ int64) { steps[step] = b.t.clock() },
	}
	done, err := a.Keys().Rotate(ctx, options)
	if err != nil {
		return err
	}
	moving, testing := steps[keyring.StepRewrap].Sub(steps[keyring.StepCreate]), steps[keyring.StepTest].Sub(steps[keyring.StepTokens])
	return errors.Join(
		b.report(fmt.Sprintf("move %d keys to the next epoch", done.Moved), moving.Seconds(), "s", goal{}),
		b.report("keys moved", float64(done.Moved)/moving.Seconds(), "keys/s", goal{}),
		b.report("keys opened in the restore test", float64(done.Test.Keys)/testing.Seconds(), "keys/s", goal{}),
	)
}
