package retention

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals of a batch.
var (
	ErrNoActor    = errors.New("somebody must answer for this step")
	ErrNoBatch    = errors.New("there is no such batch")
	ErrNothingDue = errors.New("nothing is due that could be released now")
	ErrCases      = errors.New("a case stands in the batch once")
	ErrTooBig     = errors.New("the batch is bigger than one officer can look through")
	ErrSamePerson = errors.New("the batch must be approved by a second person")
	ErrOtherCases = errors.New("the batch does not hold these cases")
	ErrLapsed     = errors.New("the batch was submitted more than a week ago; submit another")
)

// MostInBatch bounds a batch: what somebody can be expected to look through.
const MostInBatch = 1000

// batchLife is how long a submitted batch may be approved: what was due and free
// of holds when somebody looked may not be a month later.
const batchLife = 7 * 24 * time.Hour

// Lapsed says whether a batch that was submitted at an instant can no longer be
// approved.
func Lapsed(submitted, now time.Time) bool { return now.After(submitted.Add(batchLife)) }

// Batch is the state of one batch.
type Batch struct {
	BatchID     uuid.UUID
	SubmittedBy uuid.UUID
	SubmittedAt time.Time
	Cases       []uuid.UUID
	ApprovedBy  uuid.UUID
	ApprovedAt  time.Time
	Released    []uuid.UUID
	LeftOut     []eventschema.LeftOut
}

// Command is [Submit] or [Approve].
type Command interface {
	decide(Batch) ([]eventschema.Event, error)
}

// Submit is the word of the first officer.
type Submit struct {
	BatchID     uuid.UUID
	Cases       []uuid.UUID
	SubmittedBy uuid.UUID
	SubmittedAt time.Time
}

// Approve is the word of the second. LeftOut are the cases that cannot be
// released as of now.
type Approve struct {
	ApprovedBy uuid.UUID
	ApprovedAt time.Time
	LeftOut    []eventschema.LeftOut
}

// Decider decides for one batch.
func Decider() domain.Decider[Batch, Command] {
	return domain.Decider[Batch, Command]{
		Initial: func() Batch { return Batch{} },
		Decide: func(b Batch, c Command) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(b)
		},
		Evolve: evolve,
	}
}

func (c Submit) decide(b Batch) ([]eventschema.Event, error) {
	sorted := slices.SortedFunc(slices.Values(c.Cases), func(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) })
	switch {
	case !b.SubmittedAt.IsZero():
		return nil, nil
	case c.SubmittedBy == uuid.Nil:
		return nil, ErrNoActor
	case len(c.Cases) == 0:
		return nil, ErrNothingDue
	case len(c.Cases) > MostInBatch:
		return nil, ErrTooBig
	case len(slices.Compact(sorted)) != len(c.Cases):
		return nil, ErrCases
	}
	return []eventschema.Event{&eventschema.RetentionBatchSubmitted{
		BatchID: c.BatchID, SubmittedAt: c.SubmittedAt.UTC(), SubmittedBy: c.SubmittedBy, Cases: c.Cases,
	}}, nil
}

func (c Approve) decide(b Batch) ([]eventschema.Event, error) {
	switch {
	case b.SubmittedAt.IsZero():
		return nil, ErrNoBatch
	case !b.ApprovedAt.IsZero():
		return nil, nil
	case c.ApprovedBy == uuid.Nil:
		return nil, ErrNoActor
	case c.ApprovedBy == b.SubmittedBy:
		return nil, ErrSamePerson
	case Lapsed(b.SubmittedAt, c.ApprovedAt):
		return nil, ErrLapsed
	}
	left := map[uuid.UUID]bool{}
	for _, out := range c.LeftOut {
		if !slices.Contains(b.Cases, out.CaseID) {
			return nil, ErrOtherCases
		}
		left[out.CaseID] = true
	}
	event := &eventschema.RetentionBatchApproved{
		BatchID: b.BatchID, ApprovedAt: c.ApprovedAt.UTC(), ApprovedBy: c.ApprovedBy, Cases: []uuid.UUID{}, LeftOut: slices.Clone(c.LeftOut),
	}
	for _, id := range b.Cases {
		if !left[id] {
			event.Cases = append(event.Cases, id)
		}
	}
	if len(event.Cases) == 0 {
		return nil, ErrNothingDue
	}
	return []eventschema.Event{event}, nil
}

func evolve(b Batch, event eventschema.Event) Batch {
	switch e := event.(type) {
	case *eventschema.RetentionBatchSubmitted:
		b.BatchID, b.SubmittedBy, b.SubmittedAt, b.Cases = e.BatchID, e.SubmittedBy, e.SubmittedAt, e.Cases
	case *eventschema.RetentionBatchApproved:
		b.ApprovedBy, b.ApprovedAt, b.Released, b.LeftOut = e.ApprovedBy, e.ApprovedAt, e.Cases, e.LeftOut
	}
	return b
}
