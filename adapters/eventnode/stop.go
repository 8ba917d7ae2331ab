package eventnode

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
)

// ErrStopTime: the node could not stop in the time it has. Nothing acknowledged
// is lost by that; the folder is as after a crash.
var ErrStopTime = errors.New("event store did not stop in time")

// Close stops the node: health says so first, no further write is taken, what
// was queued is written and answered, subscriptions end as Unavailable, groups
// write their checkpoints, and the folder is closed. It takes no longer than
// Limits.StopTime; ErrStopTime means that something still runs and holds the
// folder, so that the process had better end. Calling it again returns the same.
func (n *Node) Close() error {
	n.close.Do(func() {
		n.ready.Store(false)
		n.cfg.Log.Info("event store stops", zap.String("folder", n.cfg.Dir))
		began := n.cfg.Clock()
		n.sequencer.closing.Store(true)
		close(n.stopping)
		stopped := make(chan error, 1)
		go func() { stopped <- n.shutDown() }()
		late := time.NewTimer(n.cfg.Limits.StopTime)
		defer late.Stop()
		select {
		case n.closeErr = <-stopped:
		case <-late.C:
			n.closeErr = fmt.Errorf("%s: %w (%v)", n.cfg.Dir, ErrStopTime, n.cfg.Limits.StopTime)
		}
		n.cfg.Log.Info("event store stopped", zap.String("folder", n.cfg.Dir), zap.Int64("position", n.store.mark.position()),
			zap.Duration("stopped_in", n.cfg.Clock().Sub(began)), zap.Error(n.closeErr))
	})
	return n.closeErr
}

func (n *Node) shutDown() error {
	n.stopCalls()
	n.admin.close()
	n.scavenges.close()
	n.groups.close()
	close(n.sequencer.stop)
	<-n.sequencer.done
	n.stopServing()
	n.work.Wait()
	if m := n.cfg.measures; m != nil {
		m.gauges.close()
		n.cfg.Metrics.Unregister(m)
	}
	return n.store.close()
}

// stopCalls returns when no handler runs any more. Health goes on answering.
func (n *Node) stopCalls() {
	finished := make(chan struct{})
	n.work.Go(func() {
		n.grpc.GracefulStop()
		close(finished)
	})
	n.letFinish(finished)
	n.grpc.Stop()
	<-finished
	n.streams.receivers.Wait()
	n.consumers.receivers.Wait()
}

// letFinish waits for calls to end by themselves: writes above all. Who does
// not take what it is sent holds up nobody for long.
func (n *Node) letFinish(finished <-chan struct{}) {
	all := n.cfg.Limits.StopTime / 2
	late, stuck := time.NewTimer(all), time.NewTimer(all/5)
	defer late.Stop()
	defer stuck.Stop()
	var flushed <-chan time.Time // when the last answers had time to get out
	for {
		if flushed == nil && n.calls.underWay.Load() == 0 {
			flushed = time.After(all / 10)
		}
		select {
		case <-finished:
			return
		case <-n.calls.idle:
		case <-stuck.C:
			n.streams.followers.cutOff()
		case <-flushed:
			return
		case <-late.C:
			n.cfg.Log.Warn("event store: calls that did not end are cut off", zap.Int64("calls", n.calls.underWay.Load()))
			return
		}
	}
}

func (n *Node) stopServing() {
	close(n.observed)
	n.demux.shut()
	_ = n.http.Close() // its connections are closed whatever it says
}
