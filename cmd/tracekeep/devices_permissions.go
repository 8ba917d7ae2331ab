package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type devicesPermissions struct {
	dataFlags
	Work   uuid.UUID         `help:"Those of one work record only; required to report." placeholder:"ID"`
	Device uuid.UUID         `help:"The device that --report is about." placeholder:"ID"`
	Report map[string]string `help:"Keep what became of a permission, for the phone of the work record: camera, location, storage, notifications or network, and granted, denied or not_asked; may be repeated." placeholder:"PERMISSION=STATE"`
	JSON   bool              `name:"json" help:"Print one JSON object for each device."`
}

// Help implements kong's help provider.
func (devicesPermissions) Help() string {
	return `An app reports what its phone lets it do, over the API with the token of its owner. Each permission is kept with what it is asked
for. The owner sees it, HR, auditors, and administrators, who see nothing of what was done with it.

Examples:
  tracekeep devices permissions --data ./records
  tracekeep devices permissions --data ./records --work 3f0a… --json
  tracekeep devices permissions --data ./records --work 3f0a… --device 91bc… --report location=denied --report camera=not_asked`
}

// Run lists permissions, behind a report where one is made.
func (c devicesPermissions) Run(ctx context.Context, t *terminal) error {
	if reports := len(c.Report) > 0; reports != (c.Device != uuid.Nil) || reports && c.Work == uuid.Nil {
		return &coded{code: exitUsage, err: fmt.Errorf("--report goes with --device and --work")}
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		if len(c.Report) > 0 {
			if err := c.report(ctx, t, a); err != nil {
				return err
			}
		}
		found, err := a.Permissions(ctx, operator(a), c.Work, uuid.Nil)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, manifest := range httpapi.ManifestsOf(found) {
			if c.JSON {
				if err := printJSON(t.out, manifest); err != nil {
					return err
				}
				continue
			}
			for _, p := range manifest.Permissions {
				rows = append(rows, []string{manifest.DeviceID, p.Permission, p.State, p.Explanation, p.Without})
			}
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "DEVICE|PERMISSION|STATE|WHAT FOR|WITHOUT IT", rows)
	})
}

func (c devicesPermissions) report(ctx context.Context, t *terminal, a *app.App) error {
	id, err := uuid.NewRandomFromReader(t.random)
	if err != nil {
		return err
	}
	states := map[eventschema.Permission]eventschema.PermissionVerdict{}
	for permission, state := range c.Report {
		states[eventschema.Permission(permission)] = eventschema.PermissionVerdict(state)
	}
	_, err = a.ReportPermissions(ctx, httpapi.Intent{Principal: operator(a), Key: "permissions " + id.String()}, httpapi.PermissionReport{
		DeviceID: c.Device, Work: c.Work, States: states, At: t.clock(),
	})
	if err != nil {
		return err
	}
	return a.CatchUp(ctx, nil)
}
