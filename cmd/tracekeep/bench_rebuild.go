package main

import (
	"context"
	"errors"
	"syscall"
	"time"

	"tracekeep/cmd/internal/app"
)

// rebuildPeople makes a log of about 300,000 events, so that what a rebuild of
// any size costs does not decide.
const rebuildPeople = 720

// rebuilds compares, on one log and in turn, reading the whole log through the
// client with rebuilding every read model from it.
func (b *bench) rebuilds(ctx context.Context) error {
	var events uint64
	var reads, rebuilds, quotients, readCPU, rebuildCPU []float64
	err := b.inFolder(ctx, rebuildPeople, func(a *app.App, input importCommand) error {
		if _, err := input.importFile(ctx, b.t, a); err != nil {
			return err
		}
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		for range b.Runs {
			started, busy := b.t.clock(), processorTime()
			count, err := a.CountEvents(ctx)
			if err != nil {
				return err
			}
			read := float64(count) / b.t.clock().Sub(started).Seconds()
			readCPU = append(readCPU, perEvent(processorTime()-busy, count))
			busy = processorTime()
			rebuilt, err := a.Rebuild(ctx, nil)
			if err != nil {
				return err
			}
			rebuild := float64(rebuilt.Events) / rebuilt.Duration.Seconds()
			rebuildCPU = append(rebuildCPU, perEvent(processorTime()-busy, count))
			events, reads, rebuilds, quotients = count, append(reads, read), append(rebuilds, rebuild), append(quotients, rebuild/read)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(
		b.report("events of the log that is read and rebuilt from", float64(events), "events", goal{}),
		b.report("read of the whole log through the client", median(reads), "events/s", goal{}),
		b.report("  processor time of store and client", median(readCPU), "us/event", goal{}),
		b.report("rebuild of every read model, until readers see it", median(rebuilds), "events/s", atLeast(30000)),
		b.report("  processor time of store, client and rebuild, not Postgres", median(rebuildCPU), "us/event", goal{}),
		b.report("rebuild : read of the whole log", median(quotients), "ratio", atLeast(0.5)),
	)
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
