package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain"
	"tracekeep/domain/consent"
	"tracekeep/domain/timecard"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Refusals of this side of the API: the work record is looked up here.
var (
	errUnknownBadge = &httpapi.Refusal{Code: "unknown_badge", Message: "no person has this badge at this station", Pointer: "/badge"}
	errUnknownWork  = &httpapi.Refusal{Code: "unknown_work", Message: "there is no work record of this id", Pointer: "/work_id"}
)

// RecordPunch implements [httpapi.Punches]. Coordinates are kept only when a
// location consent was in force at the punch's own instant and stands, and only then
// is the fence of the site read; the punch is kept in any case (promises ST-10, ST-46,
// ST-47).
func (a *App) RecordPunch(ctx context.Context, intent httpapi.Intent, p httpapi.PunchEntry) (httpapi.PunchReceipt, error) {
	workID, err := a.workOf(ctx, p)
	if err != nil {
		return httpapi.PunchReceipt{}, err
	}
	if err := a.refuseErased(ctx, workID); err != nil {
		return httpapi.PunchReceipt{}, err
	}
	if err := a.refuseForeignPunch(ctx, p.PunchID, workID); err != nil {
		return httpapi.PunchReceipt{}, err
	}
	outcome, err := a.locationOutcome(ctx, workID, p)
	if err != nil {
		return httpapi.PunchReceipt{}, outward(err)
	}
	var fence *eventschema.FenceReading
	if p.Site, fence, err = a.siteAndFence(ctx, p, outcome); err != nil {
		return httpapi.PunchReceipt{}, outward(err)
	}
	handled, err := a.recordPunch(ctx, intent, workID, p, outcome, fence)
	if errors.Is(err, errPointUnwanted) {
		outcome = eventschema.LocationDroppedNoConsent
		handled, err = a.recordPunch(ctx, intent, workID, p, outcome, nil)
	}
	if err != nil {
		return httpapi.PunchReceipt{}, outward(err)
	}
	return httpapi.PunchReceipt{Receipt: receipt(handled), PunchID: p.PunchID, OccurredAt: p.OccurredAt, Location: outcome}, nil
}

func (a *App) recordPunch(ctx context.Context, intent httpapi.Intent, workID uuid.UUID, p httpapi.PunchEntry,
	outcome eventschema.LocationOutcome, fence *eventschema.FenceReading) (domain.Outcome, error) {
	return domain.Handle(ctx, a.handler, timecard.Decider(), domain.Request{
		Stream: eventschema.PunchesStream(a.tenant, workID, p.OccurredAt), Key: intent.Key, EventID: p.PunchID,
		Actor: actorIn(intent.Principal, workID), CorrelationID: intent.CorrelationID,
		Before: func(ctx context.Context) error {
			if outcome != eventschema.LocationRecordedOutcome {
				return nil
			}
			return a.keepLocation(ctx, intent, workID, p)
		},
	}, timecard.Command(punchOf(workID, p, outcome, fence, sourceOf(intent.Principal, p))))
}

// punchOf is the command that records a punch as it was sent.
func punchOf(workID uuid.UUID, p httpapi.PunchEntry, outcome eventschema.LocationOutcome, fence *eventschema.FenceReading, source eventschema.Source) timecard.Punch {
	return timecard.Punch{
		PunchID: p.PunchID, WorkID: workID, OccurredAt: p.OccurredAt, Zone: p.Zone, OffsetSeconds: p.OffsetSeconds,
		Direction: p.Direction, Kind: p.Kind, Station: p.Station, StationClock: p.StationClock, StationCounter: p.StationCounter,
		ReceivedAt: p.ReceivedAt, Location: outcome, Source: source, Site: p.Site, Job: p.Job, Reason: p.Reason, Fence: fence,
	}
}

// sourceOf tells a punch that somebody of the office enters for a work record from
// one that was pressed: a badge comes from a station.
func sourceOf(by httpapi.Principal, p httpapi.PunchEntry) eventschema.Source {
	if p.Work != uuid.Nil && (by.Role == httpapi.RoleHR || by.Role == httpapi.RoleManager) {
		return eventschema.SourceManual
	}
	return eventschema.SourceAPI
}

// actorIn names who acts in the stream of a record. A worker acts on their own
// records, and appears in each under the id of that record: an id of their own
// in both would tie the person to the work record for ever.
func actorIn(p httpapi.Principal, record uuid.UUID) eventschema.Actor {
	actor := p.Actor()
	if p.Role == httpapi.RoleWorker {
		actor.ID = record
	}
	return actor
}

