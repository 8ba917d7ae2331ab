package app

import (
	"context"

	"tracekeep/adapters/httpapi"
)

// ErasureRegister lists every case, the one with the latest news first.
func (a *App) ErasureRegister(ctx context.Context) ([]httpapi.ErasureView, error) {
	cases, err := a.register(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]httpapi.ErasureView, len(cases))
	for i, c := range cases {
		views[i] = a.caseInList(c)
	}
	return views, nil
}
