package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Sites says where work is done, and where people were. Errors: *Erased, ErrNotFound,
// ErrUnavailable.
type Sites interface {
	// OpenSites lists the sites that are not closed, by code.
	OpenSites(ctx context.Context, by Principal) ([]SiteView, error)
	// LocationHistory lists the points that are kept, or were, with the punches of a
	// person, in order of position, after the one given (0 from the start); limit as
	// for People.
	LocationHistory(ctx context.Context, by Principal, person uuid.UUID, after uint64, limit int) ([]LocationView, error)
}

// SiteView is one site.
type SiteView struct {
	Code     string
	Zone     string
	Fence    *eventschema.SiteFence
	Stations []string
}

// LocationView is one point, and what became of it. Site and Fence are of its punch,
// and stay when the point is erased.
type LocationView struct {
	Position                            uint64
	PunchID                             uuid.UUID
	OccurredAt                          time.Time
	Purpose                             eventschema.Purpose
	Latitude, Longitude, AccuracyMetres Personal
	Site                                string
	Fence                               *eventschema.FenceReading
}

// Values lists what is personal of a point.
func (view LocationView) Values() []Personal {
	return []Personal{view.Latitude, view.Longitude, view.AccuracyMetres}
}
