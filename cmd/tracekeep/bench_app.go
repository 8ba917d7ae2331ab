package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// benchPeople makes a file of about 45,000 lines.
const benchPeople = 80

func (b *bench) imports(ctx context.Context) error {
	if err := b.readers(ctx); err != nil {
		return err
	}
	var imports []float64
	for range b.Runs {
		err := b.inFolder(ctx, benchPeople, func(a *app.App, input importCommand) error {
			started := b.t.clock()
			summary, _, err := input.importFile(ctx, b.t, a, nil)
			if err != nil {
				return err
			}
			if err := a.CatchUp(ctx, nil); err != nil {
				return err
			}
			imports = append(imports, float64(summary.Recorded)/b.t.clock().Sub(started).Seconds())
			return nil
		})
		if err != nil {
			return err
		}
	}
	return b.report("import, every punch decided, fsynced and projected", median(imports), "punches/s", atLeast(10000))
}

// inFolder opens an empty data folder and prepares an import of the file given,
// or of one about so many people.
func (b *bench) inFolder(ctx context.Context, people int, do func(*app.App, importCommand) error) (err error) {
	d := &demo{demoCommand: demoCommand{File: b.File, People: b.People, Zone: b.Zone, Count: people, Months: 8, Seed: 1}, t: b.t, story: b.t.err}
	if err := d.chooseFolder(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(d.Data))) }()
	input, remove, err := d.chooseInput()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	return dataFlags{Data: d.Data, CoolingOff: new(time.Duration), ErasuresPerDay: 1 << 20}.withApp(ctx, b.t, true, func(ctx context.Context, a *app.App) error { return do(a, input) })
}

// erasures compares erasing people of few and of many events.
func (b *bench) erasures(ctx context.Context) error {
	return b.inFolder(ctx, benchPeople, func(a *app.App, _ importCommand) error {
		var small, large, quotients []float64
		for range b.Runs {
			s, err := b.erasure(ctx, a, 10)
			if err != nil {
				return err
			}
			l, err := b.erasure(ctx, a, b.Erase)
			if err != nil {
				return err
			}
			small, large, quotients = append(small, s), append(large, l), append(quotients, l/s)
		}
		return errors.Join(
			b.report("erase a person of 10 events, request to certificate", median(small), "ms", goal{}),
			b.report(fmt.Sprintf("erase a person of %d events", b.Erase), median(large), "ms", goal{}),
			b.report("erasure of many events : of 10", median(quotients), "ratio", atMost(1.2)),
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
