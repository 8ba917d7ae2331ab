package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tracekeep/domain"
)

// errNoBatchAppend: the server offers Append only.
var errNoBatchAppend = errors.New("server does not offer batch append")

// lane keeps one call of BatchAppend open.
type lane struct {
	conn    *grpc.ClientConn
	config  Config
	breaker *breaker[*ride]
}

// ride is one call of BatchAppend from its start to its failure.
type ride struct {
	stream streams.Streams_BatchAppendClient
	ended  context.Context
	queue  chan *passenger

	// denied is why the server let nobody ride, set before ended is.
	denied atomic.Pointer[error]

	mu      sync.Mutex
	last    uint64
	waiting map[uuid.UUID]*passenger // by correlation id
}

// passenger is an append under way.
type passenger struct {
	request  *streams.BatchAppendReq
	answered chan *streams.BatchAppendResp
}

func newLane(conn *grpc.ClientConn, config Config) *lane {
	return &lane{conn: conn, config: config, breaker: newBreaker[*ride]()}
}

// supervise opens the call again whenever it ends, with growing pauses.
func (l *lane) supervise(ctx context.Context) {
	defer l.breaker.shut()
	// The connection has pauses of its own between attempts to dial.
	pause := &pauses{low: l.config.MinPause, high: min(l.config.MaxPause, max(time.Second, l.config.MinPause)), jitter: l.config.Jitter}
	for ctx.Err() == nil {
		answered, err := l.run(ctx)
		if answered {
			pause.reset()
			l.breaker.connecting()
			continue
		}
		if ctx.Err() != nil {
			return
		}
		l.breaker.open(err)
		l.config.Log.Warn("batch append is interrupted", zap.Error(err))
		if !pause.wait(ctx) {
			return
		}
	}
}

// run keeps one call open until it fails. It tells whether the server answered
// at least one append on it.
func (l *lane) run(ctx context.Context) (answered bool, err error) {
	if err := l.offered(ctx); err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := streams.NewStreamsClient(l.conn).BatchAppend(ctx)
	if err != nil {
		return false, err
	}
	r := &ride{stream: stream, ended: ctx, queue: make(chan *passenger), waiting: map[uuid.UUID]*passenger{}}
	var sending sync.WaitGroup
	sending.Go(r.send)
	defer sending.Wait()
	defer cancel()
	l.breaker.connected(r)
	for {
		answer, err := stream.Recv()
		if err != nil {
			if denied := denial(err); denied != nil {
				r.denied.Store(&denied)
			}
			return answered, err
		}
		answered = true
		r.deliver(answer)
	}
}

// offered asks the server whether it has batch append.
func (l *lane) offered(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	methods, err := serverfeatures.NewServerFeaturesClient(l.conn).GetSupportedMethods(ctx, &shared.Empty{})
	if code := status.Code(err); code == codes.Unimplemented || code == codes.NotFound {
		return errNoBatchAppend
	}
	if err != nil {
		return err
	}
	for _, m := range methods.GetMethods() {
		if m.GetServiceName() == "event_store.client.streams.streams" && m.GetMethodName() == "batchappend" {
			return nil
		}
	}
	return errNoBatchAppend
}

// append sends one append and waits for its answer. It says whether the append
// may have been stored when it fails.
func (l *lane) append(ctx context.Context, patient bool, request *streams.BatchAppendReq) (domain.Appended, bool, error) {
	r, err := l.breaker.acquire(ctx, patient)
	if err != nil {
		if errors.Is(err, errNoBatchAppend) {
			err = errNoBatchAppend
		}
		if denied := denial(err); denied != nil {
			err = denied
		}
		return domain.Appended{}, false, err
	}
	p := &passenger{request: request, answered: make(chan *streams.BatchAppendResp, 1)}
	select {
	case r.queue <- p:
	case <-r.ended.Done():
		return domain.Appended{}, false, r.interrupted()
	case <-ctx.Done():
		return domain.Appended{}, false, fmt.Errorf("%w: %w", domain.ErrUnavailable, ctx.Err())
	}
	select {
	case answer := <-p.answered:
		return batchOutcome(answer)
	case <-r.ended.Done():
		err = errors.New("batch append was interrupted")
	case <-ctx.Done():
		err = ctx.Err()
	}
	select {
	case answer := <-p.answered: // the answer and the end came together
		return batchOutcome(answer)
	default:
	}
	if denied := r.denied.Load(); denied != nil {
		return domain.Appended{}, false, *denied
	}
	return domain.Appended{}, true, fmt.Errorf("%w: %w", domain.ErrUnavailable, err)
}

// interrupted is why a ride that has ended takes nobody.
func (r *ride) interrupted() error {
	if denied := r.denied.Load(); denied != nil {
		return *denied
	}
	return fmt.Errorf("%w: batch append was interrupted", domain.ErrUnavailable)
}

// denial is nil unless the server let the whole call in for nobody, in which
// case nothing that was sent on it had an effect.
func denial(err error) error {
	if code := status.Code(err); code != codes.Unauthenticated && code != codes.PermissionDenied {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrDenied, status.Convert(err).Message())
}

// send gives each append its correlation id and sends it, in order of arrival.
func (r *ride) send() {
	for {
		select {
		case p := <-r.queue:
			if r.stream.Send(r.board(p)) != nil {
				return // the receiving side learns why
			}
		case <-r.ended.Done():
			return
		}
	}
}

func (r *ride) board(p *passenger) *streams.BatchAppendReq {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last++
	id := correlation(r.last)
	key, _ := correlated(id)
	r.waiting[key] = p
	// A copy, because an earlier attempt may still be on its way to another ride.
	return &streams.BatchAppendReq{
		CorrelationId: id, Options: p.request.GetOptions(),
		ProposedMessages: p.request.GetProposedMessages(), IsFinal: p.request.GetIsFinal(),
	}
}

func (r *ride) deliver(answer *streams.BatchAppendResp) {
	key, ok := correlated(answer.GetCorrelationId())
	if !ok {
		return
	}
	r.mu.Lock()
	p := r.waiting[key]
	delete(r.waiting, key)
	r.mu.Unlock()
	if p != nil {
		p.answered <- answer
	}
}

// correlated reads a correlation id in either of its two shapes on the wire.
func correlated(id *shared.UUID) (uuid.UUID, bool) {
	var key uuid.UUID
	var err error
	if s := id.GetStructured(); s != nil {
		key, err = esdb.ParseUUIDFromInt64(s.GetMostSignificantBits(), s.GetLeastSignificantBits())
	} else {
		key, err = uuid.Parse(id.GetString_())
	}
	return key, err == nil
}
