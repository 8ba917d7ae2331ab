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

// exportLimit is how much of a file in a zip is read; a bomb ends here.
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
	in.clock = limited{io.LimitReader(in.clock, exportLimit), closers{in.clock, archive}}
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

type limited struct {
	io.Reader
	io.Closer
}

type closers []io.Closer

func (c closers) Close() error {
	var err error
	for _, one := range c {
		err = errors.Join(err, one.Close())
	}
	return err
}

func readMapping(path string) (_ *importer.Mapping, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return importer.ReadMapping(file)
}
