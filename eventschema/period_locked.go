package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryPayPeriod is the category of streams of pay periods.
const CategoryPayPeriod = "payperiod"

// PayPeriodStream holds one pay period.
func PayPeriodStream(tenant, period uuid.UUID) StreamName {
	return StreamName{Category: CategoryPayPeriod, Tenant: tenant, ID: period}
}

// PeriodLocked says that a pay period is closed for everybody: each work record
// with something to be paid has its [TimeCardLocked], and one without has none and
// was paid nothing.
//
// History: v1 is the first version.
type PeriodLocked struct {
	PeriodID uuid.UUID `json:"period_id"`
	From     string    `json:"from"` // local days, 2006-01-02, both included
	To       string    `json:"to"`
	Zone     string    `json:"zone"` // whose clock began the days

	// The rules by which it was worked out, and by which what changes later is
	// compared: name, version, and the SHA-256 of the whole set in hexadecimal.
	Rules        string `json:"rules"`
	RulesVersion int    `json:"rules_version"`
	RulesDigest  string `json:"rules_digest"`

	Cards    int       `json:"cards"`
	LockedAt time.Time `json:"locked_at"`
	LockedBy uuid.UUID `json:"locked_by"`
}

// EventType implements [Event].
func (e *PeriodLocked) EventType() string { return "period-locked" }

// Sections implements [Event].
func (e *PeriodLocked) Sections() []Section { return nil }

func periodLocked() Definition {
	return Definition{Type: "period-locked", Version: 1, New: func() Event { return new(PeriodLocked) }}
}
