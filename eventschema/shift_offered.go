package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// ShiftOffered says who may take a shift, by which strategy, and why in this order.
// It explains itself: everybody who was considered is in Standings or in PassedOver,
// with the figures that were compared.
//
// History: v1 is the first version.
type ShiftOffered struct {
	ShiftID       uuid.UUID    `json:"shift_id"`
	Strategy      Strategy     `json:"strategy"`
	PolicyVersion int          `json:"policy_version"` // of the limits that were checked
	Standings     []Standing   `json:"standings"`      // the first one first
	PassedOver    []PassedOver `json:"passed_over,omitempty"`
	Offered       []uuid.UUID  `json:"offered"` // work ids that may answer; of a release to all those known to be free, and anybody may
	RespondBy     time.Time    `json:"respond_by"`
	OfferedAt     time.Time    `json:"offered_at"`
	OfferedBy     uuid.UUID    `json:"offered_by"`
}

// Strategy is how people are put in order for a shift.
type Strategy string

// The strategies (promise OT-35). StrategyDirect is the word of an officer and
// StrategySwap an agreement of two people: neither puts anybody in order.
const (
	StrategySeniority Strategy = "seniority"
	StrategyRotation  Strategy = "rotation"
	StrategyFairness  Strategy = "fairness"
	StrategyBidding   Strategy = "bidding"
	StrategyRelease   Strategy = "release_to_all"
	StrategyDirect    Strategy = "direct"
	StrategySwap      Strategy = "swap"
)

// Standing is the place of one person in the order.
type Standing struct {
	WorkID  uuid.UUID        `json:"work_id"`
	Rank    int              `json:"rank"` // 1 is the first; those of a release to all are all first
	Reasons []StandingReason `json:"reasons"`
}

// StandingReason is one figure that was compared, the deciding ones first.
type StandingReason struct {
	Code  StandingCode `json:"code"`
	Value int64        `json:"value"`
}

// StandingCode names a figure.
type StandingCode string

// The figures.
const (
	StandingSeniority       StandingCode = "seniority_number" // place in the seniority list; 0 is not on it
	StandingLastAssigned    StandingCode = "last_assigned"    // start of the latest shift, Unix seconds; 0 is never
	StandingAssignedMinutes StandingCode = "assigned_minutes" // in the span that fairness looks at
	StandingAssignedShifts  StandingCode = "assigned_shifts"
	StandingPoints          StandingCode = "points" // bid
	StandingBidAt           StandingCode = "bid_at" // Unix milliseconds
	StandingLot             StandingCode = "lot"    // drawn from the ids of shift and work record: anybody can draw it again
)

// PassedOver is one reason why somebody could not be considered. A person may be
// passed over for several.
type PassedOver struct {
	WorkID  uuid.UUID    `json:"work_id"`
	Code    ConflictCode `json:"code"`
	With    uuid.UUID    `json:"with,omitzero"` // the other shift
	Counted int64        `json:"counted"`       // minutes, or shifts, with this one
	Limit   int64        `json:"limit"`
}

// ConflictCode names a reason.
type ConflictCode string

// The reasons.
const (
	ConflictNotQualified ConflictCode = "not_qualified"
	ConflictDoubleBooked ConflictCode = "double_booked" // minutes that overlap
	ConflictRest         ConflictCode = "short_rest"    // minutes between two shifts
	ConflictStretch      ConflictCode = "long_stretch"  // minutes without a rest
	ConflictDayHours     ConflictCode = "day_hours"     // minutes in a day
	ConflictWeekHours    ConflictCode = "week_hours"
	ConflictDayShifts    ConflictCode = "day_shifts"
	ConflictWeekShifts   ConflictCode = "week_shifts"
	ConflictDeclined     ConflictCode = "declined" // has said no to this shift
	ConflictAssigned     ConflictCode = "assigned" // has it already
)

// EventType implements [Event].
func (e *ShiftOffered) EventType() string { return "shift-offered" }

// Sections implements [Event]. People appear as work ids only.
func (e *ShiftOffered) Sections() []Section { return nil }

func shiftOffered() Definition {
	return Definition{Type: "shift-offered", Version: 1, New: func() Event { return new(ShiftOffered) }}
}
