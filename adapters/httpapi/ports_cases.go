package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

// Erasures runs erasure cases. Errors: *Refusal (same_officer, case_open,
// cooling_off, …), ErrNotFound, ErrConflict, ErrUnavailable.
type Erasures interface {
	// RequestErasure opens a case for a whole person, or for the purposes named.
	RequestErasure(ctx context.Context, intent Intent, request ErasureRequest) (ErasureReceipt, error)
	// AdvanceErasure takes one step of an officer. The case goes forward by itself
	// wherever no officer is needed.
	AdvanceErasure(ctx context.Context, intent Intent, erasureCase uuid.UUID, step erasure.Command) (Receipt, error)
	ErasureCase(ctx context.Context, by Principal, erasureCase uuid.UUID) (ErasureView, error)
	// ErasureCases lists cases, the one with the latest news first, before the
	// position given (0 from the start); limit as for Reading.People.
	ErasureCases(ctx context.Context, by Principal, before uint64, limit int) ([]ErasureView, error)
}

// ErasureRequest asks for an erasure. No purposes mean the whole person.
type ErasureRequest struct {
	Person     uuid.UUID
	Purposes   []eventschema.Purpose
	Items      []uuid.UUID // single photos, documents or notes of the one purpose
	ReceivedAt time.Time   // deadlines count from here
}

// ErasureReceipt answers a request. ClaimCode is for the person and is empty
// when the request was Repeated and the code cannot be given twice.
type ErasureReceipt struct {
	Receipt
	CaseID    uuid.UUID
	ClaimCode string
}

// ErasureView is one case. Times are nil until their step is done. In a list, and
// only there, what is not in the read model is left out: Destroys and Wait.
type ErasureView struct {
	CaseID        uuid.UUID
	PersonID      uuid.UUID // nil for a case about a work record
	RecordID      uuid.UUID
	Revision      uint64 // of the case's stream; in a list the position of its latest event
	Status        erasure.Phase
	Wait          erasure.Wait // whom an unfinished case waits for; empty while it goes forward
	Origin        eventschema.ErasureOrigin
	Scope         eventschema.ErasureScope
	Purposes      []eventschema.Purpose
	Items         []uuid.UUID // not in a list
	RequestedAt   time.Time
	RequestedBy   uuid.UUID
	Due           time.Time // the last day to answer; zero for a case that nobody asked for
	AssessedAt    *time.Time
	Destroys      []eventschema.ErasureTarget
	Retained      []eventschema.Retained
	Holds         []uuid.UUID // that stop it
	CoolingUntil  *time.Time
	ApprovedAt    *time.Time
	ApprovedBy    *uuid.UUID // nil also where a policy approved
	DestroyedAt   *time.Time
	KeysDestroyed int
	Recipients    []RecipientView
	CertifiedAt   *time.Time
	FinalAt       *time.Time
	// CertificateLeaf is the leaf of the destruction, once it is certified.
	CertificateLeaf *uint64
	EndedAt         *time.Time // cancelled or refused
	EndedWhy        string     // a reason code, or the ground of a refusal
}

// RecipientView is a recipient to be told of an erasure, and what became of it.
type RecipientView struct {
	eventschema.Recipient
	Outcome eventschema.NotifyOutcome // empty while nobody was told
}

// Certificates hands out certificates. Both answer ErrNotFound until the case has
// the certificate.
type Certificates interface {
	Certificate(ctx context.Context, by Principal, erasureCase uuid.UUID, kind eventschema.CertificateKind) (CertificateView, error)
	// PrintCertificate lays the certificate out as PDF.
	PrintCertificate(ctx context.Context, by Principal, erasureCase uuid.UUID, kind eventschema.CertificateKind) ([]byte, error)
}

// CertificateView is a certificate of a case: a signed note, byte for byte.
type CertificateView struct {
	CaseID      uuid.UUID
	Kind        eventschema.CertificateKind
	CertifiedAt time.Time
	Leaf        uint64
	Position    uint64
	Certificate string
}

// Holds places and lifts legal holds. Errors as for [Erasures].
type Holds interface {
	// PlaceHold holds before it answers: nothing of what it covers is destroyed
	// from then on. Its id follows from the key of the intent.
	PlaceHold(ctx context.Context, intent Intent, order HoldOrder) (HoldReceipt, error)
	AdvanceHold(ctx context.Context, intent Intent, hold uuid.UUID, step hold.Command) (Receipt, error)
	Hold(ctx context.Context, by Principal, hold uuid.UUID) (HoldView, error)
	// ListHolds lists holds, the one with the latest news first; only those that have
	// not ended when open is set. before and limit as for [Erasures].
	ListHolds(ctx context.Context, by Principal, open bool, before uint64, limit int) ([]HoldView, error)
}

// HoldOrder says what is held. Exactly one of Person and Record is set; a hold on
// a person covers their work record.
type HoldOrder struct {
	Matter   uuid.UUID
	Person   uuid.UUID
	Record   uuid.UUID
	Purposes []eventschema.Purpose // none: everything
	Reason   eventschema.HoldReason
	At       time.Time
	ReviewBy time.Time
}

// HoldReceipt answers the placing of a hold.
type HoldReceipt struct {
	Receipt
	HoldID uuid.UUID
}

// HoldView is one hold.
type HoldView struct {
	hold.State
	Revision uint64 // of the hold's stream; in a list the position of its latest event
	InForce  bool
	Overdue  bool // in force, and its review is past
}

// Restrictions restricts the processing of a person's values, and decides
// objections. Errors as for [Erasures].
type Restrictions interface {
	// Restrict restricts before it answers.
	Restrict(ctx context.Context, intent Intent, order RestrictionOrder) (RestrictionReceipt, error)
	AdvanceRestriction(ctx context.Context, intent Intent, restrictionCase uuid.UUID, step restriction.Command) (Receipt, error)
	// ListRestrictions lists cases, the one with the latest news first; before and
	// limit as for [Erasures].
	ListRestrictions(ctx context.Context, by Principal, before uint64, limit int) ([]RestrictionView, error)
}

// RestrictionOrder says whose values are restricted and why.
type RestrictionOrder struct {
	Person     uuid.UUID
	Ground     eventschema.RestrictionGround
	ReceivedAt time.Time
	At         time.Time
}

// RestrictionReceipt answers a restriction.
type RestrictionReceipt struct {
	Receipt
	CaseID uuid.UUID
}

// RestrictionView is one case.
type RestrictionView struct {
	restriction.State
	Position uint64 // of its latest event
}

// Disclosures records who outside was given values of a person. Errors as for
// [Erasures].
type Disclosures interface {
	RecordDisclosure(ctx context.Context, intent Intent, record disclosure.Record) (Receipt, error)
	// DisclosuresOf lists what was disclosed of a person, oldest first.
	DisclosuresOf(ctx context.Context, by Principal, person uuid.UUID) ([]DisclosureView, error)
}

// DisclosureView is one disclosure.
type DisclosureView struct {
	disclosure.Record
	Position uint64
}
