package httpapi

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// Errors that implementations of the ports return. Any other error becomes a
// generic 500 and its text goes to the log only.
var (
	// ErrNotFound: nothing of that id exists for this tenant. 404.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the resource is not in the state the command needs, or lost
	// every race. 409.
	ErrConflict = errors.New("conflicts with the state of the resource")
	// ErrStale: Intent.IfRevision is not the revision of the stream. 412.
	ErrStale = errors.New("revision is stale")
	// ErrUnavailable: a store cannot be reached now, or an outcome is unknown;
	// repeating with the same key is safe. 503 with Retry-After.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrUnrecorded: a reading could not be written down, so nothing was shown. 503
	// with Retry-After.
	ErrUnrecorded = errors.New("the reading could not be recorded")
)

// Refusal is a rule of the domain saying no. 422. Code is stable
// ("unknown_badge"), Message is safe to show: it holds no value that
// was sent. Pointer may name the member at fault ("/badge") or be empty.
type Refusal struct{ Code, Message, Pointer string }

// Error implements error.
func (r *Refusal) Error() string { return "refused: " + r.Code }

// Erased says that what was asked for was erased under a case. 410, with the
// case and, once certified, the leaf of the destruction it certifies.
type Erased struct {
	Case            uuid.UUID
	CertificateLeaf *uint64
}

// Error implements error.
func (e *Erased) Error() string { return "erased under a case" }

// Principal is who calls. Person and Work are set only for a worker: the records
// that are their own. Two privacy officers are two principals of one role; that
// they are two is seen by ID.
type Principal struct {
	Tenant uuid.UUID
	ID     uuid.UUID
	Role   Role
	Person uuid.UUID
	Work   uuid.UUID
}

// Actor is the principal as events name it.
func (p Principal) Actor() eventschema.Actor {
	return eventschema.Actor{ID: p.ID, Role: string(p.Role)}
}

// Use is the purpose of use this principal reads for: an auditor checks the
// record, everybody else does the ordinary work.
func (p Principal) Use() eventschema.Use {
	if p.Role == RoleAuditor {
		return eventschema.UseAudit
	}
	return eventschema.UseService
}

// Intent is what every change carries. Repeating an intent has no second effect
// and answers as the first did, with Repeated; this is decided before IfRevision
// is looked at, because the first attempt has moved the revision itself.
type Intent struct {
	Principal Principal
	// Key is unique per tenant, principal and operation; it already contains
	// those, so it can be used as domain.Request.Key as it is.
	Key           string
	CorrelationID uuid.UUID // the request id
	IfRevision    *uint64   // set where the operation requires If-Match, else nil
}

// Receipt acknowledges a change. Position is the place in the log of its last
// event, also when Repeated; it goes out as X-Position. 0 where nothing was
// appended and the place is not known.
type Receipt struct {
	Position uint64
	Revision uint64 // of the stream afterwards; the new ETag
	Repeated bool
}

// Punches takes punches and corrections. Errors: *Refusal (unknown_badge,
// unknown_work, …), ErrNotFound,
// ErrConflict, ErrUnavailable.
type Punches interface {
	// RecordPunch records one punch. PunchID is the key for ever: the same id
	// records nothing twice.
	RecordPunch(ctx context.Context, intent Intent, punch PunchEntry) (PunchReceipt, error)
	// CorrectPunch makes a recorded punch count differently.
	CorrectPunch(ctx context.Context, intent Intent, correction PunchCorrection) (Receipt, error)
}

// PunchEntry is one punch. Either Work is set, or Badge is. The API has already
// turned a local time into an instant and refused one in a gap or an overlap.
type PunchEntry struct {
	PunchID        uuid.UUID // as sent by the device, or derived from the key
	Work           uuid.UUID
	Badge          eventschema.Personal
	OccurredAt     time.Time // UTC
	Zone           string    // an IANA name that loads
	OffsetSeconds  int       // in force in Zone at OccurredAt
	Direction      eventschema.Direction
	Kind           eventschema.PunchKind
	Station        string
	StationClock   string
	StationCounter *int64
	Site           string // codes, empty where nobody said
	Job            string
	Reason         string    // of a visit
	Location       *Location // nil when none was offered
	LocationDenied bool      // the device said no (promise ST-46)
	ReceivedAt     time.Time
}

// Location is a point offered with a punch: decimal degrees WGS 84, metres.
type Location struct{ Latitude, Longitude, AccuracyMetres eventschema.Personal }

// PunchReceipt answers a punch.
type PunchReceipt struct {
	Receipt
	PunchID    uuid.UUID
	OccurredAt time.Time
	Location   eventschema.LocationOutcome
}

// PunchCorrection corrects one punch. With Void, OccurredAt, OffsetSeconds,
// Direction, Kind and Job are unset.
type PunchCorrection struct {
	CorrectionID uuid.UUID // derived from the key
	PunchID      uuid.UUID
	Work         uuid.UUID
	// RecordedAs is the OccurredAt of the punch as recorded: its UTC year is the
	// period of the stream.
	RecordedAs    time.Time
	Void          bool
	OccurredAt    time.Time
	OffsetSeconds int
	Direction     eventschema.Direction
	Kind          eventschema.PunchKind
	Job           *string // nil leaves it
	Reason        eventschema.CorrectionReason
	ApprovedBy    uuid.UUID
	ReceivedAt    time.Time
}

