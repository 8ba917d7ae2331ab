package importer

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// ErrOptions wraps everything that is wrong with the options of an import.
var ErrOptions = errors.New("import options")

// ErrStation: the station's name is missing or unusable.
var ErrStation = errors.New("station must be 1 to 64 letters, digits, dots, dashes or underscores")

// Options says what to import and how. Zero values take the defaults named.
type Options struct {
	Clock   io.Reader      // the file with punches
	Format  string         // a name of [Formats], [Auto], or empty for ZKTeco's ATTLOG
	Mapping *Mapping       // describes a table of one's own; Format says csv or xlsx then, or [Auto]
	Size    int64          // its length in bytes where known, for progress
	People  io.Reader      // the people file; nil when everybody is known at the station
	Station string         // required for what stations write, see [StationFromName]; default the format's name
	Zone    *time.Location // required; see [ParseZone]
	Overlap Overlap        // default [OverlapReject]
	// Overlaps are choices for single readings of the station's clock, as 2006-01-02
	// 15:04:05, and for days, as 2006-01-02. They go before Overlap, and of two the
	// longer; rows that are placed so are suspect.
	Overlaps map[string]Overlap
	Dates    DateOrder // default [DatesAuto]

	Directions Directions // default: what the file says, where it can be true
	Now        time.Time  // required; rows more than 24 hours later are rejected

	WorkCodes map[string]string // the job of each work code of a station, as codes; nil: they are not kept as jobs

	Person   string   // whose the punches are, for formats that do not say
	Encoding Encoding // of the file; default [EncodingAuto]

	BatchRows  int       // rows handed over at a time; default 1,000, at most 10,000
	MaxRejects int       // rejected rows kept in the summary, per file; default 1,000
	Rejects    io.Writer // receives every rejected or suspect row as CSV, where given

	Name      string // of the file, in Rejects; default "clock"
	Continues bool   // Rejects has its header already

	// Progress is called after every batch, from the goroutine that calls the sink.
	Progress func(Progress)
}

// Progress says how far an import is.
type Progress struct {
	BytesDone  int64
	BytesTotal int64 // 0 when not known
	Rows       int64
	Recorded   int64
	Rejected   int64
}

// StationFromName takes the station's name from the name that the terminal gave
// the file: 1_attlog.dat came from station 1. Error: [ErrStation].
func StationFromName(file string) (string, error) {
	const suffix = "_attlog.dat"
	name := filepath.Base(file)
	if len(name) <= len(suffix) || !strings.EqualFold(name[len(name)-len(suffix):], suffix) {
		return "", fmt.Errorf("%w: the file is not named like 1_attlog.dat, so name the station", ErrStation)
	}
	station := name[:len(name)-len(suffix)]
	return station, validStation(station)
}

func validStation(station string) error {
	unusable := strings.ContainsFunc(station, func(r rune) bool {
		return !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", r)
	})
	if station == "" || len(station) > 64 || unusable {
		return ErrStation
	}
	return nil
}

// Validate reports everything that is wrong at once, wrapped in [ErrOptions].
func (o Options) Validate() error {
	var wrong []error
	if o.Clock == nil {
		wrong = append(wrong, errors.New("a clock file is needed"))
	}
	if err := validStation(o.Station); err != nil && o.Station != "" {
		wrong = append(wrong, err)
	}
	if o.Zone == nil || o.Zone == time.Local {
		wrong = append(wrong, fmt.Errorf("%w: the station's zone is needed", ErrZone))
	}
	if o.Overlap != "" {
		if err := o.Overlap.validate(); err != nil {
			wrong = append(wrong, err)
		}
	}
	for reading, choice := range o.Overlaps {
		if err := choice.validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", reading, err))
		}
	}
	if err := o.Dates.validate(); err != nil {
		wrong = append(wrong, err)
	}
	if err := o.Directions.validate(); err != nil {
		wrong = append(wrong, err)
	}
	if err := o.Encoding.validate(); err != nil {
		wrong = append(wrong, err)
	}
	wrong = append(wrong, mistakesOfCodes(o.WorkCodes)...)
	if o.Now.IsZero() {
		wrong = append(wrong, errors.New("the time of the import is needed"))
	}
	if o.BatchRows < 0 || o.BatchRows > 10_000 {
		wrong = append(wrong, errors.New("batch rows must be 1 to 10,000"))
	}
	if o.MaxRejects < 0 || o.MaxRejects > 1_000_000 {
		wrong = append(wrong, errors.New("rejects kept must be at most 1,000,000"))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrOptions, errors.Join(wrong...))
}

func (o Options) withDefaults() Options {
	if o.Overlap == "" {
		o.Overlap = OverlapReject
	}
	if o.BatchRows == 0 {
		o.BatchRows = 1000
	}
	if o.MaxRejects == 0 {
		o.MaxRejects = 1000
	}
	if o.Name == "" {
		o.Name = "clock"
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}
