// Package trail says what the provable trail consists of and how each piece of
// it is checked: leaves, checkpoints, keys that follow each other, witnesses,
// proofs, removals. It reads no store and no clock, opens no file and no
// connection, and holds no secret, so that whoever trusts nobody can read all of
// it: an auditor's verifier is this package, the one for bundles and the
// standard library. The writer of the trail is package ledger.
//
// Two implementations of RFC 6962 that know nothing of each other check every
// proof: transparency-dev/merkle and golang.org/x/mod/sumdb/tlog.
//
// # Leaf
//
// All integers are unsigned and big endian. The leaf data of an event are 58
// bytes:
//
//	label       17  "tracekeep-leaf/v1" in ASCII
//	kind         1  0x03 salted, 0x04 without a salt; 0x01 and 0x02 the same in logs of older releases
//	position     8  place of the event in the $all log
//	commitment  32  SHA-256, below
//
// Hashes are over fields in a fixed order, each as its length in 8 bytes
// followed by its bytes. The commitment of the kinds 0x03 and 0x04 is over
//
//	label         "tracekeep-leaf/v1"
//	stream        UTF-8
//	revision      8 bytes
//	body          32 bytes: the SHA-256 over the fields that follow
//
//	label         "tracekeep-body/v1"
//	salt          32 bytes, or none when the kind is without a salt
//	event id      16 bytes, in the order a UUID is written
//	type          UTF-8, as stored, with its version
//	created       8 bytes, two's complement: 100 ns steps since 1970-01-01 UTC, rounded down
//	content type  UTF-8
//	data          as stored
//	metadata      as stored
//
// So an event that was removed leaves its body hash, from which anybody can show
// which stream and revision its leaf stood for; see [Listing]. The kinds 0x01
// and 0x02 commit in one part, over label, salt, event id, stream, revision,
// type, created, content type, data and metadata, the label being that of the
// leaf.
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
// Every event of the log has a leaf but those of the store's own streams, whose
// names begin with a dollar sign and which a store fills and empties by itself.
// The metadata of all other streams have leaves: setting $maxCount and scavenging
// is how an administrator would quietly delete history. See [Counts].
package trail
