package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/postgres"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/removal"
	"tracekeep/domain/retention"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// expireRecords ends the streams of a work record that has come of age, or of some
// of its months, and lists in the trail what a scavenge then takes. It may be
// repeated after every one of them.
func (a *App) expireRecords(ctx context.Context, s erasure.State) (erasure.Command, error) {
	if err := a.CatchUp(ctx, nil); err != nil { // late events of the streams count, too
		return nil, err
	}
	if err := a.dropReplays(ctx); err != nil {
		return nil, err
	}
	streams, err := a.expiring(ctx, s)
	if err != nil {
		return nil, err
	}
	expired := erasure.Expired{ExpiredAt: a.clock(), Streams: []eventschema.ExpiredStream{}}
	for _, stream := range streams {
		events, err := a.endStream(ctx, stream)
		if err != nil {
			return nil, err
		}
		expired.Streams = append(expired.Streams, eventschema.ExpiredStream{Stream: stream.String(), Events: events})
	}
	a.directory.forget()
	return expired, nil
}

// expiring lists the streams that a case ends: all of a whole record, or the
// locations or messages of the months it is about, and of all months without any.
func (a *App) expiring(ctx context.Context, s erasure.State) ([]eventschema.StreamName, error) {
	categories := []string{
		eventschema.CategoryWork, eventschema.CategoryPunches, eventschema.CategoryConsent, eventschema.CategoryLocation, eventschema.CategoryTimeCard,
		eventschema.CategoryEnrolment, eventschema.CategoryAttendance, eventschema.CategoryDevice, eventschema.CategoryBatches,
		eventschema.CategoryMessage, eventschema.CategoryReceipt,
	}
	switch {
	case s.WholeRecord():
	case retention.ClassOf(s.Purposes) == retention.ClassCommunication:
		categories = []string{eventschema.CategoryMessage, eventschema.CategoryReceipt}
	default:
		categories = []string{eventschema.CategoryLocation}
	}
	streams, err := projections.StreamsOf(ctx, a.models.Querier(), a.tenant, []uuid.UUID{s.RecordID}, categories...)
	if err != nil {
		return nil, err
	}
	if s.WholeRecord() {
		naming, err := a.namingOnly(ctx, s.RecordID)
		return append(streams, naming...), err
	}
	if len(s.Periods) == 0 {
		return streams, nil
	}
	return slices.DeleteFunc(streams, func(stream eventschema.StreamName) bool {
		return !slices.ContainsFunc(s.Periods, func(period string) bool { return strings.ReplaceAll(period, "-", "") == stream.Period })
	}), nil
}

// namingOnly lists the streams of other things that speak of a work record and of
// nobody else who is left: requests to correct its punches, and the shifts whose
// other people have all come of age (decision 75).
func (a *App) namingOnly(ctx context.Context, work uuid.UUID) ([]eventschema.StreamName, error) {
	var streams []eventschema.StreamName
	requests, err := projections.CorrectionsNaming(ctx, a.models.Querier(), a.tenant, work)
	if err != nil {
		return nil, err
	}
	for _, id := range requests {
		streams = append(streams, eventschema.CorrectionStream(a.tenant, id))
	}
	shifts, err := projections.ShiftsNaming(ctx, a.models.Querier(), a.tenant, work)
	if err != nil {
		return nil, err
	}
	var others []uuid.UUID
	for _, shift := range shifts {
		others = append(others, shift.Others...)
	}
	// The fences tell, and not the read models: two of a shift may expire at once.
	fences, err := a.keys.Status(ctx, a.tenant, others...)
	if err != nil {
		return nil, err
	}
	for _, shift := range shifts {
		left := func(other uuid.UUID) bool { return fences[other].Fence != keyring.FenceErased }
		if !slices.ContainsFunc(shift.Others, left) {
			streams = append(streams, eventschema.AssignmentStream(a.tenant, shift.ShiftID))
		}
	}
	return streams, nil
}

// endStream ends a stream, and then lists every event of it in the trail: the
// verifier asks that the order to remove stands before the list of what it removes.
// An ended stream can be read no more, so its events are read before. A stream that
// was ended before a crash is listed from the whole log.
func (a *App) endStream(ctx context.Context, stream eventschema.StreamName) (events uint64, err error) {
	for {
		recorded, err := a.eventsOf(ctx, stream)
		if errors.Is(err, eventstoredb.ErrStreamDeleted) {
			return a.listEnded(ctx, stream)
		}
		if err != nil || len(recorded) == 0 {
			return 0, err
		}
		err = a.store.End(ctx, stream.String(), recorded[len(recorded)-1].Revision)
		if errors.Is(err, domain.ErrConflict) { // it went on meanwhile
			continue
		}
		if err != nil {
			return 0, err
		}
		a.fault("stream ended")
		if err := a.listAll(ctx, recorded); err != nil {
			return 0, err
		}
		a.fault("stream listed")
		return uint64(len(recorded)), nil
	}
}

