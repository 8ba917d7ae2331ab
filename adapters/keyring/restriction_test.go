package keyring_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func restrict(tb testing.TB, k *keyring.Keyring, restrictions ...keyring.Restriction) {
	tb.Helper()
	if err := k.Restrict(tb.Context(), restrictions...); err != nil {
		tb.Fatal(err)
	}
}

// promise: RR-27
// promise: RR-28
// promise: OT-23
func TestARestrictedPurposeOpensForClaimsAndAuditsOnly(t *testing.T) {
	for _, kind := range []keyring.RestrictionKind{keyring.KindRestriction, keyring.KindObjection} {
		t.Run(string(kind), func(t *testing.T) {
			s := newStore(t)
			k, other := s.open(t), s.open(t)
			ref := subject(t, k, eventschema.PurposeContact)
			contact := ref
			contact.Purpose = eventschema.PurposeContact
			identity, mail := seal(t, k, ref), seal(t, k, contact)
			wantClear(t, other, contact, mail)
			underCase, second := uuid.New(), uuid.New()
			restriction := keyring.Restriction{Tenant: tenant, Case: underCase, Subject: ref.Subject, Kind: kind, Purposes: []eventschema.Purpose{eventschema.PurposeContact}}
			restrict(t, k, restriction)
			restrict(t, k, restriction) // again
			quiesce(t, k, underCase)
			for _, reader := range []*keyring.Keyring{k, other, s.open(t)} {
				wantState(t, reader, contact, mail, eventschema.UseService, eventschema.StateRestricted, underCase)
				wantState(t, reader, contact, mail, eventschema.UseLegalClaim, eventschema.StateClear, uuid.Nil)
				wantState(t, reader, contact, mail, eventschema.UseAudit, eventschema.StateClear, uuid.Nil)
				wantClear(t, reader, ref, identity)
			}
			wantState(t, other, contact, seal(t, k, contact), eventschema.UseService, eventschema.StateRestricted, underCase) // storing goes on

			got, err := k.Restrictions(t.Context(), tenant, ref.Subject)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]keyring.Restriction{restriction}, got); diff != "" {
				t.Fatal(diff)
			}
			wider := keyring.Restriction{Tenant: tenant, Case: second, Subject: ref.Subject, Kind: keyring.KindRestriction}
			restrict(t, k, wider)
			lift := func(of uuid.UUID, want int) {
				t.Helper()
				if n, err := k.LiftRestriction(t.Context(), tenant, of); err != nil || n != want {
					t.Fatalf("lifted %d: %v", n, err)
				}
			}
			lift(underCase, 1)
			lift(underCase, 0)
			wantState(t, k, contact, mail, eventschema.UseService, eventschema.StateRestricted, second)
			wantState(t, k, ref, identity, eventschema.UseService, eventschema.StateRestricted, second)
			lift(second, 1)
			wantClear(t, k, contact, mail)
			wantClear(t, s.open(t), ref, identity)
		})
	}
}

func TestNoKeyIsMadeForARestrictedPurpose(t *testing.T) {
	k := newStore(t).open(t)
	ref := subject(t, k)
	restrict(t, k, keyring.Restriction{Tenant: tenant, Case: uuid.New(), Subject: ref.Subject, Kind: keyring.KindObjection,
		Purposes: []eventschema.Purpose{eventschema.PurposeContact}})
	contact, third := ref, ref
	contact.Purpose, third.Purpose = eventschema.PurposeContact, eventschema.PurposeThirdParty
	wantErr(t, k.Create(t.Context(), contact), keyring.ErrSubjectRestricted)
	create(t, k, ref, third)
}

