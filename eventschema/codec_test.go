package eventschema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

func ids() *rapid.Generator[uuid.UUID] {
	return rapid.Custom(func(t *rapid.T) uuid.UUID {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
	})
}

func instants() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 4102444800).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).UTC()
	})
}

// fill gives every field of an event a drawn value. Personal values come as
// clear or absent, which is all that can be encoded.
func fill(t *rapid.T, v reflect.Value, path string) {
	switch v.Type() {
	case personalType:
		v.Set(reflect.ValueOf(eventschema.Clear(rapid.String().Draw(t, path))))
		return
	case timeType:
		v.Set(reflect.ValueOf(instants().Draw(t, path)))
		return
	case uuidType:
		v.Set(reflect.ValueOf(ids().Draw(t, path)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, path))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, path))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, path))
	case reflect.String:
		v.SetString(rapid.String().Draw(t, path))
	case reflect.Pointer:
		if rapid.Bool().Draw(t, path+" given") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), path)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, path), 3))
		for i := range v.Len() {
			fill(t, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	default:
		t.Fatalf("%s: nothing can be drawn for kind %s", path, v.Kind())
	}
}

func drawEvent(t *rapid.T, definition eventschema.Definition) (eventschema.Event, eventschema.Envelope) {
	event := definition.New()
	fill(t, reflect.ValueOf(event).Elem(), definition.Type)
	return event, eventschema.Envelope{
		Stream: eventschema.PersonStream(ids().Draw(t, "tenant"), ids().Draw(t, "id")).String(), EventID: ids().Draw(t, "event id"),
		Metadata: eventschema.Metadata{
			CorrelationID: ids().Draw(t, "correlation"), CausationID: ids().Draw(t, "causation"), Tenant: ids().Draw(t, "tenant"),
			Actor: eventschema.Actor{ID: ids().Draw(t, "actor"), Role: rapid.String().Draw(t, "role")},
			Salt:  rapid.SliceOfN(rapid.Byte(), eventschema.SaltBytes, eventschema.SaltBytes).Draw(t, "salt"),
		},
	}
}

