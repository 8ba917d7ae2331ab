package app

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
)

// errStuck says that an erasure case cannot go on.
var errStuck = errors.New("an erasure case cannot go on")

// Checks implements [httpapi.Health]. Each probe is bounded.
func (a *App) Checks(ctx context.Context) []httpapi.Check {
	const limit = 2 * time.Second
	probe := func(name, reason string, do func(context.Context) error) httpapi.Check {
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		if do(bounded) != nil {
			return httpapi.Check{Name: name, Reason: reason}
		}
		return httpapi.Check{Name: name, OK: true}
	}
	checks := []httpapi.Check{
		probe("event store", "unreachable", a.client.Ready),
		probe("key store", "unreachable", func(ctx context.Context) error {
			_, err := a.keys.Status(ctx, a.tenant, a.tenant)
			return err
		}),
		probe("read models", "unreachable", func(ctx context.Context) error {
			_, _, err := a.models.Position(ctx)
			return err
		}),
	}
	checks = append(checks, probe("media folder", "not writable", a.media.Probe))
	checks = append(checks, probe("erasures", "stuck", func(context.Context) error {
		if a.cases.stuck() > 0 {
			return errStuck
		}
		return nil
	}))
	if a.ledger != nil {
		checks = append(checks, probe("caught up", "behind", a.followsLog))
	}
	return checks
}

// Log gives a part of the process a logger of its own name.
func (a *App) Log(name string) *zap.Logger { return a.log.Named(name) }

// Inside is everything the HTTP API stands on.
func (a *App) Inside() httpapi.Inside {
	return httpapi.Inside{
		Punches: a, People: a, Consents: a, Reading: a, Trail: a, Erasures: a, Certificates: a,
		Holds: a, Restrictions: a, Disclosures: a, Readings: a, Retentions: a, Sites: a, Fields: a, Media: a, Workforce: a, Shifts: a, Classes: a, Rolls: a, Corrections: a, Payroll: a,
		Exports: a, Devices: a, Batches: a, Arrivals: a, Freshness: a, Health: a, Idempotency: a.requests,
	}
}
