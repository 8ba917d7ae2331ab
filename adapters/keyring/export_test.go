package keyring

import (
	"context"

	"github.com/google/uuid"
)

// Limits for the tests of other packages' view.
const (
	ReaderTTL = readerTTL
	SealerTTL = sealerTTL
	SealLimit = sealLimit
	SealBlock = sealBlock

	LeaseTTL       = leaseTTL
	ClockAllowance = clockAllowance
)

// Deafen lets this process hear nothing of the others, neither a notification
// nor by asking, as long as its lease lasts.
func (k *Keyring) Deafen() {
	k.LoseNotices()
	k.stopBeating()
	<-k.beating
}

// Beat beats now.
func (k *Keyring) Beat(ctx context.Context) error { return k.beat(ctx) }

// Holder is the id under which this process holds keys.
func (k *Keyring) Holder() uuid.UUID { return k.holding.id }

// Cached says how many keys are cached.
func (k *Keyring) Cached() int {
	k.cache.mu.RLock()
	defer k.cache.mu.RUnlock()
	return len(k.cache.byID)
}

// UseUp leaves this process without reserved seals.
func (k *Keyring) UseUp() {
	k.cache.mu.Lock()
	defer k.cache.mu.Unlock()
	for _, left := range k.cache.allowances {
		left.Store(0)
	}
}

// RemoveDead looks for holders that no longer beat.
func (k *Keyring) RemoveDead(ctx context.Context) error { return k.removeDead(ctx) }

// The points of a rotation.
var Points = []Point{pointIntended, pointProviderKey, pointEpochMade, pointMoved, pointRetokened, pointTested, pointRetiring, pointQuiet, pointKeyGone, pointRetired}

// Point is a place in a rotation.
type Point = point

// CrashAt lets the process fail whenever it comes to a point and the function
// says so.
func (k *Keyring) CrashAt(crash func(Point) error) { k.crash = crash }

// Forget forgets every key of this process.
func (k *Keyring) Forget() { k.cache.flush() }
