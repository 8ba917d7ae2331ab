package eventnode

import (
	"maps"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// logStep is how far a write-ahead log grows at a time. Writing that many zeros
// and syncing them costs about a millisecond.
const logStep = 1 << 20

// steppedLogs is a file system on which write-ahead logs grow in steps of
// zeros that the records then overwrite. A sync after a file has grown must
// write the file's new size to the journal of the file system and wait for it; a
// sync of bytes that were overwritten writes the bytes only. So one sync in
// thousands of appends pays for the growth, instead of every one.
//
// Zeros after the last record are the usual end of a log for pebble, which
// preallocates logs in the same way where a file system needs no size for it.
//
// A log is never made from an old one, as pebble would do to the same end: the
// bytes behind its end would be those of events that may be scavenged by now.
type steppedLogs struct {
	vfs.FS
	sizes *logSizes
}

// logSizes is how much of each log was really written. The size of the file says
// more, and a copy that is made while the log is written may have zeros where the
// log got its records meanwhile.
type logSizes struct {
	mu     sync.Mutex
	byName map[string]int64
}

func newLogSizes() *logSizes { return &logSizes{byName: map[string]int64{}} }

func (l *logSizes) set(name string, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byName[name] = size
}

func (l *logSizes) now() map[string]int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.byName)
}

func (l *logSizes) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.byName, name)
}

// Remove implements vfs.FS.
func (s steppedLogs) Remove(name string) error {
	s.sizes.forget(s.PathBase(name))
	return s.FS.Remove(name)
}

// Create implements vfs.FS.
func (s steppedLogs) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, category)
	if err != nil || !strings.HasSuffix(name, ".log") {
		return f, err
	}
	return &steppedLog{File: f, name: s.PathBase(name), sizes: s.sizes}, nil
}

// ReuseForWrite implements vfs.FS, by starting afresh.
func (s steppedLogs) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := s.Remove(oldname); err != nil {
		return nil, err
	}
	return s.Create(newname, category)
}

// Unwrap implements vfs.FS.
func (s steppedLogs) Unwrap() vfs.FS { return s.FS }

// steppedLog is a write-ahead log; pebble writes it from one goroutine at a time.
type steppedLog struct {
	vfs.File
	name           string
	sizes          *logSizes
	written, grown int64
}

var zeros [logStep]byte

// Write implements vfs.File.
func (l *steppedLog) Write(p []byte) (int, error) {
	n, err := l.File.Write(p)
	l.written += int64(n)
	l.sizes.set(l.name, l.written)
	if err != nil || l.written <= l.grown {
		return n, err
	}
	// A file system that has no room for zeros has none for records either, and
	// will say so when they come.
	m, _ := l.WriteAt(zeros[:], l.written)
	l.grown = l.written + int64(m)
	return n, nil
}
