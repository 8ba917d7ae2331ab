package device_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/domain/device"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

var (
	phone   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	newer   = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0802")
	work    = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e03")
	officer = uuid.MustParse("c0a80101-0000-4000-8000-000000000004")
	noon    = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

	codeHash, otherHash = strings.Repeat("c0de", 16), strings.Repeat("beef", 16)
	key, otherKey       = strings.Repeat("a1", 32), strings.Repeat("b2", 32)

	mine = device.Place{WorkID: work, Station: device.PhoneStation}
	gate = device.Place{Station: "gate-1", Site: "harbor_st"}

	invite = device.Invite{DeviceID: phone, Place: mine, CodeHash: codeHash, InvitedBy: work, InvitedAt: noon}
	enrol  = device.Enrol{DeviceID: phone, CodeHash: codeHash, PublicKey: key, EnrolledAt: noon.Add(time.Hour)}
	admit  = device.Admit{DeviceID: phone, Place: gate, PublicKey: key, AdmittedBy: officer, AdmittedAt: noon}
	revoke = device.Revoke{DeviceID: phone, Reason: eventschema.RevokedLost, RevokedBy: officer, RevokedAt: noon.Add(2 * time.Hour)}

	wasInvited = &eventschema.DeviceInvited{
		DeviceID: phone, WorkID: work, Station: "app", CodeHash: codeHash, InvitedAt: noon, InvitedBy: work, ExpiresAt: noon.Add(24 * time.Hour),
	}
	wasEnrolled = &eventschema.DeviceEnrolled{
		DeviceID: phone, WorkID: work, Station: "app", PublicKey: key, EnrolledAt: noon.Add(time.Hour), EnrolledBy: work,
	}
	wasAdmitted = &eventschema.DeviceEnrolled{
		DeviceID: phone, Station: "gate-1", Site: "harbor_st", PublicKey: key, EnrolledAt: noon, EnrolledBy: officer,
	}
	wasRevoked = &eventschema.DeviceRevoked{
		DeviceID: phone, WorkID: work, Reason: eventschema.RevokedLost, RevokedAt: noon.Add(2 * time.Hour), RevokedBy: officer,
	}
	newerInvited = &eventschema.DeviceInvited{
		DeviceID: newer, WorkID: work, Station: "app", Replaces: phone, CodeHash: otherHash, InvitedAt: noon, InvitedBy: work, ExpiresAt: noon.Add(24 * time.Hour),
	}
)

type kase = domaintest.Case[device.Command]

func past(events ...eventschema.Event) []eventschema.Event { return events }

func changed[T any](value T, change func(*T)) T {
	change(&value)
	return value
}

// altered is another event like one.
func altered[T any](event *T, change func(*T)) *T {
	other := *event
	change(&other)
	return &other
}

// invitedOften is as many open invitations as one owner may have.
func invitedOften() (events []eventschema.Event) {
	for i := range device.MostPerOwner {
		events = append(events, altered(wasInvited, func(e *eventschema.DeviceInvited) { e.DeviceID = uuid.NewSHA1(phone, fmt.Append(nil, i)) }))
	}
	return events
}

func TestInvite(t *testing.T) {
	again := changed(invite, func(i *device.Invite) { i.DeviceID, i.Replaces, i.CodeHash = newer, phone, otherHash })
	domaintest.Run(t, device.Decider(), map[string]kase{
		"a worker makes a code for their phone":          {When: invite, Then: past(wasInvited)},
		"for an install that takes the place of another": {Given: past(wasInvited, wasEnrolled), When: again, Then: past(newerInvited)},
		"also of one that was revoked":                   {Given: past(wasInvited, wasEnrolled, wasRevoked), When: again, Then: past(newerInvited)},
		"not of one that never enrolled":                 {Given: past(wasInvited), When: again, Refused: device.ErrReplaces},
		"nor of one of somebody else":                    {When: again, Refused: device.ErrReplaces},
		"an id is used once":                             {Given: past(wasInvited), When: invite, Refused: device.ErrExists},
		"somebody must answer for it":                    {When: changed(invite, func(i *device.Invite) { i.InvitedBy = uuid.Nil }), Refused: device.ErrNoActor},
		"a device of nobody at no station":               {When: changed(invite, func(i *device.Invite) { i.Place = device.Place{Station: "app"} }), Refused: device.ErrOwner},
		"a phone is not a station":                       {When: changed(invite, func(i *device.Invite) { i.Place.Station = "gate-1" }), Refused: device.ErrOwner},
		"a station is not written in free text":          {When: changed(invite, func(i *device.Invite) { i.Place = device.Place{Station: "Ada's desk"} }), Refused: device.ErrStation},
		"nor a site":                                     {When: changed(invite, func(i *device.Invite) { i.Place = device.Place{Station: "gate-1", Site: "Harbor St"} }), Refused: device.ErrSite},
		"no code":                                        {When: changed(invite, func(i *device.Invite) { i.CodeHash = "" }), Refused: device.ErrCode},
		"as many as one owner may have":                  {Given: invitedOften(), When: invite, Refused: device.ErrTooMany},
		"codes that are too old count no longer": {Given: invitedOften(), When: changed(invite, func(i *device.Invite) { i.InvitedAt = noon.Add(24 * time.Hour) }), Then: past(altered(wasInvited, func(e *eventschema.DeviceInvited) {
			e.InvitedAt, e.ExpiresAt = noon.Add(24*time.Hour), noon.Add(48*time.Hour)
		}))},
		"a command that nobody wrote": {When: nil, Refused: domain.ErrUnknownCommand},
	})
}

