package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// RecordsExpired says which streams of a work record were ended because their
// retention had. Every event of theirs is listed as removable in the trail; a
// scavenge then takes the bytes. Read models forget what the streams said when
// they come by here, so that one that is filled before a scavenge, and one that is
// filled after it, are the same.
//
// History: v1 is the first version.
type RecordsExpired struct {
	CaseID    uuid.UUID       `json:"case_id"`
	RecordID  uuid.UUID       `json:"record_id"`
	ExpiredAt time.Time       `json:"expired_at"`
	Whole     bool            `json:"whole"` // the record itself ended, not only some months of it
	Streams   []ExpiredStream `json:"streams"`
}

// ExpiredStream is a stream that was ended.
type ExpiredStream struct {
	Stream string `json:"stream"`
	Events uint64 `json:"events"` // without the one that ends it
}

// EventType implements [Event].
func (e *RecordsExpired) EventType() string { return "records-expired" }

// Sections implements [Event].
func (e *RecordsExpired) Sections() []Section { return nil }

func recordsExpired() Definition {
	return Definition{Type: "records-expired", Version: 1, New: func() Event { return new(RecordsExpired) }}
}
