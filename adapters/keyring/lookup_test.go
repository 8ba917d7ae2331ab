package keyring_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func badge(value string, person, work uuid.UUID) keyring.Token {
	return keyring.Token{Tenant: tenant, Kind: "badge", Value: value, Person: person, Work: work}
}

func index(tb testing.TB, k *keyring.Keyring, tokens ...keyring.Token) {
	tb.Helper()
	if err := k.Index(tb.Context(), tokens...); err != nil {
		tb.Fatal(err)
	}
}

func wantFound(tb testing.TB, k *keyring.Keyring, want map[string]keyring.Found, values ...string) {
	tb.Helper()
	got, err := k.Find(tb.Context(), tenant, "badge", values...)
	if err != nil {
		tb.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Fatal(diff)
	}
}

// promise: ST-05
func TestABadgeNumberFindsItsPerson(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	a, b := subject(t, k), subject(t, k)
	work := subject(t, k).Subject
	index(t, k, badge("A-17", a.Subject, work), badge("B-18", b.Subject, uuid.Nil))
	index(t, k, badge("A-17", a.Subject, work)) // again
	want := map[string]keyring.Found{"A-17": {Person: a.Subject, Work: work}, "B-18": {Person: b.Subject}}
	wantFound(t, k, want, "A-17", "B-18", "C-19")
	wantFound(t, s.open(t), want, "A-17", "B-18")
	if n := s.exec(t, `SELECT FROM lookup l WHERE position('A-17' IN l::text) > 0 OR position('412d3137' IN l::text) > 0`); n != 0 {
		t.Fatal("the column holds the value")
	}
	other, err := k.Find(t.Context(), uuid.New(), "badge", "A-17")
	if err != nil || len(other) != 0 {
		t.Fatalf("another tenant finds it: %v %v", other, err)
	}
	other, err = k.Find(t.Context(), tenant, "email", "A-17")
	if err != nil || len(other) != 0 {
		t.Fatalf("another kind finds it: %v %v", other, err)
	}
}

func TestAValueBelongsToOneSubject(t *testing.T) {
	k := newStore(t).open(t)
	a, b := subject(t, k).Subject, subject(t, k).Subject
	first, second := subject(t, k).Subject, subject(t, k).Subject
	index(t, k, badge("A-17", a, first))
	wantErr(t, k.Index(t.Context(), badge("B-18", b, uuid.Nil), badge("A-17", b, uuid.Nil)), keyring.ErrTaken)
	wantErr(t, k.Index(t.Context(), badge("C-19", a, uuid.Nil), badge("C-19", b, uuid.Nil)), keyring.ErrTaken)
	wantErr(t, k.Index(t.Context(), badge("A-17", uuid.Nil, second)), keyring.ErrTaken)
	index(t, k, badge("A-17", a, second)) // hired again under a new work id
	wantFound(t, k, map[string]keyring.Found{"A-17": {Person: a, Work: second}}, "A-17", "B-18", "C-19")
}

func TestTokensNeedALivingOwner(t *testing.T) {
	k := newStore(t).open(t)
	gone, closing := subject(t, k), subject(t, k)
	erase(t, k, gone)
	fence(t, k, uuid.New(), keyring.FenceClosing, closing)
	wantErr(t, k.Index(t.Context(), badge("A-17", gone.Subject, uuid.Nil)), keyring.ErrSubjectErased)
	wantErr(t, k.Index(t.Context(), badge("A-17", closing.Subject, uuid.Nil)), keyring.ErrSubjectClosing)
	wantErr(t, k.Index(t.Context(), badge("A-17", uuid.New(), uuid.Nil)), keyring.ErrNoKey)
	wantErr(t, k.Index(t.Context(), badge("A-17", uuid.Nil, uuid.Nil)), keyring.ErrToken)
	wantErr(t, k.Index(t.Context(), badge("", closing.Subject, uuid.Nil)), keyring.ErrToken)
	withoutKey := subject(t, k)
	mail := badge("A-17", withoutKey.Subject, uuid.Nil)
	mail.Purpose = eventschema.PurposeContact // nothing would take the token away again
	wantErr(t, k.Index(t.Context(), mail), keyring.ErrNoKey)
	wantFound(t, k, map[string]keyring.Found{}, "A-17")
}

// promise: ST-05
func TestTokensGoWithTheKeyOfTheirPurpose(t *testing.T) {
	cases := map[string]struct {
		purposes []eventschema.Purpose
		erase    bool
		left     []string
	}{
		"erasure takes all":                    {nil, true, nil},
		"the identity takes badge and login":   {[]eventschema.Purpose{eventschema.PurposeIdentity}, false, []string{"mail"}},
		"the contact takes the address only":   {[]eventschema.Purpose{eventschema.PurposeContact}, false, []string{"badge"}},
		"withdrawing location takes no tokens": {[]eventschema.Purpose{eventschema.PurposeLocation}, false, []string{"badge", "mail"}},
	}
	for rule, c := range cases {
		t.Run(rule, func(t *testing.T) {
			k := newStore(t).open(t)
			ref := subject(t, k, eventschema.PurposeContact, eventschema.PurposeLocation)
			mail := badge("mail", ref.Subject, uuid.Nil)
			mail.Purpose = eventschema.PurposeContact
			bystander := subject(t, k).Subject
			index(t, k, badge("badge", ref.Subject, uuid.Nil), mail, badge("other", bystander, uuid.Nil))
			order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{{Subject: ref.Subject, Purposes: c.purposes}}}
			if c.erase {
				order.Erase = []uuid.UUID{ref.Subject}
			}
			receipt, err := k.Destroy(t.Context(), order)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]keyring.Found{"other": {Person: bystander}}
			for _, value := range c.left {
				want[value] = keyring.Found{Person: ref.Subject}
			}
			wantFound(t, k, want, "badge", "mail", "other")
			if receipt.Lookups != 2-len(c.left) {
				t.Errorf("%d tokens deleted", receipt.Lookups)
			}
		})
	}
}

// A token that a rotation moves at this moment goes with its person too.
func TestATokenThatMovesDuringAnErasureIsDeleted(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	index(t, k, badge("A-17", ref.Subject, uuid.Nil))
	tx, err := connect(t, s.url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `UPDATE lookup SET token = sha256('moved')`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := k.Destroy(t.Context(), eraseOrder(ref)); done <- err }()
	until(t, func() bool {
		return s.exec(t, `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = current_database()
			UNION ALL SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) > 0
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "lookup"); n != 0 {
		t.Fatal("the token of an erased person is left")
	}
}
