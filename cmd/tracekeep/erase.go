package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type eraseCommand struct {
	Request eraseRequest `cmd:"" help:"Open a case for a person (first officer)."`
	Approve eraseApprove `cmd:"" help:"Approve a case (second officer); the keys are destroyed at once."`
	Show    eraseShow    `cmd:"" help:"Show a case and its certificate."`
}

// Help implements kong's help provider.
func (eraseCommand) Help() string {
	return `Erasing destroys the person's keys. Their values become noise in every store at once; the events, and the trail over
them, stay. There is no way back. Two officers are needed, each with an id of their own.

Erasure is effective in the running stores when the certificate says so. Copies of the key store that were made before
can still open old values until they are deleted or their key epoch is retired.

Examples:
  tracekeep erase request --data ./records --person 0b9c… --officer 6d1e…
  tracekeep erase approve --data ./records --case 91aa… --officer 77f0…
  tracekeep erase show    --data ./records --case 91aa… --json`
}

func officer(a *app.App, id uuid.UUID) httpapi.Principal {
	return httpapi.Principal{Tenant: a.Tenant(), ID: id, Role: httpapi.RolePrivacy}
}

type eraseRequest struct {
	dataFlags
	Person  uuid.UUID `help:"Person id." required:""`
	Officer uuid.UUID `help:"Id of the officer who asks." required:""`
	Key     string    `help:"Idempotency key: repeating a request with the same key opens no second case; default: the person id." placeholder:"KEY"`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// Run opens a case.
func (c eraseRequest) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		key := c.Key
		if key == "" {
			key = "erase " + c.Person.String()
		}
		receipt, err := a.RequestErasure(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, c.Person, t.clock())
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"case": receipt.CaseID, "claim_code": receipt.ClaimCode, "repeated": receipt.Repeated})
		}
		_, _ = fmt.Fprintf(t.out, "case %s\n", receipt.CaseID)
		if receipt.Repeated {
			_, _ = fmt.Fprintln(t.out, "the case was open before; the claim code was given then and is kept nowhere")
			return nil
		}
		_, _ = fmt.Fprintf(t.out, "claim code for the person, shown once: %s\n", receipt.ClaimCode)
		return nil
	})
}

type eraseApprove struct {
	dataFlags
	Case    uuid.UUID     `help:"Case id." required:""`
	Officer uuid.UUID     `help:"Id of the officer who approves; not the one who asked." required:""`
	Wait    time.Duration `help:"How long to wait for the certificate." default:"60s"`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run approves a case and waits for its certificate.
func (c eraseApprove) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: "approve " + c.Case.String()}
		if _, err := a.ApproveErasure(ctx, intent, c.Case, t.clock()); err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, c.Wait)
		defer cancel()
		certificate, err := a.AwaitCertificate(waiting, c.Case)
		if err != nil && waiting.Err() != nil {
			return fmt.Errorf("approved, but not certified within %s; tracekeep erase show --case %s tells how far it is", c.Wait, c.Case)
		}
		if err != nil {
			return err
		}
		return printCertificate(t, certificate, c.JSON)
	})
}

type eraseShow struct {
	dataFlags
	Case uuid.UUID `help:"Case id." required:""`
	JSON bool      `name:"json" help:"Print one JSON object."`
}

// Run shows a case.
func (c eraseShow) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		view, err := a.ErasureCase(ctx, operator(a), c.Case)
		if err != nil {
			return err
		}
		if c.JSON {
			if err := printJSON(t.out, view); err != nil {
				return err
			}
		} else {
			rows := [][]string{{"requested", view.RequestedAt.Format(time.RFC3339)}}
			for _, step := range []struct {
				name string
				at   *time.Time
			}{{"approved", view.ApprovedAt}, {"keys destroyed", view.DestroyedAt}, {"certified", view.CertifiedAt}} {
				if step.at != nil {
					rows = append(rows, []string{step.name, step.at.Format(time.RFC3339)})
				}
			}
			if err := table(t.out, "case|"+c.Case.String(), rows); err != nil {
				return err
			}
		}
		certificate, err := a.Certificate(ctx, operator(a), c.Case)
		if errors.Is(err, httpapi.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return printCertificate(t, certificate, c.JSON)
	})
}

func printCertificate(t *terminal, c httpapi.CertificateView, asJSON bool) error {
	if asJSON {
		return printJSON(t.out, map[string]any{
			"case": c.CaseID, "certified_at": c.CertifiedAt, "leaf": c.Leaf, "position": c.Position, "certificate": c.Certificate,
		})
	}
	_, err := fmt.Fprintf(t.out, "erased: effective certificate, leaf %d of the trail\n\n%s\n", c.Leaf, c.Certificate)
	return err
}
