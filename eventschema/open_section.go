package eventschema

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// OpenSection opens one section that is kept apart from its event, as read
// models keep it, and answers its fields under the names they have today. Of a
// section that cannot be opened nobody knows which fields were given, so every
// field it may hold says why. Errors as [Registry.Open].
func (r *Registry) OpenSection(ctx context.Context, opener Opener, at Coordinates, envelope []byte, use Use) (map[string]Personal, error) {
	definition, ok := r.definitions[at.EventType]
	if !ok {
		return nil, fmt.Errorf("open section %s of %q: %w", at.Section, at.EventType, ErrUnknownEvent)
	}
	opening, err := opener.Open(ctx, at, envelope, use)
	if err != nil {
		return nil, fmt.Errorf("open section %s of %s: %w", at.Section, at.EventType, err)
	}
	texts := map[string]string{}
	if opening.State == StateClear && json.Unmarshal(opening.Plaintext, &texts) != nil {
		return nil, fmt.Errorf("open section %s of %s: %w", at.Section, at.EventType, ErrPayload)
	}
	stored := Decoded{Event: definition.New(), StoredVersion: at.SchemaVersion}
	fields := map[string]Personal{}
	for _, section := range stored.Event.Sections() {
		for _, field := range section.Fields {
			from, name, _ := strings.Cut(stored.storedField(definition, section.Name, field.Name), ".")
			text, given := texts[name]
			switch {
			case from != at.Section:
			case opening.State != StateClear:
				fields[field.Name] = Withheld(opening.State, opening.Case)
			case given:
				fields[field.Name] = Clear(text)
			}
		}
	}
	return fields, nil
}
