package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// DeviceInvited says that somebody made a code with which one install of an app
// enrols, once: the phone of a worker, or a kiosk that stands at a station. What
// kind of device it is, and what runs on it, is not asked and not kept.
//
// History: v1 is the first version.
type DeviceInvited struct {
	DeviceID uuid.UUID `json:"device_id"`         // of the install; another install is another device
	WorkID   uuid.UUID `json:"work_id,omitzero"`  // whose phone; nil for a kiosk
	Station  string    `json:"station"`           // as its punches carry it
	Site     string    `json:"site,omitempty"`    // where a kiosk stands, a code of the tenant's
	Replaces uuid.UUID `json:"replaces,omitzero"` // device that is revoked when this one enrols

	CodeHash  string    `json:"code_hash"` // SHA-256 of the code, in hex
	InvitedAt time.Time `json:"invited_at"`
	InvitedBy uuid.UUID `json:"invited_by"`
	ExpiresAt time.Time `json:"expires_at"` // the code is good before
}

// EventType implements [Event].
func (e *DeviceInvited) EventType() string { return "device-invited" }

// Sections implements [Event].
func (e *DeviceInvited) Sections() []Section { return nil }

func deviceInvited() Definition {
	return Definition{Type: "device-invited", Version: 1, New: func() Event { return new(DeviceInvited) }}
}
