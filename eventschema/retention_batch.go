package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryRetention is the category of streams that hold the batches of what has
// come of age.
const CategoryRetention = "retention"

// RetentionStream holds one batch.
func RetentionStream(tenant, batch uuid.UUID) StreamName {
	return StreamName{Category: CategoryRetention, Tenant: tenant, ID: batch}
}

// RetentionBatchSubmitted says that an officer looked through what has come of
// age and put a batch of it before a second one.
//
// History: v1 is the first version.
type RetentionBatchSubmitted struct {
	BatchID     uuid.UUID   `json:"batch_id"`
	SubmittedAt time.Time   `json:"submitted_at"`
	SubmittedBy uuid.UUID   `json:"submitted_by"`
	Cases       []uuid.UUID `json:"cases"`
}

// RetentionBatchApproved releases a batch. Cases that a legal hold keeps are left
// out and named with its matters; they wait for another batch.
//
// History: v1 is the first version.
type RetentionBatchApproved struct {
	BatchID    uuid.UUID   `json:"batch_id"`
	ApprovedAt time.Time   `json:"approved_at"`
	ApprovedBy uuid.UUID   `json:"approved_by"`
	Cases      []uuid.UUID `json:"cases"`
	LeftOut    []LeftOut   `json:"left_out"`
}

// LeftOut is a case that was in a batch and is not released with it.
type LeftOut struct {
	CaseID  uuid.UUID   `json:"case_id"`
	Matters []uuid.UUID `json:"matters,omitempty"` // of the legal holds; none when the case ended meanwhile
}

// EventType implements [Event].
func (e *RetentionBatchSubmitted) EventType() string { return "retention-batch-submitted" }

// Sections implements [Event].
func (e *RetentionBatchSubmitted) Sections() []Section { return nil }

// EventType implements [Event].
func (e *RetentionBatchApproved) EventType() string { return "retention-batch-approved" }

// Sections implements [Event].
func (e *RetentionBatchApproved) Sections() []Section { return nil }

func retentionBatchSubmitted() Definition {
	return Definition{Type: "retention-batch-submitted", Version: 1, New: func() Event { return new(RetentionBatchSubmitted) }}
}

func retentionBatchApproved() Definition {
	return Definition{Type: "retention-batch-approved", Version: 1, New: func() Event { return new(RetentionBatchApproved) }}
}
