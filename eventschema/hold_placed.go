package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// HoldPlaced says that nothing of what it covers may be destroyed until the hold
// ends. It holds from here on, also before a second person confirmed it; one that
// nobody confirms lapses at ConfirmBy. Exactly one of PersonID and RecordID is set.
//
// History: v1 is the first version.
type HoldPlaced struct {
	HoldID    uuid.UUID  `json:"hold_id"`
	MatterID  uuid.UUID  `json:"matter_id"` // the dispute or inquiry; many holds may serve one
	PersonID  uuid.UUID  `json:"person_id,omitzero"`
	RecordID  uuid.UUID  `json:"record_id,omitzero"` // a work id
	Purposes  []Purpose  `json:"purposes,omitempty"` // none: everything
	Reason    HoldReason `json:"reason"`
	PlacedAt  time.Time  `json:"placed_at"`
	PlacedBy  uuid.UUID  `json:"placed_by"`
	ConfirmBy time.Time  `json:"confirm_by"`
	ReviewBy  time.Time  `json:"review_by"`

	// WorkID lets the hold cover the work record of the person, and nobody else
	// find it.
	WorkID Personal `json:"-"`
}

// HoldReason says what a hold is for.
type HoldReason string

// The reasons. Disputes and the enforcement of agreements are grounds to retain
// (promise RR-36).
const (
	HoldLitigation    HoldReason = "litigation"
	HoldInvestigation HoldReason = "investigation"
	HoldAudit         HoldReason = "audit"
	HoldDispute       HoldReason = "dispute"
	HoldContract      HoldReason = "contract_enforcement"
)

// HoldReasons lists every reason.
func HoldReasons() []HoldReason {
	return []HoldReason{HoldLitigation, HoldInvestigation, HoldAudit, HoldDispute, HoldContract}
}

// EventType implements [Event].
func (e *HoldPlaced) EventType() string { return "hold-placed" }

// Sections implements [Event].
func (e *HoldPlaced) Sections() []Section {
	return []Section{{Name: "identity", Purpose: PurposeIdentity, Subject: e.PersonID, Fields: []Field{{"work_id", &e.WorkID}}}}
}

func holdPlaced() Definition {
	return Definition{Type: "hold-placed", Version: 1, New: func() Event { return new(HoldPlaced) }}
}
