package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/eventschema"
)

// Who is registered?
//
// A sealed directory: of each person the dates, and every sealed section that
// an event ever held for them, with the coordinates under which it opens. A
// correction adds a section that holds only the values it changed, so a reader
// opens the sections of a name in the order of their positions and lets later
// values replace earlier ones. Work records stand in tables of their own and
// share no id with the person.
func people() Projection {
	return Projection{
		Name: "people", Question: "Who is registered?", Version: 1,
		Tables:   []string{"person", "person_section", "work_record", "work_section"},
		Personal: []string{"person_section.envelope", "work_section.envelope"},
		Schema: `
CREATE TABLE person (
	tenant_id uuid NOT NULL,
	person_id uuid NOT NULL,
	registered_at timestamptz,
	source text,
	closed_at timestamptz,
	closed_reason text,
	PRIMARY KEY (tenant_id, person_id)
);
CREATE TABLE person_section (
	tenant_id uuid NOT NULL,
	person_id uuid NOT NULL,
	position bigint NOT NULL,
	section text COLLATE "C" NOT NULL,` + sealedColumns + `
);
CREATE TABLE work_record (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	opened_at timestamptz NOT NULL,
	PRIMARY KEY (tenant_id, work_id)
);
CREATE TABLE work_section (
	tenant_id uuid NOT NULL,
	work_id uuid NOT NULL,
	position bigint NOT NULL,
	section text COLLATE "C" NOT NULL,` + sealedColumns + `
);`,
		Indexes: `
ALTER TABLE person_section ADD PRIMARY KEY (tenant_id, person_id, position, section);
ALTER TABLE work_section ADD PRIMARY KEY (tenant_id, work_id, position, section);`,
		Apply: applyPeople, expire: expireWorks("work_record", "work_section"),
	}
}

// sealedColumns are the authenticated coordinates beside the ciphertext, all as
// stored in the event.
const sealedColumns = `
	purpose text NOT NULL,
	subject uuid NOT NULL,
	period text NOT NULL,
	stream text NOT NULL,
	event_id uuid NOT NULL,
	event_type text NOT NULL,
	schema_version integer NOT NULL,
	envelope bytea NOT NULL`

type personRow struct {
	registeredAt, closedAt *time.Time
	source, closedReason   *string
}

func applyPeople(ctx context.Context, tx pgx.Tx, page Page) error {
	persons, opened := map[workKey]*personRow{}, map[workKey]time.Time{}
	personSections, workSections := sealedRows("person_section", "person_id"), sealedRows("work_section", "work_id")
	person := func(tenant, id uuid.UUID) *personRow {
		row := persons[workKey{tenant, id}]
		if row == nil {
			row = new(personRow)
			persons[workKey{tenant, id}] = row
		}
		return row
	}
	for i := range page.Events {
		d := &page.Events[i]
		switch e := d.Event.(type) {
		case *eventschema.PersonRegistered:
			row, source := person(d.Meta.Tenant, e.PersonID), storable(string(e.Source))
			row.registeredAt, row.source = &e.RegisteredAt, &source
			addSealed(personSections, d, e.PersonID)
		case *eventschema.PersonCorrected:
			person(d.Meta.Tenant, e.PersonID)
			addSealed(personSections, d, e.PersonID)
		case *eventschema.PersonFieldsSet:
			addSealed(personSections, d, e.PersonID)
		case *eventschema.WorkFieldsSet:
			addSealed(workSections, d, e.WorkID)
		case *eventschema.PersonClosed:
			row, reason := person(d.Meta.Tenant, e.PersonID), storable(e.Reason)
			row.closedAt, row.closedReason = &e.ClosedAt, &reason
		case *eventschema.WorkOpened:
			opened[workKey{d.Meta.Tenant, e.WorkID}] = e.OpenedAt
			addSealed(workSections, d, e.WorkID)
		}
	}
	if err := upsertPersons(ctx, tx, persons); err != nil {
		return fmt.Errorf("upsert people: %w", err)
	}
	if err := upsertWorkRecords(ctx, tx, opened); err != nil {
		return fmt.Errorf("upsert work records: %w", err)
	}
	if err := personSections.write(ctx, tx); err != nil {
		return fmt.Errorf("insert sections of people: %w", err)
	}
	if err := workSections.write(ctx, tx); err != nil {
		return fmt.Errorf("insert sections of work records: %w", err)
	}
	return nil
}

func sealedRows(table, id string) *copied {
	return copyInto(table, 0,
		"tenant_id", id, "position", "section", "purpose", "subject", "period", "stream", "event_id", "event_type", "schema_version", "envelope")
}

func addSealed(rows *copied, d *eventschema.Decoded, of uuid.UUID) {
	for _, s := range d.Sealed {
		at := d.At(s)
		rows.row()
		rows.uuid(at.Tenant)
		rows.uuid(of)
		rows.bigint(int64(d.Position))
		rows.text(at.Section)
		rows.text(string(at.Purpose))
		rows.uuid(at.Subject)
		rows.text(at.Period)
		rows.text(at.Stream)
		rows.uuid(at.EventID)
		rows.text(at.EventType)
		rows.integer(int32(at.SchemaVersion))
		rows.bytea(s.Envelope)
	}
}

