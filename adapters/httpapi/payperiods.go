package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/payrules"
	"tracekeep/projections"
)

// PayPeriodBody is one pay period that is locked.
type PayPeriodBody struct {
	PeriodID    string       `json:"period_id" format:"uuid"`
	From        string       `json:"from" format:"date" example:"2026-03-02"`
	To          string       `json:"to" format:"date" example:"2026-03-15"`
	Plan        string       `json:"plan" doc:"Of one set of rules, their name." example:"flsa"`
	PlanVersion int          `json:"plan_version" example:"1"`
	PaidBy      []PaidByBody `json:"paid_by" doc:"The rules of each group of people."`
	Cards       int          `json:"cards" doc:"How many were paid something." example:"42"`
	LockedAt    string       `json:"locked_at" format:"date-time" example:"2026-03-16T09:00:00Z"`
	LockedBy    string       `json:"locked_by" format:"uuid" doc:"A pseudonym."`
}

// PaidByBody is a set of rules that people of a group were paid by.
type PaidByBody struct {
	Group        string   `json:"group,omitempty" doc:"Left out where there was one." example:"crew"`
	Zone         string   `json:"zone" example:"America/New_York"`
	Jobs         []string `json:"jobs,omitempty" doc:"The jobs it was for; left out: for the others."`
	Rules        string   `json:"rules" example:"flsa"`
	RulesVersion int      `json:"rules_version" example:"1"`
}

// LockedCardBody is what one work record was paid for a period.
type LockedCardBody struct {
	CardID      string           `json:"card_id" format:"uuid"`
	WorkID      string           `json:"work_id" format:"uuid"`
	From        string           `json:"from" format:"date" example:"2026-03-02"`
	To          string           `json:"to" format:"date" example:"2026-03-15"`
	Time        PaidTimeBody     `json:"time"`
	Adjustments []AdjustmentBody `json:"adjustments" doc:"Of earlier periods, settled with this one."`
	LockedAt    string           `json:"locked_at" format:"date-time" example:"2026-03-16T09:00:00Z"`
}

// LockBody is a pay period to be locked.
type LockBody struct {
	From            string `json:"from" format:"date" example:"2026-03-02"`
	To              string `json:"to" format:"date" doc:"The last day; it must be over." example:"2026-03-15"`
	Rules           string `json:"rules,omitempty" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"A set of rules; list-pay-rules lists them." example:"flsa"`
	Zone            string `json:"zone,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" doc:"IANA zone whose clock begins days and weeks, for rules that name none." example:"America/New_York"`
	Plan            string `json:"plan,omitempty" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"Instead of rules, a pay plan that the server was given."`
	DespiteFindings bool   `json:"despite_findings,omitempty" doc:"Lock although punches are missing or exchanged; what they become is an adjustment."`
}

type lockedAnswer struct {
	Ack
	Status int
	Body   struct {
		PeriodID    string `json:"period_id" format:"uuid"`
		Cards       int    `json:"cards" example:"42"`
		Adjustments int    `json:"adjustments" doc:"Of earlier periods, settled by these cards." example:"1"`
		Position    uint64 `json:"position" example:"48217"`
	}
}

type payPeriodsAnswer struct {
	Body struct {
		PayPeriods []PayPeriodBody `json:"pay_periods"`
	}
}

type lockedCardsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		PeriodID      string           `json:"period_id" format:"uuid"`
		Cards         []LockedCardBody `json:"cards"`
		NextPageToken string           `json:"next_page_token,omitempty"`
	}
}

type correctionsAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Corrections   []CorrectionRequestBody `json:"corrections"`
		NextPageToken string                  `json:"next_page_token,omitempty"`
	}
}

func (a *API) registerPayPeriodReading(api huma.API) {
	a.registerPayRules(api)
	huma.Register(api, a.operation("lock-pay-period", http.MethodPost, "/v1/pay-periods", "Pay", "Lock a pay period",
		"Locks one card for everybody who is paid something, and then the period; neither changes again. Interrupted, it is finished by the same request."),
		func(ctx context.Context, in *struct {
			Once
			Body LockBody
		}) (*lockedAnswer, error) {
			return a.lockPayPeriod(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-pay-periods", http.MethodGet, "/v1/pay-periods", "Pay", "List the pay periods that are locked", "In order of their days."),
		func(ctx context.Context, _ *struct{ Fresh }) (*payPeriodsAnswer, error) {
			periods, err := a.inside.Payroll.PayPeriods(ctx)
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &payPeriodsAnswer{}
			answer.Body.PayPeriods = each(periods, payPeriodBody)
			return answer, nil
		})
	huma.Register(api, a.operation("list-locked-cards", http.MethodGet, "/v1/pay-periods/{period_id}/cards", "Pay", "What was paid for a locked period",
		"In order of work id, under the ids that payroll knows."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			PeriodID ID `path:"period_id"`
		}) (*lockedCardsAnswer, error) {
			return a.listLockedCards(ctx, in.Paging, in.PeriodID)
		})
	huma.Register(api, a.operation("list-corrections", http.MethodGet, "/v1/corrections", "Punches", "List corrections that were asked for",
		"The one with the latest news first."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			Open   bool `query:"open" doc:"Only those that wait for a decision."`
			WorkID ID   `query:"work_id"`
		}) (*correctionsAnswer, error) {
			return a.listCorrections(ctx, in.Paging, in.Open, in.WorkID)
		})
}

