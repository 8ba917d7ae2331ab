package eventschema_test

import (
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// The events below are wrong on purpose, each in one way.

// Planted names them; it is exported so that embedding it is no mistake of its own.
type Planted struct{}

func (Planted) EventType() string               { return "planted" }
func (Planted) Sections() []eventschema.Section { return nil }

func inSection(subject uuid.UUID, purpose eventschema.Purpose, fields ...eventschema.Field) []eventschema.Section {
	return []eventschema.Section{{Name: "identity", Purpose: purpose, Subject: subject, Fields: fields}}
}

type forgotten struct {
	Planted `json:"planted"`
	Name    eventschema.Personal `json:"-"`
}

type twice struct {
	PersonID uuid.UUID            `json:"person_id"`
	Name     eventschema.Personal `json:"-"`
}

func (e *twice) EventType() string { return "planted" }
func (e *twice) Sections() []eventschema.Section {
	one := eventschema.Section{Name: "identity", Purpose: eventschema.PurposeIdentity, Subject: e.PersonID, Fields: []eventschema.Field{{Name: "name", Value: &e.Name}}}
	two := one
	two.Name = "contact"
	return []eventschema.Section{one, two}
}

type nested struct {
	Planted `json:"planted"`
	Parts   []struct {
		Name eventschema.Personal `json:"-"`
	} `json:"parts"`
}

type mapped struct {
	Planted `json:"planted"`
	ByDay   map[string]eventschema.Personal `json:"by_day"`
}

type pointed struct {
	Planted `json:"planted"`
	Name    *eventschema.Personal `json:"name"`
}

type marshalled struct {
	PersonID uuid.UUID            `json:"person_id"`
	Name     eventschema.Personal `json:"name"`
}

func (e *marshalled) EventType() string { return "planted" }
func (e *marshalled) Sections() []eventschema.Section {
	return inSection(e.PersonID, eventschema.PurposeIdentity, eventschema.Field{Name: "name", Value: &e.Name})
}

type unexported struct {
	Planted `json:"planted"`
	name    eventschema.Personal //nolint:unused // the mistake
}

type anything struct {
	Planted `json:"planted"`
	Extra   any `json:"extra"`
}

type unnamed struct {
	Planted `json:"planted"`
	Site    string
}

type sealedName struct {
	Planted `json:"planted"`
	Sealed  bool `json:"sealed"`
}

type elsewhere struct {
	PersonID uuid.UUID `json:"person_id"`
}

func (e *elsewhere) EventType() string { return "planted" }
func (e *elsewhere) Sections() []eventschema.Section {
	return inSection(e.PersonID, eventschema.PurposeIdentity, eventschema.Field{Name: "name", Value: new(eventschema.Personal)})
}

type purposeless struct {
	PersonID uuid.UUID            `json:"person_id"`
	Name     eventschema.Personal `json:"-"`
}

func (e *purposeless) EventType() string { return "planted" }
func (e *purposeless) Sections() []eventschema.Section {
	return inSection(e.PersonID, "curiosity", eventschema.Field{Name: "name", Value: &e.Name})
}

type subjectless struct {
	PersonID uuid.UUID            `json:"person_id"`
	Name     eventschema.Personal `json:"-"`
}

func (e *subjectless) EventType() string { return "planted" }
func (e *subjectless) Sections() []eventschema.Section {
	return inSection(uuid.Nil, eventschema.PurposeIdentity, eventschema.Field{Name: "name", Value: &e.Name})
}

// tooCoarse seals locations under one key for all months.
type tooCoarse struct {
	WorkID uuid.UUID            `json:"work_id"`
	Point  eventschema.Personal `json:"-"`
}

func (e *tooCoarse) EventType() string { return "planted" }
func (e *tooCoarse) Sections() []eventschema.Section {
	return inSection(e.WorkID, eventschema.PurposeLocation, eventschema.Field{Name: "point", Value: &e.Point})
}

type wrongSubject struct {
	PersonID uuid.UUID            `json:"person_id"`
	Number   eventschema.Personal `json:"-"`
}

func (e *wrongSubject) EventType() string { return "planted" }
func (e *wrongSubject) Sections() []eventschema.Section {
	return inSection(e.PersonID, eventschema.PurposeWork, eventschema.Field{Name: "number", Value: &e.Number})
}

type itemless struct {
	PersonID uuid.UUID            `json:"person_id"`
	Text     eventschema.Personal `json:"-"`
}

func (e *itemless) EventType() string { return "planted" }
func (e *itemless) Sections() []eventschema.Section {
	return inSection(e.PersonID, eventschema.PurposeNotes, eventschema.Field{Name: "text", Value: &e.Text})
}
