package eventschema_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

var (
	tenantHex = "0123456789abcdef0123456789abcdef"
	idHex     = "fedcba9876543210fedcba9876543210"
	tenantID  = uuid.MustParse(tenantHex)
	ownID     = uuid.MustParse(idHex)
)

func TestStreamNames(t *testing.T) {
	newYearInManila := time.Date(2026, 1, 1, 0, 30, 0, 0, time.FixedZone("PST", 8*3600))
	for rule, c := range map[string]struct {
		name eventschema.StreamName
		want string
	}{
		"a person":          {eventschema.PersonStream(tenantID, ownID), "person-" + tenantHex + "." + idHex},
		"a work record":     {eventschema.WorkStream(tenantID, ownID), "work-" + tenantHex + "." + idHex},
		"consents":          {eventschema.ConsentStream(tenantID, ownID), "consent-" + tenantHex + "." + idHex},
		"an erasure case":   {eventschema.ErasureStream(tenantID, ownID), "erasure-" + tenantHex + "." + idHex},
		"punches of a year": {eventschema.PunchesStream(tenantID, ownID, at("2026-03-05T08:00:12Z")), "punches-" + tenantHex + "." + idHex + ".2026"},
		"the year is that of UTC, whatever the zone of the instant": {
			eventschema.PunchesStream(tenantID, ownID, newYearInManila), "punches-" + tenantHex + "." + idHex + ".2025"},
		"locations of a month": {eventschema.LocationStream(tenantID, ownID, at("2026-03-05T08:00:12Z")), "location-" + tenantHex + "." + idHex + ".202603"},
		"the month is that of UTC, too": {
			eventschema.LocationStream(tenantID, ownID, newYearInManila), "location-" + tenantHex + "." + idHex + ".202512"},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := c.name.String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			parsed, err := eventschema.ParseStreamName(c.want)
			if err != nil || parsed != c.name {
				t.Errorf("parses as %+v, %v", parsed, err)
			}
		})
	}
}

func TestTheLocationKeyCoversTheMonthOfItsStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := instants().Draw(t, "instant")
		stream := eventschema.LocationStream(tenantID, ownID, instant)
		if key := eventschema.LocationPeriod(instant); strings.ReplaceAll(key, "-", "") != stream.Period {
			t.Fatalf("key of %s, stream of %s", key, stream.Period)
		}
	})
}

func TestOtherNamesAreRefused(t *testing.T) {
	for reason, name := range map[string]string{
		"empty":                      "",
		"no category":                "-" + tenantHex + "." + idHex,
		"no hyphen":                  "person" + tenantHex,
		"no id":                      "person-" + tenantHex,
		"an empty id":                "person-" + tenantHex + ".",
		"an empty period":            "punches-" + tenantHex + "." + idHex + ".",
		"a period in words":          "punches-" + tenantHex + "." + idHex + ".march",
		"a fourth part":              "punches-" + tenantHex + "." + idHex + ".2026.03",
		"a short id":                 "person-" + tenantHex + "." + idHex[1:],
		"a long id":                  "person-" + tenantHex + "." + idHex + "0",
		"an id in upper case":        "person-" + tenantHex + "." + strings.ToUpper(idHex),
		"an id with hyphens":         "person-" + tenantHex + "." + ownID.String(),
		"an id that is not hex":      "person-" + tenantHex + "." + strings.Repeat("g", 32),
		"a category in upper case":   "Person-" + tenantHex + "." + idHex,
		"a system stream":            "$all",
		"a category projection":      "$ce-person",
		"the metadata of our stream": "$$person-" + tenantHex + "." + idHex,
		"space before":               " person-" + tenantHex + "." + idHex,
		"a line break after":         "person-" + tenantHex + "." + idHex + "\n",
	} {
		if parsed, err := eventschema.ParseStreamName(name); !errors.Is(err, eventschema.ErrStreamName) {
			t.Errorf("%s: %q parses as %+v, %v", reason, name, parsed, err)
		}
	}
}

func TestStreamNamesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := eventschema.StreamName{
			Category: rapid.StringMatching(`[a-z]{1,20}`).Draw(t, "category"),
			Tenant:   ids().Draw(t, "tenant"), ID: ids().Draw(t, "id"),
			Period: rapid.StringMatching(`([0-9]{4}([0-9]{2})?)?`).Draw(t, "period"),
		}
		parsed, err := eventschema.ParseStreamName(name.String())
		if err != nil || parsed != name {
			t.Fatalf("%s parses as %+v, %v", name, parsed, err)
		}
	})
}

// What parses is written back as it was: one stream has one name.
func FuzzParseStreamName(f *testing.F) {
	f.Add("person-" + tenantHex + "." + idHex)
	f.Add("punches-" + tenantHex + "." + idHex + ".2026")
	f.Add("$$person-" + tenantHex + "." + idHex)
	f.Add("a-.-..")
	f.Fuzz(func(t *testing.T, name string) {
		parsed, err := eventschema.ParseStreamName(name)
		if err != nil {
			if !errors.Is(err, eventschema.ErrStreamName) || parsed != (eventschema.StreamName{}) {
				t.Errorf("refused with %v and %+v", err, parsed)
			}
			return
		}
		if parsed.String() != name {
			t.Errorf("%q is written back as %q", name, parsed)
		}
	})
}
