package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// shortest is the length in bytes of the shortest value that is searched for.
// A shorter one occurs by chance in files of this size.
const shortest = 6

// Search is what a byte search of the data folder found.
type Search struct {
	Files        int      `json:"files"`
	Bytes        int64    `json:"bytes"`
	Values       int      `json:"values"`    // personal values searched for
	TooShort     int      `json:"too_short"` // values left out, of fewer than 6 bytes
	Hits         int      `json:"hits"`
	HitFiles     []string `json:"hit_files,omitempty"`
	ControlHits  int      `json:"control_hits"` // of a value known to be there in clear
	ControlFiles []string `json:"control_files,omitempty"`
}

// PersonalValues lists the readable values of a person, to look for: nobody is
// shown them.
func PersonalValues(p httpapi.PersonView) []string {
	var values []string
	for _, value := range []httpapi.Personal{p.LegalName, p.Email, p.Phone, p.BirthDate} {
		if text, readable := value.Personal.Reveal(); readable {
			values = append(values, text)
		}
	}
	return values
}

// SearchPlaintext looks in every file of the data folder for values, in the
// encodings a value may take on its way. As a positive control it also looks for
// an id that the stores hold in clear: a search that does not find it proves nothing.
func (a *App) SearchPlaintext(ctx context.Context, values []string, control uuid.UUID) (Search, error) {
	var result Search
	needles := newNeedles()
	for _, value := range slices.Compact(slices.Sorted(slices.Values(values))) {
		if len(value) < shortest {
			result.TooShort++
			continue
		}
		result.Values++
		for _, encoded := range encodings(value) {
			needles.add(encoded, false)
		}
	}
	needles.add(control[:], true)
	needles.add([]byte(eventschema.Hex(control)), true)
	needles.add([]byte(control.String()), true)
	err := filepath.WalkDir(a.folder.dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a store removed the file meanwhile
		}
		if err != nil {
			return err
		}
		if !entry.Type().IsRegular() {
			return ctx.Err()
		}
		found, size, err := needles.searchFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		result.Files++
		result.Bytes += size
		name := strings.TrimPrefix(path, a.folder.dir+string(filepath.Separator))
		if found.values > 0 {
			result.Hits += found.values
			result.HitFiles = append(result.HitFiles, name)
		}
		if found.control > 0 {
			result.ControlHits += found.control
			result.ControlFiles = append(result.ControlFiles, name)
		}
		return ctx.Err()
	})
	if err != nil {
		return result, fmt.Errorf("search the data folder: %w", err)
	}
	return result, nil
}

// encodings lists the forms in which a value could lie in a file.
func encodings(value string) [][]byte {
	raw := []byte(value)
	forms := [][]byte{raw, []byte(hex.EncodeToString(raw)), []byte(strings.ToUpper(hex.EncodeToString(raw)))}
	var little, big []byte
	for _, unit := range utf16.Encode([]rune(value)) {
		little = binary.LittleEndian.AppendUint16(little, unit)
		big = binary.BigEndian.AppendUint16(big, unit)
	}
	forms = append(forms, little, big, []byte(url.QueryEscape(value)), []byte(url.PathEscape(value)))
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, quoted[1:len(quoted)-1])
	}
	var ascii strings.Builder
	for _, unit := range utf16.Encode([]rune(value)) {
		if unit < 0x80 {
			ascii.WriteByte(byte(unit))
		} else {
			fmt.Fprintf(&ascii, `\u%04x`, unit)
		}
	}
	forms = append(forms, []byte(ascii.String()))
	for shift := range 3 { // a value inside a longer base64 text starts at any of three places
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString(append(make([]byte, shift), raw...))
			from, cut := (shift*8+5)/6, 0
			if (shift+len(raw))%3 != 0 {
				cut = 1
			}
			if len(text)-cut-from >= shortest {
				forms = append(forms, []byte(text[from:len(text)-cut]))
			}
		}
	}
	slices.SortFunc(forms, bytes.Compare)
	return slices.CompactFunc(forms, bytes.Equal)
}

// needles finds many byte strings in one pass: their first bytes are looked up
// at every place, the rest is compared where they match.
type needles struct {
	byPrefix map[[prefixBytes]byte][]needle
	first    [1 << 16]bool // first two bytes of any needle
	longest  int
}

type needle struct {
	text    []byte
	control bool
}

type hits struct{ values, control int }

const prefixBytes = 6

func newNeedles() *needles { return &needles{byPrefix: map[[prefixBytes]byte][]needle{}} }

func (n *needles) add(text []byte, control bool) {
	if len(text) < prefixBytes {
		return
	}
	key := [prefixBytes]byte(text[:prefixBytes])
	n.byPrefix[key] = append(n.byPrefix[key], needle{text: text, control: control})
	n.first[binary.LittleEndian.Uint16(text)] = true
	n.longest = max(n.longest, len(text))
}

func (n *needles) searchFile(path string) (found hits, size int64, err error) {
	file, err := os.Open(path) //nolint:gosec // a path below the data folder
	if err != nil {
		return found, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const chunk = 4 << 20
	buffer := make([]byte, 0, chunk+n.longest)
	for {
		start := len(buffer)
		read, err := io.ReadFull(file, buffer[start:start+chunk])
		size += int64(read)
		buffer = buffer[:start+read]
		last := err != nil // io.EOF and io.ErrUnexpectedEOF end the file
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return found, size, err
		}
		until := len(buffer) - n.longest + 1 // later starts are searched with the next chunk
		if last {
			until = len(buffer)
		}
		n.search(buffer, max(until, 0), &found)
		if last {
			return found, size, nil
		}
		kept := copy(buffer, buffer[max(until, 0):])
		buffer = buffer[:kept]
	}
}

// search counts the needles that start before until.
func (n *needles) search(text []byte, until int, found *hits) {
	for i := 0; i < until && i+prefixBytes <= len(text); i++ {
		if !n.first[binary.LittleEndian.Uint16(text[i:])] {
			continue
		}
		for _, candidate := range n.byPrefix[[prefixBytes]byte(text[i:i+prefixBytes])] {
			if bytes.HasPrefix(text[i:], candidate.text) {
				if candidate.control {
					found.control++
				} else {
					found.values++
				}
			}
		}
	}
}
