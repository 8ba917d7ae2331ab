package forensics

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Shortest is the length in bytes of the shortest form that is searched for. A
// shorter one occurs by chance in what is encrypted.
const Shortest = 6

// form is one way in which a value can lie in bytes.
type form struct {
	name string
	text []byte
	// exact forms are compared as they are; others without regard to the case of
	// ASCII letters, which in them carries nothing.
	exact bool
}

// forms lists the forms of a value, each once.
func forms(value string) []form {
	var all []form
	seen := map[string]bool{}
	for _, spelling := range spellings(value) {
		for _, f := range encodings(spelling) {
			if key := string(f.text) + fmt.Sprint(f.exact); len(f.text) >= Shortest && !seen[key] {
				seen[key] = true
				all = append(all, f)
			}
		}
	}
	return all
}

// spellings are the value in the cases and normal forms of Unicode, and without
// its marks.
func spellings(value string) []string {
	bare, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), value)
	all := []string{value}
	if err == nil {
		all = append(all, bare)
	}
	for _, s := range all[:len(all):len(all)] {
		all = append(all, strings.ToLower(s), strings.ToUpper(s))
	}
	for _, s := range all[:len(all):len(all)] {
		all = append(all, norm.NFC.String(s), norm.NFD.String(s))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// encodings lists the forms of one spelling.
func encodings(s string) []form {
	raw := []byte(s)
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		little = binary.LittleEndian.AppendUint16(little, unit)
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	all := []form{
		{name: "UTF-8", text: raw}, {name: "UTF-16LE", text: little}, {name: "UTF-16BE", text: big},
		{name: "hex", text: []byte(hex.EncodeToString(raw))},
		{name: "URL", text: []byte(url.QueryEscape(s))}, {name: "URL", text: []byte(url.PathEscape(s))},
		{name: "HTML", text: []byte(html.EscapeString(s))},
		{name: "HTML", text: escape(s, func(r rune) bool { return r < 0x80 }, func(r rune) string { return fmt.Sprintf("&#%d;", r) })},
		{name: "octal", text: escapeBytes(raw, `\%03o`, "\\")},
		{name: "quoted-printable", text: escapeBytes(raw, "=%02X", "=")},
		{name: "quoted-printable", text: []byte(strings.ReplaceAll(string(escapeBytes(raw, "=%02X", "=?_")), " ", "_"))},
	}
	if quoted, err := json.Marshal(s); err == nil {
		all = append(all, form{name: "JSON", text: quoted[1 : len(quoted)-1]})
	}
	all = append(all, form{name: "JSON", text: escape(s, func(r rune) bool { return r < 0x80 && r != '"' && r != '\\' }, jsonEscape)})
	if latin, ok := latin1(s); ok {
		all = append(all, form{name: "Latin-1", text: latin})
	}
	return append(append(all, base64Forms("base64", raw)...), base64Forms("base64 of UTF-16LE", little)...)
}

func jsonEscape(r rune) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(&b, `\u%04x`, unit)
	}
	return b.String()
}

// escape leaves the runes that may stay and writes the others.
func escape(s string, stays func(rune) bool, write func(rune) string) []byte {
	var b strings.Builder
	for _, r := range s {
		if stays(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(write(r))
		}
	}
	return []byte(b.String())
}

// escapeBytes writes the bytes that are no printable ASCII, and the special ones,
// by a format.
func escapeBytes(raw []byte, format, special string) []byte {
	var b []byte
	for _, c := range raw {
		if c >= 0x20 && c < 0x7f && !strings.ContainsRune(special, rune(c)) {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, format, c)
		}
	}
	return b
}

func latin1(s string) ([]byte, bool) {
	var b []byte
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, true
}

// base64Forms are the parts of a longer base64 text that say nothing but the
// value: it starts at any of three places in it.
func base64Forms(name string, raw []byte) []form {
	var all []form
	for shift := range 3 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), raw...))
			from, until := (shift*8+5)/6, len(text)
			if (shift+len(raw))%3 != 0 {
				until--
			}
			if from < until {
				all = append(all, form{name: name, text: []byte(text[from:until]), exact: true})
			}
		}
	}
	return all
}
