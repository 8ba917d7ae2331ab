package ledger

import (
	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// What the trail consists of is said in package trail, which an auditor can read
// without this one.
type (
	// Hash is a leaf, node or root hash.
	Hash = trail.Hash
	// Checkpoint is the head of the log that a signature vouches for.
	Checkpoint = trail.Checkpoint
	// InclusionProof shows that an event is in the log of a signed checkpoint.
	InclusionProof = trail.InclusionProof
	// Kind says what is wrong.
	Kind = trail.Kind
	// Finding is one thing that is wrong.
	Finding = trail.Finding
)

// EventOf gives an event to package trail, byte for byte.
func EventOf(recorded eventschema.Recorded) trail.Event {
	return trail.Event{
		Stream: recorded.Stream, Revision: recorded.Revision, Position: recorded.Position, ID: recorded.ID, Type: recorded.Type,
		ContentType: recorded.ContentType, Created: recorded.Created, Data: recorded.Data, Metadata: recorded.Metadata,
	}
}

// LeafHash is the hash of the leaf that stands for an event.
func LeafHash(event eventschema.Recorded) Hash { return trail.LeafHash(EventOf(event)) }

// OpenCheckpoint reads a signed checkpoint and checks its signature. It needs no
// ledger. The answer has no Position. Errors: [ErrMalformed], [ErrSignature].
func OpenCheckpoint(text, verifierKey string) (Checkpoint, error) {
	return trail.OpenCheckpoint(text, verifierKey)
}

// VerifyNote answers the text that [Ledger.SignNote] was given, if the key of
// the log signed it. It needs no ledger. Errors: [ErrMalformed], [ErrSignature].
func VerifyNote(signed, verifierKey string) (string, error) {
	return trail.OpenNote(signed, verifierKey)
}

// VerifyInclusion checks offline that an event, exactly as stored, is in the log
// of the proof's signed checkpoint. Errors: [ErrProof], [ErrSignature], [ErrMalformed].
func VerifyInclusion(made InclusionProof, event eventschema.Recorded, verifierKey string) error {
	keys, err := trail.OneKey(verifierKey)
	if err != nil {
		return err
	}
	return made.Verify(EventOf(event), keys)
}

// The kinds of finding; see package trail.
const (
	KindAltered      = trail.KindAltered
	KindRemoved      = trail.KindRemoved
	KindInserted     = trail.KindInserted
	KindReordered    = trail.KindReordered
	KindTruncated    = trail.KindTruncated
	KindForked       = trail.KindForked
	KindRolledBack   = trail.KindRolledBack
	KindBadSignature = trail.KindBadSignature
	KindCorrupt      = trail.KindCorrupt
	KindFalseClaim   = trail.KindFalseClaim
)
