package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/transparency-dev/merkle/compact"

	"tracekeep/adapters/ledger/trail"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// tileRetries bounds how often a reader looks again for a partial tile that
	// the writer replaced by a wider one between two looks.
	tileRetries = 1000
)

// tile is one file of the tree: width hashes of tree level 8·level, from
// index·256 on.
type tile struct {
	level  uint
	index  uint64
	hashes []Hash
}

// tilePath is the C2SP tlog-tiles path below the directory of the log. Width
// 256 is a full tile.
func tilePath(level uint, index uint64, width int) string {
	name := fmt.Sprintf("%03d", index%1000)
	for rest := index / 1000; rest > 0; rest /= 1000 {
		name = fmt.Sprintf("x%03d/%s", rest%1000, name)
	}
	path := "tile/" + strconv.FormatUint(uint64(level), 10) + "/" + name
	if width < tileWidth {
		path += ".p/" + strconv.Itoa(width)
	}
	return filepath.FromSlash(path)
}

func (t tile) path() string { return tilePath(t.level, t.index, len(t.hashes)) }

func (t tile) bytes() []byte {
	content := make([]byte, 0, len(t.hashes)*len(Hash{}))
	for i := range t.hashes {
		content = append(content, t.hashes[i][:]...)
	}
	return content
}

// entries is how many hashes the tiles of a level hold in a log of this size.
func entries(size uint64, level uint) uint64 {
	if level*tileHeight > 63 {
		return 0
	}
	return size >> (level * tileHeight)
}

// levels is how many tile levels a log of this size has.
func levels(size uint64) uint {
	var n uint
	for entries(size, n) > 0 {
		n++
	}
	return n
}

// tree reads the nodes of a log of a given size. The rightmost tiles are in
// memory, because the writer replaces their files; all others never change. It
// is safe for concurrent use.
type tree struct {
	dir   string
	size  uint64
	tails [][]Hash // for each tile level, the hashes after the last full tile
}

// openTree loads the rightmost tiles of a log of this size. Errors that wrap
// ErrCorrupt name the tile.
func openTree(dir string, size uint64) (*tree, error) {
	t := &tree{dir: dir, size: size, tails: make([][]Hash, levels(size))}
	for level := range t.tails {
		all := entries(size, uint(level))
		width := int(all % tileWidth)
		if width == 0 {
			continue
		}
		tail, err := readTile(dir, uint(level), all/tileWidth, width)
		if err != nil {
			return nil, err
		}
		t.tails[level] = tail
	}
	return t, nil
}

// tile reads one tile with as many hashes as it has in this tree.
func (t *tree) tile(level uint, index uint64) ([]Hash, error) {
	full := entries(t.size, level) / tileWidth
	switch {
	case index < full:
		return readTile(t.dir, level, index, tileWidth)
	case index == full && level < uint(len(t.tails)):
		return t.tails[level], nil
	}
	return nil, fmt.Errorf("tile %d of level %d is beyond the log: %w", index, level, ErrCorrupt)
}

// node computes the hash of a complete subtree.
func (t *tree) node(id compact.NodeID) (Hash, error) {
	level, height := id.Level/tileHeight, id.Level%tileHeight
	first := id.Index << height
	hashes, err := t.tile(level, first/tileWidth)
	if err != nil {
		return Hash{}, err
	}
	from := first % tileWidth
	to := from + 1<<height
	if to > uint64(len(hashes)) {
		return Hash{}, fmt.Errorf("node %d of level %d is incomplete: %w", id.Index, id.Level, ErrCorrupt)
	}
	return trail.Reduce(hashes[from:to]), nil
}

// nodes reads several subtrees as the merkle libraries take them.
func (t *tree) nodes(ids []compact.NodeID) ([][]byte, error) {
	hashes := make([][]byte, len(ids))
	for i, id := range ids {
		hash, err := t.node(id)
		if err != nil {
			return nil, err
		}
		hashes[i] = hash[:]
	}
	return hashes, nil
}

// readTile answers the first width hashes of a tile. A partial tile may have
// been replaced by a wider one since; its beginning is the same.
func readTile(dir string, level uint, index uint64, width int) ([]Hash, error) {
	path := tilePath(level, index, width)
	for range tileRetries {
		content, err := os.ReadFile(filepath.Join(dir, path))
		if err == nil {
			return splitTile(path, content, width)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("read a tile: %w", err)
		}
		wider, found := widerTile(dir, level, index, width)
		if !found {
			break
		}
		path = wider
	}
	return nil, fmt.Errorf("%s is missing: %w", tilePath(level, index, width), ErrCorrupt)
}

// splitTile refuses a tile whose length is not the one its name promises.
func splitTile(path string, content []byte, width int) ([]Hash, error) {
	size := len(Hash{})
	named := tileWidth
	if parent := filepath.Dir(path); filepath.Ext(parent) == ".p" {
		named, _ = strconv.Atoi(filepath.Base(path))
	}
	if len(content) != named*size || named < width {
		return nil, fmt.Errorf("%s has %d bytes: %w", path, len(content), ErrCorrupt)
	}
	hashes := make([]Hash, width)
	for i := range hashes {
		copy(hashes[i][:], content[i*size:])
	}
	return hashes, nil
}

// widerTile finds a file that begins with the partial tile.
func widerTile(dir string, level uint, index uint64, width int) (string, bool) {
	if width == tileWidth {
		return "", false
	}
	full := tilePath(level, index, tileWidth)
	// The partial tiles come first: when the writer takes the last of them
	// away, the full one is already in place.
	found, err := os.ReadDir(filepath.Join(dir, full+".p"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false
	}
	for _, entry := range found {
		if wider, err := strconv.Atoi(entry.Name()); err == nil && wider >= width && wider < tileWidth {
			return tilePath(level, index, wider), true
		}
	}
	_, err = os.Stat(filepath.Join(dir, full))
	return full, err == nil
}
