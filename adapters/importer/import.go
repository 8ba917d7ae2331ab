package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// ErrNotClockFile: not one line has the columns of a clock file.
var ErrNotClockFile = errors.New("not a clock file: no line has the columns of the format (ATTLOG: PIN, time, verify and state separated by tabs)")

// patience is how many rows may be rejected before the first that has the columns
// of a clock file.
const patience = 10_000

// batch is what the parser hands to the importer: some rows and where they end.
type batch struct {
	rows []row
	end  int64 // bytes of the file
}

// Run imports one clock file. It may be repeated with the same file: nothing is
// recorded twice. The summary counts what was done also when there is an error.
//
// Errors: [ErrOptions], [ErrFormat], [ErrNoClockTimes], [ErrPerson], [ErrMapping],
// [ErrDateOrder], [ErrTooLarge], [ErrNotPeopleFile], [ErrPeopleTooLarge], [ErrNotClockFile],
// [ErrWrongPeopleFile] (the punches of people known before are recorded then), those
// of the readers and the sink, and ctx's. ctx is asked before every read; a read
// under way is waited for.
func Run(ctx context.Context, o Options, sink Sink) (Summary, error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	if o.Mapping != nil && o.Mapping.Enrolment != nil {
		return Summary{}, fmt.Errorf("%w: it describes enrolments, which are no punches", ErrMapping)
	}
	if o.Mapping != nil && o.Mapping.People != nil {
		return Summary{}, fmt.Errorf("%w: it describes people, who are no punches", ErrMapping)
	}
	o = o.withDefaults()
	from, format, err := open(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	if o.Station == "" {
		if format.station {
			return Summary{}, fmt.Errorf("%w: %w", ErrOptions, ErrStation)
		}
		o.Station = format.Name
	}
	r := newRun(o, format, sink)
	if err := r.readPeople(ctx); err != nil {
		return r.sum, err
	}
	if of, ok := from.(interface{ ignored() []string }); ok {
		r.sum.ColumnsIgnored = of.ignored()
	}
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, 2)
	group.Go(func() error {
		defer close(batches)
		return readBatches(ctx, from, o.BatchRows, batches)
	})
	group.Go(func() error {
		for b := range batches {
			if err := r.take(ctx, b); err != nil {
				return err
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return r.sum, err
	}
	return r.sum, r.verdict()
}

// readBatches parses the file into batches until its end or ctx's.
func readBatches(ctx context.Context, from reader, size int, out chan<- batch) error {
	b := batch{rows: make([]row, 0, size)}
	send := func() error {
		select {
		case out <- b:
			b = batch{rows: make([]row, 0, size), end: b.end}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		rows, end, err := from.next(b.rows)
		b.rows = rows
		if errors.Is(err, io.EOF) {
			b.end = max(b.end, end)
			return send()
		}
		if err != nil {
			return fmt.Errorf("read clock file: %w", err)
		}
		b.end = max(b.end, end)
		b.rows = oneBlank(b.rows)
		if len(b.rows) >= size {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// oneBlank makes one row of the blank lines at the end: a file may have nothing else.
func oneBlank(rows []row) []row {
	n := len(rows)
	if n < 2 || rows[n-1].class != blankLine || rows[n-2].class != blankLine || rows[n-1].sheet != rows[n-2].sheet {
		return rows
	}
	rows[n-2].more += 1 + rows[n-1].more
	return rows[:n-1]
}

// run is one import under way.
type run struct {
	o         Options
	format    Format
	sink      Sink
	sum       Summary
	people    map[string]Person // those whose PIN has not occurred yet
	known     map[string]uuid.UUID
	unknown   map[string]bool
	seen      *window
	shifts    shifts
	verdicts  *csv.Writer
	shaped    bool // a line had the columns of a clock file
	punched   bool // a line was a punch, whoever's
	anyPerson bool // a PIN of the people file occurred
}

func newRun(o Options, format Format, sink Sink) *run {
	r := &run{
		o: o, format: format, sink: sink, people: map[string]Person{}, shifts: shifts{},
		known: map[string]uuid.UUID{}, unknown: map[string]bool{}, seen: newWindow(1 << 18),
		sum: Summary{
			Format: format.Name, Station: o.Station, Zone: o.Zone.String(),
			PerState: map[string]int64{}, PerYear: map[string]int64{}, RejectsByReason: map[Reason]int64{}, SuspectsByReason: map[Reason]int64{},
		},
	}
	if o.Rejects != nil {
		r.verdicts = csv.NewWriter(o.Rejects)
	}
	return r
}

func (r *run) readPeople(ctx context.Context) error {
	if !r.o.Continues {
		if err := r.write("file", "line", "reason", "message"); err != nil {
			return err
		}
	}
	if r.o.People == nil {
		return r.flush()
	}
	kept := 0
	p, err := readPeople(ctx, r.o.People, r.format.key, r.o.Now, func(rejected Rejected) bool {
		_ = r.writeRejected("people", rejected) // kept by the writer, seen at the next flush
		kept++
		return kept <= r.o.MaxRejects
	})
	if err != nil {
		return err
	}
	r.people = p.byKey
	r.sum.PeopleInFile, r.sum.PeopleWithoutPunches = int64(len(p.byKey)), int64(len(p.byKey))
	r.sum.PeopleColumnsIgnored, r.sum.PeopleRejects, r.sum.PeopleRejected = p.ignored, p.rejects, p.rejected
	return r.flush()
}

// take does one batch: whose PINs, which are punches, hand them over, count.
func (r *run) take(ctx context.Context, b batch) error {
	if err := r.resolve(ctx, b.rows); err != nil {
		return err
	}
	if err := r.recall(ctx, b.rows); err != nil {
		return err
	}
	punches := r.admit(b.rows)
	if len(punches) > 0 {
		recorded, already, err := r.sink.Record(ctx, r.o.Station, punches)
		if err != nil {
			return fmt.Errorf("record punches of lines %d to %d: %w", punches[0].Line, punches[len(punches)-1].Line, err)
		}
		r.sum.Recorded += int64(recorded)
		r.sum.AlreadyRecorded += int64(already)
	}
	if err := r.declare(ctx, b.rows); err != nil {
		return err
	}
	r.sum.Bytes = max(r.sum.Bytes, b.end)
	for i := range b.rows {
		if err := r.count(&b.rows[i]); err != nil {
			return err
		}
	}
	r.o.Progress(Progress{
		BytesDone: r.sum.Bytes, BytesTotal: r.o.Size, Rows: r.sum.Accepted + r.sum.Rejected,
		Recorded: r.sum.Recorded, Rejected: r.sum.Rejected,
	})
	if !r.shaped && r.sum.Rejected >= patience {
		return ErrNotClockFile
	}
	return r.flush()
}

// resolve asks the sink about the PINs that it has not been asked about.
func (r *run) resolve(ctx context.Context, rows []row) error {
	var pins []string
	asked, owners := map[string]bool{}, map[string]Person{}
	for i := range rows {
		row := &rows[i]
		r.shaped = r.shaped || row.shaped
		r.punched = r.punched || row.isPunch()
		if _, known := r.known[row.pin]; !row.isPunch() || known || r.unknown[row.pin] || asked[row.pin] {
			continue
		}
		asked[row.pin] = true
		pins = append(pins, row.pin)
		if person, ok := r.people[row.pin]; ok {
			owners[row.pin] = person
		} else if row.person != nil {
			owners[row.pin] = *row.person
		}
	}
	if len(pins) == 0 {
		return nil
	}
	known, registered, err := r.sink.Resolve(ctx, r.o.Station, pins, owners)
	if err != nil {
		return fmt.Errorf("resolve PINs at station %s: %w", r.o.Station, err)
	}
	r.sum.PeopleRegistered += int64(registered)
	for _, pin := range pins {
		if work, ok := known[pin]; ok && work != uuid.Nil {
			r.known[pin] = work
		} else if len(r.unknown) < 1<<16 { // beyond, the sink is asked again: memory stays bounded
			r.unknown[pin] = true
		}
		if _, ok := r.people[pin]; ok {
			r.anyPerson = true
			r.sum.PeopleWithoutPunches--
			delete(r.people, pin)
		}
	}
	return nil
}

// admit turns rows into punches. Rows of unknown PINs become rejected; exact
// duplicates are accepted but become no punch.
func (r *run) admit(rows []row) []Punch {
	punches := make([]Punch, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		if !row.isPunch() {
			continue
		}
		work, ok := r.known[row.pin]
		if !ok {
			row.reason = UnknownPIN
			if strings.Trim(row.pin, "0") == "" {
				row.reason = NobodyRecognised
			}
			continue
		}
		if row.declared != nil {
			continue
		}
		r.addWorkCode(row)
		first := len(punches)
		punches = row.punches(punches, Punch{Work: work, Zone: r.sum.Zone})
		kept := punches[:first]
		for j, p := range punches[first:] {
			r.sum.Punches++
			same := row.same
			if j > 0 {
				same = row.end.same
			}
			if r.seen.before(same) {
				r.sum.ExactDuplicates++
				continue
			}
			if p.Undirected {
				p.Direction = r.shifts.direction(work, p.At)
				row.pressed = string(p.Direction)
				r.sum.DirectionsDerived++
			}
			kept = append(kept, p)
		}
		punches = kept
	}
	return punches
}

// declare hands over the hours without times of rows whose people are known.
func (r *run) declare(ctx context.Context, rows []row) error {
	var batch []Declaration
	for i := range rows {
		if row := &rows[i]; row.isPunch() && row.declared != nil {
			batch = append(batch, row.declaration(r.known[row.pin], r.sum.Zone))
			r.sum.Declared++
			r.sum.DeclaredSeconds += batch[len(batch)-1].Seconds
		}
	}
	if len(batch) == 0 {
		return nil
	}
	recorded, already, err := r.sink.Declare(ctx, r.o.Station, batch)
	if err != nil {
		return fmt.Errorf("record hours of lines %d to %d: %w", batch[0].Line, batch[len(batch)-1].Line, err)
	}
	r.sum.Recorded += int64(recorded)
	r.sum.AlreadyRecorded += int64(already)
	return nil
}

// verdict is what can only be said at the end.
func (r *run) verdict() error {
	switch {
	case !r.shaped && r.sum.Rejected > 0:
		return ErrNotClockFile
	case r.sum.PeopleInFile > 0 && !r.anyPerson && r.punched:
		return ErrWrongPeopleFile
	}
	return nil
}
