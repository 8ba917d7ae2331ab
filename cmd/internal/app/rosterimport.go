package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tracekeep/adapters/importer"
	"tracekeep/domain"
	"tracekeep/domain/course"
	"tracekeep/eventschema"
)

// rosterClasses is how many classes a run keeps folded.
const rosterClasses = 1 << 16

// rosterImport takes the batches of one roster. It implements [importer.RosterSink].
// What a dry run would have recorded it keeps in memory.
type rosterImport struct {
	resolver
	app         *App
	zone        *time.Location
	dry         bool
	actor       eventschema.Actor
	correlation uuid.UUID
	caughtUp    bool // the read models have what was recorded before this import

	classes  map[uuid.UUID]course.Class    // as they are now
	enrolled map[uuid.UUID]course.Enrolled // of a dry run, as they would be
}

// resolver finds people by their keys, and registers them or only says so.
type resolver interface {
	Resolve(ctx context.Context, station string, keys []string, people map[string]importer.Person) (map[string]uuid.UUID, int, error)
}

// ImportRoster runs the files of one roster into the store. A dry run records nothing:
// its summary is that of the import that would follow.
func (a *App) ImportRoster(ctx context.Context, options importer.RosterOptions, dry bool) (importer.RosterSummary, error) {
	correlation, err := a.newID()
	if err != nil {
		return importer.RosterSummary{}, err
	}
	actor := eventschema.Actor{ID: a.operator, Role: importActorRole}
	sink := &rosterImport{
		app: a, zone: options.Zone, dry: dry, actor: actor, correlation: correlation,
		classes: map[uuid.UUID]course.Class{}, enrolled: map[uuid.UUID]course.Enrolled{},
	}
	sink.resolver = &clockImport{app: a, actor: actor, correlation: correlation}
	if dry {
		sink.resolver = &triedImport{app: a, drawn: map[string]uuid.UUID{}, fresh: map[uuid.UUID]bool{}}
	}
	options.Now = a.clock()
	return importer.RunRoster(ctx, options, sink)
}

// class answers a class as it is now.
func (r *rosterImport) class(ctx context.Context, id uuid.UUID) (course.Class, error) {
	if kept, ok := r.classes[id]; ok {
		return kept, nil
	}
	loaded, err := domain.Load(ctx, r.app.bulk, eventschema.ClassStream(r.app.tenant, id), course.Classes())
	if err != nil {
		return course.Class{}, err
	}
	r.keep(id, loaded.State)
	return loaded.State, nil
}

// keep keeps a class. A dry run cannot read again what it would have written.
func (r *rosterImport) keep(id uuid.UUID, class course.Class) {
	if len(r.classes) >= rosterClasses && !r.dry {
		clear(r.classes)
	}
	class.Sessions = nil // of which only the class itself decides
	r.classes[id] = class
}

// Define implements [importer.RosterSink].
func (r *rosterImport) Define(ctx context.Context, station string, batch []importer.RosterClass) ([]importer.Verdict, error) {
	verdicts := make([]importer.Verdict, len(batch))
	for i := range batch {
		id := r.app.ClassID(station, batch[i].SourceID)
		now, err := r.class(ctx, id)
		if err != nil {
			return nil, err
		}
		command, reason := r.define(station, id, now, batch[i])
		if reason != "" {
			verdicts[i] = importer.Verdict{Told: importer.ToldRefused, Reason: reason}
			continue
		}
		if verdicts[i], err = r.advance(ctx, id, now, command, batch[i].Line); err != nil {
			return nil, err
		}
	}
	return verdicts, nil
}

// define makes the command of a class as a file tells of it.
func (r *rosterImport) define(station string, id uuid.UUID, now course.Class, c importer.RosterClass) (course.ClassCommand, importer.Reason) {
	at := r.app.clock().UTC()
	if c.Removed {
		if !now.Defined {
			return nil, importer.NeverThere
		}
		return course.End{EndedOn: c.Day, EndedAt: at, EndedBy: r.actor.ID}, ""
	}
	facts := now.Facts
	facts.Code, facts.Site, facts.Zone = c.Code, c.Site, r.zone.String()
	if c.CourseTold {
		facts.Course, facts.Title = c.Course, c.Title
	}
	if c.TermsTold {
		facts.StartsOn, facts.EndsOn = c.StartsOn, c.EndsOn
	}
	if facts.Title == "" {
		return nil, importer.UnknownTitle
	}
	return course.Define{ClassID: id, Source: station, SourceID: c.SourceID, Facts: facts, DefinedAt: at, DefinedBy: r.actor.ID}, ""
}

