package device_test

import (
	"testing"

	"tracekeep/domain/device"
	"tracekeep/domain/domaintest"
	"tracekeep/eventschema"
)

// promise: ST-50
func TestPermissionsAreKeptWithWhatTheyAreFor(t *testing.T) {
	report := func(states map[eventschema.Permission]eventschema.PermissionVerdict) device.Report {
		return device.Report{DeviceID: phone, States: states, ReportedAt: noon, ReportedBy: work}
	}
	manifest := func(changed map[eventschema.Permission]eventschema.PermissionVerdict) *eventschema.PermissionsReported {
		e := &eventschema.PermissionsReported{DeviceID: phone, WorkID: work, ReportedAt: noon, ReportedBy: work}
		for _, p := range eventschema.Permissions() {
			state := eventschema.PermissionNotAsked
			if now, said := changed[p.Permission]; said {
				state = now
			}
			e.Permissions = append(e.Permissions, eventschema.PermissionState{Permission: p.Permission, State: state, Purpose: p.Purpose})
		}
		return e
	}
	denied := map[eventschema.Permission]eventschema.PermissionVerdict{eventschema.PermissionLocation: eventschema.PermissionDenied}
	both := map[eventschema.Permission]eventschema.PermissionVerdict{eventschema.PermissionLocation: eventschema.PermissionDenied, eventschema.PermissionCamera: eventschema.PermissionGranted}
	domaintest.Run(t, device.Decider(), map[string]kase{
		"every permission stands in the first report": {Given: past(wasEnrolled), When: report(denied), Then: []eventschema.Event{manifest(denied)}},
		"the same again is no news":                   {Given: past(wasEnrolled, manifest(denied)), When: report(denied)},
		"what is left out stays as it was":            {Given: past(wasEnrolled, manifest(denied)), When: report(map[eventschema.Permission]eventschema.PermissionVerdict{eventschema.PermissionCamera: eventschema.PermissionGranted}), Then: []eventschema.Event{manifest(both)}},
		"of a device nobody knows":                    {When: report(denied), Refused: device.ErrUnknown},
		"of one that was revoked":                     {Given: past(wasEnrolled, wasRevoked), When: report(denied), Refused: device.ErrRevoked},
		"nothing is no report":                        {Given: past(wasEnrolled), When: report(nil), Refused: device.ErrPermission},
		"a permission that is none":                   {Given: past(wasEnrolled), When: report(map[eventschema.Permission]eventschema.PermissionVerdict{"contacts": eventschema.PermissionGranted}), Refused: device.ErrPermission},
		"a state that is none":                        {Given: past(wasEnrolled), When: report(map[eventschema.Permission]eventschema.PermissionVerdict{eventschema.PermissionCamera: "maybe"}), Refused: device.ErrVerdict},
	})
}

// promise: ST-50
func TestEveryPermissionHasAPurpose(t *testing.T) {
	if len(eventschema.Permissions()) != 5 {
		t.Errorf("%d permissions", len(eventschema.Permissions()))
	}
	for _, p := range eventschema.Permissions() {
		if p.Purpose == "" || p.Explained == "" || p.Without == "" {
			t.Errorf("%s is asked for nothing", p.Permission)
		}
	}
}
