package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// SiteChanged says what a site is from now on, all of it. Punches keep the reading
// of the fence that stood when they were recorded.
//
// History: v1 is the first version.
type SiteChanged struct {
	Site      string     `json:"site"`
	Zone      string     `json:"zone"`
	Fence     *SiteFence `json:"fence,omitempty"` // nil: no fence any more
	Stations  []string   `json:"stations,omitempty"`
	ChangedAt time.Time  `json:"changed_at"`
	ChangedBy uuid.UUID  `json:"changed_by"`
}

// EventType implements [Event].
func (e *SiteChanged) EventType() string { return "site-changed" }

// Sections implements [Event].
func (e *SiteChanged) Sections() []Section { return nil }

func siteChanged() Definition {
	return Definition{Type: "site-changed", Version: 1, New: func() Event { return new(SiteChanged) }}
}
