package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// LocateIn answers the leaves of $all positions in the trail of a folder, as far
// as its signed checkpoint covers them. The folder is only read, so this also
// works beside the process that writes it; before the first checkpoint it
// answers none. Errors: [ErrSignature], [ErrCorrupt].
func LocateIn(dir, verifierKey string, of ...uint64) (map[uint64]uint64, error) {
	leaves := make(map[uint64]uint64, len(of))
	text, err := os.ReadFile(filepath.Join(dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		return leaves, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	checkpoint, err := OpenCheckpoint(string(text), verifierKey)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(dir, positionsFile))
	if err != nil {
		return nil, fmt.Errorf("open positions: %w", err)
	}
	defer func() { _ = file.Close() }()
	for _, position := range of {
		index, exact, err := positions{file: file}.search(checkpoint.Size, position)
		if err != nil {
			return nil, fmt.Errorf("locate position %d: %w", position, err)
		}
		if exact {
			leaves[position] = index
		}
	}
	return leaves, nil
}
