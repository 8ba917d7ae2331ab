package eventnode

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"go.uber.org/zap"
)

// stagePrefix begins the names of folders, inside that of the store, in which
// backups stand while they are taken. An id follows.
const stagePrefix = "backup-being-taken-"

const hashStep = 1 << 20

// stage is the folder as it was at one moment: tables by hard links, which cost
// nothing, logs and manifest by copies. It must be dropped.
type stage struct {
	store    *store
	dir      string
	manifest BackupManifest
}

// takeStage freezes the folder. Writers go on; whatever was acknowledged before
// is in it. told is how many bytes have been read to hash them.
func (s *store) takeStage(ctx context.Context, taken time.Time, told func(done, total int64)) (*stage, error) {
	s.staging.RLock()
	st := &stage{store: s, dir: s.fs.PathJoin(s.dir, stagePrefix+uuid.NewString())}
	if err := st.take(ctx, taken, told); err != nil {
		return nil, errors.Join(fmt.Errorf("freeze %s: %w", s.dir, err), st.drop())
	}
	return st, nil
}

func (st *stage) take(ctx context.Context, taken time.Time, told func(done, total int64)) error {
	durable := st.store.mark.position()
	if err := st.store.db.LogData(nil, pebble.Sync); err != nil { // for a node that does not sync
		return err
	}
	written := st.store.logs.now()
	if err := errors.Join(st.store.db.Checkpoint(st.dir), st.cutLog(written)); err != nil {
		return err
	}
	node, position, err := endOf(st.store.fs, st.dir)
	if err != nil {
		return err
	}
	if position < durable {
		return corrupt("the backup", fmt.Errorf("it ends at position %d, and position %d was on the disk", position, durable))
	}
	st.manifest = BackupManifest{Node: node, Position: position, Taken: taken}
	return st.hash(ctx, told)
}

// cutLog ends the copy of the log that was being written while it was copied at
// what had been written before. Logs before it were full, and a log that was
// begun since has nothing that was acknowledged before.
func (st *stage) cutLog(written map[string]int64) error {
	files := st.store.fs
	names, err := files.List(st.dir)
	if err != nil {
		return err
	}
	last := ""
	for _, name := range names {
		if isLogFile(name) && (len(name) > len(last) || len(name) == len(last) && name > last) {
			last = name
		}
	}
	if last == "" {
		return nil
	}
	path := files.PathJoin(st.dir, last)
	whole := path + unfinishedEnd
	if err := copyPart(files, path, whole, written[last]); err != nil {
		return fmt.Errorf("copy of %s: %w", last, err)
	}
	return files.Rename(whole, path)
}

// copyPart copies the beginning of a file, which must be that long.
func copyPart(files vfs.FS, from, to string, size int64) error {
	in, err := files.Open(from, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := files.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = io.CopyN(out, in, size)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func (st *stage) drop() error {
	defer st.store.staging.RUnlock()
	if err := st.store.fs.RemoveAll(st.dir); err != nil {
		return fmt.Errorf("remove %s: %w", st.dir, err)
	}
	return nil
}

// dropStages removes what a crash left of backups that were being taken.
func dropStages(files vfs.FS, dir string) error {
	names, err := files.List(dir)
	if err != nil {
		return fmt.Errorf("event store folder %s: %w", dir, err)
	}
	for _, name := range names {
		id, found := strings.CutPrefix(name, stagePrefix)
		if _, err := uuid.Parse(id); !found || err != nil {
			continue
		}
		if err := files.RemoveAll(files.PathJoin(dir, name)); err != nil {
			return fmt.Errorf("remove %s: %w", files.PathJoin(dir, name), err)
		}
	}
	return nil
}

// endOf opens a folder without changing it and says whose it is and where its
// log ends.
func endOf(files vfs.FS, dir string) (node uuid.UUID, position int64, err error) {
	o := engineOptions(Config{FS: readOnly{files}, CacheBytes: 1 << 20, Log: zap.NewNop()}.withDefaults(), nil)
	o.ReadOnly = true
	db, err := openPebble(dir, o)
	if err != nil {
		return uuid.Nil, 0, err
	}
	s := &store{db: db, fs: files, dir: dir, log: zap.NewNop()}
	err = errors.Join(s.checkFormat(dir), s.readEnd(), db.Close())
	return s.nodeID, s.last, err
}

func (st *stage) hash(ctx context.Context, told func(done, total int64)) error {
	files := st.store.fs
	names, err := files.List(st.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !engineFile(name) {
			continue
		}
		info, err := files.Stat(files.PathJoin(st.dir, name))
		if err != nil {
			return err
		}
		st.manifest.Files = append(st.manifest.Files, BackupFile{Name: name, Size: info.Size()})
	}
	done, total := int64(0), st.manifest.Bytes()
	for i := range st.manifest.Files {
		f := &st.manifest.Files[i]
		size, sum, err := hashFile(ctx, files, files.PathJoin(st.dir, f.Name), func(n int) {
			done += int64(n)
			told(done, total)
		})
		if err != nil {
			return err
		}
		f.Size, f.SHA256 = size, sum
	}
	return nil
}

// hashFile reads a whole file.
func hashFile(ctx context.Context, files vfs.FS, path string, told func(n int)) (size int64, sum string, err error) {
	f, err := files.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = copyAll(ctx, h, f, told)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// copyAll copies in steps, until ctx ends.
func copyAll(ctx context.Context, to io.Writer, from io.Reader, told func(n int)) (total int64, err error) {
	step := make([]byte, hashStep)
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := from.Read(step)
		if n > 0 {
			if _, err := to.Write(step[:n]); err != nil {
				return total, err
			}
			total += int64(n)
			told(n)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
