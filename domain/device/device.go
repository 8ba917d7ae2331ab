// Package device decides which installs of an app may send punches, and with which
// key: those that were enrolled and not revoked.
//
// One stream has the devices of one owner: the phones of a work record, or the
// kiosks of a station. A device is one install with one key; when an app is
// installed again, that is another device, which may replace the former one. Both
// happen in one append, so that there is no moment with two keys or with none.
package device

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

const (
	// CodeLasts is how long the code of an invitation is good.
	CodeLasts = 24 * time.Hour
	// ClockTolerance is how far the clock of a device may be from that of the server
	// before its punches are flagged.
	ClockTolerance = 5 * time.Minute
	// LateAfter is how long after its instant a punch may come in before it is
	// listed as late.
	LateAfter = time.Hour
	// SamePress is how far apart a punch and a manual entry may be and still mean the
	// same press of a key.
	SamePress = 30 * time.Minute
	// MostPerOwner is how many devices one owner may have at a time, open invitations
	// among them.
	MostPerOwner = 16
)

// Refusals.
var (
	ErrOwner     = errors.New("a device is a worker's, or stands at a station")
	ErrStation   = errors.New("station must be 1 to 64 letters, digits, dots, dashes or underscores")
	ErrSite      = errors.New("a site is a code: lower-case letters, digits and underscores")
	ErrNoActor   = errors.New("somebody must answer for this step")
	ErrCode      = errors.New("the code is not good: it was mistyped, used or is too old")
	ErrPublicKey = errors.New("a public key is an Ed25519 key, 64 hex digits")
	ErrKeyUsed   = errors.New("this key was enrolled before: an install that enrols again makes a new key")
	ErrReplaces  = errors.New("the device to be replaced is not enrolled here")
	ErrExists    = errors.New("there is a device of this id")
	ErrTooMany   = errors.New("there are too many devices: revoke those that are not in use")
	ErrUnknown   = errors.New("there is no such device")
	ErrReason    = errors.New("this reason of revocation is not known")
)

// State has the devices of one owner.
type State struct {
	devices map[uuid.UUID]Device
}

// Device is one install.
type Device struct {
	ID        uuid.UUID
	WorkID    uuid.UUID // nil for a kiosk
	Station   string
	Site      string
	Replaces  uuid.UUID
	CodeHash  string // of an invitation, also once it was used
	InvitedBy uuid.UUID
	ExpiresAt time.Time
	PublicKey string // empty until it is enrolled
	Revoked   bool

	Permissions []eventschema.PermissionState // as reported last; none before
}

// Enrolled says that it has a key, also when that was revoked since.
func (d Device) Enrolled() bool { return d.PublicKey != "" }

// Device finds a device.
func (s State) Device(id uuid.UUID) (Device, bool) {
	found, known := s.devices[id]
	return found, known
}

// Command is one of the commands of this package.
type Command interface {
	decide(State) ([]eventschema.Event, error)
}

// Place says whose a device is: a work record's, or a station's.
type Place struct {
	WorkID  uuid.UUID
	Station string
	Site    string // of a kiosk, where the tenant has codes for them
}

// Invite makes a code with which one install enrols.
type Invite struct {
	DeviceID  uuid.UUID
	Place     Place
	Replaces  uuid.UUID // revoked when this one enrols
	CodeHash  string
	InvitedBy uuid.UUID
	InvitedAt time.Time
}

// Enrol gives an invited install its key.
type Enrol struct {
	DeviceID   uuid.UUID
	CodeHash   string
	PublicKey  string
	EnrolledAt time.Time
}

// Admit enrols an install without a code, on the word of an officer who has its key.
type Admit struct {
	DeviceID   uuid.UUID
	Place      Place
	Replaces   uuid.UUID
	PublicKey  string
	AdmittedBy uuid.UUID
	AdmittedAt time.Time
}

// Revoke ends a device, or an invitation.
type Revoke struct {
	DeviceID  uuid.UUID
	Reason    eventschema.RevocationReason
	RevokedBy uuid.UUID
	RevokedAt time.Time
}

// Decider decides for one device stream.
func Decider() domain.Decider[State, Command] {
	return domain.Decider[State, Command]{
		Initial: func() State { return State{devices: map[uuid.UUID]Device{}} }, Decide: decide, Evolve: evolve,
	}
}

func decide(state State, command Command) ([]eventschema.Event, error) {
	if command == nil {
		return nil, domain.ErrUnknownCommand
	}
	return command.decide(state)
}

func (c Invite) decide(s State) ([]eventschema.Event, error) {
	if err := s.mayAdd(c.DeviceID, c.Place, c.Replaces, c.InvitedBy, c.InvitedAt); err != nil {
		return nil, err
	}
	if !isHex(c.CodeHash) {
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.DeviceInvited{
		DeviceID: c.DeviceID, WorkID: c.Place.WorkID, Station: c.Place.Station, Site: c.Place.Site, Replaces: c.Replaces,
		CodeHash: c.CodeHash, InvitedAt: c.InvitedAt.UTC(), InvitedBy: c.InvitedBy, ExpiresAt: c.InvitedAt.UTC().Add(CodeLasts),
	}}, nil
}

