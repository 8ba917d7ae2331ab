package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/ledger"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Explanation says of one event who, when, why and where, what it belongs to and
// what became of it.
type Explanation struct {
	Event      httpapi.EventView
	Leaf       *uint64                  // in the trail; nil while no checkpoint covers it
	Correlated []projections.AuditEntry // other events of the same request, the first of them
	More       bool                     // there are others that are not listed
	Cause      *projections.AuditEntry  // the event that brought it about; nil when a command did
	Punch      *ExplainedPunch          // of a punch or a correction: what counts of it now
}

// ExplainedPunch is how a punch counts and what it became.
type ExplainedPunch struct {
	projections.Punch
	EventID uuid.UUID // of the recording
	Leaf    *uint64
	Causes  []Cause // the recording, then the corrections
	// One of the two says what the rule made of it; neither while voided, or
	// while an in waits for its out.
	Interval  *projections.Interval
	Exception *projections.Exception
}

// ExplainedDay traces every figure of a day to its punches.
type ExplainedDay struct {
	WorkID      uuid.UUID
	Name        httpapi.Personal
	Date        string
	Seconds     int64
	RuleVersion int
	Intervals   []ExplainedInterval
	Exceptions  []ExplainedPunch
	Others      []ExplainedPunch // voided, or an in that waits for its out
	Declared    []ExplainedDeclaration
}

// ExplainedDeclaration is hours that were declared for the day, and where that stands in
// the trail. Void ones are part of no figure.
type ExplainedDeclaration struct {
	projections.Declaration
	Leaf *uint64
}

// ExplainedInterval is an interval with the punches it rests on.
type ExplainedInterval struct {
	projections.Interval
	InPunch, OutPunch ExplainedPunch
}

// correlatedLimit bounds what is listed beside an event: an import of a file is one
// request.
const correlatedLimit = 20

// Leaves answers where positions stand in the trail, as far as it covers them.
func (a *App) Leaves(positions ...uint64) (map[uint64]uint64, error) {
	return ledger.LocateIn(a.folder.path("trail"), a.verifierKey, positions...)
}

// ExplainEvent explains the event of an id. It answers [httpapi.ErrNotFound].
func (a *App) ExplainEvent(ctx context.Context, by httpapi.Principal, id uuid.UUID) (Explanation, error) {
	if punch, err := projections.PunchByID(ctx, a.models.Querier(), a.tenant, id); err == nil {
		return a.ExplainPosition(ctx, by, punch.Position) // a punch is found at once
	}
	found, err := projections.AuditOf(ctx, a.models.Querier(), a.tenant, correlatedLimit, id)
	if err != nil {
		return Explanation{}, err
	}
	i := slices.IndexFunc(found, func(e projections.AuditEntry) bool { return e.EventID == id })
	if i < 0 {
		return Explanation{}, httpapi.ErrNotFound
	}
	return a.explain(ctx, by, found[i])
}

// ExplainPosition explains the event at a position of the log. It answers
// [httpapi.ErrNotFound], and *[httpapi.Erased] for an event that has expired.
func (a *App) ExplainPosition(ctx context.Context, by httpapi.Principal, position uint64) (Explanation, error) {
	found, err := projections.AuditAt(ctx, a.models.Querier(), a.tenant, position)
	if err != nil {
		return Explanation{}, err
	}
	if len(found) == 0 {
		return Explanation{}, a.expiredAt(ctx, position)
	}
	return a.explain(ctx, by, found[0])
}

func (a *App) explain(ctx context.Context, by httpapi.Principal, entry projections.AuditEntry) (Explanation, error) {
	views, err := a.openEntries(ctx, by, []projections.AuditEntry{entry})
	if err != nil {
		return Explanation{}, err
	}
	made := Explanation{Event: views[0]}
	leaves, err := a.Leaves(entry.Position)
	if err != nil {
		return Explanation{}, err
	}
	made.Leaf = leafIn(leaves, entry.Position)
	if err := a.explainChain(ctx, &made); err != nil {
		return Explanation{}, err
	}
	punch, err := a.punchOf(ctx, made.Event)
	if err != nil || punch == uuid.Nil {
		return made, err
	}
	explained, err := a.Today().ExplainPunches(ctx, punch)
	if len(explained) > 0 {
		made.Punch = &explained[0]
	}
	return made, err
}

