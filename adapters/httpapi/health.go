package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// CheckBody is one part of the system.
type CheckBody struct {
	Name   string `json:"name" example:"event store"`
	Status string `json:"status" enum:"ok,failing"`
	Reason string `json:"reason,omitempty" doc:"A code." example:"behind"`
}

// HealthBody is the state of the process.
type HealthBody struct {
	Status string      `json:"status" enum:"ok,failing"`
	Checks []CheckBody `json:"checks,omitempty"`
}

type healthAnswer struct {
	Status int
	Body   HealthBody
}

func (a *API) registerHealth(api huma.API) {
	huma.Register(api, a.operation("live", http.MethodGet, "/livez", "Health", "Does the process answer?", "Asks nothing of any store."),
		func(context.Context, *struct{}) (*healthAnswer, error) {
			return &healthAnswer{Status: http.StatusOK, Body: HealthBody{Status: "ok"}}, nil
		})
	huma.Register(api, a.operation("ready", http.MethodGet, "/readyz", "Health", "Can it do its work?", "Each part by name; 503 when one fails."),
		func(ctx context.Context, _ *struct{}) (*healthAnswer, error) {
			answer := &healthAnswer{Status: http.StatusOK, Body: HealthBody{Status: "ok"}}
			for _, check := range a.inside.Health.Checks(ctx) {
				body := CheckBody{Name: check.Name, Status: "ok"}
				if !check.OK {
					body.Status, body.Reason = "failing", check.Reason
					answer.Status, answer.Body.Status = http.StatusServiceUnavailable, "failing"
				}
				answer.Body.Checks = append(answer.Body.Checks, body)
			}
			return answer, nil
		})
}
