package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
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
	// Visits lists visits in order of work id and time, as of now.
	Visits(ctx context.Context, by Principal, question VisitsQuestion) ([]VisitRow, error)
}

// VisitsQuestion asks for the visits of some days, From to To, both included, as
// 2006-01-02. A nil Work is everybody, an empty Site everywhere.
type VisitsQuestion struct {
	From, To string
	Work     uuid.UUID
	Site     string
}

// VisitRow is one visit, and who made it.
type VisitRow struct {
	hours.Visit
	WorkID uuid.UUID
	Name   Personal
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
