package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

const (
	bulkLanes    = 2   // calls of BatchAppend that share the appends
	bulkInFlight = 256 // appends that wait for their answer, over all lanes
)

// Bulk is a [Store] whose appends share a few calls of BatchAppend instead of
// opening one each, which is several times the throughput when many appends are
// in flight: imports, offline sync. It reads as its store does. Appends to one
// stream keep the order in which they were made.
//
// A server that does not offer BatchAppend is appended to as [Store] does.
// It is safe for concurrent use; who made it closes it.
type Bulk struct {
	*Store
	conn     *grpc.ClientConn
	lanes    []*lane
	seed     maphash.Seed
	inFlight chan struct{}
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

var _ domain.Store = (*Bulk)(nil)

// NewBulk makes a bulk store beside a client, on a connection of its own.
// Several hosts or discovery in the connection string mean a cluster, whose
// leader only the client knows: there every append falls back to [Store].
func NewBulk(client *Client, options ...StoreOption) (*Bulk, error) {
	b := &Bulk{Store: NewStore(client, options...), seed: maphash.MakeSeed(), inFlight: make(chan struct{}, bulkInFlight)}
	ctx, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if client.bare.DnsDiscover || len(client.bare.GossipSeeds) > 0 {
		return b, nil
	}
	conn, err := dial(client.bare)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("connect to the event store: %w", err)
	}
	b.conn = conn
	for range bulkLanes {
		l := newLane(conn, client.config)
		b.lanes = append(b.lanes, l)
		b.running.Go(func() { l.supervise(ctx) })
	}
	return b, nil
}

// Close ends the appends in flight and the connection. The client stays open.
// It may be called more than once.
func (b *Bulk) Close() error {
	b.cancel()
	b.running.Wait()
	if b.conn != nil {
		_ = b.conn.Close() // an error only says that it was closed before
	}
	return nil
}

// Append implements [domain.Store] with the errors and the repetition of
// [Store.Append]. While too many appends are in flight it waits.
func (b *Bulk) Append(ctx context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error) {
	if err := b.tenants.allow(stream); err != nil {
		return domain.Appended{}, err
	}
	if len(b.lanes) == 0 {
		return b.Store.Append(ctx, stream, expected, events)
	}
	request, err := batchRequest(stream, expected, events)
	if err != nil {
		return domain.Appended{}, err
	}
	ctx, cancel := withTimeout(ctx, b.client.config.CallTimeout)
	defer cancel()
	select {
	case b.inFlight <- struct{}{}:
		defer func() { <-b.inFlight }()
	case <-ctx.Done():
		return domain.Appended{}, fmt.Errorf("%w: %w", domain.ErrUnavailable, ctx.Err())
	}
	l := b.lanes[maphash.String(b.seed, stream)%bulkLanes]
	appended, err := repeat(ctx, b.client.config, func(patient bool) (domain.Appended, bool, error) {
		return l.append(ctx, patient, request)
	})
	if errors.Is(err, errNoBatchAppend) {
		return b.Store.Append(ctx, stream, expected, events)
	}
	return appended, err
}

func checkEvents(events []eventschema.Proposed) error {
	if len(events) == 0 {
		return fmt.Errorf("%w: append of no events", ErrRefused)
	}
	for _, e := range events {
		if e.ID == uuid.Nil {
			return fmt.Errorf("%w: event without an id", ErrRefused)
		}
	}
	return nil
}

// batchDeadline is what the server may take for one append. It bounds how long
// the outcome of an append stays open after its answer was lost.
const batchDeadline = 10 * time.Second
