package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CachesQuiesced says that no process opens with a destroyed key any more. From
// BoundedBy on the erasure is effective in every process.
//
// History: v1 is the first version.
type CachesQuiesced struct {
	CaseID     uuid.UUID  `json:"case_id"`
	QuiescedAt time.Time  `json:"quiesced_at"`
	Holders    KeyHolders `json:"holders"`
}

// EventType implements [Event].
func (e *CachesQuiesced) EventType() string { return "caches-quiesced" }

// Sections implements [Event].
func (e *CachesQuiesced) Sections() []Section { return nil }

func cachesQuiesced() Definition {
	return Definition{Type: "caches-quiesced", Version: 1, New: func() Event { return new(CachesQuiesced) }}
}
