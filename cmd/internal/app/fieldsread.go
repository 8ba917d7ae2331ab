package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// DefinedFields implements [httpapi.Fields].
func (a *App) DefinedFields(ctx context.Context, _ httpapi.Principal) ([]httpapi.FieldDefinition, error) {
	rows, err := projections.Fields(ctx, a.models.Querier(), a.tenant)
	if err != nil {
		return nil, outward(err)
	}
	definitions := make([]httpapi.FieldDefinition, len(rows))
	for i, row := range rows {
		definitions[i] = definitionOf(row)
	}
	return definitions, nil
}

func definitionOf(row projections.Field) httpapi.FieldDefinition {
	return httpapi.FieldDefinition{
		Field: field.Field{
			Code: row.Code, Label: row.Label, Purpose: row.Purpose, Sensitivity: row.Sensitivity, Kind: row.Kind,
			Choices: row.Choices, MaxLength: row.MaxLength, Retired: row.RetiredAt != nil,
		},
		DefinedAt: row.DefinedAt, RetiredAt: row.RetiredAt,
	}
}

// readerOfFields says as whom somebody reads fields.
func readerOfFields(by httpapi.Principal, ground field.Ground) field.Reader {
	return field.Reader{Role: string(by.Role), Use: by.Use(), Ground: ground}
}

// PersonFields implements [httpapi.Fields].
func (a *App) PersonFields(ctx context.Context, by httpapi.Principal, id uuid.UUID, ground field.Ground) (httpapi.PersonFieldsView, error) {
	if ground != "" && !slices.Contains(field.Grounds(), ground) {
		return httpapi.PersonFieldsView{}, outward(field.ErrGround)
	}
	of, err := a.Today().fieldsOf(ctx, by, ground, nil, id)
	if err != nil {
		return httpapi.PersonFieldsView{}, outward(err)
	}
	view, known := of[id]
	if !known {
		return httpapi.PersonFieldsView{}, httpapi.ErrNotFound
	}
	if view.Revision, err = a.revisionOf(ctx, eventschema.PersonStream(a.tenant, id)); err != nil {
		return httpapi.PersonFieldsView{}, outward(err)
	}
	return view, nil
}

// revisionOf is the revision of a stream's last event.
func (a *App) revisionOf(ctx context.Context, stream eventschema.StreamName) (uint64, error) {
	for recorded, err := range a.store.ReadStreamBackwards(ctx, stream.String()) {
		return recorded.Revision, err
	}
	return 0, nil
}

// fieldReading opens the fields of several people.
type fieldReading struct {
	*App
	by     httpapi.Principal
	reader field.Reader
	fields []projections.Field
	leaves map[uuid.UUID]*uint64
}

// fieldsOf opens the fields of the people that the world knows; of the codes given, or of
// every one. It reads two tables, whoever many the people are.
func (w *World) fieldsOf(ctx context.Context, by httpapi.Principal, ground field.Ground, codes []string, ids ...uuid.UUID) (map[uuid.UUID]httpapi.PersonFieldsView, error) {
	r := fieldReading{App: w.a, by: by, reader: readerOfFields(by, ground), leaves: map[uuid.UUID]*uint64{}}
	var err error
	if r.fields, err = projections.Fields(ctx, w.q, w.a.tenant); err != nil {
		return nil, err
	}
	if codes != nil {
		r.fields = slices.DeleteFunc(r.fields, func(f projections.Field) bool { return !slices.Contains(codes, f.Code) })
	}
	people, err := projections.PeopleByID(ctx, w.q, w.a.tenant, ids)
	if err != nil {
		return nil, err
	}
	links := make(map[uuid.UUID]httpapi.Personal, len(people))
	var works []uuid.UUID
	for _, p := range people {
		view, err := w.a.openPerson(ctx, p, by.Use(), r.leaves)
		if err != nil {
			return nil, err
		}
		links[p.ID] = view.WorkID
		if work, err := WorkIDOf(view); err == nil {
			works = append(works, work)
		}
	}
	records, err := projections.WorkRecords(ctx, w.q, w.a.tenant, works)
	if err != nil {
		return nil, err
	}
	of := map[uuid.UUID]httpapi.PersonFieldsView{}
	for _, p := range people {
		if of[p.ID], err = r.open(ctx, p, links[p.ID], records); err != nil {
			return nil, err
		}
	}
	return of, nil
}

