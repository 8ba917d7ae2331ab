package keyring_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

func TestARepeatedDestructionAnswersTheSameReceipt(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k, eventschema.PurposeContact, eventschema.PurposeThirdParty)
	if err := k.Index(t.Context(), keyring.Token{Tenant: tenant, Kind: "badge", Value: "A-17", Person: ref.Subject}); err != nil {
		t.Fatal(err)
	}
	order := eraseOrder(ref)
	first, err := k.Destroy(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Keys) != 3 || first.Lookups != 1 || first.Case != order.Case || !first.DestroyedAt.Equal(s.clock.Now().Truncate(time.Microsecond)) {
		t.Fatalf("%+v", first)
	}
	for _, key := range first.Keys {
		if len(key.Check) != 32 || key.Epoch != 1 || key.ID == uuid.Nil {
			t.Errorf("%+v", key)
		}
	}
	s.clock.advance(time.Hour, time.Hour)
	for _, again := range []*keyring.Keyring{k, s.open(t)} {
		got, err := again.Destroy(t.Context(), order)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatal(diff)
		}
	}
	other := order
	other.Restrict = []uuid.UUID{uuid.New()}
	_, err = k.Destroy(t.Context(), other)
	wantErr(t, err, keyring.ErrCaseOrder)
}

// A retry of an old case must not take what was consented to since.
func TestARepeatedDestructionSparesNewKeys(t *testing.T) {
	k := newStore(t).open(t)
	ref := subject(t, k, eventschema.PurposeLocation)
	ref.Purpose, ref.Period = eventschema.PurposeLocation, "2026-03"
	order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{
		{Subject: ref.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}}}}
	old := seal(t, k, ref)
	for range 2 {
		if _, err := k.Destroy(t.Context(), order); err != nil {
			t.Fatal(err)
		}
		create(t, k, ref)
	}
	wantClear(t, k, ref, seal(t, k, ref))
	wantState(t, k, ref, old, eventschema.UseService, eventschema.StateErased, order.Case)
}

func TestAnOrderDestroysWhatItNamesAndNothingElse(t *testing.T) {
	k := newStore(t).open(t)
	person := subject(t, k, eventschema.PurposeContact)
	work := keyring.Ref{Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeWork}
	march, april := work, work
	march.Purpose, march.Period = eventschema.PurposeLocation, "2026-03"
	april.Purpose, april.Period = eventschema.PurposeLocation, "2026-04"
	bystander := subject(t, k)
	create(t, k, work, march, april)
	contact := person
	contact.Purpose = eventschema.PurposeContact
	sealed := map[keyring.Ref][]byte{}
	for _, ref := range []keyring.Ref{person, contact, work, march, april, bystander} {
		sealed[ref] = seal(t, k, ref)
	}
	order := keyring.Order{
		Tenant: tenant, Case: uuid.New(),
		Destroy: []keyring.Target{
			{Subject: person.Subject},
			{Subject: work.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}},
		},
		Restrict: []uuid.UUID{work.Subject}, Erase: []uuid.UUID{person.Subject},
	}
	receipt, err := k.Destroy(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	var purposes []eventschema.Purpose
	for _, key := range receipt.Keys {
		purposes = append(purposes, key.Purpose)
	}
	slices.Sort(purposes)
	if diff := cmp.Diff([]eventschema.Purpose{"contact", "identity", "location", "location"}, purposes); diff != "" {
		t.Fatal(diff)
	}
	for _, ref := range []keyring.Ref{person, contact, march, april} {
		wantState(t, k, ref, sealed[ref], eventschema.UseAudit, eventschema.StateErased, order.Case)
	}
	wantState(t, k, work, sealed[work], eventschema.UseService, eventschema.StateRestricted, order.Case)
	wantState(t, k, work, sealed[work], eventschema.UseLegalClaim, eventschema.StateClear, uuid.Nil)
	wantClear(t, k, bystander, sealed[bystander])
}

