package eventnode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

const (
	// compactAtOnce bounds what one compaction rewrites, and with it the space it
	// needs beside the tables that it replaces.
	compactAtOnce = 64 << 20
	// filesGoneWithin is how long a file that nobody needs may take to vanish.
	filesGoneWithin = time.Minute
	filesLookEvery  = time.Millisecond
)

// eraseBytes rewrites the tables in which removed records may still be, and
// returns when no file holds them any more. Deleting only hides a record: its
// bytes stay in the write-ahead log until that is flushed, and in a table until
// the table is compacted with the deletion.
func (v *scavenger) eraseBytes(ctx context.Context) error {
	if v.state.Pending.empty() {
		return nil
	}
	logs, err := v.store.files(isLogFile)
	if err != nil {
		return err
	}
	if err := v.store.db.Flush(); err != nil {
		return storageError("flush", err)
	}
	if err := v.compact(ctx); err != nil {
		return err
	}
	if err := v.awaitBackups(ctx); err != nil {
		return err
	}
	defer v.store.staging.Unlock()
	tables, err := v.store.files(isTableFile)
	if err != nil {
		return err
	}
	if err := v.gone(ctx, append(logs, tables...)); err != nil {
		return err
	}
	// Deleted files must not come back with a power cut.
	if err := syncFolder(v.store.fs, v.store.dir); err != nil {
		return fmt.Errorf("event store folder %s: %w", v.store.dir, err)
	}
	v.state.Pending = keyBounds{}
	return nil
}

// awaitBackups waits for backups that are being taken, because they hold on to
// the tables of their moment, and keeps new ones waiting.
func (v *scavenger) awaitBackups(ctx context.Context) error {
	look := time.NewTicker(filesLookEvery)
	defer look.Stop()
	for !v.store.staging.TryLock() {
		v.tell(ScavengeWaits, 0, 0)
		select {
		case <-look.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// compact rewrites piece by piece, in the order of keys.
func (v *scavenger) compact(ctx context.Context) error {
	p := v.state.Pending
	ranges := append(v.touched.ranges(), keyRange{streamKey(p.FirstStream, 0), streamKey(p.LastStream+1, 0)})
	var pieces []piece
	total := int64(0)
	for _, rg := range ranges {
		more, err := v.store.pieces(rg)
		if err != nil {
			return err
		}
		for _, x := range more {
			total += x.bytes
		}
		pieces = append(pieces, more...)
	}
	done := int64(0)
	for _, x := range pieces {
		v.tell(ScavengeCompacts, done, total)
		began := v.clock()
		if err := v.store.db.Compact(ctx, x.from, x.to, false); err != nil {
			return storageError("compact", err)
		}
		done += x.bytes
		if err := v.rest(ctx, began); err != nil {
			return err
		}
	}
	v.tell(ScavengeCompacts, total, total)
	return nil
}

// keyRange is a part of the key space; to is excluded.
type keyRange struct{ from, to []byte }

// piece is what one compaction rewrites.
type piece struct {
	keyRange
	bytes int64
}

// pieces cuts a range at the borders of the tables in its largest level, which is
// where most of the work is.
func (s *store) pieces(rg keyRange) ([]piece, error) {
	levels, err := s.db.SSTables(pebble.WithKeyRangeFilter(rg.from, rg.to))
	if err != nil {
		return nil, storageError("tables", err)
	}
	var tables []pebble.SSTableInfo
	most := uint64(0)
	for _, level := range levels {
		size := uint64(0)
		for i := range level {
			size += level[i].Size
		}
		if size > most {
			most, tables = size, level
		}
	}
	var all []piece
	next := piece{keyRange: keyRange{from: rg.from}}
	for i := range tables {
		next.bytes += int64(tables[i].Size)
		border := tables[i].Largest.UserKey
		if next.bytes < compactAtOnce || bytes.Compare(border, next.from) <= 0 || bytes.Compare(border, rg.to) >= 0 {
			continue
		}
		next.to = slices.Clone(border)
		all = append(all, next)
		next = piece{keyRange: keyRange{from: next.to}}
	}
	next.to = rg.to
	return append(all, next), nil
}

func isLogFile(name string) bool   { return strings.HasSuffix(name, ".log") }
func isTableFile(name string) bool { return strings.HasSuffix(name, ".sst") }

// files lists the files of the folder that want accepts.
func (s *store) files(want func(name string) bool) ([]string, error) {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return nil, fmt.Errorf("event store folder %s: %w", s.dir, err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return !want(name) }), nil
}

// liveTables names the tables that hold the folder's present contents.
func (s *store) liveTables() (map[string]bool, error) {
	levels, err := s.db.SSTables()
	if err != nil {
		return nil, storageError("tables", err)
	}
	live := map[string]bool{}
	for _, level := range levels {
		for i := range level {
			live[level[i].BackingSSTNum.String()+".sst"] = true
		}
	}
	return live, nil
}

// gone waits until files have vanished, except tables in use: after the
// compaction they hold no removed records. Pebble deletes the others on its own,
// as soon as nobody reads them, but looks for them only when a flush or a
// compaction ends.
func (v *scavenger) gone(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, filesGoneWithin)
	defer cancel()
	for total, pause := len(names), filesLookEvery; ; pause = min(2*pause, time.Second) {
		left, err := v.store.leftovers(names)
		if err != nil {
			return err
		}
		v.tell(ScavengeCleans, int64(total-len(left)), int64(total))
		if names = left; len(names) == 0 {
			return nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("removed events are still in %s: %w", strings.Join(names, ", "), ctx.Err())
		}
		if err := v.store.db.Flush(); err != nil {
			return storageError("flush", err)
		}
	}
}

// leftovers are those of the files that are in the folder and not in use as
// tables. A table that is just being written is one until it is finished.
func (s *store) leftovers(names []string) ([]string, error) {
	live, err := s.liveTables()
	if err != nil {
		return nil, err
	}
	var left []string
	for _, name := range names {
		if live[name] {
			continue
		}
		_, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
		switch {
		case err == nil:
			left = append(left, name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("event store folder: %w", err)
		}
	}
	return left, nil
}

// diskUsage is the size of all files in the folder.
func (s *store) diskUsage() (int64, error) {
	names, err := s.files(func(string) bool { return true })
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, name := range names {
		info, err := s.fs.Stat(s.fs.PathJoin(s.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
		case err != nil:
			return 0, fmt.Errorf("event store folder: %w", err)
		case !info.IsDir():
			total += info.Size()
		}
	}
	return total, nil
}
