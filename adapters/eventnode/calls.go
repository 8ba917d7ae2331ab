package eventnode

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// calls are the calls that are under way. A handler waits in gRPC for the
// request and for room to answer, where only the end of the call's context can
// wake it; so that context is made here, before there is a handler.
type calls struct {
	within   time.Duration // for a request to arrive
	metrics  *metrics
	underWay atomic.Int64
	idle     chan struct{} // has a signal waiting when the last handler returned
}

func newCalls(within time.Duration, m *metrics) *calls {
	return &calls{within: within, metrics: m, idle: make(chan struct{}, 1)}
}

// handle is the context of a call that can be ended from outside.
type handle struct {
	context.Context
	late   *time.Timer // nil for calls whose requests have no end
	cancel context.CancelFunc
	slow   atomic.Bool // it ended because its request did not arrive
}

type handleKey struct{}

// Value implements context.Context.
func (h *handle) Value(key any) any {
	if key == (handleKey{}) {
		return h
	}
	return h.Context.Value(key)
}

// Err implements context.Context. gRPC tells the client by it.
func (h *handle) Err() error {
	err := h.Context.Err()
	if err != nil && h.slow.Load() {
		return context.DeadlineExceeded
	}
	return err
}

// tap gives a call its context. gRPC cancels the parent when the call has ended.
func (c *calls) tap(parent context.Context, info *tap.Info) (context.Context, error) {
	at, bounded := parent.Deadline()
	bounded = bounded && time.Until(at) <= c.within //nolint:forbidigo // deadlines of contexts are on the machine's clock
	switch info.FullMethodName {
	case streams.Streams_BatchAppend_FullMethodName, persistent.PersistentSubscriptions_Read_FullMethodName:
		bounded = true // their requests have no end; Limits.Subscriptions bounds them
	case streams.Streams_Read_FullMethodName:
	default:
		if bounded {
			return parent, nil // by the client itself: no need to pay for more
		}
	}
	h := &handle{}
	h.Context, h.cancel = context.WithCancel(parent)
	if !bounded {
		h.late = time.AfterFunc(c.within, func() {
			if parent.Err() == nil {
				c.metrics.turnedAway(refusedSlowRequest)
			}
			h.slow.Store(true)
			h.cancel()
		})
	}
	return h, nil
}

// handleOf is the handle of a call; nil when its client has bounded it.
func handleOf(ctx context.Context) *handle {
	h, _ := ctx.Value(handleKey{}).(*handle)
	return h
}

// arrived says that the request of a call is complete, or that no more of it is
// wanted.
func arrived(ctx context.Context) {
	if h := handleOf(ctx); h != nil && h.late != nil {
		h.late.Stop()
	}
}

// interceptors see every call that reaches a handler: they count it while it is
// under way, and by what it ends with.
func (c *calls) interceptors() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			arrived(ctx)
			c.underWay.Add(1)
			resp, err := handle(ctx, req)
			c.left(info.FullMethod, err)
			return resp, err
		}),
		grpc.ChainStreamInterceptor(func(srv any, call grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
			c.underWay.Add(1)
			err := handle(srv, call)
			c.left(info.FullMethod, err)
			return err
		}),
	}
}

func (c *calls) left(method string, err error) {
	if c.metrics != nil {
		// Only methods that are served get here, so that clients cannot add series.
		c.metrics.calls.WithLabelValues(shortMethod(method), status.Code(err).String()).Inc()
	}
	if c.underWay.Add(-1) == 0 {
		wake(c.idle)
	}
}

// shortMethod is the name of a method with its service and without the package.
func shortMethod(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }
