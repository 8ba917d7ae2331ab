package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

type eraseCommand struct {
	Request  eraseRequest  `cmd:"" help:"Open a case for a person (first officer)."`
	Verify   eraseVerify   `cmd:"" help:"State that whoever asked is the person."`
	Assess   eraseAssess   `cmd:"" help:"Settle what goes and what stays; holds are then checked and the case cools off."`
	Approve  eraseApprove  `cmd:"" help:"Approve a case (second officer); the keys are destroyed at once."`
	Cancel   eraseCancel   `cmd:"" help:"Cancel a case whose keys are not being destroyed yet."`
	Refuse   eraseRefuse   `cmd:"" help:"Refuse a request, with its ground."`
	Extend   eraseExtend   `cmd:"" help:"Take two months longer to answer; the person was told why."`
	Notified eraseNotified `cmd:"" help:"Record that a recipient of the values was told."`
	Show     eraseShow     `cmd:"" help:"Show a case and its certificate."`
}

// Help implements kong's help provider.
func (eraseCommand) Help() string {
	return `Erasing destroys the person's keys. Their values become noise in every store at once; the events, and the trail over
them, stay. There is no undelete. A case goes

  request → verify → assess → (legal holds are checked, the case cools off) → approve → keys destroyed → verified → certified

and the steps behind the approval by itself. Two officers are needed, each with an id of their own: whoever asked or assessed does
not approve. Until the keys are being destroyed a case can be cancelled, and a legal hold stops it.

The effective certificate says since when no running process opens the values. Copies of the key store that were made before can
open them until their key epoch is retired; the final certificate follows then. tracekeep cases lists every case with its deadline.

Examples:
  tracekeep erase request --data ./records --person 0b9c… --officer 6d1e…
  tracekeep erase request --data ./records --person 0b9c… --officer 6d1e… --purpose contact
  tracekeep erase request --data ./records --person 0b9c… --officer 6d1e… --purpose media --item 4f02…
  tracekeep erase verify  --data ./records --case 91aa… --officer 6d1e… --method document
  tracekeep erase assess  --data ./records --case 91aa… --officer 6d1e…
  tracekeep erase approve --data ./records --case 91aa… --officer 77f0…
  tracekeep erase show    --data ./records --case 91aa… --json`
}

func officer(a *app.App, id uuid.UUID) httpapi.Principal {
	return httpapi.Principal{Tenant: a.Tenant(), ID: id, Role: httpapi.RolePrivacy}
}

type eraseRequest struct {
	dataFlags
	Person     uuid.UUID   `help:"Person id." required:""`
	Officer    uuid.UUID   `help:"Id of the officer who asks." required:""`
	Purpose    []string    `help:"Only what is held for this purpose; may be repeated. Left out: the whole person." enum:"contact,third_party,location,media,notes" placeholder:"PURPOSE"`
	Item       []uuid.UUID `help:"Only this photo, document or note; may be repeated. The purpose says which they are." placeholder:"ID"`
	ReceivedAt time.Time   `name:"received-at" help:"When the request was received, RFC 3339; default now. Deadlines count from here." format:"2006-01-02T15:04:05Z07:00"`
	Key        string      `help:"Idempotency key: repeating a request with the same key opens no second case; default: person, purposes, items and day." placeholder:"KEY"`
	JSON       bool        `name:"json" help:"Print one JSON object."`
}

// Run opens a case.
func (c eraseRequest) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		received := c.ReceivedAt
		if received.IsZero() {
			received = t.clock()
		}
		key := c.Key
		if key == "" {
			key = strings.Join(append([]string{"erase", c.Person.String(), received.UTC().Format(time.DateOnly)}, c.Purpose...), " ")
			if len(c.Item) > 0 {
				key += fmt.Sprint(c.Item)
			}
		}
		request := httpapi.ErasureRequest{Person: c.Person, Items: c.Item, ReceivedAt: received}
		for _, purpose := range c.Purpose {
			request.Purposes = append(request.Purposes, eventschema.Purpose(purpose))
		}
		receipt, err := a.RequestErasure(ctx, httpapi.Intent{Principal: officer(a, c.Officer), Key: key}, request)
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

// caseStep is what every step of an officer needs.
type caseStep struct {
	dataFlags
	Case    uuid.UUID `help:"Case id." required:""`
	Officer uuid.UUID `help:"Id of the officer." required:""`
	JSON    bool      `name:"json" help:"Print one JSON object."`
}

