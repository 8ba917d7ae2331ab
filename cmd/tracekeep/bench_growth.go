package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

// perStream is how many events a stream has in the stores that are compared: a
// work record of two months.
const perStream = 100

// grown is a store of some size and what was measured of it.
type grown struct {
	events  int
	dir     string
	node    *node
	metrics *prometheus.Registry

	load                   time.Duration
	starts, firsts, stops  []float64 // seconds
	heap, engine           []float64 // MiB
	appends, streams, tail []measured
}

// growth compares a store with one of ten times its size.
func (b *bench) growth(ctx context.Context) (err error) {
	few, many := &grown{events: b.Events / 2}, &grown{events: b.Events * 5}
	if b.Large {
		few.events, many.events = 1_000_000, 10_000_000
	}
	for _, g := range []*grown{few, many} {
		b.tell("loading %d events", g.events)
		if g.dir, g.load, err = b.load(g.events, g.streamCount()); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(g.dir)) }()
	}
	for run := range b.Runs {
		b.tell("growth, run %d of %d", run+1, b.Runs)
		for _, measure := range []func(context.Context, *grown) error{b.restart, b.grownAppends, b.grownStreams, b.grownTail, b.held} {
			for _, g := range []*grown{few, many} {
				if err := measure(ctx, g); err != nil {
					return errors.Join(err, few.close(), many.close())
				}
			}
		}
		if err := errors.Join(few.close(), many.close()); err != nil {
			return err
		}
	}
	return b.reportGrowth(few, many)
}

func (g *grown) streamCount() int { return max(1, g.events/perStream) }

func (g *grown) close() error {
	if g.node == nil {
		return nil
	}
	n := g.node
	g.node = nil
	return n.close()
}

// restart opens, appends without a revision, for which the store must know what
// was written before it started, stops and opens again: that start follows a
// clean stop.
func (b *bench) restart(ctx context.Context, g *grown) error {
	for _, counts := range []bool{false, true} {
		g.metrics = prometheus.NewRegistry()
		cfg := b.nodeConfig(g.dir)
		cfg.Metrics = g.metrics
		began := b.t.clock()
		var err error
		if g.node, err = openBenchNode(cfg); err != nil {
			return err
		}
		start := b.t.clock().Sub(began)
		if err := appendAny(ctx, g.node.client); err != nil {
			return err
		}
		first := b.t.clock().Sub(began)
		if counts {
			g.starts, g.firsts = append(g.starts, start.Seconds()), append(g.firsts, first.Seconds())
			return nil
		}
		began = b.t.clock()
		if err := g.close(); err != nil {
			return err
		}
		g.stops = append(g.stops, b.t.clock().Sub(began).Seconds())
	}
	return nil
}

func appendAny(ctx context.Context, c *esdb.Client) error {
	e := esdb.EventData{EventID: uuid.New(), EventType: benchType, ContentType: esdb.ContentTypeJson, Data: []byte("{}")}
	_, err := c.AppendToStream(ctx, benchStream(0), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e)
	return err
}

func (b *bench) grownAppends(ctx context.Context, g *grown) error {
	m, err := b.hammer(ctx, 16, appender(g.node.client, 16))
	g.appends = append(g.appends, m)
	return err
}

// grownStreams reads whole streams, chosen at random.
func (b *bench) grownStreams(ctx context.Context, g *grown) error {
	random := rand.New(rand.NewPCG(uint64(len(g.streams)), 1)) //nolint:gosec // repeatable on purpose
	m, err := b.hammer(ctx, 1, func(ctx context.Context, _, _ int) error {
		_, err := count(g.node.client.ReadStream(ctx, benchStream(random.IntN(g.streamCount())), esdb.ReadStreamOptions{}, math.MaxUint64))
		return err
	})
	g.streams = append(g.streams, m)
	return err
}

// grownTail reads the last ten events of streams, as a decision does.
func (b *bench) grownTail(ctx context.Context, g *grown) error {
	random := rand.New(rand.NewPCG(uint64(len(g.tail)), 2)) //nolint:gosec // repeatable on purpose
	m, err := b.hammer(ctx, 1, func(ctx context.Context, _, _ int) error {
		_, err := count(g.node.client.ReadStream(ctx, benchStream(random.IntN(g.streamCount())), esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, 10))
		return err
	})
	g.tail = append(g.tail, m)
	return err
}

// held looks at what the process holds while this store is open and has been
// used: the heap, and what the engine keeps beside it.
func (b *bench) held(_ context.Context, g *grown) error {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	families, err := g.metrics.Gather()
	if err != nil {
		return err
	}
	engine := 0.0
	for _, f := range families {
		switch f.GetName() {
		case "tracekeep_eventstore_memtable_bytes", "tracekeep_eventstore_cache_bytes":
			engine += f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	g.heap, g.engine = append(g.heap, float64(m.HeapAlloc)/(1<<20)), append(g.engine, engine/(1<<20))
	return nil
}

func (b *bench) reportGrowth(few, many *grown) error {
	var errs []error
	say := func(name string, of func(*grown) float64, unit string, most goal) {
		for _, g := range []*grown{few, many} {
			bound := goal{}
			if g == many {
				bound = most
			}
			errs = append(errs, b.report(fmt.Sprintf("%s, %d events", name, g.events), of(g), unit, bound))
		}
	}
	say("load of a new store", func(g *grown) float64 { return float64(g.events) / g.load.Seconds() }, "events/s", goal{})
	say("start after a clean stop", func(g *grown) float64 { return median(g.starts) }, "s", atMost(2))
	say("start to the first append without a revision", func(g *grown) float64 { return median(g.firsts) }, "s", goal{})
	say("stop", func(g *grown) float64 { return median(g.stops) }, "s", goal{})
	for _, kind := range []struct {
		name string
		of   func(*grown) []measured
	}{
		{"append, 16 writers", func(g *grown) []measured { return g.appends }},
		{"read of a stream of 100", func(g *grown) []measured { return g.streams }},
		{"read of the last 10 of a stream", func(g *grown) []measured { return g.tail }},
	} {
		errs = append(errs, b.reportGrown(kind.name, few.events, many.events, kind.of(few), kind.of(many)))
	}
	say("memory tables and block cache", func(g *grown) float64 { return median(g.engine) }, "MiB", goal{})
	return errors.Join(append(errs, b.report("heap with both stores open", median(many.heap), "MiB", goal{}))...)
}

func (b *bench) reportGrown(name string, few, many int, ofFew, ofMany []measured) error {
	return errors.Join(
		b.reportRate(fmt.Sprintf("%s, %d events", name, few), ofFew, "/s"),
		b.reportRate(fmt.Sprintf("%s, %d events", name, many), ofMany, "/s"),
		b.report("  many : few, rate", ratios(ofMany, ofFew, rateOf), "ratio", atLeast(0.9)),
		b.report("  many : few, processor time", ratios(ofMany, ofFew, cpuOf), "ratio", goal{}),
		b.report("  many : few, p50", ratios(ofMany, ofFew, p50Of), "ratio", goal{}),
		b.report("  many : few, p99", ratios(ofMany, ofFew, p99Of), "ratio", goal{}),
	)
}
