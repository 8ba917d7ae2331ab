package keyring

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ReceiptOf answers what [Keyring.Destroy] did for a case; ok is false when
// nothing was destroyed for it. Whoever resumes a case asks here first: the link
// from a person to the work record, which the order needs, died with the keys.
func (k *Keyring) ReceiptOf(ctx context.Context, tenant, underCase uuid.UUID) (receipt Receipt, ok bool, err error) {
	err = k.inTx(ctx, func(tx pgx.Tx) error {
		var digest []byte
		row := tx.QueryRow(ctx, `SELECT order_digest FROM destruction WHERE tenant = $1 AND case_id = $2`, [16]byte(tenant), [16]byte(underCase))
		if err := row.Scan(&digest); err != nil {
			return err
		}
		receipt, err = storedReceipt(ctx, tx, Order{Tenant: tenant, Case: underCase}, digest)
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Receipt{}, false, nil
	case err != nil:
		return Receipt{}, false, fmt.Errorf("receipt of case %s: %w", underCase, err)
	}
	return receipt, true, nil
}
