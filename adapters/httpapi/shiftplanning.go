package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// TimesBody is when a shift is.
type TimesBody struct {
	Zone     string `json:"zone" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_+/-]+$" example:"Europe/Berlin" doc:"IANA time zone of the site; what its clock shows is kept beside the instants."`
	StartsAt string `json:"starts_at" format:"date-time" example:"2026-03-09T07:00:00+01:00"`
	EndsAt   string `json:"ends_at" format:"date-time" doc:"At most 24 hours later." example:"2026-03-09T15:00:00+01:00"`
}

func (b TimesBody) times() (assignment.Times, *Problem) {
	location, problem := loadZone(b.Zone)
	if problem != nil {
		return assignment.Times{}, problem
	}
	times := assignment.Times{Zone: b.Zone}
	for _, t := range []struct {
		pointer, text string
		at            *time.Time
		local         *string
	}{{"/starts_at", b.StartsAt, &times.StartsAt, &times.StartsLocal}, {"/ends_at", b.EndsAt, &times.EndsAt, &times.EndsLocal}} {
		if *t.at, problem = parseInstant(t.pointer, t.text); problem != nil {
			return assignment.Times{}, problem
		}
		if !t.at.Equal(t.at.Truncate(time.Minute)) {
			return assignment.Times{}, invalid(t.pointer, "minute", "a shift begins and ends at a whole minute")
		}
		*t.local = t.at.In(location).Format(assignment.LocalLayout)
	}
	return times, nil
}

// PlanBody is a shift to be planned.
type PlanBody struct {
	TimesBody
	Kind          string `json:"kind" enum:"duty,detail,task" example:"detail" doc:"Duty, a detail for another employer, or a task, which is done beside them and takes up no time of its own."`
	Employer      string `json:"employer" maxLength:"40" pattern:"^[a-z0-9_]+$" example:"customer_0042" doc:"Who pays, as a code."`
	Site          string `json:"site" maxLength:"40" pattern:"^[a-z0-9_]+$" example:"harbor_st"`
	Headcount     int    `json:"headcount,omitempty" minimum:"1" maximum:"999" default:"1" example:"2"`
	Qualification string `json:"qualification,omitempty" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"What everybody on it must have, as a code."`
}

// WhyBody is why something is done.
type WhyBody struct {
	Reason string `json:"reason" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"A code, never free text." example:"weather"`
}

