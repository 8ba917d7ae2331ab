package importer

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// JobColumn says which column names the job, project or task of a row, and the code of
// each. Names of projects are free text, and are not kept: a value without a code is
// flagged, and its row is kept for no job.
type JobColumn struct {
	Column string            `yaml:"column"`
	Codes  map[string]string `yaml:"codes"` // by value
}

func (c *JobColumn) mistakes() []error {
	if c == nil {
		return nil
	}
	var wrong []error
	if c.Column == "" || len(c.Codes) == 0 {
		wrong = append(wrong, errors.New("job needs column and codes"))
	}
	return append(wrong, mistakesOfCodes(c.Codes)...)
}

func mistakesOfCodes(codes map[string]string) []error {
	var wrong []error
	for _, value := range slices.Sorted(maps.Keys(codes)) {
		if !domain.IsCode(codes[value]) {
			wrong = append(wrong, fmt.Errorf("job: %q: a code is lower-case letters, digits and underscores", codes[value]))
		}
	}
	return wrong
}

// job is the code of a value, and whether it has none though it says something.
func (c *JobColumn) job(value string) (code string, unknown bool) {
	if c == nil || value == "" {
		return "", false
	}
	for known, code := range c.Codes {
		if tidy(known) == value {
			return code, false
		}
	}
	return "", true
}

// basedOn makes of a mapping that adds a job to a built-in table that table's mapping.
// Everything else of it stays, so that the ids of its punches do.
func (m *Mapping) basedOn() (*Mapping, error) {
	bare := Mapping{BasedOn: m.BasedOn, Job: m.Job}
	for _, known := range tables() {
		if known.Name != m.BasedOn {
			continue
		}
		if m.Job == nil || m.Name != "" || fmt.Sprintf("%+v", *m) != fmt.Sprintf("%+v", bare) {
			return nil, fmt.Errorf("%w: with based_on a mapping says job, and nothing else", ErrMapping)
		}
		made := *known
		made.BasedOn, made.Job = m.BasedOn, m.Job
		return &made, nil
	}
	return nil, fmt.Errorf("%w: based_on: %.32q is no built-in table", ErrMapping, m.BasedOn)
}

// addWorkCode gives a punch of a station the job of the work code keyed in with it.
// Stations send 0 where nobody keyed one in.
func (r *run) addWorkCode(row *row) {
	if len(r.o.WorkCodes) == 0 || row.workCode == "" || row.workCode == "0" {
		return
	}
	if code, known := r.o.WorkCodes[row.workCode]; known {
		row.job = code
		return
	}
	row.suspect = cmp.Or(row.suspect, UnknownJob)
}

// jobOf is the job of a punch of a row: the work that an out ends has one already.
func (r *row) jobOf(direction eventschema.Direction) string {
	if !r.undirected && direction == eventschema.DirectionOut {
		return ""
	}
	return r.job
}

// yields says whether another thing to look at goes before: the times count for more
// than the job.
func (r Reason) yields() bool { return r == "" || r == UnknownJob }
