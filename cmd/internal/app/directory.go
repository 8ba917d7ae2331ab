package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// directoryAge is how long the opened directory may be used: the cache time of
// any reader of keys.
const directoryAge = 60 * time.Second

// directory is the opened directory of people, in this process only. Search and
// sorting by name run on it, because the stored directory is sealed. It is a
// holder of personal values like any key cache: it is dropped when anything is
// erased and never used longer than [directoryAge].
type directory struct {
	mu       sync.Mutex
	opened   *openedDirectory
	position uint64
	at       time.Time
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
}

func (d *directory) current(position uint64, now time.Time) *openedDirectory {
	d.mu.Lock()
	defer d.mu.Unlock()
	age := now.Sub(d.at)
	if d.opened == nil || d.position != position || age < 0 || age > directoryAge {
		return nil
	}
	return d.opened
}

func (d *directory) keep(opened *openedDirectory, position uint64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened, d.position, d.at = opened, position, now
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
func (a *App) FindPerson(ctx context.Context, by httpapi.Principal, text string) ([]httpapi.PersonView, error) {
	opened, err := a.openDirectory(ctx, by)
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
		if name, readable := p.LegalName.Reveal(); readable && strings.Contains(strings.ToLower(name), wanted) {
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
