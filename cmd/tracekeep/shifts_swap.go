package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
)

type shiftsSwap struct {
	Request swapRequest `cmd:"" help:"Ask somebody to take a place (the one who has it)."`
	Agree   swapAgree   `cmd:"" help:"Agree to take it (the other one)."`
	Approve swapApprove `cmd:"" help:"Move the place, once both have agreed (an officer)."`
	Refuse  swapRefuse  `cmd:"" help:"End a swap; everybody keeps their place."`
}

// Help implements kong's help provider.
func (shiftsSwap) Help() string {
	return `A swap hands one place to somebody else. Two who exchange shifts ask for a swap of each.

Examples:
  tracekeep shifts swap request --data ./records --shift 77aa… --from 3f0a… --to 91bc… --json
  tracekeep shifts swap agree --data ./records --shift 77aa… --swap 5e21… --work 91bc…
  tracekeep shifts swap approve --data ./records --shift 77aa… --swap 5e21… --officer 6d1e…`
}

type swapRequest struct {
	shiftStep
	From uuid.UUID `help:"Work id of who has the place." required:""`
	To   uuid.UUID `help:"Work id of who is to take it." required:""`
}

// Run asks for a swap and prints its id.
func (c swapRequest) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		intent, err := c.intent(t, a)
		if err != nil {
			return err
		}
		_, swap, err := a.RequestSwap(ctx, intent, c.Shift, c.From, c.To)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"swap": swap, "shift": c.Shift, "from_work_id": c.From, "to_work_id": c.To})
		}
		_, err = fmt.Fprintf(t.out, "swap %s: the other one agrees next\n", swap)
		return err
	})
}

// swapStep is a later step of a swap.
type swapStep struct {
	shiftStep
	Swap uuid.UUID `help:"Swap id." required:""`
}

type swapAgree struct {
	swapStep
	Work uuid.UUID `help:"Work id of who takes the place." required:""`
}

// Run agrees to a swap.
func (c swapAgree) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, nil, func(_ uuid.UUID, at time.Time, _ []assignment.Candidate) assignment.Command {
		return assignment.AgreeSwap{SwapID: c.Swap, WorkID: c.Work, AgreedAt: at}
	})
}

type swapApprove struct {
	swapStep
	Qualification []string `help:"Code of something that who takes the place is qualified for; may be repeated." placeholder:"CODE"`
}

// Run approves a swap.
func (c swapApprove) Run(ctx context.Context, t *terminal) error {
	return c.step(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) error {
		_, err := a.ApproveSwap(ctx, intent, c.Shift, c.Swap, c.Qualification)
		return err
	})
}

type swapRefuse struct {
	swapStep
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run refuses a swap.
func (c swapRefuse) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, nil, func(by uuid.UUID, at time.Time, _ []assignment.Candidate) assignment.Command {
		return assignment.RefuseSwap{SwapID: c.Swap, Reason: c.Reason, RefusedAt: at, RefusedBy: by}
	})
}
