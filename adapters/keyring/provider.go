package keyring

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The refusals of a provider.
var (
	// ErrNoKEK says that the provider has no such key: it was lost, or the epoch
	// is retired. It never means that the provider could not be asked.
	ErrNoKEK = errors.New("the provider has no such key")

	// ErrWrongKEK says that the provider's key does not belong to this store.
	ErrWrongKEK = errors.New("the provider's key does not belong to this key store")

	// ErrProvider says that the provider could not be asked or refused to answer.
	ErrProvider = errors.New("the provider of epoch keys cannot be used")

	// ErrUnknownProvider says that a living epoch was wrapped by a provider that
	// this configuration does not name.
	ErrUnknownProvider = errors.New("a living epoch needs a provider that is not configured")
)

// Wrapper encrypts and decrypts keys of 32 bytes under a key that never leaves
// it. The associated data is authenticated and not stored.
type Wrapper interface {
	// Wrap answers [ErrNoKEK] for a key that does not exist.
	Wrap(ctx context.Context, key string, plain, associated []byte) (wrapped []byte, err error)

	// Unwrap answers [ErrNoKEK] for a key that does not exist, and [ErrWrongKEK]
	// for what that key did not wrap with the same associated data.
	Unwrap(ctx context.Context, key string, wrapped, associated []byte) (plain []byte, err error)
}

// Provider keeps the keys that wrap epoch keys, one for each epoch, so that
// retiring an epoch can destroy its provider key. A cloud KMS fits: a key is
// created, used by name, and scheduled for deletion. Methods may be called
// concurrently, by several processes at once.
type Provider interface {
	Wrapper

	// Reach says who this is and how far its destruction reaches.
	Reach() Reach

	// Create makes the key of that name. It is idempotent: an interrupted
	// creation is repeated with the same name.
	Create(ctx context.Context, key string) error

	// Destroy makes whatever the key wrapped unreadable, at once or after the
	// delay that Reach tells. It is idempotent: a key that is gone is destroyed.
	Destroy(ctx context.Context, key string) error
}

// Reach is how far the destruction of a provider key reaches.
type Reach struct {
	Provider string        // file, transit; stored with each epoch
	Standard string        // clear or purge, as NIST SP 800-88 has them
	Delay    time.Duration // between the order to destroy and the destruction
}

// custody finds the provider of an epoch.
type custody struct {
	current Provider
	all     map[string]Provider
}

func newCustody(current Provider, former []Provider) custody {
	c := custody{current: current, all: map[string]Provider{}}
	for _, p := range append([]Provider{current}, former...) {
		if _, named := c.all[p.Reach().Provider]; !named {
			c.all[p.Reach().Provider] = p
		}
	}
	return c
}

func (c custody) named(name string) (Provider, error) {
	if p, ok := c.all[name]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownProvider, name)
}
