package main

import (
	"context"
	"errors"

	"tracekeep/cmd/internal/app"
)

type keysCommand struct {
	Status       keysStatus       `cmd:"" help:"Say how the epochs of keys stand, and when an erasure is final."`
	Rotate       keysRotate       `cmd:"" help:"Begin the next epoch, move every key to it and retire the old one."`
	Escrow       keysEscrow       `cmd:"" help:"Make a locked copy of the epoch keys outside the store, or destroy one."`
	VerifyBackup keysVerifyBackup `cmd:"" name:"verify-backup" help:"Open every key with an escrow, or in a restored copy of the key store."`
	Recover      keysRecover      `cmd:"" help:"Bring a lost provider key back from an escrow."`
}

// Help implements kong's help provider.
func (keysCommand) Help() string {
	return `Every key of a person is wrapped under the key of an epoch, and that by a provider: a file in the data folder, or Vault or
OpenBao with --transit. Destroying a person's keys is effective at once. It is final when the epoch has retired: its provider
key is destroyed then, and every older copy of the key store is noise.

Whoever serves a data folder rotates by itself when an epoch is over. The file policy.json in the folder keys holds the
times: epoch_days (7), cooling_off_days (7), rotation_hours (24), backup_retention_days (14), limit_days (30),
retire_without_backup (false), rotate_by_itself (true). A policy under which an erasure could become final after the limit
is refused at the start.

Examples:
  tracekeep keys status --data ./records
  tracekeep keys rotate --data ./records --escrow /mnt/safe/epoch-2.age --passphrase-file /mnt/safe/passphrase
  tracekeep keys escrow --data ./records /mnt/safe/keys.age --recipient age1pq1…
  tracekeep keys verify-backup --data ./records /mnt/safe/keys.age --passphrase-file /mnt/safe/passphrase

Exit code 4: the policy breaks the promise, a rotation is overdue, or a copy does not bring the keys back.`
}

type keysStatus struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (keysStatus) Help() string {
	return `Examples:
  tracekeep keys status --data ./records
  tracekeep keys status --data ./records --json

Exit code 4: the policy breaks the promise, or a rotation is overdue.`
}

// Run reports. A policy that the service refuses to start under is shown too.
func (c keysStatus) Run(ctx context.Context, t *terminal) error {
	policy, err := app.ReadKeyPolicy(c.Data)
	if err != nil {
		return err
	}
	report, broken := promiseOf(policy, c.config(t, nil).Reach())
	if broken == nil {
		err = c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error { return report.read(ctx, a, t.clock()) })
		if err != nil {
			return err
		}
	}
	if c.JSON {
		err = printJSON(t.out, report)
	} else {
		err = report.print(t)
	}
	if err != nil {
		return err
	}
	switch {
	case broken != nil:
		return &coded{code: exitDefect, err: broken}
	case report.Overdue:
		return &coded{code: exitDefect, err: errors.New("the rotation of the keys is overdue: run tracekeep keys rotate")}
	}
	return nil
}
