package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

var benchWriters = [...]int{1, 16, 64}

// appendRuns are the runs of one number of writers: with every append fsynced,
// with none, and against a server that does nothing.
type appendRuns struct{ synced, unsynced, hollow []measured }

// appends compares single appends with what the disk, the node without fsync
// and the protocol alone can do.
func (b *bench) appends(ctx context.Context) error {
	var growing, preallocated []measured
	var runs [len(benchWriters)]appendRuns
	for run := range b.Runs {
		b.tell("appends, run %d of %d", run+1, b.Runs)
		for _, d := range []struct {
			runs         *[]measured
			preallocated bool
		}{{&growing, false}, {&preallocated, true}} {
			m, err := b.fdatasyncs(ctx, d.preallocated)
			if err != nil {
				return err
			}
			*d.runs = append(*d.runs, m)
		}
		for i, writers := range benchWriters {
			if err := b.appendRun(ctx, writers, &runs[i]); err != nil {
				return err
			}
		}
	}
	errs := []error{
		b.reportRate("disk, 400 bytes and fdatasync, growing file", growing, "/s"),
		b.report("  p50", medianOf(growing, p50Of), "ms", goal{}),
		b.reportRate("disk, 400 bytes and fdatasync, preallocated file", preallocated, "/s"),
		b.report("  p50", medianOf(preallocated, p50Of), "ms", goal{}),
	}
	for i, writers := range benchWriters {
		errs = append(errs, b.reportAppends(writers, runs[i], growing))
	}
	return errors.Join(errs...)
}

func (b *bench) appendRun(ctx context.Context, writers int, r *appendRuns) error {
	for _, kind := range []struct {
		runs   *[]measured
		noSync bool
	}{{&r.synced, false}, {&r.unsynced, true}} {
		err := b.withNode(kind.noSync, func(n *node) error {
			m, err := b.hammer(ctx, writers, appender(n.client, writers))
			*kind.runs = append(*kind.runs, m)
			return err
		})
		if err != nil {
			return err
		}
	}
	return b.withHollow(&hollow{}, func(c *esdb.Client, _ string) error {
		m, err := b.hammer(ctx, writers, appender(c, writers))
		r.hollow = append(r.hollow, m)
		return err
	})
}

func (b *bench) withHollow(h *hollow, do func(c *esdb.Client, address string) error) (err error) {
	address, stop, err := serveHollow(h)
	if err != nil {
		return err
	}
	defer stop()
	c, err := officialClient("esdb://" + address + "?tls=false")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return do(c, address)
}

func (b *bench) reportAppends(writers int, r appendRuns, disk []measured) error {
	name := fmt.Sprintf("append, %d writers", writers)
	var toHollow, toDisk goal
	if writers == 1 {
		name, toDisk = "append, 1 writer", atMost(0.5)
	}
	if writers == 64 {
		toHollow = atLeast(0.45)
	}
	beyondDisk := make([]float64, len(r.synced))
	for i := range r.synced {
		beyondDisk[i] = p50Of(r.synced[i]) - p50Of(disk[i])
	}
	return errors.Join(
		b.reportRate(name+", fsynced", r.synced, "events/s"),
		b.report("  p50", medianOf(r.synced, p50Of), "ms", goal{}),
		b.report("  p50 beyond that of the disk, growing file", median(beyondDisk), "ms", toDisk),
		b.report("  p99", medianOf(r.synced, p99Of), "ms", goal{}),
		b.reportRate(name+", no fsync", r.unsynced, "events/s"),
		b.report("  fsynced : no fsync", ratios(r.synced, r.unsynced, rateOf), "ratio", unsyncedGoal(writers)),
		b.reportRate(name+", to a server that does nothing", r.hollow, "events/s"),
		b.report("  fsynced : server that does nothing", ratios(r.synced, r.hollow, rateOf), "ratio", toHollow),
	)
}

func unsyncedGoal(writers int) goal {
	if writers == 64 {
		return atLeast(0.80)
	}
	return goal{}
}

// bulkInFlight is how many appends of BatchAppend wait for their answer.
const bulkInFlight = 256

// bulk compares BatchAppend with single appends.
func (b *bench) bulk(ctx context.Context) error {
	var single, batched, hollowed []measured
	for run := range b.Runs {
		b.tell("bulk appends, run %d of %d", run+1, b.Runs)
		if err := b.withNode(false, func(n *node) error {
			m, err := b.hammer(ctx, 64, appender(n.client, 64))
			single = append(single, m)
			return err
		}); err != nil {
			return err
		}
		if err := b.withNode(false, func(n *node) error {
			m, err := b.batchAppend(ctx, n.Addr())
			batched = append(batched, m)
			return err
		}); err != nil {
			return err
		}
		if err := b.withHollow(&hollow{}, func(_ *esdb.Client, address string) error {
			m, err := b.batchAppend(ctx, address)
			hollowed = append(hollowed, m)
			return err
		}); err != nil {
			return err
		}
	}
	return errors.Join(
		b.reportRate("BatchAppend, 256 in flight, fsynced", batched, "events/s"),
		b.report("  BatchAppend : append with 64 writers", ratios(batched, single, rateOf), "ratio", atLeast(3)),
		b.reportRate("BatchAppend, to a server that does nothing", hollowed, "events/s"),
		b.report("  fsynced : server that does nothing", ratios(batched, hollowed, rateOf), "ratio", goal{}),
	)
}

// batchAppend appends one event after the other over one call, to many streams.
func (b *bench) batchAppend(ctx context.Context, address string) (m measured, err error) {
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := streams.NewStreamsClient(conn).BatchAppend(ctx)
	if err != nil {
		return measured{}, err
	}
	next := batchRequests()
	return b.stopwatch(func() (int, error) {
		slots, sent := make(chan struct{}, bulkInFlight), make(chan error, 1)
		ends := b.t.clock().Add(b.Span)
		go func() {
			for i := 0; i == 0 || b.t.clock().Before(ends); i++ {
				select {
				case slots <- struct{}{}:
				case <-ctx.Done():
					sent <- ctx.Err()
					return
				}
				if err := call.Send(next(i)); err != nil {
					sent <- err
					return
				}
			}
			sent <- call.CloseSend()
		}()
		n, err := takeAnswers(call, slots)
		if err != nil {
			cancel()
		}
		return n, errors.Join(err, <-sent)
	})
}

func batchRequests() func(i int) *streams.BatchAppendReq {
	names := make([][]byte, benchStreams)
	for i := range names {
		names[i] = []byte(benchStream(i))
	}
	records := make([][]byte, 0, 1000)
	for r := range benchRecords(1000, 1) {
		records = append(records, r.Data)
	}
	id := func() *shared.UUID {
		return &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewString()}}
	}
	return func(i int) *streams.BatchAppendReq {
		return &streams.BatchAppendReq{
			CorrelationId: id(), IsFinal: true,
			Options: &streams.BatchAppendReq_Options{
				StreamIdentifier:       &shared.StreamIdentifier{StreamName: names[i%len(names)]},
				ExpectedStreamPosition: &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}},
			},
			ProposedMessages: []*streams.BatchAppendReq_ProposedMessage{{
				Id: id(), Data: records[i%len(records)], Metadata: map[string]string{"type": benchType, "content-type": "application/json"},
			}},
		}
	}
}
