package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// ErasureApproved says that a second person approved the case, or that a policy
// did for an origin that needs no person's word. The destruction follows by
// itself; until it begins the case can be cancelled or held.
//
// History:
//   - v1 was always a person's.
//   - v2 may name the policy that approved; nobody is named then.
//   - v3 names the batch with which ended retention was approved.
type ErasureApproved struct {
	CaseID     uuid.UUID `json:"case_id"`
	ApprovedAt time.Time `json:"approved_at"`
	ApprovedBy uuid.UUID `json:"approved_by,omitzero"`
	Policy     string    `json:"policy,omitempty"` // a code
	BatchID    uuid.UUID `json:"batch_id,omitzero"`
}

// EventType implements [Event].
func (e *ErasureApproved) EventType() string { return "erasure-approved" }

// Sections implements [Event].
func (e *ErasureApproved) Sections() []Section { return nil }

type erasureApprovedV1 struct {
	CaseID     uuid.UUID `json:"case_id"`
	ApprovedAt time.Time `json:"approved_at"`
	ApprovedBy uuid.UUID `json:"approved_by"`
}

func erasureApproved() Definition {
	return Definition{
		Type: "erasure-approved", Version: 3, New: func() Event { return new(ErasureApproved) },
		Upcasts: map[int]Upcast{1: {Data: upcastErasureApprovedV1}, 2: {Data: asStored}},
	}
}

func upcastErasureApprovedV1(data json.RawMessage) (json.RawMessage, error) {
	var old erasureApprovedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(ErasureApproved{CaseID: old.CaseID, ApprovedAt: old.ApprovedAt, ApprovedBy: old.ApprovedBy})
}
