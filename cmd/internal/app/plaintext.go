package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/forensics"
	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// Search is what a byte search of the data folder found.
type Search struct {
	Files        int      `json:"files"`
	Bytes        int64    `json:"bytes"`
	Values       int      `json:"values"`    // personal values searched for
	TooShort     int      `json:"too_short"` // values left out, of too few bytes
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

// SearchPlaintext looks in every file of the data folder for values, in every form
// that a value may take on its way. As a positive control it also looks for an id
// that the stores hold in clear: a search that does not find it proves nothing.
func (a *App) SearchPlaintext(ctx context.Context, values []string, control uuid.UUID) (Search, error) {
	var result Search
	wanted := []forensics.Value{
		{Label: controlLabel, Text: control.String(), Bytes: control[:]}, {Label: controlLabel, Text: eventschema.Hex(control)},
	}
	for _, value := range slices.Compact(slices.Sorted(slices.Values(values))) {
		wanted = append(wanted, forensics.Value{Label: "value", Text: value})
		result.Values++
	}
	needles := forensics.NewNeedles(wanted...)
	result.TooShort = len(needles.TooShort)
	result.Values -= result.TooShort
	err := filepath.WalkDir(a.folder.dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // a store removed it meanwhile
		case err != nil:
			return err
		case !entry.Type().IsRegular():
			return ctx.Err()
		}
		found, err := needles.SearchFile(ctx, path, nil)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			result.count(strings.TrimPrefix(path, a.folder.dir+string(filepath.Separator)), found)
		}
		return err
	})
	if err != nil {
		return result, fmt.Errorf("search the data folder: %w", err)
	}
	return result, nil
}

// count adds what was found in one file.
func (s *Search) count(name string, found forensics.Found) {
	s.Files++
	s.Bytes += found.Bytes
	hits, controls := s.Hits, s.ControlHits
	for _, hit := range found.Hits {
		if hit.Label == controlLabel {
			s.ControlHits++
		} else {
			s.Hits++
		}
	}
	if s.Hits > hits {
		s.HitFiles = append(s.HitFiles, name)
	}
	if s.ControlHits > controls {
		s.ControlFiles = append(s.ControlFiles, name)
	}
}
