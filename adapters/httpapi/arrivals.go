package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// ArrivalBody is a punch that is late or doubtful. It counts all the same, until
// somebody corrects it.
type ArrivalBody struct {
	PunchID     string   `json:"punch_id" format:"uuid"`
	WorkID      string   `json:"work_id" format:"uuid"`
	Source      string   `json:"source" enum:"device,terminal"`
	Station     string   `json:"station" example:"app"`
	DeviceID    *string  `json:"device_id,omitempty" format:"uuid"`
	BatchID     *string  `json:"batch_id,omitempty" format:"uuid"`
	Counter     int64    `json:"counter,omitempty" example:"41" doc:"The device's own number of the punch."`
	Direction   string   `json:"direction" enum:"in,out"`
	Kind        string   `json:"kind" example:"normal"`
	OccurredAt  string   `json:"occurred_at" format:"date-time" doc:"As claimed."`
	ReceivedAt  string   `json:"received_at" format:"date-time"`
	LateSeconds int64    `json:"late_seconds" example:"7200" doc:"From the one to the other; negative when it was claimed for later."`
	SkewSeconds int64    `json:"skew_seconds" example:"0" doc:"Of the device's clock when it sent the batch, positive when it was ahead."`
	Doubts      []string `json:"doubts" enum:"late,in_the_future,clock_skew,clock_went_back,counter_used_twice"`
}

type arrivalsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Punches       []ArrivalBody `json:"punches"`
		NextPageToken string        `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

// ConflictBody is a punch and what was said by hand of the same press. Both are kept.
type ConflictBody struct {
	Kind      string `json:"kind" enum:"manual_entry,correction" doc:"An entry for the same press, or a correction of another punch that had made up for it."`
	Open      bool   `json:"open" doc:"Nobody has put it right since: until then both count."`
	WorkID    string `json:"work_id" format:"uuid"`
	Direction string `json:"direction" enum:"in,out"`
	ByHand    struct {
		PunchID    string `json:"punch_id" format:"uuid" doc:"The entry, or the punch that was corrected."`
		OccurredAt string `json:"occurred_at" format:"date-time"`
		Position   uint64 `json:"position" example:"48300" doc:"Of the entry or the correction."`
	} `json:"by_hand"`
	Punch struct {
		PunchID    string  `json:"punch_id" format:"uuid"`
		OccurredAt string  `json:"occurred_at" format:"date-time" doc:"As recorded."`
		ReceivedAt string  `json:"received_at" format:"date-time"`
		Source     string  `json:"source" example:"device"`
		Station    string  `json:"station" example:"app"`
		DeviceID   *string `json:"device_id,omitempty" format:"uuid"`
	} `json:"punch"`
	ApartSeconds int64 `json:"apart_seconds" example:"240"`
}

type conflictsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		Conflicts     []ConflictBody `json:"conflicts"`
		NextPageToken string         `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerArrivals(api huma.API) {
	huma.Register(api, a.operation("list-doubtful-punches", http.MethodGet, "/v1/punches/doubtful", "Punches", "List punches that came late or are doubtful",
		"Of devices and terminals, the one recorded last first. Late is more than an hour; clocks may differ by five minutes."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
		}) (*arrivalsAnswer, error) {
			return a.listArrivals(ctx, in.Paging)
		})
	huma.Register(api, a.operation("list-punch-conflicts", http.MethodGet, "/v1/punches/conflicts", "Punches", "List punches that contradict what was entered by hand",
		"The same direction within half an hour. Put one right by correcting or voiding one of the two."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			All bool `query:"all" doc:"Also those that were put right."`
		}) (*conflictsAnswer, error) {
			return a.listConflicts(ctx, in.Paging, in.All)
		})
}

func (a *API) listArrivals(ctx context.Context, paging Paging) (*arrivalsAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-doubtful-punches"}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	found, err := a.inside.Arrivals.DoubtfulArrivals(ctx, by, before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &arrivalsAnswer{}
	answer.Body.Punches = []ArrivalBody{}
	for i, p := range found {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, found[i-1].Position, &answer.Link, &answer.Body.NextPageToken)
		}
		told := ArrivalBody{
			PunchID: p.PunchID.String(), WorkID: p.WorkID.String(), Source: string(p.Source), Station: p.Station, DeviceID: optionalID(p.DeviceID),
			BatchID: optionalID(p.BatchID), Counter: p.Counter, Direction: string(p.Direction), Kind: string(p.Kind), OccurredAt: rfc3339(p.OccurredAt),
			ReceivedAt: rfc3339(p.ReceivedAt), LateSeconds: seconds(p.ReceivedAt.Sub(p.OccurredAt)), SkewSeconds: seconds(p.Skew), Doubts: []string{},
		}
		for _, doubt := range p.Doubts {
			told.Doubts = append(told.Doubts, string(doubt))
		}
		answer.Body.Punches = append(answer.Body.Punches, told)
	}
	return answer, nil
}

func (a *API) listConflicts(ctx context.Context, paging Paging, all bool) (*conflictsAnswer, error) {
	by := caller(ctx)
	filter := ""
	if all {
		filter = "true"
	}
	asks := question{tenant: by.Tenant, operation: "list-punch-conflicts", filter: []string{filter}}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	found, err := a.inside.Arrivals.PunchConflicts(ctx, by, all, before, paging.Size)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &conflictsAnswer{}
	answer.Body.Conflicts = []ConflictBody{}
	for _, c := range found {
		told := ConflictBody{Kind: string(c.Kind), Open: c.Open, WorkID: c.WorkID.String(), Direction: string(c.Direction), ApartSeconds: seconds(c.PunchAt.Sub(c.ByHandAt))}
		told.ByHand.PunchID, told.ByHand.OccurredAt, told.ByHand.Position = c.ByHand.String(), rfc3339(c.ByHandAt), c.ByHandFrom
		told.Punch.PunchID, told.Punch.OccurredAt, told.Punch.ReceivedAt = c.PunchID.String(), rfc3339(c.PunchAt), rfc3339(c.ReceivedAt)
		told.Punch.Source, told.Punch.Station, told.Punch.DeviceID = string(c.Source), c.Station, optionalID(c.DeviceID)
		answer.Body.Conflicts = append(answer.Body.Conflicts, told)
	}
	if len(found) < paging.Size {
		return answer, nil
	}
	return answer, a.nextPosition(asks, paging, found[len(found)-1].Position, &answer.Link, &answer.Body.NextPageToken, "all", filter)
}
