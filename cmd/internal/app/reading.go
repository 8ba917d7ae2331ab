package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/postgres"
	"tracekeep/domain/hours"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// CatchUp waits until the read models and, where this process writes it, the
// trail have everything that was in the log when it was called.
func (a *App) CatchUp(ctx context.Context, progress func(position, target uint64)) error {
	target, err := a.whole.LastPosition(ctx)
	if err != nil || target == 0 {
		return err
	}
	if progress != nil {
		at, _, err := a.models.Position(ctx)
		if err != nil {
			return err
		}
		progress(at, target)
	}
	if err := a.Await(ctx, target); err != nil {
		return err
	}
	if a.ledger != nil {
		return a.trailCovers(ctx, target)
	}
	return nil
}

// Await implements [httpapi.Freshness].
func (a *App) Await(ctx context.Context, position uint64) error {
	return a.models.WaitFor(ctx, position)
}

// certificateLeaf is the leaf of a case's certificate, once there is one.
func (a *App) certificateLeaf(ctx context.Context, id uuid.UUID) *uint64 {
	e, err := projections.ErasureByCase(ctx, a.models.Querier(), a.tenant, id)
	if err != nil || e.State != projections.ErasureCertified {
		return nil
	}
	return &e.Leaf
}

// erased is the answer about something that a case erased.
func (a *App) erased(ctx context.Context, id uuid.UUID) error {
	return &httpapi.Erased{Case: id, CertificateLeaf: a.certificateLeaf(ctx, id)}
}

// openDirectory opens the sealed directory for a reader, or answers the opening
// that is still good. Only the ordinary purpose of use is kept.
func (a *App) openDirectory(ctx context.Context, by httpapi.Principal) (*openedDirectory, error) {
	position, _, err := a.models.Position(ctx)
	if err != nil {
		return nil, outward(err)
	}
	now := a.clock()
	ordinary := by.Use() == eventschema.UseService
	if kept := a.directory.current(position, now); ordinary && kept != nil {
		return kept, nil
	}
	opened := &openedDirectory{byID: map[uuid.UUID]int{}, byWork: map[uuid.UUID]int{}}
	const page = 1000
	leaves := map[uuid.UUID]*uint64{}
	for after := uuid.Nil; ; {
		people, err := projections.People(ctx, a.models.Querier(), a.tenant, after, page)
		if err != nil {
			return nil, outward(err)
		}
		ids := make([]uuid.UUID, len(people))
		for i := range people {
			ids[i] = people[i].ID
		}
		if err := a.keys.Prefetch(ctx, a.tenant, ids); err != nil {
			return nil, outward(err)
		}
		for _, p := range people {
			view, err := a.openPerson(ctx, p, by.Use(), leaves)
			if err != nil {
				return nil, err
			}
			opened.byID[view.PersonID] = len(opened.people)
			if work, err := WorkIDOf(view); err == nil {
				opened.byWork[work] = len(opened.people)
			}
			opened.people = append(opened.people, view)
		}
		if len(people) < page {
			break
		}
		after = ids[len(ids)-1]
	}
	if ordinary {
		a.directory.keep(opened, position, now)
	}
	return opened, nil
}