func TestOrdersThatAreRefusedChangeNothing(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k, eventschema.PurposeContact)
	envelope := seal(t, k, ref)
	cases := map[string]func(*keyring.Order){
		"without tenant":                       func(o *keyring.Order) { o.Tenant = uuid.Nil },
		"without case":                         func(o *keyring.Order) { o.Case = uuid.Nil },
		"naming nobody":                        func(o *keyring.Order) { o.Destroy, o.Erase = nil, nil },
		"an unknown purpose":                   func(o *keyring.Order) { o.Destroy[0].Purposes = []eventschema.Purpose{"marketing"} },
		"a subject both restricted and erased": func(o *keyring.Order) { o.Restrict = o.Erase },
		"a subject without id":                 func(o *keyring.Order) { o.Restrict = []uuid.UUID{uuid.Nil} },
		"erasing a subject that keeps a key": func(o *keyring.Order) {
			o.Destroy[0].Purposes = []eventschema.Purpose{eventschema.PurposeIdentity}
		},
	}
	for rule, spoil := range cases {
		t.Run(rule, func(t *testing.T) {
			order := eraseOrder(ref)
			spoil(&order)
			_, err := k.Destroy(t.Context(), order)
			wantErr(t, err, keyring.ErrOrder)
			wantUntouched(t, s, ref, envelope)
		})
	}
}

func wantUntouched(t *testing.T, s *store, ref keyring.Ref, envelope []byte) {
	t.Helper()
	k := s.open(t)
	wantClear(t, k, ref, envelope)
	seal(t, k, ref)
	if n := s.count(t, "tombstone") + s.count(t, "destruction"); n != 0 {
		t.Fatalf("%d traces remain", n)
	}
}

// The order is cut off behind its last step but one by a lock on the table of
// that step: whatever came before must be undone.
func TestADestructionCutOffMidwayHasNotHappened(t *testing.T) {
	for _, table := range []string{"subject", "dek", "tombstone", "lookup"} {
		t.Run("at "+table, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			ref := subject(t, k)
			if err := k.Index(t.Context(), keyring.Token{Tenant: tenant, Kind: "badge", Value: "A-17", Person: ref.Subject}); err != nil {
				t.Fatal(err)
			}
			envelope := seal(t, k, ref)
			conn, err := pgx.Connect(t.Context(), s.url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			order := eraseOrder(ref)
			go func() { _, err := k.Destroy(ctx, order); done <- err }()
			waiting := `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE NOT granted AND datname = current_database()`
			for s.exec(t, waiting) == 0 {
				select {
				case err := <-done:
					t.Fatalf("it did not wait: %v", err)
				default:
				}
			}
			cancel()
			wantErr(t, <-done, context.Canceled)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantUntouched(t, s, ref, envelope)
			found, err := k.Find(t.Context(), tenant, "badge", "A-17")
			if err != nil || len(found) != 1 {
				t.Fatalf("%v %v", found, err)
			}
			if _, err := k.Destroy(t.Context(), order); err != nil { // the retry
				t.Fatal(err)
			}
			wantState(t, k, ref, envelope, eventschema.UseService, eventschema.StateErased, order.Case)
		})
	}
}

// A writer in flight while the key is destroyed: no Seal that starts after
// Destroy has returned succeeds, and what was sealed before is erased.
func TestNoSealSucceedsAfterDestroyReturned(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	for range 20 {
		ref := subject(t, k)
		seal(t, k, ref)
		var destroyed atomic.Bool
		var sealers sync.WaitGroup
		var last sync.Map
		started := make(chan struct{}, 8)
		for i := range 8 {
			sealers.Go(func() {
				for first := true; ; first = false {
					after := destroyed.Load()
					envelope, err := k.Seal(t.Context(), at(ref), []byte(name))
					if first {
						started <- struct{}{}
					}
					if err != nil {
						return
					}
					if after {
						t.Error("a seal succeeded after Destroy had returned")
						return
					}
					last.Store(i, envelope)
				}
			})
		}
		for range 8 {
			<-started
		}
		receipt := erase(t, k, ref)
		destroyed.Store(true)
		sealers.Wait()
		last.Range(func(_, envelope any) bool {
			wantState(t, k, ref, envelope.([]byte), eventschema.UseAudit, eventschema.StateErased, receipt.Case)
			return true
		})
	}
}

