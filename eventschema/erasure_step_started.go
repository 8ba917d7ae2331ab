package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ErasureStepStarted is the intent record of a step that has an effect outside
// the log: the effect may have happened from here on, and is repeated under the
// same case and step until its result is recorded.
//
// History: v1 is the first version.
type ErasureStepStarted struct {
	CaseID    uuid.UUID   `json:"case_id"`
	Step      ErasureStep `json:"step"`
	StartedAt time.Time   `json:"started_at"`
}

// ErasureStep names a step of the machine that has an effect.
type ErasureStep string

// The steps, in order.
const (
	StepCloseFence  ErasureStep = "close_fence"  // no new keys, no new seals
	StepReopenFence ErasureStep = "reopen_fence" // of a case that was stopped
	StepDrain       ErasureStep = "drain_writers"
	StepReview      ErasureStep = "review_mentions"
	StepDestroy     ErasureStep = "destroy_keys" // the point of no return
	StepQuiesce     ErasureStep = "quiesce_caches"
	StepScrub       ErasureStep = "scrub_read_models"
	StepPursue      ErasureStep = "pursue_copies"
	StepVerify      ErasureStep = "verify"
	StepExpire      ErasureStep = "expire_records" // of a work record whose retention ended
	StepCertify     ErasureStep = "certify"
	StepFinalise    ErasureStep = "finalise" // after the epochs are retired
)

// EventType implements [Event].
func (e *ErasureStepStarted) EventType() string { return "erasure-step-started" }

// Sections implements [Event].
func (e *ErasureStepStarted) Sections() []Section { return nil }

func erasureStepStarted() Definition {
	return Definition{Type: "erasure-step-started", Version: 1, New: func() Event { return new(ErasureStepStarted) }}
}
