package app

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/device"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// ownerOf is in whose stream a device stands: a work record's, or that of the kiosks
// of a station.
func (a *App) ownerOf(work uuid.UUID, station string) uuid.UUID {
	if work != uuid.Nil {
		return work
	}
	return uuid.NewSHA1(a.tenant, []byte("kiosks\x00"+station))
}

// placeOf says where a device stands. A phone stands nowhere.
func (a *App) placeOf(ctx context.Context, work uuid.UUID, station, site string) (device.Place, error) {
	if work == uuid.Nil {
		return device.Place{Station: station, Site: site}, nil
	}
	if station != "" || site != "" {
		return device.Place{}, outward(device.ErrOwner)
	}
	if err := a.requireWork(ctx, work); err != nil {
		return device.Place{}, err
	}
	return device.Place{WorkID: work, Station: device.PhoneStation}, a.refuseErased(ctx, work)
}

// InviteDevice implements [httpapi.Devices]. Who made the invitation for a phone of
// their own appears under its work record alone.
func (a *App) InviteDevice(ctx context.Context, intent httpapi.Intent, i httpapi.DeviceInvitation) (httpapi.InvitationReceipt, error) {
	place, err := a.placeOf(ctx, i.Work, i.Station, i.Site)
	if err != nil {
		return httpapi.InvitationReceipt{}, err
	}
	code, err := a.claimCode()
	if err != nil {
		return httpapi.InvitationReceipt{}, err
	}
	id := uuid.NewSHA1(a.tenant, []byte("device\x00"+intent.Key))
	actor := actorIn(intent.Principal, i.Work)
	outcome, err := a.handleDevice(ctx, intent, a.ownerOf(i.Work, i.Station), device.Invite{
		DeviceID: id, Place: place, Replaces: i.Replaces, CodeHash: devicebatch.HashCode(code), InvitedBy: actor.ID, InvitedAt: i.At,
	}, actor)
	if err != nil {
		return httpapi.InvitationReceipt{}, outward(err)
	}
	if outcome.Repeated { // the code that was drawn then cannot be given twice
		code = ""
	}
	return httpapi.InvitationReceipt{Receipt: receipt(outcome), DeviceID: id, Code: code, ExpiresAt: i.At.UTC().Add(device.CodeLasts)}, nil
}

// AdmitDevice enrols an install whose key an officer has, without a code.
func (a *App) AdmitDevice(ctx context.Context, intent httpapi.Intent, i httpapi.DeviceInvitation, publicKey string) (httpapi.EnrolmentReceipt, uuid.UUID, error) {
	place, err := a.placeOf(ctx, i.Work, i.Station, i.Site)
	if err != nil {
		return httpapi.EnrolmentReceipt{}, uuid.Nil, err
	}
	id := uuid.NewSHA1(a.tenant, []byte("device\x00"+intent.Key))
	outcome, err := a.handleDevice(ctx, intent, a.ownerOf(i.Work, i.Station), device.Admit{
		DeviceID: id, Place: place, Replaces: i.Replaces, PublicKey: publicKey, AdmittedBy: intent.Principal.ID, AdmittedAt: i.At,
	}, intent.Principal.Actor())
	if err != nil {
		return httpapi.EnrolmentReceipt{}, uuid.Nil, outward(err)
	}
	key, err := a.SealingKey(ctx)
	return httpapi.EnrolmentReceipt{Receipt: receipt(outcome), Station: place.Station, Site: place.Site, SealingKey: key}, id, err
}

// EnrolDevice implements [httpapi.Devices].
func (a *App) EnrolDevice(ctx context.Context, e httpapi.DeviceEnrolment) (httpapi.EnrolmentReceipt, error) {
	public, err := hex.DecodeString(e.PublicKey)
	if err != nil || devicebatch.VerifyEnrolment(e.DeviceID, e.Code, public, e.Signature) != nil {
		return httpapi.EnrolmentReceipt{}, httpapi.ErrUnproven
	}
	owner, err := a.ownerOfDevice(ctx, e.DeviceID)
	if errors.Is(err, projections.ErrNotFound) {
		err = device.ErrCode
	}
	if err != nil {
		return httpapi.EnrolmentReceipt{}, outward(err)
	}
	invited, err := a.device(ctx, owner, e.DeviceID)
	if err != nil {
		return httpapi.EnrolmentReceipt{}, outward(err)
	}
	if invited.WorkID != uuid.Nil {
		if err := a.refuseErased(ctx, invited.WorkID); err != nil {
			return httpapi.EnrolmentReceipt{}, err
		}
	}
	outcome, err := a.handleDevice(ctx, httpapi.Intent{Key: "enrol:" + e.DeviceID.String() + ":" + e.PublicKey}, owner, device.Enrol{
		DeviceID: e.DeviceID, CodeHash: devicebatch.HashCode(e.Code), PublicKey: e.PublicKey, EnrolledAt: e.At,
	}, actorOfDevice(e.DeviceID))
	if err != nil {
		return httpapi.EnrolmentReceipt{}, outward(err)
	}
	key, err := a.SealingKey(ctx)
	return httpapi.EnrolmentReceipt{Receipt: receipt(outcome), Station: invited.Station, Site: invited.Site, SealingKey: key}, err
}

