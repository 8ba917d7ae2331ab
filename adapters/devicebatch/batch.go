package devicebatch

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Version is the version of the format that this package reads and writes.
const Version = 1

// Limits of one batch. Whoever has more sends several.
const (
	MaxPunches = 10_000
	MaxBytes   = 4 << 20 // of the JSON before it is sealed
)

// Errors of reading a batch. Each is about the whole of it.
var (
	ErrSignature = errors.New("the signature is not that of the device's key over this batch")
	ErrNotSealed = errors.New("the batch is not sealed to this key, or was changed after it was sealed")
	ErrFormat    = errors.New("what was sealed is no batch of version 1")
	ErrTooMany   = errors.New("a batch has 1 to 10000 punches, and 4 MiB at most: send several")
	ErrDevice    = errors.New("the batch was sealed for another device")
)

// Batch is what a device seals: punches it has kept, in any order.
type Batch struct {
	Version  int       `json:"version"` // 1
	DeviceID uuid.UUID `json:"device_id"`
	Sequence int64     `json:"sequence"` // the device's running number of its batches, from 1; the same when a batch is sent again
	SentAt   string    `json:"sent_at"`  // RFC 3339, by the device's clock when it is sent
	Punches  []Punch   `json:"punches"`
}

// Punch is one punch as the device kept it. What is wrong with a single one is told
// in its verdict, not here.
type Punch struct {
	// Counter is the device's running number of its punches, from 1. It never goes
	// back and is never used twice. One below 1, of a number that ran over, has the
	// verdict bad_counter.
	Counter    int64  `json:"counter"`
	OccurredAt string `json:"occurred_at"`     // RFC 3339 with the offset, as the device took it for
	Clock      string `json:"clock,omitempty"` // what its clock showed, as it wrote it
	Zone       string `json:"zone"`            // IANA
	Direction  string `json:"direction"`       // in or out
	Kind       string `json:"kind,omitempty"`  // empty: normal

	// Whose punch it is: one of the two at a kiosk, none on a phone of somebody's own.
	WorkID uuid.UUID `json:"work_id,omitzero"`
	Badge  string    `json:"badge,omitempty"`

	Site   string `json:"site,omitempty"`
	Job    string `json:"job,omitempty"`
	Reason string `json:"reason,omitempty"`

	Location       *Location `json:"location,omitempty"`
	LocationDenied bool      `json:"location_denied,omitempty"` // the device gives none
}

// Location is a point, WGS 84.
type Location struct {
	Latitude       float64  `json:"latitude"`
	Longitude      float64  `json:"longitude"`
	AccuracyMetres *float64 `json:"accuracy_metres,omitempty"`
}

// Sent is the instant that the device's clock showed.
func (b Batch) Sent() (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, b.SentAt)
	if err != nil || at.UTC().Year() < 2000 || at.UTC().Year() > 2099 {
		return time.Time{}, fmt.Errorf("%w: sent_at is an RFC 3339 date-time", ErrFormat)
	}
	return at.UTC(), nil
}

// ID names a batch by what it says: the same punches under the same sequence are the
// same batch, however often it is sealed and sent. Badges and points have no part in
// it, since an id in the clear would confirm guesses of them.
func (b Batch) ID(tenant uuid.UUID) uuid.UUID {
	b.SentAt = ""
	b.Punches = append([]Punch(nil), b.Punches...)
	for i := range b.Punches {
		b.Punches[i].Badge, b.Punches[i].Location = "", nil
	}
	plain, err := json.Marshal(b)
	if err != nil { // numbers and texts always encode
		plain = []byte(b.DeviceID.String() + strconv.FormatInt(b.Sequence, 10))
	}
	sum := sha256.Sum256(plain)
	return uuid.NewSHA1(tenant, append([]byte("device batch\x00"), sum[:]...))
}

// parse reads a batch that was opened.
func parse(plain []byte) (Batch, error) {
	if len(plain) > MaxBytes {
		return Batch{}, ErrTooMany
	}
	var b Batch
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return Batch{}, ErrFormat // its text may quote what was sent
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Batch{}, ErrFormat
	}
	switch _, err := b.Sent(); {
	case err != nil:
		return Batch{}, err
	case b.Version != Version || b.Sequence < 1:
		return Batch{}, ErrFormat
	case len(b.Punches) == 0 || len(b.Punches) > MaxPunches:
		return Batch{}, ErrTooMany
	}
	return b, nil
}
