package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryCorrection is the category of streams of corrections that are asked for.
const CategoryCorrection = "correction"

// CorrectionStream holds one request to correct a punch.
func CorrectionStream(tenant, correction uuid.UUID) StreamName {
	return StreamName{Category: CategoryCorrection, Tenant: tenant, ID: correction}
}

// CorrectionRequested says how somebody wants a punch to count. It changes nothing:
// the punch is corrected ([PunchCorrected], under the same id) once somebody else
// approves.
//
// History:
//   - v1 left the job of the punch as it was.
//   - v2 may ask for another one.
type CorrectionRequested struct {
	CorrectionID uuid.UUID `json:"correction_id"`
	PunchID      uuid.UUID `json:"punch_id"`
	WorkID       uuid.UUID `json:"work_id"`

	// Void asks to take the punch out of the count. Otherwise OccurredAt, Direction
	// and Kind are asked for in place of what counts.
	Void          bool      `json:"void"`
	OccurredAt    time.Time `json:"occurred_at"`
	OffsetSeconds int       `json:"offset_seconds"`
	Direction     Direction `json:"direction"`
	Kind          PunchKind `json:"kind"`
	Job           *string   `json:"job,omitempty"` // as in [PunchCorrected]

	Reason      CorrectionReason `json:"reason"`
	RequestedAt time.Time        `json:"requested_at"`
	RequestedBy uuid.UUID        `json:"requested_by"`
}

// CorrectionApproved says that the correction was approved, and made.
//
// History: v1 is the first version.
type CorrectionApproved struct {
	CorrectionID uuid.UUID `json:"correction_id"`
	ApprovedAt   time.Time `json:"approved_at"`
	ApprovedBy   uuid.UUID `json:"approved_by"`
}

// CorrectionRefused says that the punch goes on counting as it does, and why, as a
// code of lower-case letters, digits and underscores.
//
// History: v1 is the first version.
type CorrectionRefused struct {
	CorrectionID uuid.UUID `json:"correction_id"`
	RefusedAt    time.Time `json:"refused_at"`
	RefusedBy    uuid.UUID `json:"refused_by"`
	Ground       string    `json:"ground"`
}

// EventType implements [Event].
func (e *CorrectionRequested) EventType() string { return "correction-requested" }

// Sections implements [Event].
func (e *CorrectionRequested) Sections() []Section { return nil }

// EventType implements [Event].
func (e *CorrectionApproved) EventType() string { return "correction-approved" }

// Sections implements [Event].
func (e *CorrectionApproved) Sections() []Section { return nil }

// EventType implements [Event].
func (e *CorrectionRefused) EventType() string { return "correction-refused" }

// Sections implements [Event].
func (e *CorrectionRefused) Sections() []Section { return nil }

func correctionRequested() Definition {
	return Definition{Type: "correction-requested", Version: 2, New: func() Event { return new(CorrectionRequested) }, Upcasts: map[int]Upcast{1: {Data: asStored}}}
}

func correctionApproved() Definition {
	return Definition{Type: "correction-approved", Version: 1, New: func() Event { return new(CorrectionApproved) }}
}

func correctionRefused() Definition {
	return Definition{Type: "correction-refused", Version: 1, New: func() Event { return new(CorrectionRefused) }}
}
