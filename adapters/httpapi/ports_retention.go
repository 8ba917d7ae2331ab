package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Retentions releases what has come of age. Errors: *Refusal (same_officer,
// nothing_due, too_many_today, batch_expired, statutory_floor), ErrNotFound,
// ErrConflict, ErrUnavailable.
type Retentions interface {
	// RetentionDue lists what has come of age and is not destroyed, the earliest
	// first.
	RetentionDue(ctx context.Context, by Principal) ([]RetentionItem, error)
	// SubmitRetention puts a batch of what is due before a second officer: the
	// cases named, or without any all that no hold keeps and no batch holds.
	SubmitRetention(ctx context.Context, intent Intent, cases []uuid.UUID) (RetentionBatchReceipt, error)
	// ApproveRetention releases a batch.
	ApproveRetention(ctx context.Context, intent Intent, batch uuid.UUID) (Receipt, error)
	RetentionBatch(ctx context.Context, by Principal, batch uuid.UUID) (RetentionBatchView, error)
}

// RetentionItem is one proposal of the clock.
type RetentionItem struct {
	CaseID   uuid.UUID
	Class    string
	PersonID uuid.UUID // of an account
	WorkID   uuid.UUID // nil where the link cannot be read any more
	Periods  []string  // of locations
	Anchor   time.Time
	DueOn    string // the date on which it came of age
	Days     int    // since then
	Status   string
	BatchID  uuid.UUID   // it stands in; nil while in none
	Matters  []uuid.UUID // of the legal holds that keep it
}

// RetentionBatchReceipt answers a submission.
type RetentionBatchReceipt struct {
	Receipt
	BatchID uuid.UUID
	Cases   int
	Held    int // left out because a legal hold keeps them
}

// RetentionBatchView is one batch.
type RetentionBatchView struct {
	BatchID     uuid.UUID
	Revision    uint64
	SubmittedAt time.Time
	SubmittedBy uuid.UUID
	Cases       []uuid.UUID
	ApprovedAt  time.Time // zero while it waits
	ApprovedBy  uuid.UUID
	Released    []uuid.UUID
	LeftOut     []eventschema.LeftOut
}
