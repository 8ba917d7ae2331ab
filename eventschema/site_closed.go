package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SiteClosed says that a site is no more: its fence holds no punch, and its stations
// are free for another site.
//
// History: v1 is the first version.
type SiteClosed struct {
	Site     string    `json:"site"`
	ClosedAt time.Time `json:"closed_at"`
	ClosedBy uuid.UUID `json:"closed_by"`
}

// EventType implements [Event].
func (e *SiteClosed) EventType() string { return "site-closed" }

// Sections implements [Event].
func (e *SiteClosed) Sections() []Section { return nil }

func siteClosed() Definition {
	return Definition{Type: "site-closed", Version: 1, New: func() Event { return new(SiteClosed) }}
}
