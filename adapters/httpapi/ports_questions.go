package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Reading answers questions from the read models, opened for the principal's
// purpose of use ([Principal.Use]); what is personal in them is shown once its reading
// is recorded ([Readings]). Every row belongs to the principal's tenant.
// Errors: *Erased, ErrNotFound, ErrUnavailable.
type Reading interface {
	Person(ctx context.Context, by Principal, person uuid.UUID) (PersonView, error)
	// People lists at most limit people in order of person id, after the one
	// given (the nil id from the start). Fewer than limit means there are no more.
	People(ctx context.Context, by Principal, after uuid.UUID, limit int) ([]PersonView, error)
	// Presence lists who is in, in order of work id; limit as for People.
	Presence(ctx context.Context, by Principal, after uuid.UUID, limit int) ([]PresenceView, error)
	Hours(ctx context.Context, by Principal, question HoursQuestion) (HoursView, error)
	// History lists the events of a person in order of position, after the one
	// given (0 from the start); limit as for People.
	History(ctx context.Context, by Principal, person uuid.UUID, after uint64, limit int) ([]EventView, error)
}

// PersonView is one person.
type PersonView struct {
	PersonID     uuid.UUID
	Revision     uint64 // of the person's stream
	RegisteredAt time.Time
	ClosedAt     *time.Time
	WorkID       Personal
	LegalName    Personal
	BirthDate    Personal
	Email        Personal
	Phone        Personal
}

// PresenceView is one work record that is in.
type PresenceView struct {
	WorkID  uuid.UUID
	Since   time.Time
	Zone    string
	Station string
	PunchID uuid.UUID
	Name    Personal
}

// HoursQuestion asks for the days From to To, both included, as 2006-01-02.
// Exactly one of Work and Person is set.
type HoursQuestion struct {
	From, To string
	Work     uuid.UUID
	Person   uuid.UUID
}

// HoursView is the answer, days in order. Days without intervals, exceptions or
// declared hours may be left out. RuleVersion is the pairing rule that was applied.
type HoursView struct {
	WorkID      uuid.UUID
	Link        Personal // what led from the person asked about to WorkID; absent without one
	RuleVersion int
	Days        []DayView
}

// DayView is one work date at the site.
type DayView struct {
	Date       string
	Intervals  []IntervalView
	Exceptions []ExceptionView
	Declared   []DeclaredView
	Notices    []string // what is worth a look of the day: declared hours beside punches
}

// DeclaredView is hours that were declared for the day, at unknown times.
type DeclaredView struct {
	ID      uuid.UUID
	Seconds int64
	Origin  string // by what they were declared
	Job     string // code; empty: for none
}

// IntervalView is one paired span; its length follows from the two instants.
type IntervalView struct {
	In, Out    uuid.UUID
	Start, End time.Time
}

// ExceptionView is one punch that counts for nothing, and why.
type ExceptionView struct {
	Punch uuid.UUID
	Code  string
	At    time.Time
}

// EventView is one event of a person's history. Facts is the skeleton of the
// event as a JSON object, without sealed sections.
type EventView struct {
	Position   uint64
	Revision   uint64
	Stream     string
	EventID    uuid.UUID
	Type       string // stored name with version
	RecordedAt time.Time
	Actor      eventschema.Actor
	// CorrelationID joins what one request brought about, CausationID names what
	// brought about this event.
	CorrelationID, CausationID uuid.UUID
	Facts                      []byte
	Personal                   []NamedPersonal
}

// NamedPersonal is one personal value of an event.
type NamedPersonal struct {
	Section, Field string
	Purpose        eventschema.Purpose
	Value          Personal
}

// Trail proves what is in the log. Errors: ErrNotFound (no such event of this
// tenant, or not yet covered by a checkpoint), ErrUnavailable.
type Trail interface {
	Proof(ctx context.Context, by Principal, position uint64) (ProofView, error)
	// Checkpoint is the newest signed checkpoint, a signed note.
	Checkpoint(ctx context.Context, by Principal) (string, error)
}

// ProofView proves that one event is in the log. Checkpoint is the signed note
// whose root Hashes leads to.
type ProofView struct {
	Position   uint64
	Leaf       uint64
	LeafHash   []byte
	TreeSize   uint64
	Hashes     [][]byte
	Checkpoint string
}