// explainChain finds what else one request brought about, and what brought about
// the event.
func (a *App) explainChain(ctx context.Context, made *Explanation) error {
	const itself = 1
	found, err := projections.AuditOf(ctx, a.models.Querier(), a.tenant, correlatedLimit+itself+1, made.Event.CorrelationID)
	if err != nil {
		return err
	}
	for _, e := range found {
		if e.EventID != made.Event.EventID && e.CorrelationID == made.Event.CorrelationID {
			made.Correlated = append(made.Correlated, e)
		}
	}
	if made.More = len(made.Correlated) > correlatedLimit; made.More {
		made.Correlated = made.Correlated[:correlatedLimit]
	}
	if made.Event.CausationID == made.Event.CorrelationID { // the command itself
		return nil
	}
	if found, err = projections.AuditOf(ctx, a.models.Querier(), a.tenant, correlatedLimit, made.Event.CausationID); err != nil {
		return err
	}
	for _, e := range found {
		if e.EventID == made.Event.CausationID {
			made.Cause = &e
		}
	}
	made.Correlated = slices.DeleteFunc(made.Correlated, func(e projections.AuditEntry) bool { return e.EventID == made.Event.CausationID })
	return nil
}

// punchOf is the punch that an event records or corrects, or the nil id.
func (a *App) punchOf(ctx context.Context, view httpapi.EventView) (uuid.UUID, error) {
	for recorded, err := range a.store.ReadStream(ctx, view.Stream, view.Revision) {
		if errors.Is(err, eventstoredb.ErrStreamDeleted) {
			return uuid.Nil, nil
		}
		if err != nil {
			return uuid.Nil, outward(err)
		}
		decoded, err := a.registry.Decode(recorded)
		if err != nil {
			return uuid.Nil, err
		}
		switch e := decoded.Event.(type) {
		case *eventschema.PunchRecorded:
			return e.PunchID, nil
		case *eventschema.PunchCorrected:
			return e.PunchID, nil
		}
		break
	}
	return uuid.Nil, nil
}

func leafIn(leaves map[uint64]uint64, position uint64) *uint64 {
	if leaf, covered := leaves[position]; covered {
		return &leaf
	}
	return nil
}