func (r *rosterImport) advance(ctx context.Context, id uuid.UUID, now course.Class, command course.ClassCommand, line int64) (importer.Verdict, error) {
	events, err := course.Classes().Decide(now, command)
	if err != nil {
		return importer.Verdict{Told: importer.ToldRefused, Reason: reasonOf(err)}, nil
	}
	if len(events) == 0 {
		return importer.Verdict{Told: importer.ToldUnchanged}, nil
	}
	if !r.dry {
		outcome, err := domain.Handle(ctx, r.app.bulk, course.Classes(), domain.Request{
			Stream: eventschema.ClassStream(r.app.tenant, id), Key: fmt.Sprint(r.correlation, " class ", line), Actor: r.actor, CorrelationID: r.correlation,
		}, command)
		if err != nil {
			return importer.Verdict{}, err
		}
		events = outcome.Events
	}
	told := importer.ToldUnchanged
	for _, event := range events {
		now = course.Classes().Evolve(now, event)
		switch event.(type) {
		case *eventschema.ClassDefined:
			told = importer.ToldNew
		case *eventschema.ClassChanged:
			told = importer.ToldChanged
		case *eventschema.ClassEnded:
			told = importer.ToldEnded
		}
	}
	r.keep(id, now)
	return importer.Verdict{Told: told}, nil
}

// reasonOf names a refusal of the domain for a row.
func reasonOf(err error) importer.Reason {
	switch {
	case errors.Is(err, course.ErrDates):
		return importer.BadDate
	case errors.Is(err, course.ErrRole):
		return importer.BadRole
	case errors.Is(err, course.ErrNotEnrolled):
		return importer.NeverThere
	case errors.Is(err, course.ErrNoTitle):
		return importer.UnknownTitle
	case errors.Is(err, course.ErrText):
		return importer.BadCode
	}
	return importer.BrokenLine
}

// Classes implements [importer.RosterSink].
func (r *rosterImport) Classes(ctx context.Context, station string, ids []string) (map[string]bool, error) {
	known := make(map[string]bool, len(ids))
	for _, id := range ids {
		class, err := r.class(ctx, r.app.ClassID(station, id))
		if err != nil {
			return nil, err
		}
		known[id] = class.Defined
	}
	return known, nil
}

// toldOf is one enrolment of a batch and its place there.
type toldOf struct {
	at      int
	line    int64
	command course.EnrolmentCommand
}

