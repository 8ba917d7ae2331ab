package httpapi_test

import (
	"context"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// someDevice is Ada's phone.
var someDevice = uuid.MustParse("eeeeeeee-9dc0-41d1-b245-5ffdce74fad2")

// shownSignature is what stands in the document's examples.
const shownSignature = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

func (c *company) InviteDevice(_ context.Context, intent httpapi.Intent, i httpapi.DeviceInvitation) (httpapi.InvitationReceipt, error) {
	receipt, err := c.act(intent)
	code := "MZXW6YTBOI4TQMRQGQZDKMZSGE"
	if receipt.Repeated {
		code = ""
	}
	return httpapi.InvitationReceipt{Receipt: receipt, DeviceID: someDevice, Code: code, ExpiresAt: i.At.Add(24 * time.Hour)}, err
}

func (c *company) EnrolDevice(_ context.Context, e httpapi.DeviceEnrolment) (httpapi.EnrolmentReceipt, error) {
	if base64.StdEncoding.EncodeToString(e.Signature) != shownSignature {
		return httpapi.EnrolmentReceipt{}, httpapi.ErrUnproven
	}
	key, err := c.SealingKey(context.Background())
	return httpapi.EnrolmentReceipt{Receipt: httpapi.Receipt{Position: 48401}, Station: "app", SealingKey: key}, err
}

func (c *company) RevokeDevice(_ context.Context, intent httpapi.Intent, _ httpapi.DeviceRevocation) (httpapi.Receipt, error) {
	return c.act(intent)
}

func (c *company) ListDevices(_ context.Context, _ httpapi.Principal, work uuid.UUID, before uint64, limit int) ([]projections.Device, error) {
	if before == 0 {
		before = 4
	}
	var page []projections.Device
	for position := before - 1; position > 0 && len(page) < limit; position-- {
		page = append(page, projections.Device{DeviceID: someDevice, WorkID: work, Station: "app", EnrolledAt: &now, Position: position})
	}
	return page, c.fail
}

func (c *company) ReportPermissions(_ context.Context, intent httpapi.Intent, r httpapi.PermissionReport) (httpapi.Receipt, error) {
	return c.stepped(intent, r)
}

func (c *company) Permissions(_ context.Context, _ httpapi.Principal, work, after uuid.UUID) ([]projections.DevicePermission, error) {
	var rows []projections.DevicePermission
	for _, device := range []uuid.UUID{someDevice, uuid.MustParse("ffffffff-9dc0-41d1-b245-5ffdce74fad2")} {
		for _, p := range eventschema.Permissions() {
			if device.String() > after.String() || after == uuid.Nil {
				rows = append(rows, projections.DevicePermission{DeviceID: device, WorkID: work, Permission: p.Permission, State: eventschema.PermissionDenied, Purpose: p.Purpose, ReportedAt: now})
			}
		}
	}
	return rows, c.fail
}

func (c *company) SealingKey(context.Context) (httpapi.SealingKeyView, error) {
	return httpapi.SealingKeyView{ID: "0f6d2553ff0c0f44", PublicKey: make([]byte, 32), MadeAt: now}, c.fail
}

// shownProof is what [company.ProveBatch] takes, of someDevice alone.
const shownProof = "cHJvb2Y="

func (c *company) ProveBatch(_ context.Context, device uuid.UUID, proof string) error {
	if proof != shownProof || device != someDevice {
		return errors.Join(httpapi.ErrUnproven, c.fail)
	}
	return c.fail
}

func (c *company) TakeBatch(_ context.Context, b httpapi.SealedBatch) (httpapi.BatchReceipt, error) {
	switch {
	case c.fail != nil:
		return httpapi.BatchReceipt{}, c.fail
	case base64.StdEncoding.EncodeToString(b.Signature) != shownSignature:
		return httpapi.BatchReceipt{}, httpapi.ErrUnproven
	}
	c.mu.Lock()
	c.batches = append(c.batches, b)
	c.mu.Unlock()
	return httpapi.BatchReceipt{Receipt: httpapi.Receipt{Position: 48410}, BatchID: stranger, Skew: -2500 * time.Millisecond, Verdicts: []httpapi.PunchVerdict{
		{Counter: 41, Verdict: httpapi.VerdictRecorded, PunchID: stranger, Location: eventschema.LocationDeniedByDevice},
		{Counter: 42, Verdict: httpapi.VerdictRefused, Code: "unknown_badge"},
	}}, nil
}

func (c *company) DoubtfulArrivals(_ context.Context, _ httpapi.Principal, before uint64, limit int) ([]projections.Arrival, error) {
	if before == 0 {
		before = 4
	}
	var page []projections.Arrival
	for position := before - 1; position > 0 && len(page) < limit; position-- {
		page = append(page, projections.Arrival{PunchID: stranger, WorkID: adasWork, Source: eventschema.SourceDevice, Station: "app", DeviceID: someDevice, BatchID: stranger, Counter: 41,
			Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal, OccurredAt: now, ReceivedAt: now.Add(2 * time.Hour), Position: position,
			Doubts: []projections.Doubt{projections.DoubtLate}})
	}
	return page, c.fail
}

func (c *company) PunchConflicts(_ context.Context, _ httpapi.Principal, all bool, before uint64, limit int) ([]projections.Conflict, error) {
	if before == 0 {
		before = 4
	}
	var page []projections.Conflict
	for position := before - 1; position > 0 && len(page) < limit; position-- {
		page = append(page, projections.Conflict{Kind: projections.ConflictEntry, WorkID: adasWork, Direction: eventschema.DirectionIn, ByHand: ada, ByHandAt: now, ByHandFrom: position,
			PunchID: stranger, PunchAt: now.Add(4 * time.Minute), ReceivedAt: now.Add(50 * time.Hour), Source: eventschema.SourceDevice, Station: "app", DeviceID: someDevice,
			Open: !all, Position: position})
	}
	return page, c.fail
}
