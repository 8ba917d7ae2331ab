package eventschema

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Envelope is what an event needs beside its own facts before it can be stored.
type Envelope struct {
	Stream   string
	EventID  uuid.UUID
	Metadata Metadata
}

// Decoded is one stored event in its current shape. Its personal values are
// sealed until [Registry.Open] is asked.
type Decoded struct {
	Recorded
	Event         Event
	Meta          Metadata
	StoredVersion int
	Sealed        []Sealed
}

// sealedKey is the payload key of the sealed sections. The skeleton may not use it.
const sealedKey = "sealed"

// Encode seals the personal values of an event and writes its payload and
// metadata. It asks sealer once for every section that holds a value.
func (r *Registry) Encode(ctx context.Context, sealer Sealer, event Event, at Envelope) (Proposed, error) {
	definition, ok := r.definitions[event.EventType()]
	if !ok {
		return Proposed{}, fmt.Errorf("encode %q: %w", event.EventType(), ErrUnknownEvent)
	}
	if len(at.Metadata.Salt) != SaltBytes {
		return Proposed{}, fmt.Errorf("encode %s: salt of %d bytes, want %d", definition.Type, len(at.Metadata.Salt), SaltBytes)
	}
	data, err := json.Marshal(event)
	if err != nil {
		return Proposed{}, fmt.Errorf("encode %s: %w", definition.Type, err)
	}
	sealed, err := sealSections(ctx, sealer, event, definition, at)
	if err != nil {
		return Proposed{}, fmt.Errorf("seal %s: %w", definition.Type, err)
	}
	if data, err = joinSealed(data, sealed); err != nil {
		return Proposed{}, fmt.Errorf("encode %s: %w", definition.Type, err)
	}
	metadata, err := json.Marshal(at.Metadata)
	if err != nil {
		return Proposed{}, fmt.Errorf("encode metadata of %s: %w", definition.Type, err)
	}
	name := StoredName(definition.Type, definition.Version)
	return Proposed{ID: at.EventID, Type: name, Data: data, Metadata: metadata}, nil
}

func sealSections(ctx context.Context, sealer Sealer, event Event, definition Definition, at Envelope) ([]Sealed, error) {
	var out []Sealed
	for _, section := range event.Sections() {
		values := make(map[string]string, len(section.Fields))
		for _, field := range section.Fields {
			switch text, clear := field.Value.Reveal(); {
			case clear:
				values[field.Name] = text
			case field.Value.State() != StateAbsent:
				return nil, fmt.Errorf("field %s.%s is %s, not clear", section.Name, field.Name, field.Value.State())
			}
		}
		if len(values) == 0 {
			continue
		}
		plaintext, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", section.Name, err)
		}
		envelope, err := sealer.Seal(ctx, Coordinates{
			Tenant: at.Metadata.Tenant, Subject: section.Subject, Purpose: section.Purpose, Period: section.Period, Item: section.Item,
			Stream: at.Stream, EventID: at.EventID, EventType: definition.Type, SchemaVersion: definition.Version, Section: section.Name,
		}, plaintext)
		if err != nil {
			return nil, fmt.Errorf("section %s: %w", section.Name, err)
		}
		out = append(out, Sealed{Section: section.Name, Purpose: section.Purpose, Subject: section.Subject, Period: section.Period, Item: section.Item, Envelope: envelope})
	}
	return out, nil
}

// joinSealed writes the sealed sections as the last key of the payload object.
func joinSealed(data []byte, sealed []Sealed) ([]byte, error) {
	if len(sealed) == 0 {
		return data, nil
	}
	sections, err := json.Marshal(sealed)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSuffix(data, []byte("}"))
	joined := make([]byte, 0, len(data)+len(sections)+len(sealedKey)+4)
	joined = append(joined, body...)
	if len(body) > 1 {
		joined = append(joined, ',')
	}
	joined = append(joined, `"`+sealedKey+`":`...)
	joined = append(joined, sections...)
	return append(joined, '}'), nil
}

// Decode reads a stored event and lifts it to its current version. Personal
// values come back sealed. It returns [ErrUnknownEvent], [ErrUnknownVersion] or
// [ErrPayload], with the position and never a value.
func (r *Registry) Decode(recorded Recorded) (Decoded, error) {
	stored, ok := r.stored[recorded.Type]
	if !ok {
		return Decoded{}, fmt.Errorf("decode %s at position %d: %w", recorded.Type, recorded.Position, r.unknown(recorded.Type))
	}
	decoded := Decoded{Recorded: recorded, StoredVersion: stored.version, Event: stored.definition.New()}
	if plain := stored.definition.plain; plain != nil && stored.version >= stored.definition.plainSince && plain(recorded.Data, decoded.Event) {
		if err := decodeMetadata(recorded, &decoded.Meta); err != nil {
			return Decoded{}, err
		}
		return decoded, nil
	}
	data := json.RawMessage(recorded.Data)
	for v := stored.version; v < stored.definition.Version; v++ {
		var err error
		if data, err = stored.definition.Upcasts[v].Data(data); err != nil {
			return Decoded{}, payloadError(recorded, err)
		}
	}
	if err := unmarshalObject(data, decoded.Event); err != nil {
		return Decoded{}, payloadError(recorded, err)
	}
	if err := decodeMetadata(recorded, &decoded.Meta); err != nil {
		return Decoded{}, err
	}
	if bytes.Contains(recorded.Data, []byte(`"`+sealedKey+`"`)) {
		var sections struct {
			Sealed []Sealed `json:"sealed"`
		}
		if err := json.Unmarshal(recorded.Data, &sections); err != nil {
			return Decoded{}, payloadError(recorded, err)
		}
		decoded.Sealed = sections.Sealed
		decoded.markSealed(stored.definition)
	}
	return decoded, nil
}

