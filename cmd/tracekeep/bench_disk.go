package main

import (
	"context"
	"errors"
	"os"
)

const (
	diskRecord      = 400
	diskPreallocate = 64 << 20
)

// fdatasyncs measures what the disk itself can do: records of 400 bytes, one
// write and one fdatasync each, to a file that grows or has its size already.
func (b *bench) fdatasyncs(ctx context.Context, preallocated bool) (m measured, err error) {
	file, err := os.CreateTemp("", "tracekeep-bench-*.log")
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if preallocated {
		if err := file.Truncate(diskPreallocate); err != nil {
			return measured{}, err
		}
		zeros := make([]byte, 1<<20)
		for at := int64(0); at < diskPreallocate; at += int64(len(zeros)) {
			if _, err := file.WriteAt(zeros, at); err != nil {
				return measured{}, err
			}
		}
		if err := file.Sync(); err != nil {
			return measured{}, err
		}
	}
	record, at := make([]byte, diskRecord), int64(0)
	return b.hammer(ctx, 1, func(context.Context, int, int) error {
		if _, err := file.WriteAt(record, at%(diskPreallocate-diskRecord)); err != nil {
			return err
		}
		at += diskRecord
		return datasync(file)
	})
}
