package importer

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Punch is one row of a clock file whose instant and person are known.
type Punch struct {
	Line          int64
	PIN           string
	Work          uuid.UUID
	At            time.Time // UTC
	OffsetSeconds int       // seconds east of UTC, in force in Zone at At
	Zone          string    // IANA name
	Direction     eventschema.Direction
	Kind          eventschema.PunchKind
	StationClock  string // local time as the station wrote it
	Verification  string // as the station coded it
	WorkCode      string // as the station coded it
	Job           string // code, of an in; no part of Identity, so that a row that was imported before one was known stays the same

	// Counter is the station's own running number, where it has one.
	Counter *int64
	// Undirected says that the file does not say in or out: Direction was derived
	// from the punches before it.
	Undirected bool
	// Pressed is what the file says where it is not believed: see [DirectionsDerived].
	Pressed *Press
}

// Identity is what makes the punch the same whenever it comes again, beside the
// person, the station and its clock: the key pressed and the columns after it. A
// derived direction is no part of it, and a station's own number is enough.
func (p Punch) Identity() (direction eventschema.Direction, kind eventschema.PunchKind, columns []string) {
	switch {
	case p.Counter != nil:
		return "", "", []string{strconv.FormatInt(*p.Counter, 10)}
	case p.Pressed != nil:
		return p.Pressed.Direction, p.Pressed.Kind, []string{p.Verification, p.WorkCode}
	case p.Undirected:
		return "", p.Kind, []string{p.Verification, p.WorkCode}
	}
	return p.Direction, p.Kind, []string{p.Verification, p.WorkCode}
}

// Sink is where punches and declared hours go. [Run] calls it from one goroutine, never
// twice at a time: in the order of the file, or, where rows are spans, in order of time. All calls must honour ctx and be idempotent:
// after an error the same file is imported again from its beginning.
type Sink interface {
	// Resolve registers the people given whose PIN is not known at the station yet,
	// and answers the work id of every one of pins that is known then, and how many
	// people it registered. people holds nobody but owners of pins. A PIN without an
	// answer (nobody's, or one whose person was erased) makes its rows rejected;
	// Resolve may be asked about it again.
	Resolve(ctx context.Context, station string, pins []string, people map[string]Person) (known map[string]uuid.UUID, registered int, err error)

	// Record stores a batch and answers how many of its punches are new and how
	// many had been recorded before. A punch is the same when station, person, station
	// clock and [Punch.Identity] are. Record must not keep the slice.
	Record(ctx context.Context, station string, batch []Punch) (recorded, already int, err error)

	// Declare stores hours without times as Record does punches. A declaration is the
	// same when station, person, date, seconds, entry and nth are.
	Declare(ctx context.Context, station string, batch []Declaration) (recorded, already int, err error)
}
