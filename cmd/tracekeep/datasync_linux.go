package main

import (
	"os"
	"syscall"
)

// datasync is what the write-ahead log of the event store does after a write.
func datasync(file *os.File) error { return syscall.Fdatasync(int(file.Fd())) }
