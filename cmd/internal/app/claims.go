package app

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"tracekeep/adapters/ledger/trail"
)

const (
	claimBytes  = 8 + 8 + 8 + 32 // number of the stream from 1, revision, position, hash of the body
	claimsBlock = 4096
)

// claims hold, by leaf, what listings keep of events that may be gone. They lie in
// a file without a name, so that their number costs no memory.
type claims struct {
	file    *os.File
	numbers map[string]uint64
	streams []string
	any     bool
	first   uint64 // leaf of the block
	block   []byte
}

func newClaims() (*claims, error) {
	file, err := os.CreateTemp("", "tracekeep-claims-")
	if err != nil {
		return nil, fmt.Errorf("scratch file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("scratch file: %w", err), file.Close())
	}
	return &claims{file: file, numbers: map[string]uint64{}}, nil
}

func (c *claims) close() error { return c.file.Close() }

func (c *claims) put(listing trail.Listing) error {
	number := c.numbers[listing.Stream]
	if number == 0 {
		c.streams = append(c.streams, listing.Stream)
		number = uint64(len(c.streams))
		c.numbers[listing.Stream] = number
	}
	for i, leaf := range listing.Leaves {
		removed := listing.Names(i)
		entry := make([]byte, 0, claimBytes)
		for _, n := range []uint64{number, removed.Revision, removed.Position} {
			entry = binary.BigEndian.AppendUint64(entry, n)
		}
		if _, err := c.file.WriteAt(append(entry, removed.Body[:]...), int64(leaf)*claimBytes); err != nil { //nolint:gosec // a log has fewer leaves
			return fmt.Errorf("write a claim: %w", err)
		}
	}
	c.any, c.block = true, nil
	return nil
}

// of answers nil for a leaf that no listing names.
func (c *claims) of(leaf uint64) (*trail.Removed, error) {
	if !c.any {
		return nil, nil
	}
	if leaf < c.first || (leaf-c.first+1)*claimBytes > uint64(len(c.block)) {
		block := make([]byte, claimsBlock*claimBytes)
		n, err := c.file.ReadAt(block, int64(leaf)*claimBytes) //nolint:gosec // a log has fewer leaves
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read a claim: %w", err)
		}
		c.first, c.block = leaf, block[:n]
	}
	at := (leaf - c.first) * claimBytes
	if at+claimBytes > uint64(len(c.block)) {
		return nil, nil
	}
	entry := c.block[at : at+claimBytes]
	number := binary.BigEndian.Uint64(entry)
	if number == 0 {
		return nil, nil
	}
	removed := &trail.Removed{
		Stream: c.streams[number-1], Revision: binary.BigEndian.Uint64(entry[8:]), Position: binary.BigEndian.Uint64(entry[16:]),
	}
	copy(removed.Body[:], entry[24:])
	return removed, nil
}
