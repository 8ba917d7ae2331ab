package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategorySite is the category of the streams of sites.
const CategorySite = "site"

// SiteStream holds every site of a tenant: sites are few, and a station belongs to
// one of them.
func SiteStream(tenant uuid.UUID) StreamName {
	return StreamName{Category: CategorySite, Tenant: tenant, ID: tenant}
}

// SiteDefined says that a place of work, or a centre that is visited, goes by a code
// from now on. Where a site is says nothing about a person.
//
// History: v1 is the first version.
type SiteDefined struct {
	Site      string     `json:"site"` // a code of the tenant's, never used again
	Zone      string     `json:"zone"` // IANA zone
	Fence     *SiteFence `json:"fence,omitempty"`
	Stations  []string   `json:"stations,omitempty"` // whose punches are of the site unless they say another
	DefinedAt time.Time  `json:"defined_at"`
	DefinedBy uuid.UUID  `json:"defined_by"`
}

// SiteFence is a circle on the ground. A microdegree is at most 0.12 metres.
type SiteFence struct {
	LatitudeMicrodegrees  int `json:"latitude_microdegrees"` // of the centre, WGS 84, north positive
	LongitudeMicrodegrees int `json:"longitude_microdegrees"`
	RadiusMetres          int `json:"radius_metres"`
}

// EventType implements [Event].
func (e *SiteDefined) EventType() string { return "site-defined" }

// Sections implements [Event].
func (e *SiteDefined) Sections() []Section { return nil }

func siteDefined() Definition {
	return Definition{Type: "site-defined", Version: 1, New: func() Event { return new(SiteDefined) }}
}