// People changes what is known of people. Ids of a new person are chosen by the
// implementation so that the same Intent.Key names the same person again, and so
// that the work id cannot be computed from the person id. Errors: *Refusal,
// *Erased, ErrNotFound, ErrStale, ErrConflict, ErrUnavailable.
type People interface {
	RegisterPerson(ctx context.Context, intent Intent, person Registration) (PersonReceipt, error)
	CorrectPerson(ctx context.Context, intent Intent, correction PersonCorrection) (Receipt, error)
	ClosePerson(ctx context.Context, intent Intent, closure PersonClosure) (Receipt, error)
}

// Registration is a new person. LegalName is present; the rest may be absent.
type Registration struct {
	LegalName, BirthDate, Email, Phone eventschema.Personal
	PayrollName, EmployeeNumber, Badge eventschema.Personal
	Fields                             field.Values // of the tenant's own
	ReceivedAt                         time.Time
}

// PersonReceipt answers a registration.
type PersonReceipt struct {
	Receipt
	PersonID uuid.UUID
	WorkID   uuid.UUID
}

// PersonCorrection puts values right; an absent value stays as it is.
type PersonCorrection struct {
	PersonID                           uuid.UUID
	LegalName, BirthDate, Email, Phone eventschema.Personal
	Reason                             string // a code
	ReceivedAt                         time.Time
}

// PersonClosure ends a person's account.
type PersonClosure struct {
	PersonID uuid.UUID
	ClosedAt time.Time
	Reason   string // a code
}

// Consents gives and withdraws consent for one purpose. Errors as for [People].
type Consents interface {
	GiveConsent(ctx context.Context, intent Intent, consent Consent) (Receipt, error)
	WithdrawConsent(ctx context.Context, intent Intent, consent Consent) (Receipt, error)
}

// Consent names a work record and a purpose. NoticeVersion and Language are set
// only when it is given.
type Consent struct {
	Work          uuid.UUID
	Purpose       eventschema.Purpose
	NoticeVersion string
	Language      string
	Method        string // app, paper or kiosk
	At            time.Time
}

// Freshness waits for the read models, so that a client reads what it wrote.
type Freshness interface {
	// Await returns nil once every read model the API reads from has applied the
	// log up to position, and ctx's error when ctx ends before.
	Await(ctx context.Context, position uint64) error
}

// Health says how the parts are. It returns quickly and bounds its own probes.
type Health interface {
	Checks(ctx context.Context) []Check
}

// Check is one part. Name and Reason are shown to anybody: no addresses, no
// versions, no error texts.
type Check struct {
	Name   string
	OK     bool
	Reason string // a code such as "behind"; empty when OK
}

// Idempotency remembers, durably and for at least seven days, which keys were
// used for what. It must decide atomically across every running process.
type Idempotency interface {
	// Reserve looks the key up. A key that nobody holds is taken: it is then
	// outstanding until Complete, Release, Lapse, or now + lease. A key that
	// lapsed, or whose lease ended, is taken again by the same fingerprint and
	// mismatches any other, because what it did is not known.
	Reserve(ctx context.Context, use KeyUse, now time.Time, lease time.Duration) (Reserved, error)
	// Complete notes that the request succeeded. Later reservations with the
	// same fingerprint answer KeyRepeated.
	Complete(ctx context.Context, use KeyUse, now time.Time) error
	// Release forgets the key of a request that was refused and did nothing, so
	// that it may be used with another payload. A completed key stays.
	Release(ctx context.Context, use KeyUse) error
	// Lapse ends the lease of a request whose outcome is unknown and keeps its
	// fingerprint. A completed key stays.
	Lapse(ctx context.Context, use KeyUse) error
}

// KeyUse is one use of an Idempotency-Key. A record is unique per (Tenant,
// Principal, Key). Fingerprint is the SHA-256 of method, route, principal and
// canonical body; it confirms guesses about the body, so the record is personal
// and must not outlive its seven days.
type KeyUse struct {
	Tenant      uuid.UUID
	Principal   uuid.UUID
	Key         string
	Fingerprint [32]byte
}

// Reserved is the answer to a reservation.
type Reserved int

// The answers.
const (
	KeyTaken       Reserved = iota + 1 // free before; this request goes on
	KeyRepeated                        // completed before by the same request; goes on, the use case repeats nothing
	KeyOutstanding                     // the same request is being handled now: 409
	KeyMismatch                        // used, by another request: 422
)

// Inside is everything behind the API. Every member is required.
type Inside struct {
	Punches      Punches
	People       People
	Consents     Consents
	Reading      Reading
	Trail        Trail
	Erasures     Erasures
	Certificates Certificates
	Holds        Holds
	Restrictions Restrictions
	Disclosures  Disclosures
	Readings     Readings
	Retentions   Retentions
	Devices      Devices
	Batches      Batches
	Arrivals     Arrivals
	Sites        Sites
	Fields       Fields
	Media        Media
	Workforce    Workforce
	Shifts       Shifts
	Classes      Classes
	Rolls        Rolls
	Corrections  Corrections
	Payroll      Payroll
	Exports      Exports
	Freshness    Freshness
	Health       Health
	Idempotency  Idempotency
}
