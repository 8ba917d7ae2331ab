package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	journalFile   = "journal"
	journalMagic  = "tkpledg1"
	journalHeader = len(journalMagic) + 8
	journalEntry  = 8 + 32
)

// leaf is what the trail keeps of one event.
type leaf struct {
	position uint64
	hash     Hash
}

// journal holds the leaves since the tiles last reached the disk. It is the
// only file an append must wait for besides the checkpoint.
type journal struct {
	file *os.File
	base uint64 // index of its first leaf
	held uint64 // leaves written
}

// startJournal replaces the journal by an empty one that begins at base. The
// old one stays in force until the rename.
func startJournal(dir string, base uint64) (*journal, error) {
	header := binary.BigEndian.AppendUint64([]byte(journalMagic), base)
	path := filepath.Join(dir, journalFile)
	if err := writeDurable(path, header, 0o600); err != nil {
		return nil, fmt.Errorf("start a journal: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return &journal{file: file, base: base}, nil
}

// append writes leaves after those held and waits for the disk.
func (j *journal) append(leaves []leaf) error {
	content := make([]byte, 0, len(leaves)*journalEntry)
	for _, l := range leaves {
		content = binary.BigEndian.AppendUint64(content, l.position)
		content = append(content, l.hash[:]...)
	}
	if _, err := j.file.WriteAt(content, int64(journalHeader)+int64(j.held)*journalEntry); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("flush the journal: %w", err)
	}
	j.held += uint64(len(leaves))
	return nil
}

// readJournal reads the journal up to a log size. What follows was never
// published, and an entry cut short by a crash is part of that.
func readJournal(dir string, size uint64) (base uint64, leaves []leaf, err error) {
	file, err := os.Open(filepath.Join(dir, journalFile))
	if err != nil {
		return 0, nil, fmt.Errorf("open the journal: %w", err)
	}
	defer file.Close()
	header := make([]byte, journalHeader)
	if _, err := io.ReadFull(file, header); err != nil || string(header[:len(journalMagic)]) != journalMagic {
		return 0, nil, fmt.Errorf("journal header: %w", ErrCorrupt)
	}
	base = binary.BigEndian.Uint64(header[len(journalMagic):])
	if base > size {
		return base, nil, nil
	}
	content, err := io.ReadAll(io.LimitReader(file, int64(min(size-base, 1<<32))*journalEntry))
	if err != nil {
		return 0, nil, fmt.Errorf("read the journal: %w", err)
	}
	return base, parseJournal(content), nil
}

// parseJournal splits whole entries and leaves a torn one at the end out.
func parseJournal(content []byte) []leaf {
	leaves := make([]leaf, 0, len(content)/journalEntry)
	for ; len(content) >= journalEntry; content = content[journalEntry:] {
		next := leaf{position: binary.BigEndian.Uint64(content)}
		copy(next.hash[:], content[8:])
		leaves = append(leaves, next)
	}
	return leaves
}

func (j *journal) close() error {
	if j == nil || j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}
