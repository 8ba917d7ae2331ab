package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

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

// lookupRow is a token to be stored.
type lookupRow struct {
	scope   tokenScope
	token   []byte
	older   [][]byte // the same value under the older living epochs
	purpose eventschema.Purpose
	owner   Found
	sealed  []byte
}

// sealedAt is where the value beside a token stands: under the key of its owner
// and purpose, so that it dies with the token.
func (t Token) sealedAt() eventschema.Coordinates {
	subject := t.Person
	if subject == uuid.Nil {
		subject = t.Work
	}
	return eventschema.Coordinates{
		Tenant: t.Tenant, Subject: subject, Purpose: t.Purpose,
		Stream: "lookup", EventType: t.Kind, SchemaVersion: 1, Section: "value",
	}
}

func (t Token) validate() error {
	if t.Tenant == uuid.Nil || t.Kind == "" || t.Value == "" || t.Person == uuid.Nil && t.Work == uuid.Nil {
		return ErrToken
	}
	return nil
}

// complete gives tokens without a purpose theirs.
func complete(tokens []Token) ([]Token, error) {
	tokens = slices.Clone(tokens)
	for i := range tokens {
		if err := tokens[i].validate(); err != nil {
			return nil, err
		}
		if tokens[i].Purpose == "" {
			tokens[i].Purpose = eventschema.PurposeIdentity
		}
	}
	return tokens, nil
}

// Index makes values findable, all or none. It is idempotent, and a value that
// its person already has moves to the new work id. A value of somebody else is
// [ErrTaken]; an owner who is closing or erased is refused as by
// [Keyring.Create], and one without the key of the purpose is [ErrNoKey]. The
// value is kept beside its token, sealed under that key, so that the token can be
// made again under the next epoch.
func (k *Keyring) Index(ctx context.Context, tokens ...Token) error {
	if len(tokens) == 0 {
		return nil
	}
	err := func() error {
		tokens, err := complete(tokens)
		if err != nil {
			return err
		}
		sealed, err := k.sealValues(ctx, tokens)
		if err != nil {
			return err
		}
		return k.inEpochTx(ctx, func(tx pgx.Tx, under epoch) error {
			rows, err := k.lookupRows(under, tokens, sealed)
			if err != nil {
				return err
			}
			if err := checkOwners(ctx, tx, rows); err != nil {
				return err
			}
			if err := replaceOlder(ctx, tx, rows); err != nil {
				return err
			}
			return insertTokens(ctx, tx, rows)
		})
	}()
	if err != nil {
		return fmt.Errorf("index %d values: %w", len(tokens), err)
	}
	return nil
}

