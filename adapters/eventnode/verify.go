package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	chunks "github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/wal"
	"go.uber.org/zap"
)

// VerifyConfig says which folder to verify.
type VerifyConfig struct {
	// Dir is the folder of a stopped node, or a backup of one. Required.
	Dir string
	// FS is the file system; nil means the disk.
	FS vfs.FS
	// CacheBytes is the size of the block cache; 0 means DefaultCacheBytes.
	CacheBytes int64
	// Found is told of every defect; nil: they are only counted.
	Found func(Defect)
	// Progress is told how much of the work is done, in bytes; nil: nobody asks.
	Progress func(done, total int64)
}

// VerifyReport says what was verified.
type VerifyReport struct {
	Events   int64 `json:"events"`
	Streams  int64 `json:"streams"`
	Position int64 `json:"position"` // of the last event
	Tables   int   `json:"tables"`
	Bytes    int64 `json:"bytes"` // of tables and logs
	// Leftovers are files that no event rests on any more; the next start of a
	// node removes them.
	Leftovers []string `json:"leftovers,omitempty"`
	Defects   int64    `json:"defects"`
}

// Verify reads everything in a folder that no node has open, changes nothing,
// and reports whatever does not hold: files, block checksums, records, the
// stream index, heads, names, persistent subscriptions. It holds a fixed amount
// of memory and a bit a stream. It fails with ErrLocked while a node has the
// folder open, and with ErrUnknownFormat when the folder is no event store;
// defects are no error.
func Verify(ctx context.Context, cfg VerifyConfig) (VerifyReport, error) {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
		dir, err := filepath.Abs(cfg.Dir)
		if err == nil {
			dir, err = filepath.EvalSymlinks(dir)
		}
		if err != nil {
			return VerifyReport{}, fmt.Errorf("event store folder %s: %w", cfg.Dir, err)
		}
		cfg.Dir = dir
	}
	if cfg.CacheBytes == 0 {
		cfg.CacheBytes = DefaultCacheBytes
	}
	lock, err := lockToRead(cfg.Dir, cfg.FS)
	if err != nil {
		return VerifyReport{}, err
	}
	v := &verification{cfg: cfg, ctx: ctx, files: readOnly{cfg.FS}}
	err = v.run()
	return v.report, errors.Join(err, lock.Close())
}

// verification is one run of Verify.
type verification struct {
	cfg    VerifyConfig
	ctx    context.Context
	files  vfs.FS
	report VerifyReport
	mark   *durableMark
	done   int64
	total  int64
}

func (v *verification) found(d Defect) error {
	v.report.Defects++
	if v.cfg.Found != nil {
		v.cfg.Found(d)
	}
	return v.ctx.Err()
}

// damaged makes a defect of an error that says the folder is corrupt. Other
// errors, of the system, are passed on.
func (v *verification) damaged(d Defect, err error) error {
	if err == nil || !errors.Is(err, ErrCorrupt) && !pebble.IsCorruptionError(err) {
		return err
	}
	d.Detail = err.Error()
	return v.found(d)
}

func (v *verification) advance(bytes int64) {
	v.done = min(v.done+bytes, v.total)
	if v.cfg.Progress != nil {
		v.cfg.Progress(v.done, v.total)
	}
}

func (v *verification) run() error {
	if err := v.isStore(); err != nil {
		return err
	}
	if err := v.asLeft(); err != nil {
		return err
	}
	_, err := checkManifest(v.files, v.cfg.Dir, v.mark)
	if err := v.damaged(Defect{Kind: DefectFile, File: "MANIFEST"}, err); err != nil {
		return err
	}
	if err := v.logs(); err != nil {
		return err
	}
	s, live, err := v.open()
	if err != nil {
		return err
	}
	if s == nil {
		return v.tables(nil) // all there are: nobody knows which are in use
	}
	defer s.db.Close()
	if err := v.tables(live); err != nil {
		return err
	}
	return v.contents(s)
}

// isStore refuses folders that hold no event store.
func (v *verification) isStore() error {
	names, err := v.files.List(v.cfg.Dir)
	if err != nil {
		return fmt.Errorf("event store folder %s: %w", v.cfg.Dir, err)
	}
	known := false
	for _, name := range names {
		known = known || engineFile(name) || name == markFile
		if !isTable(name) && filepath.Ext(name) != ".log" {
			continue
		}
		info, err := v.files.Stat(v.files.PathJoin(v.cfg.Dir, name))
		if err != nil {
			return fmt.Errorf("event store folder %s: %w", v.cfg.Dir, err)
		}
		v.report.Bytes += info.Size()
	}
	if !known {
		return fmt.Errorf("%s: %w: it holds no event store", v.cfg.Dir, ErrUnknownFormat)
	}
	v.total = v.report.Bytes
	return nil
}

