package httpapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// batchBodyBytes bounds the body of a batch: 4 MiB sealed and in Base64. Nobody makes
// us read more than of any other request who has not shown in [batchProof] that a
// device sent it.
const batchBodyBytes = 6 << 20

// batchProof is the header in which a device proves a batch before it is read.
const batchProof = "Batch-Proof"

// InvitationBody asks for the code of an enrolment.
type InvitationBody struct {
	WorkID   ID     `json:"work_id,omitempty" required:"false" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose phone it is; or send station."`
	Station  string `json:"station,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9._:-]*$" doc:"Where a kiosk stands, as its punches carry it."`
	Site     string `json:"site,omitempty" maxLength:"60" pattern:"^[a-z0-9_]*$" doc:"Code of the place of a kiosk."`
	Replaces ID     `json:"replaces,omitempty" required:"false" doc:"The device that is revoked when this one enrols: the former install."`
}

type invitationAnswer struct {
	Ack
	Status int
	Body   struct {
		DeviceID  string `json:"device_id" format:"uuid"`
		Code      string `json:"code,omitempty" example:"MZXW6YTBOI4TQMRQGQZDKMZSGE" doc:"Good once, and for a day. Left out when the request is repeated: make another invitation."`
		ExpiresAt string `json:"expires_at" format:"date-time"`
		Position  uint64 `json:"position" example:"48400"`
	}
}

// EnrolmentBody enrols the install that has the code.
type EnrolmentBody struct {
	Code      string `json:"code" minLength:"1" maxLength:"64" pattern:"^[A-Z2-7]+$" example:"MZXW6YTBOI4TQMRQGQZDKMZSGE"`
	PublicKey string `json:"public_key" pattern:"^[0-9a-f]{64}$" example:"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" doc:"Ed25519, of this install alone."`
	Signature []byte `json:"signature" minLength:"1" maxLength:"88" doc:"Of the private key over \"tracekeep device enrolment v1\", a zero byte, the 16 bytes of the device id, and the code."`
}

// SealingKeyBody is the key that batches are sealed to.
type SealingKeyBody struct {
	ID        string `json:"id" example:"0f6d2553ff0c0f44" doc:"The first 8 bytes of the SHA-256 of the public key."`
	PublicKey string `json:"public_key" example:"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a" doc:"X25519."`
	Suite     string `json:"suite" enum:"hpke_x25519_sha256_chacha20poly1305" doc:"RFC 9180 in base mode."`
	MadeAt    string `json:"made_at" format:"date-time"`
}

type enrolmentAnswer struct {
	Ack
	Status int
	Body   struct {
		DeviceID   string         `json:"device_id" format:"uuid"`
		Station    string         `json:"station" example:"app" doc:"What its punches carry."`
		Site       string         `json:"site,omitempty"`
		SealingKey SealingKeyBody `json:"sealing_key"`
		Position   uint64         `json:"position" example:"48401"`
	}
}

// RevocationBody revokes a device.
type RevocationBody struct {
	WorkID ID     `json:"work_id,omitempty" required:"false" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose device it is; a worker sends their own."`
	Reason string `json:"reason" enum:"lost,compromised,left,retired" example:"lost"`
}

type revocationAnswer struct {
	Ack
	Status int
	Body   struct {
		DeviceID string `json:"device_id" format:"uuid"`
		Position uint64 `json:"position" example:"48402"`
	}
}

type sealingKeyAnswer struct{ Body SealingKeyBody }

// BatchBody is a batch as sent.
type BatchBody struct {
	SealingKey string `json:"sealing_key" pattern:"^[0-9a-f]{16}$" example:"0f6d2553ff0c0f44" doc:"Id of the key it is sealed to."`
	Sealed     []byte `json:"sealed" minLength:"1" doc:"HPKE: the encapsulated key (32 bytes), then the ciphertext. At most 10,000 punches and 4 MiB before it is sealed."`
	Signature  []byte `json:"signature" minLength:"1" maxLength:"88" doc:"Ed25519, by the key of the device, over what it is sealed for and what is sealed."`
}

// VerdictBody is what became of one punch.
type VerdictBody struct {
	Counter  int64  `json:"counter" example:"41"`
	Verdict  string `json:"verdict" enum:"recorded,already_recorded,refused"`
	PunchID  string `json:"punch_id,omitempty" format:"uuid"`
	Location string `json:"location,omitempty" enum:"not_offered,recorded,dropped_no_consent,denied_by_device"`
	Code     string `json:"code,omitempty" doc:"Of the rule that refused it; the claim is kept, and may be sent again when the cause is gone."`
}

