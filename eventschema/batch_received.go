package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// BatchReceived says that a sealed batch of an enrolled device came in, what the
// device's clock said when it was sent, and which of its punches were not recorded.
// It is on record before the punches are, and they carry its id as the id of their
// correlation.
//
// History: v1 is the first version.
type BatchReceived struct {
	BatchID      uuid.UUID      `json:"batch_id"` // of what it says, however often it is sealed and sent
	DeviceID     uuid.UUID      `json:"device_id"`
	WorkID       uuid.UUID      `json:"work_id,omitzero"` // whose phone sent it
	Sequence     int64          `json:"sequence"`         // the device's own running number of its batches
	Punches      int            `json:"punches"`
	FirstCounter int64          `json:"first_counter"` // the lowest of its punches, and the highest
	LastCounter  int64          `json:"last_counter"`
	SentAt       time.Time      `json:"sent_at"` // by the device's clock
	ReceivedAt   time.Time      `json:"received_at"`
	Refused      []RefusedPunch `json:"refused,omitempty"`
}

// RefusedPunch is a punch that a batch claims and that could not be recorded. It
// stays here to be looked at. Whom it is about is not said where nobody has that
// badge: the number itself may be personal.
type RefusedPunch struct {
	Counter    int64     `json:"counter"`
	OccurredAt time.Time `json:"occurred_at"` // as claimed
	Direction  Direction `json:"direction"`
	Kind       PunchKind `json:"kind"`
	Code       string    `json:"code"` // of the rule that refused it
}

// EventType implements [Event].
func (e *BatchReceived) EventType() string { return "batch-received" }

// Sections implements [Event].
func (e *BatchReceived) Sections() []Section { return nil }

func batchReceived() Definition {
	return Definition{Type: "batch-received", Version: 1, New: func() Event { return new(BatchReceived) }}
}
