package app

import (
	"context"

	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// register lists every case, the one with the latest news first.
func (w *World) register(ctx context.Context) ([]projections.Erasure, error) {
	const page = 500
	var all []projections.Erasure
	for before := uint64(0); ; {
		cases, err := projections.Erasures(ctx, w.q, w.a.tenant, before, page)
		if err != nil {
			return nil, err
		}
		all = append(all, cases...)
		if len(cases) < page {
			return all, nil
		}
		before = cases[len(cases)-1].Position
	}
}

// ErasureRegister lists every case, the one with the latest news first.
func (w *World) ErasureRegister(ctx context.Context) ([]httpapi.ErasureView, error) {
	cases, err := w.register(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]httpapi.ErasureView, len(cases))
	for i, c := range cases {
		views[i] = caseInList(c, w.now())
	}
	return views, nil
}
