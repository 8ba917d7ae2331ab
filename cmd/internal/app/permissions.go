package app

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/device"
	"tracekeep/projections"
)

// ReportPermissions implements [httpapi.Devices].
func (a *App) ReportPermissions(ctx context.Context, intent httpapi.Intent, r httpapi.PermissionReport) (httpapi.Receipt, error) {
	owner, err := a.ownerOfDevice(ctx, r.DeviceID)
	if errors.Is(err, projections.ErrNotFound) || err == nil && owner != r.Work {
		err = device.ErrUnknown
	}
	if err != nil {
		return httpapi.Receipt{}, outward(err)
	}
	if err := a.refuseErased(ctx, r.Work); err != nil {
		return httpapi.Receipt{}, err
	}
	actor := actorIn(intent.Principal, r.Work)
	return acknowledge(a.handleDevice(ctx, intent, owner, device.Report{
		DeviceID: r.DeviceID, States: r.States, ReportedAt: r.At, ReportedBy: actor.ID,
	}, actor))
}

// Permissions implements [httpapi.Devices].
func (a *App) Permissions(ctx context.Context, _ httpapi.Principal, work, after uuid.UUID) ([]projections.DevicePermission, error) {
	found, err := projections.DevicePermissions(ctx, a.models.Querier(), a.tenant, work, after)
	return found, outward(err)
}
