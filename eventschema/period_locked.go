package eventschema

import (
	"encoding/json"
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
// History:
//   - v1 was locked by one set of rules, which it called the rules.
//   - v2 is locked by a plan, which may have several.
type PeriodLocked struct {
	PeriodID uuid.UUID `json:"period_id"`
	From     string    `json:"from"` // local days, 2006-01-02, both included
	To       string    `json:"to"`

	Plan        string   `json:"plan"` // of one set of rules: their name and version
	PlanVersion int      `json:"plan_version"`
	Paid        []PaidBy `json:"paid"` // the groups of the plan

	Cards    int       `json:"cards"`
	LockedAt time.Time `json:"locked_at"`
	LockedBy uuid.UUID `json:"locked_by"`
}

// EventType implements [Event].
func (e *PeriodLocked) EventType() string { return "period-locked" }

// Sections implements [Event].
func (e *PeriodLocked) Sections() []Section { return nil }

func periodLocked() Definition {
	return Definition{
		Type: "period-locked", Version: 2, New: func() Event { return new(PeriodLocked) }, Upcasts: map[int]Upcast{1: {Data: upcastPeriodLockedV1}},
	}
}

type periodLockedV1 struct {
	PeriodID     uuid.UUID `json:"period_id"`
	From         string    `json:"from"`
	To           string    `json:"to"`
	Zone         string    `json:"zone"`
	Rules        string    `json:"rules"`
	RulesVersion int       `json:"rules_version"`
	RulesDigest  string    `json:"rules_digest"`
	Cards        int       `json:"cards"`
	LockedAt     time.Time `json:"locked_at"`
	LockedBy     uuid.UUID `json:"locked_by"`
}

func upcastPeriodLockedV1(data json.RawMessage) (json.RawMessage, error) {
	var old periodLockedV1
	if err := json.Unmarshal(data, &old); err != nil {
		return nil, err
	}
	return json.Marshal(PeriodLocked{
		PeriodID: old.PeriodID, From: old.From, To: old.To, Plan: old.Rules, PlanVersion: old.RulesVersion,
		Paid:  []PaidBy{{Rest: true, Zone: old.Zone, Rules: []PaidRules{{Name: old.Rules, Version: old.RulesVersion, Digest: old.RulesDigest}}}},
		Cards: old.Cards, LockedAt: old.LockedAt, LockedBy: old.LockedBy,
	})
}
