package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/domain/payrules"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Shifts plans shifts and gives them to people. Who answers for a step, and when, is in
// the command; what the roster says of people is added behind this port. Errors:
// *Refusal, *Erased, ErrNotFound, ErrStale, ErrConflict, ErrUnavailable.
type Shifts interface {
	// Roster lists shifts with their people, by start and id. Asked about one work
	// record, it lists the places of that one only.
	Roster(ctx context.Context, by Principal, asked projections.ShiftsAsked) ([]RosterShift, error)
	// ShiftNow is one shift with at least everything that its revision holds.
	ShiftNow(ctx context.Context, by Principal, shift uuid.UUID) (RosterShift, uint64, error)
	// Attendance compares the shifts that begin between two instants with the time
	// worked, by work id and start.
	Attendance(ctx context.Context, by Principal, from, to time.Time) ([]assignment.Mark, error)

	// PlanShift plans a shift and answers its id, which the key of the intent names.
	PlanShift(ctx context.Context, intent Intent, plan assignment.Plan) (Receipt, uuid.UUID, error)
	// RescheduleShift moves a shift and answers who cannot have it any more.
	RescheduleShift(ctx context.Context, intent Intent, shift uuid.UUID, move assignment.Reschedule) (Receipt, []TakenOff, error)
	// AdvanceShift takes any other step; step makes its command of the people named.
	AdvanceShift(ctx context.Context, intent Intent, shift uuid.UUID, people []Known, step func([]assignment.Candidate) assignment.Command) (Receipt, error)
	AcceptShift(ctx context.Context, intent Intent, shift uuid.UUID, who Known) (Receipt, error)
	AwardShift(ctx context.Context, intent Intent, shift uuid.UUID, known []Known) (Receipt, error)
	// RequestSwap answers the id of the swap, which the key of the intent names.
	RequestSwap(ctx context.Context, intent Intent, shift, from, to uuid.UUID) (Receipt, uuid.UUID, error)
	ApproveSwap(ctx context.Context, intent Intent, shift, swap uuid.UUID, qualifications []string) (Receipt, error)
	// CompleteShift closes a shift with the attendance that punches show; who is not
	// rated is unrated.
	CompleteShift(ctx context.Context, intent Intent, shift uuid.UUID, ratings map[uuid.UUID]eventschema.QualityRating) (Receipt, error)
}

// Corrections are asked for by one person and made by the word of another. Errors as
// for [Shifts].
type Corrections interface {
	// AskCorrection asks for a correction of a punch of the work record that ask names,
	// and answers its id, which the key of the intent names.
	AskCorrection(ctx context.Context, intent Intent, ask timecard.AskCorrection) (Receipt, uuid.UUID, error)
	ApproveCorrection(ctx context.Context, intent Intent, correction uuid.UUID, c timecard.ApproveCorrection) (Receipt, error)
	RefuseCorrection(ctx context.Context, intent Intent, correction uuid.UUID, c timecard.RefuseCorrection) (Receipt, error)
	// CorrectionRequests lists requests, the one with the latest news first.
	CorrectionRequests(ctx context.Context, asked projections.CorrectionsAsked) ([]projections.CorrectionRequest, error)
}

// Payroll locks pay periods. Errors as for [Shifts].
type Payroll interface {
	// LockPayPeriod locks the card of everybody who is paid something, and then the
	// period; repeating it locks nothing twice.
	LockPayPeriod(ctx context.Context, by Principal, order LockOrder) (LockedPeriod, error)
	// PayPeriods lists the periods that are locked, by their days.
	PayPeriods(ctx context.Context) ([]projections.PayPeriod, error)
	// TimeCards lists the locked cards of a period, by work id.
	TimeCards(ctx context.Context, period uuid.UUID) ([]projections.TimeCard, error)
}

// LockOrder asks to lock a pay period.
type LockOrder struct {
	Plan    payrules.Plan
	Period  payrules.PayPeriod
	Earlier []payrules.Rules // of earlier periods, where they are neither in the plan nor built in
	Despite bool             // of findings of high severity
	At      time.Time
}

// LockedPeriod is what locking did.
type LockedPeriod struct {
	Receipt     Receipt // of the period itself
	PeriodID    uuid.UUID
	Cards       int
	Adjustments int // of earlier periods, in all cards
}

// RosterShift is one shift and the people who were asked or assigned.
type RosterShift struct {
	projections.Shift
	Places []projections.Place
}

// State is how far the shift has come.
func (s RosterShift) State() assignment.Status {
	return assignment.State{
		Planned: true, Headcount: s.Headcount, Places: make([]assignment.Place, s.Assigned), Strategy: s.Strategy,
		Cancelled: s.CancelledAt != nil, Completed: s.CompletedAt != nil,
	}.Status()
}

// Known is what only the caller knows of somebody who could work a shift. The
// roster tells the rest.
type Known struct {
	WorkID         uuid.UUID
	Seniority      int
	Qualifications []string
}

// TakenOff is somebody who lost a place because the shift was moved: the rule that
// says so, and the shift that stands against it where there is one.
type TakenOff struct {
	WorkID uuid.UUID
	Reason string
	With   uuid.UUID
}
