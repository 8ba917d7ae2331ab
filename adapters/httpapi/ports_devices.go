package httpapi

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

var (
	// ErrUnproven: there is no such device, or it is not its signature; which of the
	// two is not said. 403.
	ErrUnproven = errors.New("the request does not prove where it comes from")
	// ErrRevoked: the device was revoked; it may enrol again. 403.
	ErrRevoked = errors.New("the device was revoked")
)

// TooOften: a device sends more batches than it has punches to tell. 429 with
// Retry-After; nothing is lost by waiting.
type TooOften struct {
	Wait time.Duration
}

// Error implements error.
func (*TooOften) Error() string { return "too many batches in a short time" }

// Devices looks after the installs that may send batches. Errors: *Refusal
// (unknown_work, bad_code, …), *Erased, ErrNotFound, ErrConflict, ErrUnavailable.
type Devices interface {
	// InviteDevice makes a code with which one install enrols.
	InviteDevice(ctx context.Context, intent Intent, invitation DeviceInvitation) (InvitationReceipt, error)
	// EnrolDevice gives the install that has the code its key. It asks for no
	// principal: the code is the proof, and the signature that of the key.
	EnrolDevice(ctx context.Context, enrolment DeviceEnrolment) (EnrolmentReceipt, error)
	RevokeDevice(ctx context.Context, intent Intent, revocation DeviceRevocation) (Receipt, error)
	// ListDevices lists devices of a work record, or with the nil id of everybody, the
	// one with the latest news first; before and limit as for ErasureCases.
	ListDevices(ctx context.Context, by Principal, work uuid.UUID, before uint64, limit int) ([]projections.Device, error)
	// ReportPermissions keeps what became of the permissions of an install.
	ReportPermissions(ctx context.Context, intent Intent, report PermissionReport) (Receipt, error)
	// Permissions lists them, of the devices of a work record, or with the nil id of
	// everybody's, by device and permission, behind a device.
	Permissions(ctx context.Context, by Principal, work, after uuid.UUID) ([]projections.DevicePermission, error)
}

// PermissionReport says what became of some permissions of a work record's phone.
type PermissionReport struct {
	DeviceID uuid.UUID
	Work     uuid.UUID
	States   map[eventschema.Permission]eventschema.PermissionVerdict
	At       time.Time
}

// DeviceInvitation asks for a code: for the phone of a work record, or for a kiosk
// at a station.
type DeviceInvitation struct {
	Work     uuid.UUID
	Station  string
	Site     string
	Replaces uuid.UUID // revoked when the new install enrols
	At       time.Time
}

// InvitationReceipt answers an invitation. Code is empty when it was Repeated and
// cannot be given twice.
type InvitationReceipt struct {
	Receipt
	DeviceID  uuid.UUID
	Code      string
	ExpiresAt time.Time
}

// DeviceEnrolment is what an install sends to enrol.
type DeviceEnrolment struct {
	DeviceID  uuid.UUID
	Code      string
	PublicKey string // 64 hex digits
	Signature []byte
	At        time.Time
}

// EnrolmentReceipt answers an enrolment.
type EnrolmentReceipt struct {
	Receipt
	Station    string
	Site       string
	SealingKey SealingKeyView
}

// DeviceRevocation ends a device. Work, where it is set, must be the one the device
// belongs to: a worker revokes their own.
type DeviceRevocation struct {
	DeviceID uuid.UUID
	Work     uuid.UUID
	Reason   eventschema.RevocationReason
	At       time.Time
}

// Batches takes what devices send. The adapter devicebatch has the format.
type Batches interface {
	// SealingKey is the key that batches are sealed to now.
	SealingKey(ctx context.Context) (SealingKeyView, error)
	// ProveBatch says whether a device that is enrolled made this proof, before
	// anything is read of what it proves. Errors: ErrUnproven, ErrRevoked,
	// ErrUnavailable.
	ProveBatch(ctx context.Context, device uuid.UUID, proof string) error
	// TakeBatch records a batch: everything its verdicts say is on disk. Errors:
	// ErrUnproven, ErrRevoked, *TooOften, *Refusal (unknown_sealing_key, not_sealed,
	// bad_batch, other_device, too_many_punches), ErrUnavailable.
	TakeBatch(ctx context.Context, batch SealedBatch) (BatchReceipt, error)
}

// SealingKeyView is a public key.
type SealingKeyView struct {
	ID        string
	PublicKey []byte // X25519
	MadeAt    time.Time
}

// SealedBatch is a batch as sent.
type SealedBatch struct {
	DeviceID   uuid.UUID
	Proof      string // empty where there is none; it is of this batch then, too
	SealingKey string
	Sealed     []byte
	Signature  []byte
	ReceivedAt time.Time
}

// BatchReceipt answers a batch, a verdict for each punch in its order.
type BatchReceipt struct {
	Receipt
	BatchID  uuid.UUID
	Skew     time.Duration // of the device's clock, positive when it is ahead
	Verdicts []PunchVerdict
}

// Verdict is what became of one punch of a batch.
type Verdict string

// The verdicts.
const (
	VerdictRecorded Verdict = "recorded"
	VerdictAlready  Verdict = "already_recorded"
	VerdictRefused  Verdict = "refused"
)

// PunchVerdict is about one punch of a batch.
type PunchVerdict struct {
	Counter  int64
	Verdict  Verdict
	PunchID  uuid.UUID                   // unless it was refused
	Location eventschema.LocationOutcome // of one that was recorded now
	Code     string                      // of one that was refused
}

// Arrivals tells what came late and what contradicts what was entered by hand; before
// and limit as for ErasureCases. Errors: ErrUnavailable.
type Arrivals interface {
	DoubtfulArrivals(ctx context.Context, by Principal, before uint64, limit int) ([]projections.Arrival, error)
	// PunchConflicts lists those that nobody has put right yet, or all. Those of one
	// punch come together, also beyond the limit; as many as the limit mean there may
	// be more.
	PunchConflicts(ctx context.Context, by Principal, all bool, before uint64, limit int) ([]projections.Conflict, error)
}
