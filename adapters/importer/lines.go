package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// maxLine is far above what a station writes (44 bytes) and far below what hurts.
const maxLine = 4 << 10

// line is one line without its end. text is valid until the next call.
type line struct {
	number       int64 // counted from 1
	text         []byte
	end          int64 // bytes of the file up to and including this line
	tooLong      bool  // text is not all of it
	unterminated bool  // the file ended here without a line end
}

// lines cuts a file into lines ended by LF, CRLF or what programs make of CRLF by
// converting it twice, in memory that does not depend on their length.
type lines struct {
	from   *bufio.Reader
	raw    *counted // what it is read from, where that is other bytes than the text
	number int64
	end    int64
}

func newLines(r io.Reader) *lines { return &lines{from: bufio.NewReaderSize(r, 64<<10)} }

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// next gives the next line, or io.EOF after the last.
func (l *lines) next() (line, error) {
	text, err := l.from.ReadSlice('\n')
	l.end += int64(len(text))
	tooLong := len(text) > maxLine
	for errors.Is(err, bufio.ErrBufferFull) {
		var more []byte
		more, err = l.from.ReadSlice('\n')
		l.end += int64(len(more))
	}
	onlyMark := l.number == 0 && l.raw != nil && l.raw.n > 0 // of the encoding: a line with nothing in it
	if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0 && !onlyMark) {
		return line{}, err
	}
	l.number++
	if l.number == 1 {
		text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	}
	unterminated := err != nil
	if !unterminated {
		text = bytes.TrimSuffix(text, []byte("\n"))
	}
	text = bytes.TrimRight(text, "\r")
	if l.raw != nil {
		l.end = l.raw.n
	}
	return line{number: l.number, text: text, end: l.end, tooLong: tooLong, unterminated: unterminated}, nil
}