// CandidateBody is somebody who could work a shift.
type CandidateBody struct {
	WorkID         ID       `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
	Seniority      int      `json:"seniority,omitempty" minimum:"0" maximum:"1000000" example:"1" doc:"The place in the list, 1 is the longest service; only where the strategy asks."`
	Qualifications []string `json:"qualifications,omitempty" maxItems:"50" pattern:"^[a-z0-9_]+$" doc:"Codes of what the person is qualified for."`
}

func known(candidates []CandidateBody) []Known {
	return each(candidates, func(c CandidateBody) Known {
		return Known{WorkID: c.WorkID.id(), Seniority: c.Seniority, Qualifications: c.Qualifications}
	})
}

// OfferBody offers a shift.
type OfferBody struct {
	Strategy   string          `json:"strategy" enum:"seniority,rotation,fairness,bidding,release_to_all" example:"fairness"`
	Candidates []CandidateBody `json:"candidates" minItems:"1" maxItems:"1000"`
	Asked      int             `json:"asked,omitempty" minimum:"0" maximum:"1000" doc:"How many are asked, of a strategy that knows an order; left out, as many as there are places."`
	RespondBy  string          `json:"respond_by" format:"date-time" example:"2026-03-08T12:00:00Z" doc:"Until when an answer counts."`
}

// AwardBody gives free places to the best bids.
type AwardBody struct {
	Candidates []CandidateBody `json:"candidates,omitempty" maxItems:"1000" doc:"What bidders are qualified for; those left out are what they were when the shift was offered to them."`
}

// RatingsBody closes a shift.
type RatingsBody struct {
	Ratings []RatingBody `json:"ratings,omitempty" maxItems:"999" doc:"Who is not rated is unrated."`
}

// RatingBody rates one person's work on a shift.
type RatingBody struct {
	WorkID ID     `json:"work_id" example:"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11"`
	Rating string `json:"rating" enum:"exceeds,meets,below,unrated" example:"meets"`
}

type plannedAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		ShiftID  string `json:"shift_id" format:"uuid"`
		Revision uint64 `json:"revision" example:"0"`
		Position uint64 `json:"position" example:"48215"`
	}
}

// TakenOffBody is somebody who lost a place because the shift was moved.
type TakenOffBody struct {
	WorkID  string  `json:"work_id" format:"uuid"`
	Reason  string  `json:"reason" doc:"The rule that says so." example:"short_rest"`
	ShiftID *string `json:"shift_id,omitempty" format:"uuid" doc:"The shift that stands against it."`
}

type movedAnswer struct {
	Ack
	Tagged
	Status int
	Body   struct {
		Changed
		TakenOff []TakenOffBody `json:"taken_off" doc:"Who cannot have the shift at its new time."`
	}
}

func (a *API) registerShiftPlanning(api huma.API) {
	huma.Register(api, a.operation("plan-shift", http.MethodPost, "/v1/shifts", "Shifts", "Plan a shift", ""),
		func(ctx context.Context, in *struct {
			Once
			Body PlanBody
		}) (*plannedAnswer, error) {
			return a.planShift(ctx, in.Body)
		})
	huma.Register(api, a.operation("reschedule-shift", http.MethodPost, "/v1/shifts/{shift_id}/reschedule", "Shifts", "Move a shift",
		"Offers, bids and swaps are over. Who is assigned keeps the place where the rules allow the new time, and is taken off and named where not."),
		func(ctx context.Context, in *struct {
			Once
			Match
			ShiftID ID `path:"shift_id"`
			Body    TimesBody
		}) (*movedAnswer, error) {
			return a.rescheduleShift(ctx, in.IfMatch, in.ShiftID.id(), in.Body)
		})
	huma.Register(api, a.operation("cancel-shift", http.MethodPost, "/v1/shifts/{shift_id}/cancellation", "Shifts", "Call a shift off", ""),
		func(ctx context.Context, in *struct {
			Once
			Match
			ShiftID ID `path:"shift_id"`
			Body    WhyBody
		}) (*changedAnswer, error) {
			what, problem := matched(ctx, in.IfMatch)
			if problem != nil {
				return nil, problem
			}
			return changed(a.inside.Shifts.AdvanceShift(ctx, what, in.ShiftID.id(), nil, func([]assignment.Candidate) assignment.Command {
				return assignment.Cancel{Reason: in.Body.Reason, CancelledAt: a.config.Clock().UTC(), CancelledBy: caller(ctx).ID}
			}))
		})
	a.registerShiftOffers(api)
}

func (a *API) registerShiftOffers(api huma.API) {
	huma.Register(api, a.operation("complete-shift", http.MethodPost, "/v1/shifts/{shift_id}/completion", "Shifts", "Close a shift that is over",
		"With the attendance that the punches show."),
		func(ctx context.Context, in *struct {
			Once
			ShiftID ID `path:"shift_id"`
			Body    RatingsBody
		}) (*changedAnswer, error) {
			ratings := map[uuid.UUID]eventschema.QualityRating{}
			for i, r := range in.Body.Ratings {
				if _, twice := ratings[r.WorkID.id()]; twice {
					return nil, invalid("/ratings/"+strconv.Itoa(i), "twice", "one rating for each person")
				}
				ratings[r.WorkID.id()] = eventschema.QualityRating(r.Rating)
			}
			return changed(a.inside.Shifts.CompleteShift(ctx, intent(ctx), in.ShiftID.id(), ratings))
		})
	huma.Register(api, a.operation("offer-shift", http.MethodPost, "/v1/shifts/{shift_id}/offers", "Shifts", "Offer a shift to people",
		"In the order of a strategy; the figures that were compared, and what stood against those who were passed over, stay in the record."),
		func(ctx context.Context, in *struct {
			Once
			ShiftID ID `path:"shift_id"`
			Body    OfferBody
		}) (*changedAnswer, error) {
			return a.offerShift(ctx, in.ShiftID.id(), in.Body)
		})
	huma.Register(api, a.operation("award-shift", http.MethodPost, "/v1/shifts/{shift_id}/awards", "Shifts", "Give the free places to the best bids", ""),
		func(ctx context.Context, in *struct {
			Once
			ShiftID ID `path:"shift_id"`
			Body    AwardBody
		}) (*changedAnswer, error) {
			return changed(a.inside.Shifts.AwardShift(ctx, intent(ctx), in.ShiftID.id(), known(in.Body.Candidates)))
		})
}

func (a *API) planShift(ctx context.Context, body PlanBody) (*plannedAnswer, error) {
	times, problem := body.times()
	if problem != nil {
		return nil, problem
	}
	receipt, id, err := a.inside.Shifts.PlanShift(ctx, intent(ctx), assignment.Plan{
		Kind: eventschema.ShiftKind(body.Kind), Employer: body.Employer, Site: body.Site, Times: times, Headcount: body.Headcount, Qualification: body.Qualification,
		PlannedAt: a.config.Clock().UTC(),
	})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &plannedAnswer{Ack: ack(receipt), Status: created(receipt), Location: "/v1/shifts/" + id.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.ShiftID, answer.Body.Revision, answer.Body.Position = id.String(), receipt.Revision, receipt.Position
	return answer, nil
}

func (a *API) rescheduleShift(ctx context.Context, match string, shift uuid.UUID, body TimesBody) (*movedAnswer, error) {
	what, problem := matched(ctx, match)
	if problem != nil {
		return nil, problem
	}
	times, problem := body.times()
	if problem != nil {
		return nil, problem
	}
	receipt, off, err := a.inside.Shifts.RescheduleShift(ctx, what, shift, assignment.Reschedule{Times: times, RescheduledAt: a.config.Clock().UTC()})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &movedAnswer{Ack: ack(receipt), Status: http.StatusOK}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.Changed = Changed{Revision: receipt.Revision, Position: receipt.Position}
	answer.Body.TakenOff = each(off, func(o TakenOff) TakenOffBody {
		return TakenOffBody{WorkID: o.WorkID.String(), Reason: o.Reason, ShiftID: optionalID(o.With)}
	})
	return answer, nil
}

func (a *API) offerShift(ctx context.Context, shift uuid.UUID, body OfferBody) (*changedAnswer, error) {
	respond, problem := parseInstant("/respond_by", body.RespondBy)
	if problem != nil {
		return nil, problem
	}
	return changed(a.inside.Shifts.AdvanceShift(ctx, intent(ctx), shift, known(body.Candidates), func(candidates []assignment.Candidate) assignment.Command {
		return assignment.Offer{
			Strategy: eventschema.Strategy(body.Strategy), Policy: assignment.DefaultPolicy(), Candidates: candidates, Asked: body.Asked,
			RespondBy: respond, OfferedAt: a.config.Clock().UTC(), OfferedBy: caller(ctx).ID,
		}
	}))
}
