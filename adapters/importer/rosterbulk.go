package importer

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// A bulk file says all that there is: what the program told of earlier and the file
// leaves out is no longer there, and ends on the day of the import. A file that was cut
// off says the same of whatever is missing. So everything is weighed before anything is
// recorded: more than a share of what is in force does not end by being left out, and
// nothing does while a row of the file cannot be read, which may be any. See
// domain/decisions/0169.

// ErrRemovals refuses a roster whose bulk files leave out more than may end at once.
// Nothing of it is taken.
var ErrRemovals = errors.New("the roster leaves out too much")

// Removals is the share, in percent, of what is in force that may end at once by being
// left out, where nobody says otherwise.
const Removals = 20

// LeftOut weighs what one bulk file leaves out.
type LeftOut struct {
	InForce    int64 `json:"in_force"`   // today or later, of what the program told of
	LeftOut    int64 `json:"left_out"`   // of those
	Unreadable int64 `json:"unreadable"` // rows; where there are any, nothing ends that is left out
}

func (l LeftOut) within(percent int) bool { return l.LeftOut*100 <= l.InForce*int64(percent) }

// Percent is the share that is left out, rounded up.
func (l LeftOut) Percent() int64 { return (l.LeftOut*100 + max(l.InForce, 1) - 1) / max(l.InForce, 1) }

// RosterEnd is a class, or an enrolment, that ends by a roster.
type RosterEnd struct {
	Class string                    `json:"class"` // its id in the program
	Work  uuid.UUID                 `json:"work_id,omitzero"`
	Role  eventschema.EnrolmentRole `json:"role,omitempty"`
	On    string                    `json:"on"`
	By    string                    `json:"by"` // left_out, or removed where the program says so
}

// RosterHas answers what the bulk files of a roster tell of. One of its functions is nil
// where that file is not bulk.
type RosterHas struct {
	Class     func(id string) bool
	Enrolment func(class string, work uuid.UUID, role eventschema.EnrolmentRole) bool
}

// RosterStanding is what is in force of what a program told of earlier, and what it does
// not tell of any more.
type RosterStanding struct {
	Classes, Enrolments int64
	LeftClasses         []RosterClass     // SourceID
	LeftEnrolments      []RosterEnrolment // Class, Work and Role
}

// weighed is what the bulk files of a roster tell of, and what will end.
type weighed struct {
	standing RosterStanding
	classes  map[string]bool
	// enrolments holds hashes, eight bytes for each: of two that are the same, which one
	// in a million rosters of four million has, one stays that could have ended.
	enrolments map[uint64]struct{}
	seed       maphash.Seed
}

func (w *weighed) hash(class string, work uuid.UUID, role eventschema.EnrolmentRole) uint64 {
	return maphash.String(w.seed, string(work[:])+string(role)+class)
}

// mostEnrolments is how many rows a bulk file of enrolments may have.
const mostEnrolments = 1 << 23

func (f *rosterFacts) bulk(name string) bool {
	return f.modes[strings.ToLower(strings.TrimSuffix(name, ".csv"))] == modeBulk
}