// workOf finds the work record of a punch, by id or by badge and station.
func (a *App) workOf(ctx context.Context, p httpapi.PunchEntry) (uuid.UUID, error) {
	if p.Work != uuid.Nil {
		return p.Work, a.requireWork(ctx, p.Work)
	}
	pin, _ := p.Badge.Reveal()
	values := []string{badgeToken(p.Station, pin), pin} // a station's own PIN goes before a badge that is valid everywhere
	found, err := a.keys.Find(ctx, a.tenant, tokenBadge, values...)
	if err != nil {
		return uuid.Nil, outward(err)
	}
	for _, value := range values {
		if who, known := found[value]; known {
			return who.Work, nil
		}
	}
	return uuid.Nil, errUnknownBadge
}

// requireWork refuses an id that is no work record's: a person's id, above all.
func (a *App) requireWork(ctx context.Context, work uuid.UUID) error {
	for _, err := range a.store.ReadStream(ctx, eventschema.WorkStream(a.tenant, work).String(), 0) {
		if errors.Is(err, eventstoredb.ErrStreamDeleted) {
			return nil // the fence of an expired record says so
		}
		return outward(err)
	}
	return errUnknownWork
}

// refuseForeignPunch refuses a punch id that belongs to another work record:
// the read models know a punch by its id alone.
func (a *App) refuseForeignPunch(ctx context.Context, punch, work uuid.UUID) error {
	known, err := projections.PunchByID(ctx, a.models.Querier(), a.tenant, punch)
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return nil
	case err != nil:
		return outward(err)
	case known.WorkID != work:
		return outward(timecard.ErrOtherPunch)
	}
	return nil
}

// locationOutcome says what becomes of the coordinates of a punch.
func (a *App) locationOutcome(ctx context.Context, workID uuid.UUID, p httpapi.PunchEntry) (eventschema.LocationOutcome, error) {
	switch {
	case p.LocationDenied:
		return eventschema.LocationDeniedByDevice, nil
	case p.Location == nil:
		return eventschema.LocationNotOffered, nil
	}
	stands, err := a.locationConsent(ctx, workID, p.OccurredAt)
	if err != nil {
		return "", err
	}
	if !stands {
		return eventschema.LocationDroppedNoConsent, nil
	}
	// Consent that was given again does not reach past an objection, nor past
	// points of before that a legal hold keeps: no key is made for new ones.
	restrictions, err := a.keys.Restrictions(ctx, a.tenant, workID)
	if err != nil {
		return "", err
	}
	for _, r := range restrictions {
		if len(r.Purposes) == 0 || slices.Contains(r.Purposes, eventschema.PurposeLocation) {
			return eventschema.LocationDroppedNoConsent, nil
		}
	}
	return eventschema.LocationRecordedOutcome, nil
}

// locationConsent says whether consent to keep a point was in force when the
// punch was made, and stands.
func (a *App) locationConsent(ctx context.Context, workID uuid.UUID, at time.Time) (bool, error) {
	consents, err := domain.Load(ctx, a.handler, eventschema.ConsentStream(a.tenant, workID), consent.Decider())
	if err != nil {
		return false, err
	}
	return consents.State.Stands(eventschema.PurposeLocation, at), nil
}

// errPointUnwanted says that the point of a punch must not be kept after all: the
// consent ended, or processing was restricted, while the punch was on its way.
var errPointUnwanted = errors.New("the point of the punch is not kept")

// keepLocation records the point of a punch that was decided and before it is
// appended: if the process dies in between, the log holds a point nobody
// acknowledged, never a punch that claims a point that is not there.
//
// The consent is asked for behind the making of the key. A withdrawal destroys
// the keys it finds: one that was made before is among them, and one made after
// is never sealed with, because the withdrawal is seen here.
func (a *App) keepLocation(ctx context.Context, intent httpapi.Intent, workID uuid.UUID, p httpapi.PunchEntry) error {
	err := a.keys.Create(ctx, keyring.Ref{
		Tenant: a.tenant, Subject: workID, Purpose: eventschema.PurposeLocation, Period: eventschema.LocationPeriod(p.OccurredAt),
	})
	if errors.Is(err, keyring.ErrSubjectRestricted) {
		return errPointUnwanted
	}
	if err != nil {
		return fmt.Errorf("make the location key of a month: %w", err)
	}
	stands, err := a.locationConsent(ctx, workID, p.OccurredAt)
	if err == nil && !stands {
		err = errPointUnwanted
	}
	if err != nil {
		return err
	}
	a.fault("point before its seal")
	_, err = domain.Handle(ctx, a.handler, pointDecider(), domain.Request{
		Stream: eventschema.LocationStream(a.tenant, workID, p.OccurredAt), Key: "point:" + p.PunchID.String(),
		Actor: actorIn(intent.Principal, workID), CorrelationID: intent.CorrelationID,
	}, eventschema.LocationRecorded{
		PunchID: p.PunchID, WorkID: workID, OccurredAt: p.OccurredAt,
		Latitude: p.Location.Latitude, Longitude: p.Location.Longitude, AccuracyMetres: p.Location.AccuracyMetres,
	})
	if errors.Is(err, keyring.ErrNoKey) || errors.Is(err, eventstoredb.ErrStreamDeleted) { // withdrawn in between, or of a month that has expired
		return errPointUnwanted
	}
	return err
}

