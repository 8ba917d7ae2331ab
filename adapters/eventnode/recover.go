package eventnode

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
)

// markPace says when the mark of a running node moves on, which bounds what has
// to be verified after a crash: when the log has grown by so many bytes, or when
// it has grown at all and the mark is older than idle. look is how often to see.
type markPace struct {
	look  time.Duration
	grown int64
	idle  time.Duration
}

// beforeEngine looks at the folder before pebble may change it: what pebble does
// not find it deletes. It takes the clean-stop mark back, because from here on
// the files are not what it says, and gives nil for a folder without a mark.
func beforeEngine(cfg Config, dir string) (*durableMark, error) {
	files := cfg.FS
	m, err := readMark(files, dir)
	if err != nil {
		return nil, err
	}
	exists, err := checkManifest(files, dir, m)
	switch {
	case err != nil:
		return nil, err
	case !exists && m != nil:
		return nil, corrupt(dir, errors.New("the folder has a durable mark and no data"))
	case !exists:
		return nil, syncAncestors(files, dir)
	case m == nil || !m.Clean:
		return m, verifyAsFound(cfg, dir, m)
	}
	var wrong []error
	err = checkCatalogue(files, dir, m.Files, func(file string, err error) {
		wrong = append(wrong, corrupt(files.PathJoin(dir, file), err))
	})
	if err := errors.Join(append(wrong, err)...); err != nil {
		return nil, err
	}
	running := *m
	running.Clean, running.Files = false, nil
	return m, writeMark(files, dir, running)
}

// verifyAsFound verifies what a node wrote that was not stopped, and changes
// nothing. Without a mark it verifies all.
func verifyAsFound(cfg Config, dir string, m *durableMark) error {
	read := cfg
	read.FS = readOnly{cfg.FS}
	o := engineOptions(read, nil)
	o.ReadOnly = true
	db, err := openPebble(dir, o)
	if err != nil {
		return err
	}
	s := &store{db: db, fs: cfg.FS, dir: dir, log: cfg.Log}
	return errors.Join(s.verifySince(m), db.Close())
}

func (s *store) verifySince(m *durableMark) error {
	format, err := s.get(markKey(formatMark))
	switch {
	case err != nil:
		return storageError("format mark", err)
	case format == nil && m == nil:
		return nil // nobody has written to it yet
	}
	if err := errors.Join(s.checkFormat(s.dir), s.readEnd(), s.reaches(m)); err != nil {
		return err
	}
	if m != nil {
		return newAudit(s, refuseFirst).since(m.Flushed)
	}
	s.log.Info("event store: the folder has no durable mark, the whole log is verified")
	return newAudit(s, refuseFirst).all(func(int64) error { return nil })
}

// reaches: the log is of the same node as the mark, and as long.
func (s *store) reaches(m *durableMark) error {
	switch {
	case m == nil:
		return nil
	case m.Node != s.nodeID:
		return corrupt(s.fs.PathJoin(s.dir, markFile), fmt.Errorf("it is of node %s, the log of node %s", m.Node, s.nodeID))
	case s.last < m.Position:
		return corrupt("end of the log", fmt.Errorf("it ends at position %d, and position %d was on the disk", s.last, m.Position))
	}
	return nil
}

// refuseFirst makes the first defect the reason not to open.
func refuseFirst(d Defect) error { return fmt.Errorf("%w: %s", ErrCorrupt, d) }

// keepMarks moves the mark on while the node runs.
func (s *store) keepMarks(stop <-chan struct{}) {
	tick := time.NewTicker(s.marks.look)
	defer tick.Stop()
	marked, age := s.last, time.Duration(0)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		age += s.marks.look
		durable := s.mark.position()
		grown := durable - marked
		if grown == 0 || grown < s.marks.grown && age < s.marks.idle {
			continue
		}
		if err := s.setMark(durable); err != nil {
			// The old mark stays true: only more has to be verified after a crash.
			s.log.Error("event store: durable mark was not written", zap.Error(err))
			continue
		}
		marked, age = durable, 0
	}
}

func (s *store) setMark(durable int64) error {
	m, err := s.newMark(durable)
	if err != nil {
		return err
	}
	return writeMark(s.fs, s.dir, m)
}

// newMark looks at the tables before it looks at the manifest that names them.
func (s *store) newMark(durable int64) (durableMark, error) {
	m := durableMark{Node: s.nodeID, Position: durable}
	it, err := s.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{spaceLog}, UpperBound: after(spaceLog), OnlyReadGuaranteedDurable: true,
	})
	if err != nil {
		return m, storageError("tables", err)
	}
	if it.Last() {
		m.Flushed, _ = positionOf(it.Key())
	}
	if err := errors.Join(it.Error(), it.Close()); err != nil {
		return m, storageError("tables", err)
	}
	name, b, err := readManifest(s.fs, s.dir)
	if err != nil {
		return m, err
	}
	m.Manifest = name
	m.Whole, _ = wholeUntil(b)
	return m, syncFile(s.fs, s.fs.PathJoin(s.dir, name))
}

// setCleanMark says after the engine is closed what it left. What the engine
// removed must not come back after the mark was made.
func (s *store) setCleanMark(m durableMark) (err error) {
	if err := syncFolder(s.fs, s.dir); err != nil {
		return fmt.Errorf("event store folder %s: %w", s.dir, err)
	}
	m.Clean = true
	if m.Files, err = catalogue(s.fs, s.dir); err != nil {
		return err
	}
	return writeMark(s.fs, s.dir, m)
}

// syncAncestors makes a new folder survive a power cut, whoever made it and the
// folders it is in. Those that this process may not read were there before.
func syncAncestors(files vfs.FS, dir string) error {
	for {
		parent := files.PathDir(dir)
		if err := syncFolder(files, parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("sync %s: %w", parent, err)
		}
		if parent == dir || parent == files.PathDir(parent) {
			return nil
		}
		dir = parent
	}
}