// weigh reads the bulk files once before anything is recorded, and refuses the roster
// where too much would end.
func (r *rosterRun) weigh(ctx context.Context, f *rosterFacts) error {
	w := &weighed{classes: map[string]bool{}, enrolments: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	has := RosterHas{}
	var err error
	unreadable := map[string]int64{}
	if f.bulk(classesFile) {
		has.Class = func(id string) bool { return w.classes[id] }
		if unreadable[classesFile], err = r.weighClasses(ctx, f, w); err != nil {
			return err
		}
	}
	if f.bulk(enrolmentFile) {
		has.Enrolment = func(class string, work uuid.UUID, role eventschema.EnrolmentRole) bool {
			_, told := w.enrolments[w.hash(class, work, role)]
			return told
		}
		if unreadable[enrolmentFile], err = r.weighEnrolments(ctx, f, w); err != nil {
			return err
		}
	}
	if has.Class == nil && has.Enrolment == nil {
		return nil
	}
	if w.standing, err = r.sink.Standing(ctx, r.o.Station, r.today(), has); err != nil {
		return fmt.Errorf("compare the roster with what is in force: %w", err)
	}
	s := &w.standing
	r.sum.LeftOut = map[string]LeftOut{}
	if has.Class != nil {
		r.sum.LeftOut[classesFile] = LeftOut{InForce: s.Classes, LeftOut: int64(len(s.LeftClasses)), Unreadable: unreadable[classesFile]}
	}
	if has.Enrolment != nil {
		r.sum.LeftOut[enrolmentFile] = LeftOut{InForce: s.Enrolments, LeftOut: int64(len(s.LeftEnrolments)), Unreadable: unreadable[enrolmentFile]}
	}
	if unreadable[classesFile] > 0 {
		s.LeftClasses = nil
	}
	if unreadable[enrolmentFile] > 0 {
		s.LeftEnrolments = nil
	}
	r.left = s
	return r.refuseTooMany()
}

// refuseTooMany lists what would end where that is too much.
func (r *rosterRun) refuseTooMany() error {
	var err error
	for _, name := range []string{classesFile, enrolmentFile} {
		l, weighed := r.sum.LeftOut[name]
		if weighed && l.Unreadable == 0 && !l.within(r.o.MostRemovals) {
			err = errors.Join(err, fmt.Errorf("%w: %s leaves out %d of %d that are in force (%d %%), and at most %d %% may end at once by being left out; was the export cut off?",
				ErrRemovals, name, l.LeftOut, l.InForce, l.Percent(), r.o.MostRemovals))
		}
	}
	if err == nil {
		return nil
	}
	for _, c := range r.left.LeftClasses {
		r.sum.Ends = append(r.sum.Ends, RosterEnd{Class: c.SourceID, On: r.today(), By: byLeaving})
	}
	for _, e := range r.left.LeftEnrolments {
		r.sum.Ends = append(r.sum.Ends, RosterEnd{Class: e.Class, Work: e.Work, Role: e.Role, On: r.today(), By: byLeaving})
	}
	return err
}

// Why something ends.
const (
	byLeaving = "left_out"
	byProgram = "removed"
)

// looking is a run that only reads: what it rejects is in no account.
func (r *rosterRun) looking() *rosterRun {
	return &rosterRun{
		o: r.o, sink: r.sink, people: map[string]Person{}, known: r.known, taught: map[string]bool{}, sum: RosterSummary{RejectsByReason: map[Reason]int64{}},
	}
}

// weighClasses answers how many rows it could not read.
func (r *rosterRun) weighClasses(ctx context.Context, f *rosterFacts, w *weighed) (unreadable int64, err error) {
	look := r.looking()
	s, err := look.part(f, classesFile, []string{"courseSourcedId", "schoolSourcedId", "termSourcedIds"}, "classCode")
	if err != nil || s == nil {
		return 0, err
	}
	err = s.each(ctx, func() error {
		id, ok := s.id("sourcedId")
		if !ok {
			s.reject(BadKey)
			return nil
		}
		if w.classes[id] = true; len(w.classes) > maxKept {
			return fmt.Errorf("%w: more than %d classes", ErrTooLarge, maxKept)
		}
		return nil
	})
	return s.file.Rejected, err
}

// weighEnrolments answers how many rows it could not read. A row that will be rejected
// for its days or its status tells of the enrolment all the same.
func (r *rosterRun) weighEnrolments(ctx context.Context, f *rosterFacts, w *weighed) (unreadable int64, err error) {
	look := r.looking()
	s, err := look.part(f, enrolmentFile, []string{"classSourcedId", "userSourcedId", "role"}, "beginDate", "endDate")
	if err != nil || s == nil {
		return 0, err
	}
	err = s.each(ctx, func() error {
		var row enrolmentRow
		var class, user bool
		row.Class, class = s.id("classSourcedId")
		row.key, user = byID.key(s.value("userSourcedId"))
		row.Role = eventschema.EnrolmentRole(strings.ToLower(s.value("role")))
		if !class || !user {
			s.reject(BadKey)
			return nil
		}
		if look.rows = append(look.rows, row); len(look.rows) < r.o.BatchRows {
			return nil
		}
		return look.tell(ctx, w)
	})
	if err == nil {
		err = look.tell(ctx, w)
	}
	return s.file.Rejected, err
}

// tell notes the enrolments of a batch, of those people who are known. A role that
// nobody knows may stand for any.
func (r *rosterRun) tell(ctx context.Context, w *weighed) error {
	if err := r.resolve(ctx); err != nil {
		return err
	}
	for _, row := range r.rows {
		work, known := r.known[row.key]
		if !known {
			continue
		}
		roles := []eventschema.EnrolmentRole{row.Role}
		if !isRole(row.Role) {
			roles = eventschema.EnrolmentRoles()
		}
		for _, role := range roles {
			w.enrolments[w.hash(row.Class, work, role)] = struct{}{}
		}
		if len(w.enrolments) > mostEnrolments {
			return fmt.Errorf("%w: more than %d enrolments in a bulk file", ErrTooLarge, mostEnrolments)
		}
	}
	r.rows = r.rows[:0]
	return nil
}

// endLeftOut ends what the bulk files leave out. Lines below zero tell one from another:
// there are none.
func (r *rosterRun) endLeftOut(ctx context.Context) error {
	if r.left == nil {
		return nil
	}
	day, line := r.today(), int64(0)
	for i := range r.left.LeftClasses {
		line--
		c := &r.left.LeftClasses[i]
		c.Line, c.Removed, c.Day = line, true, day
	}
	for i := range r.left.LeftEnrolments {
		line--
		e := &r.left.LeftEnrolments[i]
		e.Line, e.Removed, e.Day = line, true, day
	}
	for from := 0; from < len(r.left.LeftClasses); from += r.o.BatchRows {
		batch := r.left.LeftClasses[from:min(from+r.o.BatchRows, len(r.left.LeftClasses))]
		verdicts, err := r.sink.Define(ctx, r.o.Station, batch)
		if err != nil {
			return fmt.Errorf("end classes that are left out: %w", err)
		}
		for i, v := range verdicts {
			r.classEnded(batch[i], v, byLeaving)
		}
	}
	for from := 0; from < len(r.left.LeftEnrolments); from += r.o.BatchRows {
		batch := r.left.LeftEnrolments[from:min(from+r.o.BatchRows, len(r.left.LeftEnrolments))]
		verdicts, err := r.sink.Enrol(ctx, r.o.Station, batch)
		if err != nil {
			return fmt.Errorf("end enrolments that are left out: %w", err)
		}
		for i, v := range verdicts {
			r.enrolmentEnded(batch[i], v, byLeaving)
		}
	}
	return nil
}

// classEnded accounts for a verdict. One that refuses what nobody wrote is no row's.
func (r *rosterRun) classEnded(c RosterClass, v Verdict, by string) {
	if v.Told == ToldRefused {
		return
	}
	r.sum.Classes[v.Told]++
	if v.Told == ToldEnded {
		r.sum.Ends = append(r.sum.Ends, RosterEnd{Class: c.SourceID, On: c.Day, By: by})
	}
}

func (r *rosterRun) enrolmentEnded(e RosterEnrolment, v Verdict, by string) {
	if v.Told == ToldRefused {
		return
	}
	r.sum.Enrolments[v.Told]++
	if v.Told == ToldEnded {
		r.sum.Ends = append(r.sum.Ends, RosterEnd{Class: e.Class, Work: e.Work, Role: e.Role, On: e.Day, By: by})
	}
}
