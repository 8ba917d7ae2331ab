package keyring_test

import (
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// withItems is a person with n photos, each under a key of its own.
func withItems(tb testing.TB, k *keyring.Keyring, n int) (person keyring.Ref, items []keyring.Ref) {
	tb.Helper()
	person = subject(tb, k, eventschema.PurposeMedia)
	for range n {
		item := person
		item.Purpose, item.Item = eventschema.PurposeMedia, uuid.New()
		items = append(items, item)
	}
	create(tb, k, items...)
	return person, items
}

// promise: DS-24
func TestOneItemIsShreddedAlone(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	person, items := withItems(t, k, 3)
	var envelopes [][]byte
	for _, item := range items {
		envelopes = append(envelopes, seal(t, k, item))
	}
	order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{
		{Subject: person.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeMedia}, Items: []uuid.UUID{items[1].Item}}}}
	receipt, err := k.Destroy(t.Context(), order)
	if err != nil || len(receipt.Keys) != 1 || receipt.Keys[0].Purpose != eventschema.PurposeMedia {
		t.Fatalf("%+v %v", receipt, err)
	}
	for _, reader := range []*keyring.Keyring{k, s.open(t)} {
		wantClear(t, reader, items[0], envelopes[0])
		wantState(t, reader, items[1], envelopes[1], eventschema.UseAudit, eventschema.StateErased, order.Case)
		wantClear(t, reader, items[2], envelopes[2])
	}
	other := order
	other.Destroy = []keyring.Target{{Subject: person.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeMedia}}}
	_, err = k.Destroy(t.Context(), other)
	wantErr(t, err, keyring.ErrCaseOrder) // all photos are another order than one photo
}

func TestTheKeyOfThePersonTakesEveryItem(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	person, items := withItems(t, k, 2)
	identity := seal(t, k, person)
	first, second := seal(t, k, items[0]), seal(t, k, items[1])
	order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{
		{Subject: person.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeMedia}}}}
	receipt, err := k.Destroy(t.Context(), order)
	if err != nil || len(receipt.Keys) != 3 {
		t.Fatalf("%+v %v", receipt, err)
	}
	wantState(t, k, items[0], first, eventschema.UseAudit, eventschema.StateErased, order.Case)
	wantState(t, s.open(t), items[1], second, eventschema.UseAudit, eventschema.StateErased, order.Case)
	wantClear(t, k, person, identity)
}

func TestAnItemOpensOnlyAsItself(t *testing.T) {
	k := newStore(t).open(t)
	person, items := withItems(t, k, 2)
	envelope := seal(t, k, items[0])
	for rule, wrong := range map[string]keyring.Ref{
		"as another item": items[1], "as no item": items[0],
		"as an item of somebody else": {Tenant: tenant, Subject: uuid.New(), Purpose: eventschema.PurposeMedia, Item: items[0].Item},
	} {
		if rule == "as no item" {
			wrong.Item = uuid.Nil
		}
		_, err := k.Open(t.Context(), at(wrong), envelope, eventschema.UseService)
		wantErr(t, err, keyring.ErrCorrupt)
	}
	wantClear(t, k, items[0], envelope)
	wantErr(t, k.Create(t.Context(), keyring.Ref{Tenant: tenant, Subject: person.Subject, Purpose: eventschema.PurposeIdentity, Item: uuid.New()}), keyring.ErrRef)
}

func TestAnItemNeedsTheKeyOfItsPerson(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	person := subject(t, k)
	note := keyring.Ref{Tenant: tenant, Subject: person.Subject, Purpose: eventschema.PurposeMedia, Item: uuid.New()}
	wantErr(t, k.Create(t.Context(), note), keyring.ErrNoKey)
	if n := s.count(t, "dek"); n != 1 {
		t.Fatalf("%d keys", n)
	}
	above := note
	above.Item = uuid.Nil
	create(t, k, note, above) // in any order, in one call
	wantClear(t, s.open(t), note, seal(t, k, note))
}

// A row of an item moved to another item, person or wrapping key does not
// unwrap.
func TestAnItemKeyIsBoundToItsPlace(t *testing.T) {
	for column, value := range map[string]string{
		"item":   `'11111111-1111-4111-8111-111111111111'`,
		"parent": `(SELECT key_id FROM dek WHERE parent IS NULL AND purpose = 'media' AND subject <> moved.subject)`,
	} {
		t.Run(column, func(t *testing.T) {
			s := newStore(t)
			k := s.open(t)
			_, items := withItems(t, k, 1)
			subject(t, k, eventschema.PurposeMedia)
			s.exec(t, `UPDATE dek moved SET `+column+` = `+value+` WHERE item = $1`, items[0].Item)
			if column == "item" {
				items[0].Item = uuid.MustParse("11111111-1111-4111-8111-111111111111")
			}
			_, err := s.open(t).Seal(t.Context(), at(items[0]), []byte(name))
			wantErr(t, err, keyring.ErrCorrupt)
		})
	}
}

func TestAnItemKeyIsRenewedUnderItsPerson(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	person, items := withItems(t, k, 1)
	first := seal(t, k, items[0])
	s.exec(t, `UPDATE dek SET reserved = $1`, keyring.SealLimit)
	k.UseUp()
	second := seal(t, k, items[0])
	if string(first[3:19]) == string(second[3:19]) {
		t.Fatal("the spent key still seals")
	}
	wantClear(t, s.open(t), items[0], first)
	wantClear(t, s.open(t), items[0], second)
	erase(t, k, person)
	if n := s.exec(t, `SELECT FROM dek`); n != 0 {
		t.Fatalf("%d keys are left", n)
	}
}

// An old copy of a shredded item's row is noise once its epoch has retired,
// although the key of its person, which wraps it too, lives on.
//
// promise: DS-24
func TestAnOldCopyOfAShreddedItemOpensNothingAfterItsEpoch(t *testing.T) {
	s := newStore(t)
	k := s.open(t)
	person, items := withItems(t, k, 2)
	envelope := seal(t, k, items[0])
	s.exec(t, `CREATE TABLE stolen AS TABLE dek`)
	order := keyring.Order{Tenant: tenant, Case: uuid.New(), Destroy: []keyring.Target{
		{Subject: person.Subject, Purposes: []eventschema.Purpose{eventschema.PurposeMedia}, Items: []uuid.UUID{items[0].Item}}}}
	if _, err := k.Destroy(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	thief := func(epoch int) (eventschema.Opening, error) {
		s.exec(t, `DELETE FROM tombstone`)
		s.exec(t, `INSERT INTO dek (key_id, tenant, subject, purpose, period, item, parent, generation, epoch, wrapped, check_value, reserved, created_at)
			SELECT key_id, tenant, subject, purpose, period, item, parent, generation, $2, wrapped, check_value, reserved, created_at
			FROM stolen WHERE item = $1`, items[0].Item, epoch)
		defer s.exec(t, `DELETE FROM dek WHERE item = $1`, items[0].Item)
		return s.open(t).Open(t.Context(), at(items[0]), envelope, eventschema.UseService)
	}
	if opening, err := thief(1); err != nil || opening.State != eventschema.StateClear {
		t.Fatalf("before the epoch retires the copy must open, or this test shows nothing: %v %v", opening.State, err)
	}
	rotate(t, k, alone)
	_, err := thief(2)
	wantErr(t, err, keyring.ErrCorrupt)
}
