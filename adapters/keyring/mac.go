package keyring

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/google/uuid"
)

// Mac is a keyed hash, and the epoch whose key made it.
type Mac struct {
	Epoch int
	Sum   [sha256.Size]byte
}

// Macs answers the keyed hashes of a value under every living epoch, newest
// first, for recognising what was seen before without keeping something that
// confirms a guess to whoever reads it. Keep the first one with its epoch, and
// compare with all: after a rotation the same value has another hash, and a hash
// of an epoch that is not in the answer can be compared with nothing any more.
// Kind keeps uses apart.
func (k *Keyring) Macs(ctx context.Context, tenant uuid.UUID, kind string, value []byte) ([]Mac, error) {
	living := k.epochs.all()
	if len(living) == 0 { // forgotten, because the database was out of reach
		if err := k.loadEpochs(ctx); err != nil {
			return nil, fmt.Errorf("hash for %s: %w", kind, err)
		}
		living = k.epochs.all()
	}
	macs := make([]Mac, 0, len(living))
	for i := len(living) - 1; i >= 0; i-- {
		sum, err := k.tokens.mac(living[i].number, tenant, "mac "+kind, value)
		if err != nil {
			return nil, fmt.Errorf("hash for %s: %w", kind, err)
		}
		macs = append(macs, Mac{Epoch: living[i].number, Sum: [sha256.Size]byte(sum)})
	}
	return macs, nil
}
