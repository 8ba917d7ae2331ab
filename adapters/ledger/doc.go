// Package ledger is the provable trail: an RFC 6962 Merkle log over salted
// commitments to events exactly as the event store holds them, sealed sections
// included. Erasing a person breaks no proof, and when an event expires its
// salt dies with it, so that a leaf left behind confirms no guess.
//
// One writer follows the event store and calls [Ledger.Append] with pages of
// events; everybody else verifies. [Verify] compares a whole event store with
// the trail and names the first event that was altered, removed, inserted or
// moved. [VerifyInclusion] checks one event offline, with nothing but the
// event, its proof and the public key. [VerifyConsistency] and [VerifyExtends]
// show that the log a party remembers is a prefix of the log as it is now:
// that is what unmasks a trail that was rolled back or rewritten as a whole, so
// checkpoints belong in hands outside the company.
//
// # Leaf
//
// All integers are unsigned and big endian. The leaf data of an event are 58
// bytes:
//
//	label       17  "tracekeep-leaf/v1" in ASCII
//	kind         1  0x01 salted, 0x02 without a salt
//	position     8  place of the event in the $all log
//	commitment  32  SHA-256, below
//
// The commitment is SHA-256 over ten fields in this order, each as its length
// in 8 bytes followed by its bytes:
//
//	label         "tracekeep-leaf/v1"
//	salt          32 bytes, or none when kind is 0x02
//	event id      16 bytes, in the order a UUID is written
//	stream        UTF-8
//	revision      8 bytes
//	type          UTF-8, as stored, with its version
//	created       8 bytes, two's complement: 100 ns steps since 1970-01-01 UTC, rounded down
//	content type  UTF-8
//	data          as stored
//	metadata      as stored
//
// The salt is the value of the last member named exactly "salt" of the metadata
// when these are a JSON object in valid UTF-8 and that value is a string of 44
// characters, standard base64, of 32 bytes. Otherwise the event has no salt:
// so have the store's own events, whose types begin with a dollar sign. No
// JSON is ever rewritten: the metadata are committed to byte by byte.
//
// The leaf hash is SHA-256(0x00 ‖ leaf data), an inner node SHA-256(0x01 ‖
// left ‖ right), as in RFC 6962. The index of a leaf is its rank by position.
//
// # Files
//
//	checkpoint     C2SP tlog-checkpoint: origin, size, base64 root, Ed25519 note signature
//	tile/L/N       C2SP tlog-tiles, height 8: 256 hashes of tree level 8·L
//	tile/L/N.p/W   the rightmost tile of a level while it holds only W < 256
//	positions      8 bytes for each leaf: the $all position, strictly increasing
//	journal        "tkpledg1", first index (8), then 40 bytes for each leaf: position, leaf hash
//	log.vkey       public verifier key
//	log.key        private signer key, mode 0600; never hand it out with the trail
//	lock           held by the writer
//
// An append costs three fsyncs whatever its size: the journal, then the new
// checkpoint, which replaces the old one by rename, then the directory. Tiles
// and positions are written before the checkpoint but reach the disk later, all
// at once, when the journal starts anew. After a crash the next [Open] rebuilds
// them from the journal, compares the root with the signed checkpoint and drops
// whatever lies beyond it.
package ledger
