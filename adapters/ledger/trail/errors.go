package trail

import "errors"

var (
	// ErrMalformed says that a text or file is not in its format.
	ErrMalformed = errors.New("malformed")
	// ErrSignature says that a note is not signed by the expected key.
	ErrSignature = errors.New("signature does not verify")
	// ErrProof says that a proof does not show what it claims.
	ErrProof = errors.New("proof does not verify")
)
