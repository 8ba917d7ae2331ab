package erasure

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Command is one of the commands of this package. Those of people come first,
// those of the machine behind them. A command that comes again changes nothing.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Request opens a case about exactly one person or one work record.
type Request struct {
	CaseID      uuid.UUID
	Origin      eventschema.ErasureOrigin
	Scope       eventschema.ErasureScope
	PersonID    uuid.UUID
	RecordID    uuid.UUID
	Purposes    []eventschema.Purpose // with [eventschema.ScopePurpose]; of a [eventschema.ScopeItem], the one
	Items       []uuid.UUID           // with [eventschema.ScopeItem]
	WorkID      uuid.UUID             // of the person; nil when they have no work record
	RequestedBy uuid.UUID
	RequestedAt time.Time // receipt
	ClaimHash   string

	// Of ended retention: the months, where it is about some; the moment it was
	// counted from, the date it ended, and the floor of this installation, which
	// may be higher than that of the register.
	Periods     []string
	Anchor      time.Time
	DueOn       string
	Floor       eventschema.Span
	FloorSource string
}

// VerifyIdentity states that whoever asked is the person.
type VerifyIdentity struct {
	VerifiedBy uuid.UUID
	VerifiedAt time.Time
	Method     eventschema.IdentityMethod
}

// Assess settles what goes and what stays. It may be repeated until the case is
// approved; another outcome starts hold check and cooling-off again.
type Assess struct {
	AssessedBy uuid.UUID // nil when a policy assesses
	AssessedAt time.Time
	// EmploymentEnded is the day from which the work record's retention is
	// counted; zero while the employment lasts.
	EmploymentEnded time.Time
}

// Approve releases the destruction.
type Approve struct {
	ApprovedBy uuid.UUID // nil when a policy approves
	ApprovedAt time.Time
	BatchID    uuid.UUID // with which ended retention is released
}

// Cancel ends a case before its point of no return.
type Cancel struct {
	CancelledBy uuid.UUID
	CancelledAt time.Time
	Reason      string // a code
}

// Refuse ends a request with a no that the person is told.
type Refuse struct {
	RefusedBy uuid.UUID
	RefusedAt time.Time
	Ground    eventschema.RefusalGround
}

// Extend moves the deadline by two months, once (GDPR Art. 12(3)).
type Extend struct {
	ExtendedBy uuid.UUID
	ExtendedAt time.Time
	ToldAt     time.Time
	Reason     string // a code
}

// NotifyRecipient records that a recipient was told, or why not.
type NotifyRecipient struct {
	DisclosureID uuid.UUID
	NotifiedBy   uuid.UUID
	NotifiedAt   time.Time
	Outcome      eventschema.NotifyOutcome
}

// CheckHolds records which holds are in force for what the case would destroy.
// Clear, it lets the case cool off.
type CheckHolds struct {
	CheckedAt  time.Time
	Holds      []uuid.UUID
	CoolingOff time.Duration
}

// Begin records the intent of a step that [Next] asks for.
type Begin struct {
	Step      eventschema.ErasureStep
	StartedAt time.Time
}

// CloseFence and ReopenFence are the results of their steps.
type (
	CloseFence  struct{ ClosedAt time.Time }
	ReopenFence struct{ ReopenedAt time.Time }
)

// Drained is the result of waiting for writers.
type Drained struct {
	DrainedAt time.Time
	Holders   eventschema.KeyHolders
}

// Reviewed is the result of looking for the person in the texts of others.
type Reviewed struct {
	ReviewedBy uuid.UUID // nil when no text names the person
	ReviewedAt time.Time
	Texts      int
	Mentions   int
	Left       int
	Ground     string
	Taken      []eventschema.Mention // the mentions that are not left
}

// Destroyed is the result of the destruction. There are no keys when another
// case had destroyed them all.
type Destroyed struct {
	DestroyedAt time.Time
	Keys        []eventschema.DestroyedKey
	Lookups     int
}

// Quiesced is the result of waiting for readers.
type Quiesced struct {
	QuiescedAt time.Time
	Holders    eventschema.KeyHolders
}

// Scrubbed is the result of bringing the read models behind the destruction.
type Scrubbed struct {
	ScrubbedAt time.Time
	Position   uint64
}

// Pursued is the result of following copies outside the stores.
type Pursued struct {
	PursuedAt      time.Time
	Files, Devices int
	Recipients     []eventschema.Recipient
}

// Verified is the result of looking with other eyes.
type Verified struct {
	VerifiedAt    time.Time
	Credentials   eventschema.VerifierCredentials
	Tried, Erased int
	Keys, Lookups int
}

// Expired is the result of ending the streams of a work record.
type Expired struct {
	ExpiredAt time.Time
	Streams   []eventschema.ExpiredStream
}

// Certify records a certificate. It is signed before; only one of each kind is
// ever recorded.
type Certify struct {
	Kind        eventschema.CertificateKind
	CertifiedAt time.Time
	Leaf        uint64
	Position    uint64
	Certificate string
}

// Retired records that the epochs of all keys of the case are gone.
type Retired struct {
	Epochs []eventschema.RetiredEpoch
}
