package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
)

// ReadingBody is one reading of values of a person.
type ReadingBody struct {
	ReadID     string           `json:"read_id" format:"uuid"`
	Position   uint64           `json:"position" doc:"Where the trail has it." example:"48301"`
	ReadAt     string           `json:"read_at" format:"date-time" example:"2026-03-02T09:30:00Z"`
	ReaderID   string           `json:"reader_id" format:"uuid" doc:"A pseudonym; of a person who read of themself, the person id."`
	ReaderRole string           `json:"reader_role" example:"hr"`
	Operation  string           `json:"operation" doc:"What was asked." example:"list-people"`
	Use        string           `json:"use" enum:"service,legal_claim,audit" doc:"For which use the values were opened." example:"service"`
	Values     []ShownValueBody `json:"values"`
	People     int              `json:"people" doc:"Of how many people the same was shown at once." example:"1"`
}

// ShownValueBody names a value that was shown.
type ShownValueBody struct {
	Field   string `json:"field" example:"identity.legal_name"`
	Purpose string `json:"purpose" doc:"What it is held for." example:"identity"`
}

type readingsAnswer struct {
	Link string `header:"Link" doc:"rel=next: the next page."`
	Body struct {
		PersonID      string        `json:"person_id" format:"uuid"`
		Readings      []ReadingBody `json:"readings"`
		NextPageToken string        `json:"next_page_token,omitempty" doc:"Left out on the last page."`
	}
}

func (a *API) registerReadings(api huma.API) {
	huma.Register(api, a.operation("list-readings", http.MethodGet, "/v1/people/{person_id}/readings", "People", "Who was shown values of a person",
		"Newest first. A reading is recorded before anything is shown, and outlives an erasure: it names ids and no values."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			PersonID ID `path:"person_id"`
		}) (*readingsAnswer, error) {
			return a.listReadings(ctx, in.Paging, in.PersonID.id())
		})
}

func (a *API) listReadings(ctx context.Context, paging Paging, person uuid.UUID) (*readingsAnswer, error) {
	by := caller(ctx)
	asks := question{tenant: by.Tenant, operation: "list-readings", filter: []string{person.String()}}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Readings.ReadingsOf(ctx, by, person, before, paging.Size+1)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &readingsAnswer{}
	answer.Body.PersonID, answer.Body.Readings = person.String(), make([]ReadingBody, 0, len(rows))
	for i, row := range rows {
		if i == paging.Size {
			return answer, a.nextPosition(asks, paging, rows[i-1].Position, &answer.Link, &answer.Body.NextPageToken)
		}
		body := ReadingBody{
			ReadID: row.ReadID.String(), Position: row.Position, ReadAt: rfc3339(row.ReadAt), ReaderID: row.ReadBy.ID.String(), ReaderRole: row.ReadBy.Role,
			Operation: row.Operation, Use: string(row.Use), Values: make([]ShownValueBody, len(row.Shown)), People: row.Together,
		}
		for i, v := range row.Shown {
			body.Values[i] = ShownValueBody{Field: v.Field, Purpose: string(v.Purpose)}
		}
		answer.Body.Readings = append(answer.Body.Readings, body)
	}
	return answer, nil
}

// release records that the caller is about to be shown values, and answers what
// shows them.
func (a *API) release(ctx context.Context, operation string, values ...Personal) (Release, error) {
	released, err := a.inside.Readings.RecordReading(ctx, caller(ctx), operation, values...)
	if err != nil {
		return Release{}, problemOf(err)
	}
	return released, nil
}
