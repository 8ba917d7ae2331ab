package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// TerminalBacklogWaived lets a time clock go on although rows that it repeats make no
// punch: until an instant they are acknowledged and not recorded. It is the one way
// in which what a terminal was told it need not keep is not kept here, and so
// somebody answers for it.
//
// History: v1 is the first version.
type TerminalBacklogWaived struct {
	TerminalID uuid.UUID    `json:"terminal_id"`
	Reason     WaiverReason `json:"reason"`
	WaivedAt   time.Time    `json:"waived_at"`
	WaivedBy   uuid.UUID    `json:"waived_by"`
	Until      time.Time    `json:"until"`
}

// WaiverReason says why rows of a terminal may be let go.
type WaiverReason string

// The reasons.
const (
	WaiverNobody     WaiverReason = "nobody_employed"  // visitors, people who left, numbers tried out
	WaiverElsewhere  WaiverReason = "recorded_already" // by a file, or by hand
	WaiverUnreadable WaiverReason = "unreadable"       // damaged, or of a clock that was wrong
)

// WaiverReasons lists every reason.
func WaiverReasons() []WaiverReason {
	return []WaiverReason{WaiverNobody, WaiverElsewhere, WaiverUnreadable}
}

// EventType implements [Event].
func (e *TerminalBacklogWaived) EventType() string { return "terminal-backlog-waived" }

// Sections implements [Event].
func (e *TerminalBacklogWaived) Sections() []Section { return nil }

func terminalBacklogWaived() Definition {
	return Definition{Type: "terminal-backlog-waived", Version: 1, New: func() Event { return new(TerminalBacklogWaived) }}
}
