package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// PermissionsReported keeps what an install says of the permissions of the phone it
// runs on: all that the app may ask for, with what became of each and what it is asked
// for (promise ST-50). Only what has changed is reported again.
//
// History: v1 is the first version.
type PermissionsReported struct {
	DeviceID    uuid.UUID         `json:"device_id"`
	WorkID      uuid.UUID         `json:"work_id,omitzero"` // whose phone; nil for a kiosk
	Permissions []PermissionState `json:"permissions"`
	ReportedAt  time.Time         `json:"reported_at"`
	ReportedBy  uuid.UUID         `json:"reported_by"`
}

// PermissionState is one permission, what became of it, and what it is asked for.
type PermissionState struct {
	Permission Permission        `json:"permission"`
	State      PermissionVerdict `json:"state"`
	Purpose    string            `json:"purpose"` // a code of [Permissions], as it was told then
}

// Permission is something that a phone asks its owner before an app may have it.
type Permission string

// The permissions an app may ask for.
const (
	PermissionCamera        Permission = "camera"
	PermissionLocation      Permission = "location"
	PermissionStorage       Permission = "storage"
	PermissionNotifications Permission = "notifications"
	PermissionNetwork       Permission = "network"
)

// PermissionVerdict is what became of a permission.
type PermissionVerdict string

// The verdicts.
const (
	PermissionGranted  PermissionVerdict = "granted"
	PermissionDenied   PermissionVerdict = "denied"
	PermissionNotAsked PermissionVerdict = "not_asked"
)

// PermissionVerdicts lists every verdict.
func PermissionVerdicts() []PermissionVerdict {
	return []PermissionVerdict{PermissionGranted, PermissionDenied, PermissionNotAsked}
}

// PermissionPurpose says what a permission is asked for, and what works without it.
type PermissionPurpose struct {
	Permission Permission
	Purpose    string // a code
	Explained  string
	Without    string // what still works when it is denied
}

// Permissions lists every permission with its purpose, in one order.
func Permissions() []PermissionPurpose {
	return []PermissionPurpose{
		{PermissionCamera, "work_photos", "To take photos of work and of what is unsafe, and pictures of documents.", "Everything but taking pictures."},
		{PermissionLocation, "site_attendance", "To say with a punch whether it was made at the site, while consent to it stands.", "Every punch: it then says that the device denied a location."},
		{PermissionStorage, "offline_punches", "To keep punches on the phone until they can be sent.", "Punches while there is a connection."},
		{PermissionNotifications, "offers_and_changes", "To tell of offers, of shifts that were moved, and of messages.", "Everything: the same is listed in the app."},
		{PermissionNetwork, "sync", "To send punches and fetch shifts.", "Keeping punches, until there is a connection."},
	}
}

// EventType implements [Event].
func (e *PermissionsReported) EventType() string { return "permissions-reported" }

// Sections implements [Event].
func (e *PermissionsReported) Sections() []Section { return nil }

func permissionsReported() Definition {
	return Definition{Type: "permissions-reported", Version: 1, New: func() Event { return new(PermissionsReported) }}
}
