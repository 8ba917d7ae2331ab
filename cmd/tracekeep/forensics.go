package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/forensics"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/pgcluster"
	"tracekeep/cmd/internal/app"
)

type forensicsCommand struct {
	dataFlags
	lockFlags
	Person     uuid.UUID     `help:"A person of whom something was erased, instead of a canary; the values come with --values." placeholder:"ID" xor:"who"`
	Canary     string        `help:"Go on with the canary of an earlier run, which was told to wait." placeholder:"SEED" xor:"who"`
	Values     string        `help:"File of the values to look for, one a line; - is standard input. They are never given as arguments, which others can see." placeholder:"FILE"`
	Also       []string      `help:"A further file or folder to search: a backup, a dump, an export, the files of a Postgres elsewhere. May be repeated." placeholder:"PATH" type:"path" sep:"none"`
	KeyCopy    []string      `name:"key-copy" help:"A backup of the key store whose keys are tried: a dump by pg_dump, or the URL of a Postgres that it was restored into. May be repeated." placeholder:"FILE|URL" sep:"none"`
	EscrowFile []string      `name:"escrow" help:"An escrow whose keys are tried; --passphrase-file or --identity-file opens it. May be repeated." placeholder:"FILE" type:"existingfile" sep:"none"`
	Wait       time.Duration `help:"How long to wait for the certificate of the canary." default:"60s"`
	JSON       bool          `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (forensicsCommand) Help() string {
	return `Looks for what an erasure must have left nowhere. Without --person it registers a canary, somebody who never lived with values
that exist nowhere else, erases them by the way every erasure goes, and looks for them afterwards. Where erasures cool off, the
run says how to go on later. What stays of a canary is what stays of any erased person.

Searched are every file of the data folder (event store, Postgres with its write-ahead log, keys, trail, logs), every event and every
table of both databases as they read, an audit export of everything, and each --also. Values are found as text in UTF-8, UTF-16 and
Latin-1, in base64 at any place, hex, URL, JSON, HTML, quoted-printable and octal form, in either case, with and without marks, in
any normal form of Unicode; gzip, zlib, zip, bzip2, zstd and snappy are opened wherever they begin, tables of the index and dumps too.

Then the old envelopes are put to the service, to every living key, and to the keys of each --key-copy with the providers of this
folder and each --escrow. A copy from before an erasure opens them until its key epoch has retired: that is what the final
certificate waits for, and a hit.

What must be found is looked for as well: each value planted in every form, the id of the person in every store, and an envelope of
somebody else, which every living key must open. A run that misses one proves nothing. No value is ever printed.

Not searched: memory of running processes, blocks of a disk that no file holds any more, devices, and what others were given.

Examples:
  tracekeep forensics --data ./records
  tracekeep forensics --data ./records --also /backup/events --also /var/lib/postgresql/15/main --json
  tracekeep forensics --data ./records --canary 4f0e21…
  tracekeep forensics --data ./records --person 0b9c… --values - < values.txt
  tracekeep forensics --data ./records --key-copy /backup/keys.dump --escrow /mnt/safe/keys.age --passphrase-file /mnt/safe/passphrase

Exit codes: 0 nothing was found, 1 something could not be searched, 2 wrong command line, 4 a value was found or an old envelope
opened, 5 folder in use, 6 the run proves nothing: a control was not found, or the canary still cools off.`
}

// Run looks.
func (c forensicsCommand) Run(ctx context.Context, t *terminal) error {
	if (c.Person == uuid.Nil) != (c.Values == "") {
		return &coded{code: exitUsage, err: errors.New("--person and --values go together")}
	}
	var values []forensics.Value
	if c.Values != "" {
		var err error
		if values, err = readValues(c.Values, t.in); err != nil {
			return err
		}
	}
	escrows, err := c.escrows()
	if err != nil {
		return err
	}
	defer func() {
		for _, e := range escrows {
			e.Forget()
		}
	}()
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		what := app.Investigation{Subject: c.Person, Values: values, Also: c.Also, Escrows: escrows, Restorer: c.restorer(ctx)}
		if what.Copies, err = c.copies(ctx, what.Restorer); err != nil {
			return err
		}
		if c.Person == uuid.Nil {
			if err := c.withCanary(ctx, t, a, &what); err != nil {
				return err
			}
		} else if err := a.RefuseLiving(ctx, c.Person); err != nil {
			return err
		}
		return c.investigate(ctx, t, a, what)
	})
}

func (c forensicsCommand) investigate(ctx context.Context, t *terminal, a *app.App, what app.Investigation) error {
	steps := &stepBars{t: t}
	what.Progress = func(step string, done, total int64) { steps.show(keyring.RotationStep(step), done, total) }
	evidence, err := a.Investigate(ctx, what)
	steps.finish()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(t.out, map[string]any{"person_id": what.Subject, "hits": evidence.Hits(), "valid": len(evidence.Invalid) == 0, "evidence": evidence})
	} else {
		err = printEvidence(t.out, what.Subject, evidence)
	}
	switch hits := evidence.Hits(); {
	case err != nil:
		return err
	case hits > 0:
		return &coded{code: exitDefect, err: fmt.Errorf("%d hits: what was erased can still be read", hits)}
	case len(evidence.Invalid) > 0:
		return &coded{code: exitInvalid, err: fmt.Errorf("the run proves nothing: %s", strings.Join(evidence.Invalid, "; "))}
	}
	return nil
}

// readValues reads the values to look for. Their labels count lines.
func readValues(name string, in io.Reader) (values []forensics.Value, err error) {
	from := in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the values: %w", err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	if from == nil {
		return nil, &coded{code: exitUsage, err: errors.New("there is no standard input to read the values from")}
	}
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		if text := strings.TrimSpace(lines.Text()); text != "" {
			values = append(values, forensics.Value{Label: fmt.Sprintf("line %d", n), Text: text})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the values: %w", err)
	}
	if len(values) == 0 {
		return nil, &coded{code: exitUsage, err: errors.New("the file holds no value to look for")}
	}
	return values, nil
}

// escrows unlocks what is to be tried.
func (c forensicsCommand) escrows() (escrows []keyring.OpenedEscrow, err error) {
	if len(c.EscrowFile) == 0 {
		return nil, nil
	}
	safe, err := c.open()
	if err != nil {
		return nil, err
	}
	for _, name := range c.EscrowFile {
		file, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the escrow: %w", err)
		}
		opened, err := keyring.OpenEscrow(safe, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		escrows = append(escrows, opened)
	}
	return escrows, nil
}

// copies reads the backups of the key store.
func (c forensicsCommand) copies(ctx context.Context, restorer string) (copies []*keyring.Copy, err error) {
	for n, from := range c.KeyCopy {
		var one *keyring.Copy
		if strings.Contains(from, "://") { // the name must not tell a password
			one, err = keyring.CopyIn(ctx, fmt.Sprintf("key copy %d", n+1), from)
		} else {
			one, err = copyInFile(ctx, restorer, from)
		}
		if err != nil {
			return nil, err
		}
		copies = append(copies, one)
	}
	return copies, nil
}

func copyInFile(ctx context.Context, restorer, name string) (*keyring.Copy, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read a copy of the key store: %w", err)
	}
	defer func() { _ = file.Close() }()
	dump := bufio.NewReader(file)
	if magic, _ := dump.Peek(5); string(magic) != "PGDMP" || restorer == "" {
		return keyring.CopyFrom(name, dump)
	}
	restore := exec.CommandContext(ctx, restorer, "--file=-", name) //nolint:gosec // the binary beside the Postgres in use
	text, err := restore.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := restore.Start(); err != nil {
		return nil, fmt.Errorf("pg_restore: %w", err)
	}
	one, err := keyring.CopyFrom(name, text)
	return one, errors.Join(err, restore.Wait())
}

// restorer is the pg_restore beside the Postgres in use; empty where there is none.
func (c forensicsCommand) restorer(ctx context.Context) string {
	folder, _, err := pgcluster.Binaries(ctx, c.Postgres)
	if err != nil {
		return ""
	}
	binary := filepath.Join(folder, "pg_restore")
	if _, err := os.Stat(binary); err != nil {
		return ""
	}
	return binary
}
