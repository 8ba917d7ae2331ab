package device

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// Refusals of a report of permissions.
var (
	ErrPermission = errors.New("a permission is camera, location, storage, notifications or network, each at most once")
	ErrVerdict    = errors.New("a permission is granted, denied or not_asked")
	ErrRevoked    = errors.New("the device was revoked")
)

// Report says what became of the permissions of an install. What it does not name
// stays as it was reported, or was never asked for.
type Report struct {
	DeviceID   uuid.UUID
	States     map[eventschema.Permission]eventschema.PermissionVerdict
	ReportedAt time.Time
	ReportedBy uuid.UUID
}

// decide records the whole manifest, each permission with the purpose it has today,
// where anything of it is new.
func (c Report) decide(s State) ([]eventschema.Event, error) {
	d, known := s.devices[c.DeviceID]
	switch {
	case !known || !d.Enrolled():
		return nil, ErrUnknown
	case d.Revoked:
		return nil, ErrRevoked
	case c.ReportedBy == uuid.Nil:
		return nil, ErrNoActor
	case len(c.States) == 0:
		return nil, ErrPermission
	}
	purposes := eventschema.Permissions()
	for permission, verdict := range c.States {
		if !slices.ContainsFunc(purposes, func(p eventschema.PermissionPurpose) bool { return p.Permission == permission }) {
			return nil, ErrPermission
		}
		if !slices.Contains(eventschema.PermissionVerdicts(), verdict) {
			return nil, ErrVerdict
		}
	}
	manifest := make([]eventschema.PermissionState, len(purposes))
	for i, p := range purposes {
		verdict := eventschema.PermissionNotAsked
		for _, before := range d.Permissions {
			if before.Permission == p.Permission {
				verdict = before.State
			}
		}
		if now, said := c.States[p.Permission]; said {
			verdict = now
		}
		manifest[i] = eventschema.PermissionState{Permission: p.Permission, State: verdict, Purpose: p.Purpose}
	}
	if slices.Equal(manifest, d.Permissions) {
		return nil, nil
	}
	return []eventschema.Event{&eventschema.PermissionsReported{
		DeviceID: c.DeviceID, WorkID: d.WorkID, Permissions: manifest, ReportedAt: c.ReportedAt.UTC(), ReportedBy: c.ReportedBy,
	}}, nil
}