// openPerson opens the sections of one person in the order of the log; later
// values replace earlier ones.
func (a *App) openPerson(ctx context.Context, p projections.Person, use eventschema.Use, leaves map[uuid.UUID]*uint64) (httpapi.PersonView, error) {
	values := map[string]eventschema.Personal{}
	for _, section := range p.Sections {
		opening, err := a.keys.Open(ctx, section.At, section.Envelope, use)
		if err != nil {
			return httpapi.PersonView{}, fmt.Errorf("open section %s of position %d: %w", section.At.Section, section.Position, err)
		}
		if opening.State != eventschema.StateClear {
			for _, field := range fieldsOf(section.At.Section) {
				values[field] = eventschema.Withheld(opening.State, opening.Case)
			}
			continue
		}
		fields := map[string]string{}
		if json.Unmarshal(opening.Plaintext, &fields) != nil {
			return httpapi.PersonView{}, fmt.Errorf("open section %s of position %d: %w", section.At.Section, section.Position, eventschema.ErrPayload)
		}
		for field, text := range fields {
			if field == "full_name" { // as person-registered.v1 called it
				field = "legal_name"
			}
			values[field] = eventschema.Clear(text)
		}
	}
	wrap := func(field string) httpapi.Personal {
		value := values[field]
		wrapped := httpapi.Personal{Personal: value}
		if id := value.Case(); id != uuid.Nil {
			if _, looked := leaves[id]; !looked {
				leaves[id] = a.certificateLeaf(ctx, id)
			}
			wrapped.CertificateLeaf = leaves[id]
		}
		return wrapped
	}
	return httpapi.PersonView{
		PersonID: p.ID, RegisteredAt: p.RegisteredAt, ClosedAt: p.ClosedAt, WorkID: wrap("work_id"),
		LegalName: wrap("legal_name"), BirthDate: wrap("birth_date"), Email: wrap("email"), Phone: wrap("phone"),
	}, nil
}

// fieldsOf lists the fields of a person's section: of one that cannot be opened
// nobody knows which were given, so all of them say why.
func fieldsOf(section string) []string {
	switch section {
	case "identity":
		return []string{"work_id", "legal_name", "birth_date"}
	case "contact":
		return []string{"email", "phone"}
	}
	return nil
}

// WorkIDOf reads the work id of a person who may be read.
func WorkIDOf(p httpapi.PersonView) (uuid.UUID, error) {
	id, err := idOf(p.WorkID.Personal)
	if err == nil && id == uuid.Nil {
		err = errLink
	}
	return id, err
}

// Person implements [httpapi.Reading].
func (a *App) Person(ctx context.Context, by httpapi.Principal, id uuid.UUID) (httpapi.PersonView, error) {
	row, err := projections.PersonByID(ctx, a.models.Querier(), by.Tenant, id)
	if errors.Is(err, projections.ErrNotFound) {
		return httpapi.PersonView{}, httpapi.ErrNotFound
	}
	if err != nil {
		return httpapi.PersonView{}, outward(err)
	}
	view, err := a.openPerson(ctx, row, by.Use(), map[uuid.UUID]*uint64{})
	if err != nil {
		return httpapi.PersonView{}, outward(err)
	}
	for recorded, err := range a.store.ReadStreamBackwards(ctx, eventschema.PersonStream(by.Tenant, id).String()) {
		if err != nil {
			return httpapi.PersonView{}, outward(err)
		}
		view.Revision = recorded.Revision
		break
	}
	return view, nil
}

// People implements [httpapi.Reading].
func (a *App) People(ctx context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PersonView, error) {
	opened, err := a.openDirectory(ctx, by)
	if err != nil {
		return nil, outward(err)
	}
	from := 0
	if after != uuid.Nil {
		from = 1 + slices.IndexFunc(opened.people, func(p httpapi.PersonView) bool { return p.PersonID == after })
	}
	return opened.people[from:min(from+limit, len(opened.people))], nil
}

// namesOfWorks gives the names to show beside work records: the person's, or why
// there is none. The record of an erased person stays; its fence knows the case.
func (a *App) namesOfWorks(ctx context.Context, by httpapi.Principal, works []uuid.UUID) (map[uuid.UUID]httpapi.Personal, error) {
	opened, err := a.openDirectory(ctx, by)
	if err != nil {
		return nil, err
	}
	names := make(map[uuid.UUID]httpapi.Personal, len(works))
	var strangers []uuid.UUID
	for _, work := range works {
		if p, known := opened.worker(work); known {
			names[work] = p.LegalName
		} else {
			strangers = append(strangers, work)
		}
	}
	if len(strangers) == 0 {
		return names, nil
	}
	status, err := a.keys.Status(ctx, a.tenant, strangers...)
	if err != nil {
		return nil, err
	}
	for _, work := range strangers {
		state := eventschema.StateUnavailable
		if status[work].Case != uuid.Nil {
			state = eventschema.StateErased
		}
		names[work] = a.personal(ctx, eventschema.Withheld(state, status[work].Case))
	}
	return names, nil
}

// Presence implements [httpapi.Reading].
func (a *App) Presence(ctx context.Context, by httpapi.Principal, after uuid.UUID, limit int) ([]httpapi.PresenceView, error) {
	all, err := a.PresenceAt(ctx, by, a.clock())
	if err != nil {
		return nil, outward(err)
	}
	from, _ := slices.BinarySearchFunc(all, after, func(p httpapi.PresenceView, id uuid.UUID) int {
		if slices.Compare(p.WorkID[:], id[:]) <= 0 {
			return -1
		}
		return 1
	})
	return all[from:min(from+limit, len(all))], nil
}

// PresenceAt lists who was in at an instant, by work id.
func (a *App) PresenceAt(ctx context.Context, by httpapi.Principal, at time.Time) ([]httpapi.PresenceView, error) {
	present, err := projections.WhoIsIn(ctx, a.models.Querier(), by.Tenant, at)
	if err != nil {
		return nil, err
	}
	works := make([]uuid.UUID, len(present))
	for i := range present {
		works[i] = present[i].WorkID
	}
	names, err := a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	views := make([]httpapi.PresenceView, len(present))
	for i, p := range present {
		views[i] = httpapi.PresenceView{WorkID: p.WorkID, Since: p.Since, Zone: p.Zone, Station: p.Station, PunchID: p.PunchID, Name: names[p.WorkID]}
	}
	return views, nil
}

// Hours implements [httpapi.Reading].
func (a *App) Hours(ctx context.Context, by httpapi.Principal, q httpapi.HoursQuestion) (httpapi.HoursView, error) {
	work := q.Work
	if q.Person != uuid.Nil {
		person, err := a.Person(ctx, by, q.Person)
		if err != nil {
			return httpapi.HoursView{}, err
		}
		if person.WorkID.State() == eventschema.StateErased {
			return httpapi.HoursView{}, a.erased(ctx, person.WorkID.Case())
		}
		if work, err = WorkIDOf(person); err != nil {
			return httpapi.HoursView{}, err
		}
	}
	view, err := a.HoursOfWork(ctx, work, q.From, q.To)
	return view, outward(err)
}

// HoursOfWork lists the days of one work record, both ends included.
func (a *App) HoursOfWork(ctx context.Context, work uuid.UUID, from, to string) (httpapi.HoursView, error) {
	days := projections.Days{Works: []uuid.UUID{work}, From: from, To: to}
	intervals, err := projections.IntervalsOf(ctx, a.models.Querier(), a.tenant, days)
	if err != nil {
		return httpapi.HoursView{}, err
	}
	exceptions, err := projections.ExceptionsOf(ctx, a.models.Querier(), a.tenant, days, a.clock())
	if err != nil {
		return httpapi.HoursView{}, err
	}
	byDate := map[string]*httpapi.DayView{}
	day := func(date string) *httpapi.DayView {
		if byDate[date] == nil {
			byDate[date] = &httpapi.DayView{Date: date}
		}
		return byDate[date]
	}
	for _, i := range intervals {
		d := day(i.WorkDate)
		d.Intervals = append(d.Intervals, httpapi.IntervalView{In: i.In, Out: i.Out, Start: i.Start, End: i.End})
	}
	for _, e := range exceptions {
		d := day(e.WorkDate)
		d.Exceptions = append(d.Exceptions, httpapi.ExceptionView{Punch: e.Punch, Code: string(e.Code), At: e.At})
	}
	view := httpapi.HoursView{WorkID: work, RuleVersion: hours.DefaultPairing().Version}
	for _, d := range byDate {
		view.Days = append(view.Days, *d)
	}
	slices.SortFunc(view.Days, func(x, y httpapi.DayView) int {
		if x.Date < y.Date {
			return -1
		}
		return 1
	})
	return view, nil
}

