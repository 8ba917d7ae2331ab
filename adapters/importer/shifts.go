package importer

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

const (
	// longestShift is after how long a punch cannot end the shift that is open.
	longestShift = 16 * time.Hour
	// pressedTwice is how soon a second press is the same press.
	pressedTwice = time.Minute
)

// shifts derives in and out for formats that do not say: punches alternate within
// a shift, never within a calendar day, and a shift longer than 16 hours lost its
// out. A press repeated within a minute means what the first meant.
type shifts map[uuid.UUID]shift

type shift struct {
	began, last time.Time
	direction   eventschema.Direction
}

// direction says what the next punch of this person is. Punches of one person come
// in order of time; one that lies before the last is an in of its own.
func (s shifts) direction(work uuid.UUID, at time.Time) eventschema.Direction {
	open, known := s[work]
	since := at.Sub(open.last)
	switch {
	case known && since >= 0 && since <= pressedTwice:
	case known && since >= 0 && at.Sub(open.began) <= longestShift && open.direction == eventschema.DirectionIn:
		open.direction = eventschema.DirectionOut
	case known && since >= 0 && at.Sub(open.began) <= longestShift:
		open.direction = eventschema.DirectionIn
	default:
		open = shift{began: at, direction: eventschema.DirectionIn}
	}
	open.last = at
	s[work] = open
	return open.direction
}
