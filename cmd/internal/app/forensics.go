package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/forensics"
	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// controlLabel marks what the stores must hold in clear: a search that does not
// find it proves nothing.
const controlLabel = "control"

// Investigation says what to look for and where.
type Investigation struct {
	Subject uuid.UUID // a person of whom something was erased
	Values  []forensics.Value
	Also    []string // files and folders beside the stores: backups, dumps, exports
	Copies  []*keyring.Copy
	Escrows []keyring.OpenedEscrow
	// Before is the key store as it was before an erasure, where that is known: the
	// attempts that fail now must succeed with it.
	Before   *keyring.Copy
	Restorer string // pg_restore, for dumps that are no text; empty: they are searched as they are
	Progress func(what string, done, total int64)
}

// Evidence is what was found. It names places and labels, and no value.
type Evidence struct {
	Values   int          `json:"values"`
	TooShort []string     `json:"too_short,omitempty"`
	Sources  []SourceRead `json:"sources"`
	Trials   []TrialMade  `json:"trials"`
	Invalid  []string     `json:"invalid,omitempty"` // why the run proves nothing
}

// SourceRead is one place that was searched.
type SourceRead struct {
	Source  string       `json:"source"`
	Parts   int          `json:"parts"` // files, tables, events
	Bytes   int64        `json:"bytes"`
	Opened  int          `json:"opened"`  // compressed parts that were opened and searched
	Control int          `json:"control"` // places of what must be found
	Must    bool         `json:"control_required"`
	Hits    []PlacedHit  `json:"hits,omitempty"`
	Left    []LeftUnread `json:"left,omitempty"`
}

// PlacedHit is a hit and the file, table or stream that it is in.
type PlacedHit struct {
	Place string `json:"place"`
	forensics.Hit
}

// LeftUnread is something that could not be searched, and why.
type LeftUnread struct {
	Place string `json:"place"`
	Why   string `json:"why"`
}

// TrialMade is what some keys, that somebody may hold, opened of the old envelopes.
type TrialMade struct {
	Keys     string `json:"keys"` // whose
	Epoch    int    `json:"epoch,omitempty"`
	With     string `json:"with,omitempty"`
	Unlocked bool   `json:"unlocked"`
	Why      string `json:"why,omitempty"`
	Tried    int    `json:"keys_tried"`
	Old      int    `json:"envelopes"` // of what was erased
	Opened   int    `json:"opened"`
	Control  int    `json:"control_opened"` // of what was not erased
	// Expected says that these keys are those from before the erasure, which show
	// that the attempts work.
	Expected bool `json:"expected,omitempty"`
}

// Hits counts what must not be.
func (e Evidence) Hits() (hits int) {
	for _, s := range e.Sources {
		hits += len(s.Hits)
	}
	for _, trial := range e.Trials {
		if !trial.Expected {
			hits += trial.Opened
		}
	}
	return hits
}

// investigator is one investigation under way.
type investigator struct {
	*App
	Investigation
	needles  *forensics.Needles
	evidence Evidence
}

// Investigate searches every store of the installation, what it can be asked for
// and the paths named besides for values in every form, and tries the envelopes of
// what was erased with every key at hand. An error means that something could not
// be looked at that must be.
func (a *App) Investigate(ctx context.Context, what Investigation) (Evidence, error) {
	i := &investigator{App: a, Investigation: what, evidence: Evidence{Values: len(what.Values)}}
	if i.Progress == nil {
		i.Progress = func(string, int64, int64) {}
	}
	i.needles = forensics.NewNeedles(append(i.controls(), what.Values...)...)
	i.evidence.TooShort = i.needles.TooShort
	if len(what.Values) == 0 || len(i.evidence.TooShort) == len(what.Values) {
		i.invalid("no value was long enough to be looked for")
	}
	for _, step := range []func(context.Context) error{
		i.instrument, i.folders, i.log, i.tables, i.export, i.also, i.trials,
	} {
		if err := step(ctx); err != nil {
			return i.evidence, fmt.Errorf("forensics: %w", err)
		}
	}
	for _, s := range i.evidence.Sources {
		if s.Must && s.Control == 0 {
			i.invalid("the control was not found in %s", s.Source)
		}
	}
	return i.evidence, nil
}

func (i *investigator) invalid(format string, args ...any) {
	i.evidence.Invalid = append(i.evidence.Invalid, fmt.Sprintf(format, args...))
}

// controls are the forms in which the stores hold the pseudonymous id of the person.
func (i *investigator) controls() []forensics.Value {
	return []forensics.Value{
		{Label: controlLabel, Text: i.Subject.String(), Bytes: i.Subject[:]},
		{Label: controlLabel, Text: eventschema.Hex(i.Subject)},
	}
}

// instrument looks for what it has just planted in every form, with the same
// needles that are looked for elsewhere.
func (i *investigator) instrument(ctx context.Context) error {
	source := SourceRead{Source: "control, planted in every form", Must: true}
	for _, value := range i.Values {
		if len(value.Text) < forensics.Shortest {
			continue
		}
		planted, err := forensics.Control(value.Text)
		if err != nil {
			return err
		}
		for _, p := range planted {
			found, err := i.needles.Search(ctx, bytes.NewReader(p.Content), nil)
			if err != nil {
				return err
			}
			source.Parts++
			source.Bytes += found.Bytes
			source.Opened += found.Opened
			source.Control += min(len(found.Hits), 1)
			if len(found.Hits) == 0 {
				i.invalid("a planted value was not found as %s", p.Way)
			}
		}
	}
	i.evidence.Sources = append(i.evidence.Sources, source)
	return nil
}

// count adds what was found in one part of a source.
func (s *SourceRead) count(place string, found forensics.Found) {
	s.Parts++
	s.Bytes += found.Bytes
	s.Opened += found.Opened
	for _, hit := range found.Hits {
		if hit.Label == controlLabel {
			s.Control++
		} else {
			s.Hits = append(s.Hits, PlacedHit{Place: place, Hit: hit})
		}
	}
}

// errNothingErased refuses to look for what was never erased.
var errNothingErased = errors.New("nothing about this person was erased: there is nothing that must be gone (tracekeep erase request)")
