package app

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/importer"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/person"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// rosterReason is why the values of somebody were corrected by a roster.
const rosterReason = "roster"

// Standing implements [importer.RosterSink].
func (r *rosterImport) Standing(ctx context.Context, station, day string, told importer.RosterHas) (importer.RosterStanding, error) {
	var s importer.RosterStanding
	if err := r.app.CatchUp(ctx, nil); err != nil {
		return s, err
	}
	q := r.app.models.Querier()
	if told.Class != nil {
		err := projections.StandingClasses(ctx, q, r.app.tenant, station, day, func(id string) {
			if s.Classes++; !told.Class(id) {
				s.LeftClasses = append(s.LeftClasses, importer.RosterClass{SourceID: id})
			}
		})
		if err != nil {
			return s, err
		}
	}
	if told.Enrolment == nil {
		return s, nil
	}
	err := projections.StandingEnrolments(ctx, q, r.app.tenant, station, day, func(e projections.StandingEnrolment) {
		if s.Enrolments++; !told.Enrolment(e.SourceID, e.WorkID, e.Role) {
			s.LeftEnrolments = append(s.LeftEnrolments, importer.RosterEnrolment{Class: e.SourceID, Work: e.WorkID, Role: e.Role})
		}
	})
	if err != nil {
		return s, err
	}
	return s, r.withoutErased(ctx, &s)
}

// withoutErased takes out those of whom nothing is recorded any more.
func (r *rosterImport) withoutErased(ctx context.Context, s *importer.RosterStanding) error {
	const page = 10_000
	var kept []importer.RosterEnrolment
	for from := 0; from < len(s.LeftEnrolments); from += page {
		batch := s.LeftEnrolments[from:min(from+page, len(s.LeftEnrolments))]
		works := make([]uuid.UUID, len(batch))
		for i, e := range batch {
			works[i] = e.Work
		}
		status, err := r.app.keys.Status(ctx, r.app.tenant, works...)
		if err != nil {
			return fmt.Errorf("ask for the fences of %d work records: %w", len(works), err)
		}
		for _, e := range batch {
			if isFenced(status[e.Work].Fence) {
				s.Enrolments--
				continue
			}
			kept = append(kept, e)
		}
	}
	s.LeftEnrolments = kept
	return nil
}

// isFenced tells that nothing is recorded about a subject any more, or soon.
func isFenced(fence keyring.Fence) bool {
	return fence == keyring.FenceErased || fence == keyring.FenceRestricted || fence == keyring.FenceClosing
}

// Correct implements [importer.RosterPeople]. What was erased by itself, or cannot be read
// now, is not told again, and neither is anything that was corrected here after the
// program changed it last.
func (r *rosterImport) Correct(ctx context.Context, station string, batch []importer.RosterPerson) (corrected int, err error) {
	rows, err := r.registered(ctx, station, batch)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	ids := make([]uuid.UUID, 0, len(rows))
	for id := range rows {
		ids = append(ids, id)
	}
	people, err := projections.PeopleByID(ctx, r.app.models.Querier(), r.app.tenant, ids)
	if err != nil {
		return 0, err
	}
	if err := r.app.keys.Prefetch(ctx, r.app.tenant, ids); err != nil {
		return 0, fmt.Errorf("fetch the keys of %d people: %w", len(ids), err)
	}
	leaves := map[uuid.UUID]*uint64{}
	for _, p := range people {
		if p.ClosedAt != nil {
			continue
		}
		view, err := r.app.openPerson(ctx, p, eventschema.UseService, leaves)
		if err != nil {
			return corrected, err
		}
		changed, err := r.correct(ctx, view, rows[p.ID])
		if err != nil {
			return corrected, err
		}
		if changed {
			corrected++
		}
	}
	return corrected, nil
}

