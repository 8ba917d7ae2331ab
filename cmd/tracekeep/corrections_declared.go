package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
)

type correctionsDeclared struct {
	dataFlags
	Declaration uuid.UUID `help:"Id of the declared hours; tracekeep query hours --person, explain and hours report --explain show ids." required:""`
	Void        bool      `help:"Take the hours out of the count." xor:"what"`
	Hours       string    `help:"How many hours count in their place, 7:30." xor:"what" placeholder:"H:MM"`
	Job         *string   `help:"Code of the job they were for, alone or with --hours; empty: for none." placeholder:"CODE"`
	Reason      string    `help:"wrong_hours, not_worked or other." enum:"wrong_hours,not_worked,other" required:""`
	Officer     uuid.UUID `help:"Id of whoever corrects." required:""`
	Approver    uuid.UUID `help:"Id of the second person, who approves." required:""`
	JSON        bool      `name:"json" help:"Print one JSON object."`
}

// Run corrects declared hours.
func (c correctionsDeclared) Run(ctx context.Context, t *terminal) error {
	var seconds int64
	if c.Void == (c.Hours != "" || c.Job != nil) {
		return &coded{code: exitUsage, err: errors.New("give --void, or --hours or --job or both")}
	}
	if c.Hours != "" {
		var hours, minutes int64
		if n, err := fmt.Sscanf(c.Hours, "%d:%02d", &hours, &minutes); err != nil || n != 2 || hours < 0 || minutes < 0 || minutes > 59 || fmt.Sprintf("%d:%02d", hours, minutes) != c.Hours {
			return &coded{code: exitUsage, err: fmt.Errorf("--hours takes 7:30, not %q", c.Hours)}
		}
		seconds = (hours*60 + minutes) * int64(time.Minute/time.Second)
	}
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		key := fmt.Sprintf("correct declared %s %v %d %s %s %s", c.Declaration, c.Void, seconds, c.Reason, c.Officer, c.Approver)
		if c.Job != nil {
			key += " job " + *c.Job
		}
		id, err := a.CorrectDeclared(ctx, httpapi.Intent{Principal: clerk(a, c.Officer), Key: key}, timecard.CorrectDeclared{
			DeclarationID: c.Declaration, Void: c.Void, Seconds: seconds, Job: c.Job, Reason: eventschema.CorrectionReason(c.Reason), ApprovedBy: c.Approver, CorrectedAt: t.clock(),
		})
		if errors.Is(err, httpapi.ErrNotFound) {
			return fmt.Errorf("there are no declared hours %s", c.Declaration)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"correction_id": id, "declaration_id": c.Declaration})
		}
		_, err = fmt.Fprintf(t.out, "correction %s is made\n", id)
		return err
	})
}
