package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// RetentionItemBody is something that has come of age.
type RetentionItemBody struct {
	CaseID      string   `json:"case_id" format:"uuid"`
	Class       string   `json:"class" enum:"account,work_record,location,communication" example:"work_record"`
	PersonID    string   `json:"person_id,omitempty" format:"uuid" doc:"Of an account." example:"7d444840-9dc0-41d1-b245-5ffdce74fad2"`
	WorkID      string   `json:"work_id,omitempty" format:"uuid" doc:"Left out where the link cannot be read."`
	Months      []string `json:"months,omitempty" doc:"Of locations."`
	CountedFrom string   `json:"counted_from" format:"date-time"`
	DueOn       string   `json:"due_on" format:"date" example:"2033-02-28"`
	Days        int      `json:"days" doc:"Since then." example:"3"`
	Status      string   `json:"status" doc:"Of the case." example:"cooling_off"`
	BatchID     string   `json:"batch_id,omitempty" format:"uuid" doc:"The batch it stands in."`
	Matters     []string `json:"matters" doc:"Of the legal holds that keep it."`
}

type retentionDueAnswer struct {
	Body struct {
		Due   []RetentionItemBody `json:"due"`
		Total int                 `json:"total" doc:"How many there are, listed or not." example:"3"`
	}
}

// RetentionSubmissionBody names the cases of a batch.
type RetentionSubmissionBody struct {
	Cases []ID `json:"cases,omitempty" maxItems:"1000" uniqueItems:"true" doc:"Left out, all that is due and not held."`
}

type retentionSubmittedAnswer struct {
	Ack
	Tagged
	Status   int
	Location string `header:"Location"`
	Body     struct {
		BatchID  string `json:"batch_id" format:"uuid"`
		Cases    int    `json:"cases" example:"3"`
		Held     int    `json:"held" doc:"Left out because a legal hold keeps them." example:"1"`
		Position uint64 `json:"position" example:"48300"`
	}
}

// LeftOutBody is a case that was not released with its batch.
type LeftOutBody struct {
	CaseID  string   `json:"case_id" format:"uuid"`
	Matters []string `json:"matters" doc:"Of the legal holds; none when the case no longer waited."`
}

// RetentionBatchBody is one batch.
type RetentionBatchBody struct {
	BatchID     string        `json:"batch_id" format:"uuid"`
	SubmittedAt string        `json:"submitted_at" format:"date-time"`
	SubmittedBy string        `json:"submitted_by" format:"uuid"`
	Cases       []string      `json:"cases"`
	ApprovedAt  *string       `json:"approved_at,omitempty" format:"date-time"`
	ApprovedBy  string        `json:"approved_by,omitempty" format:"uuid"`
	Released    []string      `json:"released"`
	LeftOut     []LeftOutBody `json:"left_out"`
}

type retentionBatchAnswer struct {
	Body RetentionBatchBody
}

func (a *API) registerRetentions(api huma.API) {
	huma.Register(api, a.operation("list-retention-due", http.MethodGet, "/v1/retention/due", "Retention", "List what has come of age",
		"The earliest first. The clock proposes it; nothing is destroyed before two officers release it."),
		func(ctx context.Context, in *struct {
			Fresh
			Limit int `query:"limit" minimum:"1" maximum:"1000" default:"1000" doc:"How many are listed."`
		}) (*retentionDueAnswer, error) {
			return a.listRetentionDue(ctx, in.Limit)
		})
	huma.Register(api, a.operation("submit-retention", http.MethodPost, "/v1/retention/batches", "Retention", "Submit a batch of what has come of age",
		"The first of two words. It lapses after a week."),
		func(ctx context.Context, in *struct {
			Once
			Body RetentionSubmissionBody
		}) (*retentionSubmittedAnswer, error) {
			return a.submitRetention(ctx, in.Body)
		})
	huma.Register(api, a.operation("get-retention-batch", http.MethodGet, "/v1/retention/batches/{batch_id}", "Retention", "Show a batch", ""),
		func(ctx context.Context, in *struct {
			Fresh
			BatchID ID `path:"batch_id"`
		}) (*retentionBatchAnswer, error) {
			return a.getRetentionBatch(ctx, in.BatchID.id())
		})
	huma.Register(api, a.operation("approve-retention", http.MethodPost, "/v1/retention/batches/{batch_id}/approval", "Retention", "Release a batch",
		"By another officer than the one who submitted it. What a legal hold keeps is left out; the rest is destroyed within moments, and there is no undelete."),
		func(ctx context.Context, in *struct {
			Once
			BatchID ID `path:"batch_id"`
		}) (*changedAnswer, error) {
			return changed(a.inside.Retentions.ApproveRetention(ctx, intent(ctx), in.BatchID.id()))
		})
}

func (a *API) listRetentionDue(ctx context.Context, limit int) (*retentionDueAnswer, error) {
	items, err := a.inside.Retentions.RetentionDue(ctx, caller(ctx))
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &retentionDueAnswer{}
	answer.Body.Due, answer.Body.Total = []RetentionItemBody{}, len(items)
	for _, item := range items[:min(limit, len(items))] {
		answer.Body.Due = append(answer.Body.Due, RetentionItemBody{
			CaseID: item.CaseID.String(), Class: item.Class, PersonID: idText(item.PersonID), WorkID: idText(item.WorkID), Months: item.Periods,
			CountedFrom: item.Anchor.UTC().Format(time.RFC3339), DueOn: item.DueOn, Days: item.Days, Status: item.Status,
			BatchID: idText(item.BatchID), Matters: idTexts(item.Matters),
		})
	}
	return answer, nil
}

func idTexts(ids []uuid.UUID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	return texts
}

func (a *API) submitRetention(ctx context.Context, body RetentionSubmissionBody) (*retentionSubmittedAnswer, error) {
	var cases []uuid.UUID
	for _, id := range body.Cases {
		cases = append(cases, id.id())
	}
	receipt, err := a.inside.Retentions.SubmitRetention(ctx, intent(ctx), cases)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &retentionSubmittedAnswer{Ack: ack(receipt.Receipt), Status: created(receipt.Receipt), Location: "/v1/retention/batches/" + receipt.BatchID.String()}
	answer.ETag = entityTag(receipt.Revision)
	answer.Body.BatchID, answer.Body.Cases, answer.Body.Held = receipt.BatchID.String(), receipt.Cases, receipt.Held
	answer.Body.Position = receipt.Position
	return answer, nil
}

func (a *API) getRetentionBatch(ctx context.Context, batch uuid.UUID) (*retentionBatchAnswer, error) {
	view, err := a.inside.Retentions.RetentionBatch(ctx, caller(ctx), batch)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &retentionBatchAnswer{Body: RetentionBatchBody{
		BatchID: view.BatchID.String(), SubmittedAt: rfc3339(view.SubmittedAt), SubmittedBy: view.SubmittedBy.String(), Cases: idTexts(view.Cases),
		ApprovedAt: laterTime(view.ApprovedAt), ApprovedBy: idText(view.ApprovedBy), Released: idTexts(view.Released), LeftOut: []LeftOutBody{},
	}}
	for _, left := range view.LeftOut {
		answer.Body.LeftOut = append(answer.Body.LeftOut, LeftOutBody{CaseID: left.CaseID.String(), Matters: idTexts(left.Matters)})
	}
	return answer, nil
}
