package app

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/exporter"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/field"
	"tracekeep/projections"
)

// TableFormat is how a table is written.
type TableFormat struct {
	Format exporter.Format
	BOM    bool
}

// columns makes a table of names. One that ends in _utc holds instants, one that
// ends in * numbers; of a name that begins with ! there is a second column that
// holds the state of the personal value.
func columns(name, names string) exporter.Table {
	table := exporter.Table{Name: name}
	for column := range strings.FieldsSeq(names) {
		c := exporter.Column{Name: strings.Trim(column, "!*")}
		switch {
		case strings.HasSuffix(column, "_utc"):
			c.Kind = exporter.KindInstant
		case strings.HasSuffix(column, "*"):
			c.Kind = exporter.KindNumber
		}
		table.Columns = append(table.Columns, c)
		if strings.HasPrefix(column, "!") {
			table.Columns = append(table.Columns, exporter.Column{Name: c.Name + "_state"})
		}
	}
	return table
}

// placed are the cells of an instant: in UTC, by the clock of its place, and which
// clock that is.
func placed(at time.Time, zone string, offsetSeconds int) []exporter.Cell {
	local := at.In(time.FixedZone("", offsetSeconds))
	return []exporter.Cell{exporter.Instant(at), exporter.Text(local.Format(time.RFC3339Nano)), exporter.Text(zone)}
}

// hoursTable has a row for every interval of work, and one for hours that were
// declared without times of day.
var hoursTable = columns("hours", `work_id !name work_date start_utc start_local start_zone end_utc end_local end_zone seconds* hours
	job in_kind out_kind in_station out_station in_punch_id out_punch_id rule_version* declaration_id declared_by`)

// ExportHours writes the intervals of work and the declared hours of some days, by
// work id; declared hours come after the intervals of the same record.
func (w *World) ExportHours(ctx context.Context, by httpapi.Principal, order ExportOrder, format TableFormat) (Exported, error) {
	x := w.export(by, order)
	declared, err := w.declaredAt(ctx, order)
	if err != nil {
		return Exported{}, err
	}
	// Whose values are given is recorded first, and only theirs are written.
	if x.order.Works, err = projections.WorksOfIntervals(ctx, w.q, w.a.tenant, order.days(), order.Station); err != nil {
		return Exported{}, err
	}
	x.order.Works = withDeclaring(x.order.Works, declared)
	names, err := x.disclosed(ctx, x.order.Works)
	if err != nil {
		return Exported{}, err
	}
	return x.table(format.Format, format.BOM, hoursTable, func(row func(...exporter.Cell) error) error {
		if len(x.order.Works) == 0 {
			return nil
		}
		head := func(work uuid.UUID, date string) []exporter.Cell {
			return slices.Concat([]exporter.Cell{exporter.Text(work.String())}, x.cells(names[work]), []exporter.Cell{exporter.Text(date)})
		}
		// before writes what was declared of the records before one.
		before := func(work uuid.UUID) error {
			for len(declared) > 0 && slices.Compare(declared[0].WorkID[:], work[:]) < 0 {
				d := declared[0]
				declared = declared[1:]
				if err := row(slices.Concat(head(d.WorkID, d.WorkDate), make([]exporter.Cell, 6), lengthOf(d.Seconds), []exporter.Cell{exporter.Text(d.Job)}, make([]exporter.Cell, 7),
					[]exporter.Cell{exporter.Text(d.ID.String()), exporter.Text(d.Origin)})...); err != nil {
					return err
				}
			}
			return nil
		}
		err := projections.EachPlaced(ctx, w.q, w.a.tenant, x.order.days(), order.Station, func(i projections.PlacedInterval) error {
			if err := before(i.WorkID); err != nil {
				return err
			}
			return row(slices.Concat(head(i.WorkID, i.WorkDate),
				placed(i.Start, i.InAt.Zone, i.InAt.OffsetSeconds), placed(i.End, i.OutAt.Zone, i.OutAt.OffsetSeconds), lengthOf(i.Seconds),
				[]exporter.Cell{
					exporter.Text(i.Job), exporter.Text(string(i.InKind)), exporter.Text(string(i.OutKind)), exporter.Text(i.InAt.Station), exporter.Text(i.OutAt.Station),
					exporter.Text(i.In.String()), exporter.Text(i.Out.String()), exporter.Number(int64(i.RuleVersion)), {}, {},
				})...)
		})
		if err != nil {
			return err
		}
		return before(uuid.Max)
	})
}

