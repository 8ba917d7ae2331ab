// Package keyring keeps the keys: it seals sections, opens them and destroys
// keys so that what they sealed is forgotten.
//
// One AES-256 data key exists for each tenant, subject and purpose (and month,
// for location). The data key is wrapped under the key-encryption key of an
// epoch, and that under a root in a file. Wrapped keys live in a Postgres
// database of their own.
//
//	root (KEK file, 32 bytes)            never leaves the machine
//	  └─ epoch key e = 1, 2, 3 …         table kek_epoch
//	       ├─ data key                   table dek
//	       └─ blind-index key            derived for each tenant and kind
//
// Keys are made by [Keyring.Create] only, when a person registers or consents.
// Sealing never makes one, because making a missing key would bring an erased
// person back. A missing key ([ErrNoKey]) and a destroyed one (a tombstone, the
// state erased with its case) are different answers.
//
// [Keyring.Destroy] sets the fence, deletes the wrapped keys and the blind
// indexes, and leaves tombstones, in one transaction. From then on the erasure
// is effective. It is final when the epoch is retired: until then an older copy
// of a wrapped key together with the KEK file still opens.
//
// Unwrapped keys are cached for 60 seconds for opening and 10 for sealing,
// counted from the start of the fetch on both the monotonic and the wall clock.
// Notifications make other processes forget a destroyed key within
// milliseconds; the limits hold when no notification arrives. The cache holds
// expanded ciphers: the raw bytes of a key are overwritten as soon as it is
// expanded, and an evicted cipher waits for the garbage collector.
package keyring
