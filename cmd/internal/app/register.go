package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/projections"
)

// ErasureEntry is one case of the register.
type ErasureEntry struct {
	Case        uuid.UUID `json:"case"`
	Person      uuid.UUID `json:"person_id"`
	State       string    `json:"state"`
	RequestedAt time.Time `json:"requested_at"`
	Leaf        *uint64   `json:"certificate_leaf,omitempty"`
}

// ErasureRegister lists every case, the one with the latest news first.
func (w *World) ErasureRegister(ctx context.Context) ([]ErasureEntry, error) {
	const page = 500
	var all []ErasureEntry
	for before := uint64(0); ; {
		cases, err := projections.Erasures(ctx, w.q, w.a.tenant, before, page)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			entry := ErasureEntry{Case: c.CaseID, Person: c.PersonID, State: string(c.State)}
			if c.RequestedAt != nil {
				entry.RequestedAt = *c.RequestedAt
			}
			if c.State == projections.ErasureCertified {
				entry.Leaf = &c.Leaf
			}
			all = append(all, entry)
			before = c.Position
		}
		if len(cases) < page {
			return all, nil
		}
	}
}