// lengthOf are the cells of a length: in seconds, and in hours and minutes.
func lengthOf(seconds int64) []exporter.Cell {
	return []exporter.Cell{exporter.Number(seconds), exporter.Text(exporter.HoursMinutes(time.Duration(seconds) * time.Second))}
}

// declaredAt lists the declared hours that an order asks for, by work id and date.
func (w *World) declaredAt(ctx context.Context, order ExportOrder) ([]projections.Declaration, error) {
	declared, err := projections.DeclaredHours(ctx, w.q, w.a.tenant, order.days())
	if order.Station != "" {
		declared = slices.DeleteFunc(declared, func(d projections.Declaration) bool { return d.Origin != order.Station })
	}
	return declared, err
}

// withDeclaring adds the work records of declared hours, in order.
func withDeclaring(works []uuid.UUID, declared []projections.Declaration) []uuid.UUID {
	for _, d := range declared {
		works = append(works, d.WorkID)
	}
	slices.SortFunc(works, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return slices.Compact(works)
}

// punchesTable has a row for every punch: what counts, beside what was recorded.
var punchesTable = columns("punches", `work_id !name punch_id at_utc at_local zone direction kind station voided correction_reason
	recorded_utc recorded_local recorded_zone recorded_direction recorded_kind position* site job recorded_job visit_reason fence fence_metres*`)

// ExportPunches writes the punches of some days.
func (w *World) ExportPunches(ctx context.Context, by httpapi.Principal, order ExportOrder, format TableFormat) (Exported, error) {
	x := w.export(by, order)
	var err error
	if x.order.Works, err = projections.WorksOfPunches(ctx, w.q, w.a.tenant, order.days(), order.Station); err != nil {
		return Exported{}, err
	}
	names, err := x.disclosed(ctx, x.order.Works)
	if err != nil {
		return Exported{}, err
	}
	return x.table(format.Format, format.BOM, punchesTable, func(row func(...exporter.Cell) error) error {
		if len(x.order.Works) == 0 {
			return nil
		}
		return projections.EachPunch(ctx, w.q, w.a.tenant, x.order.days(), order.Station, func(p projections.Punch) error {
			voided, reason := "no", exporter.Cell{}
			if p.Voided {
				voided = "yes"
			}
			if p.CorrectedFor != "" {
				reason = exporter.Text(string(p.CorrectedFor))
			}
			fence := make([]exporter.Cell, 2)
			if p.Fence != nil {
				fence[0], fence[1] = exporter.Text(string(p.Fence.Verdict)), exporter.Number(int64(p.Fence.DistanceMetres))
			}
			return row(slices.Concat(
				[]exporter.Cell{exporter.Text(p.WorkID.String())}, x.cells(names[p.WorkID]), []exporter.Cell{exporter.Text(p.ID.String())},
				placed(p.Counts.OccurredAt, p.Zone, p.Counts.OffsetSeconds),
				[]exporter.Cell{
					exporter.Text(string(p.Counts.Direction)), exporter.Text(string(p.Counts.Kind)), exporter.Text(p.Station), exporter.Text(voided), reason,
				},
				placed(p.Recorded.OccurredAt, p.Zone, p.Recorded.OffsetSeconds),
				[]exporter.Cell{
					exporter.Text(string(p.Recorded.Direction)), exporter.Text(string(p.Recorded.Kind)), exporter.Number(int64(p.Position)),
					exporter.Text(p.Site), exporter.Text(p.Counts.Job), exporter.Text(p.Recorded.Job), exporter.Text(p.Reason),
				},
				fence,
			)...)
		})
	})
}

// PeopleFields are the personal values that an export of people may hold.
func PeopleFields() []string {
	return []string{"work_id", "legal_name", "birth_date", "email", "phone"}
}

// valuesOf are the values of those names, own ones among them.
func valuesOf(p httpapi.PersonView, own httpapi.PersonFieldsView, names []string) []httpapi.Personal {
	all := map[string]httpapi.Personal{"work_id": p.WorkID, "legal_name": p.LegalName, "birth_date": p.BirthDate, "email": p.Email, "phone": p.Phone}
	for _, f := range own.Fields {
		all[f.Code] = f.Value
	}
	values := make([]httpapi.Personal, len(names))
	for i, name := range names {
		values[i] = all[name]
	}
	return values
}

// ownFields opens the fields of the tenant's own that are named, of some people.
func (w *World) ownFields(ctx context.Context, by httpapi.Principal, ground field.Ground, people []httpapi.PersonView, names []string) (map[uuid.UUID]httpapi.PersonFieldsView, error) {
	own := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(PeopleFields(), name) })
	of := map[uuid.UUID]httpapi.PersonFieldsView{}
	if len(own) == 0 {
		return of, nil
	}
	defined, err := projections.Fields(ctx, w.q, w.a.tenant)
	if err != nil {
		return nil, err
	}
	for _, name := range own {
		if !slices.ContainsFunc(defined, func(f projections.Field) bool { return f.Code == name }) {
			return nil, errNoField
		}
	}
	const page = 1000
	for some := range slices.Chunk(people, page) {
		ids := make([]uuid.UUID, len(some))
		for i, p := range some {
			ids[i] = p.PersonID
		}
		opened, err := w.fieldsOf(ctx, by, ground, own, ids...)
		if err != nil {
			return nil, err
		}
		maps.Copy(of, opened)
	}
	return of, nil
}

