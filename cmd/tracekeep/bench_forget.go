package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

const (
	// benchHolders is how many processes hold a key when it is destroyed.
	benchHolders = 8
	// lastUseBound is the longest that any process can use a destroyed key: the
	// cache time of readers and the allowance for clocks.
	lastUseBound = 65 * time.Second
	// unwrapped is how many keys are fetched that no cache has.
	unwrapped = 2000
)

// unwrapping measures how fast keys are unwrapped: alone, and fetched one by one
// from the database by a process that has none yet.
func (b *bench) unwrapping(ctx context.Context, a *app.App) (err error) {
	refs := make([]keyring.Ref, unwrapped)
	for i := range refs {
		refs[i] = keyring.Ref{Tenant: a.Tenant(), Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	}
	if err := a.Keys().Create(ctx, refs...); err != nil {
		return err
	}
	places, envelopes := make([]eventschema.Coordinates, len(refs)), make([][]byte, len(refs))
	for i, ref := range refs {
		places[i] = eventschema.Coordinates{
			Tenant: ref.Tenant, Subject: ref.Subject, Purpose: ref.Purpose, Stream: eventschema.PersonStream(ref.Tenant, ref.Subject).String(),
			EventID: uuid.New(), EventType: "person-registered", SchemaVersion: 1, Section: "identity",
		}
		if envelopes[i], err = a.Keys().Seal(ctx, places[i], benchSection); err != nil {
			return err
		}
	}
	var fetched, alone []float64
	for range b.Runs {
		seconds, err := b.coldOpens(ctx, a, places, envelopes)
		if err != nil {
			return err
		}
		fetched = append(fetched, seconds*1e6/float64(len(refs)))
		copied, err := a.Keys().CopyNow(ctx, "bench")
		if err != nil {
			return err
		}
		started := b.t.clock()
		if _, err := a.Keys().Try(ctx, copied, nil, nil, nil); err != nil {
			return err
		}
		alone = append(alone, float64(copied.Keys())/b.t.clock().Sub(started).Seconds())
	}
	return errors.Join(
		b.report("unwrap a key, one core", median(alone), "keys/s", goal{}),
		b.report("fetch, unwrap and use a key that is not cached", median(fetched), "µs", goal{}),
	)
}

// coldOpens opens each envelope in a process that has no key yet.
func (b *bench) coldOpens(ctx context.Context, a *app.App, places []eventschema.Coordinates, envelopes [][]byte) (seconds float64, err error) {
	k, err := a.OpenKeys(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	started := b.t.clock()
	for i := range places {
		if opening, err := k.Open(ctx, places[i], envelopes[i], eventschema.UseService); err != nil || opening.State != eventschema.StateClear {
			return 0, fmt.Errorf("open with a fetched key: %s, %w", opening.State, err)
		}
	}
	return b.t.clock().Sub(started).Seconds(), nil
}

// holders are so many processes on one key store, the first of which is the App's.
func (b *bench) holders(ctx context.Context, a *app.App) (all []*keyring.Keyring, end func() error, err error) {
	all = []*keyring.Keyring{a.Keys()}
	end = func() (err error) {
		for _, k := range all[1:] {
			err = errors.Join(err, k.Close())
		}
		return err
	}
	for len(all) < benchHolders {
		k, err := a.OpenKeys(ctx)
		if err != nil {
			return nil, nil, errors.Join(err, end())
		}
		all = append(all, k)
	}
	return all, end, nil
}

// heldKey is a key that every holder has cached, and the order to destroy it.
func (b *bench) heldKey(ctx context.Context, holders []*keyring.Keyring, tenant uuid.UUID) (at eventschema.Coordinates, envelope []byte, order keyring.Order, err error) {
	subject := uuid.New()
	at = eventschema.Coordinates{
		Tenant: tenant, Subject: subject, Purpose: eventschema.PurposeIdentity, Stream: eventschema.PersonStream(tenant, subject).String(),
		EventID: uuid.New(), EventType: "person-registered", SchemaVersion: 1, Section: "identity",
	}
	order = keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{{Subject: subject}}, Erase: []uuid.UUID{subject}}
	if err := holders[0].Create(ctx, keyring.Ref{Tenant: tenant, Subject: subject, Purpose: at.Purpose}); err != nil {
		return at, nil, order, err
	}
	if envelope, err = holders[0].Seal(ctx, at, benchSection); err != nil {
		return at, nil, order, err
	}
	for _, k := range holders {
		if _, err := k.Open(ctx, at, envelope, eventschema.UseService); err != nil {
			return at, nil, order, err
		}
	}
	return at, envelope, order, nil
}

// forgetting measures from the order to destroy a key until every process that
// held it has acknowledged.
func (b *bench) forgetting(ctx context.Context, a *app.App) (err error) {
	holders, end, err := b.holders(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	var waits []float64
	for range b.Runs {
		_, _, order, err := b.heldKey(ctx, holders, a.Tenant())
		if err != nil {
			return err
		}
		started := b.t.clock()
		if _, err := a.Keys().Destroy(ctx, order); err != nil {
			return err
		}
		quiet, err := a.Keys().Quiesce(ctx, a.Tenant(), order.Case)
		if err != nil {
			return err
		}
		if len(quiet.Acknowledged) != len(holders) || len(quiet.Silent) > 0 {
			return fmt.Errorf("%d of %d processes acknowledged", len(quiet.Acknowledged), len(holders))
		}
		waits = append(waits, float64(b.t.clock().Sub(started).Microseconds())/1000)
	}
	return b.report(fmt.Sprintf("destroy a key until %d processes have acknowledged", benchHolders), median(waits), "ms", goal{})
}

// deaf measures how long after its destruction a key is used in processes that hear
// no notification. They ask every five seconds; one that could not even ask would
// stop at the bound.
func (b *bench) deaf(ctx context.Context, a *app.App) (err error) {
	holders, end, err := b.holders(ctx, a)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	for _, k := range holders[1:] {
		k.LoseNotices()
	}
	longest := 0.0
	for range b.Runs {
		at, envelope, order, err := b.heldKey(ctx, holders, a.Tenant())
		if err != nil {
			return err
		}
		if _, err := a.Keys().Destroy(ctx, order); err != nil {
			return err
		}
		destroyed := b.t.clock()
		for using := holders; len(using) > 0; {
			var still []*keyring.Keyring
			for _, k := range using {
				opening, err := k.Open(ctx, at, envelope, eventschema.UseService)
				if err != nil {
					return err
				}
				if opening.State == eventschema.StateClear {
					longest = max(longest, b.t.clock().Sub(destroyed).Seconds())
					still = append(still, k)
				}
			}
			using = still
		}
	}
	return b.report(fmt.Sprintf("destroy a key until its last use, %d processes that hear nothing, the longest", benchHolders), longest, "s", atMost(lastUseBound.Seconds()))
}