// WorkerHours is the worked time of one work record over some days.
type WorkerHours struct {
	WorkID     uuid.UUID
	Name       httpapi.Personal
	Seconds    int64
	Days       int // with at least one interval
	Exceptions int // repeats of the same key left out
}

// HoursOfAll adds up the hours of everybody, the longest first.
func (a *App) HoursOfAll(ctx context.Context, by httpapi.Principal, from, to string) ([]WorkerHours, error) {
	days := projections.Days{From: from, To: to}
	byDay, err := projections.HoursByDay(ctx, a.models.Querier(), by.Tenant, days)
	if err != nil {
		return nil, err
	}
	exceptions, err := projections.ExceptionsOf(ctx, a.models.Querier(), by.Tenant, days, a.clock())
	if err != nil {
		return nil, err
	}
	sums := map[uuid.UUID]*WorkerHours{}
	of := func(work uuid.UUID) *WorkerHours {
		if sums[work] == nil {
			sums[work] = &WorkerHours{WorkID: work}
		}
		return sums[work]
	}
	for _, d := range byDay {
		w := of(d.WorkID)
		w.Seconds += d.Seconds
		w.Days++
	}
	for _, e := range exceptions {
		if e.Code != hours.RepeatPunch {
			of(e.WorkID).Exceptions++
		}
	}
	works := make([]uuid.UUID, 0, len(sums))
	for work := range sums {
		works = append(works, work)
	}
	names, err := a.namesOfWorks(ctx, by, works)
	if err != nil {
		return nil, err
	}
	all := make([]WorkerHours, 0, len(sums))
	for work, w := range sums {
		w.Name = names[work]
		all = append(all, *w)
	}
	slices.SortFunc(all, func(x, y WorkerHours) int {
		if x.Seconds != y.Seconds {
			return int(y.Seconds - x.Seconds)
		}
		return slices.Compare(x.WorkID[:], y.WorkID[:])
	})
	return all, nil
}

// History implements [httpapi.Reading]: the events of the person's own stream,
// of the erasure cases about them and, while the link can be read, of their
// work record.
func (a *App) History(ctx context.Context, by httpapi.Principal, id uuid.UUID, after uint64, limit int) ([]httpapi.EventView, error) {
	person, err := a.Person(ctx, by, id)
	if err != nil {
		return nil, err
	}
	streams := []uuid.UUID{id}
	if work, err := WorkIDOf(person); err == nil {
		streams = append(streams, work)
	}
	cases, err := projections.ErasuresOf(ctx, a.models.Querier(), by.Tenant, id)
	if err != nil {
		return nil, outward(err)
	}
	for _, c := range cases {
		streams = append(streams, c.CaseID)
	}
	query := projections.AuditQuery{Streams: streams, OldestFirst: true, Limit: limit}
	if after > 0 {
		query.From = &after
	}
	entries, err := projections.Audit(ctx, a.models.Querier(), by.Tenant, query)
	if err != nil {
		return nil, outward(err)
	}
	return a.openEntries(ctx, by, entries)
}