func upsertPersons(ctx context.Context, tx pgx.Tx, persons map[workKey]*personRow) error {
	if len(persons) == 0 {
		return nil
	}
	var tenants, ids uuids
	var registered, closed []*time.Time
	var sources, reasons []*string
	for key, row := range persons {
		tenants.add(key.tenant)
		ids.add(key.work)
		registered, sources = append(registered, row.registeredAt), append(sources, row.source)
		closed, reasons = append(closed, row.closedAt), append(reasons, row.closedReason)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO person AS p (tenant_id, person_id, registered_at, source, closed_at, closed_reason)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::timestamptz[], $6::text[])
ON CONFLICT (tenant_id, person_id) DO UPDATE SET
	registered_at = COALESCE(EXCLUDED.registered_at, p.registered_at), source = COALESCE(EXCLUDED.source, p.source),
	closed_at = COALESCE(EXCLUDED.closed_at, p.closed_at), closed_reason = COALESCE(EXCLUDED.closed_reason, p.closed_reason)`,
		tenants, ids, registered, sources, closed, reasons)
	return err
}

func upsertWorkRecords(ctx context.Context, tx pgx.Tx, opened map[workKey]time.Time) error {
	if len(opened) == 0 {
		return nil
	}
	var tenants, works uuids
	var times []time.Time
	for key, at := range opened {
		tenants.add(key.tenant)
		works.add(key.work)
		times = append(times, at)
	}
	_, err := tx.Exec(ctx, `
INSERT INTO work_record (tenant_id, work_id, opened_at) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
ON CONFLICT (tenant_id, work_id) DO UPDATE SET opened_at = EXCLUDED.opened_at`, tenants, works, times)
	return err
}

// SealedSection is one section as stored, ready for an opener.
type SealedSection struct {
	At       eventschema.Coordinates
	Position uint64 // in the log; later values replace earlier ones of the same section
	Envelope []byte
}

// Person is one entry of the sealed directory.
type Person struct {
	ID           uuid.UUID
	RegisteredAt time.Time // UTC
	Source       eventschema.Source
	ClosedAt     *time.Time // nil while open
	Sections     []SealedSection
}

// WorkRecord is one work record with its sealed sections.
type WorkRecord struct {
	ID       uuid.UUID
	OpenedAt time.Time // UTC
	Sections []SealedSection
}

// People lists the registered people whose id comes after the one given, by id,
// at most limit. The nil id starts at the first; the last id continues.
func People(ctx context.Context, q Querier, tenant, after uuid.UUID, limit int) ([]Person, error) {
	return queryPeople(ctx, q, tenant, `person_id > $2 ORDER BY person_id LIMIT $3`, after, limit)
}

// PeopleByID lists those of some people who are registered, by id.
func PeopleByID(ctx context.Context, q Querier, tenant uuid.UUID, ids []uuid.UUID) ([]Person, error) {
	return queryPeople(ctx, q, tenant, `person_id = ANY($2::uuid[]) ORDER BY person_id`, uuidsOf(ids))
}

// PersonByID finds one person, or answers [ErrNotFound].
func PersonByID(ctx context.Context, q Querier, tenant, person uuid.UUID) (Person, error) {
	return one(queryPeople(ctx, q, tenant, `person_id = $2`, person))
}

func queryPeople(ctx context.Context, q Querier, tenant uuid.UUID, which string, args ...any) ([]Person, error) {
	rows, err := q.Query(ctx, `SELECT person_id, registered_at, source, closed_at FROM person
WHERE tenant_id = $1 AND registered_at IS NOT NULL AND `+which, append([]any{tenant}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("query people: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Person, err error) {
		err = row.Scan(&p.ID, &p.RegisteredAt, &p.Source, &p.ClosedAt)
		p.RegisteredAt, p.ClosedAt = p.RegisteredAt.UTC(), utc(p.ClosedAt)
		return p, err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	ids := make(uuids, len(found))
	for i := range found {
		ids[i] = found[i].ID
	}
	sections, err := querySections(ctx, q, tenant, "person_section", "person_id", ids)
	for i := range found {
		found[i].Sections = sections[found[i].ID]
	}
	return found, err
}

// WorkRecords finds the work records of the ids given, by id; ids without a
// record are left out.
func WorkRecords(ctx context.Context, q Querier, tenant uuid.UUID, works []uuid.UUID) ([]WorkRecord, error) {
	rows, err := q.Query(ctx, `SELECT work_id, opened_at FROM work_record WHERE tenant_id = $1 AND work_id = ANY($2) ORDER BY work_id`, tenant, uuidsOf(works))
	if err != nil {
		return nil, fmt.Errorf("query work records: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w WorkRecord, err error) {
		err = row.Scan(&w.ID, &w.OpenedAt)
		w.OpenedAt = w.OpenedAt.UTC()
		return w, err
	})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	sections, err := querySections(ctx, q, tenant, "work_section", "work_id", uuidsOf(works))
	for i := range found {
		found[i].Sections = sections[found[i].ID]
	}
	return found, err
}

func querySections(ctx context.Context, q Querier, tenant uuid.UUID, table, id string, of uuids) (map[uuid.UUID][]SealedSection, error) {
	rows, err := q.Query(ctx, fmt.Sprintf(`
SELECT %[1]s, position, section, purpose, subject, period, stream, event_id, event_type, schema_version, envelope
FROM %[2]s WHERE tenant_id = $1 AND %[1]s = ANY($2) ORDER BY %[1]s, position, section`, id, table), tenant, of)
	if err != nil {
		return nil, fmt.Errorf("query sealed sections: %w", err)
	}
	defer rows.Close()
	sections := make(map[uuid.UUID][]SealedSection, len(of))
	for rows.Next() {
		var owner uuid.UUID
		var position int64
		s := SealedSection{At: eventschema.Coordinates{Tenant: tenant}}
		if err := rows.Scan(&owner, &position, &s.At.Section, &s.At.Purpose, &s.At.Subject, &s.At.Period,
			&s.At.Stream, &s.At.EventID, &s.At.EventType, &s.At.SchemaVersion, &s.Envelope); err != nil {
			return nil, fmt.Errorf("read sealed sections: %w", err)
		}
		s.Position = uint64(position)
		sections[owner] = append(sections[owner], s)
	}
	return sections, rows.Err()
}
