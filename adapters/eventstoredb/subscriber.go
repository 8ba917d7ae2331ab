package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.uber.org/zap"
)

// TopicAll is the topic of the whole log. Every other topic is a stream.
const TopicAll = "$all"

// SubscriberConfig says what a [Subscriber] delivers and from where.
type SubscriberConfig struct {
	// Pages delivers a [Page] per message, for projections. Otherwise there is
	// one message per event, with the payload and the metadata it was published with.
	Pages bool
	// From answers the consumer's checkpoint: the position in the log, or the
	// revision when one stream is subscribed to, of the last event applied; ok is
	// false before the first. It is asked at the start and after each loss of the
	// connection, when everything delivered has been acknowledged. nil means from
	// the beginning, and after a loss from what was acknowledged last.
	From func(ctx context.Context) (checkpoint uint64, ok bool, err error)
	// CaughtUp is called from the delivering goroutine each time the consumer has
	// acknowledged everything up to the end of the log for the first time since
	// the subscription started or was restored: that is readiness. nil means
	// nobody wants to know.
	CaughtUp func()
	// ExcludeSystem leaves out the store's own events, whose type starts with $.
	ExcludeSystem bool
	// MinPage is how many events a page waits for while catching up, MaxPage how
	// many it holds at most, and MaxPageBytes how large it grows. 0 means 1,000,
	// 5,000 and 8 MiB. Live pages do not wait.
	MinPage, MaxPage, MaxPageBytes int
	// Linger bounds the wait for MinPage. 0 means 20 ms.
	Linger time.Duration
	// StallAfter is how long nothing may come before the end of the log is
	// looked up. 0 means 30 s.
	StallAfter time.Duration
	// NackPause bounds the pauses, doubling from 1 ms, before a refused message is
	// delivered again. 0 means 500 ms.
	NackPause time.Duration
	// Log hears of lost subscriptions. nil means nobody.
	Log *zap.Logger
}

// Validate reports everything that is wrong with the configuration at once.
func (c SubscriberConfig) Validate() error {
	var errs []error
	if c.MinPage < 0 || c.MaxPage < 0 || c.MaxPageBytes < 0 {
		errs = append(errs, fmt.Errorf("pages are of %d to %d events and %d bytes", c.MinPage, c.MaxPage, c.MaxPageBytes))
	}
	if c.MaxPage > 0 && c.MinPage > c.MaxPage {
		errs = append(errs, fmt.Errorf("MinPage %d is above MaxPage %d", c.MinPage, c.MaxPage))
	}
	if c.Linger < 0 || c.StallAfter < 0 || c.NackPause < 0 {
		errs = append(errs, errors.New("durations are negative"))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("subscriber configuration: %w", errors.Join(errs...))
}

func (c SubscriberConfig) withDefaults() SubscriberConfig {
	if c.MaxPage == 0 {
		c.MaxPage = max(5000, c.MinPage)
	}
	if c.MinPage == 0 {
		c.MinPage = min(1000, c.MaxPage)
	}
	if c.MaxPageBytes == 0 {
		c.MaxPageBytes = 8 << 20
	}
	if c.Linger == 0 {
		c.Linger = 20 * time.Millisecond
	}
	if c.StallAfter == 0 {
		c.StallAfter = 30 * time.Second
	}
	if c.NackPause == 0 {
		c.NackPause = 500 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	return c
}

// Subscriber is watermill's subscriber to the log or to a stream.
//
// It delivers in order and one message at a time: the next message comes after
// the Ack of the one before; a Nack brings the same message again. Delivery is
// at least once: after a loss of the connection it resumes behind the
// checkpoint, so a consumer that keeps its checkpoint in the same transaction as
// its rows sees each event once. At most two pages are in memory.
type Subscriber struct {
	client *Client
	config SubscriberConfig

	mu      sync.Mutex
	closed  bool
	closing context.Context
	close   context.CancelFunc
	running sync.WaitGroup
}

var _ message.Subscriber = (*Subscriber)(nil)

// NewSubscriber makes a subscriber on a client, which must outlive it.
func NewSubscriber(client *Client, config SubscriberConfig) (*Subscriber, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	s := &Subscriber{client: client, config: config.withDefaults()}
	s.closing, s.close = context.WithCancel(context.Background())
	return s, nil
}

// Subscribe implements [message.Subscriber]. It does not wait for a connection.
// Each call is a subscription of its own from the same checkpoint.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("subscribe to %s: %w", topic, errClosed)
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.closing, cancel)
	b := newBuffer(s.config)
	f := &feed{client: s.client, config: s.config, topic: topic, buffer: b}
	d := &delivery{config: s.config, jitter: s.client.config.Jitter, buffer: b, out: make(chan *message.Message)}
	s.running.Go(func() { f.run(ctx) })
	s.running.Go(func() {
		defer stop()
		defer cancel()
		defer close(d.out)
		d.run(ctx)
	})
	return d.out, nil
}

// Close ends every subscription and waits for them. The client stays open. It
// may be called more than once.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.close()
	s.running.Wait()
	return nil
}
