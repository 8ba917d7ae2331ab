package app

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// install is an app on a phone or a kiosk, as these tests play it.
type install struct {
	h        *house
	id       uuid.UUID
	key      ed25519.PrivateKey
	to       devicebatch.SealingKey
	sequence int64
	counter  int64
}

// invited makes a code and answers who may use it.
func (h *house) invited(by httpapi.Principal, i httpapi.DeviceInvitation) httpapi.InvitationReceipt {
	h.t.Helper()
	i.At = h.clock()
	got, err := h.InviteDevice(h.t.Context(), h.intent(by), i)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// enrolled is a new install that was invited by HR.
func (h *house) enrolled(i httpapi.DeviceInvitation) *install {
	h.t.Helper()
	invitation := h.invited(h.as(httpapi.RoleHR), i)
	d := h.installed(invitation.DeviceID)
	if err := d.enrol(invitation.Code); err != nil {
		h.t.Fatal(err)
	}
	return d
}

// installed is an install that has drawn its key.
func (h *house) installed(id uuid.UUID) *install {
	h.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return &install{h: h, id: id, key: key}
}

func (d *install) public() string { return hex.EncodeToString(d.key.Public().(ed25519.PublicKey)) }

func (d *install) enrol(code string) error {
	got, err := d.h.EnrolDevice(d.h.t.Context(), httpapi.DeviceEnrolment{
		DeviceID: d.id, Code: code, PublicKey: d.public(), Signature: devicebatch.SignEnrolment(d.id, code, d.key), At: d.h.clock(),
	})
	d.to = devicebatch.SealingKey{ID: got.SealingKey.ID, Public: got.SealingKey.PublicKey}
	return err
}

// press makes a punch.
func (d *install) press(at time.Time, direction string, change ...func(*devicebatch.Punch)) devicebatch.Punch {
	d.counter++
	p := devicebatch.Punch{Counter: d.counter, OccurredAt: at.Format(time.RFC3339Nano), Clock: at.Format("2006-01-02 15:04:05"), Zone: "Europe/Berlin", Direction: direction}
	for _, c := range change {
		c(&p)
	}
	return p
}

func withBadge(badge string) func(*devicebatch.Punch) {
	return func(p *devicebatch.Punch) { p.Badge = badge }
}

// packed is the next batch of the install.
func (d *install) packed(punches ...devicebatch.Punch) devicebatch.Batch {
	d.sequence++
	return devicebatch.Batch{Version: 1, DeviceID: d.id, Sequence: d.sequence, SentAt: d.h.clock().Format(time.RFC3339Nano), Punches: punches}
}

func (d *install) sealed(b devicebatch.Batch) httpapi.SealedBatch {
	d.h.t.Helper()
	s, err := devicebatch.Seal(b, d.to, d.key)
	if err != nil {
		d.h.t.Fatal(err)
	}
	return httpapi.SealedBatch{DeviceID: d.id, SealingKey: s.SealingKey, Sealed: s.Sealed, Signature: s.Signature, ReceivedAt: d.h.clock()}
}

// send sends a batch that is taken.
func (d *install) send(b devicebatch.Batch) httpapi.BatchReceipt {
	d.h.t.Helper()
	got, err := d.h.TakeBatch(d.h.t.Context(), d.sealed(b))
	if err != nil {
		d.h.t.Fatal(err)
	}
	return got
}

// said is what the verdicts say, in words.
func said(receipt httpapi.BatchReceipt) []string {
	var words []string
	for _, v := range receipt.Verdicts {
		word := string(v.Verdict)
		if v.Code != "" {
			word += " " + v.Code
		}
		words = append(words, word)
	}
	return words
}

// punchesOf lists what is recorded of a work record.
func (h *house) punchesOf(work uuid.UUID) []projections.Punch {
	h.t.Helper()
	h.caughtUp()
	punches, err := projections.PunchesOf(h.t.Context(), h.models.Querier(), h.Tenant(), work, time.Time{}.AddDate(1, 0, 0), time.Time{}, 20_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return punches
}

func (h *house) doubts() map[int64][]projections.Doubt {
	h.t.Helper()
	h.caughtUp()
	found, err := h.DoubtfulArrivals(h.t.Context(), h.as(httpapi.RoleHR), 0, 20_000)
	if err != nil {
		h.t.Fatal(err)
	}
	doubts := map[int64][]projections.Doubt{}
	for _, a := range found {
		doubts[a.Counter] = a.Doubts
	}
	return doubts
}

// lastPosition is where the log ends.
func (h *house) lastPosition() uint64 {
	h.t.Helper()
	last, err := h.whole.LastPosition(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return last
}
