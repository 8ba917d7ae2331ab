package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain"
	"tracekeep/eventschema"
)

type benchCommand struct {
	File   string `help:"Clock file to import; default: a generated one of about 45,000 lines." type:"existingfile" placeholder:"FILE"`
	People string `help:"People file that goes with --file." type:"existingfile" placeholder:"FILE"`
	Zone   string `help:"IANA time zone of the terminal." default:"Asia/Manila"`
	Runs   int    `help:"Runs of each measurement; the median counts." default:"3"`
	Large  int    `help:"Events of the person whose erasure is held against one of 10 events." default:"100000"`
	Keys   int    `help:"Keys that a rotation moves." default:"300000"`
	Crowd  int    `help:"People whose directory is opened." default:"50000"`
	JSON   bool   `name:"json" help:"Print one JSON object for each figure."`
}

// Help implements kong's help provider.
func (benchCommand) Help() string {
	return `Measures in temporary folders, in one process on this machine, and prints medians. Ratios come from one run and can be
compared between machines; absolute figures cannot.

Example:
  tracekeep bench --runs 5`
}

// figure is one line of the result.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal,omitempty"`
}

// Run measures.
func (c benchCommand) Run(ctx context.Context, t *terminal) error {
	b := &bench{benchCommand: c, t: t}
	for _, measure := range []func(context.Context) error{b.appends, b.importAndRebuild, b.erasures, b.keyStore} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

type bench struct {
	benchCommand
	t *terminal
}

func (b *bench) report(name string, value float64, unit, goal string) error {
	if b.JSON {
		return printJSON(b.t.out, figure{Name: name, Value: value, Unit: unit, Goal: goal})
	}
	if goal != "" {
		goal = "(goal " + goal + ")"
	}
	_, err := fmt.Fprintf(b.t.out, "%-58s %12.2f %-10s %s\n", name, value, unit, goal)
	return err
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

const (
	benchWriters = 64
	benchSpan    = 2 * time.Second
)

// appends compares single appends with and without fsync, in turn, and BatchAppend.
func (b *bench) appends(ctx context.Context) error {
	var synced, unsynced, bulk, ratios []float64
	for range b.Runs {
		s, err := b.appendRate(ctx, false, false)
		if err != nil {
			return err
		}
		u, err := b.appendRate(ctx, true, false)
		if err != nil {
			return err
		}
		m, err := b.appendRate(ctx, false, true)
		if err != nil {
			return err
		}
		synced, unsynced, bulk, ratios = append(synced, s), append(unsynced, u), append(bulk, m), append(ratios, s/u)
	}
	return errors.Join(
		b.report("append, 64 writers, every append fsynced", median(synced), "events/s", ""),
		b.report("append, 64 writers, no fsync", median(unsynced), "events/s", ""),
		b.report("append with fsync : without", median(ratios), "ratio", ">= 0.80"),
		b.report("BatchAppend, 64 writers, every append fsynced", median(bulk), "events/s", ""),
	)
}

func (b *bench) appendRate(ctx context.Context, noSync, bulk bool) (rate float64, err error) {
	dir, err := os.MkdirTemp("", "tracekeep-bench-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	node, err := eventnode.Open(eventnode.Config{Dir: dir, Listen: "127.0.0.1:0", NoSync: noSync, Clock: b.t.clock})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, node.Close()) }()
	client, err := eventstoredb.NewClient(eventstoredb.Config{ConnectionString: node.ConnectionString()})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	var store domain.Store = eventstoredb.NewStore(client)
	if bulk {
		many, err := eventstoredb.NewBulk(client)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, many.Close()) }()
		store = many
	}
	return b.hammer(ctx, store)
}

// hammer appends one event at a time from every writer to a stream of its own.
func (b *bench) hammer(ctx context.Context, store domain.Store) (float64, error) {
	tenant := uuid.New()
	payload := make([]byte, 400)
	for i := range payload {
		payload[i] = 'a' + byte(i%26)
	}
	data := append(append([]byte(`{"x":"`), payload...), `"}`...)
	var done atomic.Int64
	var failure error
	var once sync.Once
	var writers sync.WaitGroup
	started := b.t.clock()
	for range benchWriters {
		writers.Go(func() {
			stream := eventschema.PersonStream(tenant, uuid.New()).String()
			expected := domain.NoStream
			for b.t.clock().Sub(started) < benchSpan {
				appended, err := store.Append(ctx, stream, expected, []eventschema.Proposed{{ID: uuid.New(), Type: "bench.v1", Data: data, Metadata: []byte("{}")}})
				if err != nil {
					once.Do(func() { failure = err })
					return
				}
				expected = domain.Expected(appended.Revision) //nolint:gosec // a revision is below 2^63
				done.Add(1)
			}
		})
	}
	writers.Wait()
	return float64(done.Load()) / b.t.clock().Sub(started).Seconds(), failure
}

func (b *bench) importAndRebuild(ctx context.Context) error {
	var imports, rebuilds, reads, ratios []float64
	for range b.Runs {
		err := b.inFolder(ctx, func(a *app.App, input importCommand) error {
			started := b.t.clock()
			summary, err := input.importFile(ctx, b.t, a)
			if err != nil {
				return err
			}
			if err := a.CatchUp(ctx, nil); err != nil {
				return err
			}
			imports = append(imports, float64(summary.Recorded)/b.t.clock().Sub(started).Seconds())
			started = b.t.clock()
			events, err := a.CountEvents(ctx)
			if err != nil {
				return err
			}
			read := float64(events) / b.t.clock().Sub(started).Seconds()
			rebuilt, err := a.Rebuild(ctx, nil)
			if err != nil {
				return err
			}
			rebuild := float64(rebuilt.Events) / rebuilt.Duration.Seconds()
			reads, rebuilds, ratios = append(reads, read), append(rebuilds, rebuild), append(ratios, rebuild/read)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(
		b.report("import, every punch decided, fsynced and projected", median(imports), "punches/s", ">= 10000"),
		b.report("read of the whole log through the client", median(reads), "events/s", ""),
		b.report("rebuild of every read model", median(rebuilds), "events/s", ">= 30000"),
		b.report("rebuild : read of the whole log", median(ratios), "ratio", ">= 0.50"),
	)
}

// inFolder opens an empty data folder and prepares an import.
func (b *bench) inFolder(ctx context.Context, do func(*app.App, importCommand) error) (err error) {
	d := &demo{demoCommand: demoCommand{File: b.File, People: b.People, Zone: b.Zone, Count: 80, Months: 8, Seed: 1}, t: b.t, story: b.t.err}
	if err := d.chooseFolder(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(d.Data))) }()
	input, remove, err := d.chooseInput()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	return dataFlags{Data: d.Data, ErasuresPerDay: 1 << 20}.withApp(ctx, b.t, true, func(ctx context.Context, a *app.App) error { return do(a, input) })
}

// erasures compares erasing people of few and of many events.
func (b *bench) erasures(ctx context.Context) error {
	return b.inFolder(ctx, func(a *app.App, _ importCommand) error {
		var small, large, ratios []float64
		for range b.Runs {
			s, err := b.erasure(ctx, a, 10)
			if err != nil {
				return err
			}
			l, err := b.erasure(ctx, a, b.Large)
			if err != nil {
				return err
			}
			small, large, ratios = append(small, s), append(large, l), append(ratios, l/s)
		}
		return errors.Join(
			b.report("erase a person of 10 events, request to certificate", median(small), "ms", ""),
			b.report(fmt.Sprintf("erase a person of %d events", b.Large), median(large), "ms", ""),
			b.report("erasure of many events : of 10", median(ratios), "ratio", "<= 1.20"),
		)
	})
}

func (b *bench) erasure(ctx context.Context, a *app.App, events int) (milliseconds float64, err error) {
	person, err := a.RegisterPerson(ctx, httpapi.Intent{Principal: operator(a), Key: "bench " + uuid.NewString()}, httpapi.Registration{
		LegalName: eventschema.Clear("Somebody Measured"), ReceivedAt: b.t.clock(),
	})
	if err != nil {
		return 0, err
	}
	if err := a.RecordMany(ctx, person.WorkID, events); err != nil {
		return 0, err
	}
	if err := a.CatchUp(ctx, nil); err != nil {
		return 0, err
	}
	started := b.t.clock()
	if _, _, err := eraseAtOnce(ctx, b.t, a, person.PersonID, uuid.New(), uuid.New()); err != nil {
		return 0, err
	}
	return float64(b.t.clock().Sub(started).Microseconds()) / 1000, nil
}
