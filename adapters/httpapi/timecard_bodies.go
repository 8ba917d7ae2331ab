package httpapi

import (
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// TimecardBody is the time card of one work record.
type TimecardBody struct {
	WorkID        string                  `json:"work_id" format:"uuid"`
	Name          PersonalBody            `json:"name"`
	From          string                  `json:"from" format:"date" example:"2026-03-02"`
	To            string                  `json:"to" format:"date" example:"2026-03-08"`
	State         string                  `json:"state" enum:"open,partly_locked,locked" doc:"Whether the days belong to pay periods that are locked." example:"open"`
	RuleVersion   int                     `json:"rule_version" doc:"The version of the pairing rule that was applied." example:"1"`
	ReviewVersion int                     `json:"review_version" doc:"The version of the policy by which findings are made." example:"1"`
	TotalSeconds  int64                   `json:"total_seconds" example:"28800"`
	Total         string                  `json:"total" doc:"Hours and minutes, truncated to the minute." example:"08:00"`
	Days          []DayBody               `json:"days"`
	Findings      []FindingBody           `json:"findings" doc:"What somebody should look at before the hours are paid."`
	Corrections   []CorrectedPunchBody    `json:"corrections" doc:"Punches that count otherwise than they were recorded, with both values."`
	Requests      []CorrectionRequestBody `json:"requests" doc:"Corrections that wait for a decision."`
	Locked        []LockedBody            `json:"locked" doc:"The locked pay periods that share days with the card, and what was paid for them."`
	Owed          *OwedBody               `json:"owed,omitempty" doc:"What the days are paid as, where rules were named."`
}

// TimecardBodyOf shows a time card to who holds the release of its name.
func TimecardBodyOf(view TimecardView, release Release) TimecardBody {
	body := TimecardBody{
		WorkID: view.WorkID.String(), Name: personalBody(view.Name, release), From: view.From, To: view.To, State: string(view.State),
		RuleVersion: view.RuleVersion, ReviewVersion: view.ReviewVersion, TotalSeconds: view.Seconds, Total: clock(view.Seconds),
		Days: each(view.Days, dayBody), Findings: each(view.Findings, findingBody), Corrections: each(view.Corrections, correctedPunchBody),
		Requests: each(view.Requests, CorrectionRequestBodyOf), Locked: each(view.Locked, lockedBody),
	}
	if o := view.Owed; o != nil {
		body.Owed = &OwedBody{
			Plan: o.Plan, PlanVersion: o.PlanVersion, Rules: o.Rules, RulesVersion: o.Version, Time: paidTimeBody(o.Time), Breaches: o.Breaches, Overlaps: o.Overlaps, Adjustments: each(o.Adjustments, adjustmentBody),
		}
	}
	return body
}

// each makes a list of bodies, never null.
func each[T, B any](all []T, body func(T) B) []B {
	bodies := make([]B, len(all))
	for i := range all {
		bodies[i] = body(all[i])
	}
	return bodies
}

// FindingBody is something that somebody should look at.
type FindingBody struct {
	Code     string   `json:"code" example:"missing_out"`
	Severity string   `json:"severity" enum:"low,medium,high" example:"high"`
	TimeTrex string   `json:"timetrex,omitempty" doc:"The code that TimeTrex gives the same thing, where it has one." example:"M2"`
	At       string   `json:"at,omitempty" format:"date-time" doc:"Left out where it is about declared hours, which have no time of day." example:"2026-03-03T07:00:00Z"`
	WorkDate string   `json:"work_date" format:"date" example:"2026-03-03"`
	PunchIDs []string `json:"punch_ids" doc:"The punches it is about, the earlier first."`

	DeclarationIDs []string `json:"declaration_ids,omitempty" doc:"The declared hours it is about."`
}

func findingBody(f hours.Finding) FindingBody {
	body := FindingBody{Code: string(f.Code), Severity: string(f.Severity), TimeTrex: f.TimeTrex, WorkDate: f.WorkDate, PunchIDs: each(f.Punches, uuid.UUID.String)}
	if !f.At.IsZero() {
		body.At = rfc3339(f.At)
	}
	if len(f.Declared) > 0 {
		body.DeclarationIDs = each(f.Declared, uuid.UUID.String)
	}
	return body
}

// PunchReadingBody is when and as what a punch counts or was recorded.
type PunchReadingBody struct {
	At        string `json:"at" format:"date-time" doc:"With the offset of the site." example:"2026-03-02T08:00:00+01:00"`
	Direction string `json:"direction" enum:"in,out" example:"in"`
	Kind      string `json:"kind" example:"normal"`
}

func punchReadingBody(r projections.PunchReading) PunchReadingBody {
	local := r.OccurredAt.In(time.FixedZone("", r.OffsetSeconds))
	return PunchReadingBody{At: local.Format(time.RFC3339Nano), Direction: string(r.Direction), Kind: string(r.Kind)}
}

// CorrectedPunchBody is a punch with both of its values.
type CorrectedPunchBody struct {
	PunchID     string            `json:"punch_id" format:"uuid"`
	Station     string            `json:"station" example:"gate-1"`
	Recorded    PunchReadingBody  `json:"recorded"`
	Counts      *PunchReadingBody `json:"counts,omitempty" doc:"Left out when the punch was taken out of the count."`
	Void        bool              `json:"void"`
	Reason      string            `json:"reason" example:"wrong_time"`
	CorrectedAt string            `json:"corrected_at" format:"date-time" example:"2026-03-04T09:00:00Z"`
	CorrectedBy string            `json:"corrected_by" format:"uuid" doc:"A pseudonym; of a worker who asked for it, the work id."`
	ApprovedBy  string            `json:"approved_by" format:"uuid" doc:"A pseudonym."`
}

func correctedPunchBody(p CorrectedPunch) CorrectedPunchBody {
	body := CorrectedPunchBody{
		PunchID: p.ID.String(), Station: p.Station, Recorded: punchReadingBody(p.Recorded), Void: p.Voided, Reason: string(p.CorrectedFor),
		CorrectedAt: rfc3339(p.Latest.CorrectedAt), CorrectedBy: p.Latest.CorrectedBy.String(), ApprovedBy: p.Latest.ApprovedBy.String(),
	}
	if !p.Voided {
		counts := punchReadingBody(p.Counts)
		body.Counts = &counts
	}
	return body
}

// CorrectionRequestBody is a correction that was asked for.
type CorrectionRequestBody struct {
	CorrectionID string  `json:"correction_id" format:"uuid"`
	PunchID      string  `json:"punch_id" format:"uuid"`
	WorkID       string  `json:"work_id" format:"uuid"`
	Void         bool    `json:"void" doc:"Asked for: to take the punch out of the count."`
	OccurredAt   *string `json:"occurred_at,omitempty" format:"date-time" doc:"Asked for: when it counts."`
	Direction    string  `json:"direction,omitempty" enum:"in,out"`
	Kind         string  `json:"kind,omitempty"`
	Reason       string  `json:"reason" example:"wrong_time"`
	RequestedAt  *string `json:"requested_at,omitempty" format:"date-time"`
	RequestedBy  string  `json:"requested_by" format:"uuid" doc:"A pseudonym; of the worker themself, the work id."`
	State        string  `json:"state" enum:"open,approved,refused" example:"open"`
	Ground       string  `json:"ground,omitempty" doc:"Of a refusal, a code."`
	DecidedAt    *string `json:"decided_at,omitempty" format:"date-time"`
	DecidedBy    *string `json:"decided_by,omitempty" format:"uuid"`
}

// CorrectionRequestBodyOf shows a request. It holds no personal value.
func CorrectionRequestBodyOf(r projections.CorrectionRequest) CorrectionRequestBody {
	body := CorrectionRequestBody{
		CorrectionID: r.CorrectionID.String(), PunchID: r.PunchID.String(), WorkID: r.WorkID.String(), Void: r.Void, Direction: string(r.Direction), Kind: string(r.Kind),
		Reason: string(r.Reason), RequestedAt: optionalTime(r.RequestedAt), RequestedBy: r.RequestedBy.String(), State: "open", Ground: r.Ground, DecidedAt: optionalTime(r.DecidedAt),
	}
	if !r.Void {
		body.OccurredAt = optionalTime(&r.OccurredAt)
	}
	if r.Outcome != "" {
		by := r.DecidedBy.String()
		body.State, body.DecidedBy = r.Outcome, &by
	}
	return body
}

// PaidTimeBody is time by what it is paid as.
type PaidTimeBody struct {
	RegularSeconds    int64 `json:"regular_seconds" example:"28800"`
	OvertimeSeconds   int64 `json:"overtime_seconds" example:"0"`
	DoubleTimeSeconds int64 `json:"double_time_seconds" example:"0"`
	PremiumHours      int   `json:"premium_hours" doc:"Hours paid because a meal or a rest was not given." example:"0"`
}

func paidTimeBody(t eventschema.PaidTime) PaidTimeBody {
	return PaidTimeBody{RegularSeconds: t.RegularSeconds, OvertimeSeconds: t.OvertimeSeconds, DoubleTimeSeconds: t.DoubleTimeSeconds, PremiumHours: t.PremiumHours}
}

// AdjustmentBody is what an earlier, locked period comes to beyond what was paid.
type AdjustmentBody struct {
	PeriodID string       `json:"period_id" format:"uuid"`
	From     string       `json:"from" format:"date" example:"2026-02-16"`
	To       string       `json:"to" format:"date" example:"2026-03-01"`
	Time     PaidTimeBody `json:"time" doc:"Negative where too much was paid."`
}

func adjustmentBody(a eventschema.TimeAdjustment) AdjustmentBody {
	return AdjustmentBody{PeriodID: a.PeriodID.String(), From: a.From, To: a.To, Time: paidTimeBody(a.Time)}
}

// LockedBody is a locked period on a time card.
type LockedBody struct {
	PeriodID    string           `json:"period_id" format:"uuid"`
	From        string           `json:"from" format:"date" example:"2026-03-02"`
	To          string           `json:"to" format:"date" example:"2026-03-15"`
	LockedAt    string           `json:"locked_at" format:"date-time" example:"2026-03-16T09:00:00Z"`
	Paid        *PaidTimeBody    `json:"paid,omitempty" doc:"Left out when nothing was paid."`
	Adjustments []AdjustmentBody `json:"adjustments" doc:"Of earlier periods, settled with this one."`
}

func lockedBody(l LockedDays) LockedBody {
	body := LockedBody{
		PeriodID: l.Period.PeriodID.String(), From: l.Period.From, To: l.Period.To, LockedAt: rfc3339(l.Period.LockedAt), Adjustments: each(l.Card.Adjustments, adjustmentBody),
	}
	if l.Paid {
		paid := paidTimeBody(l.Card.Time)
		body.Paid = &paid
	}
	return body
}

// OwedBody is what days are paid as by a set of rules.
type OwedBody struct {
	Plan         string           `json:"plan" doc:"Of one set of rules, their name." example:"flsa"`
	PlanVersion  int              `json:"plan_version" example:"1"`
	Rules        string           `json:"rules" doc:"Of the group; jobs with rules of their own are worked out by these." example:"flsa"`
	RulesVersion int              `json:"rules_version" example:"1"`
	Time         PaidTimeBody     `json:"time"`
	Breaches     int              `json:"breaches" doc:"Of rules about pauses, rests and the length of days."`
	Overlaps     int              `json:"overlaps" doc:"Stretches of time that were recorded twice; they count once."`
	Adjustments  []AdjustmentBody `json:"adjustments" doc:"Of locked periods, not settled yet."`
}