// asLeft holds the folder against what the durable mark says.
func (v *verification) asLeft() error {
	m, err := readMark(v.files, v.cfg.Dir)
	if err != nil {
		return v.damaged(Defect{Kind: DefectFile, File: markFile}, err)
	}
	v.mark = m
	if m == nil || !m.Clean {
		return nil
	}
	var stop error
	err = checkCatalogue(v.files, v.cfg.Dir, m.Files, func(file string, err error) {
		if stop == nil {
			stop = v.found(Defect{Kind: DefectFile, File: file, Detail: err.Error()})
		}
	})
	return errors.Join(err, stop)
}

// open opens the folder without changing it, and lists the tables in use. Where
// damage prevents that the store is nil.
func (v *verification) open() (*store, map[string]bool, error) {
	log := zap.NewNop()
	o := engineOptions(Config{FS: v.files, CacheBytes: v.cfg.CacheBytes, Log: log}.withDefaults(), nil)
	o.ReadOnly = true
	db, err := openPebble(v.cfg.Dir, o)
	if err != nil {
		var system *fs.PathError
		if errors.As(err, &system) && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("open %s: %w", v.cfg.Dir, err)
		}
		return nil, nil, v.found(Defect{Kind: DefectFile, File: "MANIFEST", Detail: "the engine cannot open the folder: " + err.Error()})
	}
	levels, err := db.SSTables()
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	live := map[string]bool{}
	for _, level := range levels {
		for _, table := range level {
			live[fmt.Sprintf("%s.sst", table.BackingSSTNum)] = true
		}
	}
	return &store{db: db, fs: v.files, dir: v.cfg.Dir, log: log}, live, nil
}

// contents audits what the tables and logs hold.
func (v *verification) contents(s *store) error {
	format, err := s.get(markKey(formatMark))
	switch {
	case err != nil:
		err = v.damaged(Defect{Kind: DefectFile}, storageError("format mark", err))
	case format == nil && v.mark != nil:
		err = v.found(Defect{Kind: DefectKey, Detail: "the format mark is missing"})
	case string(format) != storeFormat:
		return fmt.Errorf("%s: %w: %q", v.cfg.Dir, ErrUnknownFormat, format)
	default:
		err = v.damaged(Defect{Kind: DefectKey}, s.checkFormat(v.cfg.Dir))
	}
	if err == nil {
		err = v.damaged(Defect{Kind: DefectEnd}, s.readEnd())
	}
	if err == nil {
		err = v.damaged(Defect{Kind: DefectEnd, Position: s.last}, s.reaches(v.mark))
	}
	if err != nil {
		return err
	}
	v.total += s.last
	a := newAudit(s, v.found)
	a.times = true
	before := int64(0)
	err = a.all(func(pos int64) error {
		v.advance(pos - before)
		before = pos
		return v.ctx.Err()
	})
	v.report.Events, v.report.Streams, v.report.Position = a.count, a.streams, s.last
	return err
}

// logs reads the write-ahead logs. What was being written when a node was killed
// ends a log in the middle of a record, and is no defect.
func (v *verification) logs() error {
	logs, err := wal.Scan(wal.Dir{FS: v.files, Dirname: v.cfg.Dir})
	if err != nil {
		return fmt.Errorf("event store folder %s: %w", v.cfg.Dir, err)
	}
	for _, log := range logs {
		r := log.OpenForRead()
		for err = nil; err == nil; {
			var body io.Reader
			var at wal.Offset
			if body, at, err = r.NextRecord(); err == nil {
				_, err = io.Copy(io.Discard, body)
			}
			if errors.Is(err, chunks.ErrInvalidChunk) || errors.Is(err, chunks.ErrZeroedChunk) {
				d := Defect{Kind: DefectFile, File: v.files.PathBase(at.PhysicalFile), Detail: fmt.Sprintf("damage at byte %d, before the end: %v", at.Physical, err)}
				if err := errors.Join(v.found(d), r.Close()); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// tables checks every block of the tables in use; nil live means all.
func (v *verification) tables(live map[string]bool) error {
	names, err := v.files.List(v.cfg.Dir)
	if err != nil {
		return fmt.Errorf("event store folder %s: %w", v.cfg.Dir, err)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case filepath.Ext(name) != ".sst":
			continue
		case live != nil && !live[name]:
			v.report.Leftovers = append(v.report.Leftovers, name)
			continue
		}
		v.report.Tables++
		size, err := v.table(name)
		if err != nil {
			err = v.found(Defect{Kind: DefectFile, File: name, Detail: err.Error()})
		}
		if err == nil {
			err = v.ctx.Err()
		}
		if err != nil {
			return err
		}
		v.advance(size)
	}
	return nil
}

func (v *verification) table(name string) (size int64, err error) {
	f, err := v.files.Open(v.files.PathJoin(v.cfg.Dir, name))
	if err != nil {
		return 0, err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return 0, errors.Join(err, f.Close())
	}
	o := engineOptions(Config{}.withDefaults(), nil)
	o.EnsureDefaults()
	r, err := sstable.NewReader(v.ctx, readable, o.MakeReaderOptions())
	if err != nil {
		return 0, errors.Join(err, readable.Close())
	}
	return readable.Size(), errors.Join(r.ValidateBlockChecksums(), r.Close())
}
