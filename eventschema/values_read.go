package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryReading is the category of streams that say who read personal values.
const CategoryReading = "reading"

// ReadingStream holds what one reader was shown in one month (UTC). Nothing is
// decided by what stands in it, so it is appended to without being read; the month
// is what a retention period can take away.
func ReadingStream(tenant, reader uuid.UUID, readAt time.Time) StreamName {
	return StreamName{Category: CategoryReading, Tenant: tenant, ID: reader, Period: readAt.UTC().Format("200601")}
}

// ValuesRead says that somebody was about to be shown personal values, and is
// stored before they are: whose, which, for which use. It holds no value. A person
// is named by the person id alone, never beside the id of the work record: after an
// erasure nothing may lead from one to the other.
//
// History: v1 is the first version.
type ValuesRead struct {
	ReadID    uuid.UUID `json:"read_id"`
	ReadBy    uuid.UUID `json:"read_by"`   // a worker who reads of themself is the person
	Operation string    `json:"operation"` // what was asked, a code
	Use       Use       `json:"use"`
	Shown     []Shown   `json:"shown"`
	ReadAt    time.Time `json:"read_at"`
}

// Shown is everybody of whom the same values were shown.
type Shown struct {
	Values   []ShownValue `json:"values"`
	Subjects []uuid.UUID  `json:"subjects"`
}

// ShownValue names a value as its event does, and what it is held for.
type ShownValue struct {
	Field   string  `json:"field"` // section.name
	Purpose Purpose `json:"purpose"`
}

// EventType implements [Event].
func (e *ValuesRead) EventType() string { return "values-read" }

// Sections implements [Event].
func (e *ValuesRead) Sections() []Section { return nil }

func valuesRead() Definition {
	return Definition{Type: "values-read", Version: 1, New: func() Event { return new(ValuesRead) }}
}
