package eventstoredb

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// errPanic stands for a bare client that panicked, as it does when it is closed
// under a call.
var errPanic = errors.New("official client panicked")

// call runs op on a bare client in a goroutine of its own and waits for it or
// for ctx. What is left behind when ctx ends keeps its place among the calls in
// flight until it returns. A patient call waits for a connection while there is
// none.
//
// An error made before op ran wraps [domain.ErrUnavailable]; every other is as
// the bare client or ctx gave it.
func call[T any](ctx context.Context, c *Client, patient bool, op func(context.Context, *esdb.Client) (T, error)) (T, error) {
	var none T
	s, inside, leave, err := c.admit(ctx, patient)
	if err != nil {
		return none, err
	}
	type answer struct {
		value T
		err   error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("%w: %v", errPanic, p)
			}
			s.judge(a.err)
			leave()
			answered <- a
		}()
		a.value, a.err = op(inside, s.db)
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// admit waits for a session and enters it.
func (c *Client) admit(ctx context.Context, patient bool) (*session, context.Context, func(), error) {
	if err := c.take(); err != nil {
		return nil, nil, nil, err
	}
	for {
		s, err := c.breaker.acquire(ctx, patient)
		if err != nil {
			<-c.slots
			return nil, nil, nil, err
		}
		inside, leave, ok := s.enter(ctx)
		if ok {
			return s, inside, func() { leave(); <-c.slots }, nil
		}
		// The session broke a moment ago and the supervisor is about to say so.
		if err := c.breaker.moveOn(ctx, s); err != nil {
			<-c.slots
			return nil, nil, nil, err
		}
	}
}