// registered finds the people of a batch of whom something may be recorded.
func (r *rosterImport) registered(ctx context.Context, station string, batch []importer.RosterPerson) (map[uuid.UUID]importer.RosterPerson, error) {
	if !r.caughtUp { // what an import before this one recorded
		if err := r.app.CatchUp(ctx, nil); err != nil {
			return nil, err
		}
		r.caughtUp = true
	}
	values := make([]string, len(batch))
	for i, p := range batch {
		values[i] = badgeToken(station, p.Key)
	}
	found, err := r.app.keys.Find(ctx, r.app.tenant, tokenBadge, values...)
	if err != nil {
		return nil, fmt.Errorf("look up the people of a roster: %w", err)
	}
	rows := make(map[uuid.UUID]importer.RosterPerson, len(found))
	ids := make([]uuid.UUID, 0, len(found))
	for i, p := range batch {
		if who, known := found[values[i]]; known {
			rows[who.Person] = p
			ids = append(ids, who.Person)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	status, err := r.app.keys.Status(ctx, r.app.tenant, ids...)
	if err != nil {
		return nil, fmt.Errorf("ask for the fences of %d people: %w", len(ids), err)
	}
	for _, id := range ids {
		if isFenced(status[id].Fence) {
			delete(rows, id)
		}
	}
	return rows, nil
}

// correct puts right what differs, and answers whether anything did.
func (r *rosterImport) correct(ctx context.Context, now httpapi.PersonView, told importer.RosterPerson) (bool, error) {
	command := person.Correct{
		PersonID: now.PersonID, Reason: rosterReason, CorrectedAt: r.app.clock().UTC(), LegalName: toldAnew(now.LegalName, told.Name),
		BirthDate: toldAnew(now.BirthDate, told.BirthDate), Email: toldAnew(now.Email, told.Email), Phone: toldAnew(now.Phone, told.Phone),
	}
	contact := command.Email.State() != eventschema.StateAbsent || command.Phone.State() != eventschema.StateAbsent
	if !contact && command.LegalName.State() == eventschema.StateAbsent && command.BirthDate.State() == eventschema.StateAbsent {
		return false, nil
	}
	if since, err := r.correctedByHand(ctx, now.PersonID); err != nil || !told.Modified.IsZero() && told.Modified.Before(since) {
		return false, err
	}
	if r.dry {
		return true, nil
	}
	var keys []keyring.Ref
	if contact {
		keys = append(keys, keyring.Ref{Tenant: r.app.tenant, Subject: now.PersonID, Purpose: eventschema.PurposeContact})
	}
	outcome, err := domain.Handle(ctx, r.app.bulk, person.Decider(), domain.Request{
		Stream: eventschema.PersonStream(r.app.tenant, now.PersonID), Key: r.correlation.String() + " correct", Actor: r.actor, CorrelationID: r.correlation,
		Before: func(ctx context.Context) error { return r.app.keys.Create(ctx, keys...) },
	}, person.Command(command))
	return len(outcome.Events) > 0, err
}

// toldAnew is a value that a roster tells and that is another one, else an absent one.
func toldAnew(now httpapi.Personal, told string) eventschema.Personal {
	text, readable := now.Personal.Reveal()
	if told == "" || readable && text == told || !readable && now.State() != eventschema.StateAbsent {
		return eventschema.Personal{}
	}
	return eventschema.Clear(told)
}

// correctedByHand is when somebody other than an import corrected a person last.
func (r *rosterImport) correctedByHand(ctx context.Context, id uuid.UUID) (since time.Time, err error) {
	for recorded, err := range r.app.store.ReadStream(ctx, eventschema.PersonStream(r.app.tenant, id).String(), 0) {
		if err != nil {
			return since, fmt.Errorf("read a person: %w", err)
		}
		decoded, err := r.app.registry.Decode(recorded)
		if err != nil {
			return since, fmt.Errorf("read a person: %w", err)
		}
		if e, corrects := decoded.Event.(*eventschema.PersonCorrected); corrects && e.Reason != rosterReason {
			since = e.CorrectedAt
		}
	}
	return since, nil
}
