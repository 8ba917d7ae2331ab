package importer

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

const (
	// longestShift is after how long a punch cannot end the shift that is open.
	longestShift = 16 * time.Hour
	// pressedTwice is how soon a second press is the same press.
	pressedTwice = time.Minute
	// recalled is how far back shifts are followed, so that somewhere in it one
	// certainly began.
	recalled = 3 * 24 * time.Hour
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

// Press is a punch that was recorded before, or what was pressed for one.
type Press struct {
	At        time.Time
	Direction eventschema.Direction
	Kind      eventschema.PunchKind
}

// Recaller is a [Sink] that knows the punches of before. What a terminal pushes is a
// few rows of a history and begins anywhere in a shift, so in and out are derived
// from what is recorded; a file is derived by itself.
type Recaller interface {
	// Recall answers what a work record punched from an instant on and before another,
	// in order of time.
	Recall(ctx context.Context, work uuid.UUID, from, before time.Time) ([]Press, error)
}

// recall learns what was before the first row of everybody whose rows do not say in
// or out.
func (r *run) recall(ctx context.Context, rows []row) error {
	sink, ok := r.sink.(Recaller)
	if !ok {
		return nil
	}
	asked := map[uuid.UUID]bool{}
	for i := range rows {
		row := &rows[i]
		work, known := r.known[row.pin]
		if _, done := r.shifts[work]; !row.isPunch() || !row.undirected && !row.underived || !known || done || asked[work] {
			continue
		}
		asked[work] = true
		before, err := sink.Recall(ctx, work, row.at.Add(-recalled), row.at)
		if err != nil {
			return fmt.Errorf("recall the punches before line %d: %w", row.line, err)
		}
		for _, press := range before {
			r.shifts.follow(work, press)
		}
	}
	return nil
}

// follow takes over a punch whose direction is known. An out of a shift whose begin
// is not known says nothing about the next.
func (s shifts) follow(work uuid.UUID, press Press) {
	open, known := s[work]
	if !known || press.At.Sub(open.began) > longestShift {
		if press.Direction == eventschema.DirectionOut {
			delete(s, work)
			return
		}
		open.began = press.At
	}
	open.last, open.direction = press.At, press.Direction
	s[work] = open
}