// RevokeDevice implements [httpapi.Devices].
func (a *App) RevokeDevice(ctx context.Context, intent httpapi.Intent, r httpapi.DeviceRevocation) (httpapi.Receipt, error) {
	owner, err := a.ownerOfDevice(ctx, r.DeviceID)
	if errors.Is(err, projections.ErrNotFound) || err == nil && r.Work != uuid.Nil && owner != r.Work {
		err = device.ErrUnknown
	}
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	actor := actorIn(intent.Principal, r.Work)
	return acknowledge(a.handleDevice(ctx, intent, owner, device.Revoke{
		DeviceID: r.DeviceID, Reason: r.Reason, RevokedBy: actor.ID, RevokedAt: r.At,
	}, actor))
}

// ListDevices implements [httpapi.Devices].
func (a *App) ListDevices(ctx context.Context, _ httpapi.Principal, work uuid.UUID, before uint64, limit int) ([]projections.Device, error) {
	devices, err := projections.Devices(ctx, a.models.Querier(), a.tenant, work, before, limit)
	return devices, outward(err)
}

func (a *App) handleDevice(ctx context.Context, intent httpapi.Intent, owner uuid.UUID, command device.Command, actor eventschema.Actor) (domain.Outcome, error) {
	return domain.Handle(ctx, a.handler, device.Decider(), domain.Request{
		Stream: eventschema.DeviceStream(a.tenant, owner), Key: intent.Key, Actor: actor, CorrelationID: intent.CorrelationID,
	}, command)
}

// device loads one device from the stream of its owner: what was revoked a moment
// ago is revoked here, however far the read models are.
func (a *App) device(ctx context.Context, owner, id uuid.UUID) (device.Device, error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.DeviceStream(a.tenant, owner), device.Decider())
	if err != nil {
		return device.Device{}, err
	}
	found, known := loaded.State.Device(id)
	if !known {
		return device.Device{}, device.ErrUnknown
	}
	return found, nil
}

// ownerWait is how long a device that is not in the read models yet is waited for.
const ownerWait = 2 * time.Second

// ownerOfDevice finds whose device it is, or answers [projections.ErrNotFound]. That
// never changes, so the read models may tell it; only of a device that is quite new
// they may not know yet.
func (a *App) ownerOfDevice(ctx context.Context, id uuid.UUID) (uuid.UUID, error) {
	owner, err := projections.OwnerOfDevice(ctx, a.models.Querier(), a.tenant, id)
	if !errors.Is(err, projections.ErrNotFound) {
		return owner, err
	}
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, ownerWait)
	defer cancel()
	if err := a.Await(waiting, last); err != nil {
		return uuid.Nil, errors.Join(httpapi.ErrUnavailable, err)
	}
	return projections.OwnerOfDevice(ctx, a.models.Querier(), a.tenant, id)
}

// actorOfDevice is a device as events name it.
func actorOfDevice(id uuid.UUID) eventschema.Actor { return eventschema.Actor{ID: id, Role: "device"} }

// arrivalBounds are what the read model is asked with.
func arrivalBounds() projections.ArrivalBounds {
	return projections.ArrivalBounds{LateAfter: device.LateAfter, Clock: device.ClockTolerance, SamePress: device.SamePress}
}

// DoubtfulArrivals implements [httpapi.Arrivals].
func (a *App) DoubtfulArrivals(ctx context.Context, _ httpapi.Principal, before uint64, limit int) ([]projections.Arrival, error) {
	found, err := projections.DoubtfulArrivals(ctx, a.models.Querier(), a.tenant, arrivalBounds(), before, limit)
	return found, outward(err)
}

// PunchConflicts implements [httpapi.Arrivals].
func (a *App) PunchConflicts(ctx context.Context, _ httpapi.Principal, all bool, before uint64, limit int) ([]projections.Conflict, error) {
	found, err := projections.Conflicts(ctx, a.models.Querier(), a.tenant, arrivalBounds(), all, before, limit)
	return found, outward(err)
}

// RefusedPunches lists what devices claimed and was never recorded.
func (a *App) RefusedPunches(ctx context.Context, limit int) ([]projections.RefusedPunch, error) {
	return projections.RefusedPunches(ctx, a.models.Querier(), a.tenant, limit)
}

// MissingCounters lists the gaps in what devices sent.
func (a *App) MissingCounters(ctx context.Context, limit int) ([]projections.Missing, error) {
	return projections.MissingCounters(ctx, a.models.Querier(), a.tenant, limit)
}
