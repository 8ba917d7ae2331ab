package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"
)

// errStalled: the subscription is open, but what is in the log does not come.
var errStalled = errors.New("subscription stalls")

// stallGrace is how long an event that is in the log may be on its way.
const stallGrace = 2 * time.Second

// feed keeps one subscription open and fills a buffer from it.
type feed struct {
	client *Client
	config SubscriberConfig
	topic  string
	buffer *buffer
	beats  atomic.Uint64 // messages received
}

// run subscribes again, behind the consumer's checkpoint, whenever the
// subscription ends, until ctx does.
func (f *feed) run(ctx context.Context) {
	settings := f.client.config
	pause := &pauses{low: settings.MinPause, high: settings.MaxPause, jitter: settings.Jitter}
	for ctx.Err() == nil {
		before := f.beats.Load()
		err := f.subscribe(ctx)
		if ctx.Err() != nil {
			return
		}
		f.config.Log.Warn("subscription ended, subscribing again", zap.String("topic", f.topic), zap.Error(err))
		if f.beats.Load() != before {
			pause.reset()
		}
		pause.wait(ctx)
	}
}

// subscribe runs one subscription to its end.
func (f *feed) subscribe(ctx context.Context) error {
	start, term, err := f.buffer.resume(ctx, func(done place) (place, error) { return f.start(ctx, done) })
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if f.watch(ctx) {
			cancel(errStalled)
		}
	}()
	_, err = call(ctx, f.client, true, func(ctx context.Context, db *esdb.Client) (struct{}, error) {
		return struct{}{}, f.receive(ctx, db, start, term)
	})
	if errors.Is(context.Cause(ctx), errStalled) {
		err = errStalled
	}
	cancel(nil)
	<-watched
	return err
}

// start asks the consumer for its checkpoint; without one the place last
// acknowledged counts.
func (f *feed) start(ctx context.Context, done place) (place, error) {
	if f.config.From == nil {
		return done, nil
	}
	checkpoint, started, err := f.config.From(ctx)
	if err != nil {
		return place{}, fmt.Errorf("read the checkpoint: %w", err)
	}
	if !started {
		return place{}, nil
	}
	if f.topic == TopicAll {
		return place{started: true, position: checkpoint}, nil
	}
	return place{started: true, revision: checkpoint}, nil
}

func (f *feed) receive(ctx context.Context, db *esdb.Client, start place, term uint64) error {
	subscription, err := f.open(ctx, db, start)
	if err != nil {
		return err
	}
	defer func() { _ = subscription.Close() }() // returns nil always
	for {
		event := subscription.Recv()
		f.beats.Add(1)
		switch {
		case event.EventAppeared != nil:
			if err := f.buffer.put(ctx, term, recorded(event.EventAppeared)); err != nil {
				return err
			}
		case event.CaughtUp != nil:
			f.buffer.caughtUp(term)
		case event.SubscriptionDropped != nil:
			return fmt.Errorf("subscription was dropped: %w", event.SubscriptionDropped.Error)
		}
	}
}

func (f *feed) open(ctx context.Context, db *esdb.Client, start place) (*esdb.Subscription, error) {
	if f.topic == TopicAll {
		options := esdb.SubscribeToAllOptions{From: esdb.Start{}}
		if start.started {
			options.From = esdb.Position{Commit: start.position, Prepare: start.position}
		}
		return db.SubscribeToAll(ctx, options)
	}
	options := esdb.SubscribeToStreamOptions{From: esdb.Start{}}
	if start.started {
		options.From = esdb.Revision(start.revision)
	}
	return db.SubscribeToStream(ctx, f.topic, options)
}

// watch answers true when the subscription stalls: nothing came for a while, it
// does not wait for the consumer, and the log is longer than what it brought. It
// answers false when ctx ends. A connection that does not even answer where the
// log ends is given up.
func (f *feed) watch(ctx context.Context) bool {
	for {
		before := f.beats.Load()
		if !sleep(ctx, f.config.StallAfter) {
			return false
		}
		last, waiting := f.buffer.received()
		if waiting || f.beats.Load() != before {
			continue
		}
		tail, err := f.tail(ctx)
		switch {
		case ctx.Err() == nil && isTimeout(err):
			f.client.giveUp()
			continue
		case err != nil || tail <= last:
			continue
		case !sleep(ctx, stallGrace):
			return false
		}
		if _, waiting := f.buffer.received(); !waiting && f.beats.Load() == before {
			return true
		}
	}
}

func (f *feed) tail(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	return f.client.tail(ctx, f.topic)
}

// tail is the position of the last event of the log or of a stream, 0 when there
// is none.
func (c *Client) tail(ctx context.Context, topic string) (uint64, error) {
	return call(ctx, c, false, func(ctx context.Context, db *esdb.Client) (uint64, error) {
		var page *esdb.ReadStream
		var err error
		if topic == TopicAll {
			page, err = db.ReadAll(ctx, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
		} else {
			page, err = db.ReadStream(ctx, topic, esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
		}
		if err != nil {
			return 0, err
		}
		defer page.Close()
		resolved, err := page.Recv()
		if err != nil {
			return 0, endOfPage(err)
		}
		return recorded(resolved).Position, nil
	})
}
