// Package keyring keeps the keys: it seals sections, opens them and destroys
// keys so that what they sealed is forgotten.
//
// One AES-256 data key exists for each tenant, subject and purpose, as fine as
// the register of processing wants it ([eventschema.Register]): for location one
// for each month, for photos, documents and notes one for each item. A data key
// is wrapped under the key of an epoch, and that under a key of the provider
// made for this epoch alone. Wrapped keys live in a Postgres database of their
// own.
//
//	provider key, one for each epoch     a file, or a key in Vault or OpenBao
//	  └─ epoch key e = 1, 2, 3 …         table kek_epoch
//	       ├─ data key                   table dek
//	       │    └─ item key              table dek, wrapped under both
//	       └─ blind-index key            derived for each tenant and kind
//
// # Making and destroying
//
// Keys are made by [Keyring.Create] only, at the moments that the register
// names. Sealing never makes one, because making a missing key would bring an
// erased person back. A missing key ([ErrNoKey]) and a destroyed one (a
// tombstone, the state erased with its case) are different answers.
//
// [Keyring.Destroy] sets the fence, deletes the wrapped keys and the blind
// indexes, and leaves tombstones, in one transaction. It refuses what a legal
// hold keeps ([Keyring.PlaceHold], [ErrHeld]). [Keyring.Quiesce] then waits until
// every process that holds keys has acknowledged: the erasure is effective. It is
// final when the epoch has retired ([Keyring.RetiredAt]): until then an older copy of
// a wrapped key, put to the provider, still opens.
//
// # Epochs
//
// [Keyring.Rotate] makes the next epoch, moves every key and token to it while
// everything is being used, opens every key anew from the provider, and retires
// the old epoch: its provider key is destroyed, and a receipt is left
// ([Keyring.Retirements]). It may be killed anywhere and goes on where it stopped.
// New keys and tokens are made under a lock that excludes the making of an
// epoch, so that none is left behind under the old one; a process that has not
// heard of the new epoch finds out there.
//
// A blind index cannot be computed from its token, so the value stands beside
// it, sealed under the key of its owner: it moves to the next epoch, and dies
// with that key. A value is looked for under every living epoch.
//
// [Lifetimes.Finality] adds up when an erasure is final, and refuses times under
// which it could be later than promised. An escrow ([Keyring.Escrow]) outlives its
// provider key: an epoch does not retire before its escrows are destroyed.
//
// # Caching
//
// Unwrapped keys are cached for 60 seconds for opening and 10 for sealing,
// counted from the start of the fetch on both the monotonic and the wall clock.
// Notifications make other processes forget a destroyed key within
// milliseconds; a process that hears none asks every five seconds; and the
// limits hold when it hears nothing at all. Each process registers as a holder
// and uses nothing that it cached once it could not say for 30 seconds that it
// lives. The cache holds expanded ciphers: the raw bytes of a key are
// overwritten as soon as it is expanded, and an evicted cipher waits for the
// garbage collector.
package keyring