// eventsOf reads a stream that the trail covers.
func (a *App) eventsOf(ctx context.Context, stream eventschema.StreamName) ([]eventschema.Recorded, error) {
	var events []eventschema.Recorded
	for recorded, err := range a.store.ReadStream(ctx, stream.String(), 0) {
		if err != nil {
			return nil, err
		}
		events = append(events, recorded)
	}
	if len(events) == 0 {
		return nil, nil
	}
	return events, a.trailCovers(ctx, events[len(events)-1].Position)
}

// listAll lists the events of one ended stream.
func (a *App) listAll(ctx context.Context, events []eventschema.Recorded) error {
	log, err := a.trail()
	if err != nil {
		return err
	}
	defer log.Close()
	l := &lister{app: a, log: log, now: a.clock().UTC(), open: map[string]*pendingListing{}}
	for _, recorded := range events {
		if err := l.take(ctx, recorded, eventschema.RemovalEnded); err != nil {
			return err
		}
	}
	for _, pending := range l.open {
		if err := l.write(ctx, pending); err != nil {
			return err
		}
	}
	if l.report.Unlisted > 0 { // its leaves are of the first release
		a.log.Warn("events that expired cannot be listed; a scavenge will be reported", zap.String("stream", events[0].Stream))
	}
	return nil
}

// listEnded lists what is left to list of a stream that was ended.
func (a *App) listEnded(ctx context.Context, stream eventschema.StreamName) (events uint64, err error) {
	if _, err := a.ListRemovals(ctx, nil); err != nil {
		return 0, err
	}
	listed, err := domain.Load(ctx, a.handler, eventschema.RemovalStream(a.tenant, stream.String()), removal.Decider())
	if err != nil {
		return 0, err
	}
	return listed.State.Next, nil
}

// dropReplays drops the worlds of moments that were kept: they may show what is
// about to expire.
func (a *App) dropReplays(ctx context.Context) error {
	kept, err := a.Replays(ctx)
	if err != nil {
		return err
	}
	for _, replay := range kept {
		if err := a.DropReplay(ctx, replay.ID); err != nil {
			return err
		}
	}
	return nil
}

// unexpired leaves out of a log what has expired as of today: whether a scavenge
// has taken it already must make no difference to the world of a moment.
func (a *App) unexpired(ctx context.Context) (func(postgres.Log) postgres.Log, error) {
	expired, err := projections.ExpiredStreams(ctx, a.models.Querier(), a.tenant)
	if err != nil {
		return nil, err
	}
	gone := make(map[string]struct{}, len(expired))
	for _, s := range expired {
		gone[s.Stream.String()] = struct{}{}
	}
	return func(log postgres.Log) postgres.Log {
		return func(yield func(eventschema.Recorded, error) bool) {
			for recorded, err := range log {
				if _, left := gone[recorded.Stream]; left && err == nil {
					continue
				}
				if !yield(recorded, err) {
					return
				}
			}
		}
	}, nil
}

// refuseExpired answers *[httpapi.Erased] for a work record that has expired.
func (a *App) refuseExpired(ctx context.Context, record uuid.UUID) error {
	status, err := a.keys.Status(ctx, a.tenant, record)
	if err != nil {
		return outward(err)
	}
	if s := status[record]; s.Fence == keyring.FenceErased {
		return a.erased(ctx, s.Case)
	}
	return nil
}

// expiredAt answers *[httpapi.Erased] for a position of the log whose event has
// expired, and [httpapi.ErrNotFound] for any other.
func (a *App) expiredAt(ctx context.Context, position uint64) error {
	streams, err := projections.ExpiredStreams(ctx, a.models.Querier(), a.tenant)
	if err != nil {
		return err
	}
	for _, s := range streams {
		for recorded, err := range a.store.ReadStream(ctx, eventschema.RemovalStream(a.tenant, s.Stream.String()).String(), 0) {
			if err != nil {
				return err
			}
			decoded, err := a.registry.Decode(recorded)
			if err != nil {
				return err
			}
			if listed, ok := decoded.Event.(*eventschema.RemovalListed); ok && slices.Contains(listed.Positions, position) {
				return a.erased(ctx, s.CaseID)
			}
		}
	}
	return httpapi.ErrNotFound
}
