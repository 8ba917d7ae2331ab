package httpapi

import (
	"errors"
	"strconv"
	"strings"

	"tracekeep/eventschema"
)

// An entity tag is the revision of the stream, and after a hyphen one letter for
// each personal value that says how it can be seen. The letters are needed: an
// erasure changes what a person's page shows and adds nothing to the person's
// stream, and two roles may see different states. If-Match looks at the revision.

var (
	errNoMatch        = errors.New("no If-Match")
	errMatchMalformed = errors.New("If-Match is not one entity tag")
	errNeverMatches   = errors.New("a weak entity tag never matches strongly")
)

// entityTag writes the tag with its quotes.
func entityTag(revision uint64, values ...Personal) string {
	var b strings.Builder
	b.WriteByte('"')
	b.WriteString(strconv.FormatUint(revision, 10))
	for i, value := range values {
		if i == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(stateLetter(value))
	}
	b.WriteByte('"')
	return b.String()
}

func stateLetter(value Personal) byte {
	switch state := value.State(); {
	case state == eventschema.StateAbsent:
		return '.'
	case state == eventschema.StateErased && value.CertificateLeaf != nil:
		return 'E' // erased and certified
	default:
		return string(state)[0]
	}
}

// parseIfMatch gives the revision that the client saw. One strong tag is asked
// for: a list or * would leave open which revision the decision rests on.
func parseIfMatch(header string) (uint64, error) {
	tags, err := parseTags(header)
	switch {
	case header == "":
		return 0, errNoMatch
	case err != nil || len(tags) != 1 || tags[0].any:
		return 0, errMatchMalformed
	case tags[0].weak:
		return 0, errNeverMatches
	}
	digits, _, _ := strings.Cut(tags[0].opaque, "-")
	revision, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || strconv.FormatUint(revision, 10) != digits {
		return 0, errNeverMatches // a tag this API never gave
	}
	return revision, nil
}

// noneMatch says whether the client already has the representation current, by
// the weak comparison that If-None-Match asks for (RFC 9110 § 13.1.2). A header
// that cannot be read matches nothing.
func noneMatch(header, current string) bool {
	tags, err := parseTags(header)
	if err != nil {
		return false
	}
	for _, tag := range tags {
		if tag.any || `"`+tag.opaque+`"` == current {
			return true
		}
	}
	return false
}

type tag struct {
	opaque    string
	weak, any bool
}

// parseTags reads a list of entity tags, or *.
func parseTags(header string) ([]tag, error) {
	header = strings.Trim(header, " \t")
	if header == "*" {
		return []tag{{any: true}}, nil
	}
	var tags []tag
	for rest := header; rest != ""; {
		var t tag
		rest, t.weak = strings.CutPrefix(rest, "W/")
		if rest == "" || rest[0] != '"' {
			return nil, errMatchMalformed
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 {
			return nil, errMatchMalformed
		}
		t.opaque = rest[1 : end+1]
		for _, c := range []byte(t.opaque) {
			if c <= 0x20 || c == 0x7f {
				return nil, errMatchMalformed
			}
		}
		tags = append(tags, t)
		rest = strings.TrimLeft(rest[end+2:], " \t")
		if rest == "" {
			break
		}
		next, comma := strings.CutPrefix(rest, ",")
		if rest = strings.TrimLeft(next, " \t"); !comma || rest == "" {
			return nil, errMatchMalformed
		}
	}
	return tags, nil
}
