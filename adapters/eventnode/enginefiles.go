package eventnode

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// engineFile: the file is pebble's. Others, such as lost+found, do not matter.
func engineFile(name string) bool {
	switch filepath.Ext(name) {
	case ".sst", ".log", ".blob":
		return name[0] >= '0' && name[0] <= '9'
	}
	return strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "OPTIONS-") || strings.HasPrefix(name, "marker.")
}

// isTable: the file has checksums of its own, block by block.
func isTable(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".sst" || ext == ".blob"
}

// catalogue lists the engine's files of a folder that nobody writes to.
func catalogue(files vfs.FS, dir string) ([]filedEntry, error) {
	names, err := files.List(dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var all []filedEntry
	for _, name := range names {
		if !engineFile(name) {
			continue
		}
		e, err := fileEntry(files, dir, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", files.PathJoin(dir, name), err)
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b filedEntry) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

func fileEntry(files vfs.FS, dir, name string) (filedEntry, error) {
	f, err := files.Open(files.PathJoin(dir, name))
	if err != nil {
		return filedEntry{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return filedEntry{}, err
	}
	e := filedEntry{Name: name, Size: info.Size()}
	if isTable(name) {
		return e, nil
	}
	sum := newChecksum()
	if _, err := io.Copy(sum, f); err != nil {
		return filedEntry{}, err
	}
	e.Sum = new(sum.Sum32())
	return e, nil
}

// checkCatalogue holds a folder against what a clean stop left in it, and gives
// every difference to found.
func checkCatalogue(files vfs.FS, dir string, left []filedEntry, found func(file string, err error)) error {
	now, err := catalogue(files, dir)
	if err != nil {
		return err
	}
	there := map[string]filedEntry{}
	for _, e := range now {
		there[e.Name] = e
	}
	for _, was := range left {
		is, ok := there[was.Name]
		delete(there, was.Name)
		switch {
		case !ok:
			found(was.Name, errors.New("it was there when the node stopped and is missing"))
		case is.Size != was.Size:
			found(was.Name, fmt.Errorf("it had %d bytes when the node stopped and has %d", was.Size, is.Size))
		case was.Sum != nil && is.Sum != nil && *is.Sum != *was.Sum:
			found(was.Name, errors.New("its bytes have changed since the node stopped"))
		}
	}
	for _, e := range now {
		if _, added := there[e.Name]; added {
			found(e.Name, errors.New("it appeared after the node stopped"))
		}
	}
	return nil
}

// checkManifest looks for damage that pebble takes for an end: it stops reading
// the manifest at the first record that does not hold, forgets what the others
// say and deletes the tables they name. It also sees when the folder has data and
// no manifest, which pebble would fill with an empty store. m may be nil.
func checkManifest(files vfs.FS, dir string, m *durableMark) (exists bool, err error) {
	name, b, err := readManifest(files, dir)
	if err != nil {
		return false, err
	}
	if name == "" {
		return false, checkNothingThere(files, dir)
	}
	end, damaged := wholeUntil(b)
	if m != nil && m.Manifest == name && end < m.Whole {
		damaged = true
	}
	if damaged {
		return true, corrupt(files.PathJoin(dir, name), fmt.Errorf("damage at byte %d, before the end", end))
	}
	return true, nil
}

// readManifest reads the manifest in use; the name is empty if there is none.
func readManifest(files vfs.FS, dir string) (name string, b []byte, err error) {
	state, err := pebble.Peek(dir, files)
	if err != nil {
		return "", nil, openError(dir, err)
	}
	if !state.Exists {
		return "", nil, nil
	}
	if b, err = readFile(files, state.ManifestFilename); err != nil {
		return "", nil, openError(dir, err)
	}
	return files.PathBase(state.ManifestFilename), b, nil
}

func checkNothingThere(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return fmt.Errorf("list %s: %w", dir, err)
	}
	for _, name := range names {
		if isTable(name) || filepath.Ext(name) == ".log" {
			return corrupt(files.PathJoin(dir, "marker.manifest"), fmt.Errorf("it is missing, and there are data: %s", name))
		}
	}
	return nil
}

// A manifest is a sequence of chunks in blocks of 32 KB. A chunk is a checksum
// of four bytes, a length of two and a type of one, then its payload.
const (
	manifestBlock  = 32 << 10
	chunkHeaderLen = 4 + 2 + 1

	chunkFull  = 1
	chunkFirst = 2
	chunkLast  = 4
)

// wholeUntil says up to where a manifest holds, and whether it is damaged there:
// a record that was begun later is whole. Every record is synced before the next
// is begun, so that a crash can tear the last one only.
func wholeUntil(b []byte) (end int, damaged bool) {
	for end < len(b) {
		if block := manifestBlock - end%manifestBlock; block < chunkHeaderLen {
			end += block // too short for a chunk; zeros fill it
			continue
		}
		_, size, ok := chunkAt(b, end)
		if !ok {
			break
		}
		end += size
	}
	for i := end + 1; i < len(b); i++ {
		if kind, _, ok := chunkAt(b, i); ok && (kind == chunkFull || kind == chunkFirst) {
			return end, true
		}
	}
	return end, false
}

// chunkAt reads a chunk that begins here and holds.
func chunkAt(b []byte, at int) (kind byte, size int, ok bool) {
	room := min(len(b)-at, manifestBlock-at%manifestBlock)
	if room < chunkHeaderLen {
		return 0, 0, false
	}
	kind = b[at+6]
	size = chunkHeaderLen + int(binary.LittleEndian.Uint16(b[at+4:]))
	if kind < chunkFull || kind > chunkLast || size > room {
		return 0, 0, false
	}
	sum := checksum(b[at+6 : at+size])
	return kind, size, binary.LittleEndian.Uint32(b[at:]) == (sum>>15|sum<<17)+0xa282ead8
}
