package importer

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// afdRecord is how wide the records of one type are in one layout, without line end.
type afdRecord struct{ wide, sum int } // sum: where the CRC-16 stands, 0 where there is none

// afdLayout is one of the layouts.
type afdLayout struct {
	records map[byte]afdRecord
	offsets bool // times carry their offset
	text    int  // the column in which the name of a record about an employee begins, where it ends the record
}

// Sources: Portaria MTE 1510/2009, annex I; Portaria MTP 671/2021, annex V. Clocks that are
// older than the second write the layout of the first with a sum behind each record.
var (
	afd1510 = afdLayout{records: map[byte]afdRecord{'1': {232, 0}, '2': {299, 0}, '3': {34, 0}, '4': {34, 0}, '5': {87, 0}, '9': {46, 0}}, text: 35}
	afdSums = afdLayout{records: map[byte]afdRecord{'1': {236, 232}, '2': {303, 299}, '3': {38, 34}, '4': {38, 34}, '5': {91, 87}, '9': {50, 46}}}
	afd671  = afdLayout{records: map[byte]afdRecord{
		'1': {302, 298}, '2': {331, 327}, '3': {50, 46}, '4': {73, 69}, '5': {118, 114}, '6': {36, 0}, '7': {137, 0}, '9': {64, 0},
	}, offsets: true}
)

const (
	afdNSR       = 9 // digits of the running number that begins each record
	afdTrailer   = "999999999"
	afdSignature = "ASSINATURA_DIGITAL_EM_ARQUIVO_P7S"
)

// isAFD looks beyond the first line, which may be broken.
func isAFD(h head) bool {
	if isTreated(h) {
		return false
	}
	for text := range bytes.Lines(bytes.TrimPrefix(h.raw, []byte("\uFEFF"))) {
		if layout, _, _ := afdType(bytes.TrimRight(text, "\r\n")); layout != nil {
			return true
		}
	}
	return false
}

// isTreated knows the files that programs make of an AFD, by their first record: AFDT and
// ACJEF of Portaria 1510, AEJ of Portaria 671. They hold the same punches again, changed.
func isTreated(h head) bool {
	first, _, _ := bytes.Cut(bytes.TrimLeft(h.raw, "\uFEFF \r\n"), []byte{'\n'})
	first = latin1(bytes.TrimRight(first, "\r"))
	if fields := bytes.Split(first, []byte{'|'}); len(fields) >= 8 && string(fields[0]) == "01" && digits(fields[2]) {
		return true
	}
	const wide = 215
	return len(first) == wide && digits(first[:25]) && first[9] == '1' && digits(first[wide-28:])
}

// afdType tells the layout and type of a record by its width, and gives its text in
// ISO-8859-1. The layout is nil for what is no record.
func afdType(text []byte) (layout *afdLayout, kind byte, fixed []byte) {
	text = latin1(text)
	if len(text) <= afdNSR || !digits(text[:afdNSR]) {
		return nil, 0, nil
	}
	for _, layout := range []*afdLayout{&afd1510, &afdSums, &afd671} {
		kind := text[afdNSR]
		if string(text[:afdNSR]) == afdTrailer && bytes.IndexByte(text[afdNSR:], ' ') < 0 {
			kind = '9'
		}
		if r, known := layout.records[kind]; known && r.wide == len(text) {
			return layout, kind, text
		}
	}
	// Editors and mail cut off the blanks behind a name.
	if whole := afd1510.records['5'].wide; text[afdNSR] == '5' && len(text) > afd1510.text && len(text) < whole && digits(text[10:22]) {
		return &afd1510, '5', append(bytes.Clone(text), bytes.Repeat([]byte{' '}, whole-len(text))...)
	}
	return nil, 0, nil
}

// latin1 gives the bytes that a record has in ISO-8859-1, where a program wrote it in UTF-8.
func latin1(text []byte) []byte {
	ascii := true
	for _, c := range text {
		ascii = ascii && c < utf8.RuneSelf
	}
	if ascii || !utf8.Valid(text) {
		return text
	}
	converted, err := charmap.ISO8859_1.NewEncoder().Bytes(text)
	if err != nil {
		return text
	}
	return converted
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