// A purpose that a case would destroy and a hold keeps answers held, for
// ordinary use, until the hold is lifted and it is destroyed.
//
// promise: DS-20
func TestWhatAHoldKeepsFromAnErasureIsHeld(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k, eventschema.PurposeContact)
	contact := ref
	contact.Purpose = eventschema.PurposeContact
	identity, mail := seal(t, k, ref), seal(t, k, contact)
	matter := uuid.New()
	only := []eventschema.Purpose{eventschema.PurposeContact}
	order := keyring.Order{Tenant: tenant, Case: uuid.New(),
		Destroy:  []keyring.Target{{Subject: ref.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeIdentity}}},
		Withhold: []keyring.Target{{Subject: ref.Subject, Purposes: only}},
	}
	_, err := k.Destroy(t.Context(), order)
	wantErr(t, err, keyring.ErrNotHeld) // nothing may be kept back without a hold
	placeHold(t, k, held(ref, matter, only...))
	wantClear(t, k, contact, mail) // a hold alone changes nothing for whoever works with it
	if _, err := k.Destroy(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	for _, reader := range []*keyring.Keyring{k, s.open(t)} {
		wantState(t, reader, ref, identity, eventschema.UseAudit, eventschema.StateErased, order.Case)
		wantState(t, reader, contact, mail, eventschema.UseService, eventschema.StateHeld, order.Case)
		wantState(t, reader, contact, mail, eventschema.UseLegalClaim, eventschema.StateClear, uuid.Nil)
	}
	released := func(want ...keyring.Restriction) {
		t.Helper()
		got, err := k.Released(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(append([]keyring.Restriction{}, want...), got); diff != "" {
			t.Fatal(diff)
		}
	}
	released()
	if n, err := k.LiftRestriction(t.Context(), tenant, order.Case); err != nil || n != 0 {
		t.Fatalf("what a hold keeps was opened again: %d %v", n, err)
	}
	if _, err := k.LiftHold(t.Context(), tenant, matter); err != nil {
		t.Fatal(err)
	}
	released(keyring.Restriction{Tenant: tenant, Case: order.Case, Subject: ref.Subject, Purposes: only, Kind: keyring.KindHeld})
	wantState(t, k, contact, mail, eventschema.UseService, eventschema.StateHeld, order.Case)
	last := eraseOrder(ref)
	if _, err := k.Destroy(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	wantState(t, k, contact, mail, eventschema.UseAudit, eventschema.StateErased, last.Case)
	released()
}

func TestAHoldThatLapsedReleasesWhatItKept(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	hold := held(ref, uuid.New())
	hold.Expires = s.clock.Now().Add(time.Hour)
	placeHold(t, k, hold)
	order := keyring.Order{Tenant: tenant, Case: uuid.New(), Withhold: []keyring.Target{{Subject: ref.Subject}}}
	if _, err := k.Destroy(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	s.clock.advance(2*time.Hour, 2*time.Hour)
	released, err := k.Released(t.Context(), tenant)
	if err != nil || len(released) != 1 || released[0].Case != order.Case {
		t.Fatalf("%v %v", released, err)
	}
}

func TestRestrictionsThatAreRefused(t *testing.T) {
	k := newStore(t).open(t)
	ref, gone := subject(t, k), subject(t, k)
	erase(t, k, gone)
	good := keyring.Restriction{Tenant: tenant, Case: uuid.New(), Subject: ref.Subject, Kind: keyring.KindRestriction}
	for rule, c := range map[string]struct {
		spoil func(*keyring.Restriction)
		want  error
	}{
		"without case":            {func(r *keyring.Restriction) { r.Case = uuid.Nil }, keyring.ErrOrder},
		"an unknown purpose":      {func(r *keyring.Restriction) { r.Purposes = []eventschema.Purpose{"marketing"} }, keyring.ErrOrder},
		"an unknown kind":         {func(r *keyring.Restriction) { r.Kind = "" }, keyring.ErrOrder},
		"held, which a case sets": {func(r *keyring.Restriction) { r.Kind = keyring.KindHeld }, keyring.ErrOrder},
		"somebody without keys":   {func(r *keyring.Restriction) { r.Subject = uuid.New() }, keyring.ErrNoKey},
		"somebody who was erased": {func(r *keyring.Restriction) { r.Subject = gone.Subject }, keyring.ErrSubjectErased},
	} {
		t.Run(rule, func(t *testing.T) {
			bad := good
			c.spoil(&bad)
			wantErr(t, k.Restrict(t.Context(), good, bad), c.want)
			if all, err := k.Restrictions(t.Context(), tenant, ref.Subject, gone.Subject); err != nil || len(all) != 0 {
				t.Fatalf("part of a refused restriction remains: %v %v", all, err)
			}
		})
	}
}
