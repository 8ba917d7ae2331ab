package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// TerminalOverlapResolved says which of two instants a time clock meant by a local
// time that came twice, because the clocks were put back. The clock itself does not
// say, so somebody answers for it. It holds for as long as the clock may send such a
// row again.
//
// History: v1 is the first version.
type TerminalOverlapResolved struct {
	TerminalID uuid.UUID   `json:"terminal_id"`
	Reading    string      `json:"reading"` // what the clock showed, as 2026-10-25 02:10:00, or the day for all that came twice on it; the longer goes before
	Pass       OverlapPass `json:"pass"`
	ResolvedAt time.Time   `json:"resolved_at"`
	ResolvedBy uuid.UUID   `json:"resolved_by"`
}

// OverlapPass says which of two instants with one local time is meant.
type OverlapPass string

// The passes.
const (
	PassFirst  OverlapPass = "first"
	PassSecond OverlapPass = "second"
	PassOrder  OverlapPass = "order" // the earliest that is not before the row above, of one batch
)

// OverlapPasses lists every pass.
func OverlapPasses() []OverlapPass { return []OverlapPass{PassFirst, PassSecond, PassOrder} }

// EventType implements [Event].
func (e *TerminalOverlapResolved) EventType() string { return "terminal-overlap-resolved" }

// Sections implements [Event].
func (e *TerminalOverlapResolved) Sections() []Section { return nil }

func terminalOverlapResolved() Definition {
	return Definition{Type: "terminal-overlap-resolved", Version: 1, New: func() Event { return new(TerminalOverlapResolved) }}
}
