package eventstoredb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"
)

// Client supervises the official client. It is safe for concurrent use and
// shared by stores, publishers and subscribers; who made it closes it, after
// them.
type Client struct {
	config  Config
	bare    *esdb.Configuration
	breaker *breaker[*session]
	slots   chan struct{}
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// NewClient starts to connect and returns at once; it fails only for a
// configuration that cannot work. Calls made before the first attempt has ended
// wait for it.
func NewClient(config Config) (*Client, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	bare, err := config.bare()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		config: config, bare: bare, cancel: cancel,
		breaker: newBreaker[*session](),
		slots:   make(chan struct{}, config.MaxInFlight),
	}
	c.running.Go(func() { c.supervise(ctx) })
	return c, nil
}

// Close ends the connection and every call in flight, and waits for them. Calls
// after it get [domain.ErrUnavailable]. It may be called more than once.
func (c *Client) Close() error {
	c.breaker.shut()
	c.cancel()
	c.running.Wait()
	return nil
}

// Ready waits until the store answers or ctx ends.
func (c *Client) Ready(ctx context.Context) error {
	if _, err := c.breaker.acquire(ctx, true); err != nil {
		return fmt.Errorf("connect to the event store: %w", err)
	}
	return nil
}

// supervise keeps one session alive: it connects, waits until the connection
// fails, gives it up and connects again.
func (c *Client) supervise(ctx context.Context) {
	pause := &pauses{low: c.config.MinPause, high: c.config.MaxPause, jitter: c.config.Jitter}
	for ctx.Err() == nil {
		s, err := c.connect(ctx)
		if err == nil {
			c.config.Log.Info("connected to the event store")
			c.breaker.connected(s)
			select {
			case <-s.broken:
			case <-ctx.Done():
				s.close(0)
				return
			}
			c.running.Go(func() { s.close(c.grace(ctx)) })
			if s.proved.Load() {
				c.config.Log.Warn("lost the event store, connecting again")
				pause.reset()
				c.breaker.connecting()
				continue
			}
			err = fmt.Errorf("connection failed on first use")
		}
		if ctx.Err() != nil {
			return
		}
		c.breaker.open(err)
		c.config.Log.Warn("event store does not answer", zap.Error(err))
		if !pause.wait(ctx) {
			return
		}
	}
}

func (c *Client) grace(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	return retireGrace
}

// connect makes a session whose bare client has found the store.
func (c *Client) connect(ctx context.Context) (*session, error) {
	s, err := newSession(*c.bare, c.config.Log)
	if err != nil {
		return nil, err
	}
	found := make(chan error, 1)
	s.calls.Go(func() {
		_, err := s.db.GetServerVersion() // the first call discovers the node
		found <- err
	})
	timer := time.NewTimer(connectTimeout)
	defer timer.Stop()
	select {
	case err = <-found:
	case <-timer.C:
		err = context.DeadlineExceeded
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		c.running.Go(func() { s.close(hungGrace) })
		return nil, err
	}
	return s, nil
}

// giveUp replaces a connection that is open and silent.
func (c *Client) giveUp() {
	if s := c.breaker.now(); s != nil {
		s.breakUp()
	}
}

// take reserves a place among the calls in flight.
func (c *Client) take() error {
	select {
	case c.slots <- struct{}{}:
		return nil
	default:
		return fmt.Errorf("%w: %d calls in flight", errNotNow, cap(c.slots))
	}
}
