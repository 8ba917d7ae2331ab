package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// DeviceRevoked says that nothing is taken from a device any more, or that its code
// is no longer good. What it recorded before stays.
//
// History: v1 is the first version.
type DeviceRevoked struct {
	DeviceID  uuid.UUID        `json:"device_id"`
	WorkID    uuid.UUID        `json:"work_id,omitzero"` // whose phone it was
	Reason    RevocationReason `json:"reason"`
	RevokedAt time.Time        `json:"revoked_at"`
	RevokedBy uuid.UUID        `json:"revoked_by"`
}

// RevocationReason says why a device was revoked.
type RevocationReason string

// The reasons. [RevokedReplaced] comes of the enrolment of another device.
const (
	RevokedReplaced    RevocationReason = "re_enrolled"
	RevokedLost        RevocationReason = "lost"
	RevokedCompromised RevocationReason = "compromised"
	RevokedLeft        RevocationReason = "left" // the worker, or the station
	RevokedRetired     RevocationReason = "retired"
)

// RevocationReasons lists the reasons that somebody may give.
func RevocationReasons() []RevocationReason {
	return []RevocationReason{RevokedLost, RevokedCompromised, RevokedLeft, RevokedRetired}
}

// EventType implements [Event].
func (e *DeviceRevoked) EventType() string { return "device-revoked" }

// Sections implements [Event].
func (e *DeviceRevoked) Sections() []Section { return nil }

func deviceRevoked() Definition {
	return Definition{Type: "device-revoked", Version: 1, New: func() Event { return new(DeviceRevoked) }}
}
