package keyring

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// The refusals of a blind index.
var (
	ErrTaken = errors.New("the value belongs to somebody else")
	ErrToken = errors.New("a token needs a tenant, a kind, a value and an owner")
)

// Token makes a value findable without storing it: what is kept is an
// HMAC-SHA256 of it. The value is taken as it is given; who needs "A-17" and
// "a-17" to be the same badge writes it one way before.
type Token struct {
	Tenant       uuid.UUID
	Kind, Value  string // kind is for example badge, email, employee_number
	Person, Work uuid.UUID

	// Purpose is the purpose whose key seals the value; the token dies with that
	// key. Empty means identity.
	Purpose eventschema.Purpose
}

// Found is whom a value belongs to.
type Found struct{ Person, Work uuid.UUID }

func (f Found) same(o Found) bool {
	return f.Person == o.Person && (f.Person != uuid.Nil || f.Work == o.Work)
}

const blindLabel = "tracekeep blind index v1"

// tokenKeys remembers derived index keys.
type tokenKeys struct {
	mu      sync.Mutex
	derived map[tokenScope][]byte
}

type tokenScope struct {
	epoch  int
	tenant uuid.UUID
	kind   string
}

func (t *tokenKeys) key(e epoch, tenant uuid.UUID, kind string) ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	scope := tokenScope{e.number, tenant, kind}
	if key, ok := t.derived[scope]; ok {
		return key, nil
	}
	label := appendField(appendID(appendField(nil, blindLabel), tenant), kind)
	key, err := hkdf.Key(sha256.New, e.index, nil, string(label), keySize)
	if err != nil {
		return nil, err
	}
	if t.derived == nil {
		t.derived = map[tokenScope][]byte{}
	}
	t.derived[scope] = key
	return key, nil
}

func (t *tokenKeys) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range t.derived {
		clear(key)
	}
	clear(t.derived)
}

func (k *Keyring) token(e epoch, tenant uuid.UUID, kind, value string) ([]byte, error) {
	key, err := k.tokens.key(e, tenant, kind)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	_, _ = io.WriteString(mac, value)
	return mac.Sum(nil), nil
}

// lookupRow is a token as stored.
type lookupRow struct {
	scope   tokenScope
	token   []byte
	purpose string
	owner   Found
}

// Index makes values findable, all or none. It is idempotent, and a value that
// its person already has moves to the new work id. A value of somebody else is
// [ErrTaken]; an owner who is closing or erased is refused as by
// [Keyring.Create], and one without a key is [ErrNoKey].
func (k *Keyring) Index(ctx context.Context, tokens ...Token) error {
	rows, err := k.lookupRows(tokens)
	if err != nil {
		return fmt.Errorf("index %d values: %w", len(tokens), err)
	}
	if len(rows) == 0 {
		return nil
	}
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		if err := checkOwners(ctx, tx, rows); err != nil {
			return err
		}
		return insertTokens(ctx, tx, rows)
	})
	if err != nil {
		return fmt.Errorf("index %d values: %w", len(tokens), err)
	}
	return nil
}

// lookupRows computes the tokens, sorted and each once.
func (k *Keyring) lookupRows(tokens []Token) ([]lookupRow, error) {
	e := k.newest()
	rows := make([]lookupRow, 0, len(tokens))
	for _, t := range tokens {
		owner := Found{t.Person, t.Work}
		if t.Tenant == uuid.Nil || t.Kind == "" || t.Value == "" || owner == (Found{}) {
			return nil, ErrToken
		}
		if t.Purpose == "" {
			t.Purpose = eventschema.PurposeIdentity
		}
		token, err := k.token(e, t.Tenant, t.Kind, t.Value)
		if err != nil {
			return nil, err
		}
		rows = append(rows, lookupRow{tokenScope{e.number, t.Tenant, t.Kind}, token, string(t.Purpose), owner})
	}
	slices.SortStableFunc(rows, func(a, b lookupRow) int {
		return cmpOr(compareIDs(a.scope.tenant, b.scope.tenant), bytes.Compare(a.token, b.token))
	})
	once := rows[:0]
	for _, r := range rows {
		if n := len(once); n > 0 && once[n-1].scope == r.scope && bytes.Equal(once[n-1].token, r.token) {
			if !once[n-1].owner.same(r.owner) {
				return nil, ErrTaken
			}
			once[n-1] = r
			continue
		}
		once = append(once, r)
	}
	return once, nil
}

// checkOwners locks the owners' fences, so that no token outlives a concurrent
// destruction.
func checkOwners(ctx context.Context, tx pgx.Tx, rows []lookupRow) error {
	owners := map[uuid.UUID][]uuid.UUID{}
	for _, r := range rows {
		for _, id := range []uuid.UUID{r.owner.Person, r.owner.Work} {
			if id != uuid.Nil {
				owners[r.scope.tenant] = append(owners[r.scope.tenant], id)
			}
		}
	}
	for _, tenant := range sortedIDs(owners) {
		fences, err := lockFences(ctx, tx, tenant, owners[tenant], "SHARE")
		if err != nil {
			return err
		}
		for _, id := range owners[tenant] {
			at, known := fences[id]
			if !known {
				return ErrNoKey
			}
			if err := at.Fence.refuses(); err != nil {
				return err
			}
		}
	}
	return nil
}

func insertTokens(ctx context.Context, tx pgx.Tx, rows []lookupRow) error {
	var tenants, persons, works []uuid.UUID
	var kinds, purposes []string
	var tokens [][]byte
	for _, r := range rows {
		tenants, kinds, tokens = append(tenants, r.scope.tenant), append(kinds, r.scope.kind), append(tokens, r.token)
		purposes, persons, works = append(purposes, r.purpose), append(persons, r.owner.Person), append(works, r.owner.Work)
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO lookup (tenant, kind, token, purpose, person, work, epoch)
		SELECT *, $7 FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::uuid[], $6::uuid[])
		ON CONFLICT (tenant, kind, token) DO UPDATE SET work = excluded.work, purpose = excluded.purpose
		WHERE lookup.person = excluded.person AND (lookup.person <> $8 OR lookup.work = excluded.work)`,
		tenants, kinds, tokens, purposes, persons, works, rows[0].scope.epoch, [16]byte(uuid.Nil))
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(len(rows)) {
		return ErrTaken
	}
	return nil
}

// Find answers whom values belong to, with one query; an unknown value is
// absent from the answer.
func (k *Keyring) Find(ctx context.Context, tenant uuid.UUID, kind string, values ...string) (map[string]Found, error) {
	valueOf := make(map[string]string, len(values)*len(k.epochs))
	var tokens [][]byte
	for _, e := range k.epochs {
		for _, value := range values {
			token, err := k.token(e, tenant, kind, value)
			if err != nil {
				return nil, fmt.Errorf("find %d values: %w", len(values), err)
			}
			tokens = append(tokens, token)
			valueOf[string(token)] = value
		}
	}
	rows, err := k.pool.Query(ctx, `SELECT token, person, work FROM lookup
		WHERE tenant = $1 AND kind = $2 AND token = ANY ($3::bytea[])`, [16]byte(tenant), kind, tokens)
	if err != nil {
		return nil, fmt.Errorf("find %d values: %w", len(values), err)
	}
	found := map[string]Found{}
	var token []byte
	var owner Found
	_, err = pgx.ForEachRow(rows, []any{&token, into(&owner.Person), into(&owner.Work)}, func() error {
		found[valueOf[string(token)]] = owner
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find %d values: %w", len(values), err)
	}
	return found, nil
}
