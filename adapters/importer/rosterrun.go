package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// rosterRun is one import under way.
type rosterRun struct {
	o    RosterOptions
	sink RosterSink
	sum  RosterSummary
	key  keyKind

	file    *RosterFile // being read
	people  map[string]Person
	known   map[string]uuid.UUID
	taught  map[string]bool // ids of classes that are defined
	classes []RosterClass
	rows    []enrolmentRow
	left    *RosterStanding // what bulk files leave out; nil where none is bulk
	// modified says when the program changed a person last, where it says so.
	modified map[string]time.Time

	verdicts *csv.Writer
}

// enrolmentRow is an enrolment whose person is not known yet.
type enrolmentRow struct {
	key    string
	person *Person // what the row itself says of them
	RosterEnrolment
}

// RunRoster imports classes, the people enrolled in them and their enrolments. It may be
// repeated with the same files: nothing is recorded twice. The summary counts what was
// done also when there is an error.
//
// Errors: [ErrOptions], [ErrRoster], [ErrRemovals], [ErrMapping], [ErrTooLarge], [ErrPeopleTooLarge],
// those of the readers and the sink, and ctx's.
func RunRoster(ctx context.Context, o RosterOptions, sink RosterSink) (RosterSummary, error) {
	if err := o.Validate(); err != nil {
		return RosterSummary{}, err
	}
	format, key := OneRoster, byID
	if o.Mapping != nil {
		if o.Mapping.Enrolment == nil {
			return RosterSummary{}, fmt.Errorf("%w: it describes punches; enrolment is missing", ErrMapping)
		}
		format, key = o.Mapping.Name, o.Mapping.Person.By
	}
	if o.Station == "" {
		o.Station = format
	}
	if o.BatchRows == 0 {
		o.BatchRows = 1000
	}
	if o.MaxRejects == 0 {
		o.MaxRejects = 1000
	}
	if o.Progress == nil {
		o.Progress = func(RosterProgress) {}
	}
	r := &rosterRun{
		o: o, sink: sink, key: key, people: map[string]Person{}, known: map[string]uuid.UUID{}, taught: map[string]bool{},
		modified: map[string]time.Time{},
		sum: RosterSummary{
			Format: format, Station: o.Station, Zone: o.Zone.String(), Files: []RosterFile{},
			Classes: map[Told]int64{}, Enrolments: map[Told]int64{}, RejectsByReason: map[Reason]int64{},
		},
	}
	if o.Rejects != nil {
		r.verdicts = csv.NewWriter(o.Rejects)
		if !o.Continues {
			_ = r.verdicts.Write([]string{"file", "line", "reason", "message"}) // kept by the writer, seen at the next flush
		}
	}
	read := r.oneRoster
	if o.Mapping != nil {
		read = r.table
	}
	err := read(ctx)
	return r.sum, errors.Join(err, r.flushVerdicts())
}

// today is the day of the import at the sites.
func (r *rosterRun) today() string { return r.o.Now.In(r.o.Zone).Format(time.DateOnly) }

// reject accounts for a row that is not taken.
func (r *rosterRun) reject(file *RosterFile, line int64, reason Reason) {
	rejected := reject(line, reason)
	rejected.File = file.Name
	file.Rejected++
	r.sum.Rejected++
	r.sum.RejectsByReason[reason]++
	if len(r.sum.Rejects) < r.o.MaxRejects {
		r.sum.Rejects = append(r.sum.Rejects, rejected)
	}
	if r.verdicts != nil {
		_ = r.verdicts.Write([]string{file.Name, fmt.Sprint(line), string(reason), rejected.Message})
	}
}

func (r *rosterRun) flushVerdicts() error {
	if r.verdicts == nil {
		return nil
	}
	r.verdicts.Flush()
	return r.verdicts.Error()
}

// define hands a class over, with others.
func (r *rosterRun) define(ctx context.Context, c RosterClass) error {
	r.classes = append(r.classes, c)
	if len(r.classes) < r.o.BatchRows {
		return nil
	}
	return r.defineAll(ctx)
}

func (r *rosterRun) defineAll(ctx context.Context) error {
	if len(r.classes) == 0 {
		return nil
	}
	verdicts, err := r.sink.Define(ctx, r.o.Station, r.classes)
	if err != nil {
		return fmt.Errorf("define the classes of lines %d to %d: %w", r.classes[0].Line, r.classes[len(r.classes)-1].Line, err)
	}
	for i, v := range verdicts {
		if v.Told == ToldRefused {
			r.reject(r.file, r.classes[i].Line, v.Reason)
			continue
		}
		r.classEnded(r.classes[i], v, byProgram)
	}
	r.classes = r.classes[:0]
	r.o.Progress(RosterProgress{File: r.file.Name, Rows: r.sum.Rows})
	return r.flushVerdicts()
}

