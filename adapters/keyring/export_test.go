package keyring

// Limits for the tests of other packages' view.
const (
	ReaderTTL = readerTTL
	SealerTTL = sealerTTL
	SealLimit = sealLimit
	SealBlock = sealBlock
)

// Deafen ends the listener without forgetting anything, as a network that drops
// every notification would.
func (k *Keyring) Deafen() {
	k.stopListening()
	<-k.listening
}

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
