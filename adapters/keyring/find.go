package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"tracekeep/eventschema"
)

// Find answers whom values belong to, with one query; an unknown value is
// absent from the answer. While an epoch follows another, values are looked for
// under both, and what is found under the older one is made findable under the
// newer.
func (k *Keyring) Find(ctx context.Context, tenant uuid.UUID, kind string, values ...string) (map[string]Found, error) {
	if len(values) == 0 {
		return map[string]Found{}, nil
	}
	for range attempts {
		found, stale, err := k.find(ctx, tenant, kind, values)
		if errors.Is(err, errUnknownEpoch) {
			if err = k.loadEpochs(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return nil, fmt.Errorf("find %d values: %w", len(values), err)
		}
		if len(stale) > 0 {
			if _, err := k.Retoken(ctx, stale...); err != nil {
				k.log.Info("tokens of an older epoch stay for now", zap.Int("tokens", len(stale)), zap.Error(err))
			}
		}
		return found, nil
	}
	return nil, fmt.Errorf("find %d values: %w", len(values), errInvalidated)
}

// find asks for the values under every epoch that this process knows, and only
// then which epochs there are: a token that moves in between has moved to one
// that the answer names.
func (k *Keyring) find(ctx context.Context, tenant uuid.UUID, kind string, values []string) (found map[string]Found, stale []Token, err error) {
	living := k.epochs.all()
	valueOf := make(map[string]string, len(values)*len(living))
	var tokens [][]byte
	for _, e := range living {
		for _, value := range values {
			token, err := k.tokens.mac(e.number, tenant, kind, []byte(value))
			if err != nil {
				return nil, nil, err
			}
			tokens = append(tokens, token)
			valueOf[string(token)] = value
		}
	}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT token, person, work, purpose, sealed IS NULL OR epoch < (SELECT max(epoch) FROM kek_epoch WHERE state = 'living')
		FROM lookup WHERE tenant = $1 AND kind = $2 AND token = ANY ($3::bytea[])`, [16]byte(tenant), kind, tokens)
	batch.Queue(`SELECT epoch FROM kek_epoch WHERE state = 'living'`)
	results := k.pool.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	rows, err := results.Query()
	if err != nil {
		return nil, nil, err
	}
	found = map[string]Found{}
	var token []byte
	var owner Found
	var purpose string
	var old bool
	if _, err := pgx.ForEachRow(rows, []any{&token, into(&owner.Person), into(&owner.Work), &purpose, &old}, func() error {
		value := valueOf[string(token)]
		found[value] = owner
		if old {
			stale = append(stale, Token{
				Tenant: tenant, Kind: kind, Value: value, Person: owner.Person, Work: owner.Work, Purpose: eventschema.Purpose(purpose),
			})
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	if rows, err = results.Query(); err != nil {
		return nil, nil, err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, nil, err
	}
	for _, number := range numbers {
		if _, known := k.epoch(number); !known {
			return nil, nil, errUnknownEpoch
		}
	}
	return found, stale, nil
}
