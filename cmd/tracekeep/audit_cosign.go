package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/cmd/internal/app"
)

type auditCosignerCommand struct {
	dataFlags
	JSON bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (auditCosignerCommand) Help() string {
	return `Ed25519 signatures fall to a large quantum computer; those of ML-DSA-44 (FIPS 204) do not, as far as anybody knows. From now on every
checkpoint has both. Who asks for it names the printed key as a witness in a policy. Stop the service first.

Example:
  tracekeep audit make-cosigner --data ./records`
}

// Run makes the key.
func (c auditCosignerCommand) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		key, err := a.MakeTrailCosigner()
		if err != nil {
			return err
		}
		return c.tell(t, key)
	})
}

func (c auditCosignerCommand) tell(t *terminal, key string) error {
	if c.JSON {
		return printJSON(t.out, map[string]any{"key": key})
	}
	_, err := fmt.Fprintf(t.out, "checkpoints are signed with ML-DSA-44 as well; in a policy:\nwitness own %s\n", key)
	return err
}

type auditWitnessCommand struct {
	Name string `help:"Name of the key, for example the name of a host; no spaces." required:"" placeholder:"NAME"`
	Out  string `help:"New file for the secret key; the verifier key goes beside it, into FILE.vkey." required:"" placeholder:"FILE"`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (auditWitnessCommand) Help() string {
	return `A witness is somebody outside who signs what the log is now, and never signs two logs that are not one the continuation of the
other. Whoever wants to be sure that others saw the same log asks for that signature in a policy.

Example:
  tracekeep audit make-witness --name works-council.example --out witness.key`
}

// Run makes the key.
func (c auditWitnessCommand) Run(_ context.Context, t *terminal) error {
	made, err := ledger.MakeCosigner(c.Out, c.Name)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, map[string]any{"file": c.Out, "key": made.VerifierKey()})
	}
	_, err = fmt.Fprintf(t.out, "witness key in %s, to be kept secret; in a policy:\nwitness %s %s\n", c.Out, c.Name, made.VerifierKey())
	return err
}

type auditCosignCommand struct {
	Bundle  string `arg:"" help:"The bundle." type:"existingfile"`
	Key     string `help:"Verifier key of the log, or a file that holds it." placeholder:"KEY" required:""`
	Witness string `help:"Secret key of the witness." type:"existingfile" placeholder:"FILE" required:""`
	Kept    string `help:"File with the checkpoint that was cosigned last; the new one replaces it." placeholder:"FILE" required:""`
	First   bool   `help:"There is none yet."`
}

// Help implements kong's help provider.
func (auditCosignCommand) Help() string {
	return `Runs the checks of tracekeep-verify and one more: that the log continues the checkpoint in --kept. Only then the checkpoint of the
bundle is cosigned, kept and printed. Hand it back: the next bundle exported with --earlier carries it, and shows that a witness
saw the log.

Examples:
  tracekeep audit cosign --key log.vkey --witness witness.key --kept seen --first july.zip > july.cosigned
  tracekeep audit cosign --key log.vkey --witness witness.key --kept seen august.zip > august.cosigned

Exit code 4: the bundle is not as recorded, or it does not continue the last checkpoint; nothing was signed.`
}

// Run checks and signs.
func (c auditCosignCommand) Run(ctx context.Context, t *terminal) error {
	witness, err := ledger.ReadCosigner(c.Witness)
	if err != nil {
		return err
	}
	check := auditVerifyCommand{Bundle: c.Bundle, Key: c.Key}
	switch _, err := os.Stat(c.Kept); {
	case err == nil && c.First:
		return fmt.Errorf("%s is there, so this is not the first checkpoint: leave --first out", c.Kept)
	case err == nil:
		check.Earlier = []string{c.Kept}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case !c.First:
		return fmt.Errorf("%s is missing: who never signed before says --first", c.Kept)
	}
	report, err := check.report(ctx, t)
	if err != nil {
		return err
	}
	if err := mayCosign(report, c.First); err != nil {
		return &coded{code: exitDefect, err: fmt.Errorf("nothing was signed: %w", err)}
	}
	signed, err := witness.Cosign(report.Checkpoint)
	if err != nil {
		return err
	}
	// What was signed is kept before anybody sees it: else a witness that crashes
	// could sign another log next time.
	if err := replaceFile(c.Kept, signed); err != nil {
		return err
	}
	_, err = fmt.Fprint(t.out, signed)
	return err
}

// mayCosign says why a witness does not sign.
func mayCosign(report bundle.Report, first bool) error {
	switch {
	case !report.OK:
		f := report.Findings[0]
		return fmt.Errorf("the bundle is not as recorded: leaf %d: %s: %s", f.Leaf, f.Kind, f.Detail)
	case !report.Proven:
		return errors.New("the bundle does not give the root of its log")
	case !first && !report.Earlier[0].Holds:
		return fmt.Errorf("the bundle has no proof from the checkpoint of %d leaves that was cosigned last; ask for one exported with --earlier", report.Earlier[0].Size)
	}
	return nil
}

// replaceFile replaces a small file durably.
func replaceFile(path, content string) (err error) {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = next.WriteString(content)
	if err = errors.Join(err, next.Sync(), next.Close()); err != nil {
		return errors.Join(err, os.Remove(next.Name()))
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
