package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how the text of a file is written.
type Encoding string

// The encodings. Auto reads UTF-16 where a byte order mark or the pattern of NULs
// shows it, and UTF-8 otherwise: an older encoding is never guessed, since every
// byte is a letter there.
const (
	EncodingAuto        Encoding = "auto"
	EncodingUTF8        Encoding = "utf-8"
	EncodingUTF16       Encoding = "utf-16"
	EncodingWindows1252 Encoding = "windows-1252"
	EncodingISO88591    Encoding = "iso-8859-1"
)

// ErrEncoding: the encoding is none of those known.
var ErrEncoding = errors.New("encoding must be auto, utf-8, utf-16, windows-1252 or iso-8859-1")

func (e Encoding) validate() error {
	switch e {
	case "", EncodingAuto, EncodingUTF8, EncodingUTF16, EncodingWindows1252, EncodingISO88591:
		return nil
	}
	return fmt.Errorf("%w, not %.32q", ErrEncoding, string(e))
}

// decode gives the text of from as UTF-8 without a byte order mark. What is not
// valid in UTF-8 passes through as it is, so that its row can be refused.
func decode(from io.Reader, e Encoding) (io.Reader, error) {
	peek := bufio.NewReaderSize(from, 4<<10)
	start, err := peek.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var with encoding.Encoding
	switch e {
	case EncodingWindows1252:
		with = charmap.Windows1252
	case EncodingISO88591:
		with = charmap.ISO8859_1
	case EncodingUTF16:
		with = unicode.UTF16(utf16Order(start), unicode.UseBOM)
	case "", EncodingAuto:
		if utf16 := looksLikeUTF16(start); utf16 {
			with = unicode.UTF16(utf16Order(start), unicode.UseBOM)
		}
	}
	if with == nil {
		if bytes.HasPrefix(start, []byte("\uFEFF")) {
			_, _ = peek.Discard(len("\uFEFF"))
		}
		return peek, nil
	}
	return transform.NewReader(peek, with.NewDecoder()), nil
}

// looksLikeUTF16 wants a byte order mark, or text in which every other byte is NUL.
func looksLikeUTF16(start []byte) bool {
	if bytes.HasPrefix(start, []byte("\xFF\xFE")) || bytes.HasPrefix(start, []byte("\xFE\xFF")) {
		return true
	}
	even, odd := nuls(start)
	half := len(start) / 2
	return half >= 8 && (even == 0 && odd > half*3/4 || odd == 0 && even > half*3/4)
}

// utf16Order is for text without a byte order mark.
func utf16Order(start []byte) unicode.Endianness {
	if even, odd := nuls(start); even > odd {
		return unicode.BigEndian
	}
	return unicode.LittleEndian
}

func nuls(b []byte) (even, odd int) {
	for i, c := range b {
		switch {
		case c != 0:
		case i%2 == 0:
			even++
		default:
			odd++
		}
	}
	return even, odd
}
