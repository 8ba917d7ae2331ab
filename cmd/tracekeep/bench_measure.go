package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// measured is what one run of one measurement found.
type measured struct {
	events    int
	took      time.Duration
	cpu       time.Duration
	latencies []float64 // milliseconds
}

func rateOf(m measured) float64 { return float64(m.events) / m.took.Seconds() }

func cpuOf(m measured) float64 { return m.cpu.Seconds() * 1e6 / float64(max(m.events, 1)) }

func p50Of(m measured) float64 { return quantile(m.latencies, 0.50) }

func p99Of(m measured) float64 { return quantile(m.latencies, 0.99) }

func medianOf(runs []measured, of func(measured) float64) float64 {
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = of(r)
	}
	return median(values)
}

// ratios hold each run against the one measured right beside it.
func ratios(runs, against []measured, of func(measured) float64) float64 {
	values := make([]float64, len(runs))
	for i := range runs {
		values[i] = of(runs[i]) / of(against[i])
	}
	return median(values)
}

// usage is the processor time of this process so far.
func usage() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // no system that we build for
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// stopwatch times what do does, which says how many events that was.
func (b *bench) stopwatch(do func() (int, error)) (measured, error) {
	runtime.GC() // what came before is not to be paid for here
	cpu, began := usage(), b.t.clock()
	n, err := do()
	return measured{events: n, took: b.t.clock().Sub(began), cpu: usage() - cpu}, err
}

// hammer lets so many workers do one thing after the other for one span, and
// times each. do is called with the number of its worker and of its turn.
func (b *bench) hammer(ctx context.Context, workers int, do func(ctx context.Context, worker, turn int) error) (measured, error) {
	type share struct {
		latencies []float64
		err       error
	}
	shares := make([]share, workers)
	m, _ := b.stopwatch(func() (int, error) {
		ends := b.t.clock().Add(b.Span)
		var working sync.WaitGroup
		for w := range workers {
			working.Go(func() {
				s := &shares[w]
				for turn := 0; s.err == nil; turn++ {
					began := b.t.clock()
					if turn > 0 && !began.Before(ends) {
						return
					}
					s.err = do(ctx, w, turn)
					s.latencies = append(s.latencies, b.t.clock().Sub(began).Seconds()*1000)
				}
			})
		}
		working.Wait()
		return 0, nil
	})
	var errs []error
	for _, s := range shares {
		errs = append(errs, s.err)
		m.latencies = append(m.latencies, s.latencies...)
	}
	m.events = len(m.latencies)
	return m, errors.Join(errs...)
}
