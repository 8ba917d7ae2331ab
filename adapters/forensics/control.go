package forensics

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Planted is a stream that holds a value in one way.
type Planted struct {
	Way     string
	Content []byte
}

// Control plants a value in every form, and in every kind of compressed part. A
// search that does not find each of them proves nothing.
func Control(value string) ([]Planted, error) {
	var all []Planted
	for _, f := range forms(value) {
		all = append(all, Planted{Way: f.name, Content: padded(f.text)})
	}
	for _, w := range []struct {
		way  string
		pack func(io.Writer) (io.WriteCloser, error)
	}{
		{"gzip", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }},
		{"zlib", func(w io.Writer) (io.WriteCloser, error) { return zlib.NewWriter(w), nil }},
		{"zstd", func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) }},
		{"snappy", func(w io.Writer) (io.WriteCloser, error) { return s2.NewWriter(w, s2.WriterSnappyCompat()), nil }},
		{"s2", func(w io.Writer) (io.WriteCloser, error) { return s2.NewWriter(w), nil }},
		{"zip", openZip},
	} {
		packed, err := pack(padded([]byte(value)), w.pack)
		if err != nil {
			return nil, err
		}
		all = append(all, Planted{Way: w.way, Content: padded(packed)})
		if w.way == "gzip" { // as a copy of a copy is
			twice, err := pack(padded(packed), w.pack)
			if err != nil {
				return nil, err
			}
			all = append(all, Planted{Way: "gzip in gzip", Content: padded(twice)})
		}
	}
	return all, nil
}

// padded surrounds what is planted, so that it stands at no special place. What is
// repeated before it is compressed away, and the value with it if it is stored as
// it is.
func padded(text []byte) []byte {
	around := bytes.Repeat([]byte("~. "), 25)
	return append(append(around[:len(around):len(around)], text...), around...)
}

func pack(content []byte, open func(io.Writer) (io.WriteCloser, error)) ([]byte, error) {
	var b bytes.Buffer
	w, err := open(&b)
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// zipped is the one entry of an archive.
type zipped struct {
	io.Writer
	archive *zip.Writer
}

func openZip(w io.Writer) (io.WriteCloser, error) {
	archive := zip.NewWriter(w)
	entry, err := archive.Create("control")
	return zipped{entry, archive}, err
}

// Close implements [io.Closer].
func (z zipped) Close() error { return z.archive.Close() }
