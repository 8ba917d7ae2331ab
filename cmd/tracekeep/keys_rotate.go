package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
)

type keysRotate struct {
	dataFlags
	lockFlags
	Until         string `help:"Last step: create, rewrap, tokens, restore-test or retire. Called again, the rotation goes on." enum:"create,rewrap,tokens,restore-test,retire" default:"retire"`
	Escrow        string `help:"Make and verify an escrow of the new epoch in this file before the old one retires." placeholder:"FILE" xor:"copy"`
	WithoutBackup bool   `help:"Retire the old epoch although nobody has verified a copy of the new one: the provider keeps the only one." xor:"copy"`
	DestroyOld    bool   `name:"destroy-old-escrows" help:"Overwrite and remove the escrows that hold the old epoch, at their places."`
	ForgetTokens  bool   `help:"Delete tokens whose value nobody gave again; who is known by such a badge alone is unknown by it then."`
	JSON          bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (keysRotate) Help() string {
	return `Makes the next epoch, moves every key to it, makes the blind-index tokens again, opens every key anew from the provider,
and retires the old epoch: its provider key is destroyed, and erasures under it are final. Everything goes on being served
meanwhile, and a rotation that was interrupted anywhere goes on where it stopped.

The old epoch retires when a copy of the new one was verified (--escrow, or tracekeep keys escrow and verify-backup), and no
escrow of the old one is left. --without-backup is for whoever backs the provider up, or nothing.

Examples:
  tracekeep keys rotate --data ./records --without-backup
  tracekeep keys rotate --data ./records --escrow /mnt/safe/next.age --identity-file /mnt/safe/identity
  tracekeep keys rotate --data ./records --until restore-test`
}

// rotationReport is what a rotation did.
type rotationReport struct {
	Epoch      int                `json:"epoch"`
	Created    bool               `json:"created"`
	Moved      int64              `json:"keys_moved"`
	TokensLeft int                `json:"tokens_left"`
	Tested     int                `json:"keys_tested"`
	Escrow     *uuid.UUID         `json:"escrow,omitempty"`
	Retired    []retirementReport `json:"retired"`
}

// Run rotates.
func (c keysRotate) Run(ctx context.Context, t *terminal) error {
	var safe keyring.Safe
	if c.Escrow != "" {
		var err error
		if safe, err = c.both(); err != nil {
			return err
		}
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		var report rotationReport
		steps := &stepBars{t: t}
		options := keyring.RotateOptions{
			Until:         keyring.RotationStep(c.Until),
			RetireOptions: keyring.RetireOptions{WithoutBackup: c.WithoutBackup || a.KeyPolicy().RetireWithoutBackup, ForgetTokens: c.ForgetTokens},
			Progress:      steps.show,
			BeforeRetiring: func(ctx context.Context) error {
				if c.Escrow != "" {
					id, err := escrowAndVerify(ctx, a.Keys(), safe, c.Escrow)
					if err != nil {
						return err
					}
					report.Escrow = &id
				}
				if c.DestroyOld {
					return destroyOldEscrows(ctx, a.Keys())
				}
				return nil
			},
		}
		done, err := a.Keys().Rotate(ctx, options)
		steps.finish()
		report.Epoch, report.Created, report.Moved, report.TokensLeft, report.Tested = done.Epoch, done.Created, done.Moved, done.TokensLeft, done.Test.Keys
		for _, r := range done.Retired {
			report.Retired = append(report.Retired, retirementOf(r))
		}
		if c.JSON {
			err = errors.Join(err, printJSON(t.out, report))
		} else {
			report.print(t)
		}
		return err
	})
}

func (r rotationReport) print(t *terminal) {
	if r.Epoch == 0 {
		return
	}
	began := "goes on"
	if r.Created {
		began = "is new"
	}
	_, _ = fmt.Fprintf(t.out, "epoch %d %s: %d keys moved, %d tested, %d tokens left\n", r.Epoch, began, r.Moved, r.Tested, r.TokensLeft)
	if r.Escrow != nil {
		_, _ = fmt.Fprintf(t.out, "escrow %s of epoch %d was made and verified\n", r.Escrow, r.Epoch)
	}
	for _, old := range r.Retired {
		_, _ = fmt.Fprintf(t.out, "epoch %d is retired: provider key %s is destroyed (%s), erasures of %d keys are final from %s, receipt %s\n",
			old.Epoch, dash(old.Key), old.Reaches, old.Destroyed, old.FinalAt.Format("2006-01-02 15:04 MST"), old.Hash)
	}
}

// stepBars shows one bar after the other.
type stepBars struct {
	t    *terminal
	step keyring.RotationStep
	bar  *bar
}

func (s *stepBars) show(step keyring.RotationStep, done, all int64) {
	if step != s.step {
		s.finish()
		s.step, s.bar = step, newBar(s.t, string(step), all, false)
	}
	s.bar.set(done)
}

func (s *stepBars) finish() {
	if s.bar != nil {
		s.bar.finish()
	}
}

// destroyOldEscrows destroys, at their places, the escrows of every epoch but
// the newest.
func destroyOldEscrows(ctx context.Context, keys *keyring.Keyring) error {
	epochs, err := keys.Epochs(ctx)
	if err != nil || len(epochs) == 0 {
		return err
	}
	newest := epochs[len(epochs)-1].Epoch
	escrows, err := keys.Escrows(ctx)
	if err != nil {
		return err
	}
	for _, e := range escrows {
		old := slices.ContainsFunc(e.Epochs, func(number int) bool { return number < newest })
		if !old || !e.DestroyedAt.IsZero() {
			continue
		}
		if err := keys.DestroyEscrow(ctx, e.ID, false); err != nil {
			return err
		}
	}
	return nil
}
