package importer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// ErrNotClockFile: not one line has the columns of a clock file.
var ErrNotClockFile = errors.New("not a clock file: no line has PIN, time, verify and state separated by tabs")

// patience is how many rows may be rejected before the first that has the columns
// of a clock file.
const patience = 10_000

// batch is what the parser hands to the importer: some rows and where they end.
type batch struct {
	rows  []row
	blank int64
	end   int64 // bytes of the file
}

// Run imports one clock file. It may be repeated with the same file: nothing is
// recorded twice. The summary counts what was done also when there is an error.
//
// Errors: [ErrOptions], [ErrNotPeopleFile], [ErrPeopleTooLarge], [ErrNotClockFile],
// [ErrWrongPeopleFile] (the punches of people known before are recorded then), those
// of the readers and the sink, and ctx's. ctx is asked before every read; a read
// under way is waited for.
func Run(ctx context.Context, o Options, sink Sink) (Summary, error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	o = o.withDefaults()
	r := newRun(o, sink)
	if err := r.readPeople(ctx); err != nil {
		return r.sum, err
	}
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, 2)
	group.Go(func() error {
		defer close(batches)
		return readBatches(ctx, o, batches)
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
func readBatches(ctx context.Context, o Options, out chan<- batch) error {
	from := newLines(ctx, o.Clock)
	parser := newAttlog(placer{zone: o.Zone, overlap: o.Overlap, latest: o.Now.Add(ahead)})
	b := batch{rows: make([]row, 0, o.BatchRows)}
	send := func() error {
		select {
		case out <- b:
			b = batch{rows: make([]row, 0, o.BatchRows)}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		l, err := from.next()
		if errors.Is(err, io.EOF) {
			return send()
		}
		if err != nil {
			return fmt.Errorf("read clock file: %w", err)
		}
		b.end = l.end
		if !l.tooLong && isBlank(l.text) {
			b.blank++
			continue
		}
		b.rows = append(b.rows, parser.parse(l))
		if len(b.rows) == o.BatchRows {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// run is one import under way.
type run struct {
	o         Options
	sink      Sink
	sum       Summary
	people    map[string]Person // those whose PIN has not occurred yet
	known     map[string]uuid.UUID
	unknown   map[string]bool
	seen      *window
	report    *csv.Writer
	shaped    bool // a line had the columns of a clock file
	punched   bool // a line was a punch, whoever's
	anyPerson bool // a PIN of the people file occurred
}

func newRun(o Options, sink Sink) *run {
	r := &run{
		o: o, sink: sink, people: map[string]Person{},
		known: map[string]uuid.UUID{}, unknown: map[string]bool{}, seen: newWindow(1 << 18),
		sum: Summary{
			Station: o.Station, Zone: o.Zone.String(),
			PerState: map[string]int64{}, PerYear: map[string]int64{}, RejectsByReason: map[Reason]int64{},
		},
	}
	if o.Rejects != nil {
		r.report = csv.NewWriter(o.Rejects)
	}
	return r
}

func (r *run) readPeople(ctx context.Context) error {
	if err := r.write("file", "line", "reason", "message"); err != nil || r.o.People == nil {
		return errors.Join(err, r.flush())
	}
	kept := 0
	p, err := readPeople(ctx, r.o.People, r.o.Now, func(rejected Rejected) bool {
		_ = r.writeRejected("people", rejected) // kept by the writer, seen at the next flush
		kept++
		return kept <= r.o.MaxRejects
	})
	if err != nil {
		return err
	}
	r.people = p.byPIN
	r.sum.PeopleInFile, r.sum.PeopleWithoutPunches = int64(len(p.byPIN)), int64(len(p.byPIN))
	r.sum.PeopleColumnsIgnored, r.sum.PeopleRejects, r.sum.PeopleRejected = p.ignored, p.rejects, p.rejected
	return r.flush()
}

// take does one batch: whose PINs, which are punches, hand them over, count.
func (r *run) take(ctx context.Context, b batch) error {
	if err := r.resolve(ctx, b.rows); err != nil {
		return err
	}
	punches, accepted := r.admit(b.rows)
	if len(punches) > 0 {
		recorded, already, err := r.sink.Record(ctx, r.o.Station, punches)
		if err != nil {
			return fmt.Errorf("record punches of lines %d to %d: %w", punches[0].Line, punches[len(punches)-1].Line, err)
		}
		r.sum.Recorded += int64(recorded)
		r.sum.AlreadyRecorded += int64(already)
	}
	r.sum.Accepted += int64(len(accepted))
	r.sum.ExactDuplicates += int64(len(accepted) - len(punches))
	r.sum.Lines += int64(len(b.rows)) + b.blank
	r.sum.BlankLines += b.blank
	r.sum.Bytes = max(r.sum.Bytes, b.end)
	for _, row := range accepted {
		r.count(row)
	}
	for _, row := range b.rows {
		if err := r.countRejected(row); err != nil {
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
	for _, row := range rows {
		r.shaped = r.shaped || row.shaped
		r.punched = r.punched || row.reason == ""
		if _, known := r.known[row.pin]; row.reason != "" || known || r.unknown[row.pin] || asked[row.pin] {
			continue
		}
		asked[row.pin] = true
		pins = append(pins, row.pin)
		if person, ok := r.people[row.pin]; ok {
			owners[row.pin] = person
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
		if _, ok := owners[pin]; ok {
			r.anyPerson = true
			r.sum.PeopleWithoutPunches--
			delete(r.people, pin)
		}
	}
	return nil
}

// admit turns rows into punches. Rows of unknown PINs become rejected; exact
// duplicates are accepted but become no punch.
func (r *run) admit(rows []row) (punches []Punch, accepted []*row) {
	zone := r.o.Zone.String()
	punches = make([]Punch, 0, len(rows))
	for i := range rows {
		row := &rows[i]
		if row.reason != "" {
			continue
		}
		work, ok := r.known[row.pin]
		if !ok {
			row.reason = UnknownPIN
			continue
		}
		accepted = append(accepted, row)
		if r.seen.before(row.same) {
			continue
		}
		direction, kind := pressed(row.state)
		punches = append(punches, Punch{
			Line: row.line, PIN: row.pin, Work: work, At: row.at, OffsetSeconds: row.offset, Zone: zone,
			Direction: direction, Kind: kind, StationClock: row.clock, Verification: row.verification, WorkCode: row.workCode,
		})
	}
	return punches, accepted
}

func (r *run) count(row *row) {
	local := row.at.In(r.o.Zone)
	if r.sum.First.IsZero() || local.Before(r.sum.First) {
		r.sum.First = local
	}
	if local.After(r.sum.Last) {
		r.sum.Last = local
	}
	r.sum.PerState[string(row.state)]++
	r.sum.PerYear[strconv.Itoa(local.Year())]++
}

func (r *run) countRejected(row row) error {
	if row.reason == "" {
		return nil
	}
	rejected := reject(row.line, row.reason)
	r.sum.Rejected++
	r.sum.RejectsByReason[row.reason]++
	if len(r.sum.Rejects) < r.o.MaxRejects {
		r.sum.Rejects = append(r.sum.Rejects, rejected)
	}
	return r.writeRejected("clock", rejected)
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

func (r *run) writeRejected(file string, rejected Rejected) error {
	return r.write(file, strconv.FormatInt(rejected.Line, 10), string(rejected.Reason), rejected.Message)
}

func (r *run) write(record ...string) error {
	if r.report == nil {
		return nil
	}
	if err := r.report.Write(record); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}

func (r *run) flush() error {
	if r.report == nil {
		return nil
	}
	r.report.Flush()
	if err := r.report.Error(); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	return nil
}
