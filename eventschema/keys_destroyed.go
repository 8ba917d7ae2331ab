package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// KeysDestroyed says which keys a case destroyed: the point of no return.
//
// History: v1 is the first version.
type KeysDestroyed struct {
	CaseID      uuid.UUID      `json:"case_id"`
	PersonID    uuid.UUID      `json:"person_id"` // nil for a case about a work record
	DestroyedAt time.Time      `json:"destroyed_at"`
	Keys        []DestroyedKey `json:"keys"`
	Lookups     int            `json:"lookups"` // blind-index tokens removed with the keys
	Retained    []Retained     `json:"retained"`
}

// DestroyedKey identifies a destroyed key without saying anything about it.
type DestroyedKey struct {
	KeyID   uuid.UUID `json:"key_id"`
	Purpose Purpose   `json:"purpose"`
	Check   string    `json:"check"` // check value, hex
	Epoch   int       `json:"epoch"`
}

// Retained is what the case did not erase, why and until when.
type Retained struct {
	Purpose Purpose `json:"purpose"`
	Ground  string  `json:"ground"`
	Until   string  `json:"until"` // a date, or the rule that will give one
}

// EventType implements [Event].
func (e *KeysDestroyed) EventType() string { return "keys-destroyed" }

// Sections implements [Event].
func (e *KeysDestroyed) Sections() []Section { return nil }

func keysDestroyed() Definition {
	return Definition{Type: "keys-destroyed", Version: 1, New: func() Event { return new(KeysDestroyed) }}
}
