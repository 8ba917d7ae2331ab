package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tracekeep/adapters/ledger/bundle"
	"tracekeep/adapters/ledger/trail"
)

type auditVerifyCommand struct {
	Bundle  string   `arg:"" help:"The bundle." type:"existingfile"`
	Key     string   `help:"Verifier key of the log, or a file that holds it." placeholder:"KEY" xor:"trust" required:""`
	Policy  string   `help:"Witness policy; may name the log instead of --key." type:"existingfile" placeholder:"FILE" xor:"trust" required:""`
	Earlier []string `help:"A signed checkpoint that you kept; the log must continue it. Repeatable." type:"existingfile" placeholder:"FILE"`
	JSON    bool     `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (auditVerifyCommand) Help() string {
	return `Runs the checks of tracekeep-verify. An auditor who trusts nobody runs that program, built by somebody else.

Examples:
  tracekeep audit verify-bundle --key records/trail/log.vkey audit-2026.zip
  tracekeep audit verify-bundle --policy witnesses.txt --earlier checkpoint-2025 audit-2026.zip

Exit code 4: something is not as it was recorded.`
}

// Run verifies.
func (c auditVerifyCommand) Run(ctx context.Context, t *terminal) error {
	report, err := c.report(ctx, t)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(t.out, report)
	} else {
		err = report.WriteText(t.out)
	}
	if err == nil && !report.OK {
		err = &coded{code: exitDefect, err: errors.New("the bundle is not as recorded")}
	}
	return err
}

func (c auditVerifyCommand) report(ctx context.Context, t *terminal) (report bundle.Report, err error) {
	trust, err := c.trust()
	if err != nil {
		return report, err
	}
	file, err := os.Open(c.Bundle)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return report, err
	}
	progress := newBar(t, "verifying", 2*info.Size(), true)
	defer progress.finish()
	return bundle.Verify(ctx, file, info.Size(), trust, func(done, _ int64) { progress.set(done) })
}

func (c auditVerifyCommand) trust() (bundle.Trust, error) {
	trust := bundle.Trust{Key: c.Key}
	if _, err := trail.ParseKey(c.Key); err != nil && c.Key != "" {
		text, err := os.ReadFile(c.Key)
		if err != nil {
			return trust, fmt.Errorf("--key: it is no verifier key, and no file that can be read: %w", err)
		}
		trust.Key = strings.TrimSpace(string(text))
	}
	if c.Policy != "" {
		text, err := os.ReadFile(c.Policy)
		if err != nil {
			return trust, fmt.Errorf("--policy: %w", err)
		}
		policy, err := trail.ParsePolicy(string(text))
		if err != nil {
			return trust, fmt.Errorf("--policy %s: %w", c.Policy, err)
		}
		trust.Policy, trust.Key = &policy, policy.Log()
	}
	for _, name := range c.Earlier {
		text, err := os.ReadFile(name)
		if err != nil {
			return trust, fmt.Errorf("--earlier: %w", err)
		}
		trust.Earlier = append(trust.Earlier, string(text))
	}
	return trust, nil
}
