package eventschema

import (
	"encoding/json"
	"strings"
	"testing"
)

// The tests of this file are inside the package: only this release's own list of
// definitions makes a registry, and mistakes have to be planted in another list.

func TestARegistryRefusesIncompleteDefinitions(t *testing.T) {
	same := func(data json.RawMessage) (json.RawMessage, error) { return data, nil }
	closed := func() Event { return new(PersonClosed) }
	for mistake, c := range map[string]struct {
		definitions []Definition
		want        string // part of the error; empty where the list is in order
	}{
		"none is a registry too":           {nil, ""},
		"a complete definition":            {[]Definition{personClosed()}, ""},
		"every older version has its step": {[]Definition{{Type: "person-closed", Version: 3, New: closed, Upcasts: map[int]Upcast{1: {Data: same}, 2: {Data: same}}}}, ""},
		"no type":                          {[]Definition{{Version: 1, New: closed}}, "are required"},
		"no version":                       {[]Definition{{Type: "person-closed", New: closed}}, "are required"},
		"no constructor":                   {[]Definition{{Type: "person-closed", Version: 1}}, "are required"},
		"registered twice":                 {[]Definition{personClosed(), personClosed()}, "registered twice"},
		"a constructor of another event":   {[]Definition{{Type: "person-opened", Version: 1, New: closed}}, `makes "person-closed"`},
		"a version without a step to the next": {
			[]Definition{{Type: "person-closed", Version: 3, New: closed, Upcasts: map[int]Upcast{1: {Data: same}}}}, "no upcast from version 2"},
		"a step that does nothing": {
			[]Definition{{Type: "person-closed", Version: 2, New: closed, Upcasts: map[int]Upcast{1: {}}}}, "no upcast from version 1"},
	} {
		t.Run(mistake, func(t *testing.T) {
			_, err := registryOf(c.definitions...)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("answers %v, want %q", err, c.want)
			}
		})
	}
}

// A value that an older version did not have is absent, not sealed: nothing was
// given, even though the section it stands in today was there already.
func TestAFieldThatDidNotExistIsAbsent(t *testing.T) {
	registry, err := registryOf(Definition{
		Type: "person-registered", Version: 2, New: func() Event { return new(PersonRegistered) },
		Upcasts: map[int]Upcast{1: {
			Data:   func(data json.RawMessage) (json.RawMessage, error) { return data, nil },
			Fields: map[string]string{"identity.full_name": "identity.legal_name"},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := registry.Decode(Recorded{Type: "person-registered.v1", Data: []byte(`{"sealed":[{"section":"identity"}]}`), Metadata: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	event := decoded.Event.(*PersonRegistered)
	if event.LegalName.State() != StateSealed || event.BirthDate.State() != StateAbsent {
		t.Errorf("the name is %q, want sealed; the birth date is %q, want absent", event.LegalName.State(), event.BirthDate.State())
	}
}

func TestTheRegistryKnowsEveryVersionAndNoOther(t *testing.T) {
	registry, err := NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"punch-recorded.v1": true, "punch-recorded.v3": true, "punch-recorded.v4": false, "punch-recorded.v0": false,
		"punch-recorded": false, "PunchRecorded": false, "$metadata": false, "": false,
	} {
		if registry.Knows(name) != want {
			t.Errorf("knows %q: %t", name, !want)
		}
	}
	last := ""
	for _, definition := range registry.Definitions() {
		if definition.Type <= last {
			t.Errorf("%s is listed after %s", definition.Type, last)
		}
		last = definition.Type
	}
}

func TestStoredNamesCarryTheVersion(t *testing.T) {
	for name, want := range map[string]struct {
		eventType string
		version   int
		ok        bool
	}{
		"punch-recorded.v2":                    {"punch-recorded", 2, true},
		"punch-recorded.v12":                   {"punch-recorded", 12, true},
		"odd.v1.v3":                            {"odd.v1", 3, true},
		"punch-recorded":                       {},
		"punch-recorded.v":                     {},
		"punch-recorded.v0":                    {},
		"punch-recorded.v-1":                   {},
		"punch-recorded.v02":                   {},
		"punch-recorded.v+2":                   {},
		"punch-recorded.v2 ":                   {},
		"punch-recorded.v99999999999999999999": {},
		".v1":                                  {},
		"$>":                                   {},
		"":                                     {},
	} {
		eventType, version, ok := SplitStoredName(name)
		if eventType != want.eventType || version != want.version || ok != want.ok {
			t.Errorf("%q splits into %q, %d, %t", name, eventType, version, ok)
		}
		if ok && StoredName(eventType, version) != name {
			t.Errorf("%q joins again as %q", name, StoredName(eventType, version))
		}
	}
}
