package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
)

const (
	positionsFile  = "positions"
	positionBytes  = 8
	positionsBlock = 8192 // entries a scanning reader takes at once
)

// positions is the index from leaves to $all positions. A lookup reads a few
// entries from the file, so the index costs no memory.
type positions struct {
	file io.ReaderAt
}

func (p positions) at(index uint64) (uint64, error) {
	var entry [positionBytes]byte
	if _, err := p.file.ReadAt(entry[:], int64(index)*positionBytes); err != nil {
		return 0, positionsError(index, err)
	}
	return binary.BigEndian.Uint64(entry[:]), nil
}

func positionsError(index uint64, err error) error {
	switch {
	case errors.Is(err, os.ErrClosed):
		return ErrClosed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("positions end before leaf %d: %w", index, ErrCorrupt)
	}
	return fmt.Errorf("read positions: %w", err)
}

// search finds the first leaf at or after a position among the first size
// leaves, and whether it is exactly there.
func (p positions) search(size, position uint64) (index uint64, exact bool, err error) {
	found := sort.Search(int(size), func(i int) bool {
		if err != nil {
			return true
		}
		var at uint64
		at, err = p.at(uint64(i))
		return at >= position
	})
	if err != nil {
		return 0, false, err
	}
	index = uint64(found)
	if index == size {
		return index, false, nil
	}
	at, err := p.at(index)
	return index, at == position, err
}

// encodePositions is the file format of a run of leaves.
func encodePositions(leaves []leaf) []byte {
	content := make([]byte, 0, len(leaves)*positionBytes)
	for _, l := range leaves {
		content = binary.BigEndian.AppendUint64(content, l.position)
	}
	return content
}

// positionScan answers positions in rising order of index with few reads.
type positionScan struct {
	positions
	io.Closer
	first uint64
	block []byte
	size  uint64
}

func openPositionScan(dir string) (*positionScan, error) {
	file, err := os.Open(filepath.Join(dir, positionsFile))
	if err != nil {
		return nil, fmt.Errorf("open positions: %w", err)
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("size of positions: %w", err), file.Close())
	}
	return &positionScan{positions: positions{file: file}, Closer: file, size: uint64(stat.Size()) / positionBytes}, nil
}

// at answers false for a leaf the file does not reach.
func (s *positionScan) at(index uint64) (uint64, bool) {
	if s == nil {
		return 0, false
	}
	if index < s.first || (index-s.first+1)*positionBytes > uint64(len(s.block)) {
		block := make([]byte, positionsBlock*positionBytes)
		n, err := s.file.ReadAt(block, int64(index)*positionBytes)
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, false
		}
		s.first, s.block = index, block[:n/positionBytes*positionBytes]
		if len(s.block) == 0 {
			return 0, false
		}
	}
	return binary.BigEndian.Uint64(s.block[(index-s.first)*positionBytes:]), true
}
