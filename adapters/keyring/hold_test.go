package keyring_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func placeHold(tb testing.TB, k *keyring.Keyring, holds ...keyring.Hold) {
	tb.Helper()
	if err := k.PlaceHold(tb.Context(), holds...); err != nil {
		tb.Fatal(err)
	}
}

func held(ref keyring.Ref, matter uuid.UUID, purposes ...eventschema.Purpose) keyring.Hold {
	return keyring.Hold{Tenant: ref.Tenant, Matter: matter, Subject: ref.Subject, Purposes: purposes}
}

// promise: RR-36
// promise: DS-29
func TestWhatAHoldKeepsIsNotDestroyed(t *testing.T) {
	identity, contact := eventschema.PurposeIdentity, eventschema.PurposeContact
	cases := map[string]struct {
		hold    []eventschema.Purpose
		destroy []eventschema.Purpose
		refused []eventschema.Purpose
	}{
		"a hold on everything keeps everything":            {nil, nil, []eventschema.Purpose{contact, identity}},
		"a hold on everything keeps one purpose":           {nil, []eventschema.Purpose{contact}, []eventschema.Purpose{contact}},
		"a hold on one purpose keeps it from a wide order": {[]eventschema.Purpose{contact}, nil, []eventschema.Purpose{contact}},
		"a hold on one purpose does not keep another":      {[]eventschema.Purpose{contact}, []eventschema.Purpose{identity}, nil},
		"a hold on a purpose without a key keeps nothing":  {[]eventschema.Purpose{eventschema.PurposeThirdParty}, nil, nil},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			ref := subject(t, k, contact)
			envelope := seal(t, k, ref)
			matter := uuid.New()
			placeHold(t, k, held(ref, matter, c.hold...))
			order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{{Subject: ref.Subject, Purposes: c.destroy}}}
			_, err := k.Destroy(t.Context(), order)
			if c.refused == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			wantErr(t, err, keyring.ErrHeld)
			var refusal *keyring.HeldError
			if !errors.As(err, &refusal) || !slices.Equal(refusal.Matters, []uuid.UUID{matter}) || !slices.Equal(refusal.Purposes, c.refused) {
				t.Fatalf("%+v", refusal)
			}
			if !strings.Contains(err.Error(), matter.String()) || strings.Contains(err.Error(), ref.Subject.String()) {
				t.Errorf("the refusal must name the matter and nobody: %v", err)
			}
			wantUntouched(t, s, ref, envelope)
			if n, err := k.LiftHold(t.Context(), tenant, matter); err != nil || n != 1 && n != len(c.hold) {
				t.Fatalf("lifted %d: %v", n, err)
			}
			if _, err := k.Destroy(t.Context(), order); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestEachMatterHoldsForItself(t *testing.T) {
	k := newStore(t).open(t)
	ref, other := subject(t, k), subject(t, k)
	first, second := uuid.New(), uuid.New()
	placeHold(t, k, held(ref, first), held(ref, second, eventschema.PurposeIdentity), held(other, first))
	placeHold(t, k, held(ref, first)) // again
	lift := func(matter uuid.UUID, want int, subjects ...uuid.UUID) {
		t.Helper()
		if n, err := k.LiftHold(t.Context(), tenant, matter, subjects...); err != nil || n != want {
			t.Fatalf("lifted %d, want %d: %v", n, want, err)
		}
	}
	lift(first, 1, ref.Subject)
	_, err := k.Destroy(t.Context(), eraseOrder(ref))
	wantErr(t, err, keyring.ErrHeld)
	lift(second, 1)
	lift(second, 0)
	erase(t, k, ref)
	_, err = k.Destroy(t.Context(), eraseOrder(other))
	wantErr(t, err, keyring.ErrHeld)
}

func TestHoldsInForceAreListed(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	matter, over := uuid.New(), uuid.New()
	until := s.clock.Now().Add(time.Hour).Truncate(time.Microsecond)
	want := []keyring.Hold{{Tenant: tenant, Matter: matter, Subject: ref.Subject, Purposes: []eventschema.Purpose{"contact", "identity"}, Expires: until}}
	placeHold(t, k, want...)
	placeHold(t, k, keyring.Hold{Tenant: tenant, Matter: over, Subject: ref.Subject, Expires: s.clock.Now().Add(-time.Hour)})
	got, err := k.Holds(t.Context(), tenant, ref.Subject)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// Evidence is not released by one clock that runs ahead.
func TestAHoldLapsesWhenBothClocksSaySo(t *testing.T) {
	real, test := time.Now(), time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		expires time.Time
		advance time.Duration
		held    bool
	}{
		"neither clock":                  {real.Add(time.Hour), 0, true},
		"the clock of the database only": {test.Add(time.Hour), 0, true},
		"the clock of the process only":  {real.Add(time.Hour), 50 * 365 * 24 * time.Hour, true},
		"both":                           {test.Add(time.Hour), 2 * time.Hour, false},
		"a hold without an end":          {time.Time{}, 50 * 365 * 24 * time.Hour, true},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			ref := subject(t, k)
			hold := held(ref, uuid.New())
			hold.Expires = c.expires
			placeHold(t, k, hold)
			s.clock.advance(c.advance, c.advance)
			_, err := k.Destroy(t.Context(), eraseOrder(ref))
			if errors.Is(err, keyring.ErrHeld) != c.held || !c.held && err != nil {
				t.Fatalf("held is %v: %v", !c.held, err)
			}
		})
	}
}

func TestHoldsThatAreRefused(t *testing.T) {
	k := newStore(t).open(t)
	ref, gone := subject(t, k), subject(t, k)
	erase(t, k, gone)
	good := held(ref, uuid.New())
	for rule, c := range map[string]struct {
		hold keyring.Hold
		want error
	}{
		"without matter":          {held(ref, uuid.Nil), keyring.ErrOrder},
		"an unknown purpose":      {held(ref, uuid.New(), "marketing"), keyring.ErrOrder},
		"somebody without keys":   {held(keyring.Ref{Tenant: tenant, Subject: uuid.New()}, uuid.New()), keyring.ErrNoKey},
		"somebody who was erased": {held(gone, uuid.New()), keyring.ErrSubjectErased},
	} {
		t.Run(rule, func(t *testing.T) {
			wantErr(t, k.PlaceHold(t.Context(), good, c.hold), c.want)
			holds, err := k.Holds(t.Context(), tenant, ref.Subject, gone.Subject)
			if err != nil || len(holds) != 0 {
				t.Fatalf("part of a refused placing remains: %v %v", holds, err)
			}
		})
	}
}

// A hold and a destruction race: either the hold came first and the key lives,
// or the key was gone and the hold says so.
func TestAHoldAndADestructionDoNotPassEachOther(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	for range 20 {
		ref := subject(t, a)
		var together sync.WaitGroup
		var placed, destroyed error
		together.Go(func() { placed = b.PlaceHold(t.Context(), held(ref, uuid.New())) })
		together.Go(func() { _, destroyed = a.Destroy(t.Context(), eraseOrder(ref)) })
		together.Wait()
		living := s.exec(t, `SELECT FROM dek WHERE subject = $1`, ref.Subject)
		switch {
		case placed == nil && errors.Is(destroyed, keyring.ErrHeld) && living == 1:
		case errors.Is(placed, keyring.ErrSubjectErased) && destroyed == nil && living == 0:
		default:
			t.Fatalf("placed %v, destroyed %v, %d keys", placed, destroyed, living)
		}
	}
}
