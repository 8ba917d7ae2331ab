package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// EpochsRetired says that every epoch key that wrapped a key of the case is gone,
// so that no older copy of the key store opens anything of it.
//
// History: v1 is the first version.
type EpochsRetired struct {
	CaseID    uuid.UUID      `json:"case_id"`
	Epochs    []RetiredEpoch `json:"epochs"`
	RetiredAt time.Time      `json:"retired_at"` // the last of them
}

// RetiredEpoch is an epoch whose key was destroyed, and when.
type RetiredEpoch struct {
	Epoch     int       `json:"epoch"`
	RetiredAt time.Time `json:"retired_at"`
}

// EventType implements [Event].
func (e *EpochsRetired) EventType() string { return "epochs-retired" }

// Sections implements [Event].
func (e *EpochsRetired) Sections() []Section { return nil }

func epochsRetired() Definition {
	return Definition{Type: "epochs-retired", Version: 1, New: func() Event { return new(EpochsRetired) }}
}
