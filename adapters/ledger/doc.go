// Package ledger is the provable trail: an RFC 6962 Merkle log over salted
// commitments to events exactly as the event store holds them, sealed sections
// included. Erasing a person breaks no proof, and when an event expires its
// salt dies with it, so that a leaf left behind confirms no guess.
//
// One writer follows the event store and calls [Ledger.Append] with pages of
// events; everybody else verifies. [Verify] compares a whole event store with
// the trail and names the first event that was altered, removed, inserted or
// moved; what a store was told to remove and what was listed before is explained.
// [VerifyInclusion] checks one event offline, with nothing but the event, its
// proof and the public key. [VerifyConsistency] and [VerifyExtends] show that the
// log a party remembers is a prefix of the log as it is now: that is what unmasks
// a trail that was rolled back or rewritten as a whole, so checkpoints belong in
// hands outside the company. What leaves, keys and proofs are, and how they are
// checked without anything of this package, says package trail.
//
// # Files
//
//	checkpoint     C2SP tlog-checkpoint: origin, size, base64 root, Ed25519 note signature
//	tile/L/N       C2SP tlog-tiles, height 8: 256 hashes of tree level 8·L
//	tile/L/N.p/W   the rightmost tile of a level while it holds only W < 256
//	positions      8 bytes for each leaf: the $all position, strictly increasing
//	journal        "tkpledg1", first index (8), then 40 bytes for each leaf: position, leaf hash
//	log.vkey       public verifier key in force
//	log.key        private signer key in force, mode 0600; never hand it out with the trail
//	log.handovers  how the key came to be the one in force: a note for each change, signed by both keys
//	log.mldsa      private ML-DSA-44 key of the log, if it has one, mode 0600; log.mldsa.vkey the public one
//	lock           held by the writer
//
// An append costs three fsyncs whatever its size: the journal, then the new
// checkpoint, which replaces the old one by rename, then the directory. Tiles
// and positions are written before the checkpoint but reach the disk later, all
// at once, when the journal starts anew. After a crash the next [Open] rebuilds
// them from the journal, compares the root with the signed checkpoint and drops
// whatever lies beyond it.
package ledger
