package ledger

import (
	"errors"
	"fmt"
	"io/fs"
)

// Signer signs notes with the key of a log that another process may be writing.
// It signs no checkpoints: that is the writer's alone.
type Signer struct{ key *logKey }

// ReadSigner reads the key in force of the log in dir. Errors: [ErrConfig] when
// it is another log's, [ErrCorrupt], and [fs.ErrNotExist] without a key.
func ReadSigner(dir, origin string) (*Signer, error) {
	key, err := readKey(dir, signerKeyFile, origin)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the trail has no key here: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the trail: %w", err)
	}
	return &Signer{key: key}, nil
}

// SignNote signs a text as [Ledger.SignNote] does.
func (s *Signer) SignNote(text string) (string, error) { return s.key.signNote(text) }
