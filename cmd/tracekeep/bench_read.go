package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// takeAnswers frees a slot for each answer until the call ends.
func takeAnswers(call streams.Streams_BatchAppendClient, slots <-chan struct{}) (int, error) {
	for n := 0; ; n++ {
		a, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		if a.GetError() != nil {
			return n, fmt.Errorf("append was refused: %s", a.GetError().GetMessage())
		}
		<-slots
	}
}

// count reads to the end.
func count(s *esdb.ReadStream, err error) (int, error) {
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for n := 0; ; n++ {
		if _, err := s.Recv(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

func readAll(ctx context.Context, c *esdb.Client) (int, error) {
	return count(c.ReadAll(ctx, esdb.ReadAllOptions{From: esdb.Start{}}, math.MaxUint64))
}

// reads compares reading the log with reading a list in memory behind the same
// server, and measures reading by streams and subscriptions.
func (b *bench) reads(ctx context.Context) (err error) {
	b.tell("loading %d events", b.Events)
	dir, _, err := b.load(b.Events, benchStreams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	n, err := openBenchNode(b.nodeConfig(dir))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	return b.withHollow(&hollow{list: recordedList(b.Events)}, func(list *esdb.Client, _ string) error { return b.readRuns(ctx, n, list) })
}

func (b *bench) readRuns(ctx context.Context, n *node, list *esdb.Client) error {
	var log, memory, byStream, delivered []measured
	if _, err := readAll(ctx, n.client); err != nil { // warm, as the list is
		return err
	}
	for run := range b.Runs {
		b.tell("reads, run %d of %d", run+1, b.Runs)
		for _, kind := range []struct {
			runs *[]measured
			read func() (int, error)
		}{
			{&log, func() (int, error) { return readAll(ctx, n.client) }},
			{&memory, func() (int, error) { return readAll(ctx, list) }},
			{&byStream, func() (int, error) { return b.readStreams(ctx, n.client) }},
			{&delivered, func() (int, error) { return b.catchUp(ctx, n.client) }},
		} {
			m, err := b.stopwatch(kind.read)
			if err != nil {
				return err
			}
			*kind.runs = append(*kind.runs, m)
		}
	}
	return errors.Join(
		b.reportRate("read of $all", log, "events/s"),
		b.reportRate("read of a list in memory behind the same server", memory, "events/s"),
		b.report("  $all : list in memory", ratios(log, memory, rateOf), "ratio", atLeast(0.9)),
		b.report("  processor time of the same", ratios(log, memory, cpuOf), "ratio", goal{}),
		b.reportRate("read of all streams, one after the other", byStream, "events/s"),
		b.reportRate("delivery by a subscription that catches up", delivered, "events/s"),
	)
}

func (b *bench) readStreams(ctx context.Context, c *esdb.Client) (int, error) {
	all := 0
	for i := range min(benchStreams, b.Events) {
		n, err := count(c.ReadStream(ctx, benchStream(i), esdb.ReadStreamOptions{}, math.MaxUint64))
		if err != nil {
			return all, err
		}
		all += n
	}
	return all, nil
}

// catchUp subscribes from the start and leaves when it has caught up.
func (b *bench) catchUp(ctx context.Context, c *esdb.Client) (n int, err error) {
	s, err := c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for {
		e := s.Recv()
		switch {
		case e.SubscriptionDropped != nil:
			return n, e.SubscriptionDropped.Error
		case e.CaughtUp != nil:
			return n, nil
		case e.EventAppeared != nil:
			n++
		}
	}
}

// lagRate is how many events a second are appended while lag is measured.
const lagRate = 200

// lag measures how long after the beginning of its append an event reaches a
// subscriber.
func (b *bench) lag(ctx context.Context) error {
	var runs []measured
	for run := range b.Runs {
		b.tell("lag, run %d of %d", run+1, b.Runs)
		err := b.withNode(false, func(n *node) error {
			m, err := b.lagRun(ctx, n)
			runs = append(runs, m)
			return err
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(
		b.reportRate(fmt.Sprintf("subscription at %d events/s", lagRate), runs, "events/s"),
		b.report("  from append to subscriber, p50", medianOf(runs, p50Of), "ms", atMost(3)),
		b.report("  from append to subscriber, p99", medianOf(runs, p99Of), "ms", atMost(25)),
	)
}

func (b *bench) lagRun(ctx context.Context, n *node) (m measured, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := n.client.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.End{}})
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for e := s.Recv(); e.CaughtUp == nil; e = s.Recv() {
		if e.SubscriptionDropped != nil {
			return measured{}, e.SubscriptionDropped.Error
		}
	}
	events := max(1, int(b.Span.Seconds()*lagRate))
	origin := b.t.clock()
	var lags []float64
	m, err = b.stopwatch(func() (int, error) {
		var appending sync.WaitGroup
		var failed error
		appending.Go(func() {
			if failed = b.trickle(ctx, n.client, events, origin); failed != nil {
				cancel() // nothing more will come
			}
		})
		for len(lags) < events {
			e := s.Recv()
			if e.SubscriptionDropped != nil {
				appending.Wait()
				return len(lags), errors.Join(failed, e.SubscriptionDropped.Error)
			}
			if e.EventAppeared == nil {
				continue
			}
			began, err := strconv.ParseInt(string(e.EventAppeared.Event.UserMetadata), 10, 64)
			if err != nil {
				return len(lags), err
			}
			lags = append(lags, float64(b.t.clock().Sub(origin)-time.Duration(began))/float64(time.Millisecond))
		}
		appending.Wait()
		return len(lags), failed
	})
	m.latencies = lags
	return m, err
}

// trickle appends so many events evenly, each with the time of its beginning.
func (b *bench) trickle(ctx context.Context, c *esdb.Client, events int, origin time.Time) error {
	tick := time.NewTicker(time.Second / lagRate)
	defer tick.Stop()
	data := batchRequests()(0).GetProposedMessages()[0].GetData()
	for range events {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		e := esdb.EventData{
			EventID: uuid.New(), EventType: benchType, ContentType: esdb.ContentTypeJson, Data: data,
			Metadata: strconv.AppendInt(nil, int64(b.t.clock().Sub(origin)), 10),
		}
		if _, err := c.AppendToStream(ctx, benchStream(0), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, e); err != nil {
			return err
		}
	}
	return nil
}
