package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// PunchCorrected says that a recorded punch counts differently from now on. The
// punch itself stays as it was recorded; the correction names it, the reason
// and both people who answer for it.
//
// History:
//   - v1 left the job of the punch as it was.
//   - v2 may say another one.
type PunchCorrected struct {
	CorrectionID uuid.UUID `json:"correction_id"`
	PunchID      uuid.UUID `json:"punch_id"`
	WorkID       uuid.UUID `json:"work_id"`

	// Void takes the punch out of the count. Otherwise OccurredAt, Direction and
	// Kind are what counts in place of what was recorded.
	Void          bool      `json:"void"`
	OccurredAt    time.Time `json:"occurred_at"`
	OffsetSeconds int       `json:"offset_seconds"`
	Direction     Direction `json:"direction"`
	Kind          PunchKind `json:"kind"`
	Job           *string   `json:"job,omitempty"` // code; empty: for no job. nil leaves what counted

	Reason      CorrectionReason `json:"reason"`
	CorrectedBy uuid.UUID        `json:"corrected_by"`
	ApprovedBy  uuid.UUID        `json:"approved_by"`
	CorrectedAt time.Time        `json:"corrected_at"`
}

// CorrectionReason is a closed list, so that no free text about a person enters
// the skeleton.
type CorrectionReason string

// The reasons.
const (
	ReasonWrongKey     CorrectionReason = "wrong_key"     // in pressed for out, or the other way round
	ReasonWrongTime    CorrectionReason = "wrong_time"    // the station's clock was wrong
	ReasonNotThisPunch CorrectionReason = "not_the_punch" // pressed by mistake or by somebody else
	ReasonOther        CorrectionReason = "other"
)

// EventType implements [Event].
func (e *PunchCorrected) EventType() string { return "punch-corrected" }

// Sections implements [Event].
func (e *PunchCorrected) Sections() []Section { return nil }

// StoredID makes the correction id the id of its event.
func (e *PunchCorrected) StoredID() uuid.UUID { return e.CorrectionID }

func punchCorrected() Definition {
	return Definition{Type: "punch-corrected", Version: 2, New: func() Event { return new(PunchCorrected) }, Upcasts: map[int]Upcast{1: {Data: asStored}}}
}
