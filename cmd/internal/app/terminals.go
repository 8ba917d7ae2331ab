package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/domain"
	"tracekeep/domain/terminal"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// TerminalOrder asks to let a terminal push.
type TerminalOrder struct {
	Serial  string
	Station string
	Zone    string
	At      time.Time
}

// RegisterTerminal lets a terminal push, and answers its id and whether it already
// might. It answers [importer.ErrZone] and the refusals of [terminal].
func (a *App) RegisterTerminal(ctx context.Context, by httpapi.Principal, o TerminalOrder) (id uuid.UUID, already bool, err error) {
	if _, err := importer.ParseZone(o.Zone); err != nil {
		return uuid.Nil, false, err
	}
	id = eventschema.TerminalStream(a.tenant, o.Serial).ID
	changed, err := a.decideTerminal(ctx, by, o.Serial, terminal.Register{
		TerminalID: id, Serial: o.Serial, Station: o.Station, Zone: o.Zone, RegisteredBy: by.ID, RegisteredAt: o.At,
	})
	return id, !changed, err
}

// RetireTerminal refuses a terminal from now on, and answers whether it already was.
func (a *App) RetireTerminal(ctx context.Context, by httpapi.Principal, serial string, at time.Time) (already bool, err error) {
	changed, err := a.decideTerminal(ctx, by, serial, terminal.Retire{RetiredBy: by.ID, RetiredAt: at})
	return !changed, err
}

// WaiveBacklog lets rows of a terminal that make no punch be acknowledged for a
// while, and not be recorded.
func (a *App) WaiveBacklog(ctx context.Context, by httpapi.Principal, serial string, reason eventschema.WaiverReason, at, until time.Time) error {
	_, err := a.decideTerminal(ctx, by, serial, terminal.Waive{Reason: reason, WaivedBy: by.ID, WaivedAt: at, Until: until})
	return err
}

func (a *App) decideTerminal(ctx context.Context, by httpapi.Principal, serial string, command terminal.Command) (changed bool, err error) {
	key, err := a.newID()
	if err != nil {
		return false, err
	}
	outcome, err := domain.Handle(ctx, a.handler, terminal.Decider(), domain.Request{
		Stream: eventschema.TerminalStream(a.tenant, serial), Key: key.String(), Actor: by.Actor(),
	}, command)
	return len(outcome.Events) > 0, err
}

// Terminals lists the terminals that were ever registered.
func (a *App) Terminals(ctx context.Context) ([]projections.Terminal, error) {
	return projections.Terminals(ctx, a.models.Querier(), a.tenant)
}
