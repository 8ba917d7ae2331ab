package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Encoding is how the text of a file is written, by its name in the WHATWG's standard:
// windows-1251, gb18030 and so on.
type Encoding string

// The encodings that mean more than their name. Auto reads UTF-16 where a byte order mark
// or the pattern of NULs shows it, and UTF-8 otherwise: an older encoding is never
// guessed, since every byte is a letter there.
const (
	EncodingAuto        Encoding = "auto"
	EncodingUTF8        Encoding = "utf-8"
	EncodingUTF16       Encoding = "utf-16"
	EncodingWindows1252 Encoding = "windows-1252"
	EncodingISO88591    Encoding = "iso-8859-1" // the standard reads it as windows-1252
)

// ErrEncoding: the encoding is none of those known.
var ErrEncoding = errors.New("encoding must be auto, utf-8, utf-16, or one such as windows-1252 and iso-8859-1 (western Europe), windows-1250 (central Europe), " +
	"windows-1251 (Cyrillic), windows-1253 (Greek), windows-1254 (Turkish), windows-1255 (Hebrew), windows-1256 (Arabic), windows-1258 (Vietnamese), windows-874 (Thai), " +
	"gb18030 and big5 (Chinese), shift_jis (Japanese), euc-kr (Korean)")

func (e Encoding) validate() error {
	if _, err := e.old(); err != nil {
		return fmt.Errorf("%w, not %.32q", ErrEncoding, string(e))
	}
	return nil
}

// old is an encoding other than those of Unicode; nil for these.
func (e Encoding) old() (encoding.Encoding, error) {
	switch e {
	case "", EncodingAuto, EncodingUTF8, EncodingUTF16:
		return nil, nil
	case EncodingISO88591:
		return charmap.ISO8859_1, nil
	}
	with, err := htmlindex.Get(string(e))
	if err != nil {
		return nil, err
	}
	if name, _ := htmlindex.Name(with); name == "replacement" || name == "x-user-defined" || strings.HasPrefix(name, "utf-16") {
		return nil, ErrEncoding
	}
	return with, nil
}

// decode gives the text of from as UTF-8 without a byte order mark, in lines that end
// with a line feed. What is not valid in UTF-8 passes through as it is, so that its row can
// be refused. A byte order mark is believed, whatever the caller says.
func decode(from io.Reader, e Encoding) (io.Reader, error) {
	text, _, err := decoded(from, e)
	return text, err
}

// decoded says beside the text whether it has as many bytes as the file.
func decoded(from io.Reader, e Encoding) (text io.Reader, same bool, err error) {
	peek := bufio.NewReaderSize(from, 4<<10)
	start, err := peek.Peek(1 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	old, err := e.old()
	switch {
	case err != nil:
		return nil, false, fmt.Errorf("%w, not %.32q", ErrEncoding, string(e))
	case bytes.HasPrefix(start, []byte("\uFEFF")):
		_, _ = peek.Discard(len("\uFEFF"))
		text, err = lineFeeds(peek)
		return text, false, err
	case looksLikeUTF16(start) && (old == nil && e != EncodingUTF8 || marked(start)), e == EncodingUTF16:
		text, err = lineFeeds(transform.NewReader(peek, unicode.UTF16(utf16Order(start), unicode.UseBOM).NewDecoder()))
		return text, false, err
	case old != nil:
		text, err = lineFeeds(transform.NewReader(peek, old.NewDecoder()))
		return text, false, err
	}
	text, err = lineFeeds(peek)
	return text, true, err
}

// lineFeeds makes lines of a text whose lines end with a carriage return alone, as some
// programs of Apple's write them: one that has those and no line feed where it begins.
func lineFeeds(from io.Reader) (io.Reader, error) {
	peek := bufio.NewReaderSize(from, headSize)
	start, err := peek.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.IndexByte(start, '\n') >= 0 || bytes.IndexByte(start, '\r') < 0 {
		return peek, nil
	}
	return readerFunc(func(p []byte) (int, error) {
		n, err := peek.Read(p)
		for i, c := range p[:n] {
			if c == '\r' {
				p[i] = '\n'
			}
		}
		return n, err
	}), nil
}

// marked says whether a text begins with the byte order mark of UTF-16.
func marked(start []byte) bool {
	return bytes.HasPrefix(start, []byte("\xFF\xFE")) || bytes.HasPrefix(start, []byte("\xFE\xFF"))
}

// looksLikeUTF16 wants a byte order mark, or text in which every other byte is NUL.
func looksLikeUTF16(start []byte) bool {
	if marked(start) {
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
