package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryTerminal is the category of streams of time clocks that push their punches.
const CategoryTerminal = "terminal"

// TerminalStream holds one terminal. Its id follows from the serial number, so that
// a terminal that is registered again goes on in the same stream.
func TerminalStream(tenant uuid.UUID, serial string) StreamName {
	return StreamName{Category: CategoryTerminal, Tenant: tenant, ID: uuid.NewSHA1(tenant, []byte("terminal\x00"+serial))}
}

// TerminalRegistered says that a time clock may push punches from now on, and which
// station and zone they are of. It may be registered again after it was retired: then
// it hangs elsewhere, or came back.
//
// History: v1 is the first version.
type TerminalRegistered struct {
	TerminalID   uuid.UUID `json:"terminal_id"`
	Serial       string    `json:"serial"`  // as the terminal sends it, all that it proves itself by
	Station      string    `json:"station"` // the code that its punches carry; several terminals may share one
	Zone         string    `json:"zone"`    // IANA zone of its clock
	RegisteredAt time.Time `json:"registered_at"`
	RegisteredBy uuid.UUID `json:"registered_by"`
}

// EventType implements [Event].
func (e *TerminalRegistered) EventType() string { return "terminal-registered" }

// Sections implements [Event].
func (e *TerminalRegistered) Sections() []Section { return nil }

func terminalRegistered() Definition {
	return Definition{Type: "terminal-registered", Version: 1, New: func() Event { return new(TerminalRegistered) }}
}
