package importer

import (
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrZone: the name is not that of a time zone in the IANA database.
var ErrZone = errors.New("not a time zone")

// The zones of the IANA table of countries (public domain), only to suggest a name.
//
//go:embed zones.txt
var zoneNames string

// ParseZone gives the zone with this IANA name. It refuses the empty name and
// "Local", which mean another place on another machine, and suggests what may have
// been meant. Error: [ErrZone].
func ParseZone(name string) (*time.Location, error) {
	switch {
	case name == "":
		return nil, fmt.Errorf("%w: say where the station hangs, for example Asia/Manila", ErrZone)
	case strings.EqualFold(name, "local"), name == "localtime", name == "Factory",
		strings.HasPrefix(name, "right/"), strings.HasPrefix(name, "posix"): // files beside the database, and leap second variants
		return nil, fmt.Errorf("%w: %.64q is no place; give a name such as Asia/Manila", ErrZone, name)
	}
	loc, err := time.LoadLocation(name)
	if err == nil && loc != time.Local {
		return loc, nil
	}
	if near := suggest(name); len(near) > 0 {
		return nil, fmt.Errorf("%w: %.64q; did you mean %s?", ErrZone, name, strings.Join(near, " or "))
	}
	return nil, fmt.Errorf("%w: %.64q; give an IANA name such as Asia/Manila", ErrZone, name)
}

// suggest lists up to three names, nearest first.
func suggest(name string) []string {
	const few, near = 3, 2
	wanted := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	if len(wanted) > 64 {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for known := range strings.FieldsSeq(zoneNames) {
		full := strings.ToLower(known)
		city := full[strings.LastIndexByte(full, '/')+1:]
		distance := min(edits(wanted, full), edits(wanted, city))
		if distance <= near && distance*3 <= len(wanted) {
			found = append(found, candidate{known, distance})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range found[:min(few, len(found))] {
		names = append(names, c.name)
	}
	return names
}

// edits counts the letters to insert, drop or change to turn a into b (Levenshtein).
func edits(a, b string) int {
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		diagonal := above[0]
		above[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = above[j+1]
			above[j+1] = min(change, above[j]+1, diagonal+1)
		}
	}
	return above[len(b)]
}
