package adms

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// dropped is what becomes of rows that are no punches: they are counted by what
// they are, and nothing of them is kept.
type dropped map[string]int

// The kinds of rows that are dropped. They are labels of metrics.
const (
	rowTemplate  = "template" // of a finger, a face, a palm, a vein, or a picture of one
	rowPerson    = "person"
	rowPhoto     = "photo"
	rowOperation = "operation"
	rowOther     = "other"
)

// drop reads the rows of a table to their end without keeping any, and counts them.
func drop(table string, from io.Reader) (dropped, int, error) {
	counts, rows := dropped{}, 0
	if table == "ATTPHOTO" { // one picture, in bytes
		_, err := io.Copy(io.Discard, from)
		counts[rowPhoto]++
		return counts, 1, err
	}
	lines := bufio.NewReaderSize(from, 4<<10)
	for begun := false; ; {
		part, err := lines.ReadSlice('\n')
		if !begun && len(bytes.TrimSpace(part)) > 0 {
			counts[rowKind(table, part)]++
			rows++
		}
		begun = errors.Is(err, bufio.ErrBufferFull) // what comes next belongs to the same row
		switch {
		case errors.Is(err, io.EOF):
			return counts, rows, nil
		case err != nil && !begun:
			return counts, rows, err
		}
	}
}

func rowKind(table string, row []byte) string {
	switch table {
	case "BIODATA", "BIOPHOTO", "USERPIC", "TEMPLATEV10", "FACE":
		return rowTemplate
	case "USERINFO", "USER", "IDCARD":
		return rowPerson
	}
	word, _, _ := bytes.Cut(bytes.TrimLeft(row, " "), []byte(" "))
	switch string(word) {
	case "FP", "FACE", "FVEIN", "BIODATA", "BIOPHOTO", "USERPIC":
		return rowTemplate
	case "USER", "IDCARD":
		return rowPerson
	case "OPLOG":
		return rowOperation
	}
	return rowOther
}