// enrol hands an enrolment over, with others.
func (r *rosterRun) enrol(ctx context.Context, row enrolmentRow) error {
	r.rows = append(r.rows, row)
	if len(r.rows) < r.o.BatchRows {
		return nil
	}
	return r.enrolAll(ctx)
}

// enrolAll registers who occurs for the first time, and then enrols. Who is in no class
// that is known is not registered.
func (r *rosterRun) enrolAll(ctx context.Context) error {
	if len(r.rows) == 0 {
		return nil
	}
	if err := r.findClasses(ctx); err != nil {
		return err
	}
	if err := r.resolve(ctx); err != nil {
		return err
	}
	batch := make([]RosterEnrolment, 0, len(r.rows))
	for _, row := range r.rows {
		work, known := r.known[row.key]
		if !known {
			r.reject(r.file, row.Line, UnknownUser)
			continue
		}
		row.Work = work
		batch = append(batch, row.RosterEnrolment)
	}
	r.rows = r.rows[:0]
	if len(batch) > 0 {
		verdicts, err := r.sink.Enrol(ctx, r.o.Station, batch)
		if err != nil {
			return fmt.Errorf("record the enrolments of lines %d to %d: %w", batch[0].Line, batch[len(batch)-1].Line, err)
		}
		for i, v := range verdicts {
			if v.Told == ToldRefused {
				r.reject(r.file, batch[i].Line, v.Reason)
				continue
			}
			r.enrolmentEnded(batch[i], v, byProgram)
		}
	}
	r.o.Progress(RosterProgress{File: r.file.Name, Rows: r.sum.Rows})
	return r.flushVerdicts()
}

// findClasses rejects the rows whose class is not defined.
func (r *rosterRun) findClasses(ctx context.Context) error {
	var ids []string
	asked := map[string]bool{}
	for _, row := range r.rows {
		if !r.taught[row.Class] && !asked[row.Class] {
			asked[row.Class], ids = true, append(ids, row.Class)
		}
	}
	if len(ids) > 0 {
		known, err := r.sink.Classes(ctx, r.o.Station, ids)
		if err != nil {
			return fmt.Errorf("find the classes of lines %d to %d: %w", r.rows[0].Line, r.rows[len(r.rows)-1].Line, err)
		}
		if len(r.taught)+len(ids) > maxKept {
			clear(r.taught) // the sink is asked again: memory stays bounded
		}
		for _, id := range ids {
			asked[id] = known[id]
			if known[id] {
				r.taught[id] = true
			}
		}
	}
	kept := r.rows[:0]
	for _, row := range r.rows {
		if defined, fresh := asked[row.Class]; fresh && !defined {
			r.reject(r.file, row.Line, UnknownClass)
			continue
		}
		kept = append(kept, row)
	}
	r.rows = kept
	return nil
}

// resolve asks the sink about everybody of the batch who has not been asked about.
// Somebody whose enrolment only ends is not registered for it.
func (r *rosterRun) resolve(ctx context.Context) error {
	if len(r.known)+len(r.rows) > MaxPeople {
		clear(r.known) // the sink is asked again: memory stays bounded
	}
	var keys []string
	asked, owners := map[string]bool{}, map[string]Person{}
	for _, row := range r.rows {
		if _, known := r.known[row.key]; known {
			continue
		}
		if !asked[row.key] {
			asked[row.key], keys = true, append(keys, row.key)
		}
		if row.Removed {
			continue
		}
		if person, ok := r.people[row.key]; ok {
			owners[row.key] = person
		} else if row.person != nil {
			owners[row.key] = *row.person
		}
	}
	if len(keys) == 0 {
		return nil
	}
	known, registered, err := r.sink.Resolve(ctx, r.o.Station, keys, owners)
	if err != nil {
		return fmt.Errorf("resolve the people of %s: %w", r.o.Station, err)
	}
	r.sum.PeopleRegistered += int64(registered)
	for key, work := range known {
		if work == uuid.Nil {
			continue
		}
		r.known[key] = work
		delete(r.people, key)
	}
	return nil
}