func decodeMetadata(recorded Recorded, into *Metadata) error {
	if plainMetadata(recorded.Metadata, into) {
		return nil
	}
	if err := unmarshalObject(recorded.Metadata, into); err != nil {
		return payloadError(recorded, err)
	}
	return nil
}

// unmarshalObject reads a JSON object. Without the check a null would pass as an
// event whose every value is empty.
func unmarshalObject(data []byte, into any) error {
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
		return ErrPayload
	}
	return json.Unmarshal(data, into)
}

func (r *Registry) unknown(storedName string) error {
	eventType, _, _ := SplitStoredName(storedName)
	if _, known := r.definitions[eventType]; known {
		return ErrUnknownVersion
	}
	return ErrUnknownEvent
}

// payloadError names the place and drops the cause's text: a JSON error may
// quote the payload.
func payloadError(recorded Recorded, _ error) error {
	return fmt.Errorf("decode %s at position %d: %w", recorded.Type, recorded.Position, ErrPayload)
}

// markSealed tells every value whose section is present that it is there but unread.
func (d *Decoded) markSealed(definition Definition) {
	present := map[string]bool{}
	for _, s := range d.Sealed {
		present[s.Section] = true
	}
	for _, section := range d.Event.Sections() {
		for _, field := range section.Fields {
			from, _, _ := strings.Cut(d.storedField(definition, section.Name, field.Name), ".")
			if present[from] {
				*field.Value = Withheld(StateSealed, uuid.Nil)
			}
		}
	}
}

// storedField finds the name a field of today had in the stored version.
func (d *Decoded) storedField(definition Definition, section, field string) string {
	name := section + "." + field
	for v := definition.Version - 1; v >= d.StoredVersion; v-- {
		moved := false
		for from, to := range definition.Upcasts[v].Fields {
			if to == name {
				name, moved = from, true
				break
			}
		}
		if !moved && definition.Upcasts[v].Fields != nil {
			return "" // the field did not exist before this step
		}
	}
	return name
}

// At gives the coordinates under which one of the event's sections was sealed.
func (d *Decoded) At(sealed Sealed) Coordinates {
	eventType, version, _ := SplitStoredName(d.Type)
	return Coordinates{
		Tenant: d.Meta.Tenant, Subject: sealed.Subject, Purpose: sealed.Purpose, Period: sealed.Period, Item: sealed.Item,
		Stream: d.Stream, EventID: d.ID, EventType: eventType, SchemaVersion: version, Section: sealed.Section,
	}
}

// Open opens every section of the event for the purpose of use declared and
// fills the personal values: readable ones with their text, the others with
// the reason they cannot be read. It is an error only when the key store cannot
// decide or an envelope is corrupt.
func (r *Registry) Open(ctx context.Context, opener Opener, decoded *Decoded, use Use) error {
	definition := r.definitions[decoded.Event.EventType()]
	openings := make(map[string]Opening, len(decoded.Sealed))
	values := make(map[string]map[string]string, len(decoded.Sealed))
	for _, sealed := range decoded.Sealed {
		opening, err := opener.Open(ctx, decoded.At(sealed), sealed.Envelope, use)
		if err != nil {
			return fmt.Errorf("open section %s of %s at position %d: %w", sealed.Section, decoded.Type, decoded.Position, err)
		}
		openings[sealed.Section] = opening
		if opening.State != StateClear {
			continue
		}
		fields := map[string]string{}
		if json.Unmarshal(opening.Plaintext, &fields) != nil {
			return fmt.Errorf("open section %s of %s at position %d: %w", sealed.Section, decoded.Type, decoded.Position, ErrPayload)
		}
		values[sealed.Section] = fields
	}
	for _, section := range decoded.Event.Sections() {
		for _, field := range section.Fields {
			from, name, _ := strings.Cut(decoded.storedField(definition, section.Name, field.Name), ".")
			opening, present := openings[from]
			switch {
			case !present:
				*field.Value = Personal{}
			case opening.State == StateClear:
				*field.Value = Clear(values[from][name])
			default:
				*field.Value = Withheld(opening.State, opening.Case)
			}
		}
	}
	return nil
}
