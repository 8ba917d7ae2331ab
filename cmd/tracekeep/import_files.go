package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tracekeep/adapters/importer"
)

// An export of solidtime is a folder, or a zip of it: these two of its files are read.
const (
	entriesFile = "time_entries.csv"
	membersFile = "members.csv"
)

// exportLimit is how long a file in a zip may be; a bomb ends here.
const exportLimit = 1 << 30

// inputFile is one file to import.
type inputFile struct {
	name   string // as given
	size   int64
	clock  io.ReadCloser
	people io.ReadCloser // nil where the export has none
}

func (f inputFile) Close() error {
	err := f.clock.Close()
	if f.people != nil {
		err = errors.Join(err, f.people.Close())
	}
	return err
}

// openInput opens a file, or the two files of an export that is a folder or a zip.
func openInput(path string) (inputFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return inputFile{}, err
	}
	if info.IsDir() {
		return openExport(path, func(name string) (io.ReadCloser, int64, error) {
			file, err := os.Open(filepath.Join(path, name))
			if err != nil {
				return nil, 0, err
			}
			info, err := file.Stat()
			return file, info.Size(), err
		})
	}
	if strings.EqualFold(filepath.Ext(path), ".zip") {
		return openZip(path)
	}
	file, err := os.Open(path)
	return inputFile{name: path, size: info.Size(), clock: file}, err
}

func openZip(path string) (inputFile, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return inputFile{}, fmt.Errorf("%s: %w", path, err)
	}
	in, err := openExport(path, func(name string) (io.ReadCloser, int64, error) {
		for _, f := range archive.File {
			if filepath.Base(f.Name) == name {
				file, err := f.Open()
				return file, int64(min(f.UncompressedSize64, exportLimit)), err
			}
		}
		return nil, 0, os.ErrNotExist
	})
	if err != nil {
		return in, errors.Join(err, archive.Close())
	}
	in.clock = &capped{from: in.clock, left: exportLimit, also: archive}
	return in, nil
}

func openExport(path string, open func(name string) (io.ReadCloser, int64, error)) (inputFile, error) {
	clock, size, err := open(entriesFile)
	if errors.Is(err, os.ErrNotExist) {
		return inputFile{}, fmt.Errorf("%w: %s has no %s; give the files one by one", importer.ErrFormat, path, entriesFile)
	}
	if err != nil {
		return inputFile{}, err
	}
	people, _, err := open(membersFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return inputFile{}, errors.Join(err, clock.Close())
	}
	return inputFile{name: path, size: size, clock: clock, people: people}, nil
}

// capped refuses what is longer than it may be: cut off in silence, rows would be
// missing.
type capped struct {
	from io.ReadCloser
	left int64
	also io.Closer
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("%w: a file in a zip may have %d MiB; unpack it", importer.ErrTooLarge, exportLimit>>20)
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func (c *capped) Close() error { return errors.Join(c.from.Close(), c.also.Close()) }

func readMapping(path string) (_ *importer.Mapping, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return importer.ReadMapping(file)
}
