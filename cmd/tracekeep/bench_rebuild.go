package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"tracekeep/adapters/postgres"
	"tracekeep/cmd/internal/app"
	"tracekeep/projections"
)

// rebuildPeople makes a log of about 300,000 events, so that what a rebuild of
// any size costs does not decide.
const rebuildPeople = 720

// rebuilding holds the figures of one log, by run.
type rebuilding struct {
	events                             uint64
	reads, rebuilds, replays, copies   []float64 // events/s
	readCPU, rebuildCPU, replayCPU     []float64
	rebuildPeak, replayPeak, quotients []float64
}

// rebuilds compares, on one log and in turn, reading the whole log through the
// client, rebuilding every read model from it, replaying the world of a moment at
// its end, and copying the rows that come out of it bare.
func (b *bench) rebuilds(ctx context.Context) error {
	r := &rebuilding{}
	err := b.inFolder(ctx, rebuildPeople, func(a *app.App, input importCommand) error {
		if _, _, err := input.importFile(ctx, b.t, a, nil); err != nil {
			return err
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		for range b.Runs {
			if err := b.rebuildOnce(ctx, a, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(
		b.report("events of the log that is read and rebuilt from", float64(r.events), "events", goal{}),
		b.report("read of the whole log through the client", median(r.reads), "events/s", goal{}),
		b.report("  processor time of store and client", median(r.readCPU), "us/event", goal{}),
		b.report("COPY of the bare rows of every read model, no keys", median(r.copies), "events/s", goal{}),
		b.report("rebuild of every read model, until readers see it", median(r.rebuilds), "events/s", atLeast(30000)),
		b.report("  processor time of store, client and rebuild, not Postgres", median(r.rebuildCPU), "us/event", goal{}),
		b.report("  memory of the process, at most", median(r.rebuildPeak), "MiB", goal{}),
		b.report("rebuild : read of the whole log", median(r.quotients), "ratio", atLeast(0.5)),
		b.report("replay of a moment at the end of the log, until it answers", median(r.replays), "events/s", atLeast(30000)),
		b.report("  processor time of store, client and replay, not Postgres", median(r.replayCPU), "us/event", goal{}),
		b.report("  memory of the process, at most", median(r.replayPeak), "MiB", goal{}),
	)
}

func (b *bench) rebuildOnce(ctx context.Context, a *app.App, r *rebuilding) error {
	var count uint64
	timed := func(rates, cpu *[]float64, do func() (uint64, error)) error {
		started, busy := b.t.clock(), processorTime()
		events, err := do()
		if err != nil {
			return err
		}
		*rates = append(*rates, float64(events)/b.t.clock().Sub(started).Seconds())
		if cpu != nil {
			*cpu = append(*cpu, perEvent(processorTime()-busy, events))
		}
		return nil
	}
	if err := timed(&r.reads, &r.readCPU, func() (uint64, error) {
		var err error
		count, err = a.CountEvents(ctx)
		return count, err
	}); err != nil {
		return err
	}
	peak := newPeak()
	if err := timed(&r.rebuilds, &r.rebuildCPU, func() (uint64, error) {
		rebuilt, err := a.Rebuild(ctx, func(postgres.Progress) { peak.look() })
		return rebuilt.Events, err
	}); err != nil {
		return err
	}
	r.rebuildPeak, peak = append(r.rebuildPeak, peak.most), newPeak()
	if err := timed(&r.replays, &r.replayCPU, func() (uint64, error) { return b.replayOnce(ctx, a, peak) }); err != nil {
		return err
	}
	r.replayPeak = append(r.replayPeak, peak.most)
	took, err := a.CopyBare(ctx)
	if err != nil {
		return err
	}
	last := len(r.rebuilds) - 1
	r.events, r.copies = count, append(r.copies, float64(count)/took.Seconds())
	r.quotients = append(r.quotients, r.rebuilds[last]/r.reads[last])
	return nil
}

// replayOnce makes a world that leaves nothing out, bounded in both times, so that
// every event is looked at.
func (b *bench) replayOnce(ctx context.Context, a *app.App, peak *peakMemory) (uint64, error) {
	now := b.t.clock()
	world, err := a.At(ctx, projections.Moment{AsOf: now, KnownAt: now}, func(postgres.Progress) { peak.look() })
	if err != nil {
		return 0, err
	}
	defer world.Close()
	made, _, _ := world.Replay()
	return made.Events, a.DropReplay(ctx, made.ID)
}

// processorTime is what this process has used of its processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func perEvent(spent time.Duration, events uint64) float64 {
	return float64(spent.Microseconds()) / float64(max(events, 1))
}
