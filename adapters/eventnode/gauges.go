package eventnode

import (
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// gauges are the metrics that are looked up when somebody asks: the state of
// the engine, and what the node holds at the moment.
type gauges struct {
	mu    sync.RWMutex
	node  *Node // nil once the folder is closed
	since time.Time
	all   []gauge
	fsync *prometheus.Desc
}

// gauge is one metric and where it is looked up.
type gauge struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*moment) float64
}

// moment is the node as one look found it.
type moment struct {
	node   *Node
	now    time.Time
	up     time.Duration
	engine *pebble.Metrics
	log    following // the followers of the log, together
	stream following // the followers of single streams, together
	groups groupTally
}

// following sums up subscriptions of one kind.
type following struct {
	live, behind int
	lag          int64 // of the one that is furthest behind
}

func newGauges(n *Node) *gauges {
	g := &gauges{node: n, since: n.cfg.Clock(), fsync: prometheus.NewDesc(metricsPrefix+"fsync_duration_seconds",
		"Time of one fsync of the write-ahead log.", nil, nil)}
	g.gauge("ready", "1 while the node takes calls.", func(m *moment) float64 { return oneIf(m.node.ready.Load()) })
	g.gauge("uptime_seconds", "Time since the node was opened.", func(m *moment) float64 { return m.up.Seconds() })
	g.nodeGauges()
	g.clientGauges()
	g.engineGauges()
	return g
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func (g *gauges) gauge(name, help string, of func(*moment) float64) {
	g.with(prometheus.GaugeValue, name, help, nil, of)
}

func (g *gauges) counter(name, help string, of func(*moment) float64) {
	g.with(prometheus.CounterValue, name, help, nil, of)
}

func (g *gauges) with(kind prometheus.ValueType, name, help string, labels prometheus.Labels, of func(*moment) float64) {
	g.all = append(g.all, gauge{prometheus.NewDesc(metricsPrefix+name, help, nil, labels), kind, of})
}

func (g *gauges) nodeGauges() {
	g.gauge("position", "Position of the last event that is on the disk.",
		func(m *moment) float64 { return float64(m.node.store.mark.position()) })
	g.gauge("queue_length", "Writes that wait for the sequencer.", func(m *moment) float64 { return float64(len(m.node.sequencer.queue)) })
	g.gauge("queue_bytes", "Bytes of event that are queued or not answered yet.",
		func(m *moment) float64 { return float64(m.node.sequencer.room.held()) })
	g.gauge("rounds_unsettled", "Group commits that wait for the disk.", func(m *moment) float64 { return float64(len(m.node.sequencer.rounds)) })
	g.gauge("writes_unsettled", "Writes that are with the log and not answered.",
		func(m *moment) float64 { return float64(m.node.store.unsettled.Load()) })
	g.gauge("sync_waiting_seconds", "For how long the oldest group commit has been waiting for the disk; 0 when none does.",
		func(m *moment) float64 { return m.node.sequencer.syncing.running(m.now).Seconds() })
}

func (g *gauges) clientGauges() {
	for protocol, doorOf := range map[string]func(*Node) *door{
		"grpc": func(n *Node) *door { return n.demux.grpcDoor }, "http": func(n *Node) *door { return n.demux.httpDoor },
	} {
		g.with(prometheus.GaugeValue, "connections", "Open connections.", prometheus.Labels{"protocol": protocol},
			func(m *moment) float64 { return float64(doorOf(m.node).open.Load()) })
	}
	for source, of := range map[string]func(*moment) *following{
		"all": func(m *moment) *following { return &m.log }, "stream": func(m *moment) *following { return &m.stream },
	} {
		const help = "Subscriptions, by what they follow and whether they have caught up."
		g.with(prometheus.GaugeValue, "subscriptions", help, prometheus.Labels{"source": source, "state": "live"},
			func(m *moment) float64 { return float64(of(m).live) })
		g.with(prometheus.GaugeValue, "subscriptions", help, prometheus.Labels{"source": source, "state": "behind"},
			func(m *moment) float64 { return float64(of(m).behind) })
	}
	g.gauge("subscription_lag_bytes", "Log before the end that the last subscription to $all has not been sent.",
		func(m *moment) float64 { return float64(m.log.lag) })
	g.gauge("subscription_lag_events", "Events that the last subscription to a stream has not been sent.",
		func(m *moment) float64 { return float64(m.stream.lag) })
	g.gauge("groups", "Persistent subscriptions.", func(m *moment) float64 { return float64(m.groups.groups) })
	g.gauge("group_consumers", "Consumers of persistent subscriptions.", func(m *moment) float64 { return float64(m.groups.consumers) })
	g.gauge("group_in_flight", "Messages that consumers hold.", func(m *moment) float64 { return float64(m.groups.inFlight) })
	g.gauge("group_retries_waiting", "Messages that wait to be delivered again.", func(m *moment) float64 { return float64(m.groups.retries) })
	g.gauge("group_parked", "Messages that are parked.", func(m *moment) float64 { return float64(m.groups.parked) })
	g.gauge("group_lag_bytes", "Log that the last persistent subscription to $all has not finished.",
		func(m *moment) float64 { return float64(m.groups.lagBytes) })
	g.gauge("group_lag_events", "Events that the last persistent subscription to a stream has not finished.",
		func(m *moment) float64 { return float64(m.groups.lagEvents) })
	g.gauge("groups_stopped", "Persistent subscriptions that ended with an error.", func(m *moment) float64 { return float64(m.groups.stopped) })
}

func (g *gauges) engineGauges() {
	g.gauge("disk_bytes", "Size of the folder.", func(m *moment) float64 { return float64(m.engine.DiskSpaceUsage()) })
	g.gauge("wal_bytes", "Size of the write-ahead log that a start would replay.", func(m *moment) float64 { return float64(m.engine.WAL.Size) })
	g.counter("wal_written_bytes_total", "Bytes written to the write-ahead log.", func(m *moment) float64 { return float64(m.engine.WAL.BytesWritten) })
	g.gauge("compaction_debt_bytes", "Bytes to compact until the tree is in shape.", func(m *moment) float64 { return float64(m.engine.Compact.EstimatedDebt) })
	g.counter("compactions_total", "Compactions.", func(m *moment) float64 { return float64(m.engine.Compact.Count) })
	g.counter("flushes_total", "Flushes of memory tables.", func(m *moment) float64 { return float64(m.engine.Flush.Count) })
	g.gauge("memtable_bytes", "Memory tables, those kept for reuse or for readers included.",
		func(m *moment) float64 { return float64(m.engine.MemTable.Size + m.engine.MemTable.ZombieSize) })
	g.gauge("cache_bytes", "Use of the block cache.", func(m *moment) float64 { return float64(m.engine.BlockCache.Size) })
	g.counter("cache_hits_total", "Blocks found in the cache.", func(m *moment) float64 { return float64(m.engine.BlockCache.Hits) })
	g.counter("cache_misses_total", "Blocks read from files.", func(m *moment) float64 { return float64(m.engine.BlockCache.Misses) })
	g.gauge("read_amplification", "Sorted runs that a read may have to look into.", func(m *moment) float64 { return float64(m.engine.ReadAmp()) })
	g.gauge("open_iterators", "Iterators over files, which keep those files alive.", func(m *moment) float64 { return float64(m.engine.TableIters) })
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	ch <- g.fsync
	for _, x := range g.all {
		ch <- x.desc
	}
}

// Collect implements prometheus.Collector. A node that was closed has nothing.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.node == nil {
		return
	}
	now := g.node.cfg.Clock()
	m := &moment{node: g.node, now: now, up: now.Sub(g.since), engine: g.node.store.db.Metrics()}
	m.log, m.stream = g.node.streams.followers.tally(g.node.store)
	m.groups = g.node.groups.tally()
	for _, x := range g.all {
		ch <- prometheus.MustNewConstMetric(x.desc, x.kind, x.of(m))
	}
	if h := fsyncs(g.fsync, m.engine.LogWriter.FsyncLatency); h != nil {
		ch <- h
	}
}

// close lets go of the node; it returns when nobody is looking any more.
func (g *gauges) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.node = nil
}

// fsyncs turns the histogram that the engine keeps, in nanoseconds and with a
// hundred buckets, into one like the others.
func fsyncs(desc *prometheus.Desc, engine prometheus.Histogram) prometheus.Metric {
	var raw dto.Metric
	if engine == nil || engine.Write(&raw) != nil {
		return nil
	}
	from := raw.GetHistogram()
	buckets := map[float64]uint64{}
	for _, bound := range latencies() {
		for _, b := range from.GetBucket() {
			if b.GetUpperBound() <= bound*1e9 {
				buckets[bound] = b.GetCumulativeCount()
			}
		}
	}
	return prometheus.MustNewConstHistogram(desc, from.GetSampleCount(), from.GetSampleSum()/1e9, buckets)
}
