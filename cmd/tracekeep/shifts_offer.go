package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

type shiftsOffer struct {
	shiftStep
	Strategy   string      `help:"seniority, rotation, fairness, bidding or release_to_all." enum:"seniority,rotation,fairness,bidding,release_to_all" required:""`
	Candidate  []uuid.UUID `help:"Work id of somebody who could work it; may be repeated." placeholder:"WORK"`
	Candidates string      `help:"File with one JSON object for each of them: work_id, and where they matter seniority (the place in the list, 1 is the longest service) and qualifications (a list of codes)." placeholder:"FILE" type:"existingfile"`
	Asked      int         `help:"How many are asked, of a strategy that knows an order; default: as many as there are places." placeholder:"N"`
	RespondBy  time.Time   `name:"respond-by" help:"Until when an answer counts, RFC 3339." format:"2006-01-02T15:04:05Z07:00" required:""`
}

// Run offers a shift.
func (c shiftsOffer) Run(ctx context.Context, t *terminal) error {
	people, err := readCandidates(c.Candidates)
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	for _, work := range c.Candidate {
		people = append(people, app.Known{WorkID: work})
	}
	return c.take(ctx, t, people, func(by uuid.UUID, at time.Time, candidates []assignment.Candidate) assignment.Command {
		return assignment.Offer{
			Strategy: eventschema.Strategy(c.Strategy), Policy: assignment.DefaultPolicy(), Candidates: candidates, Asked: c.Asked,
			RespondBy: c.RespondBy, OfferedAt: at, OfferedBy: by,
		}
	})
}

// readCandidates reads a file of candidates; an empty path names none.
func readCandidates(path string) ([]app.Known, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("read the candidates: %w", err)
	}
	defer func() { _ = file.Close() }()
	var people []app.Known
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var one struct {
			WorkID         uuid.UUID `json:"work_id"`
			Seniority      int       `json:"seniority"`
			Qualifications []string  `json:"qualifications"`
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil || one.WorkID == uuid.Nil {
			return nil, fmt.Errorf("line %d of the candidates is no object with a work_id", n)
		}
		people = append(people, app.Known{WorkID: one.WorkID, Seniority: one.Seniority, Qualifications: one.Qualifications})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the candidates: %w", err)
	}
	return people, nil
}

// oneWorker is a step about one person.
type oneWorker struct {
	shiftStep
	Work uuid.UUID `help:"Work id of the person." required:""`
}

// qualified is such a step that gives the person a place.
type qualified struct {
	oneWorker
	Qualification []string `help:"Code of something that the person is qualified for; may be repeated." placeholder:"CODE"`
}

func (c qualified) known() []app.Known {
	return []app.Known{{WorkID: c.Work, Qualifications: c.Qualification}}
}

type shiftsAccept struct{ qualified }

// Run takes a shift that was offered.
func (c shiftsAccept) Run(ctx context.Context, t *terminal) error {
	return c.step(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) error {
		_, err := a.AcceptShift(ctx, intent, c.Shift, c.known()[0])
		return err
	})
}

type shiftsAssign struct{ qualified }

// Run gives somebody a place.
func (c shiftsAssign) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, c.known(), func(by uuid.UUID, at time.Time, candidates []assignment.Candidate) assignment.Command {
		return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: candidates[0], AssignedAt: at, AssignedBy: by}
	})
}

type shiftsDecline struct {
	oneWorker
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." default:"declined"`
}

// Run says no to an offer.
func (c shiftsDecline) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, nil, func(_ uuid.UUID, at time.Time, _ []assignment.Candidate) assignment.Command {
		return assignment.Decline{WorkID: c.Work, Reason: c.Reason, DeclinedAt: at}
	})
}

type shiftsUnassign struct {
	oneWorker
	Reason string `help:"Why, as a code of lower-case letters, digits and underscores." required:""`
}

// Run takes somebody off a shift.
func (c shiftsUnassign) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, nil, func(by uuid.UUID, at time.Time, _ []assignment.Candidate) assignment.Command {
		return assignment.Unassign{WorkID: c.Work, Reason: c.Reason, UnassignedAt: at, UnassignedBy: by}
	})
}

type shiftsBid struct {
	oneWorker
	Points int `help:"How much, 1 to 1000." required:""`
}

// Run bids for a shift.
func (c shiftsBid) Run(ctx context.Context, t *terminal) error {
	return c.take(ctx, t, nil, func(_ uuid.UUID, at time.Time, _ []assignment.Candidate) assignment.Command {
		return assignment.PlaceBid{WorkID: c.Work, Points: c.Points, BidAt: at}
	})
}

type shiftsAward struct {
	shiftStep
	Candidates string `help:"File that says what bidders are qualified for, as for offer; those it leaves out are what they were when the shift was offered to them." placeholder:"FILE" type:"existingfile"`
}

// Run awards a shift to the best bids.
func (c shiftsAward) Run(ctx context.Context, t *terminal) error {
	known, err := readCandidates(c.Candidates)
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	return c.step(ctx, t, func(ctx context.Context, a *app.App, intent httpapi.Intent) error {
		_, err := a.AwardShift(ctx, intent, c.Shift, known)
		return err
	})
}
