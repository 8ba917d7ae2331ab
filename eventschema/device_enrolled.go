package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// DeviceEnrolled says that the batches of a device are taken from now on, when its
// key signed them. A device has one key for its life: an install that enrols again
// is another device (promise ST-55).
//
// History: v1 is the first version.
type DeviceEnrolled struct {
	DeviceID   uuid.UUID `json:"device_id"`
	WorkID     uuid.UUID `json:"work_id,omitzero"` // whose phone; nil for a kiosk
	Station    string    `json:"station"`
	Site       string    `json:"site,omitempty"`
	PublicKey  string    `json:"public_key"` // Ed25519, 32 bytes in hex
	Replaces   uuid.UUID `json:"replaces,omitzero"`
	EnrolledAt time.Time `json:"enrolled_at"`
	EnrolledBy uuid.UUID `json:"enrolled_by"` // who made the code, or the officer who enrolled it without one
}

// EventType implements [Event].
func (e *DeviceEnrolled) EventType() string { return "device-enrolled" }

// Sections implements [Event].
func (e *DeviceEnrolled) Sections() []Section { return nil }

func deviceEnrolled() Definition {
	return Definition{Type: "device-enrolled", Version: 1, New: func() Event { return new(DeviceEnrolled) }}
}
