package httpapi

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/domain/hours"
	"tracekeep/domain/payrules"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Workforce answers what HR and payroll ask of the work done and planned. Work
// records are named by their ids; a name is shown once its reading is recorded
// ([Readings]). Errors: *Erased, *Refusal, ErrNotFound, ErrUnavailable.
type Workforce interface {
	Timecard(ctx context.Context, by Principal, question TimecardQuestion) (TimecardView, error)
	// Exceptions lists what somebody should look at before hours are paid, by work
	// id and time.
	Exceptions(ctx context.Context, by Principal, question ExceptionsQuestion) ([]ExceptionRow, error)
	// Board says who is where, by work id.
	Board(ctx context.Context, by Principal, question BoardQuestion) (BoardView, error)
	// Overtime says how near everybody is to overtime in one workweek, by work id.
	Overtime(ctx context.Context, by Principal, question OvertimeQuestion) (OvertimeView, error)
	// Caps says how much of the caps on assignments is taken up, by work id.
	Caps(ctx context.Context, by Principal, question CapsQuestion) (CapsView, error)
	WorkHistory(ctx context.Context, by Principal, whose Whose) (WorkHistoryView, error)
	// Performance measures one person. Nothing else here shows how work is judged.
	Performance(ctx context.Context, by Principal, question PerformanceQuestion) (PerformanceView, error)
}

// Whose work a question is about: of a work record, of a person, or with neither of
// everybody.
type Whose struct{ Work, Person uuid.UUID }

// TimecardQuestion asks for the time card of one work record. Where Plan is set,
// what the days are paid as is worked out by it.
type TimecardQuestion struct {
	Whose
	From, To string // 2006-01-02, both included
	Plan     *payrules.Plan
	Earlier  []payrules.Rules // of earlier periods, where they are neither in the plan nor built in
}

// CardState says whether what a time card shows may still change.
type CardState string

// The states of a time card.
const (
	CardOpen         CardState = "open"
	CardPartlyLocked CardState = "partly_locked"
	CardLocked       CardState = "locked"
)

// TimecardView is the time card of one work record.
type TimecardView struct {
	HoursView
	Name          Personal
	From, To      string
	State         CardState
	Seconds       int64 // worked, of all days
	ReviewVersion int
	Findings      []hours.Finding
	Places        map[uuid.UUID]projections.PunchPlace // of the punches of the days and the findings
	Corrections   []CorrectedPunch
	Requests      []projections.CorrectionRequest // that wait for a decision
	Locked        []LockedDays
	Owed          *OwedTime // where rules were given
}

// CorrectedPunch is a punch with what was recorded and what counts.
type CorrectedPunch struct {
	projections.Punch
	Latest projections.Correction
}

// LockedDays is a locked pay period that shares days with a time card, and what was
// paid for it. Paid is false for somebody who was paid nothing.
type LockedDays struct {
	Period projections.PayPeriod
	Card   projections.TimeCard
	Paid   bool
}

// OwedTime is what the days of a time card are paid as by a set of rules.
type OwedTime struct {
	Plan        string // of one set of rules, their name
	PlanVersion int
	Rules       string // of the group, for the jobs that have none of their own
	Version     int
	Time        eventschema.PaidTime
	Breaches    int
	Overlaps    int
	Adjustments []eventschema.TimeAdjustment // of locked periods, not settled yet
}

// ExceptionsQuestion asks for exceptions of the days From to To, both included. The
// zero of the others leaves nothing out.
type ExceptionsQuestion struct {
	Whose
	From, To string
	Station  string
	AtLeast  hours.Severity
}

// ExceptionRow is one finding about one work record.
type ExceptionRow struct {
	hours.Finding
	WorkID  uuid.UUID
	Name    Personal
	Station string        // of the first punch it is about; empty of declared hours alone
	Grace   time.Duration // that had passed before it was said

	OffsetSeconds int // UTC offset there
}

// BoardQuestion asks who is in at an instant. A zero time is now; empty places are
// all.
type BoardQuestion struct {
	At            time.Time
	Station, Site string
}

