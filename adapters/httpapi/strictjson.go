package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds how deep a body may nest. The deepest schema needs three.
const maxDepth = 16

// errJSON are the reasons why a body is not strict JSON. None holds a value.
var (
	errNotJSON      = errors.New("not valid JSON")
	errNotUTF8      = errors.New("not valid UTF-8")
	errNotObject    = errors.New("the body must be one JSON object")
	errTooDeep      = errors.New("nested too deeply")
	errDuplicate    = errors.New("a member occurs twice")
	errMemberName   = errors.New("member names are lower-case letters, digits and underscores")
	errCharacter    = errors.New("a string holds a character that cannot be stored")
	errNumberTooBig = errors.New("a number is out of range")
)

// readStrict reads one JSON object as I-JSON (RFC 7493) asks: UTF-8, no member
// twice, no lone surrogates, numbers in range, and here also no NUL, bounded
// depth and plain member names. The last rule matters because the standard
// decoder matches names without regard to case: with it "Work_ID" and "work_id"
// cannot be two values for one field. It returns the members, and the canonical
// form: sorted, without white space.
func readStrict(body []byte) (members map[string]any, canonical []byte, err error) {
	switch {
	case !utf8.Valid(body):
		return nil, nil, errNotUTF8
	case !json.Valid(body):
		return nil, nil, errNotJSON
	case badEscape(body):
		return nil, nil, errCharacter
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := readValue(decoder, 0)
	if err != nil {
		return nil, nil, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, nil, errNotObject
	}
	if canonical, err = json.Marshal(members); err != nil {
		return nil, nil, errNotJSON
	}
	return members, canonical, nil
}

func readValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, err := decoder.Token()
	if err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errNotJSON
		}
		return nil, errNotJSON
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(decoder, depth)
		}
		return readArray(decoder, depth)
	case json.Number:
		f, err := strconv.ParseFloat(t.String(), 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, errNumberTooBig
		}
	}
	return token, nil
}

func readObject(decoder *json.Decoder, depth int) (any, error) {
	members := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, errNotJSON
		}
		name, _ := token.(string)
		if !plainName(name) {
			return nil, errMemberName
		}
		if _, twice := members[name]; twice {
			return nil, errDuplicate
		}
		if members[name], err = readValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotJSON
	}
	return members, nil
}

func readArray(decoder *json.Decoder, depth int) (any, error) {
	items := []any{}
	for decoder.More() {
		item, err := readValue(decoder, depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotJSON
	}
	return items, nil
}

func plainName(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return name != ""
}

// badEscape finds \u escapes that are NUL or half of a surrogate pair; the
// standard decoder would replace the latter silently. The body is valid JSON.
func badEscape(body []byte) bool {
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		if i++; body[i] != 'u' {
			continue
		}
		switch unit := hexUnit(body[i+1 : i+5]); {
		case unit == 0, unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			next := body[i+5:]
			if len(next) < 6 || next[0] != '\\' || next[1] != 'u' {
				return true
			}
			if low := hexUnit(next[2:6]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 10
		default:
			i += 4
		}
	}
	return false
}

func hexUnit(digits []byte) uint64 {
	unit, _ := strconv.ParseUint(string(digits), 16, 16)
	return unit
}