type batchAnswer struct {
	Ack
	Body struct {
		BatchID     string        `json:"batch_id" format:"uuid"`
		SkewSeconds int64         `json:"skew_seconds" example:"-2" doc:"Of the device's clock, positive when it is ahead."`
		Position    uint64        `json:"position" example:"48410"`
		Verdicts    []VerdictBody `json:"verdicts" doc:"One for each punch, in the order of the batch."`
	}
}

// DeviceBody is one device. It says nothing of what the device is.
type DeviceBody struct {
	DeviceID   string  `json:"device_id" format:"uuid"`
	State      string  `json:"state" enum:"invited,enrolled,revoked"`
	WorkID     *string `json:"work_id,omitempty" format:"uuid" doc:"Whose phone it is; left out for a kiosk."`
	Station    string  `json:"station" example:"gate-1"`
	Site       string  `json:"site,omitempty"`
	Replaces   *string `json:"replaces,omitempty" format:"uuid"`
	EnrolledAt *string `json:"enrolled_at,omitempty" format:"date-time"`
	RevokedAt  *string `json:"revoked_at,omitempty" format:"date-time"`
	Reason     string  `json:"reason,omitempty" doc:"Of the revocation."`
	LastSeen   *string `json:"last_seen,omitempty" format:"date-time"`
	Batches    int     `json:"batches" example:"12"`
	Punches    int     `json:"punches" example:"48"`
	Refused    int     `json:"refused" example:"0" doc:"Claims that wait for a look."`
	Missing    int64   `json:"missing" example:"0" doc:"Counters below the highest that never came in."`
}

type devicesAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Devices       []DeviceBody `json:"devices"`
		NextPageToken string       `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerDevices(api huma.API) {
	a.registerPermissions(api)
	huma.Register(api, a.operation("invite-device", http.MethodPost, "/v1/devices", "Devices", "Invite a device",
		"Makes a code with which one install enrols: the phone of a worker, or a kiosk. Give it to whoever holds the device."),
		func(ctx context.Context, in *struct {
			Once
			Body InvitationBody
		}) (*invitationAnswer, error) {
			return a.inviteDevice(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-devices", http.MethodGet, "/v1/devices", "Devices", "List devices", "The one with the latest news first."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			WorkID ID `query:"work_id" doc:"Those of one work record only."`
		}) (*devicesAnswer, error) {
			return a.listDevices(ctx, in.Paging, in.WorkID)
		})
	huma.Register(api, a.operation("enrol-device", http.MethodPost, "/v1/devices/{device_id}/enrolment", "Devices", "Enrol an install",
		"The code is the proof, and no token is asked. An install that enrols again is another device, and the one it replaces is revoked with it."),
		func(ctx context.Context, in *struct {
			DeviceID ID `path:"device_id"`
			Body     EnrolmentBody
		}) (*enrolmentAnswer, error) {
			return a.enrolDevice(ctx, in.DeviceID.id(), in.Body)
		})
	huma.Register(api, a.operation("revoke-device", http.MethodPost, "/v1/devices/{device_id}/revocation", "Devices", "Revoke a device", "What it recorded stays."),
		func(ctx context.Context, in *struct {
			Once
			DeviceID ID `path:"device_id"`
			Body     RevocationBody
		}) (*revocationAnswer, error) {
			return a.revokeDevice(ctx, in.DeviceID.id(), in.Body)
		})
	huma.Register(api, a.operation("get-sealing-key", http.MethodGet, "/v1/devices/sealing-key", "Devices", "Get the key that batches are sealed to", ""),
		func(ctx context.Context, _ *struct{}) (*sealingKeyAnswer, error) {
			view, err := a.inside.Batches.SealingKey(ctx)
			if err != nil {
				return nil, problemOf(err)
			}
			return &sealingKeyAnswer{Body: sealingKeyBody(view)}, nil
		})
	batches := a.operation("send-batch", http.MethodPost, "/v1/devices/{device_id}/batches", "Devices", "Send a sealed batch of punches",
		"The signature of the device is the proof, and no token is asked. Sending a batch again changes nothing; batches may come in any order. "+
			"One of more than 64 KiB is proven in a header first, else it is not read.")
	batches.MaxBodyBytes = batchBodyBytes + 1
	huma.Register(api, batches, func(ctx context.Context, in *struct {
		DeviceID ID     `path:"device_id"`
		Proof    string `header:"Batch-Proof" maxLength:"128" doc:"Base64 of the SHA-256 of what is sealed and the device's signature over \"tracekeep device batch proof v1\", a zero byte, the 16 bytes of the device id, and that SHA-256."`
		Body     BatchBody
	}) (*batchAnswer, error) {
		return a.sendBatch(ctx, in.DeviceID.id(), in.Proof, in.Body)
	})
}

func (a *API) inviteDevice(ctx context.Context, body InvitationBody) (*invitationAnswer, error) {
	if (body.WorkID == "") == (body.Station == "") {
		return nil, invalid("/work_id", "exactly_one", "exactly one of work_id and station")
	}
	receipt, err := a.inside.Devices.InviteDevice(ctx, intent(ctx), DeviceInvitation{
		Work: body.WorkID.id(), Station: body.Station, Site: body.Site, Replaces: body.Replaces.id(), At: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &invitationAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt)}
	answer.Body.DeviceID, answer.Body.Code, answer.Body.ExpiresAt = receipt.DeviceID.String(), receipt.Code, rfc3339(receipt.ExpiresAt)
	answer.Body.Position = receipt.Position
	return answer, nil
}

func (a *API) enrolDevice(ctx context.Context, device uuid.UUID, body EnrolmentBody) (*enrolmentAnswer, error) {
	receipt, err := a.inside.Devices.EnrolDevice(ctx, DeviceEnrolment{
		DeviceID: device, Code: body.Code, PublicKey: body.PublicKey, Signature: body.Signature, At: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &enrolmentAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt)}
	answer.Body.DeviceID, answer.Body.Station, answer.Body.Site = device.String(), receipt.Station, receipt.Site
	answer.Body.SealingKey, answer.Body.Position = sealingKeyBody(receipt.SealingKey), receipt.Position
	return answer, nil
}

func sealingKeyBody(view SealingKeyView) SealingKeyBody {
	return SealingKeyBody{ID: view.ID, PublicKey: hex.EncodeToString(view.PublicKey), Suite: "hpke_x25519_sha256_chacha20poly1305", MadeAt: rfc3339(view.MadeAt)}
}

func (a *API) revokeDevice(ctx context.Context, device uuid.UUID, body RevocationBody) (*revocationAnswer, error) {
	receipt, err := a.inside.Devices.RevokeDevice(ctx, intent(ctx), DeviceRevocation{
		DeviceID: device, Work: body.WorkID.id(), Reason: eventschema.RevocationReason(body.Reason), At: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &revocationAnswer{Ack: ack(receipt), Status: created(receipt)}
	answer.Body.DeviceID, answer.Body.Position = device.String(), receipt.Position
	return answer, nil
}

func (a *API) sendBatch(ctx context.Context, device uuid.UUID, proof string, body BatchBody) (*batchAnswer, error) {
	receipt, err := a.inside.Batches.TakeBatch(ctx, SealedBatch{
		DeviceID: device, Proof: proof, SealingKey: body.SealingKey, Sealed: body.Sealed, Signature: body.Signature, ReceivedAt: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &batchAnswer{Ack: ack(receipt.Receipt)}
	answer.Body.BatchID, answer.Body.Position = receipt.BatchID.String(), receipt.Position
	answer.Body.SkewSeconds = int64(receipt.Skew / time.Second)
	answer.Body.Verdicts = make([]VerdictBody, len(receipt.Verdicts))
	for i, v := range receipt.Verdicts {
		told := VerdictBody{Counter: v.Counter, Verdict: string(v.Verdict), Location: string(v.Location), Code: v.Code}
		if v.PunchID != uuid.Nil {
			told.PunchID = v.PunchID.String()
		}
		answer.Body.Verdicts[i] = told
	}
	return answer, nil
}

func (a *API) listDevices(ctx context.Context, paging Paging, work ID) (*devicesAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-devices", filter: []string{string(work)}}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	devices, err := a.inside.Devices.ListDevices(ctx, by, work.id(), before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &devicesAnswer{}
	answer.Body.Devices = []DeviceBody{}
	for i, d := range devices {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, devices[i-1].Position, &answer.Link, &answer.Body.NextPageToken, "work_id", string(work))
		}
		answer.Body.Devices = append(answer.Body.Devices, DeviceBody{
			DeviceID: d.DeviceID.String(), State: d.State(), WorkID: optionalID(d.WorkID), Station: d.Station, Site: d.Site, Replaces: optionalID(d.Replaces),
			EnrolledAt: optionalTime(d.EnrolledAt), RevokedAt: optionalTime(d.RevokedAt), Reason: string(d.Reason), LastSeen: optionalTime(d.LastSeen),
			Batches: d.Batches, Punches: d.Punches, Refused: d.Refused, Missing: d.Missing,
		})
	}
	return answer, nil
}
