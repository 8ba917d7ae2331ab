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

// RetiredEpoch is an epoch whose key was destroyed.
type RetiredEpoch struct {
	Epoch     int       `json:"epoch"`
	RetiredAt time.Time `json:"retired_at"` // from when on every copy of what it wrapped is noise
	Reach     string    `json:"reach"`      // of the destruction, in the words of NIST SP 800-88: clear or purge
	Receipt   string    `json:"receipt"`    // hex SHA-256 of the key store's receipt
}

// EventType implements [Event].
func (e *EpochsRetired) EventType() string { return "epochs-retired" }

// Sections implements [Event].
func (e *EpochsRetired) Sections() []Section { return nil }

func epochsRetired() Definition {
	return Definition{Type: "epochs-retired", Version: 1, New: func() Event { return new(EpochsRetired) }}
}