// openEntries reads the events behind entries of the feed, a run of one stream
// at a time, and opens them.
func (a *App) openEntries(ctx context.Context, by httpapi.Principal, entries []projections.AuditEntry) ([]httpapi.EventView, error) {
	wanted := map[string]map[uint64]int{}
	first := map[string]uint64{}
	for i, e := range entries {
		stream := e.Stream.String()
		if wanted[stream] == nil {
			wanted[stream], first[stream] = map[uint64]int{}, e.Revision
		}
		wanted[stream][e.Revision] = i
		first[stream] = min(first[stream], e.Revision)
	}
	views := make([]httpapi.EventView, len(entries))
	for stream, revisions := range wanted {
		left := len(revisions)
		for recorded, err := range a.store.ReadStream(ctx, stream, first[stream]) {
			if err != nil {
				return nil, outward(err)
			}
			i, asked := revisions[recorded.Revision]
			if !asked {
				continue
			}
			if views[i], err = a.eventView(ctx, by, recorded); err != nil {
				return nil, outward(err)
			}
			if left--; left == 0 {
				break
			}
		}
		if left > 0 {
			return nil, fmt.Errorf("%d events of %s are in the feed and not in the store", left, stream)
		}
	}
	return views, nil
}

func (a *App) eventView(ctx context.Context, by httpapi.Principal, recorded eventschema.Recorded) (httpapi.EventView, error) {
	decoded, err := a.registry.Decode(recorded)
	if err != nil {
		return httpapi.EventView{}, err
	}
	if err := a.registry.Open(ctx, a.keys, &decoded, by.Use()); err != nil {
		return httpapi.EventView{}, err
	}
	facts, err := json.Marshal(decoded.Event)
	if err != nil {
		return httpapi.EventView{}, fmt.Errorf("show %s at position %d: %w", recorded.Type, recorded.Position, eventschema.ErrPayload)
	}
	view := httpapi.EventView{
		Position: recorded.Position, Revision: recorded.Revision, Stream: recorded.Stream, EventID: recorded.ID,
		Type: recorded.Type, RecordedAt: recorded.Created, Actor: decoded.Meta.Actor, Facts: facts,
	}
	for _, section := range decoded.Event.Sections() {
		for _, field := range section.Fields {
			if field.Value.State() == eventschema.StateAbsent {
				continue
			}
			view.Personal = append(view.Personal, httpapi.NamedPersonal{
				Section: section.Name, Field: field.Name, Purpose: section.Purpose, Value: a.personal(ctx, *field.Value),
			})
		}
	}
	return view, nil
}

// ErasureEntry is one case of the register.
type ErasureEntry struct {
	Case        uuid.UUID `json:"case"`
	Person      uuid.UUID `json:"person_id"`
	State       string    `json:"state"`
	RequestedAt time.Time `json:"requested_at"`
	Leaf        *uint64   `json:"certificate_leaf,omitempty"`
}

// ErasureRegister lists every case, the one with the latest news first.
func (a *App) ErasureRegister(ctx context.Context) ([]ErasureEntry, error) {
	const page = 500
	var all []ErasureEntry
	for before := uint64(0); ; {
		cases, err := projections.Erasures(ctx, a.models.Querier(), a.tenant, before, page)
		if err != nil {
			return nil, err
		}
		for _, c := range cases {
			entry := ErasureEntry{Case: c.CaseID, Person: c.PersonID, State: string(c.State)}
			if c.RequestedAt != nil {
				entry.RequestedAt = *c.RequestedAt
			}
			if c.State == projections.ErasureCertified {
				entry.Leaf = &c.Leaf
			}
			all = append(all, entry)
			before = c.Position
		}
		if len(cases) < page {
			return all, nil
		}
	}
}

// Rebuild fills the read models from the log again and switches to them.
func (a *App) Rebuild(ctx context.Context, progress func(done uint64)) (postgres.Rebuilt, error) {
	started := a.clock()
	rebuilt, err := a.models.Rebuild(ctx, a.whole.ReadAll(ctx, 0), progress)
	rebuilt.Duration = a.clock().Sub(started)
	return rebuilt, err
}

// CheckModels compares the live read models with a rebuild beside them.
func (a *App) CheckModels(ctx context.Context) ([]postgres.Difference, error) {
	return a.models.Check(ctx, a.whole.ReadAll(ctx, 0))
}

// ReadModels is where the queries of the projections are put.
func (a *App) ReadModels() projections.Querier { return a.models.Querier() }
