// Package bundle is the audit bundle: one file that carries events as stored out
// of the house, with everything that lets somebody who trusts nobody check them
// against the signed trail, offline. [Writer] writes it, [Verify] checks it and
// says in plain sentences what was checked and what was not.
//
// # Container
//
// A ZIP archive whose members are stored without compression, without times and
// in this order. The same input gives the same bytes.
//
//	README.txt          what the file is and how it is checked
//	bundle.json         format, log, size and root, what was selected
//	checkpoint          signed note: C2SP tlog-checkpoint
//	handovers           how the key of the log changed; empty while it has its first
//	schema.json         every registered event, its versions and fields, what is personal and why
//	events.jsonl        the log, a line for each leaf or run of leaves; see below
//	blocks.bin          32 bytes for each whole block of 256 leaves that are given: the root of the block
//	certificates.jsonl  the certificates of erasure that the events carry, once more, to read
//	heads.jsonl         earlier states of the log, each with the proof that the log is its continuation
//	opened.jsonl        personal values in clear, where somebody had the right to open them; else absent
//	manifest            signed note: JSON with the SHA-256 of every other member
//
// # Log
//
// The lines of events.jsonl go through the whole log, from leaf 0 to its size. A
// line is one of
//
//	an event        leaf, hash of the leaf, and the event as stored
//	a removed one   leaf, hash, and what a listing kept of it: stream, revision, position, hash of the body
//	a missing one   leaf, hash and position, and "missing": nobody said that it may be removed
//	skipped leaves  the first leaf, how many, and the roots of the complete subtrees that cover them
//	an unrecorded   an event without leaf and hash: the store has it, the trail has not
//
// From the leaves that are given and the subtrees of those that are not follows
// the root, which must be the signed one: so every event that is given is proven
// to be in the log, and of a run of leaves it is proven that none is left out.
// Data and metadata are strings when they are valid UTF-8, else base64 under
// data_base64 and metadata_base64. Times have the 100 ns steps of the store.
//
// The hashes beside the events and in blocks.bin prove nothing that the root does
// not prove. They are there to name the place when something is wrong.
package bundle
