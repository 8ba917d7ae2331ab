package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tracekeep/domain"
)

// errClosed is the cause given to callers that come after Close.
var errClosed = errors.New("client is closed")

// breaker hands out a connection of type T. It is in one of three states:
//
//	connected   callers get the connection
//	connecting  the connection was lost and the first attempt runs: callers wait for it
//	open        an attempt failed: callers are refused at once, until one succeeds
type breaker[T comparable] struct {
	mu      sync.Mutex
	current T // zero unless connected
	failed  error
	closed  bool
	changed chan struct{} // closed and replaced on every change
}

func newBreaker[T comparable]() *breaker[T] { return &breaker[T]{changed: make(chan struct{})} }

func (b *breaker[T]) change(apply func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	apply()
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *breaker[T]) connected(connection T) {
	b.change(func() { b.current, b.failed = connection, nil })
}

func (b *breaker[T]) connecting() {
	var none T
	b.change(func() { b.current, b.failed = none, nil })
}

func (b *breaker[T]) open(cause error) {
	var none T
	b.change(func() { b.current, b.failed = none, cause })
}

func (b *breaker[T]) shut() {
	var none T
	b.change(func() { b.current, b.closed = none, true })
}

// now is the connection, or zero.
func (b *breaker[T]) now() T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

// acquire answers with the connection. A patient caller also waits while the
// breaker is open, until ctx ends. The error is [domain.ErrUnavailable].
func (b *breaker[T]) acquire(ctx context.Context, patient bool) (T, error) {
	var none T
	for {
		b.mu.Lock()
		current, failed, closed, changed := b.current, b.failed, b.closed, b.changed
		b.mu.Unlock()
		switch {
		case closed:
			return none, fmt.Errorf("%w: %w", errNotNow, errClosed)
		case current != none:
			return current, nil
		case failed != nil && !patient:
			return none, fmt.Errorf("%w: %w", errNotNow, failed)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return none, fmt.Errorf("%w: %w", domain.ErrUnavailable, ctx.Err())
		}
	}
}

// moveOn waits until stale is no longer the connection handed out.
func (b *breaker[T]) moveOn(ctx context.Context, stale T) error {
	for {
		b.mu.Lock()
		current, changed := b.current, b.changed
		b.mu.Unlock()
		if current != stale {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", domain.ErrUnavailable, ctx.Err())
		}
	}
}
