package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// WritersDrained says that no process seals with the keys of the case any more:
// every process that holds keys said so, or the time for which it may use them
// without asking is over.
//
// History: v1 is the first version.
type WritersDrained struct {
	CaseID    uuid.UUID  `json:"case_id"`
	DrainedAt time.Time  `json:"drained_at"`
	Holders   KeyHolders `json:"holders"`
}

// KeyHolders counts the processes that may have held keys of a case, and how it
// is known that they do not any more.
type KeyHolders struct {
	Acknowledged int       `json:"acknowledged"` // said so themselves
	Silent       int       `json:"silent"`       // did not; they stop by BoundedBy without being told
	BoundedBy    time.Time `json:"bounded_by"`   // the latest use by any process
}

// EventType implements [Event].
func (e *WritersDrained) EventType() string { return "writers-drained" }

// Sections implements [Event].
func (e *WritersDrained) Sections() []Section { return nil }

func writersDrained() Definition {
	return Definition{Type: "writers-drained", Version: 1, New: func() Event { return new(WritersDrained) }}
}