// pointDecider records a point as it is: whether it may be recorded was decided
// from the consents.
func pointDecider() domain.Decider[struct{}, eventschema.LocationRecorded] {
	return domain.Decider[struct{}, eventschema.LocationRecorded]{
		Initial: func() struct{} { return struct{}{} },
		Decide: func(_ struct{}, point eventschema.LocationRecorded) ([]eventschema.Event, error) {
			return []eventschema.Event{&point}, nil
		},
		Evolve: func(state struct{}, _ eventschema.Event) struct{} { return state },
	}
}

// CorrectPunch implements [httpapi.Punches]. The hours of somebody whose identity
// was erased stay a wage record, and can be put right like any other.
func (a *App) CorrectPunch(ctx context.Context, intent httpapi.Intent, c httpapi.PunchCorrection) (httpapi.Receipt, error) {
	if err := a.refuseExpired(ctx, c.Work); err != nil {
		return httpapi.Receipt{}, err
	}
	return acknowledge(domain.Handle(ctx, a.handler, timecard.Decider(), domain.Request{
		Stream: eventschema.PunchesStream(a.tenant, c.Work, c.RecordedAs), Key: intent.Key, Actor: actorIn(intent.Principal, c.Work),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision, EventID: c.CorrectionID,
	}, timecard.Command(timecard.Correct{
		CorrectionID: c.CorrectionID, PunchID: c.PunchID, WorkID: c.Work, Void: c.Void,
		OccurredAt: c.OccurredAt, OffsetSeconds: c.OffsetSeconds, Direction: c.Direction, Kind: c.Kind, Job: c.Job,
		Reason: c.Reason, CorrectedBy: intent.Principal.ID, ApprovedBy: c.ApprovedBy, CorrectedAt: c.ReceivedAt,
	})))
}

// GiveConsent implements [httpapi.Consents].
func (a *App) GiveConsent(ctx context.Context, intent httpapi.Intent, c httpapi.Consent) (httpapi.Receipt, error) {
	return a.handleConsent(ctx, intent, c.Work, consent.Command(consent.Give{
		WorkID: c.Work, Purpose: c.Purpose, GivenAt: c.At, NoticeVersion: c.NoticeVersion, Language: c.Language, Method: c.Method,
	}))
}

// WithdrawConsent implements [httpapi.Consents]. Points offered from now on are
// dropped, and an erasure case destroys the keys of every earlier month as soon as
// the withdrawal is noticed ([App.noticeWithdrawal]).
func (a *App) WithdrawConsent(ctx context.Context, intent httpapi.Intent, c httpapi.Consent) (httpapi.Receipt, error) {
	return a.handleConsent(ctx, intent, c.Work, consent.Command(consent.Withdraw{WorkID: c.Work, Purpose: c.Purpose, WithdrawnAt: c.At, Method: c.Method}))
}

func (a *App) handleConsent(ctx context.Context, intent httpapi.Intent, workID uuid.UUID, command consent.Command) (httpapi.Receipt, error) {
	if err := a.requireWork(ctx, workID); err != nil {
		return httpapi.Receipt{}, err
	}
	if err := a.refuseErased(ctx, workID); err != nil {
		return httpapi.Receipt{}, err
	}
	return acknowledge(domain.Handle(ctx, a.handler, consent.Decider(), domain.Request{
		Stream: eventschema.ConsentStream(a.tenant, workID), Key: intent.Key, Actor: actorIn(intent.Principal, workID),
		CorrelationID: intent.CorrelationID, IfRevision: intent.IfRevision,
	}, command))
}