// ExplainPunches says of punches how they count and what they became. An id the
// world does not know is left out.
func (w *World) ExplainPunches(ctx context.Context, ids ...uuid.UUID) ([]ExplainedPunch, error) {
	var changes []projections.PunchChange
	for _, id := range ids {
		punch, err := projections.PunchByID(ctx, w.q, w.a.tenant, id)
		if errors.Is(err, projections.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		changes = append(changes, projections.PunchChange{PunchID: id, WorkID: punch.WorkID, After: &punch})
	}
	causes, err := w.a.causes(ctx, changes, w.knownAt(), w.knownAt())
	if err != nil {
		return nil, err
	}
	var positions []uint64
	for _, c := range changes {
		positions = append(positions, c.After.Position)
	}
	leaves, err := w.a.Leaves(positions...)
	if err != nil {
		return nil, err
	}
	explained := make([]ExplainedPunch, len(changes))
	for i, c := range changes {
		explained[i] = ExplainedPunch{Punch: *c.After, Causes: causes[c.PunchID], EventID: causes[c.PunchID][0].EventID, Leaf: leafIn(leaves, c.After.Position)}
	}
	return explained, w.addResults(ctx, explained)
}

// addResults finds what the rule made of punches that lie close together. An
// interval carries the date of its in, so an out may be found a day earlier.
func (w *World) addResults(ctx context.Context, of []ExplainedPunch) error {
	if len(of) == 0 {
		return nil
	}
	var works []uuid.UUID
	first, last := of[0].Counts.OccurredAt, of[0].Counts.OccurredAt
	for _, p := range of {
		works = append(works, p.WorkID)
		if at := p.Counts.OccurredAt; at.Before(first) {
			first = at
		} else if at.After(last) {
			last = at
		}
	}
	const around = 2 * 24 * time.Hour
	days := projections.Days{Works: works, From: first.Add(-around).Format(time.DateOnly), To: last.Add(around).Format(time.DateOnly)}
	intervals, err := projections.IntervalsOf(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return err
	}
	exceptions, err := projections.ExceptionsOf(ctx, w.q, w.a.tenant, days, w.now())
	if err != nil {
		return err
	}
	paired, excepted := map[uuid.UUID]*projections.Interval{}, map[uuid.UUID]*projections.Exception{}
	for i := range intervals {
		paired[intervals[i].In], paired[intervals[i].Out] = &intervals[i], &intervals[i]
	}
	for i := range exceptions {
		excepted[exceptions[i].Punch] = &exceptions[i]
	}
	for i := range of {
		of[i].Interval, of[i].Exception = paired[of[i].ID], excepted[of[i].ID]
	}
	return nil
}

// ExplainDay traces the hours of a work record on a day to their punches.
func (w *World) ExplainDay(ctx context.Context, by httpapi.Principal, work uuid.UUID, date string) (ExplainedDay, error) {
	day := ExplainedDay{WorkID: work, Date: date, RuleVersion: hours.DefaultPairing().Version}
	if err := w.a.refuseExpired(ctx, work); err != nil {
		return day, err
	}
	names, err := w.a.namesOfWorks(ctx, by, []uuid.UUID{work})
	if err != nil {
		return day, err
	}
	day.Name = names[work]
	midnight, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return day, err
	}
	days := projections.Days{Works: []uuid.UUID{work}, From: date, To: date}
	intervals, err := projections.IntervalsOf(ctx, w.q, w.a.tenant, days)
	if err != nil {
		return day, err
	}
	if day.Declared, err = w.explainDeclared(ctx, days); err != nil {
		return day, err
	}
	punches, err := projections.PunchesOf(ctx, w.q, w.a.tenant, work, midnight.Add(-24*time.Hour), midnight.Add(72*time.Hour), 10_000)
	if err != nil {
		return day, err
	}
	ids := make([]uuid.UUID, len(punches))
	for i := range punches {
		ids[i] = punches[i].ID
	}
	explained, err := w.ExplainPunches(ctx, ids...)
	if err != nil {
		return day, err
	}
	of := map[uuid.UUID]ExplainedPunch{}
	for _, p := range explained {
		of[p.ID] = p
		switch {
		case p.Exception != nil && p.Exception.WorkDate == date:
			day.Exceptions = append(day.Exceptions, p)
		case p.Exception == nil && p.Interval == nil && p.Counts.WorkDate() == date:
			day.Others = append(day.Others, p)
		}
	}
	for _, i := range intervals {
		day.Seconds += i.Seconds
		day.Intervals = append(day.Intervals, ExplainedInterval{Interval: i, InPunch: of[i.In], OutPunch: of[i.Out]})
	}
	for _, d := range day.Declared {
		if !d.Voided {
			day.Seconds += d.Seconds
		}
	}
	return day, nil
}

func (w *World) explainDeclared(ctx context.Context, days projections.Days) ([]ExplainedDeclaration, error) {
	declared, err := projections.Declarations(ctx, w.q, w.a.tenant, days)
	if err != nil || len(declared) == 0 {
		return nil, err
	}
	positions := make([]uint64, len(declared))
	for i, d := range declared {
		positions[i] = d.Position
	}
	leaves, err := w.a.Leaves(positions...)
	if err != nil {
		return nil, err
	}
	explained := make([]ExplainedDeclaration, len(declared))
	for i, d := range declared {
		explained[i] = ExplainedDeclaration{d, leafIn(leaves, d.Position)}
	}
	return explained, nil
}
