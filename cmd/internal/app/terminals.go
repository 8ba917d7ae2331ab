package app

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/domain"
	"tracekeep/domain/localtime"
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

// ErrNothingTwice: no such local time came twice where the terminal hangs.
var ErrNothingTwice = errors.New("the clocks were not put back over this local time in the terminal's zone: it came once, or never")

// ResolveOverlap says which instants a terminal meant by a local time that came twice,
// or by all of a day. It answers [ErrNothingTwice] where none did.
func (a *App) ResolveOverlap(ctx context.Context, by httpapi.Principal, serial, reading string, pass eventschema.OverlapPass, at time.Time) (already bool, err error) {
	loaded, err := domain.Load(ctx, a.handler, eventschema.TerminalStream(a.tenant, serial), terminal.Decider())
	if err != nil {
		return false, err
	}
	if zone, err := importer.ParseZone(loaded.State.Zone); err == nil && !cameTwice(reading, zone) { // the decider tells of one that is unknown
		return false, ErrNothingTwice
	}
	changed, err := a.decideTerminal(ctx, by, serial, terminal.Resolve{Reading: reading, Pass: pass, ResolvedBy: by.ID, ResolvedAt: at})
	return !changed, err
}

// cameTwice says whether a reading of a clock came twice, or any of a day did. What is
// neither is left to the decider.
func cameTwice(reading string, zone *time.Location) bool {
	if shown, err := time.Parse(time.DateTime, reading); err == nil {
		readings, err := localtime.Readings(localtime.Of(shown), zone)
		return err == nil && len(readings) > 1
	}
	day, err := time.Parse(time.DateOnly, reading)
	for shown := day; err == nil && shown.Before(day.AddDate(0, 0, 1)); shown = shown.Add(time.Minute) {
		if readings, err := localtime.Readings(localtime.Of(shown), zone); err == nil && len(readings) > 1 {
			return true
		}
	}
	return err != nil
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