// open opens the fields of one person, whose work record is one of records unless the
// link to it cannot be read. Then nothing that is held for work can be.
func (r *fieldReading) open(ctx context.Context, p projections.Person, link httpapi.Personal, records []projections.WorkRecord) (httpapi.PersonFieldsView, error) {
	sections, values := p.Sections, field.Values{}
	id, err := idOf(link.Personal)
	i, found := slices.BinarySearchFunc(records, id, func(record projections.WorkRecord, id uuid.UUID) int { return slices.Compare(record.ID[:], id[:]) })
	switch {
	case err == nil && found:
		sections = slices.Concat(sections, records[i].Sections)
	case link.State() != eventschema.StateClear && link.State() != eventschema.StateAbsent:
		for _, f := range r.fields {
			if f.Purpose == eventschema.PurposeWork {
				values[f.Code] = link.Personal
			}
		}
	}
	for _, section := range sections {
		if !eventschema.JoinsFields(section.At.EventType) {
			continue
		}
		opened, err := r.registry.OpenSection(ctx, r.keys, section.At, section.Envelope, r.by.Use())
		if err == nil {
			err = values.Fold(opened[eventschema.FieldsName], r.heldAt(section))
		}
		if err != nil {
			return httpapi.PersonFieldsView{}, fmt.Errorf("position %d: %w", section.Position, err)
		}
	}
	view := httpapi.PersonFieldsView{PersonID: p.ID}
	for _, f := range r.fields {
		value, known := values[f.Code]
		if !known && f.RetiredAt != nil {
			continue
		}
		shown := httpapi.FieldView{FieldDefinition: definitionOf(f)}
		shown.Value = r.shown(ctx, shown.Field, p.ID, value)
		view.Fields = append(view.Fields, shown)
	}
	return view, nil
}

// heldAt lists the fields that a section may hold: those of its purpose that were
// defined before it.
func (r *fieldReading) heldAt(section projections.SealedSection) (codes []string) {
	for _, f := range r.fields {
		if f.Purpose == section.At.Purpose && f.Defined < section.Position {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// shown is a value as this reader may see it.
func (r *fieldReading) shown(ctx context.Context, f field.Field, of uuid.UUID, value eventschema.Personal) httpapi.Personal {
	return r.App.shownField(ctx, r.reader, f, of, value, r.leaves)
}

// shownField is a value of a field as a reader may see it: what is not for them is
// sealed, whether or not there is any; what was erased says so to everybody.
func (a *App) shownField(
	ctx context.Context, reader field.Reader, f field.Field, of uuid.UUID, value eventschema.Personal, leaves map[uuid.UUID]*uint64,
) httpapi.Personal {
	readable := value.State() == eventschema.StateClear || value.State() == eventschema.StateAbsent
	if readable && !reader.May(f) {
		value = eventschema.Withheld(eventschema.StateSealed, uuid.Nil)
	}
	shown := httpapi.Personal{Personal: value, Of: httpapi.ValueOf{
		Subject: of, ShownValue: eventschema.ShownValue{Field: string(f.Purpose) + "." + f.Code, Purpose: f.Purpose},
	}}
	if id := value.Case(); id != uuid.Nil {
		if _, looked := leaves[id]; !looked {
			leaves[id] = a.certificateLeaf(ctx, id)
		}
		shown.CertificateLeaf = leaves[id]
	}
	return shown
}

// errNoField refuses to give away what is no field.
var errNoField = errors.New("no such field of people: tracekeep fields list says which there are")