// promise: ST-55
func TestEnrol(t *testing.T) {
	second := device.Enrol{DeviceID: newer, CodeHash: otherHash, PublicKey: otherKey, EnrolledAt: noon.Add(2 * time.Hour)}
	replaced := altered(wasRevoked, func(e *eventschema.DeviceRevoked) { e.Reason, e.RevokedBy = eventschema.RevokedReplaced, work })
	newerEnrolled := &eventschema.DeviceEnrolled{
		DeviceID: newer, WorkID: work, Station: "app", PublicKey: otherKey, Replaces: phone, EnrolledAt: noon.Add(2 * time.Hour), EnrolledBy: work,
	}
	domaintest.Run(t, device.Decider(), map[string]kase{
		"who has the code enrols a key":                     {Given: past(wasInvited), When: enrol, Then: past(wasEnrolled)},
		"the same again changes nothing":                    {Given: past(wasInvited, wasEnrolled), When: enrol},
		"a code is good once":                               {Given: past(wasInvited, wasEnrolled), When: changed(enrol, func(e *device.Enrol) { e.PublicKey = otherKey }), Refused: device.ErrCode},
		"and for a day":                                     {Given: past(wasInvited), When: changed(enrol, func(e *device.Enrol) { e.EnrolledAt = noon.Add(24 * time.Hour) }), Refused: device.ErrCode},
		"and not when it was taken back":                    {Given: past(wasInvited, wasRevoked), When: enrol, Refused: device.ErrCode},
		"another code":                                      {Given: past(wasInvited), When: changed(enrol, func(e *device.Enrol) { e.CodeHash = otherHash }), Refused: device.ErrCode},
		"no code, for a device that was enrolled without":   {Given: past(wasAdmitted), When: changed(enrol, func(e *device.Enrol) { e.CodeHash = "" }), Refused: device.ErrCode},
		"a device that nobody invited":                      {When: enrol, Refused: device.ErrCode},
		"a key that is none":                                {Given: past(wasInvited), When: changed(enrol, func(e *device.Enrol) { e.PublicKey = "a1" }), Refused: device.ErrPublicKey},
		"to enrol again revokes the former install with it": {Given: past(wasInvited, wasEnrolled, newerInvited), When: second, Then: past(replaced, newerEnrolled)},
		"unless it was revoked":                             {Given: past(wasInvited, wasEnrolled, newerInvited, wasRevoked), When: second, Then: past(newerEnrolled)},
		"and needs a new key": {
			Given: past(wasInvited, wasEnrolled, newerInvited), When: changed(second, func(e *device.Enrol) { e.PublicKey = key }), Refused: device.ErrKeyUsed,
		},
		"also when the former key was revoked": {
			Given: past(wasInvited, wasEnrolled, newerInvited, wasRevoked), When: changed(second, func(e *device.Enrol) { e.PublicKey = key }), Refused: device.ErrKeyUsed,
		},
	})
}

func TestAdmit(t *testing.T) {
	domaintest.Run(t, device.Decider(), map[string]kase{
		"an officer enrols a kiosk whose key they have": {When: admit, Then: past(wasAdmitted)},
		"an id is used once":                            {Given: past(wasAdmitted), When: admit, Refused: device.ErrExists},
		"with a key":                                    {When: changed(admit, func(a *device.Admit) { a.PublicKey = strings.ToUpper(key) }), Refused: device.ErrPublicKey},
		"of its own":                                    {Given: past(wasAdmitted), When: changed(admit, func(a *device.Admit) { a.DeviceID = newer }), Refused: device.ErrKeyUsed},
		"somebody must answer for it":                   {When: changed(admit, func(a *device.Admit) { a.AdmittedBy = uuid.Nil }), Refused: device.ErrNoActor},
	})
}

func TestRevoke(t *testing.T) {
	domaintest.Run(t, device.Decider(), map[string]kase{
		"a device is revoked":                {Given: past(wasInvited, wasEnrolled), When: revoke, Then: past(wasRevoked)},
		"and an invitation taken back":       {Given: past(wasInvited), When: revoke, Then: past(wasRevoked)},
		"twice changes nothing":              {Given: past(wasInvited, wasEnrolled, wasRevoked), When: revoke},
		"a device that is not there":         {When: revoke, Refused: device.ErrUnknown},
		"somebody must answer for it":        {Given: past(wasInvited), When: changed(revoke, func(r *device.Revoke) { r.RevokedBy = uuid.Nil }), Refused: device.ErrNoActor},
		"a reason nobody knows":              {Given: past(wasInvited), When: changed(revoke, func(r *device.Revoke) { r.Reason = "mood" }), Refused: device.ErrReason},
		"a reason that only enrolments have": {Given: past(wasInvited), When: changed(revoke, func(r *device.Revoke) { r.Reason = eventschema.RevokedReplaced }), Refused: device.ErrReason},
	})
}