func TestWhatIsEncodedIsDecodedAndOpened(t *testing.T) {
	registry, sealer := newRegistry(t), newSealer(t)
	for _, definition := range registry.Definitions() {
		t.Run(definition.Type, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				event, at := drawEvent(rt, definition)
				proposed, err := registry.Encode(t.Context(), sealer, event, at)
				if err != nil {
					rt.Fatal(err)
				}
				if !json.Valid(proposed.Data) || !json.Valid(proposed.Metadata) {
					rt.Fatalf("not JSON: %s", proposed.Data)
				}
				decoded, err := registry.Decode(eventschema.Recorded{
					Stream: at.Stream, ID: proposed.ID, Type: proposed.Type, Data: proposed.Data, Metadata: proposed.Metadata,
				})
				if err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(at.Metadata, decoded.Meta); diff != "" {
					rt.Fatalf("metadata (-want +got):\n%s", diff)
				}
				assertUnread(rt, event, decoded)
				if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseService); err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(event, decoded.Event, cmpopts.EquateEmpty()); diff != "" {
					rt.Fatalf("event (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// assertUnread wants every value that was given to be there and unread.
func assertUnread(t *rapid.T, given eventschema.Event, decoded eventschema.Decoded) {
	for i, section := range given.Sections() {
		for j, field := range section.Fields {
			state := decoded.Event.Sections()[i].Fields[j].Value.State()
			if state == eventschema.StateClear {
				t.Fatalf("%s.%s can be read before it is opened", section.Name, field.Name)
			}
			if field.Value.State() == eventschema.StateClear && state != eventschema.StateSealed {
				t.Fatalf("%s.%s was given and is %q, want sealed", section.Name, field.Name, state)
			}
		}
	}
}

// promise: ST-02
func TestWhatIsStoredDoesNotHoldThePersonalValue(t *testing.T) {
	registry, sealer := newRegistry(t), newSealer(t)
	for _, definition := range registry.Definitions() {
		event := definition.New()
		for _, section := range event.Sections() {
			for _, field := range section.Fields {
				*field.Value = eventschema.Clear(canary)
			}
		}
		proposed, err := registry.Encode(t.Context(), sealer, event, eventschema.Envelope{Stream: "stream", EventID: id("event"), Metadata: metadata()})
		if err != nil {
			t.Fatal(err)
		}
		if form := leaks(string(proposed.Data) + string(proposed.Metadata)); form != "" {
			t.Errorf("%s stores it, %s: %s", proposed.Type, form, proposed.Data)
		}
	}
}

type unregistered struct{ eventschema.PersonClosed }

func (*unregistered) EventType() string { return "person-promoted" }

func TestEncodingRefuses(t *testing.T) {
	noSalt := metadata()
	noSalt.Salt = noSalt.Salt[1:]
	erased := &eventschema.WorkOpened{PayrollName: eventschema.Withheld(eventschema.StateErased, id("case"))}
	for rule, c := range map[string]struct {
		event    eventschema.Event
		metadata eventschema.Metadata
		want     string
	}{
		"an event that is not registered":              {&unregistered{}, metadata(), "not registered"},
		"a short salt":                                 {&eventschema.PersonClosed{}, noSalt, "salt of 31 bytes, want 32"},
		"a value that is not clear: it would be empty": {erased, metadata(), "work.payroll_name is erased, not clear"},
		"a time no reader can read":                    {&eventschema.PersonClosed{ClosedAt: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, metadata(), "year outside of range"},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := newRegistry(t).Encode(t.Context(), newSealer(t), c.event, eventschema.Envelope{EventID: id("event"), Metadata: c.metadata})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("answers %v, want %q", err, c.want)
			}
		})
	}
}

// secret stands in every broken payload and may stand in no error.
const secret = "Okafor"

func TestADecodingErrorNamesThePlaceAndNeverAValue(t *testing.T) {
	good := string(mustJSON(t, metadata()))
	for rule, c := range map[string]struct {
		storedName, data, metadata string
		want                       error
	}{
		"an event of somebody else":        {"invoice-paid.v1", `{"name":"Okafor"}`, good, eventschema.ErrUnknownEvent},
		"a system event":                   {"$metadata", `{"name":"Okafor"}`, good, eventschema.ErrUnknownEvent},
		"an event without a version":       {"person-closed", `{}`, good, eventschema.ErrUnknownEvent},
		"a version of a later release":     {"person-closed.v2", `{"name":"Okafor"}`, good, eventschema.ErrUnknownVersion},
		"no payload":                       {"person-closed.v1", ``, good, eventschema.ErrPayload},
		"a null is no event":               {"person-closed.v1", `null`, good, eventschema.ErrPayload},
		"a list is no event":               {"person-closed.v1", `["Okafor"]`, good, eventschema.ErrPayload},
		"a text is no event":               {"person-closed.v1", `"Okafor"`, good, eventschema.ErrPayload},
		"broken JSON":                      {"person-closed.v1", `{"reason":"Okafor`, good, eventschema.ErrPayload},
		"a field of another type":          {"person-closed.v1", `{"closed_at":"Okafor"}`, good, eventschema.ErrPayload},
		"an id that is none":               {"person-closed.v1", `{"person_id":"Okafor"}`, good, eventschema.ErrPayload},
		"something behind the payload":     {"person-closed.v1", `{} Okafor`, good, eventschema.ErrPayload},
		"sections that are none":           {"person-closed.v1", `{"sealed":"Okafor"}`, good, eventschema.ErrPayload},
		"an envelope that is not base64":   {"person-closed.v1", `{"sealed":[{"envelope":"Okafor!"}]}`, good, eventschema.ErrPayload},
		"no metadata":                      {"person-closed.v1", `{}`, ``, eventschema.ErrPayload},
		"metadata that is null":            {"person-closed.v1", `{}`, `null`, eventschema.ErrPayload},
		"metadata of another shape":        {"person-closed.v1", `{}`, `{"tenant":"Okafor"}`, eventschema.ErrPayload},
		"an old payload with broken JSON":  {"consent-given.v1", `{"scope":"Okafor`, good, eventschema.ErrPayload},
		"an old registration, broken":      {"person-registered.v1", `{"person_id":"Okafor"}`, good, eventschema.ErrPayload},
		"an old punch, broken":             {"punch-recorded.v1", `["Okafor"]`, good, eventschema.ErrPayload},
		"an old punch without its clock":   {"punch-recorded.v1", `{"station_clock":"Okafor"}`, good, eventschema.ErrPayload},
		"an old punch with a second value": {"punch-recorded.v1", `{"station_clock":"2026-01-01 00:00:00"}Okafor`, good, eventschema.ErrPayload},
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := newRegistry(t).Decode(eventschema.Recorded{Type: c.storedName, Position: 4711, Data: []byte(c.data), Metadata: []byte(c.metadata)})
			if !errors.Is(err, c.want) {
				t.Fatalf("answers %v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), "position 4711") || strings.Contains(err.Error(), secret) {
				t.Errorf("the error says %q", err)
			}
		})
	}
}

func TestAnOpenedSectionThatIsNoObjectIsAnErrorWithoutItsText(t *testing.T) {
	sealer, registry := newSealer(t), newRegistry(t)
	decoded, err := registry.Decode(registeredV1(t))
	if err != nil {
		t.Fatal(err)
	}
	sealer.answer = &eventschema.Opening{State: eventschema.StateClear, Plaintext: []byte(`["` + secret + `"]`)}
	err = registry.Open(t.Context(), sealer, &decoded, eventschema.UseService)
	if !errors.Is(err, eventschema.ErrPayload) || strings.Contains(fmt.Sprint(err), secret) {
		t.Errorf("answers %v, want ErrPayload without the text", err)
	}
}

func TestSectionsAreFoundWhateverTheSpacing(t *testing.T) {
	recorded := registeredV1(t)
	recorded.Data = []byte(strings.Replace(string(recorded.Data), `"sealed":`, "\n \"sealed\" :\t", 1))
	decoded, err := newRegistry(t).Decode(recorded)
	if err != nil {
		t.Fatal(err)
	}
	if len(decoded.Sealed) != 2 || decoded.Event.(*eventschema.PersonRegistered).LegalName.State() != eventschema.StateSealed {
		t.Error("a sealed value looks like one that was never given")
	}
}

// Decode takes any bytes: it answers an event or one of three errors, whose
// text is fixed, and never reads a personal value.
func FuzzDecode(f *testing.F) {
	for _, storedName := range storedNames(f) {
		recorded := readGolden(f, storedName)
		f.Add(storedName, recorded.Data, recorded.Metadata)
	}
	registry := newRegistry(f)
	f.Fuzz(func(t *testing.T, storedName string, data, metadata []byte) {
		decoded, err := registry.Decode(eventschema.Recorded{Type: storedName, Position: math.MaxUint64, Data: data, Metadata: metadata})
		if err == nil {
			if !registry.Knows(storedName) {
				t.Fatalf("%q decodes and is not known", storedName)
			}
			for _, section := range decoded.Event.Sections() {
				for _, field := range section.Fields {
					if _, clear := field.Value.Reveal(); clear {
						t.Fatalf("%s.%s can be read before it is opened", section.Name, field.Name)
					}
				}
			}
			return
		}
		for _, sentinel := range []error{eventschema.ErrUnknownEvent, eventschema.ErrUnknownVersion, eventschema.ErrPayload} {
			if err.Error() == fmt.Sprintf("decode %s at position %d: %v", storedName, uint64(math.MaxUint64), sentinel) && errors.Is(err, sentinel) {
				return
			}
		}
		t.Fatalf("the error says %q", err)
	})
}
