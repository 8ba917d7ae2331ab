package eventnode

import (
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The log of a node holds no name of a stream, nor anything out of an event, at
// any level: names hold ids of people. It names positions, numbers of streams
// and, where a kind of stream tells enough, categories. See decision 40.

const (
	// slowDisk is a wait for the disk that an operator should hear of.
	slowDisk = time.Second
	// slowConsumer is how long a subscriber may take over one page before an
	// operator hears of it. It costs nobody but itself.
	slowConsumer = 10 * time.Second
	// observeEvery is how often the node looks for both.
	observeEvery = time.Second
	// sameThingEvery is how often what clients can cause at will is logged.
	sameThingEvery = 10 * time.Second
)

// nowAndThen is a log that says the same thing once in a while only, for what
// clients can cause as often as they like; metrics count every time.
func nowAndThen(log *zap.Logger) *zap.Logger {
	return log.WithOptions(zap.WrapCore(func(core zapcore.Core) zapcore.Core {
		return zapcore.NewSamplerWithOptions(core, sameThingEvery, 1, 0)
	}))
}

// category is the part of a stream's name that says what kind it is of; empty
// when the whole name would have to be told.
func category(stream string) string {
	if stream == "" || stream == allStream {
		return allStream
	}
	kind, _, found := strings.Cut(stream, "-")
	if !found {
		return ""
	}
	return kind
}

// logged is how the log names a group.
func (s *groupSettings) logged() []zap.Field {
	return []zap.Field{zap.String("group", s.Group), zap.String("category", category(s.Stream))}
}

// observe looks for what hangs, until the node stops. What is slow and ends is
// told where it ends.
func (n *Node) observe() {
	tick := time.NewTicker(n.cfg.observeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.observed:
			return
		}
		now := n.cfg.Clock()
		if waited := n.sequencer.syncing.running(now); waited > slowDisk {
			n.slow.Error("event store: the disk does not answer; writes wait", zap.Duration("waited", waited),
				zap.Int64("writes", n.store.unsettled.Load()))
		}
		for _, f := range n.streams.followers.list() {
			if took := f.sending.running(now); took > n.cfg.slowConsumer {
				n.slow.Warn("event store: a subscriber does not take what it is sent", zap.String("client", f.client),
					zap.String("category", category(f.stream)), zap.Duration("for", took))
			}
		}
	}
}

// watchEngine adds what an operator should hear of the engine.
func (m *metrics) watchEngine(l *pebble.EventListener, log *zap.Logger) {
	l.WriteStallBegin = func(info pebble.WriteStallBeginInfo) {
		if m != nil {
			m.stalls.Inc()
		}
		log.Warn("event store: writes are held back until the disk has caught up", zap.String("reason", info.Reason))
	}
}
