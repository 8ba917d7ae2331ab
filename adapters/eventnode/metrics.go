package eventnode

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const metricsPrefix = "tracekeep_eventstore_"

// callKind is who asked for a write.
type callKind int

const (
	callInternal callKind = iota // the node itself, for a group
	callAppend
	callBatchAppend
	callDelete
	callTombstone
	callKinds
)

var callNames = [callKinds]string{"internal", "append", "batch_append", "delete", "tombstone"}

// result is what became of a write that the sequencer ruled on.
type result int

const (
	resultWritten result = iota
	resultRepeated
	resultWrongVersion
	resultStreamDeleted
	resultTooLate
	resultFailed
	results
)

var resultNames = [results]string{"written", "repeated", "wrong_version", "stream_deleted", "too_late", "failed"}

// refusal is why something was turned away before the sequencer saw it.
type refusal int

const (
	refusedTooBig       refusal = iota // an append beyond its size limit
	refusedBadAppend                   // an append of a batch that cannot be taken
	refusedUnfinished                  // a batch call with too much begun and not ended
	refusedBusy                        // a write that found no room in the queue
	refusedConnection                  // a connection beyond the limit
	refusedSilent                      // a connection that never said what it is
	refusedSubscription                // a call without end beyond the limit
	refusedSlowRequest                 // a call whose request took too long to arrive
	refusals
)

var refusalNames = [refusals]string{
	"append_too_big", "bad_append", "unfinished_appends", "queue_full", "connection_limit", "silent_connection",
	"subscription_limit", "slow_request",
}

// readKind is what events are read for.
type readKind int

const (
	readCall readKind = iota
	readSubscription
	readGroup
	readKinds
)

var readNames = [readKinds]string{"read", "subscription", "group"}

// metrics are what the node counts while it works, none of it by stream or by
// client, so that the number of series is fixed. What can be looked up when
// somebody asks is not counted but collected; see gauges. A nil *metrics counts
// nothing.
type metrics struct {
	duration      [callKinds]prometheus.Observer
	durations     *prometheus.HistogramVec
	roundRequests prometheus.Histogram
	roundBytes    prometheus.Histogram
	syncWait      prometheus.Histogram
	writes        tally[result]
	events, bytes prometheus.Counter
	refused       tally[refusal]
	read          tally[readKind]
	calls         *prometheus.CounterVec
	stalls        prometheus.Counter

	gauges *gauges
}

// tally is a counter with one label whose values are few and known.
type tally[K ~int] struct {
	vec *prometheus.CounterVec
	of  []prometheus.Counter
}

func newTally[K ~int](name, help, label string, values []string) tally[K] {
	t := tally[K]{vec: prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help}, []string{label})}
	for _, v := range values {
		t.of = append(t.of, t.vec.WithLabelValues(v))
	}
	return t
}

func (t tally[K]) add(k K, n int) {
	if n > 0 {
		t.of[k].Add(float64(n))
	}
}

func newHistogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: metricsPrefix + name, Help: help, Buckets: buckets})
}

func newCounter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: metricsPrefix + name, Help: help})
}

// latencies run from 50 µs to 13 s.
func latencies() []float64 { return prometheus.ExponentialBuckets(50e-6, 2, 19) }

func newMetrics() *metrics {
	m := &metrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: metricsPrefix + "write_duration_seconds", Buckets: latencies(),
			Help: "Time from the queueing of a write to its answer, by who asked for it.",
		}, []string{"call"}),
		roundRequests: newHistogram("round_requests", "Writes that one group commit took together.", prometheus.ExponentialBuckets(1, 2, 10)),
		roundBytes:    newHistogram("round_bytes", "Bytes of event that one group commit took together.", prometheus.ExponentialBuckets(256, 4, 9)),
		syncWait:      newHistogram("sync_wait_seconds", "Time that a written group commit waited for the disk.", latencies()),
		writes:        newTally[result]("writes_total", "Writes that were ruled on, by what became of them.", "result", resultNames[:]),
		events:        newCounter("events_appended_total", "Events written."),
		bytes:         newCounter("bytes_appended_total", "Bytes of the events written: data, metadata and twice the type."),
		refused:       newTally[refusal]("refused_total", "What was turned away at a limit, by the limit.", "reason", refusalNames[:]),
		read:          newTally[readKind]("events_read_total", "Events sent to clients, by what reads them.", "by", readNames[:]),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricsPrefix + "calls_total", Help: "Calls that ended, by method and status.",
		}, []string{"method", "code"}),
		stalls: newCounter("write_stalls_total", "Times that the engine held writes back until it had flushed or compacted."),
	}
	for k := range callKinds {
		m.duration[k] = m.durations.WithLabelValues(callNames[k])
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.parts() {
		c.Describe(ch)
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	for _, c := range m.parts() {
		c.Collect(ch)
	}
}

func (m *metrics) parts() []prometheus.Collector {
	return []prometheus.Collector{
		m.durations, m.roundRequests, m.roundBytes, m.syncWait, m.writes.vec, m.events, m.bytes, m.refused.vec, m.read.vec,
		m.calls, m.stalls, m.gauges,
	}
}

// settled counts a round before its writers are answered, so that whoever has
// an answer finds it counted.
func (m *metrics) settled(rd *round, now time.Time) {
	if m == nil {
		return
	}
	var by [results]int
	events, size, all := 0, 0, 0
	for i, r := range rd.requests {
		m.duration[r.call].Observe(max(0, now.Sub(r.queued).Seconds()))
		what := resultOf(rd, i)
		by[what]++
		all += r.size
		if what == resultWritten {
			events += len(r.events)
			size += r.size
		}
	}
	for what, n := range by {
		m.writes.add(result(what), n)
	}
	m.events.Add(float64(events))
	m.bytes.Add(float64(size))
	m.roundRequests.Observe(float64(len(rd.requests)))
	m.roundBytes.Observe(float64(all))
}

func resultOf(rd *round, i int) result {
	o := rd.outcomes[i]
	switch {
	case rd.err != nil:
		return resultFailed
	case errors.Is(o.err, errTooLate):
		return resultTooLate
	case o.err != nil:
		return resultFailed
	}
	switch o.ruling {
	case rulingIdempotent:
		return resultRepeated
	case rulingWrongVersion:
		return resultWrongVersion
	case rulingStreamDeleted:
		return resultStreamDeleted
	}
	return resultWritten
}

// waited counts how long a round was on its way to the disk.
func (m *metrics) waited(d time.Duration) {
	if m != nil {
		m.syncWait.Observe(max(0, d.Seconds()))
	}
}

func (m *metrics) sent(to readKind, events int) {
	if m != nil {
		m.read.add(to, events)
	}
}

func (m *metrics) turnedAway(why refusal) {
	if m != nil {
		m.refused.add(why, 1)
	}
}

// stopwatch says for how long something has been going on, to whoever asks from
// another goroutine.
type stopwatch struct{ since atomic.Int64 }

func (s *stopwatch) start(now time.Time) { s.since.Store(now.UnixNano()) }

func (s *stopwatch) stop() { s.since.Store(0) }

// running is how long it has been going on; 0 when it is not.
func (s *stopwatch) running(now time.Time) time.Duration {
	since := s.since.Load()
	if since == 0 {
		return 0
	}
	return max(0, time.Duration(now.UnixNano()-since))
}
