package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// TerminalRetired says that a time clock may push no more. What it recorded stays.
//
// History: v1 is the first version.
type TerminalRetired struct {
	TerminalID uuid.UUID `json:"terminal_id"`
	RetiredAt  time.Time `json:"retired_at"`
	RetiredBy  uuid.UUID `json:"retired_by"`
}

// EventType implements [Event].
func (e *TerminalRetired) EventType() string { return "terminal-retired" }

// Sections implements [Event].
func (e *TerminalRetired) Sections() []Section { return nil }

func terminalRetired() Definition {
	return Definition{Type: "terminal-retired", Version: 1, New: func() Event { return new(TerminalRetired) }}
}
