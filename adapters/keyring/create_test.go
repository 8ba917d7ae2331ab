package keyring_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func TestCreatingTwiceMakesOneKey(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	refs := make([]keyring.Ref, 20)
	for i := range refs {
		refs[i] = keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	}
	var together sync.WaitGroup
	for i := range 8 {
		together.Go(func() {
			k := a
			if i%2 == 0 {
				k = b
			}
			if err := k.Create(t.Context(), append(refs, refs...)...); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	if n := s.count(t, "dek"); n != int64(len(refs)) {
		t.Fatalf("%d keys, want %d", n, len(refs))
	}
	for _, ref := range refs {
		wantClear(t, b, ref, seal(t, a, ref))
	}
}

func TestReferencesThatNameNoKey(t *testing.T) {
	k := newStore(t).open(t)
	good := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
	cases := map[string]func(*keyring.Ref){
		"without tenant":               func(r *keyring.Ref) { r.Tenant = uuid.Nil },
		"without subject":              func(r *keyring.Ref) { r.Subject = uuid.Nil },
		"an unknown purpose":           func(r *keyring.Ref) { r.Purpose = "marketing" },
		"a month for a person's key":   func(r *keyring.Ref) { r.Period = "2026-03" },
		"a location key without month": func(r *keyring.Ref) { r.Purpose = eventschema.PurposeLocation },
		"a month that is none":         func(r *keyring.Ref) { r.Purpose, r.Period = eventschema.PurposeLocation, "2026-13" },
		"a technical key of a person":  func(r *keyring.Ref) { r.Purpose, r.Period = eventschema.PurposeTechnical, "2026-03-05" },
		"a technical key without day":  func(r *keyring.Ref) { r.Purpose, r.Subject = eventschema.PurposeTechnical, r.Tenant },
	}
	for rule, spoil := range cases {
		t.Run(rule, func(t *testing.T) {
			bad := good
			spoil(&bad)
			wantErr(t, k.Create(t.Context(), good, bad), keyring.ErrRef)
		})
	}
	status, err := k.Status(t.Context(), tenant, good.Subject)
	if err != nil || len(status) != 0 {
		t.Fatalf("part of a refused creation remains: %v %v", status, err)
	}
}

func TestNoKeyIsMadeForASubjectThatIsLeaving(t *testing.T) {
	k := newStore(t).open(t)
	underCase := uuid.New()
	prepare := map[string]struct {
		do        func(t *testing.T, ref keyring.Ref)
		fresh     error // a key that does not exist yet
		repeated  error // the key that exists
		sealing   error
		wantFence keyring.Fence
	}{
		"closing": {
			do:    func(t *testing.T, ref keyring.Ref) { fence(t, k, underCase, keyring.FenceClosing, ref) },
			fresh: keyring.ErrSubjectClosing, repeated: keyring.ErrSubjectClosing, sealing: keyring.ErrSubjectClosing,
			wantFence: keyring.FenceClosing,
		},
		"restricted": {
			do:    func(t *testing.T, ref keyring.Ref) { fence(t, k, underCase, keyring.FenceRestricted, ref) },
			fresh: keyring.ErrSubjectRestricted, wantFence: keyring.FenceRestricted,
		},
		"erased": {
			do:    func(t *testing.T, ref keyring.Ref) { erase(t, k, ref) },
			fresh: keyring.ErrSubjectErased, repeated: keyring.ErrSubjectErased, sealing: keyring.ErrSubjectErased,
			wantFence: keyring.FenceErased,
		},
	}
	for rule, c := range prepare {
		t.Run(rule, func(t *testing.T) {
			ref := subject(t, k)
			seal(t, k, ref)
			c.do(t, ref)
			fresh := ref
			fresh.Purpose = eventschema.PurposeContact
			wantErr(t, k.Create(t.Context(), fresh), c.fresh)
			wantErr(t, k.Create(t.Context(), ref), c.repeated)
			_, err := k.Seal(t.Context(), at(ref), []byte(name))
			wantErr(t, err, c.sealing)
			status, err := k.Status(t.Context(), tenant, ref.Subject)
			if err != nil || status[ref.Subject].Fence != c.wantFence {
				t.Fatalf("%v %v", status, err)
			}
			wantErr(t, k.Create(t.Context(), keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: ref.Purpose}, fresh), c.fresh)
		})
	}
}

func fence(tb testing.TB, k *keyring.Keyring, underCase uuid.UUID, to keyring.Fence, ref keyring.Ref) {
	tb.Helper()
	if err := k.SetFence(tb.Context(), ref.Tenant, underCase, to, ref.Subject); err != nil {
		tb.Fatal(err)
	}
}

func TestARestrictedSubjectOpensForClaimsAndAuditsOnly(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	ref := subject(t, a)
	envelope := seal(t, a, ref)
	underCase := uuid.New()
	fence(t, a, underCase, keyring.FenceRestricted, ref)
	for _, then := range []keyring.Fence{keyring.FenceRestricted, keyring.FenceClosing} {
		fence(t, a, underCase, then, ref) // closing does not lift the restriction
		for use, want := range map[eventschema.Use]eventschema.State{
			eventschema.UseService: eventschema.StateRestricted, "": eventschema.StateRestricted,
			eventschema.UseLegalClaim: eventschema.StateClear, eventschema.UseAudit: eventschema.StateClear,
		} {
			named := underCase
			if want == eventschema.StateClear {
				named = uuid.Nil
			}
			wantState(t, a, ref, envelope, use, want, named)
			wantState(t, s.open(t), ref, envelope, use, want, named)
		}
	}
	wantErr(t, b.SetFence(t.Context(), tenant, uuid.New(), keyring.FenceOpen, ref.Subject), keyring.ErrOtherCase)
	fence(t, b, underCase, keyring.FenceOpen, ref)
	wantClear(t, s.open(t), ref, envelope)
	erase(t, b, ref)
	wantErr(t, b.SetFence(t.Context(), tenant, underCase, keyring.FenceOpen, ref.Subject), keyring.ErrSubjectErased)
}

func TestPrefetchedKeysOpenWithoutAQuery(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	var subjects []uuid.UUID
	var refs []keyring.Ref
	for range 300 {
		ref := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeIdentity}
		contact := ref
		contact.Purpose = eventschema.PurposeContact
		refs, subjects = append(refs, ref, contact), append(subjects, ref.Subject)
	}
	create(t, k, refs...)
	reader := s.open(t)
	if err := reader.Prefetch(t.Context(), tenant, append(subjects, uuid.New())); err != nil {
		t.Fatal(err)
	}
	sealer := s.open(t)
	if err := sealer.PrepareSeals(t.Context(), refs...); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `ALTER TABLE dek RENAME TO dek_away`)
	for _, ref := range refs {
		wantClear(t, reader, ref, seal(t, sealer, ref))
	}
}
