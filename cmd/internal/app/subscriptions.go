package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/zap"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/ledger"
	"tracekeep/adapters/postgres"
	"tracekeep/adapters/zaplog"
	"tracekeep/domain"
	"tracekeep/eventschema"
)

// startSubscriptions runs the read models, the trail and the erasure cases
// behind the log, each from where it stopped. Read models of another release are
// rebuilt beside it, see [App.renewModels].
func (a *App) startSubscriptions(ctx context.Context, _ Config) error {
	if err := a.refuseShorterStore(ctx); err != nil {
		return err
	}
	stale, err := a.reconcile(ctx)
	if err != nil {
		return err
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, zaplog.New(a.log.Named("watermill")))
	if err != nil {
		return fmt.Errorf("make the router: %w", err)
	}
	if err := a.subscribe(router, "read models", a.models.Position, a.project); err != nil {
		return err
	}
	if err := a.subscribe(router, "trail", a.trailPosition, a.enterTrail); err != nil {
		return err
	}
	a.background(a.watching, "subscriptions", router.Run)
	if len(stale) > 0 {
		a.background(a.watching, "rebuild of the read models", a.renewModels)
	} else {
		a.lookAfterCases()
	}
	a.background(a.watching, "media", a.lookAfterMedia)
	a.background(a.watching, "remembered requests", func(ctx context.Context) error { return a.requests.forgetOld(ctx, a.clock, a.log) })
	select {
	case <-router.Running():
		return nil
	case err := <-a.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// subscribe attaches one consumer to the log. Its handler is given a page at a
// time and returns only when the page is durable on its side.
func (a *App) subscribe(router *message.Router, name string, from func(context.Context) (uint64, bool, error), apply func(context.Context, eventstoredb.Page) error) error {
	subscriber, err := eventstoredb.NewSubscriber(a.client, eventstoredb.SubscriberConfig{
		From: from, Pages: true, Log: a.log.Named("subscription"),
	})
	if err != nil {
		return fmt.Errorf("subscribe %s: %w", name, err)
	}
	router.AddConsumerHandler(strings.ReplaceAll(name, " ", "-"), eventstoredb.TopicAll, subscriber, func(msg *message.Message) error {
		page, ok := eventstoredb.PageFromContext(msg.Context())
		if !ok {
			return errors.New("message carries no page")
		}
		if err := apply(msg.Context(), page); err != nil {
			return a.pauseOrFail(msg.Context(), name, err)
		}
		return nil
	})
	return nil
}

// project applies a page to the read models. A rebuild may have switched to
// tables that have not come as far as the page: what lies between is read again.
func (a *App) project(ctx context.Context, page eventstoredb.Page) error {
	if err := a.noticeCases(ctx, page.Events); err != nil {
		return err
	}
	defer a.noticePeople(page.Events)
	a.applying.Lock()
	defer a.applying.Unlock()
	err := a.models.Apply(ctx, page.Events, page.Last)
	if !errors.Is(err, postgres.ErrMovedBack) {
		return err
	}
	return a.applyAgain(ctx, page.Last)
}

// applyAgain applies what lies between the read models and a position of the log.
// Its caller holds a.applying.
func (a *App) applyAgain(ctx context.Context, last uint64) error {
	from, _, err := a.models.Resume(ctx)
	if err != nil || from >= last {
		return err
	}
	const many = 5000
	events := make([]eventschema.Recorded, 0, many)
	for recorded, err := range a.whole.ReadAll(ctx, from) {
		if err != nil {
			return err
		}
		events = append(events, recorded)
		if len(events) < many && recorded.Position < last {
			continue
		}
		if err := a.models.Apply(ctx, events, recorded.Position); err != nil {
			return err
		}
		if recorded.Position >= last {
			return nil
		}
		events = events[:0]
	}
	return fmt.Errorf("the log ends before position %d", last)
}

// noticePeople drops the opened directory when a page changes what it shows.
func (a *App) noticePeople(page []eventschema.Recorded) {
	for _, recorded := range page {
		if strings.HasPrefix(recorded.Stream, eventschema.CategoryPerson+"-") || strings.HasPrefix(recorded.Stream, eventschema.CategoryErasure+"-") {
			a.directory.forget()
			return
		}
	}
}

// enterTrail adds a page to the trail.
func (a *App) enterTrail(ctx context.Context, page eventstoredb.Page) error {
	if err := a.ledger.Append(ctx, page.Events); err != nil {
		return err
	}
	a.covered.advance(page.Last)
	return nil
}

func (a *App) trailPosition(context.Context) (uint64, bool, error) {
	position, any := a.ledger.LastPosition()
	return position, any, nil
}

// refuseShorterStore compares the event store with what the trail and the read
// models remember of it: a store that is shorter, or holds another event at the
// end of the trail, was rolled back or exchanged, and nothing is served from it.
func (a *App) refuseShorterStore(ctx context.Context) error {
	last, err := a.whole.LastPosition(ctx)
	if err != nil {
		return err
	}
	if at, any, err := a.models.Position(ctx); err != nil {
		return err
	} else if any && at > last {
		return fmt.Errorf("%w: the read models have position %d, the event store ends at %d", ErrShorterStore, at, last)
	}
	before, position, any, err := a.ledger.LastTwo()
	if err != nil || !any {
		return err
	}
	for recorded, err := range a.whole.ReadAll(ctx, before) {
		if err != nil {
			return err
		}
		if !ledger.Counts(recorded) && recorded.Position != position {
			continue
		}
		return a.ledger.Confirm(ctx, []eventschema.Recorded{recorded})
	}
	return fmt.Errorf("%w: the trail has position %d", ErrShorterStore, position)
}

// ErrShorterStore says that the event store lacks events that other stores have seen.
var ErrShorterStore = errors.New("the event store was rolled back; restore the newer copy, or start a new data folder")

// pauseOrFail decides what an error of a consumer means. A store that is away
// will be back: the page comes again. Anything else would come again for ever.
func (a *App) pauseOrFail(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil || passes(err) {
		a.log.Warn("page will come again", zap.String("consumer", name), zap.Error(err))
		return err
	}
	a.fail(fmt.Errorf("%s: %w", name, err))
	<-ctx.Done()
	return ctx.Err()
}

// passes says whether an error may go away by itself.
func passes(err error) bool {
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, domain.ErrUnavailable), pgconn.SafeToRetry(err), pgconn.Timeout(err):
		return true
	case errors.As(err, &refused):
		return pgerrcodePasses(refused.Code)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}

// pgerrcodePasses knows the classes of Postgres errors that end by themselves:
// connection (08), transaction rollback (40), resources (53), operator (57), system (58).
func pgerrcodePasses(code string) bool {
	for _, class := range []string{"08", "40", "53", "57", "58"} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	return false
}

// background runs one part until ctx ends and reports its failure.
func (a *App) background(ctx context.Context, name string, run func(context.Context) error) {
	a.work.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			a.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
}

func (a *App) fail(err error) {
	select {
	case a.failed <- err:
	default: // the first failure is the one to tell
	}
}

func (a *App) readTrailKey(context.Context, Config) error {
	text, err := os.ReadFile(a.folder.path("trail", "log.vkey"))
	if err != nil {
		return fmt.Errorf("read the public key of the trail: %w", err)
	}
	a.verifierKey = strings.TrimSpace(string(text))
	return nil
}
