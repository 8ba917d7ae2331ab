package eventschema_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracekeep/eventschema"
)

// registeredV1 is a registration as release 1 stored it: the name is called full_name.
func registeredV1(t *testing.T) eventschema.Recorded {
	t.Helper()
	return history()["person-registered.v1"].stored(t, "person-registered.v1")
}

func TestAnOldSealedEventOpensUnderTheNamesOfToday(t *testing.T) {
	sealer, registry := newSealer(t), newRegistry(t)
	decoded, err := registry.Decode(registeredV1(t))
	if err != nil {
		t.Fatal(err)
	}
	event := decoded.Event.(*eventschema.PersonRegistered)
	for field, value := range map[string]eventschema.Personal{
		"work_id": event.WorkID, "legal_name": event.LegalName, "birth_date": event.BirthDate, "email": event.Email, "phone": event.Phone,
	} {
		if value.State() != eventschema.StateSealed {
			t.Errorf("%s is %q before it is opened, want sealed", field, value.State())
		}
	}
	if decoded.StoredVersion != 1 {
		t.Errorf("stored version %d, want 1", decoded.StoredVersion)
	}
	if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseService); err != nil {
		t.Fatal(err)
	}
	if name, _ := event.LegalName.Reveal(); name != "Wren Ōkafor" {
		t.Errorf("full_name of v1 is the legal name of today, got %q", name)
	}
	if event.Phone.State() != eventschema.StateAbsent {
		t.Errorf("a value that was never given is %q, want absent", event.Phone.State())
	}
}

func TestASectionKeptApartOpensAsInItsEvent(t *testing.T) {
	sealer, registry := newSealer(t), newRegistry(t)
	decoded, err := registry.Decode(registeredV1(t))
	if err != nil {
		t.Fatal(err)
	}
	apart := map[string]eventschema.Personal{}
	for _, sealed := range decoded.Sealed {
		fields, err := registry.OpenSection(t.Context(), sealer, decoded.At(sealed), sealed.Envelope, eventschema.UseService)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(apart, fields)
	}
	if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseService); err != nil {
		t.Fatal(err)
	}
	given := 0
	for _, section := range decoded.Event.Sections() {
		for _, field := range section.Fields {
			if !apart[field.Name].Equal(*field.Value) {
				t.Errorf("%s opens differently apart from its event", field.Name)
			}
			if field.Value.State() == eventschema.StateClear {
				given++
			}
		}
	}
	if given == 0 || len(apart) != given {
		t.Errorf("%d fields apart, %d in the event", len(apart), given)
	}
}

func TestOpeningAsksForTheCoordinatesAsStored(t *testing.T) {
	sealer, registry := newSealer(t), newRegistry(t)
	recorded := registeredV1(t)
	decoded, err := registry.Decode(recorded)
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseService); err != nil {
		t.Fatal(err)
	}
	of := func(section string, purpose eventschema.Purpose) eventschema.Coordinates {
		return eventschema.Coordinates{
			Tenant: id("tenant"), Subject: id("person"), Purpose: purpose, Stream: recorded.Stream,
			EventID: recorded.ID, EventType: "person-registered", SchemaVersion: 1, Section: section,
		}
	}
	want := []eventschema.Coordinates{of("identity", eventschema.PurposeIdentity), of("contact", eventschema.PurposeContact)}
	if diff := cmp.Diff(want, sealer.asked); diff != "" {
		t.Errorf("coordinates asked (-want +got):\n%s", diff)
	}
}

func TestAnErasedOldEventSaysSoAndUnderWhichCase(t *testing.T) {
	sealer, registry := newSealer(t), newRegistry(t)
	decoded, err := registry.Decode(registeredV1(t))
	if err != nil {
		t.Fatal(err)
	}
	sealer.answer = &eventschema.Opening{State: eventschema.StateErased, Case: id("case")}
	if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseService); err != nil {
		t.Fatal(err)
	}
	for _, section := range decoded.Event.Sections() {
		for _, field := range section.Fields {
			if field.Value.State() != eventschema.StateErased || field.Value.Case() != id("case") {
				t.Errorf("%s.%s is %q under %s: an erased value never looks like an empty one", section.Name, field.Name, field.Value.State(), field.Value.Case())
			}
		}
	}
}

