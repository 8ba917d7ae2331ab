package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"tracekeep/adapters/ledger"
	"tracekeep/adapters/ledger/bundle"
	"tracekeep/eventschema"
)

// trailPage is how many events a page has that a busy follower appends.
const trailPage = 5000

// proven is a trail of some size and what was measured of it.
type proven struct {
	events int
	dir    string
	ledger *ledger.Ledger
	next   uint64

	load                                                  measured
	ones, pages, proofs, verified, exported, checked      []measured
	verifyPeak, exportPeak, checkPeak, bundleBytes, opens []float64 // MiB, MiB, MiB, bytes for each event, seconds
}

// trails compares a trail with one of ten times its size. Its events are made
// while they are read, so that nothing but the trail is measured.
func (b *bench) trails(ctx context.Context) (err error) {
	few, many := &proven{events: b.Events / 2}, &proven{events: b.Events * 5}
	if b.Large {
		few.events, many.events = 1_000_000, 10_000_000
	}
	for _, p := range []*proven{few, many} {
		b.tell("appending %d leaves", p.events)
		if p.dir, err = os.MkdirTemp("", "tracekeep-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.close(), os.RemoveAll(p.dir)) }()
		if err := b.loadTrail(ctx, p); err != nil {
			return err
		}
	}
	for run := range b.Runs {
		b.tell("trail, run %d of %d", run+1, b.Runs)
		for _, measure := range []func(context.Context, *proven) error{b.reopen, b.appendOnes, b.appendPages, b.prove, b.verifyTrail, b.export} {
			for _, p := range []*proven{few, many} {
				if err := measure(ctx, p); err != nil {
					return err
				}
			}
		}
	}
	return b.reportTrails(few, many)
}

func (p *proven) open(b *bench) (err error) {
	p.ledger, err = ledger.Open(ledger.Config{Dir: filepath.Join(p.dir, "trail"), Origin: "bench.example/trail", Random: b.t.random})
	return err
}

func (p *proven) close() error {
	if p.ledger == nil {
		return nil
	}
	return p.ledger.Close()
}

// event is the event of a leaf: a punch of one of many work records.
func (p *proven) event(leaf uint64) eventschema.Recorded {
	streams := uint64(max(1, p.events/perStream)) //nolint:gosec // a count
	var salt [eventschema.SaltBytes]byte
	binary.BigEndian.PutUint64(salt[:], leaf)
	e := eventschema.Recorded{
		Stream:   fmt.Sprintf("punches-0123456789abcdef0123456789abcdef.%032x.2026", leaf%streams),
		Revision: leaf / streams, Position: 100 + 13*leaf, Type: "punch-recorded.v3", ContentType: eventschema.ContentTypeJSON,
		Created:  time.Unix(1_770_000_000, 0).Add(time.Duration(leaf) * time.Millisecond).UTC(), //nolint:gosec // a count
		Data:     fmt.Appendf(nil, `{"punch_id":"%032x","occurred_at":"2026-03-02T06:58:00Z","zone":"Asia/Manila","direction":"in","kind":"normal","station":"gate 1"}`, leaf),
		Metadata: []byte(`{"actor":{"role":"station"},"salt":"` + base64.StdEncoding.EncodeToString(salt[:]) + `"}`),
	}
	binary.BigEndian.PutUint64(e.ID[8:], leaf)
	return e
}

// all yields the events of the trail.
func (p *proven) all() iter.Seq2[eventschema.Recorded, error] {
	return func(yield func(eventschema.Recorded, error) bool) {
		for leaf := range p.next {
			if !yield(p.event(leaf), nil) {
				return
			}
		}
	}
}

// append adds a page.
func (p *proven) append(ctx context.Context, size int) error {
	page := make([]eventschema.Recorded, size)
	for i := range page {
		page[i] = p.event(p.next + uint64(i)) //nolint:gosec // a count
	}
	if err := p.ledger.Append(ctx, page); err != nil {
		return err
	}
	p.next += uint64(size) //nolint:gosec // a count
	return nil
}

func (b *bench) loadTrail(ctx context.Context, p *proven) (err error) {
	if err := p.open(b); err != nil {
		return err
	}
	p.load, err = b.stopwatch(func() (int, error) {
		for left := p.events; left > 0; left -= trailPage {
			if err := p.append(ctx, min(left, trailPage)); err != nil {
				return 0, err
			}
		}
		return p.events, nil
	})
	return err
}

// reopen stops the writer and starts it again.
func (b *bench) reopen(_ context.Context, p *proven) error {
	if err := p.close(); err != nil {
		return err
	}
	began := b.t.clock()
	err := p.open(b)
	p.opens = append(p.opens, b.t.clock().Sub(began).Seconds())
	return err
}

func (b *bench) appendOnes(ctx context.Context, p *proven) error {
	m, err := b.hammer(ctx, 1, func(ctx context.Context, _, _ int) error { return p.append(ctx, 1) })
	p.ones = append(p.ones, m)
	return err
}

func (b *bench) appendPages(ctx context.Context, p *proven) error {
	size := min(p.events, trailPage)
	m, err := b.hammer(ctx, 1, func(ctx context.Context, _, _ int) error { return p.append(ctx, size) })
	m.events *= size
	p.pages = append(p.pages, m)
	return err
}

// prove makes inclusion proofs of leaves chosen at random.
func (b *bench) prove(ctx context.Context, p *proven) error {
	random := rand.New(rand.NewPCG(uint64(len(p.proofs)), 3)) //nolint:gosec // repeatable on purpose
	m, err := b.hammer(ctx, 1, func(ctx context.Context, _, _ int) error {
		_, err := p.ledger.Prove(ctx, 100+13*random.Uint64N(p.next))
		return err
	})
	p.proofs = append(p.proofs, m)
	return err
}

// verifyTrail holds every event against the trail, as tracekeep verify does.
func (b *bench) verifyTrail(ctx context.Context, p *proven) error {
	peak := newPeak()
	m, err := b.stopwatch(func() (int, error) {
		report, err := ledger.Verify(ctx, filepath.Join(p.dir, "trail"), p.ledger.VerifierKey(), p.all(), func(uint64) { peak.look() })
		if err == nil && !report.OK {
			err = fmt.Errorf("the trail does not hold: %+v", report.Findings[0])
		}
		return int(report.Events), err //nolint:gosec // a count
	})
	p.verified, p.verifyPeak = append(p.verified, m), append(p.verifyPeak, peak.most)
	return err
}

// export writes a bundle of everything, and checks it as tracekeep-verify does.
func (b *bench) export(ctx context.Context, p *proven) (err error) {
	file, err := os.Create(filepath.Join(p.dir, "bundle.zip"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	writing := newPeak()
	m, err := b.stopwatch(func() (int, error) { return p.writeBundle(file, writing) })
	if err != nil {
		return err
	}
	p.exported, p.exportPeak = append(p.exported, m), append(p.exportPeak, writing.most)
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	p.bundleBytes = append(p.bundleBytes, float64(size)/float64(m.events))
	checking := newPeak()
	m, err = b.stopwatch(func() (int, error) {
		report, err := bundle.Verify(ctx, file, size, bundle.Trust{Key: p.ledger.VerifierKey()}, func(int64, int64) { checking.look() })
		if err == nil && !report.OK {
			err = fmt.Errorf("the bundle does not hold: %+v", report.Findings[0])
		}
		return int(report.Events), err //nolint:gosec // a count
	})
	p.checked, p.checkPeak = append(p.checked, m), append(p.checkPeak, checking.most)
	return err
}

func (p *proven) writeBundle(file *os.File, peak *peakMemory) (int, error) {
	log := p.ledger.Snapshot()
	buffer := bufio.NewWriterSize(file, 1<<20)
	w, err := bundle.NewWriter(buffer, bundle.Source{
		Checkpoint: log.Checkpoint(), Handovers: log.Handovers(), Subtrees: log.Subtrees, Sign: p.ledger.SignNote,
	}, bundle.Selection{Scope: bundle.ScopeAll, End: log.Checkpoint().Size}, []byte(`{"events":[{"stored":["punch-recorded.v3"]}]}`))
	if err != nil {
		return 0, err
	}
	for leaf := range log.Checkpoint().Size {
		hash, err := log.Leaf(leaf)
		if err == nil {
			err = w.Event(leaf, hash, ledger.EventOf(p.event(leaf)))
		}
		if err != nil {
			return 0, err
		}
		if leaf%4096 == 0 {
			peak.look()
		}
	}
	return int(log.Checkpoint().Size), errors.Join(w.Close(), buffer.Flush(), file.Sync()) //nolint:gosec // a count
}

// peakMemory is the most memory that the process had from the system whenever
// it was looked at, less what it had given back, in MiB.
type peakMemory struct{ most float64 }

// newPeak forgets what was held before.
func newPeak() *peakMemory {
	debug.FreeOSMemory()
	return &peakMemory{}
}

func (p *peakMemory) look() {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	p.most = max(p.most, float64(samples[0].Value.Uint64()-samples[1].Value.Uint64())/(1<<20))
}

func (b *bench) reportTrails(few, many *proven) error {
	var errs []error
	for _, p := range []*proven{few, many} {
		errs = append(errs, b.reportRate(fmt.Sprintf("load of a new trail in pages of %d, each fsynced, %d leaves", trailPage, p.events), []measured{p.load}, "leaves/s"))
	}
	for _, kind := range []struct {
		name string
		of   func(*proven) []measured
	}{
		{"append of one leaf, fsynced", func(p *proven) []measured { return p.ones }},
		{fmt.Sprintf("append in pages of %d, each fsynced", trailPage), func(p *proven) []measured { return p.pages }},
		{"inclusion proof, made and checked", func(p *proven) []measured { return p.proofs }},
		{"verification of every event", func(p *proven) []measured { return p.verified }},
		{"export of everything", func(p *proven) []measured { return p.exported }},
		{"check of that bundle", func(p *proven) []measured { return p.checked }},
	} {
		errs = append(errs,
			b.reportRate(fmt.Sprintf("%s, %d leaves", kind.name, few.events), kind.of(few), "/s"),
			b.reportRate(fmt.Sprintf("%s, %d leaves", kind.name, many.events), kind.of(many), "/s"),
			b.report("  many : few, rate", ratios(kind.of(many), kind.of(few), rateOf), "ratio", goal{}),
			b.report("  many : few, processor time", ratios(kind.of(many), kind.of(few), cpuOf), "ratio", atMost(1.25)),
		)
	}
	for _, kind := range []struct {
		name, unit string
		of         func(*proven) []float64
	}{
		{"start after a clean stop", "s", func(p *proven) []float64 { return p.opens }},
		{"inclusion proof, p99", "ms", func(p *proven) []float64 { return []float64{medianOf(p.proofs, p99Of)} }},
		{"memory of a verification, at most", "MiB", func(p *proven) []float64 { return p.verifyPeak }},
		{"memory of an export, at most", "MiB", func(p *proven) []float64 { return p.exportPeak }},
		{"memory of the check of a bundle, at most", "MiB", func(p *proven) []float64 { return p.checkPeak }},
		{"bytes of a bundle for each event", "bytes", func(p *proven) []float64 { return p.bundleBytes }},
	} {
		for _, p := range []*proven{few, many} {
			errs = append(errs, b.report(fmt.Sprintf("%s, %d leaves", kind.name, p.events), median(kind.of(p)), kind.unit, goal{}))
		}
	}
	return errors.Join(errs...)
}