// sealValues seals the values of tokens, with one query for all keys.
func (k *Keyring) sealValues(ctx context.Context, tokens []Token) ([][]byte, error) {
	refs := make([]Ref, 0, len(tokens))
	for _, t := range tokens {
		if ref := refOf(t.sealedAt()); !slices.Contains(refs[max(0, len(refs)-1):], ref) {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, Ref.compare)
	if err := k.PrepareSeals(ctx, slices.Compact(refs)...); err != nil {
		return nil, err
	}
	sealed := make([][]byte, len(tokens))
	for i, t := range tokens {
		var err error
		if sealed[i], err = k.Seal(ctx, t.sealedAt(), []byte(t.Value)); err != nil {
			return nil, err
		}
	}
	return sealed, nil
}

// lookupRows computes the tokens under every living epoch, sorted and each once.
func (k *Keyring) lookupRows(under epoch, tokens []Token, sealed [][]byte) ([]lookupRow, error) {
	living := k.epochs.all()
	rows := make([]lookupRow, 0, len(tokens))
	for i, t := range tokens {
		row := lookupRow{scope: tokenScope{under.number, t.Tenant, t.Kind}, purpose: t.Purpose, owner: Found{t.Person, t.Work}}
		if sealed != nil {
			row.sealed = sealed[i]
		}
		for _, e := range living {
			token, err := k.tokens.mac(e.number, t.Tenant, t.Kind, []byte(t.Value))
			if err != nil {
				return nil, err
			}
			if e.number == under.number {
				row.token = token
			} else {
				row.older = append(row.older, token)
			}
		}
		rows = append(rows, row)
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
// destruction, and asks for the key that the token will die with.
func checkOwners(ctx context.Context, tx pgx.Tx, rows []lookupRow) error {
	owners := map[uuid.UUID][]uuid.UUID{}
	var refs []Ref
	for _, r := range rows {
		for _, id := range []uuid.UUID{r.owner.Person, r.owner.Work} {
			if id != uuid.Nil {
				owners[r.scope.tenant] = append(owners[r.scope.tenant], id)
			}
		}
		refs = append(refs, refOf(Token{Tenant: r.scope.tenant, Person: r.owner.Person, Work: r.owner.Work, Purpose: r.purpose}.sealedAt()))
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
	missing, err := missingKeys(ctx, tx, refs)
	if err == nil && len(missing) > 0 {
		err = ErrNoKey
	}
	return err
}

// replaceOlder removes the same values under older epochs, which the new rows
// take the place of.
func replaceOlder(ctx context.Context, tx pgx.Tx, rows []lookupRow) error {
	old := olderTokens(rows)
	if len(old.tokens) == 0 {
		return nil
	}
	found, err := tx.Query(ctx, `SELECT w.n, l.person, l.work FROM `+old.asTable()+`
		JOIN lookup l ON l.tenant = w.tenant AND l.kind = w.kind AND l.token = w.token
		ORDER BY l.tenant, l.kind, l.token FOR UPDATE OF l`, old.args()...)
	if err != nil {
		return err
	}
	var n int
	var owner Found
	taken := false
	tag, err := pgx.ForEachRow(found, []any{&n, into(&owner.Person), into(&owner.Work)}, func() error {
		taken = taken || !rows[n].owner.same(owner)
		return nil
	})
	switch {
	case err != nil:
		return err
	case taken:
		return ErrTaken
	case tag.RowsAffected() == 0:
		return nil
	}
	_, err = tx.Exec(ctx, `DELETE FROM lookup l USING `+old.asTable()+`
		WHERE l.tenant = w.tenant AND l.kind = w.kind AND l.token = w.token`, old.args()...)
	return err
}

// tokenColumns are tokens as the arrays of a statement, each with the index of
// the row it belongs to.
type tokenColumns struct {
	of      []int32
	tenants []uuid.UUID
	kinds   []string
	tokens  [][]byte
}

func (tokenColumns) asTable() string {
	return `unnest($1::integer[], $2::uuid[], $3::text[], $4::bytea[]) AS w (n, tenant, kind, token)`
}

func (c tokenColumns) args(more ...any) []any {
	return append([]any{c.of, c.tenants, c.kinds, c.tokens}, more...)
}

func (c *tokenColumns) add(n int, scope tokenScope, token []byte) {
	c.of, c.tenants = append(c.of, int32(n)), append(c.tenants, scope.tenant)
	c.kinds, c.tokens = append(c.kinds, scope.kind), append(c.tokens, token)
}

func olderTokens(rows []lookupRow) tokenColumns {
	var c tokenColumns
	for n, r := range rows {
		for _, token := range r.older {
			c.add(n, r.scope, token)
		}
	}
	return c
}

func insertTokens(ctx context.Context, tx pgx.Tx, rows []lookupRow) error {
	var tenants, persons, works []uuid.UUID
	var kinds, purposes []string
	var tokens, sealed [][]byte
	for _, r := range rows {
		tenants, kinds, tokens = append(tenants, r.scope.tenant), append(kinds, r.scope.kind), append(tokens, r.token)
		purposes, persons, works = append(purposes, string(r.purpose)), append(persons, r.owner.Person), append(works, r.owner.Work)
		sealed = append(sealed, r.sealed)
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO lookup (tenant, kind, token, purpose, person, work, sealed, epoch)
		SELECT *, $8 FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::text[], $5::uuid[], $6::uuid[], $7::bytea[])
		ON CONFLICT (tenant, kind, token) DO UPDATE SET work = excluded.work, purpose = excluded.purpose, sealed = excluded.sealed
		WHERE lookup.person = excluded.person AND (lookup.person <> $9 OR lookup.work = excluded.work)`,
		tenants, kinds, tokens, purposes, persons, works, sealed, rows[0].scope.epoch, [16]byte(uuid.Nil))
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(len(rows)) {
		return ErrTaken
	}
	return nil
}
