package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/cmd/internal/app"
)

// lockFlags say how an escrow is locked and opened. Secrets come from files,
// never from arguments.
type lockFlags struct {
	PassphraseFile string `help:"File of the passphrase that locks and opens the escrow, at least 16 characters." placeholder:"FILE" xor:"lock"`
	Recipient      string `help:"Lock for the holder of this key (age1pq1…, from age-keygen -pq)." placeholder:"KEY" xor:"lock"`
	RecipientFile  string `help:"The same, from a file." placeholder:"FILE" xor:"lock"`
	IdentityFile   string `help:"File of the age identity that opens what is locked for its recipient." placeholder:"FILE"`
}

var errNoLock = errors.New("say how the escrow is locked: --passphrase-file, --recipient or --recipient-file")

// lock answers what an escrow is locked with.
func (f lockFlags) lock() (keyring.Safe, error) {
	switch {
	case f.PassphraseFile != "":
		return f.passphrase()
	case f.Recipient != "":
		return keyring.RecipientSafe(f.Recipient)
	case f.RecipientFile != "":
		text, err := os.ReadFile(f.RecipientFile)
		if err != nil {
			return keyring.Safe{}, fmt.Errorf("read the recipient: %w", err)
		}
		return keyring.RecipientSafe(string(text))
	case f.IdentityFile != "":
		return f.identity()
	}
	return keyring.Safe{}, errNoLock
}

// open answers what an escrow is opened with.
func (f lockFlags) open() (keyring.Safe, error) {
	switch {
	case f.PassphraseFile != "":
		return f.passphrase()
	case f.IdentityFile != "":
		return f.identity()
	}
	return keyring.Safe{}, errors.New("say how the escrow is opened: --passphrase-file or --identity-file")
}

// both answers what locks an escrow and opens it again at once.
func (f lockFlags) both() (keyring.Safe, error) {
	if f.PassphraseFile == "" && f.IdentityFile == "" {
		return keyring.Safe{}, errors.New("an escrow is verified when it is made: give --passphrase-file or --identity-file, which open it")
	}
	return f.open()
}

func (f lockFlags) passphrase() (keyring.Safe, error) {
	text, err := readSecret(f.PassphraseFile)
	if err != nil {
		return keyring.Safe{}, fmt.Errorf("read the passphrase: %w", err)
	}
	return keyring.PassphraseSafe(text, keyring.DefaultWork)
}

func (f lockFlags) identity() (keyring.Safe, error) {
	text, err := readSecret(f.IdentityFile)
	if err != nil {
		return keyring.Safe{}, fmt.Errorf("read the identity: %w", err)
	}
	return keyring.IdentitySafe(text)
}

// readSecret reads a file that others may not read.
func readSecret(name string) (string, error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s has mode %04o: it must be readable by its owner only (chmod 0600)", name, info.Mode().Perm())
	}
	text, err := os.ReadFile(name)
	return string(text), err
}

type keysEscrow struct {
	dataFlags
	lockFlags
	File    string    `arg:"" optional:"" help:"File to write; it must not exist." placeholder:"FILE" type:"path"`
	Destroy uuid.UUID `help:"Destroy this escrow instead: overwrite and remove its file, and take note." placeholder:"ID"`
	Gone    bool      `help:"With --destroy: the copy is not at its place, and whoever keeps it says that it is destroyed."`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (keysEscrow) Help() string {
	return `Writes the keys of the living epochs into an age file, locked with a passphrase or for a recipient. With it and the key store
every value that was not erased can be opened, whatever becomes of the provider: keep it apart from both.

As long as an escrow exists, a copy of the key store from before an erasure opens what was erased. An epoch therefore does not
retire, and its erasures are not final, before every escrow of it is destroyed; tracekeep keys status lists them.

Examples:
  tracekeep keys escrow --data ./records /mnt/safe/keys.age --passphrase-file /mnt/safe/passphrase
  tracekeep keys escrow --data ./records /mnt/safe/keys.age --recipient age1pq1…
  tracekeep keys escrow --data ./records --destroy 4f0e…
  tracekeep keys escrow --data ./records --destroy 4f0e… --gone`
}

// Run makes or destroys an escrow.
func (c keysEscrow) Run(ctx context.Context, t *terminal) error {
	if (c.File == "") == (c.Destroy == uuid.Nil) {
		return &coded{code: exitUsage, err: errors.New("name a file to write, or an escrow to --destroy")}
	}
	if c.Destroy != uuid.Nil {
		return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
			if err := a.Keys().DestroyEscrow(ctx, c.Destroy, c.Gone); err != nil {
				return err
			}
			if c.JSON {
				return printJSON(t.out, map[string]any{"escrow": c.Destroy, "destroyed": true})
			}
			_, err := fmt.Fprintf(t.out, "escrow %s is destroyed\n", c.Destroy)
			return err
		})
	}
	safe, err := c.lock()
	if err != nil {
		return err
	}
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		made, err := writeEscrow(ctx, a.Keys(), safe, c.File)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"escrow": made.ID, "epochs": made.Epochs, "locked_for": made.Kind, "place": made.Place})
		}
		_, err = fmt.Fprintf(t.out, `escrow %s of epochs %v is in %s, locked with a %s
Verify it: tracekeep keys verify-backup. Until it is destroyed, these epochs do not retire and their erasures are not final.
`, made.ID, made.Epochs, made.Place, made.Kind)
		return err
	})
}

// writeEscrow makes an escrow and writes it to a file that does not exist yet.
func writeEscrow(ctx context.Context, keys *keyring.Keyring, safe keyring.Safe, name string) (keyring.Escrow, error) {
	place, err := filepath.Abs(name)
	if err != nil {
		return keyring.Escrow{}, fmt.Errorf("escrow file: %w", err)
	}
	file, err := os.OpenFile(place, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return keyring.Escrow{}, fmt.Errorf("escrow file: %w", err)
	}
	made, content, err := keys.Escrow(ctx, safe, place)
	if err == nil {
		_, err = file.Write(content)
	}
	if err = errors.Join(err, file.Sync(), file.Close(), syncFolder(filepath.Dir(place))); err != nil {
		return keyring.Escrow{}, errors.Join(fmt.Errorf("escrow file: %w", err), os.Remove(place))
	}
	return made, nil
}

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// escrowAndVerify makes an escrow, reads the file again and opens every key with it.
func escrowAndVerify(ctx context.Context, keys *keyring.Keyring, safe keyring.Safe, name string) (uuid.UUID, error) {
	made, err := writeEscrow(ctx, keys, safe, name)
	if err != nil {
		return uuid.Nil, err
	}
	content, err := os.ReadFile(made.Place)
	if err != nil {
		return uuid.Nil, fmt.Errorf("read the escrow again: %w", err)
	}
	_, _, err = keys.VerifyEscrow(ctx, safe, content, nil)
	return made.ID, err
}
