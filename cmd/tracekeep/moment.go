package main

import (
	"context"
	"fmt"
	"time"

	"tracekeep/adapters/postgres"
	"tracekeep/cmd/internal/app"
	"tracekeep/projections"
)

// momentFlags choose the world that a question is put to.
type momentFlags struct {
	AsOf    string `name:"as-of" help:"The world as it was then: an instant (RFC 3339), or a day, which means its end (UTC)." placeholder:"WHEN"`
	KnownAt string `name:"known-at" help:"As it was known then: only what had been recorded." placeholder:"WHEN"`
}

// momentHelp explains the two flags.
const momentHelp = `Two times are kept apart: --as-of asks what was the case then, --known-at what had been recorded by then. A
correction made today of a punch of March counts for March, unless --known-at lies before it.`

// moment reads the flags. It answers false when neither is given.
func (m momentFlags) moment() (moment projections.Moment, given bool, err error) {
	if moment.AsOf, err = parseWhen("--as-of", m.AsOf); err != nil {
		return moment, false, err
	}
	if moment.KnownAt, err = parseWhen("--known-at", m.KnownAt); err != nil {
		return moment, false, err
	}
	return moment, m.AsOf != "" || m.KnownAt != "", nil
}

// parseWhen reads an instant or the end of a day; an empty text is the zero time.
func parseWhen(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UTC(), nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, &coded{code: exitUsage, err: fmt.Errorf("%s takes 2006-01-02 or 2006-01-02T15:04:05Z, not %q", flag, text)}
	}
	return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
}

// inWorld opens the data folder and the world that the flags mean, once the read
// models have everything that was in the log, and closes both behind the command.
func (m momentFlags) inWorld(ctx context.Context, t *terminal, d dataFlags, do func(context.Context, *app.App, *app.World) error) error {
	moment, given, err := m.moment()
	if err != nil {
		return err
	}
	return d.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		if !given {
			return do(ctx, a, a.Today())
		}
		world, err := openWorld(ctx, t, a, moment)
		if err != nil {
			return err
		}
		defer world.Close()
		return do(ctx, a, world)
	})
}

// openWorld replays a moment with a progress bar, or finds it replayed.
func openWorld(ctx context.Context, t *terminal, a *app.App, moment projections.Moment) (*app.World, error) {
	shown, err := newLogBar(ctx, t, a, "replaying")
	if err != nil {
		return nil, err
	}
	world, err := a.At(ctx, moment, shown.set)
	shown.finish()
	return world, err
}

// logBar shows how far a read of the whole log is, with the time it will take.
type logBar struct {
	*bar
	last uint64
}

func newLogBar(ctx context.Context, t *terminal, a *app.App, what string) (*logBar, error) {
	last, err := a.LastPosition(ctx)
	if err != nil {
		return nil, err
	}
	return &logBar{bar: newShareBar(t, what), last: last}, nil
}

func (b *logBar) set(p postgres.Progress) {
	b.share(float64(p.Position)/float64(max(b.last, 1)), p.Events)
}

// toldMoment writes a moment for people.
func toldMoment(m projections.Moment) string {
	text := "as of now"
	if !m.AsOf.IsZero() {
		text = "as of " + m.AsOf.Format(time.RFC3339)
	}
	if !m.KnownAt.IsZero() {
		text += ", known at " + m.KnownAt.Format(time.RFC3339)
	}
	return text
}
