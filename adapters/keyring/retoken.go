package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// retokenBatch is how many tokens are made again in one transaction.
const retokenBatch = 500

// Retoken makes tokens again under the newest epoch, for values that their
// owner gives: what stands under an older epoch moves, and what has no sealed
// value beside it gets one. A value that has no token, or belongs to somebody
// else, is passed over. It answers how many moved, and may be repeated.
func (k *Keyring) Retoken(ctx context.Context, tokens ...Token) (moved int, err error) {
	for start := 0; start < len(tokens); start += retokenBatch {
		n, err := k.retoken(ctx, tokens[start:min(start+retokenBatch, len(tokens))])
		moved += n
		if err != nil {
			return moved, fmt.Errorf("make %d tokens again: %w", len(tokens), err)
		}
	}
	return moved, nil
}

func (k *Keyring) retoken(ctx context.Context, tokens []Token) (moved int, err error) {
	tokens, err = complete(tokens)
	if err != nil {
		return 0, err
	}
	sealed, err := k.sealValues(ctx, tokens)
	switch {
	case errors.Is(err, ErrSubjectClosing), errors.Is(err, ErrSubjectErased), errors.Is(err, ErrNoKey):
		sealed = nil // some owner is leaving: the values stay as they are
	case err != nil:
		return 0, err
	}
	err = k.inEpochTx(ctx, func(tx pgx.Tx, under epoch) error {
		rows, err := k.lookupRows(under, tokens, sealed)
		if err != nil {
			return err
		}
		moved, err = moveTokens(ctx, tx, rows)
		return err
	})
	return moved, err
}

// moveTokens puts the new tokens in the place of the old ones of the same owner.
func moveTokens(ctx context.Context, tx pgx.Tx, rows []lookupRow) (int, error) {
	stored := olderTokens(rows)
	var persons, works []uuid.UUID
	var fresh, sealed [][]byte
	for n, r := range rows {
		stored.add(n, r.scope, r.token) // one that only lacks its sealed value
		persons, works = append(persons, r.owner.Person), append(works, r.owner.Work)
		fresh, sealed = append(fresh, r.token), append(sealed, r.sealed)
	}
	if _, err := tx.Exec(ctx, `SELECT FROM lookup l JOIN `+stored.asTable()+`
		ON l.tenant = w.tenant AND l.kind = w.kind AND l.token = w.token
		ORDER BY l.tenant, l.kind, l.token FOR UPDATE OF l`, stored.args()...); err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, `
		UPDATE lookup l SET token = ($5::bytea[])[w.n + 1], epoch = $9, sealed = coalesce(l.sealed, ($6::bytea[])[w.n + 1])
		FROM `+stored.asTable()+`
		WHERE l.tenant = w.tenant AND l.kind = w.kind AND l.token = w.token
			AND l.person = ($7::uuid[])[w.n + 1] AND l.work = ($8::uuid[])[w.n + 1]
			AND (l.epoch < $9 OR l.sealed IS NULL AND ($6::bytea[])[w.n + 1] IS NOT NULL)`,
		stored.args(fresh, sealed, persons, works, rows[0].scope.epoch)...)
	return int(tag.RowsAffected()), err
}

// RetokenStored makes every token of an older epoch again whose value is sealed
// beside it. Progress is told how many of how many are done. It answers how many
// are left that have no value beside them: those come back when somebody looks
// for their value, or by [Keyring.Retoken]. It may be interrupted and repeated.
func (k *Keyring) RetokenStored(ctx context.Context, progress func(done, all int64)) (left int, err error) {
	left, err = k.retokenStored(ctx, progress)
	if err != nil {
		return left, fmt.Errorf("make the tokens of older epochs again: %w", err)
	}
	return left, nil
}

func (k *Keyring) retokenStored(ctx context.Context, progress func(done, all int64)) (left int, err error) {
	const old = `lookup WHERE epoch < (SELECT max(epoch) FROM kek_epoch WHERE state = 'living')`
	var all, done int64
	if err := k.pool.QueryRow(ctx, `SELECT count(*) FROM `+old+` AND sealed IS NOT NULL`).Scan(&all); err != nil {
		return 0, err
	}
	after := storedToken{Token: Token{Tenant: uuid.Nil}}
	for {
		batch, err := k.storedTokens(ctx, `SELECT tenant, kind, token, purpose, person, work, sealed FROM `+old+` AND sealed IS NOT NULL
			AND (tenant, kind, token) > ($1, $2, $3) ORDER BY tenant, kind, token LIMIT $4`,
			[16]byte(after.Tenant), after.Kind, after.token, retokenBatch)
		if err != nil {
			return 0, err
		}
		if len(batch) == 0 {
			break
		}
		tokens, err := k.openValues(ctx, batch)
		if err != nil {
			return 0, err
		}
		if _, err := k.Retoken(ctx, tokens...); err != nil {
			return 0, err
		}
		after, done = batch[len(batch)-1], done+int64(len(batch))
		if progress != nil {
			progress(done, all)
		}
	}
	err = k.pool.QueryRow(ctx, `SELECT count(*) FROM `+old).Scan(&left)
	return left, err
}

// storedToken is a row of lookup whose value is still sealed.
type storedToken struct {
	Token
	token, sealed []byte
}

func (k *Keyring) storedTokens(ctx context.Context, query string, args ...any) ([]storedToken, error) {
	rows, err := k.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s storedToken, err error) {
		return s, row.Scan(into(&s.Tenant), &s.Kind, &s.token, (*string)(&s.Purpose), into(&s.Person), into(&s.Work), &s.sealed)
	})
}

// openValues opens the values beside tokens. One whose key has gone meanwhile
// has no token any more either.
func (k *Keyring) openValues(ctx context.Context, stored []storedToken) ([]Token, error) {
	people := map[uuid.UUID][]uuid.UUID{}
	for _, s := range stored {
		people[s.Tenant] = append(people[s.Tenant], s.sealedAt().Subject)
	}
	for _, tenant := range sortedIDs(people) {
		if err := k.Prefetch(ctx, tenant, people[tenant]); err != nil {
			return nil, err
		}
	}
	tokens := make([]Token, 0, len(stored))
	for _, s := range stored {
		opening, err := k.Open(ctx, s.sealedAt(), s.sealed, eventschema.UseAudit)
		if err != nil {
			return nil, fmt.Errorf("the value beside a %s token: %w", s.Kind, err)
		}
		switch opening.State {
		case eventschema.StateClear:
			s.Value = string(opening.Plaintext)
			tokens = append(tokens, s.Token)
		case eventschema.StateErased:
		default:
			return nil, fmt.Errorf("the value beside a %s token is %s", s.Kind, opening.State)
		}
	}
	return tokens, nil
}
