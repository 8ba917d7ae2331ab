package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type devicesCommand struct {
	Invite      devicesInvite      `cmd:"" help:"Make a code with which one install enrols: a worker's phone, or a kiosk."`
	Enrol       devicesEnrol       `cmd:"" help:"Enrol an install whose public key you have, without a code."`
	Revoke      devicesRevoke      `cmd:"" help:"Take nothing from a device any more; what it recorded stays."`
	Permissions devicesPermissions `cmd:"" help:"List what the app may do on which phone, and what for; or keep a report of it."`
	List        devicesList        `cmd:"" help:"List the devices, and what each sent."`
	Late        devicesLate        `cmd:"" help:"List punches of devices and terminals that came late or are doubtful."`
	Conflicts   devicesConflicts   `cmd:"" help:"List punches that contradict what was entered or corrected by hand."`
	Refused     devicesRefused     `cmd:"" help:"List what devices claimed and could not be recorded."`
	Missing     devicesMissing     `cmd:"" help:"List the gaps in what devices sent."`
	SealingKey  devicesSealingKey  `cmd:"" name:"sealing-key" help:"Show the key that batches are sealed to, or make a new one."`
	Seal        devicesSeal        `cmd:"" help:"Seal and sign a batch as a device does, to try an app with."`
}

// Help implements kong's help provider.
func (devicesCommand) Help() string {
	return `An enrolled device keeps punches while it is offline and sends them later in batches, sealed to this installation and signed by
the key of the install. Batches may come in any order and more than once. Nothing of them is dropped: what comes late, contradicts a
clock or an entry, or is refused is listed, and put right with tracekeep corrections. The format is in adapters/devicebatch.

A device is one install. When an app is installed again, invite it with --replaces: as it enrols, the former install is revoked.
What kind of device it is, and what runs on it, is not kept; what its owner lets the app do there is (tracekeep devices permissions).

Examples:
  tracekeep devices invite --data ./records --work 7d0c… --officer 6d1e…
  tracekeep devices invite --data ./records --station gate-1 --site harbor_st --replaces 91aa… --officer 6d1e…
  tracekeep devices enrol --data ./records --station gate-1 --public-key d75a9801… --officer 6d1e…
  tracekeep devices revoke --data ./records --device 91aa… --reason lost --officer 6d1e…
  tracekeep devices list --data ./records
  tracekeep devices late --data ./records --json
  tracekeep devices conflicts --data ./records
  tracekeep devices seal --make-key phone.key
  tracekeep devices seal --key phone.key --device 91aa… --sealing-key 8520f009… --in batch.json`
}

// deviceFlags say for whom a device is.
type deviceFlags struct {
	dataFlags
	Work     uuid.UUID `help:"Work id of the worker whose phone it is." xor:"owner" required:""`
	Station  string    `help:"Station of a kiosk, as its punches carry it." xor:"owner" required:"" placeholder:"CODE"`
	Site     string    `help:"Site of a kiosk." placeholder:"CODE"`
	Replaces uuid.UUID `help:"Device that is revoked when this one enrols."`
	Officer  uuid.UUID `help:"Id of the officer who answers for it." required:""`
	Key      string    `help:"Idempotency key: repeating the command with the same key has no second effect; default: drawn." placeholder:"KEY"`
	JSON     bool      `name:"json" help:"Print one JSON object."`
}

func (c deviceFlags) asks(a *app.App, t *terminal) (httpapi.Intent, httpapi.DeviceInvitation, error) {
	key, err := keyOrDrawn(c.Key, t)
	return httpapi.Intent{Principal: clerk(a, c.Officer), Key: key}, httpapi.DeviceInvitation{
		Work: c.Work, Station: c.Station, Site: c.Site, Replaces: c.Replaces, At: t.clock(),
	}, err
}

// keyOrDrawn is the idempotency key given, or a new one.
func keyOrDrawn(key string, t *terminal) (string, error) {
	if key != "" {
		return key, nil
	}
	id, err := uuid.NewRandomFromReader(t.random)
	return id.String(), err
}

type devicesInvite struct{ deviceFlags }

// Run invites a device.
func (c devicesInvite) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		intent, asks, err := c.asks(a, t)
		if err != nil {
			return err
		}
		got, err := a.InviteDevice(ctx, intent, asks)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"device_id": got.DeviceID, "code": got.Code, "expires_at": got.ExpiresAt, "repeated": got.Repeated})
		}
		if got.Code == "" {
			_, err = fmt.Fprintf(t.out, "device %s was invited before, and its code cannot be shown twice: invite it again with another --key\n", got.DeviceID)
			return err
		}
		_, err = fmt.Fprintf(t.out, "device %s may enrol once, until %s, with the code\n  %s\n", got.DeviceID, got.ExpiresAt.Format(time.RFC3339), got.Code)
		return err
	})
}

type devicesEnrol struct {
	deviceFlags
	PublicKey string `name:"public-key" help:"Ed25519 public key of the install, 64 hex digits." required:"" placeholder:"HEX"`
}

// Run enrols a device.
func (c devicesEnrol) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		intent, asks, err := c.asks(a, t)
		if err != nil {
			return err
		}
		got, id, err := a.AdmitDevice(ctx, intent, asks, c.PublicKey)
		if err != nil {
			return err
		}
		sealing := hex.EncodeToString(got.SealingKey.PublicKey)
		if c.JSON {
			return printJSON(t.out, map[string]any{"device_id": id, "station": got.Station, "sealing_key": got.SealingKey.ID, "sealing_public_key": sealing, "repeated": got.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "device %s is enrolled for station %s; it seals to %s\n", id, got.Station, sealing)
		return err
	})
}

type devicesRevoke struct {
	dataFlags
	Device  uuid.UUID `help:"Device id; tracekeep devices list shows them." required:""`
	Reason  string    `help:"lost, compromised, left or retired." enum:"lost,compromised,left,retired" required:""`
	Officer uuid.UUID `help:"Id of the officer who answers for it." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// Run revokes a device.
func (c devicesRevoke) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		receipt, err := a.RevokeDevice(ctx, httpapi.Intent{Principal: clerk(a, c.Officer), Key: "revoke " + c.Device.String()}, httpapi.DeviceRevocation{
			DeviceID: c.Device, Reason: eventschema.RevocationReason(c.Reason), At: t.clock(),
		})
		if errors.Is(err, httpapi.ErrNotFound) {
			return fmt.Errorf("there is no device %s", c.Device)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"device_id": c.Device, "already": receipt.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "device %s is revoked\n", c.Device)
		return err
	})
}

type devicesSealingKey struct {
	dataFlags
	Rotate bool `help:"Make a new key. What is sealed to the one before opens for another 90 days."`
	JSON   bool `name:"json" help:"Print one JSON object."`
}

// Run shows the sealing key.
func (c devicesSealingKey) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		look := a.SealingKey
		if c.Rotate {
			look = a.RotateSealingKey
		}
		key, err := look(ctx)
		if err != nil {
			return err
		}
		public := hex.EncodeToString(key.PublicKey)
		if c.JSON {
			return printJSON(t.out, map[string]any{"id": key.ID, "public_key": public, "made_at": key.MadeAt})
		}
		_, err = fmt.Fprintf(t.out, "batches are sealed to key %s of %s\n  %s\n", key.ID, key.MadeAt.Format(time.DateOnly), public)
		return err
	})
}