// ExportPeople writes the people who were registered by the last day and not closed
// before the first one (UTC), or person alone; with the values of [PeopleFields]
// and fields of the tenant's own that are named. Without a ground values of special
// categories stay sealed.
func (w *World) ExportPeople(ctx context.Context, by httpapi.Principal, order ExportOrder, person uuid.UUID, fields []string, format TableFormat) (Exported, error) {
	x := w.export(by, order)
	all, err := w.FindPerson(ctx, by, "")
	if err != nil {
		return Exported{}, err
	}
	var people []httpapi.PersonView
	var values []httpapi.Personal
	for _, p := range all {
		registered := p.RegisteredAt.UTC().Format(time.DateOnly)
		if person != uuid.Nil && p.PersonID != person || registered > order.To || p.ClosedAt != nil && p.ClosedAt.UTC().Format(time.DateOnly) < order.From {
			continue
		}
		people = append(people, p)
		if p.WorkID.Case() != uuid.Nil {
			x.done.Withheld++
		}
	}
	own, err := w.ownFields(ctx, by, order.Special, people, fields)
	if err != nil {
		return Exported{}, err
	}
	for _, p := range people {
		values = append(values, valuesOf(p, own[p.PersonID], fields)...)
	}
	if err := x.disclose(ctx, values); err != nil {
		return Exported{}, err
	}
	table := columns("people", "person_id registered_utc closed_utc !"+strings.Join(fields, " !"))
	return x.table(format.Format, format.BOM, table, func(row func(...exporter.Cell) error) error {
		for _, p := range people {
			cells := []exporter.Cell{exporter.Text(p.PersonID.String()), exporter.Instant(p.RegisteredAt), {}}
			if p.ClosedAt != nil {
				cells[2] = exporter.Instant(*p.ClosedAt)
			}
			for _, value := range valuesOf(p, own[p.PersonID], fields) {
				cells = append(cells, x.cells(value)...)
			}
			if err := row(cells...); err != nil {
				return err
			}
		}
		return nil
	})
}
