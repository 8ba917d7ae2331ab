package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/reading"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// RecordReading implements [httpapi.Readings]. The command line records what it
// shows with it as well.
func (a *App) RecordReading(ctx context.Context, by httpapi.Principal, operation string, values ...httpapi.Personal) (httpapi.Release, error) {
	var of []httpapi.ValueOf
	for _, v := range values {
		if v.State() == eventschema.StateClear {
			of = append(of, v.Of)
		}
	}
	if len(of) == 0 {
		return httpapi.Release{}, nil
	}
	id, err := a.newID()
	if err != nil {
		return httpapi.Release{}, fmt.Errorf("%w: %w", httpapi.ErrUnrecorded, err)
	}
	actor, now := readerOf(by), a.clock().UTC()
	var commands []reading.Record
	for _, shown := range inParts(shownTogether(of), reading.AtOnce) {
		commands = append(commands, reading.Record{ReadID: id, ReadBy: actor.ID, Operation: operation, Use: by.Use(), Shown: shown, ReadAt: now})
	}
	// A few parts at a time, because the store bounds an append.
	for i, part := range slices.Collect(slices.Chunk(commands, partsAtOnce)) {
		_, err := domain.Note(ctx, a.handler, reading.Decider(), domain.Request{
			Stream: eventschema.ReadingStream(a.tenant, actor.ID, now), Key: fmt.Sprint("read ", id, " ", i), Actor: actor,
		}, part...)
		if err != nil {
			return httpapi.Release{}, fmt.Errorf("%w: %w", httpapi.ErrUnrecorded, err)
		}
	}
	return httpapi.ReleaseOf(of...), nil
}

// partsAtOnce is how many parts of one reading are appended together.
const partsAtOnce = 5

// readerOf is who reads, as events name them: a worker, who reads of themself
// alone, by the id of the person, so that nothing leads from an account to one.
func readerOf(by httpapi.Principal) eventschema.Actor { return actorIn(by, by.Person) }

// shownTogether parts people by the values that are shown of them.
func shownTogether(of []httpapi.ValueOf) []eventschema.Shown {
	values := map[uuid.UUID][]eventschema.ShownValue{}
	var subjects []uuid.UUID
	for _, v := range of {
		if values[v.Subject] == nil {
			subjects = append(subjects, v.Subject)
		}
		values[v.Subject] = append(values[v.Subject], v.ShownValue)
	}
	places := map[string]int{}
	var shown []eventschema.Shown
	for _, subject := range subjects {
		same := values[subject]
		slices.SortFunc(same, func(x, y eventschema.ShownValue) int {
			return cmp.Or(strings.Compare(x.Field, y.Field), strings.Compare(string(x.Purpose), string(y.Purpose)))
		})
		same = slices.Compact(same)
		key := fmt.Sprint(same)
		place, known := places[key]
		if !known {
			place = len(shown)
			places[key], shown = place, append(shown, eventschema.Shown{Values: same})
		}
		shown[place].Subjects = append(shown[place].Subjects, subject)
	}
	return shown
}

// inParts cuts what was shown so that no part names more people than limit.
func inParts(shown []eventschema.Shown, limit int) [][]eventschema.Shown {
	var parts [][]eventschema.Shown
	room := 0
	for _, s := range shown {
		for rest := s.Subjects; len(rest) > 0; {
			if room == 0 {
				parts, room = append(parts, nil), limit
			}
			n := min(room, len(rest))
			last := &parts[len(parts)-1]
			*last = append(*last, eventschema.Shown{Values: s.Values, Subjects: rest[:n]})
			rest, room = rest[n:], room-n
		}
	}
	return parts
}

// ReadingsOf implements [httpapi.Readings]. What was read of a work record itself
// belongs to the person while the link can be read.
func (a *App) ReadingsOf(ctx context.Context, _ httpapi.Principal, person uuid.UUID, before uint64, limit int) ([]httpapi.ReadingView, error) {
	subjects := []uuid.UUID{person}
	if work, err := a.workOfPerson(ctx, person); err == nil && work != uuid.Nil {
		subjects = append(subjects, work)
	}
	found, err := projections.ReadingsOf(ctx, a.models.Querier(), a.tenant, subjects, before, limit)
	if err != nil {
		return nil, outward(err)
	}
	views := make([]httpapi.ReadingView, len(found))
	for i, r := range found {
		views[i] = httpapi.ReadingView{
			Position: r.Position, ReadID: r.ReadID, ReadAt: r.ReadAt, ReadBy: r.ReadBy, Operation: r.Operation, Use: r.Use, Shown: r.Shown, Together: r.Together,
		}
	}
	return views, nil
}

var _ httpapi.Readings = (*App)(nil)
