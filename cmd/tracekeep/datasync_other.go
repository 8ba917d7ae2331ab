//go:build !linux

package main

import "os"

// datasync is what the write-ahead log of the event store does after a write.
func datasync(file *os.File) error { return file.Sync() }
