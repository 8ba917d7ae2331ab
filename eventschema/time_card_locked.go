package eventschema

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// CategoryTimeCard is the category of streams of what was paid.
const CategoryTimeCard = "timecard"

// TimeCardStream holds the locked time cards of one work id.
func TimeCardStream(tenant, work uuid.UUID) StreamName {
	return StreamName{Category: CategoryTimeCard, Tenant: tenant, ID: work}
}

// TimeCardLocked says what one work record is paid for one pay period. Punches may
// still come late and be corrected; what that changes is an adjustment of a later
// card and never changes this one.
//
// History:
//   - v1 kept the time of all jobs together, and the rules with the period only.
//   - v2 keeps it by job, with the rules of the card.
type TimeCardLocked struct {
	CardID   uuid.UUID `json:"card_id"`
	PeriodID uuid.UUID `json:"period_id"`
	WorkID   uuid.UUID `json:"work_id"`
	From     string    `json:"from"` // local days, 2006-01-02, both included
	To       string    `json:"to"`

	Time PaidTime  `json:"time"`         // of the period, as it was known
	Jobs []JobTime `json:"jobs"`         // the same by job, in order
	By   *PaidBy   `json:"by,omitempty"` // nil in v1: as the period says
	// Adjustments settle what has become of earlier periods since they were locked.
	Adjustments []TimeAdjustment `json:"adjustments,omitempty"`

	LockedAt time.Time `json:"locked_at"`
	LockedBy uuid.UUID `json:"locked_by"`
}

// PaidTime is time by what it is paid as. Of an adjustment each figure may be
// negative.
type PaidTime struct {
	RegularSeconds    int64 `json:"regular_seconds"`
	OvertimeSeconds   int64 `json:"overtime_seconds"`
	DoubleTimeSeconds int64 `json:"double_time_seconds"`
	PremiumHours      int   `json:"premium_hours"`
	GuaranteedSeconds int64 `json:"guaranteed_seconds,omitempty"` // paid beyond what was worked; not in v1
}

// TimeAdjustment is what a locked period is paid more or less than its card says.
type TimeAdjustment struct {
	PeriodID uuid.UUID `json:"period_id"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Job      string    `json:"job,omitempty"` // as of a [JobTime]
	Time     PaidTime  `json:"time"`
}

// Plus adds.
func (t PaidTime) Plus(other PaidTime) PaidTime {
	return PaidTime{
		RegularSeconds: t.RegularSeconds + other.RegularSeconds, OvertimeSeconds: t.OvertimeSeconds + other.OvertimeSeconds,
		DoubleTimeSeconds: t.DoubleTimeSeconds + other.DoubleTimeSeconds, PremiumHours: t.PremiumHours + other.PremiumHours,
		GuaranteedSeconds: t.GuaranteedSeconds + other.GuaranteedSeconds,
	}
}

// Minus takes away.
func (t PaidTime) Minus(other PaidTime) PaidTime {
	return t.Plus(PaidTime{-other.RegularSeconds, -other.OvertimeSeconds, -other.DoubleTimeSeconds, -other.PremiumHours, -other.GuaranteedSeconds})
}

// EventType implements [Event].
func (e *TimeCardLocked) EventType() string { return "time-card-locked" }

// Sections implements [Event].
func (e *TimeCardLocked) Sections() []Section { return nil }

func timeCardLocked() Definition {
	return Definition{
		Type: "time-card-locked", Version: 2, New: func() Event { return new(TimeCardLocked) }, Upcasts: map[int]Upcast{1: {Data: upcastTimeCardLockedV1}},
	}
}

type timeCardLockedV1 struct {
	CardID      uuid.UUID        `json:"card_id"`
	PeriodID    uuid.UUID        `json:"period_id"`
	WorkID      uuid.UUID        `json:"work_id"`
	From        string           `json:"from"`
	To          string           `json:"to"`
	Time        PaidTime         `json:"time"`
	Adjustments []TimeAdjustment `json:"adjustments,omitempty"`
	LockedAt    time.Time        `json:"locked_at"`
	LockedBy    uuid.UUID        `json:"locked_by"`
}

// upcastTimeCardLockedV1 takes the time as that of no job: that is how it was paid.
func upcastTimeCardLockedV1(data json.RawMessage) (json.RawMessage, error) {
	var old timeCardLockedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(TimeCardLocked{
		CardID: old.CardID, PeriodID: old.PeriodID, WorkID: old.WorkID, From: old.From, To: old.To, Time: old.Time, Jobs: []JobTime{{Time: old.Time}},
		Adjustments: old.Adjustments, LockedAt: old.LockedAt, LockedBy: old.LockedBy,
	})
}
