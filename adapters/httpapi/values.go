package httpapi

import (
	"fmt"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// ID is an id in a request, in the one form that is accepted: lower case with
// hyphens.
type ID string

// Schema implements huma.SchemaProvider.
func (ID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Format: "uuid", Pattern: "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
		Examples: []any{"7d444840-9dc0-41d1-b245-5ffdce74fad2"},
	}
}

// id parses what the schema has already checked; anything else is the nil id.
func (i ID) id() uuid.UUID {
	parsed, err := uuid.Parse(string(i))
	if err != nil {
		return uuid.Nil
	}
	return parsed
}

// PersonalBody is a personal value in an answer. Value is there only when State
// is clear, so an erased value never looks like an empty one.
type PersonalBody struct {
	State           string  `json:"state" enum:"clear,absent,sealed,erased,restricted,held,unavailable" doc:"What can be known of the value." example:"clear"`
	Value           *string `json:"value,omitempty" doc:"Only when the state is clear." example:"the value"`
	Case            *string `json:"case,omitempty" format:"uuid" doc:"The case that erased or restricted it."`
	CertificateLeaf *uint64 `json:"certificate_leaf,omitempty" doc:"The leaf of the trail whose destruction the certificate is about, once there is a certificate."`
}

// personalBody shows a value to its reader, if its reading was recorded. This is
// the one place where the API lets a personal value leave the process.
func personalBody(value Personal, release Release) PersonalBody {
	body := PersonalBody{State: string(value.State()), CertificateLeaf: value.CertificateLeaf}
	switch value.State() {
	case eventschema.StateAbsent:
		body.State = "absent"
	case eventschema.StateClear:
		text, recorded := value.Reveal(release)
		if !recorded {
			body.State = string(eventschema.StateUnavailable)
			break
		}
		body.Value = &text
	}
	if value.Case() != uuid.Nil {
		text := value.Case().String()
		body.Case = &text
	}
	return body
}

// workIDBody shows a work id as ids are written here; events carry 32 hex digits.
func workIDBody(value Personal, release Release) PersonalBody {
	body := personalBody(value, release)
	if body.Value != nil {
		if parsed, err := uuid.Parse(*body.Value); err == nil {
			text := parsed.String()
			body.Value = &text
		}
	}
	return body
}

// rfc3339 writes an instant as every answer does: UTC, as precise as it is known.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func optionalTime(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := rfc3339(*t)
	return &text
}

// earliest and latest bound the years that a time sent to the API may have.
const (
	earliest = 2000
	latest   = 2099
)

// instant reads the two ways in which a time may be sent: an instant with its
// offset, or what the clock on the wall showed in a zone. It answers with the
// instant and the offset in force in the zone at it.
func instant(at, local, zone string) (time.Time, int, *Problem) {
	location, problem := loadZone(zone)
	if problem != nil {
		return time.Time{}, 0, problem
	}
	if (at == "") == (local == "") {
		return time.Time{}, 0, invalid("/occurred_at", "exactly_one", "exactly one of occurred_at and local_time")
	}
	var resolved time.Time
	if at != "" {
		parsed, problem := parseInstant("/occurred_at", at)
		if problem != nil {
			return time.Time{}, 0, problem
		}
		resolved = parsed
	} else {
		wall, err := time.ParseInLocation("2006-01-02T15:04:05", local, time.UTC)
		if err != nil {
			return time.Time{}, 0, invalid("/local_time", "format", "expected 2006-01-02T15:04:05 without an offset")
		}
		found, err := localtime.Resolve(localtime.Of(wall), location, nil)
		if err != nil {
			return time.Time{}, 0, localTimeProblem(err)
		}
		resolved = found.At
	}
	if year := resolved.UTC().Year(); year < earliest || year > latest {
		return time.Time{}, 0, invalid("/occurred_at", "range", "the year must lie between "+strconv.Itoa(earliest)+" and "+strconv.Itoa(latest))
	}
	_, offset := resolved.In(location).Zone()
	return resolved.UTC(), offset, nil
}

func parseInstant(pointer, text string) (time.Time, *Problem) {
	parsed, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, invalid(pointer, "format", "expected an RFC 3339 date-time with an offset")
	}
	if year := parsed.UTC().Year(); year < earliest || year > latest {
		return time.Time{}, invalid(pointer, "range", "the year must lie between "+strconv.Itoa(earliest)+" and "+strconv.Itoa(latest))
	}
	return parsed.UTC(), nil
}

func loadZone(zone string) (*time.Location, *Problem) {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return nil, invalid("/zone", "zone", "expected the IANA name of a time zone")
	}
	return location, nil
}

// clock writes seconds as hours and minutes, truncated to the minute.
func clock(seconds int64) string { return fmt.Sprintf("%02d:%02d", seconds/3600, seconds/60%60) }
