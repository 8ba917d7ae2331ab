package eventschema

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Stream categories. The category is what stands before the first hyphen of a
// stream name, as EventStoreDB has it.
const (
	CategoryPerson      = "person"
	CategoryWork        = "work"
	CategoryPunches     = "punches"
	CategoryLocation    = "location"
	CategoryConsent     = "consent"
	CategoryErasure     = "erasure"
	CategoryHold        = "hold"
	CategoryRestriction = "restriction"
	CategoryDisclosure  = "disclosure"
	CategoryAssignment  = "assignment"
	CategoryDevice      = "device"
	CategoryBatches     = "batches"
)

// ErrStreamName refuses a stream name that is not <category>-<tenant>.<id>[.<period>].
var ErrStreamName = errors.New("not a tracekeep stream name")

// StreamName is the parsed name of a stream: <category>-<tenant>.<id>[.<period>],
// ids as 32 hex digits. No part of it carries meaning about a person.
type StreamName struct {
	Category string
	Tenant   uuid.UUID
	ID       uuid.UUID
	Period   string // digits: "2026" for punches, "202603" for locations, else empty
}

// String writes the name as the store holds it.
func (n StreamName) String() string {
	var b strings.Builder
	b.Grow(len(n.Category) + 2 + 64 + 1 + len(n.Period))
	b.WriteString(n.Category)
	b.WriteByte('-')
	b.WriteString(Hex(n.Tenant))
	b.WriteByte('.')
	b.WriteString(Hex(n.ID))
	if n.Period != "" {
		b.WriteByte('.')
		b.WriteString(n.Period)
	}
	return b.String()
}

// ParseStreamName reads a name written by [StreamName.String]. It returns
// [ErrStreamName] for any other, system streams included.
func ParseStreamName(name string) (StreamName, error) {
	category, rest, found := strings.Cut(name, "-")
	if !found || category == "" || !within(category, 'a', 'z') {
		return StreamName{}, ErrStreamName
	}
	first, rest, _ := strings.Cut(rest, ".")
	second, period, dated := strings.Cut(rest, ".")
	if dated && (period == "" || !within(period, '0', '9')) {
		return StreamName{}, ErrStreamName
	}
	tenant, err := ParseHex(first)
	if err != nil {
		return StreamName{}, ErrStreamName
	}
	id, err := ParseHex(second)
	if err != nil {
		return StreamName{}, ErrStreamName
	}
	return StreamName{Category: category, Tenant: tenant, ID: id, Period: period}, nil
}

// within says whether a text has only characters from first to last.
func within(text string, first, last byte) bool {
	for i := range len(text) {
		if text[i] < first || text[i] > last {
			return false
		}
	}
	return true
}

// PersonStream holds what is known of one person's registration.
func PersonStream(tenant, person uuid.UUID) StreamName {
	return StreamName{Category: CategoryPerson, Tenant: tenant, ID: person}
}

// WorkStream holds the opening of one work record.
func WorkStream(tenant, work uuid.UUID) StreamName {
	return StreamName{Category: CategoryWork, Tenant: tenant, ID: work}
}

// PunchesStream holds the punches of one work id in one calendar year (UTC year
// of the instant claimed), so that no decision reads more than a year.
func PunchesStream(tenant, work uuid.UUID, occurredAt time.Time) StreamName {
	return StreamName{Category: CategoryPunches, Tenant: tenant, ID: work, Period: strconv.Itoa(occurredAt.UTC().Year())}
}

// LocationStream holds the location points of one work id in one month (UTC).
func LocationStream(tenant, work uuid.UUID, occurredAt time.Time) StreamName {
	return StreamName{Category: CategoryLocation, Tenant: tenant, ID: work, Period: occurredAt.UTC().Format("200601")}
}

// ConsentStream holds the consents of one work id.
func ConsentStream(tenant, work uuid.UUID) StreamName {
	return StreamName{Category: CategoryConsent, Tenant: tenant, ID: work}
}

// ErasureStream holds one erasure case.
func ErasureStream(tenant, erasureCase uuid.UUID) StreamName {
	return StreamName{Category: CategoryErasure, Tenant: tenant, ID: erasureCase}
}

// HoldStream holds one legal hold.
func HoldStream(tenant, hold uuid.UUID) StreamName {
	return StreamName{Category: CategoryHold, Tenant: tenant, ID: hold}
}

// RestrictionStream holds one case of restricted processing.
func RestrictionStream(tenant, restrictionCase uuid.UUID) StreamName {
	return StreamName{Category: CategoryRestriction, Tenant: tenant, ID: restrictionCase}
}

// DisclosureStream holds one disclosure.
func DisclosureStream(tenant, disclosure uuid.UUID) StreamName {
	return StreamName{Category: CategoryDisclosure, Tenant: tenant, ID: disclosure}
}

// AssignmentStream holds one shift and who is assigned to it.
func AssignmentStream(tenant, shift uuid.UUID) StreamName {
	return StreamName{Category: CategoryAssignment, Tenant: tenant, ID: shift}
}

// DeviceStream holds the devices of one owner: a work record, whose id the stream
// then has, so that they expire with it, or the kiosks of a station.
func DeviceStream(tenant, owner uuid.UUID) StreamName {
	return StreamName{Category: CategoryDevice, Tenant: tenant, ID: owner}
}

// BatchesStream holds the batches that the devices of one owner sent in a month, and
// those of kiosks in a day, by the clock of the device: a batch that is sent again
// is looked for in what was received, and that must not be much.
func BatchesStream(tenant, owner uuid.UUID, sentAt time.Time, kiosk bool) StreamName {
	period := "200601"
	if kiosk {
		period = "20060102"
	}
	return StreamName{Category: CategoryBatches, Tenant: tenant, ID: owner, Period: sentAt.UTC().Format(period)}
}

// Hex writes an id as 32 lower-case hex digits, as stream names carry it.
func Hex(id uuid.UUID) string { return hex.EncodeToString(id[:]) }

// ParseHex reads what [Hex] wrote; upper case and other forms are refused so
// that one stream has one name.
func ParseHex(s string) (uuid.UUID, error) {
	var id uuid.UUID
	if len(s) != 2*len(id) {
		return id, fmt.Errorf("id of %d characters: %w", len(s), ErrStreamName)
	}
	for i := range id {
		high, low := hexDigit(s[2*i]), hexDigit(s[2*i+1])
		if high|low > 15 {
			return uuid.UUID{}, ErrStreamName
		}
		id[i] = high<<4 | low
	}
	return id, nil
}

// hexDigit is the value of a lower-case digit, or more than 15.
func hexDigit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