func (a *API) lockPayPeriod(ctx context.Context, body LockBody) (*lockedAnswer, error) {
	plan, problem := a.config.Pay.plan("", paidByNames{body.Rules, body.Zone, body.Plan})
	if problem != nil {
		return nil, problem
	}
	first, errFrom := time.Parse(time.DateOnly, body.From)
	last, errTo := time.Parse(time.DateOnly, body.To)
	if errFrom != nil || errTo != nil || last.Before(first) || last.Sub(first) >= longestSpan*24*time.Hour {
		return nil, invalid("/to", "range", "days of the calendar, in order, at most "+strconv.Itoa(longestSpan))
	}
	locked, err := a.inside.Payroll.LockPayPeriod(ctx, caller(ctx), LockOrder{
		Plan: plan, Earlier: a.config.Pay.earlier(), Period: payrules.PayPeriod{First: first, Last: last}, Despite: body.DespiteFindings, At: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &lockedAnswer{Ack: ack(locked.Receipt), Status: created(locked.Receipt)}
	answer.Body.PeriodID, answer.Body.Cards, answer.Body.Adjustments, answer.Body.Position = locked.PeriodID.String(), locked.Cards, locked.Adjustments, locked.Receipt.Position
	return answer, nil
}

func payPeriodBody(p projections.PayPeriod) PayPeriodBody {
	paid := []PaidByBody{}
	for _, by := range p.Paid {
		for _, rules := range by.Rules {
			paid = append(paid, PaidByBody{Group: by.Group, Zone: by.Zone, Jobs: rules.Jobs, Rules: rules.Name, RulesVersion: rules.Version})
		}
	}
	return PayPeriodBody{
		PeriodID: p.PeriodID.String(), From: p.From, To: p.To, Plan: p.Plan, PlanVersion: p.PlanVersion, PaidBy: paid, Cards: p.Cards,
		LockedAt: rfc3339(p.LockedAt), LockedBy: p.LockedBy.String(),
	}
}

func (a *API) listLockedCards(ctx context.Context, paging Paging, period ID) (*lockedCardsAnswer, error) {
	asks := asking(ctx, "list-locked-cards", string(period))
	after, problem := a.cursorID(asks, paging)
	if problem != nil {
		return nil, problem
	}
	cards, err := a.inside.Payroll.TimeCards(ctx, period.id())
	if err != nil {
		return nil, problemOf(err)
	}
	if len(cards) == 0 {
		return nil, kindNotFound.because("")
	}
	page, last, more := pageOf(cards, after, paging.Size, func(c projections.TimeCard) uuid.UUID { return c.WorkID })
	answer := &lockedCardsAnswer{}
	answer.Body.PeriodID = string(period)
	answer.Body.Cards = each(page, func(c projections.TimeCard) LockedCardBody {
		return LockedCardBody{
			CardID: c.CardID.String(), WorkID: c.WorkID.String(), From: c.From, To: c.To, Time: paidTimeBody(c.Time),
			Adjustments: each(c.Adjustments, adjustmentBody), LockedAt: rfc3339(c.LockedAt),
		}
	})
	if more {
		return answer, a.nextID(asks, paging, last, nil, &answer.Link, &answer.Body.NextPageToken)
	}
	return answer, nil
}

func (a *API) listCorrections(ctx context.Context, paging Paging, open bool, work ID) (*correctionsAnswer, error) {
	filter := []string{"open", strconv.FormatBool(open), "work_id", string(work)}
	asks := asking(ctx, "list-corrections", filter...)
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Corrections.CorrectionRequests(ctx, projections.CorrectionsAsked{Open: open, Work: work.id(), Before: before, Limit: paging.Size + 1})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &correctionsAnswer{}
	answer.Body.Corrections = each(rows[:min(len(rows), paging.Size)], CorrectionRequestBodyOf)
	if len(rows) > paging.Size {
		return answer, a.nextPosition(asks, paging, rows[paging.Size-1].Position, &answer.Link, &answer.Body.NextPageToken, filter...)
	}
	return answer, nil
}