// A section is bound to its place: moved anywhere else it does not open.
func TestAMovedSectionDoesNotOpen(t *testing.T) {
	for moved, move := range map[string]func(*eventschema.Decoded){
		"to another stream":         func(d *eventschema.Decoded) { d.Stream = "person-elsewhere" },
		"to another event":          func(d *eventschema.Decoded) { d.ID = id("another event") },
		"to another type":           func(d *eventschema.Decoded) { d.Type = "person-corrected.v1" },
		"to another schema version": func(d *eventschema.Decoded) { d.Type = "person-registered.v2" },
		"to another tenant":         func(d *eventschema.Decoded) { d.Meta.Tenant = id("another tenant") },
		"to another person":         func(d *eventschema.Decoded) { d.Sealed[0].Subject = id("another person") },
		"to another purpose":        func(d *eventschema.Decoded) { d.Sealed[0].Purpose = eventschema.PurposeWork },
		"to another period":         func(d *eventschema.Decoded) { d.Sealed[0].Period = "2026-03" },
		"to another section":        func(d *eventschema.Decoded) { d.Sealed[0].Section = "contact" },
		"by one changed bit":        func(d *eventschema.Decoded) { d.Sealed[0].Envelope[20] ^= 1 },
	} {
		t.Run(moved, func(t *testing.T) {
			sealer, registry := newSealer(t), newRegistry(t)
			decoded, err := registry.Decode(registeredV1(t))
			if err != nil {
				t.Fatal(err)
			}
			move(&decoded)
			if err := registry.Open(t.Context(), sealer, &decoded, eventschema.UseAudit); !errors.Is(err, errTag) {
				t.Errorf("opening answers %v, want that it does not authenticate", err)
			}
		})
	}
}

func TestWhatAnOldVersionCouldNotSay(t *testing.T) {
	for rule, c := range map[string]struct {
		storedName, skeleton string
		holds                func(eventschema.Event) bool
	}{
		"a v1 punch was normal": {"punch-recorded.v1", punchV1("2026-03-05T08:00:12Z", "2026-03-05 16:00:12"), func(e eventschema.Event) bool {
			return e.(*eventschema.PunchRecorded).Kind == eventschema.KindNormal
		}},
		"the offset of a v1 punch follows from its two times": {"punch-recorded.v1", punchV1("2026-03-05T08:00:12Z", "2026-03-05 02:30:12"), func(e eventschema.Event) bool {
			return e.(*eventschema.PunchRecorded).OffsetSeconds == -5*3600-1800
		}},
		"a v1 punch offered no location": {"punch-recorded.v1", punchV1("2026-03-05T08:00:12Z", "2026-03-05 16:00:12"), func(e eventschema.Event) bool {
			return e.(*eventschema.PunchRecorded).Location == eventschema.LocationNotOffered
		}},
		"the scope gps of a v1 consent is the purpose location": {"consent-given.v1", `{"scope":"gps"}`, func(e eventschema.Event) bool {
			return e.(*eventschema.ConsentGiven).Purpose == eventschema.PurposeLocation
		}},
		"another scope of a v1 consent keeps its word": {"consent-given.v1", `{"scope":"photos"}`, func(e eventschema.Event) bool {
			return e.(*eventschema.ConsentGiven).Purpose == "photos"
		}},
		"the language of a v1 consent is undetermined": {"consent-given.v1", `{"scope":"gps"}`, func(e eventschema.Event) bool {
			return e.(*eventschema.ConsentGiven).Language == "und"
		}},
		"a v1 registration came by the API": {"person-registered.v1", `{"person_id":"` + id("person").String() + `"}`, func(e eventschema.Event) bool {
			return e.(*eventschema.PersonRegistered).Source == eventschema.SourceAPI
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			decoded, err := newRegistry(t).Decode(sealByHand(t, newSealer(t), "stream", id("event"), c.storedName, c.skeleton))
			if err != nil {
				t.Fatal(err)
			}
			if !c.holds(decoded.Event) {
				t.Errorf("decoded as %+v", decoded.Event)
			}
		})
	}
}

func punchV1(occurredAt, stationClock string) string {
	return `{"punch_id":"` + id("punch").String() + `","work_id":"` + id("work").String() + `","occurred_at":"` + occurredAt +
		`","zone":"Asia/Manila","direction":"in","station":"gate-1","station_clock":"` + stationClock + `","received_at":"` + occurredAt + `"}`
}
