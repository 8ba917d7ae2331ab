package adms

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"golang.org/x/net/netutil"
	"golang.org/x/time/rate"
)

// Config says what a [Server] serves and for whom.
type Config struct {
	Clock    func() time.Time
	Log      *zap.Logger
	Register Register
	Punches  Punches
	Metrics  prometheus.Registerer // nil: none
	Before   Account               // what was known of terminals when the last server stopped
	Limits   Limits                // zero values take the defaults named
}

// Limits bound what whoever reaches the address can make us hold.
type Limits struct {
	Connections int           // at a time; default 256
	Batches     int           // of punches at work at a time, others wait; default 4
	BatchBytes  int64         // of one batch; default 4 MiB, some 60,000 punches
	TableBytes  int64         // of one table that is not kept; default 64 MiB
	PerSecond   float64       // requests of one terminal; default 10, and 100 at once
	HeaderTime  time.Duration // to send a header; default 5 s
	BodyTime    time.Duration // to send a request; default a minute
	WorkTime    time.Duration // to record a batch, waiting included; default 30 s
}

func (l Limits) withDefaults() Limits {
	set := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	set(&l.HeaderTime, 5*time.Second)
	set(&l.BodyTime, time.Minute)
	set(&l.WorkTime, 30*time.Second)
	if l.Connections <= 0 {
		l.Connections = 256
	}
	if l.Batches <= 0 {
		l.Batches = 4
	}
	if l.BatchBytes <= 0 {
		l.BatchBytes = 4 << 20
	}
	if l.TableBytes <= 0 {
		l.TableBytes = 64 << 20
	}
	if l.PerSecond <= 0 {
		l.PerSecond = 10
	}
	return l
}

// Server answers terminals. It is safe for concurrent use.
type Server struct {
	cfg     Config
	account *account
	metrics *metrics
	work    chan struct{} // a place for each batch at work
	refusal rate.Sometimes

	mu    sync.Mutex
	paces map[string]*pace // of registered terminals, so they are few
}

// pace is how one terminal comes: one batch at a time, and not too often.
type pace struct {
	limit *rate.Limiter
	batch chan struct{}
}

// New makes a server.
func New(cfg Config) (*Server, error) {
	if cfg.Clock == nil || cfg.Log == nil || cfg.Register == nil || cfg.Punches == nil {
		return nil, errors.New("adms: clock, log, register and punches are required")
	}
	cfg.Limits = cfg.Limits.withDefaults()
	s := &Server{
		cfg: cfg, account: newAccount(cfg.Before), work: make(chan struct{}, cfg.Limits.Batches), paces: map[string]*pace{},
		refusal: rate.Sometimes{First: 3, Interval: time.Minute},
	}
	var err error
	if s.metrics, err = newMetrics(cfg.Metrics, func() int { return s.account.holding(cfg.Clock()) }); err != nil {
		return nil, fmt.Errorf("adms: register metrics: %w", err)
	}
	return s, nil
}

// Account is what terminals did, and a number that grows with every change of it.
func (s *Server) Account() (Account, uint64) { return s.account.snapshot() }

// Serve answers terminals that come to a listener, until ctx ends; what was begun
// then is finished within the time that work may take. It closes the listener.
func (s *Server) Serve(ctx context.Context, listener net.Listener) error {
	limits := s.cfg.Limits
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: limits.HeaderTime, ReadTimeout: limits.BodyTime, IdleTimeout: 2 * time.Minute,
		WriteTimeout: limits.BodyTime + limits.WorkTime + 10*time.Second, MaxHeaderBytes: 8 << 10,
		// What it says of a connection may be what a stranger sent.
		ErrorLog: log.New(nowhere{}, "", 0),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		finishing, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.WorkTime)
		defer cancel()
		stopped <- errors.Join(server.Shutdown(finishing), server.Close())
	})
	err := server.Serve(netutil.LimitListener(listener, limits.Connections))
	if !stop() {
		return <-stopped
	}
	return fmt.Errorf("serve terminals: %w", err)
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

func (s *Server) paceOf(serial string) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.paces[serial]
	if p == nil {
		p = &pace{limit: rate.NewLimiter(rate.Limit(s.cfg.Limits.PerSecond), max(1, int(10*s.cfg.Limits.PerSecond))), batch: make(chan struct{}, 1)}
		s.paces[serial] = p
	}
	return p
}