// Creation and erasure race for one subject: once it is erased no key is left.
func TestCreationCannotOvertakeErasure(t *testing.T) {
	s := newStore(t)
	a, b := s.open(t), s.open(t)
	for range 20 {
		ref := subject(t, a)
		contact := ref
		contact.Purpose = eventschema.PurposeContact
		var together sync.WaitGroup
		together.Go(func() { _ = b.Create(t.Context(), contact) })
		together.Go(func() {
			_ = b.Index(t.Context(), keyring.Token{Tenant: tenant, Kind: "badge", Value: ref.Subject.String(), Person: ref.Subject})
		})
		together.Go(func() { erase(t, a, ref) })
		together.Wait()
		if n := s.exec(t, `SELECT FROM dek WHERE subject = $1`, ref.Subject) + s.exec(t, `SELECT FROM lookup WHERE person = $1`, ref.Subject); n != 0 {
			t.Fatalf("%d rows of an erased subject", n)
		}
	}
}

// What this test shows is a limit, not a promise: until the epoch is retired, a
// copy of a wrapped key together with the KEK file still opens. Erasure is
// effective when the key is destroyed and final when its epoch is retired.
func TestAStolenWrappedKeyWithTheKEKFileOpensUntilTheEpochIsRetired(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	ref := subject(t, k)
	envelope := seal(t, k, ref)
	for _, table := range []string{"subject", "dek"} {
		s.exec(t, fmt.Sprintf(`CREATE TABLE stolen_%s AS TABLE %s`, table, table))
	}
	receipt := erase(t, k, ref)
	wantState(t, k, ref, envelope, eventschema.UseAudit, eventschema.StateErased, receipt.Case)

	s.exec(t, `DELETE FROM tombstone`)
	s.exec(t, `UPDATE subject SET fence = 'open'`)
	s.exec(t, `INSERT INTO dek TABLE stolen_dek`)
	wantClear(t, s.open(t), ref, envelope)

	if err := os.Remove(s.keks(t)[0]); err != nil {
		t.Fatal(err)
	}
	_, err := keyring.Open(t.Context(), s.config())
	wantErr(t, err, keyring.ErrNoKEK)
}

// A stored key moved to another place does not unwrap there.
func TestAWrappedKeyIsBoundToItsRow(t *testing.T) {
	for column, value := range map[string]any{
		"tenant": uuid.New(), "subject": uuid.New(), "purpose": "contact", "period": "2026-03", "generation": 2, "key_id": uuid.New(),
	} {
		t.Run(column, func(t *testing.T) {
			s := newStore(t)
			ref := subject(t, s.open(t))
			s.exec(t, `ALTER TABLE dek DROP CONSTRAINT dek_tenant_subject_fkey`)
			s.exec(t, `UPDATE dek SET `+column+` = $1`, value)
			s.exec(t, `UPDATE subject SET tenant = (SELECT tenant FROM dek), subject = (SELECT subject FROM dek)`)
			moved := ref
			row := func(sql string, into any) {
				conn, err := pgx.Connect(t.Context(), s.url)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close(context.Background()) }()
				if err := conn.QueryRow(t.Context(), sql).Scan(into); err != nil {
					t.Fatal(err)
				}
			}
			row(`SELECT tenant FROM dek`, &moved.Tenant)
			row(`SELECT subject FROM dek`, &moved.Subject)
			row(`SELECT purpose FROM dek`, &moved.Purpose)
			row(`SELECT period FROM dek`, &moved.Period)
			_, err := s.open(t).Seal(t.Context(), at(moved), []byte(name))
			wantErr(t, err, keyring.ErrCorrupt)
		})
	}
}
