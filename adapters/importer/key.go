package importer

import (
	"strings"
	"unicode"
)

// keyKind says by what a format names people. Keys of different kinds never meet:
// all but PINs carry their kind in front, with a colon that no PIN has.
type keyKind string

const (
	byPIN   keyKind = "pin"   // the number typed or stored at a station
	byID    keyKind = "id"    // an identifier of the program that wrote the file
	byEmail keyKind = "email" // compared without case
	byName  keyKind = "name"  // compared without case and runs of blanks
	byLogin keyKind = "login" // an e-mail address where it has an @, else a name
)

// named is how people are named by such keys.
func (k keyKind) named() string {
	switch k {
	case byEmail:
		return "e-mail address"
	case byLogin:
		return "e-mail address or name"
	case byName, byID:
		return string(k)
	}
	return "PIN"
}

const maxKey = 254

// key makes the value under which a person is found. It answers false when the
// value cannot be one.
func (k keyKind) key(value string) (string, bool) {
	value = tidy(value)
	if value == "" || len(value) > maxKey || !isText(value) {
		return "", false
	}
	local, domain, address := strings.Cut(value, "@")
	address = address && local != "" && domain != ""
	switch k {
	case byPIN:
		return value, isCode([]byte(value), maxPIN)
	case byEmail:
		return "email:" + strings.ToLower(value), address
	case byLogin:
		if address {
			return "email:" + strings.ToLower(value), true
		}
		return "name:" + strings.ToLower(value), true
	case byName:
		return "name:" + strings.ToLower(value), true
	}
	return "id:" + value, true
}

// of gives the key of a row of a people file; false when it has none of this kind.
func (k keyKind) of(p Person, id string) (string, bool) {
	switch k {
	case byPIN:
		return k.key(p.PIN)
	case byEmail:
		return k.key(p.Email)
	case byLogin:
		if key, ok := byEmail.key(p.Email); ok {
			return key, true
		}
		return byName.key(p.Name)
	case byName:
		return k.key(p.Name)
	}
	return k.key(id)
}

// tidy makes one blank of each run of blanks, no-break spaces and line breaks
// included, and leaves none at the ends.
func tidy(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c >= 0x80 || c < ' ' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == 0 || r == '\uFEFF' }), " ")
}
