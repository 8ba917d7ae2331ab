package app

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// directoryAge is how long the opened directory may be used: the cache time of
// any reader of keys.
const directoryAge = 60 * time.Second

// directory is the opened directory of people, in this process only. Search and
// sorting by name run on it, because the stored directory is sealed. It is a
// holder of personal values like any key cache: it is dropped when anything is
// erased and never used longer than [directoryAge].
type directory struct {
	mu         sync.Mutex
	opened     *openedDirectory
	generation uint64 // counts the changes of people and keys this process heard of
	at         time.Time
}

// openedDirectory is one opening; it is not changed afterwards.
type openedDirectory struct {
	people []httpapi.PersonView // by person id
	byID   map[uuid.UUID]int
	byWork map[uuid.UUID]int
}

func (d *directory) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened = nil
	d.generation++
}

// current answers the opening that is still good, and the generation to keep a
// new one under.
func (d *directory) current(now time.Time) (opened *openedDirectory, generation uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if age := now.Sub(d.at); age >= 0 && age <= directoryAge {
		opened = d.opened
	}
	return opened, d.generation
}

// keep keeps an opening unless something changed while it was made.
func (d *directory) keep(opened *openedDirectory, generation uint64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation == generation {
		d.opened, d.at = opened, now
	}
}

// person finds a person by id.
func (o *openedDirectory) person(id uuid.UUID) (httpapi.PersonView, bool) {
	i, ok := o.byID[id]
	if !ok {
		return httpapi.PersonView{}, false
	}
	return o.people[i], true
}

// worker finds the person of a work record.
func (o *openedDirectory) worker(work uuid.UUID) (httpapi.PersonView, bool) {
	i, ok := o.byWork[work]
	if !ok {
		return httpapi.PersonView{}, false
	}
	return o.people[i], true
}

// FindPerson lists the people whose legal name contains the text, ignoring
// case, or whose id or work id it is. An empty text lists everybody, those whose
// name cannot be read included.
func (w *World) FindPerson(ctx context.Context, by httpapi.Principal, text string) ([]httpapi.PersonView, error) {
	open := w.a.openDirectory
	if w.replay != nil {
		open = func(ctx context.Context, by httpapi.Principal) (*openedDirectory, error) {
			return w.a.openPeople(ctx, w.q, by)
		}
	}
	opened, err := open(ctx, by)
	if err != nil {
		return nil, err
	}
	if id, err := uuid.Parse(text); err == nil {
		if p, ok := opened.person(id); ok {
			return []httpapi.PersonView{p}, nil
		}
		if p, ok := opened.worker(id); ok {
			return []httpapi.PersonView{p}, nil
		}
		return nil, nil
	}
	if text == "" {
		return opened.people, nil
	}
	wanted := strings.ToLower(strings.TrimSpace(text))
	var found []httpapi.PersonView
	for _, p := range opened.people {
		if name, readable := p.LegalName.Personal.Reveal(); readable && strings.Contains(strings.ToLower(name), wanted) {
			found = append(found, p)
		}
	}
	return found, nil
}

// personal wraps a value for a reader, with the leaf of its certificate when it
// was erased.
func (a *App) personal(ctx context.Context, value eventschema.Personal) httpapi.Personal {
	wrapped := httpapi.Personal{Personal: value}
	if value.Case() != uuid.Nil {
		wrapped.CertificateLeaf = a.certificateLeaf(ctx, value.Case())
	}
	return wrapped
}

// openDirectory opens the sealed directory for a reader, or answers the opening
// that is still good. Only the ordinary purpose of use is kept.
func (a *App) openDirectory(ctx context.Context, by httpapi.Principal) (*openedDirectory, error) {
	now := a.clock()
	// A process that does not own the folder hears of no change, and keeps nothing.
	ordinary := by.Use() == eventschema.UseService && a.Owner()
	kept, generation := a.directory.current(now)
	if ordinary && kept != nil {
		return kept, nil
	}
	opened, err := a.openPeople(ctx, a.models.Querier(), by)
	if err != nil {
		return nil, err
	}
	if ordinary {
		a.directory.keep(opened, generation, now)
	}
	return opened, nil
}

// openPeople opens everybody in a directory.
func (a *App) openPeople(ctx context.Context, q projections.Querier, by httpapi.Principal) (*openedDirectory, error) {
	opened := &openedDirectory{byID: map[uuid.UUID]int{}, byWork: map[uuid.UUID]int{}}
	const page = 1000
	leaves := map[uuid.UUID]*uint64{}
	for after := uuid.Nil; ; {
		people, err := projections.People(ctx, q, a.tenant, after, page)
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
			return opened, nil
		}
		after = ids[len(ids)-1]
	}
}

// openPerson opens the sections of one person in the order of the log; later
// values replace earlier ones.
func (a *App) openPerson(ctx context.Context, p projections.Person, use eventschema.Use, leaves map[uuid.UUID]*uint64) (httpapi.PersonView, error) {
	values, of := map[string]eventschema.Personal{}, map[string]httpapi.ValueOf{}
	for _, section := range p.Sections {
		if eventschema.JoinsFields(section.At.EventType) { // of the tenant's own fields; see fieldsOf
			continue
		}
		fields, err := a.registry.OpenSection(ctx, a.keys, section.At, section.Envelope, use)
		if err != nil {
			return httpapi.PersonView{}, fmt.Errorf("position %d: %w", section.Position, err)
		}
		maps.Copy(values, fields)
		for field := range fields {
			of[field] = httpapi.ValueOf{Subject: p.ID, ShownValue: eventschema.ShownValue{Field: section.At.Section + "." + field, Purpose: section.At.Purpose}}
		}
	}
	wrap := func(field string) httpapi.Personal {
		value := values[field]
		wrapped := httpapi.Personal{Personal: value, Of: of[field]}
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

// errRestricted refuses what restricted processing does not leave (GDPR Art. 18(2)).
var errRestricted = &httpapi.Refusal{
	Code: "restricted", Message: "the values of this person are restricted: they are opened for legal claims and audits only",
}

// WorkIDOf reads the work id of a person. Of an erased one it answers
// *[httpapi.Erased], of a restricted one a refusal.
func WorkIDOf(p httpapi.PersonView) (uuid.UUID, error) {
	switch p.WorkID.State() {
	case eventschema.StateErased:
		return uuid.Nil, &httpapi.Erased{Case: p.WorkID.Case(), CertificateLeaf: p.WorkID.CertificateLeaf}
	case eventschema.StateRestricted, eventschema.StateHeld:
		return uuid.Nil, errRestricted
	case eventschema.StateAbsent, eventschema.StateClear, eventschema.StateSealed, eventschema.StateUnavailable:
	}
	id, err := idOf(p.WorkID.Personal)
	if err == nil && id == uuid.Nil {
		err = errLink
	}
	return id, err
}
