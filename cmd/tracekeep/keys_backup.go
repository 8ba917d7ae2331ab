package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
)

type keysVerifyBackup struct {
	dataFlags
	lockFlags
	File     string `arg:"" optional:"" help:"Escrow to verify." placeholder:"FILE" type:"existingfile"`
	Restored string `help:"Postgres into which a backup of the key store was restored, to verify that instead; it is only read." env:"TRACEKEEP_RESTORED_KEYS" placeholder:"URL"`
	JSON     bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (keysVerifyBackup) Help() string {
	return `A restore test: opens every living key of the newest epoch with the keys of an escrow and holds each against its check value.
With --restored it opens every key of a restored copy of the key store through the provider instead. An old epoch retires
after such a test only.

Examples:
  tracekeep keys verify-backup --data ./records /mnt/safe/keys.age --passphrase-file /mnt/safe/passphrase
  tracekeep keys verify-backup --data ./records --restored postgres://localhost/keys_restored

Exit code 4: the copy does not bring the keys back.`
}

// Run verifies.
func (c keysVerifyBackup) Run(ctx context.Context, t *terminal) error {
	if (c.File == "") == (c.Restored == "") {
		return &coded{code: exitUsage, err: errors.New("name an escrow, or a database with --restored")}
	}
	var safe keyring.Safe
	var file []byte
	if c.File != "" {
		var err error
		if safe, err = c.open(); err != nil {
			return err
		}
		if file, err = os.ReadFile(c.File); err != nil {
			return fmt.Errorf("read the escrow: %w", err)
		}
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		steps := &stepBars{t: t}
		progress := func(done, all int64) { steps.show("opening keys", done, all) }
		var tests []keyring.RestoreTest
		var retired []int
		var err error
		if c.Restored != "" {
			tests, err = a.VerifyRestored(ctx, c.config(t, nil), c.Restored, progress)
		} else {
			var test keyring.RestoreTest
			test, retired, err = a.Keys().VerifyEscrow(ctx, safe, file, progress)
			tests = append(tests, test)
		}
		steps.finish()
		if err != nil {
			return &coded{code: exitDefect, err: err}
		}
		return c.print(t, tests, retired)
	})
}

func (c keysVerifyBackup) print(t *terminal, tests []keyring.RestoreTest, retired []int) error {
	if c.JSON {
		type tested struct {
			Epoch int    `json:"epoch"`
			From  string `json:"from"`
			Keys  int    `json:"keys"`
		}
		all := []tested{}
		for _, test := range tests {
			all = append(all, tested(test))
		}
		return printJSON(t.out, map[string]any{"restores": true, "tests": all, "holds_retired_epochs": append([]int{}, retired...)})
	}
	for _, test := range tests {
		_, _ = fmt.Fprintf(t.out, "epoch %d: all %d keys opened from %s\n", test.Epoch, test.Keys, test.From)
	}
	if len(retired) > 0 {
		_, _ = fmt.Fprintf(t.out, "it still holds the retired epochs %v, with which older copies of the key store open: destroy it\n", retired)
	}
	return nil
}

type keysRecover struct {
	dataFlags
	lockFlags
	File string `arg:"" help:"Escrow to recover from." placeholder:"FILE" type:"existingfile"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (keysRecover) Help() string {
	return `When a provider key is lost, the service does not start. This opens each key of the epoch with the escrow first, and then wraps
the epoch under a new key of the provider. Nobody may serve the data folder meanwhile. What was erased stays erased, and a
retired epoch is not brought back.

Example:
  tracekeep keys recover --data ./records /mnt/safe/keys.age --passphrase-file /mnt/safe/passphrase`
}

// Run recovers.
func (c keysRecover) Run(ctx context.Context, t *terminal) (err error) {
	safe, err := c.open()
	if err != nil {
		return err
	}
	file, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("read the escrow: %w", err)
	}
	log, closeLog, err := folderLog(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	recovered, err := app.RecoverKeys(ctx, c.config(t, log), safe, file)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"recovered_epochs": append([]int{}, recovered...)})
	}
	if len(recovered) == 0 {
		_, err = fmt.Fprintln(t.out, "nothing was recovered: the provider opens every epoch that the escrow holds")
		return err
	}
	_, err = fmt.Fprintf(t.out, "epochs %v have a new provider key; the escrow is still one of them: verify it or destroy it\n", recovered)
	return err
}
