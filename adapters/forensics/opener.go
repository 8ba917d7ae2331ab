package forensics

import (
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// opener opens one format that begins with known bytes.
type opener struct {
	name  string
	magic []byte
	open  func(io.Reader) (io.Reader, error)
}

// longestMagic is the longest beginning of a part.
const longestMagic = 10

// openers are the formats that are opened wherever they begin.
var openers = func() []opener {
	deflated := func(r io.Reader) (io.Reader, error) { return zlib.NewReader(r) }
	framed := func(r io.Reader) (io.Reader, error) { return s2.NewReader(r), nil }
	all := []opener{
		{"gzip", []byte{0x1f, 0x8b, 0x08}, openGzip},
		{"zstd", []byte{0x28, 0xb5, 0x2f, 0xfd}, openZstd},
		{"snappy", []byte("\xff\x06\x00\x00sNaPpY"), framed},
		{"s2", []byte("\xff\x06\x00\x00S2sTwO"), framed},
		{"zip", []byte("PK\x03\x04"), openZipEntry},
	}
	for level := byte('1'); level <= '9'; level++ {
		all = append(all, opener{"bzip2", []byte{'B', 'Z', 'h', level, '1', 'A', 'Y', '&', 'S', 'Y'}, func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }})
	}
	for _, level := range []byte{0x01, 0x5e, 0x9c, 0xda} {
		all = append(all, opener{"zlib", []byte{0x78, level}, deflated})
	}
	return all
}()

// byFirst finds openers by the first byte.
var byFirst = func() (table [256][]*opener) {
	for i := range openers {
		first := openers[i].magic[0]
		table[first] = append(table[first], &openers[i])
	}
	return table
}()

// beginnings reports where parts seem to begin before until.
func beginnings(text []byte, until int, found func(at int, kind *opener)) {
	for i, c := range text[:until] {
		if byFirst[c] == nil {
			continue
		}
		for _, o := range byFirst[c] {
			if bytes.HasPrefix(text[i:], o.magic) {
				found(i, o)
				break
			}
		}
	}
}

func place(p part) string { return fmt.Sprintf("%s at %d", p.kind.name, p.at) }

// openGzip opens one member: the next begins with its own magic.
func openGzip(r io.Reader) (io.Reader, error) {
	member, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return member, nil
}

// openZstd takes one goroutine and no more memory than a usual window needs.
func openZstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return d, nil // a decoder of one goroutine holds nothing that must be closed
}

var errStored = errors.New("the entry is not compressed")

// openZipEntry opens the entry behind a local header, of a whole archive or of
// what is left of one. What is stored as it is was searched as it is.
func openZipEntry(r io.Reader) (io.Reader, error) {
	var header [30]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	if binary.LittleEndian.Uint16(header[8:]) != zip.Deflate {
		return nil, errStored
	}
	skip := int64(binary.LittleEndian.Uint16(header[26:])) + int64(binary.LittleEndian.Uint16(header[28:]))
	if _, err := io.CopyN(io.Discard, r, skip); err != nil {
		return nil, err
	}
	return flate.NewReader(r), nil
}
