package eventnode

import (
	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/zap"
)

// failStop is a file system that ends the process when a sync fails, of whatever
// file or folder. The system may have thrown away what it could not write, and
// says so once: a later sync that succeeds proves nothing about it. Pebble ends
// the process for its log only, and repeats the rest. After a restart the disk
// says what it has.
type failStop struct {
	vfs.FS
	log *zap.Logger
}

func (s failStop) file(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &failStopFile{File: f, name: name, log: s.log}, nil
}

func (s failStop) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.Create(name, category)
	return s.file(f, name, err)
}

func (s failStop) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.Open(name, o...)
	return s.file(f, name, err)
}

func (s failStop) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := s.FS.OpenReadWrite(name, category, o...)
	return s.file(f, name, err)
}

func (s failStop) OpenDir(name string) (vfs.File, error) {
	f, err := s.FS.OpenDir(name)
	return s.file(f, name, err)
}

func (s failStop) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := s.FS.ReuseForWrite(from, to, category)
	return s.file(f, to, err)
}

func (s failStop) Unwrap() vfs.FS { return s.FS }

type failStopFile struct {
	vfs.File
	name string
	log  *zap.Logger
}

func (f *failStopFile) ended(err error) error {
	if err != nil {
		f.log.Fatal("event store: sync failed; start again when the disk is well", zap.String("file", f.name), zap.Error(err))
	}
	return err
}

func (f *failStopFile) Sync() error { return f.ended(f.File.Sync()) }

func (f *failStopFile) SyncData() error { return f.ended(f.File.SyncData()) }

func (f *failStopFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.ended(err)
}
