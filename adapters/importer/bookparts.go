package importer

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// What a part of a workbook may have. A cell holds 32,767 characters, however they are
// written, and a sheet has
// ten elements in one another: beyond it is made to cost memory. Both cost forty times
// their bytes where a workbook is read.
const (
	maxNested = 256
	maxToken  = 512 << 10 // bytes of one tag or text
)

var errUnpacked = fmt.Errorf("%w: unpacked, a workbook may have %d MiB; save its sheets as CSV", ErrTooLarge, maxUnpacked>>20)

// checkParts looks at the parts of a workbook, without keeping them, for what would
// cost more memory than its bytes. A part that is damaged is left to the reader of
// workbooks, which stops where this one did.
func checkParts(packed []byte) error {
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return nil //nolint:nilerr // the reader of workbooks says what it is
	}
	claimed := uint64(0)
	for _, member := range archive.File {
		if claimed += min(member.UncompressedSize64, maxUnpacked+1); claimed > maxUnpacked {
			return errUnpacked
		}
	}
	left := int64(maxUnpacked)
	for _, member := range archive.File {
		part, err := member.Open()
		if err != nil {
			continue
		}
		from := &io.LimitedReader{R: part, N: left + 1}
		err = checkPart(from)
		left = from.N - 1
		if err = errors.Join(err, part.Close()); errors.Is(err, ErrFormat) {
			return err
		}
		if left < 0 {
			return errUnpacked
		}
	}
	return nil
}

// checkPart reads one part.
func checkPart(from io.Reader) error {
	meter := &metered{from: from}
	tokens := xml.NewDecoder(meter)
	tokens.Strict = false
	tokens.CharsetReader = func(string, io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("%w: a part of the workbook is not UTF-8", ErrFormat)
	}
	for depth := 0; ; {
		meter.allow(maxToken)
		token, err := tokens.RawToken()
		switch {
		case errors.Is(err, ErrPeopleTooLarge):
			return fmt.Errorf("%w: the workbook is damaged: a tag or a text in it is longer than 512 KiB", ErrFormat)
		case errors.Is(err, ErrFormat):
			return err
		case err != nil:
			return nil //nolint:nilerr // its end, or damage that the reader of workbooks finds
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxNested {
			return fmt.Errorf("%w: the workbook is damaged: more than %d elements in one another", ErrFormat, maxNested)
		}
	}
}
