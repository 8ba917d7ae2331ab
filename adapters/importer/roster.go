package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// ErrRoster: the files do not say who is enrolled in what. Nothing of them is taken.
var ErrRoster = errors.New("roster")

// OneRoster is the name of the format whose files [RunRoster] reads.
const OneRoster = "oneroster"

// How many classes, courses and terms one roster may have; they are kept in memory.
const maxKept = 1 << 18

// RosterOptions says what to import and how. Zero values take the defaults named.
type RosterOptions struct {
	// Open opens a file of the roster by its name, such as users.csv. One that is not
	// there is fs.ErrNotExist.
	Open func(name string) (io.ReadCloser, error)
	// Mapping describes a table of one's own, which Open gives for the empty name. Nil:
	// OneRoster.
	Mapping *Mapping

	Station  string         // name of the program whose ids the files have; default the format's name
	Zone     *time.Location // required; of the sites
	Now      time.Time      // required
	Encoding Encoding       // default [EncodingAuto]

	// MostRemovals is how much of what is in force may end because a bulk file leaves it
	// out, in percent; 0: nothing. [Removals] is what to take where nobody says more.
	MostRemovals int

	BatchRows  int       // rows handed over at a time; default 1,000, at most 10,000
	MaxRejects int       // rejected rows kept in the summary; default 1,000
	Rejects    io.Writer // receives every rejected row as CSV, where given
	Continues  bool      // Rejects has its header already
	Progress   func(RosterProgress)
}

// RosterProgress says how far an import is.
type RosterProgress struct {
	File string
	Rows int64 // of all files so far
}

// RosterClass is a class as a file tells of it.
type RosterClass struct {
	Line     int64
	SourceID string
	Removed  bool   // the program removed it
	Day      string // of the removal, 2006-01-02

	Code string
	Site string
	// The course and the terms may have been told by an earlier file. What is not told
	// now stays as it was.
	CourseTold    bool
	Course, Title string
	TermsTold     bool
	StartsOn      string
	EndsOn        string // the first day on which it is over
}

// RosterEnrolment is a row of enrolments whose person is known.
type RosterEnrolment struct {
	Line     int64
	Class    string // id of the class in the program
	Work     uuid.UUID
	Role     eventschema.EnrolmentRole
	BeginsOn string // empty: not told
	EndsOn   string // the first day without it; empty: not told
	Removed  bool   // the program removed it
	Day      string // of the removal
}

// Told is what became of a class or an enrolment that a file told of.
type Told string

// What may become of them.
const (
	ToldNew       Told = "new"
	ToldChanged   Told = "changed"
	ToldEnded     Told = "ended"
	ToldUnchanged Told = "unchanged"
	ToldRefused   Told = "refused" // with the reason beside it
)

// Verdict is what became of one of a batch.
type Verdict struct {
	Told   Told
	Reason Reason // where refused
	Field  string // of the tenant's own, where the reason is about one
}

// RosterSink is where classes and enrolments go. [RunRoster] calls it from one
// goroutine, never twice at a time, a class before whoever is enrolled in it. All calls
// must honour ctx and be idempotent: after an error the same files are imported again
// from their beginning. None may keep the slice.
type RosterSink interface {
	RosterPeople
	// Define answers one verdict for each class.
	Define(ctx context.Context, station string, batch []RosterClass) ([]Verdict, error)
	// Classes tells which of some ids are those of classes that were defined, now or
	// earlier.
	Classes(ctx context.Context, station string, ids []string) (known map[string]bool, err error)
	// Enrol answers one verdict for each enrolment. Its class is defined.
	Enrol(ctx context.Context, station string, batch []RosterEnrolment) ([]Verdict, error)
	// Standing answers what is in force on a day or later, 2006-01-02, of what the
	// program told of earlier, and those which are not told. What was said by hand is none
	// of it, and neither is what an erased person was enrolled in.
	Standing(ctx context.Context, station, day string, told RosterHas) (RosterStanding, error)
}

// RosterPeople is where the people of a roster go.
type RosterPeople interface {
	// Resolve is that of [Sink].
	Resolve(ctx context.Context, station string, keys []string, people map[string]Person) (known map[string]uuid.UUID, registered int, err error)
	// Correct puts right the values of those who are registered, and answers of how many
	// something changed. Who is not registered is left out, and an empty value takes none
	// away.
	Correct(ctx context.Context, station string, batch []RosterPerson) (corrected int, err error)
}

// RosterPerson is somebody as a roster has them. Like [Person] it is not to be printed.
type RosterPerson struct {
	Key string // as [RosterPeople.Resolve] takes it
	Person
	Modified time.Time // when the program changed the values last; zero where it does not say
}

// RosterSummary is the account of an import of a roster.
type RosterSummary struct {
	Format  string       `json:"format"`
	Version string       `json:"version,omitempty"` // of OneRoster, as the manifest says
	Station string       `json:"station"`
	Zone    string       `json:"zone"`
	Files   []RosterFile `json:"files"`
	// FilesIgnored are there and are not read: there is no place for what they say.
	FilesIgnored []string `json:"files_ignored,omitempty"`

	Classes    map[Told]int64 `json:"classes"`
	Enrolments map[Told]int64 `json:"enrolments"`

	Rows     int64 `json:"rows"`
	Rejected int64 `json:"rejected"`

	PeopleInFile     int64 `json:"people_in_file"`
	PeopleRegistered int64 `json:"people_registered"`
	PeopleCorrected  int64 `json:"people_corrected"` // known before, with another name, address, number or birth date
	// PeopleRemoved are those whom the program marks as to be deleted. That ends no
	// record here: erasing somebody is a case of its own.
	PeopleRemoved int64 `json:"people_removed"`

	LeftOut map[string]LeftOut `json:"left_out,omitempty"` // by bulk file
	Ends    []RosterEnd        `json:"ends,omitempty"`     // everything that ends before its time

	RejectsByReason map[Reason]int64 `json:"rejects_by_reason"`
	Rejects         []Rejected       `json:"rejects,omitempty"` // the first of them
}

// RosterFile is the account of one file.
type RosterFile struct {
	Name           string   `json:"name"`
	Mode           string   `json:"mode,omitempty"` // bulk or delta
	Rows           int64    `json:"rows"`
	Rejected       int64    `json:"rejected"`
	ColumnsIgnored []string `json:"columns_ignored,omitempty"`
}

// Validate reports everything that is wrong at once, wrapped in [ErrOptions].
func (o RosterOptions) Validate() error {
	of := Options{
		Clock: strings.NewReader(""), Station: o.Station, Zone: o.Zone, Encoding: o.Encoding, Now: o.Now, BatchRows: o.BatchRows, MaxRejects: o.MaxRejects,
	}
	err := of.Validate()
	if o.MostRemovals < 0 || o.MostRemovals > 100 {
		err = errors.Join(err, fmt.Errorf("%w: what may end by being left out is 0 to 100 percent", ErrOptions))
	}
	if o.Open == nil {
		err = errors.Join(err, fmt.Errorf("%w: the files are needed", ErrOptions))
	}
	return err
}
