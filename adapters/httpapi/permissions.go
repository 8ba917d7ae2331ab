package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// PermissionsBody reports what became of the permissions of an install.
type PermissionsBody struct {
	WorkID      ID                       `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11" doc:"Whose phone it is."`
	Permissions []ReportedPermissionBody `json:"permissions" minItems:"1" maxItems:"5" doc:"What is left out stays as it was reported."`
}

// ReportedPermissionBody is one of them.
type ReportedPermissionBody struct {
	Permission string `json:"permission" enum:"camera,location,storage,notifications,network" example:"location"`
	State      string `json:"state" enum:"granted,denied,not_asked" example:"denied"`
}

// ManifestBody is the permissions of one device.
type ManifestBody struct {
	DeviceID    string           `json:"device_id" format:"uuid"`
	WorkID      *string          `json:"work_id,omitempty" format:"uuid"`
	ReportedAt  string           `json:"reported_at" format:"date-time" example:"2026-03-02T09:30:00Z"`
	Permissions []PermissionBody `json:"permissions"`
}

// PermissionBody is one permission and what it is for.
type PermissionBody struct {
	Permission  string `json:"permission" enum:"camera,location,storage,notifications,network" example:"location"`
	State       string `json:"state" enum:"granted,denied,not_asked" example:"denied"`
	Purpose     string `json:"purpose" doc:"A code, as the report had it." example:"site_attendance"`
	Explanation string `json:"explanation"`
	Without     string `json:"without" doc:"What still works when it is denied."`
}

// ManifestsOf shows permissions, device by device.
func ManifestsOf(rows []projections.DevicePermission) []ManifestBody {
	manifests := []ManifestBody{}
	for _, row := range rows {
		if n := len(manifests); n == 0 || manifests[n-1].DeviceID != row.DeviceID.String() {
			manifests = append(manifests, ManifestBody{DeviceID: row.DeviceID.String(), WorkID: optionalID(row.WorkID), ReportedAt: rfc3339(row.ReportedAt)})
		}
		body := PermissionBody{Permission: string(row.Permission), State: string(row.State), Purpose: row.Purpose}
		for _, p := range eventschema.Permissions() {
			if p.Permission == row.Permission {
				body.Explanation, body.Without = p.Explained, p.Without
			}
		}
		last := &manifests[len(manifests)-1]
		last.Permissions = append(last.Permissions, body)
	}
	return manifests
}

type manifestsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Devices       []ManifestBody `json:"devices"`
		NextPageToken string         `json:"next_page_token,omitempty"`
	}
}

func (a *API) registerPermissions(api huma.API) {
	huma.Register(api, a.operation("report-permissions", http.MethodPost, "/v1/devices/{device_id}/permissions", "Devices", "Report the permissions of a phone",
		"What the app was granted, what it was denied, and what it never asked for. Each is kept with what it is asked for."),
		func(ctx context.Context, in *struct {
			Once
			DeviceID ID `path:"device_id"`
			Body     PermissionsBody
		}) (*changedAnswer, error) {
			states := map[eventschema.Permission]eventschema.PermissionVerdict{}
			for i, p := range in.Body.Permissions {
				if _, twice := states[eventschema.Permission(p.Permission)]; twice {
					return nil, invalid("/permissions/"+strconv.Itoa(i), "twice", "each permission once")
				}
				states[eventschema.Permission(p.Permission)] = eventschema.PermissionVerdict(p.State)
			}
			return changed(a.inside.Devices.ReportPermissions(ctx, intent(ctx), PermissionReport{
				DeviceID: in.DeviceID.id(), Work: in.Body.WorkID.id(), States: states, At: a.now(),
			}))
		})
	huma.Register(api, a.operation("list-permissions", http.MethodGet, "/v1/devices/permissions", "Devices", "What the app may do on which phone, and what for",
		"By device id. A worker sees their own phones."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			WorkID ID `query:"work_id" doc:"Those of one work record only."`
		}) (*manifestsAnswer, error) {
			return a.listPermissions(ctx, in.Paging, in.WorkID)
		})
}

func (a *API) listPermissions(ctx context.Context, paging Paging, work ID) (*manifestsAnswer, error) {
	asks := asking(ctx, "list-permissions", "work_id", string(work))
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Devices.Permissions(ctx, caller(ctx), work.id(), after)
	if err != nil {
		return nil, problemOf(err)
	}
	page, last, more := pageOf(rows, uuid.Nil, paging.Size, func(p projections.DevicePermission) uuid.UUID { return p.DeviceID })
	answer := &manifestsAnswer{}
	answer.Body.Devices = ManifestsOf(page)
	if more {
		return answer, a.nextID(asks, paging, last, asks.filter, &answer.Link, &answer.Body.NextPageToken)
	}
	return answer, nil
}