// take takes a step and shows the case. Taking it again does nothing more.
func (c caseStep) take(ctx context.Context, t *terminal, name string, step func(by uuid.UUID, at time.Time) erasure.Command, until func(httpapi.ErasureView) bool) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: name + " " + c.Case.String()}
		if _, err := a.AdvanceErasure(ctx, intent, c.Case, step(c.Officer, t.clock())); err != nil {
			return err
		}
		view, err := awaitCase(ctx, a, c.Case, until)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, caseJSON(view, t.clock()))
		}
		return printCase(t.out, view, t.clock())
	})
}

// awaitCase waits for what the machine does next to a case, for a moment only:
// the case goes on without whoever looks.
func awaitCase(ctx context.Context, a *app.App, id uuid.UUID, until func(httpapi.ErasureView) bool) (httpapi.ErasureView, error) {
	const longest, pause = 12 * time.Second, 20 * time.Millisecond
	waiting, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	for {
		view, err := a.ErasureCase(ctx, operator(a), id)
		if err != nil || until == nil || until(view) {
			return view, err
		}
		select {
		case <-waiting.Done():
			return view, ctx.Err()
		case <-time.After(pause):
		}
	}
}

type eraseVerify struct {
	caseStep
	Method string `help:"How: in_person, document, known_contact (answered at an address that was on record), authenticated (signed in)." enum:"in_person,document,known_contact,authenticated" required:""`
}

// Run states an identity.
func (c eraseVerify) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "verify", func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.VerifyIdentity{VerifiedBy: by, VerifiedAt: at, Method: eventschema.IdentityMethod(c.Method)}
	}, nil)
}

type eraseAssess struct{ caseStep }

// Run assesses a case.
func (c eraseAssess) Run(ctx context.Context, t *terminal) error {
	id, err := uuid.NewRandomFromReader(t.random) // assessing again is another assessment
	if err != nil {
		return err
	}
	return c.take(ctx, t, "assess "+id.String(), func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.Assess{AssessedBy: by, AssessedAt: at}
	}, func(view httpapi.ErasureView) bool { return view.Status != erasure.PhaseAssessed })
}

type eraseCancel struct {
	caseStep
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run cancels a case.
func (c eraseCancel) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "cancel", func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.Cancel{CancelledBy: by, CancelledAt: at, Reason: c.Reason}
	}, nil)
}

type eraseRefuse struct {
	caseStep
	Ground string `help:"identity_not_verified, legal_duty, legal_claims, expression, public_interest, excessive or not_a_controller." enum:"identity_not_verified,legal_duty,legal_claims,expression,public_interest,excessive,not_a_controller" required:""`
}

// Run refuses a request.
func (c eraseRefuse) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "refuse", func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.Refuse{RefusedBy: by, RefusedAt: at, Ground: eventschema.RefusalGround(c.Ground)}
	}, nil)
}

type eraseExtend struct {
	caseStep
	ToldAt time.Time `name:"told-at" help:"When the person was told, RFC 3339; within the first month." format:"2006-01-02T15:04:05Z07:00" required:""`
	Reason string    `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run extends a deadline.
func (c eraseExtend) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "extend", func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.Extend{ExtendedBy: by, ExtendedAt: at, ToldAt: c.ToldAt, Reason: c.Reason}
	}, nil)
}

type eraseNotified struct {
	caseStep
	Disclosure uuid.UUID `help:"Id of the disclosure, as the case lists it." required:""`
	Outcome    string    `help:"told, impossible or disproportionate." enum:"told,impossible,disproportionate" default:"told"`
}

// Run records that a recipient was told.
func (c eraseNotified) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, "notified "+c.Disclosure.String(), func(by uuid.UUID, at time.Time) erasure.Command {
		return erasure.NotifyRecipient{DisclosureID: c.Disclosure, NotifiedBy: by, NotifiedAt: at, Outcome: eventschema.NotifyOutcome(c.Outcome)}
	}, nil)
}

type eraseApprove struct {
	dataFlags
	Case    uuid.UUID     `help:"Case id." required:""`
	Officer uuid.UUID     `help:"Id of the officer who approves; not one who asked or assessed." required:""`
	Wait    time.Duration `help:"How long to wait for the certificate." default:"60s"`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run approves a case and waits for its certificate.
func (c eraseApprove) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent := httpapi.Intent{Principal: officer(a, c.Officer), Key: "approve " + c.Case.String()}
		if _, err := a.AdvanceErasure(ctx, intent, c.Case, erasure.Approve{ApprovedBy: c.Officer, ApprovedAt: t.clock()}); err != nil {
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
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		view, err := a.ErasureCase(ctx, operator(a), c.Case)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, caseJSON(view, t.clock()))
		}
		return printCase(t.out, view, t.clock())
	})
}
