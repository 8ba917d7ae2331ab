package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/calendar"
	"tracekeep/domain/erasure"
	"tracekeep/domain/retention"
	"tracekeep/domain/work"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

const (
	// dueEvery is how often what has come of age is looked for, by the clock that
	// the App was given.
	dueEvery = time.Hour
	// lookEvery is how often that clock is looked at.
	lookEvery = time.Second
	// putOff is how many months a proposal that somebody cancelled stays away.
	// Whoever wants to keep something for longer places a hold, which has a matter.
	putOff = 1
)

// runRetention looks for what has come of age, at the start and then as often as
// the clock says, until ctx ends. It proposes; it destroys nothing.
func (a *App) runRetention(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	looked := time.Time{}
	for {
		if now := a.clock(); looked.IsZero() || now.Sub(looked) >= dueEvery || now.Before(looked) {
			if err := a.proposeDue(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("what has come of age is looked for again later", zap.Error(err))
			} else {
				looked = now
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// proposeDue opens a case for everything that has come of age, once. A case waits
// until two officers release it with a batch.
func (a *App) proposeDue(ctx context.Context) error {
	if err := a.endWorkOfClosed(ctx); err != nil {
		return err
	}
	now := a.clock().UTC()
	for _, class := range retention.Classes() {
		terms, err := projections.TermsUntil(ctx, a.models.Querier(), a.tenant, string(class), a.schedule.Latest(class, now))
		if err != nil {
			return err
		}
		due := map[uuid.UUID][]projections.RetentionTerm{}
		var order []uuid.UUID
		for _, t := range terms {
			if a.dueAt(t).After(now) {
				continue
			}
			if due[t.Subject] == nil {
				order = append(order, t.Subject)
			}
			due[t.Subject] = append(due[t.Subject], t)
		}
		for _, subject := range order {
			if err := a.proposeFor(ctx, class, subject, due[subject], now); err != nil {
				return fmt.Errorf("propose what has come of age: %w", err)
			}
		}
	}
	return nil
}

// FindDue proposes now what has come of age, as the clock does by itself every
// hour, and waits until the register of cases shows it.
func (a *App) FindDue(ctx context.Context) error {
	if err := a.CatchUp(ctx, nil); err != nil {
		return err
	}
	if err := a.proposeDue(ctx); err != nil {
		return err
	}
	return a.CatchUp(ctx, nil)
}

func (a *App) dueAt(t projections.RetentionTerm) time.Time {
	return a.schedule.DueAt(retention.Term{Class: retention.Class(t.Class), Anchor: t.Anchor})
}

// proposeFor opens the case of one subject, unless one is open or was put off. Of
// locations and messages it is about the months that no case is about yet.
func (a *App) proposeFor(ctx context.Context, class retention.Class, subject uuid.UUID, terms []projections.RetentionTerm, now time.Time) error {
	list := projections.ErasuresOfRecord
	if class == retention.ClassAccount {
		list = projections.ErasuresOf
	}
	cases, err := list(ctx, a.models.Querier(), a.tenant, subject)
	if err != nil {
		return err
	}
	after := uuid.Nil // the latest case that was cancelled
	taken := map[string]bool{}
	for _, c := range cases {
		if class == retention.ClassAccount && c.Scope == eventschema.ScopePerson && c.Origin == eventschema.OriginRequest && c.State.Open() {
			return nil // the person goes anyway
		}
		if c.Origin != eventschema.OriginRetention || retention.ClassOf(c.Purposes) != class {
			continue
		}
		stopped := c.EndedAt != nil
		if stopped && !calendar.AddMonths(*c.EndedAt, putOff).After(now) {
			if after == uuid.Nil {
				after = c.CaseID
			}
			continue
		}
		if !class.Monthly() {
			return nil
		}
		for _, period := range c.Periods {
			taken[period] = true
		}
	}
	terms = slices.DeleteFunc(terms, func(t projections.RetentionTerm) bool { return taken[t.Period] })
	if len(terms) == 0 {
		return nil
	}
	return a.propose(ctx, class, subject, terms, after, now)
}

// proposal is the request of a case of ended retention.
func (a *App) proposal(class retention.Class, terms []projections.RetentionTerm, now time.Time) erasure.Request {
	rule := a.schedule.Rule(class)
	command := erasure.Request{
		Origin: eventschema.OriginRetention, Scope: scopeOf(class.Purposes(), nil), Purposes: class.Purposes(),
		Anchor: terms[0].Anchor, DueOn: a.dueAt(terms[0]).Format(time.DateOnly), Floor: rule.Floor, FloorSource: rule.FloorSource,
		RequestedBy: a.operator, RequestedAt: now,
	}
	for _, t := range terms {
		if t.Period != "" {
			command.Periods = append(command.Periods, t.Period)
		}
	}
	slices.Sort(command.Periods)
	return command
}

func (a *App) propose(ctx context.Context, class retention.Class, subject uuid.UUID, terms []projections.RetentionTerm, after uuid.UUID, now time.Time) error {
	command := a.proposal(class, terms, now)
	command.CaseID = caseID(a.tenant, fmt.Sprintf("retention\x00%s\x00%s\x00%s\x00%s", class, subject, strings.Join(command.Periods, " "), after))
	if class == retention.ClassAccount {
		command.PersonID = subject
		var err error
		if command.WorkID, err = a.workOfPerson(ctx, subject); err != nil {
			if errors.Is(err, errLink) { // cannot be read now
				return nil
			}
			return err
		}
	} else {
		command.RecordID = subject
	}
	return a.openByPolicy(ctx, command, eventschema.Actor{ID: a.operator, Role: retentionActor})
}

// ProposeRetention opens the case of a work record before the clock does: what was
// promised to be kept may go sooner, what a law keeps may not. It answers a refusal
// with the law and the day.
func (a *App) ProposeRetention(ctx context.Context, intent httpapi.Intent, record uuid.UUID) (uuid.UUID, error) {
	term, err := projections.TermOf(ctx, a.models.Querier(), a.tenant, projections.TermWork, record)
	if errors.Is(err, projections.ErrNotFound) {
		return uuid.Nil, outward(errors.Join(httpapi.ErrNotFound, erasure.ErrAnchor))
	}
	if err != nil {
		return uuid.Nil, outward(err)
	}
	cases, err := projections.ErasuresOfRecord(ctx, a.models.Querier(), a.tenant, record)
	if err != nil {
		return uuid.Nil, outward(err)
	}
	for _, c := range cases {
		if c.Origin == eventschema.OriginRetention && retention.ClassOf(c.Purposes) == retention.ClassWork && c.EndedAt == nil {
			return c.CaseID, nil
		}
	}
	command := a.proposal(retention.ClassWork, []projections.RetentionTerm{term}, a.clock().UTC())
	command.CaseID, command.RecordID = caseID(a.tenant, "retention by hand\x00"+intent.Key), record
	command.RequestedBy = intent.Principal.ID
	return command.CaseID, outward(a.openByPolicy(ctx, command, intent.Principal.Actor()))
}

// endWork records the end of employment in the stream of a work record, once,
// under a correlation of its own: what would lead back to the person is in no
// event of the record.
func (a *App) endWork(ctx context.Context, record uuid.UUID, at time.Time) error {
	if record == uuid.Nil {
		return nil
	}
	_, err := domain.Handle(ctx, a.handler, work.Decider(), domain.Request{
		Stream: eventschema.WorkStream(a.tenant, record), Key: "end", Actor: eventschema.Actor{ID: a.operator, Role: retentionActor},
	}, work.Command(work.End{WorkID: record, EndedAt: at}))
	if errors.Is(err, work.ErrNotOpened) {
		return nil
	}
	return err
}

// noticeEnd ends the work record of a person whose account was closed, and of one
// who was erased while it was open: nobody can work under a record that nobody can
// be found by.
func (a *App) noticeEnd(ctx context.Context, recorded eventschema.Recorded) error {
	if !strings.HasPrefix(recorded.Type, "person-closed.") && !strings.HasPrefix(recorded.Type, "keys-destroyed.") {
		return nil
	}
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return err
	}
	switch e := decoded.Event.(type) {
	case *eventschema.PersonClosed:
		record, err := a.workOfPerson(ctx, e.PersonID)
		if errors.Is(err, errLink) || errors.Is(err, httpapi.ErrNotFound) {
			return nil // the clock looks again
		}
		if err != nil {
			return err
		}
		return a.endWork(ctx, record, e.ClosedAt)
	case *eventschema.KeysDestroyed:
		restricted, err := a.keys.RestrictedUnder(ctx, a.tenant, e.CaseID)
		if err != nil {
			return err
		}
		for _, record := range restricted {
			if err := a.endWork(ctx, record, e.DestroyedAt); err != nil {
				return err
			}
		}
	}
	return nil
}

// endWorkOfClosed ends the work records of closed accounts that were closed before
// ends were recorded, or whose link could not be read then.
func (a *App) endWorkOfClosed(ctx context.Context) error {
	closed, err := projections.TermsUntil(ctx, a.models.Querier(), a.tenant, projections.TermAccount, a.clock())
	if err != nil {
		return err
	}
	for _, t := range closed {
		record, err := a.workOfPerson(ctx, t.Subject)
		if errors.Is(err, errLink) {
			continue
		}
		if err != nil {
			return err
		}
		if err := a.endWork(ctx, record, t.Anchor); err != nil {
			return err
		}
	}
	return nil
}