// decide answers a repetition with nothing, and everything else that is wrong with
// the code alike: who guesses learns nothing.
func (c Enrol) decide(s State) ([]eventschema.Event, error) {
	invited, known := s.devices[c.DeviceID]
	switch {
	case !known || invited.CodeHash == "" || invited.CodeHash != c.CodeHash:
		return nil, ErrCode
	case invited.Enrolled() && invited.PublicKey == c.PublicKey:
		return nil, nil
	case invited.Enrolled() || invited.Revoked || !c.EnrolledAt.Before(invited.ExpiresAt):
		return nil, ErrCode
	}
	place := Place{WorkID: invited.WorkID, Station: invited.Station, Site: invited.Site}
	return s.enrol(c.DeviceID, place, invited.Replaces, c.PublicKey, invited.InvitedBy, c.EnrolledAt)
}

func (c Admit) decide(s State) ([]eventschema.Event, error) {
	if err := s.mayAdd(c.DeviceID, c.Place, c.Replaces, c.AdmittedBy, c.AdmittedAt); err != nil {
		return nil, err
	}
	return s.enrol(c.DeviceID, c.Place, c.Replaces, c.PublicKey, c.AdmittedBy, c.AdmittedAt)
}

// enrol revokes what the device replaces, before it.
func (s State) enrol(id uuid.UUID, place Place, replaces uuid.UUID, key string, by uuid.UUID, at time.Time) ([]eventschema.Event, error) {
	if !isHex(key) {
		return nil, ErrPublicKey
	}
	for _, other := range s.devices {
		if other.PublicKey == key {
			return nil, ErrKeyUsed
		}
	}
	var events []eventschema.Event
	if former, known := s.devices[replaces]; known && !former.Revoked {
		events = append(events, &eventschema.DeviceRevoked{
			DeviceID: replaces, WorkID: former.WorkID, Reason: eventschema.RevokedReplaced, RevokedAt: at.UTC(), RevokedBy: by,
		})
	}
	return append(events, &eventschema.DeviceEnrolled{
		DeviceID: id, WorkID: place.WorkID, Station: place.Station, Site: place.Site, PublicKey: key, Replaces: replaces,
		EnrolledAt: at.UTC(), EnrolledBy: by,
	}), nil
}

func (c Revoke) decide(s State) ([]eventschema.Event, error) {
	device, known := s.devices[c.DeviceID]
	switch {
	case !known:
		return nil, ErrUnknown
	case device.Revoked:
		return nil, nil
	case c.RevokedBy == uuid.Nil:
		return nil, ErrNoActor
	case !slices.Contains(eventschema.RevocationReasons(), c.Reason):
		return nil, ErrReason
	}
	return []eventschema.Event{&eventschema.DeviceRevoked{
		DeviceID: c.DeviceID, WorkID: device.WorkID, Reason: c.Reason, RevokedAt: c.RevokedAt.UTC(), RevokedBy: c.RevokedBy,
	}}, nil
}

// mayAdd says whether the owner may have one more device.
func (s State) mayAdd(id uuid.UUID, place Place, replaces, by uuid.UUID, at time.Time) error {
	_, exists := s.devices[id]
	former, known := s.devices[replaces]
	switch {
	case exists || id == uuid.Nil:
		return ErrExists
	case by == uuid.Nil:
		return ErrNoActor
	case place.WorkID == uuid.Nil && place.Station == PhoneStation:
		return ErrOwner
	case place.WorkID != uuid.Nil && (place.Station != PhoneStation || place.Site != ""):
		return ErrOwner
	case !isStation(place.Station):
		return ErrStation
	case place.Site != "" && !domain.IsCode(place.Site):
		return ErrSite
	case replaces != uuid.Nil && (!known || !former.Enrolled()):
		return ErrReplaces
	case s.inUse(at) >= MostPerOwner && (!known || former.Revoked):
		return ErrTooMany
	}
	return nil
}

// PhoneStation is the station of punches that somebody made on a phone of their own.
const PhoneStation = "app"

// inUse counts the devices that are enrolled, or still may be.
func (s State) inUse(at time.Time) int {
	n := 0
	for _, d := range s.devices {
		if !d.Revoked && (d.Enrolled() || at.Before(d.ExpiresAt)) {
			n++
		}
	}
	return n
}

func isStation(text string) bool {
	other := strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-", r)
	})
	return text != "" && len(text) <= 64 && !other
}

// isHex says whether a text is 32 bytes in lower-case hex.
func isHex(text string) bool {
	return len(text) == 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// evolve updates the map in place: a State belongs to one fold.
func evolve(s State, event eventschema.Event) State {
	switch e := event.(type) {
	case *eventschema.DeviceInvited:
		s.devices[e.DeviceID] = Device{
			ID: e.DeviceID, WorkID: e.WorkID, Station: e.Station, Site: e.Site, Replaces: e.Replaces,
			CodeHash: e.CodeHash, InvitedBy: e.InvitedBy, ExpiresAt: e.ExpiresAt,
		}
	case *eventschema.DeviceEnrolled:
		d := s.devices[e.DeviceID]
		d.ID, d.WorkID, d.Station, d.Site, d.Replaces, d.PublicKey = e.DeviceID, e.WorkID, e.Station, e.Site, e.Replaces, e.PublicKey
		s.devices[e.DeviceID] = d
	case *eventschema.PermissionsReported:
		d := s.devices[e.DeviceID]
		d.ID, d.Permissions = e.DeviceID, e.Permissions
		s.devices[e.DeviceID] = d
	case *eventschema.DeviceRevoked:
		d := s.devices[e.DeviceID]
		d.ID, d.Revoked = e.DeviceID, true
		s.devices[e.DeviceID] = d
	}
	return s
}