// BoardView is the board of who is on site.
type BoardView struct {
	At       time.Time
	Rows     []BoardRow
	Stations []PlaceCount // by code
	Sites    []PlaceCount // by code; the empty code counts those who are at no site that is known
}

// Overdue says why somebody should be out by now.
type Overdue string

// The reasons.
const (
	OverdueShift Overdue = "shift_ended"   // the shift is over, and the grace
	OverdueLong  Overdue = "long_presence" // without a shift, and longer than any interval should be
)

// BoardRow is one work record that is in. ShiftID is nil for who is on no shift.
type BoardRow struct {
	PresenceView
	ShiftID uuid.UUID
	Site    string    // as the punch says it, else of the shift
	EndsAt  time.Time // of the shift
	Overdue Overdue   // empty: nothing is overdue
}

// PlaceCount is how many are in one place.
type PlaceCount struct {
	Code        string
	In, Overdue int
}

// OvertimeQuestion asks about the workweek of Rules that a day lies in. An empty On
// asks for the one that is running; Near is from how little time left somebody is
// near.
type OvertimeQuestion struct {
	Whose
	Rules payrules.Rules
	Zone  string // for rules that name none
	On    string // 2006-01-02
	Near  time.Duration
}

// OvertimeView is one workweek, as far as it is over.
type OvertimeView struct {
	From, To string // local dates on which it begins and the next one does
	Start    time.Time
	End      time.Time
	Limit    time.Duration // of the week; 0 where the rules have none
	Rows     []OvertimeRow
}

// OvertimeState is how near somebody is.
type OvertimeState string

// The states.
const (
	OvertimeUnder OvertimeState = "under"
	OvertimeNear  OvertimeState = "near"
	OvertimeOver  OvertimeState = "over"
)

// OvertimeRow is the week of one work record. Left is what can be worked before the
// limit of the week; Running is the part of the time of who is in now, and belongs to
// it.
type OvertimeRow struct {
	WorkID  uuid.UUID
	Name    Personal
	Totals  payrules.Totals
	Left    time.Duration
	Running time.Duration
	State   OvertimeState
}

// CapsQuestion asks about the local day On in Zone and the week it lies in.
type CapsQuestion struct {
	Whose
	On   string // 2006-01-02; empty: today
	Zone string // IANA
}

// CapsView is how much of the caps of a policy is taken up.
type CapsView struct {
	PolicyVersion int
	On            string
	Rows          []CapsRow
}

// CapsRow is one work record with shifts in the day or the week.
type CapsRow struct {
	WorkID uuid.UUID
	Name   Personal
	Uses   []assignment.Use
}

// WorkHistoryView is everything one work record did.
type WorkHistoryView struct {
	WorkID  uuid.UUID
	Link    Personal // what led from the person asked about to WorkID; absent without one
	Name    Personal
	Shifts  []PastShift // by start
	Jobs    []Job       // by employer, site and kind
	Months  []Month     // by month, of the punches
	Seconds int64       // worked, in all
}

// PastShift is a shift that has begun and that somebody had a place on, with what came of it.
type PastShift struct {
	projections.Shift
	State  assignment.Status
	Mark   assignment.Mark // as the punches say it now; of a completed shift as it was closed
	Rating eventschema.QualityRating
}

// Job adds up the shifts of one kind at one site for one employer.
type Job struct {
	Kind           eventschema.ShiftKind
	Employer, Site string
	Shifts         int
	Planned        time.Duration
	Worked         time.Duration
}

// Month is what was worked in one month, on a shift or not.
type Month struct {
	Month   string // 2006-01
	Seconds int64
	Days    int
}

// PerformanceQuestion asks how somebody did on the shifts and tasks that began in a
// period.
type PerformanceQuestion struct {
	Whose
	From, To time.Time // To is not included
}

// PerformanceView is what is measured of one work record. Measured stands for all of
// it in the record of readings; where it is withheld, there are no figures and no shifts.
type PerformanceView struct {
	WorkID   uuid.UUID
	Link     Personal // what led from the person asked about to WorkID; absent without one
	Name     Personal
	Measured Personal
	Figures  []assignment.Figure
	Shifts   []PastShift // by start
}
