package importer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// OneRoster 1.1 and 1.2, CSV binding (1EdTech). A manifest says of each file whether it
// is the whole (bulk), what changed (delta), or absent. Of what is enrolled somewhere
// the people are read; scores, resources, guardians and demographics other than the
// birth date are not. Passwords are never read.
//
// What a bulk file leaves out ends, within bounds: see rosterbulk.go. Nobody is erased by
// what a roster says or leaves out.

// The files that are read, and those that there is no place for.
const (
	manifestFile  = "manifest.csv"
	termsFile     = "academicSessions.csv"
	coursesFile   = "courses.csv"
	classesFile   = "classes.csv"
	usersFile     = "users.csv"
	birthsFile    = "demographics.csv"
	enrolmentFile = "enrollments.csv"
)

// RosterManifest is the file by which a roster in OneRoster's form is known.
const RosterManifest = manifestFile

func ignoredRosterFiles() []string {
	return []string{
		"orgs.csv", "roles.csv", "userProfiles.csv", "categories.csv", "classResources.csv", "courseResources.csv", "lineItems.csv", "resources.csv",
		"results.csv", "lineItemLearningObjectiveIds.csv", "lineItemScoreScales.csv", "resultLearningObjectiveIds.csv", "resultScoreScales.csv",
		"scoreScales.csv", "userResources.csv",
	}
}

// maxFiles is how many files a manifest may speak of; OneRoster has about 25.
const maxFiles = 1000

// What a manifest says of a file.
const (
	modeBulk   = "bulk"
	modeDelta  = "delta"
	modeAbsent = "absent"
)

// rosterFacts is what classes refer to.
type rosterFacts struct {
	courses map[string][2]string // code and title
	terms   map[string][2]string // first day, and the first day on which it is over
	modes   map[string]string    // by file, without .csv, in lower case
}

func (r *rosterRun) oneRoster(ctx context.Context) error {
	f := rosterFacts{courses: map[string][2]string{}, terms: map[string][2]string{}, modes: map[string]string{}}
	for _, read := range []func(context.Context, *rosterFacts) error{
		r.readManifest, r.weigh, r.readTerms, r.readCourses, r.readClasses, r.readUsers, r.readBirths, r.correctPeople, r.readEnrolments,
	} {
		if err := read(ctx, &f); err != nil {
			return err
		}
	}
	if err := r.endLeftOut(ctx); err != nil {
		return err
	}
	for _, name := range ignoredRosterFiles() {
		file, err := r.o.Open(name)
		if err == nil {
			r.sum.FilesIgnored = append(r.sum.FilesIgnored, name)
			err = file.Close()
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("open %s: %w", name, err)
		}
	}
	return nil
}

func (r *rosterRun) readManifest(ctx context.Context, f *rosterFacts) error {
	s, err := r.open(manifestFile, "", []string{"propertyName", "value"}, nil)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("%w: %s is missing, so these files are not OneRoster 1.1 or 1.2", ErrRoster, manifestFile)
	}
	err = s.each(ctx, func() error {
		name, value := strings.ToLower(s.value("propertyName")), s.value("value")
		if file, of := strings.CutPrefix(name, "file."); of {
			mode := strings.ToLower(value)
			if mode != modeBulk && mode != modeDelta && mode != modeAbsent {
				s.reject(BadMode)
				return nil
			}
			if f.modes[file] = mode; len(f.modes) > maxFiles {
				return fmt.Errorf("%w: %s speaks of more than %d files", ErrTooLarge, manifestFile, maxFiles)
			}
		} else if name == "oneroster.version" {
			r.sum.Version = value
		}
		return nil
	})
	if err != nil {
		return err
	}
	if v := r.sum.Version; v != "1.1" && v != "1.2" {
		r.sum.Version = ""
		return fmt.Errorf("%w: the manifest must say oneroster.version 1.1 or 1.2", ErrRoster)
	}
	return nil
}

// part opens a file that the manifest does not call absent. A file of which the manifest
// speaks and that is not there was lost on the way.
func (r *rosterRun) part(f *rosterFacts, name string, needed []string, read ...string) (*sheet, error) {
	mode, said := f.modes[strings.ToLower(strings.TrimSuffix(name, ".csv"))]
	if mode == modeAbsent {
		return nil, nil
	}
	if mode == "" {
		mode = modeBulk
	}
	s, err := r.open(name, mode, append([]string{"sourcedId"}, needed...), append([]string{"status", "dateLastModified"}, read...))
	if err == nil && s == nil && said {
		return nil, fmt.Errorf("%w: the manifest speaks of %s, and it is not there: the roster is incomplete", ErrRoster, name)
	}
	return s, err
}

func (r *rosterRun) readTerms(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, termsFile, []string{"startDate", "endDate"})
	if err != nil || s == nil {
		return err
	}
	return s.each(ctx, func() error {
		id, ok := s.id("sourcedId")
		starts, goodStart := rosterDay(s.value("startDate"))
		ends, goodEnd := rosterDay(s.value("endDate"))
		_, _, reason := s.status()
		switch {
		case !ok:
			reason = BadKey
		case reason == "" && (!goodStart || !goodEnd || starts == "" || ends < starts):
			reason = BadDate
		}
		if reason != "" {
			s.reject(reason)
			return nil
		}
		return keep(f.terms, id, [2]string{starts, ends}, termsFile)
	})
}

