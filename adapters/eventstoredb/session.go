package eventstoredb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// session is one bare client and the calls that run on it. It is never repaired:
// when its connection fails it lets nobody in any more, and once the last call
// has left it is closed.
//
// The bare client rediscovers on the first call after a failure, and then loses
// track of the connection it had, which lives on with its goroutines. So a
// session must be shut before the bare client hears of the failure, and no call
// may stand between our gate and the bare client's connection at that moment.
// The gate is therefore held until a call has its connection (see [admitted]),
// and the failure is overheard in the bare client's log, which it writes before
// it acts.
type session struct {
	db       *esdb.Client
	log      *zap.Logger
	gate     sync.RWMutex
	shut     bool // under gate
	broken   chan struct{}
	retired  context.Context
	retire   context.CancelFunc
	calls    sync.WaitGroup
	timeouts atomic.Int32
	probing  atomic.Bool
	proved   atomic.Bool // a call succeeded
}

// bareFailure is the format under which the bare client logs a failed call.
const bareFailure = "unexpected exception: %v"

func newSession(bare esdb.Configuration, log *zap.Logger) (*session, error) {
	s := &session{log: log, broken: make(chan struct{})}
	s.retired, s.retire = context.WithCancel(context.Background())
	bare.Logger = s.overhear
	db, err := esdb.NewClient(&bare)
	if err != nil {
		s.retire()
		return nil, err
	}
	s.db = db
	return s, nil
}

// overhear listens to the bare client's log for a failed connection.
func (s *session) overhear(level esdb.LogLevel, format string, args ...any) {
	if ce := s.log.Check(zap.DebugLevel, "official client"); ce != nil {
		ce.Write(zap.String("level", level), zap.String("message", fmt.Sprintf(format, args...)))
	}
	if format != bareFailure || len(args) != 1 {
		return
	}
	if err, ok := args[0].(error); ok && status.Code(err) == codes.Unavailable {
		s.breakUp()
	}
}

// breakUp lets no further call in.
func (s *session) breakUp() {
	s.gate.Lock()
	defer s.gate.Unlock()
	if !s.shut {
		s.shut = true
		close(s.broken)
	}
}

// enter registers a call. The context must be the one the bare client is called
// with; leave must be called once the call is over. It answers false when the
// session is broken or about to be: only breakUp locks the gate, and a caller must
// not wait with it, because waiting for a lock heeds no context.
func (s *session) enter(ctx context.Context) (inside context.Context, leave func(), ok bool) {
	if !s.gate.TryRLock() {
		return nil, nil, false
	}
	if s.shut {
		s.gate.RUnlock()
		return nil, nil, false
	}
	s.calls.Add(1)
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.retired, cancel)
	pass := &admitted{Context: ctx, through: sync.OnceFunc(s.gate.RUnlock)}
	return pass, func() {
		pass.through()
		stop()
		cancel()
		s.calls.Done()
	}, true
}

// admitted tells when a call has got its connection: the bare client asks a
// context for its deadline right after that, and not before.
type admitted struct {
	context.Context
	through func()
}

// Deadline opens the gate behind the call.
func (a *admitted) Deadline() (time.Time, bool) {
	a.through()
	return a.Context.Deadline()
}

// judge learns from how a call ended whether the connection still answers.
func (s *session) judge(err error) {
	switch {
	case err == nil:
		s.timeouts.Store(0)
		s.proved.Store(true)
	case isTimeout(err):
		if s.timeouts.Add(1) >= maxTimeouts && s.probing.CompareAndSwap(false, true) {
			go s.probe()
		}
	case isGone(err):
		s.breakUp()
	}
}

// probe asks the store for its last event after several calls ran out of time.
// The callers may have been impatient, so only silence to the probe counts.
func (s *session) probe() {
	defer s.probing.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	inside, leave, ok := s.enter(ctx)
	if !ok {
		return
	}
	defer leave()
	defer func() { _ = recover() }() // as in call: closed under us, the bare client panics
	page, err := s.db.ReadAll(inside, esdb.ReadAllOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
	if err == nil {
		_, err = page.Recv()
		page.Close()
	}
	s.timeouts.Store(0)
	if ctx.Err() != nil || isTimeout(err) {
		s.breakUp()
	}
}

// close waits for the calls inside, first politely, then with their contexts
// cancelled, and closes the bare client. Only a call that heeds no context can
// still be inside then; the bare client makes it panic, and it recovers.
func (s *session) close(grace time.Duration) {
	s.breakUp()
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(done)
	}()
	within := func(d time.Duration) bool {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-done:
			return true
		case <-timer.C:
			return false
		}
	}
	if !within(grace) {
		s.retire()
		if !within(hungGrace) {
			s.log.Error("calls ignore their context, closing the connection under them")
		}
	}
	s.retire()
	_ = s.db.Close() // returns nil always
	_ = within(hungGrace)
}
