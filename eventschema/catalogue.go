package eventschema

import (
	_ "embed"
	"strings"
)

// fieldLines is the golden list of every field of every event. A test holds it to
// the structs, so that it says today's truth without any reflection here.
//
//go:embed testdata/personal_fields.golden
var fieldLines string

// CatalogueEvent explains one event to somebody who has only the stored bytes.
type CatalogueEvent struct {
	Type    string           `json:"type"`
	Version int              `json:"version"` // of today
	Stored  []string         `json:"stored"`  // every name under which it may be stored
	Fields  []CatalogueField `json:"fields"`  // of today's version
}

// CatalogueField explains one field. A personal one is stored only sealed, in the
// section named.
type CatalogueField struct {
	Name     string  `json:"name"`
	Kind     string  `json:"kind,omitempty"` // of what is stored in clear
	Personal bool    `json:"personal"`
	Section  string  `json:"section,omitempty"`
	Purpose  Purpose `json:"purpose,omitempty"`
	Key      string  `json:"key_per,omitempty"`
}

// Catalogue lists every registered event, by type.
func (r *Registry) Catalogue() []CatalogueEvent {
	fields := map[string][]CatalogueField{}
	for line := range strings.Lines(fieldLines) {
		if eventType, field, ok := parseFieldLine(strings.TrimSpace(line)); ok {
			fields[eventType] = append(fields[eventType], field)
		}
	}
	var events []CatalogueEvent
	for _, d := range r.Definitions() {
		event := CatalogueEvent{Type: d.Type, Version: d.Version, Fields: fields[d.Type]}
		for v := 1; v <= d.Version; v++ {
			event.Stored = append(event.Stored, StoredName(d.Type, v))
		}
		events = append(events, event)
	}
	return events
}

// parseFieldLine reads "<event> <field>: skeleton, <kind>" and "<event> <field>:
// personal, <section>.<name>, purpose <purpose>, key per <key>".
func parseFieldLine(line string) (eventType string, field CatalogueField, ok bool) {
	place, held, found := strings.Cut(line, ": ")
	eventType, field.Name, ok = strings.Cut(place, " ")
	if !found || !ok {
		return "", field, false
	}
	if kind, skeleton := strings.CutPrefix(held, "skeleton, "); skeleton {
		field.Kind = kind
		return eventType, field, true
	}
	parts := strings.Split(strings.TrimPrefix(held, "personal, "), ", ")
	if len(parts) != 3 {
		return "", field, false
	}
	field.Personal = true
	field.Section, field.Name, _ = strings.Cut(parts[0], ".")
	field.Purpose = Purpose(strings.TrimPrefix(parts[1], "purpose "))
	field.Key = strings.TrimPrefix(parts[2], "key per ")
	return eventType, field, true
}
