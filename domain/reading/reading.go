// Package reading decides what may be written down about a reading of personal
// values. What is written is shown; what is refused here is not.
package reading

import (
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrNoReader  = errors.New("somebody must answer for a reading")
	ErrOperation = errors.New("what was asked must be a code: up to 60 lower-case letters, digits and hyphens")
	ErrUse       = errors.New("the use for which values are opened is required")
	ErrNothing   = errors.New("a reading is of some values of somebody")
	ErrTwice     = errors.New("a reading names everybody once")
	ErrTooMany   = errors.New("a reading names too many people for one event")
	ErrNoTime    = errors.New("the instant is required")
)

// AtOnce is how many people one event names at most: some 80 kB of ids.
const AtOnce = 2000

// Record records one reading, or a part of one that is about more people than
// [AtOnce].
type Record struct {
	ReadID    uuid.UUID
	ReadBy    uuid.UUID
	Operation string
	Use       eventschema.Use
	Shown     []eventschema.Shown
	ReadAt    time.Time
}

// Decider decides about a reading by itself: no reading depends on an earlier one.
func Decider() domain.Decider[struct{}, Record] {
	return domain.Decider[struct{}, Record]{
		Initial: func() struct{} { return struct{}{} },
		Decide:  decide,
		Evolve:  func(struct{}, eventschema.Event) struct{} { return struct{}{} },
	}
}

func decide(_ struct{}, c Record) ([]eventschema.Event, error) {
	switch {
	case c.ReadBy == uuid.Nil:
		return nil, ErrNoReader
	case !code(c.Operation):
		return nil, ErrOperation
	case c.Use == "":
		return nil, ErrUse
	case c.ReadAt.IsZero():
		return nil, ErrNoTime
	}
	if err := everybodyOnce(c.Shown); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.ValuesRead{
		ReadID: c.ReadID, ReadBy: c.ReadBy, Operation: c.Operation, Use: c.Use, Shown: c.Shown, ReadAt: c.ReadAt.UTC(),
	}}, nil
}

func everybodyOnce(shown []eventschema.Shown) error {
	named := map[uuid.UUID]bool{}
	for _, s := range shown {
		if len(s.Values) == 0 || len(s.Subjects) == 0 {
			return ErrNothing
		}
		for _, subject := range s.Subjects {
			switch {
			case subject == uuid.Nil:
				return ErrNothing
			case named[subject]:
				return ErrTwice
			}
			named[subject] = true
		}
	}
	switch {
	case len(named) == 0:
		return ErrNothing
	case len(named) > AtOnce:
		return ErrTooMany
	}
	return nil
}

// code keeps free text, which could hold a name, out of the trail.
func code(text string) bool {
	return text != "" && len(text) <= 60 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
