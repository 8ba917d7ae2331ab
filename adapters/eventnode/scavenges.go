package eventnode

import (
	"context"
	"sync"

	"github.com/google/uuid"
)

// scavenges lets one scavenge of a node run at a time, and remembers the latest.
type scavenges struct {
	store     *store
	sequencer *sequencer
	cfg       Config
	endpoint  string

	mu      sync.Mutex
	closed  bool
	latest  *scavengeRun
	running sync.WaitGroup
}

// scavengeRun is one scavenge, running or over.
type scavengeRun struct {
	id   uuid.UUID
	ctx  context.Context
	stop context.CancelCauseFunc
	done chan struct{} // closed when report and err are set

	mu       sync.Mutex
	progress ScavengeProgress

	report ScavengeReport
	err    error
}

// start sets a scavenge to work; it ends early with ctx.
func (s *scavenges) start(ctx context.Context, o ScavengeOptions) (*scavengeRun, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.latest != nil && !s.latest.over():
		return nil, ErrScavenging
	}
	run := &scavengeRun{done: make(chan struct{})}
	run.ctx, run.stop = context.WithCancelCause(ctx)
	report := o.Progress
	o.Progress = func(p ScavengeProgress) {
		run.mu.Lock()
		run.progress = p
		run.mu.Unlock()
		if report != nil {
			report(p)
		}
	}
	v := newScavenger(s.store, s.sequencer, s.cfg, s.endpoint, o)
	run.id = v.id
	s.latest = run
	s.running.Go(func() {
		defer close(run.done)
		defer run.stop(nil)
		run.report, run.err = v.run(run.ctx)
	})
	return run, nil
}

func (r *scavengeRun) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// latestRun is the scavenge that runs or was the last to run, nil for none.
func (s *scavenges) latestRun() *scavengeRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// close interrupts what runs and waits for it; nothing may be started any more.
func (s *scavenges) close() {
	s.mu.Lock()
	s.closed = true
	if s.latest != nil {
		s.latest.stop(ErrClosed)
	}
	s.mu.Unlock()
	s.running.Wait()
}