// Enrol implements [importer.RosterSink]: one append for each work record of the batch,
// in the order of their ids, which is nobody's.
func (r *rosterImport) Enrol(ctx context.Context, station string, batch []importer.RosterEnrolment) ([]importer.Verdict, error) {
	verdicts := make([]importer.Verdict, len(batch))
	byWork := map[uuid.UUID][]toldOf{}
	var works []uuid.UUID
	for i := range batch {
		row := &batch[i]
		class, err := r.class(ctx, r.app.ClassID(station, row.Class))
		if err != nil {
			return nil, err
		}
		if byWork[row.Work] == nil {
			works = append(works, row.Work)
		}
		byWork[row.Work] = append(byWork[row.Work], toldOf{at: i, line: row.Line, command: r.enrol(class, row)})
	}
	slices.SortFunc(works, func(x, y uuid.UUID) int { return bytes.Compare(x[:], y[:]) })
	fences, err := r.app.keys.Status(ctx, r.app.tenant, works...)
	if err != nil {
		return nil, fmt.Errorf("ask for the fences of %d work records: %w", len(works), err)
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(importWriters)
	for _, work := range works {
		if isFenced(fences[work].Fence) {
			for _, told := range byWork[work] {
				verdicts[told.at] = importer.Verdict{Told: importer.ToldRefused, Reason: importer.ErasedUser}
			}
			continue
		}
		if r.dry {
			if err := r.try(ctx, work, byWork[work], verdicts); err != nil {
				return nil, err
			}
			continue
		}
		group.Go(func() error { return r.append(gctx, work, byWork[work], verdicts) })
	}
	return verdicts, group.Wait()
}

// enrol makes the command of a row. Where nobody told when the enrolment begins, it
// begins with the class, or else today.
func (r *rosterImport) enrol(class course.Class, row *importer.RosterEnrolment) course.EnrolmentCommand {
	now := r.app.clock()
	if row.Removed {
		return course.Withdraw{
			ClassID: class.ClassID, WorkID: row.Work, Role: row.Role, EndsOn: row.Day, Reason: eventschema.EndBySource, WithdrawnAt: now, WithdrawnBy: r.actor.ID,
		}
	}
	begins := cmp.Or(row.BeginsOn, class.StartsOn, now.In(r.zone).Format(time.DateOnly))
	return course.Enrol{
		ClassID: class.ClassID, WorkID: row.Work, Role: row.Role, BeginsOn: begins, EndsOn: row.EndsOn, Assumed: row.BeginsOn == "",
		Source: eventschema.SourceImport, EnrolledAt: now, EnrolledBy: r.actor.ID,
	}
}

// decide folds the rows of one work record, the good ones into a list of commands, and
// says of each what becomes of it.
func (r *rosterImport) decide(state course.Enrolled, rows []toldOf, verdicts []importer.Verdict) (good []course.EnrolmentCommand, after course.Enrolled) {
	decider := course.Enrolments()
	for _, row := range rows {
		events, err := decider.Decide(state, row.command)
		switch {
		case err != nil:
			verdicts[row.at] = importer.Verdict{Told: importer.ToldRefused, Reason: reasonOf(err)}
			continue
		case len(events) == 0:
			verdicts[row.at] = importer.Verdict{Told: importer.ToldUnchanged}
			continue
		}
		before := len(state)
		for _, event := range events {
			state = decider.Evolve(state, event)
		}
		told := importer.ToldChanged
		_, ends := row.command.(course.Withdraw)
		switch {
		case len(state) > before:
			told = importer.ToldNew
		case ends:
			told = importer.ToldEnded
		}
		verdicts[row.at], good = importer.Verdict{Told: told}, append(good, row.command)
	}
	return good, state
}

// append records the enrolments of one work record.
func (r *rosterImport) append(ctx context.Context, work uuid.UUID, rows []toldOf, verdicts []importer.Verdict) error {
	stream := eventschema.EnrolmentStream(r.app.tenant, work)
	for range importAttempts {
		loaded, err := domain.Load(ctx, r.app.bulk, stream, course.Enrolments())
		if err != nil {
			return err
		}
		good, _ := r.decide(loaded.State, rows, verdicts)
		if len(good) == 0 {
			return nil
		}
		_, err = domain.Advance(ctx, r.app.bulk, course.Enrolments(), loaded, domain.Request{
			Stream: stream, Key: fmt.Sprint(r.correlation, " enrolment ", rows[0].line), Actor: r.actor, CorrelationID: r.correlation,
		}, good...)
		if !errors.Is(err, domain.ErrConflict) && !errors.Is(err, domain.ErrUnknownOutcome) {
			return err
		}
	}
	return fmt.Errorf("append to %s: %w", stream, domain.ErrBusy)
}

// try says what would become of the enrolments of one work record.
func (r *rosterImport) try(ctx context.Context, work uuid.UUID, rows []toldOf, verdicts []importer.Verdict) error {
	state, tried := r.enrolled[work]
	if !tried {
		loaded, err := domain.Load(ctx, r.app.bulk, eventschema.EnrolmentStream(r.app.tenant, work), course.Enrolments())
		if err != nil {
			return err
		}
		state = loaded.State
	}
	_, r.enrolled[work] = r.decide(state, rows, verdicts)
	return nil
}