func (r *rosterRun) readCourses(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, coursesFile, []string{"title"}, "courseCode")
	if err != nil || s == nil {
		return err
	}
	return s.each(ctx, func() error {
		id, ok := s.id("sourcedId")
		title, code := s.value("title"), s.value("courseCode")
		_, _, reason := s.status()
		switch {
		case !ok:
			reason = BadKey
		case reason == "" && (title == "" || len(title) > maxTitle || !isText(title) || len(code) > maxShort || !isText(code)):
			reason = BadTitle
		}
		if reason != "" {
			s.reject(reason)
			return nil
		}
		return keep(f.courses, id, [2]string{code, title}, coursesFile)
	})
}

// maxTitle is what the domain takes.
const maxTitle = 200

func keep(in map[string][2]string, id string, facts [2]string, file string) error {
	if len(in) >= maxKept {
		return fmt.Errorf("%w: more than %d rows in %s", ErrTooLarge, maxKept, file)
	}
	in[id] = facts
	return nil
}

func (r *rosterRun) readClasses(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, classesFile, []string{"courseSourcedId", "schoolSourcedId", "termSourcedIds"}, "classCode")
	if err != nil || s == nil {
		return err
	}
	seen := map[string]bool{}
	err = s.each(ctx, func() error {
		class, reason := s.class(f)
		if reason == "" && seen[class.SourceID] {
			reason = DuplicateID
		}
		if reason != "" {
			s.reject(reason)
			return nil
		}
		if seen[class.SourceID] = true; len(seen) > maxKept {
			return fmt.Errorf("%w: more than %d classes", ErrTooLarge, maxKept)
		}
		return r.define(ctx, class)
	})
	if err != nil {
		return err
	}
	return r.defineAll(ctx)
}

func (r *rosterRun) readUsers(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, usersFile, []string{"givenName", "familyName"}, "middleName", "identifier", "email", "sms", "phone")
	if err != nil || s == nil {
		return err
	}
	return s.each(ctx, func() error {
		key, person, reason := s.user()
		removed, _, status := s.status()
		if reason == "" {
			reason = status
		}
		removed = removed && !strings.EqualFold(s.value("status"), statusInactive)
		if _, twice := r.people[key]; reason == "" && twice {
			reason = DuplicateID
		}
		switch {
		case reason != "":
			s.reject(reason)
		case removed:
			r.sum.PeopleRemoved++
		case len(r.people) == MaxPeople:
			return fmt.Errorf("%w: more than %d people", ErrPeopleTooLarge, MaxPeople)
		default:
			r.people[key] = person
			if at, told := s.modified(); told {
				r.modified[key] = at
			}
			r.sum.PeopleInFile++
		}
		return nil
	})
}

// correctPeople puts right what is known of people who are registered. They are found
// by their id in the program, which is kept as a token only, and never by their name.
func (r *rosterRun) correctPeople(ctx context.Context, _ *rosterFacts) error {
	batch := make([]RosterPerson, 0, r.o.BatchRows)
	hand := func() error {
		corrected, err := r.sink.Correct(ctx, r.o.Station, batch)
		if err != nil {
			return fmt.Errorf("correct the people of %s: %w", r.o.Station, err)
		}
		r.sum.PeopleCorrected += int64(corrected)
		batch = batch[:0]
		return nil
	}
	for key, person := range r.people {
		if batch = append(batch, RosterPerson{Key: key, Person: person, Modified: r.modified[key]}); len(batch) < r.o.BatchRows {
			continue
		}
		if err := hand(); err != nil {
			return err
		}
	}
	clear(r.modified)
	if len(batch) == 0 {
		return nil
	}
	return hand()
}

func (r *rosterRun) readBirths(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, birthsFile, []string{"birthDate"})
	if err != nil || s == nil {
		return err
	}
	return s.each(ctx, func() error {
		key, ok := byID.key(s.value("sourcedId"))
		born := s.value("birthDate")
		_, _, reason := s.status()
		day, err := time.Parse(time.DateOnly, born)
		switch {
		case !ok:
			reason = BadKey
		case reason == "" && born != "" && (err != nil || day.After(r.o.Now)):
			reason = BadBirthDate
		}
		if reason != "" {
			s.reject(reason)
			return nil
		}
		if person, there := r.people[key]; there {
			person.BirthDate = born
			r.people[key] = person
		}
		return nil
	})
}

func (r *rosterRun) readEnrolments(ctx context.Context, f *rosterFacts) error {
	s, err := r.part(f, enrolmentFile, []string{"classSourcedId", "userSourcedId", "role"}, "beginDate", "endDate")
	if err != nil || s == nil {
		return err
	}
	err = s.each(ctx, func() error {
		row, reason := s.enrolment()
		if reason != "" {
			s.reject(reason)
			return nil
		}
		return r.enrol(ctx, row)
	})
	if err != nil {
		return err
	}
	return r.enrolAll(ctx)
}
