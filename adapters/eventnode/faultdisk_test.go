package eventnode

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// diskOp is one call to the disk.
type diskOp struct {
	n    int64 // counted from 1, over all files
	what string
	path string
	size int // of what is written
}

// changes: what is on the disk may differ before and after the call.
func (o diskOp) changes() bool {
	switch o.what {
	case "open", "open folder", "list", "stat", "lock", "read", "close":
		return false
	}
	return true
}

// log: the write-ahead log is touched.
func (o diskOp) log() bool { return filepath.Ext(o.path) == ".log" }

// faultDisk is a disk in memory that asks before each call whether it is to
// succeed. After a failed sync it behaves as Linux does: what was not on the
// disk then will never be, and later syncs of the file say that all is well.
type faultDisk struct {
	vfs.FS
	mem *vfs.MemFS
	ops atomic.Int64
	// before is called without locks, by whoever calls the disk; an error fails
	// the call. It is set before the disk is used.
	before func(diskOp) error

	mu   sync.Mutex
	lost map[string]bool // files of which a sync failed
}

func newFaultDisk(before func(diskOp) error) *faultDisk {
	mem := vfs.NewCrashableMem()
	return onDisk(mem, before)
}

func onDisk(mem *vfs.MemFS, before func(diskOp) error) *faultDisk {
	return &faultDisk{FS: mem, mem: mem, before: before, lost: map[string]bool{}}
}

func (d *faultDisk) ask(what, path string, size int) error {
	return d.before(diskOp{d.ops.Add(1), what, path, size})
}

func (d *faultDisk) file(f vfs.File, path string, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &faultFile{File: f, disk: d, path: path}, nil
}

func (d *faultDisk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.ask("create", name, 0); err != nil {
		return nil, err
	}
	f, err := d.FS.Create(name, c)
	return d.file(f, name, err)
}

func (d *faultDisk) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	if err := d.ask("open", name, 0); err != nil {
		return nil, err
	}
	f, err := d.FS.Open(name, o...)
	return d.file(f, name, err)
}

func (d *faultDisk) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := d.ask("open", name, 0); err != nil {
		return nil, err
	}
	f, err := d.FS.OpenReadWrite(name, c, o...)
	return d.file(f, name, err)
}

func (d *faultDisk) OpenDir(name string) (vfs.File, error) {
	if err := d.ask("open folder", name, 0); err != nil {
		return nil, err
	}
	f, err := d.FS.OpenDir(name)
	return d.file(f, name+"/", err)
}

func (d *faultDisk) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := d.ask("reuse", to, 0); err != nil {
		return nil, err
	}
	f, err := d.FS.ReuseForWrite(from, to, c)
	return d.file(f, to, err)
}

func (d *faultDisk) Link(from, to string) error {
	if err := d.ask("link", to, 0); err != nil {
		return err
	}
	return d.FS.Link(from, to)
}

func (d *faultDisk) Rename(from, to string) error {
	if err := d.ask("rename", to, 0); err != nil {
		return err
	}
	return d.FS.Rename(from, to)
}

func (d *faultDisk) Remove(name string) error {
	if err := d.ask("remove", name, 0); err != nil {
		return err
	}
	return d.FS.Remove(name)
}

func (d *faultDisk) MkdirAll(name string, mode fs.FileMode) error {
	if err := d.ask("make folder", name, 0); err != nil {
		return err
	}
	return d.FS.MkdirAll(name, mode)
}

func (d *faultDisk) List(name string) ([]string, error) {
	if err := d.ask("list", name, 0); err != nil {
		return nil, err
	}
	return d.FS.List(name)
}

func (d *faultDisk) Stat(name string) (vfs.FileInfo, error) {
	if err := d.ask("stat", name, 0); err != nil {
		return nil, err
	}
	return d.FS.Stat(name)
}

func (d *faultDisk) Lock(name string) (io.Closer, error) {
	if err := d.ask("lock", name, 0); err != nil {
		return nil, err
	}
	return d.FS.Lock(name)
}

func (d *faultDisk) Unwrap() vfs.FS { return nil }

type faultFile struct {
	vfs.File
	disk *faultDisk
	path string
}

func (f *faultFile) Read(p []byte) (int, error) {
	if err := f.disk.ask("read", f.path, 0); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

func (f *faultFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.disk.ask("read", f.path, 0); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, at)
}

// Write that fails has written half, as a disk does that runs full.
func (f *faultFile) Write(p []byte) (int, error) {
	if err := f.disk.ask("write", f.path, len(p)); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *faultFile) Close() error {
	if err := f.disk.ask("close", f.path, 0); err != nil {
		return errors.Join(err, f.File.Close())
	}
	return f.File.Close()
}

func (f *faultFile) Sync() error { return f.sync(f.File.Sync) }

func (f *faultFile) SyncData() error { return f.sync(f.File.SyncData) }

func (f *faultFile) SyncTo(length int64) (full bool, err error) {
	err = f.sync(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}

func (f *faultFile) sync(really func() error) error {
	err := f.disk.ask("sync", f.path, 0)
	f.disk.mu.Lock()
	lost := f.disk.lost[f.path]
	if err != nil {
		f.disk.lost[f.path] = true
	}
	f.disk.mu.Unlock()
	if err != nil || lost {
		return err
	}
	return really()
}
