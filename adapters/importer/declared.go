package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Declaration is one row that says how long somebody worked on a day and not when.
// No time of day is made up for it.
type Declaration struct {
	Line     int64
	PIN      string
	Work     uuid.UUID
	WorkDate string    // 2006-01-02
	Zone     string    // IANA name
	DayEnds  time.Time // when WorkDate ends there, UTC
	Seconds  int64     // more than none, at most those of 24 hours
	Job      string    // code; no part of what tells entries apart, so that an entry that was imported before one was known stays the same

	// Entry is a hash of the columns that tell entries of one day apart, such as
	// project and task, which are not kept.
	Entry [16]byte
	// Nth tells entries apart that are the same in everything else, counted from 1 in
	// the order of the file.
	Nth int
}

// Day says where a table has the date on which hours were worked.
type Day struct {
	Column  string   `yaml:"column"`
	Layouts []string `yaml:"layouts"` // such as DD.MM.YYYY

	parsed []string
}

// maxEntries is how many different entries of hours one file may have. They are
// counted in memory until its end: about 60 bytes each.
const maxEntries = 500_000

// declared is what a row says of hours without times.
type declared struct {
	date  string
	ends  time.Time
	hours time.Duration
	entry [16]byte
	nth   int
}

// declaredRow reads a row of a table with days and hours.
func (t *table) declaredRow(r *row, rec record) (Reason, error) {
	date, reason, err := t.date(rec)
	if reason != "" || err != nil {
		return reason, err
	}
	day := func(days int) time.Time {
		return time.Date(date.Year(), date.Month(), date.Day()+days, 0, 0, 0, 0, t.place.zone)
	}
	switch {
	case date.Year() < firstYear:
		return BadWorkDate, nil
	case day(0).After(t.place.latest):
		return InTheFuture, nil
	}
	hours, reason := t.m.Hours.declared(at(rec.fields, t.at.hours))
	if reason != "" {
		return reason, nil
	}
	r.declared = &declared{date: date.Format(time.DateOnly), ends: day(1).UTC(), hours: hours, entry: t.entry(rec.fields)}
	r.at, r.pressed = day(0), "declared" // the day by which it is accounted for
	same := r.declared.same(r.pin)
	if t.entries[same]++; len(t.entries) > maxEntries {
		return "", fmt.Errorf("%w: more than %d different entries; split it by month", ErrTooLarge, maxEntries)
	}
	if r.declared.nth = t.entries[same]; r.declared.nth > 1 {
		r.suspect = SameHoursAgain
	}
	return "", nil
}

// date reads the date of a row. Its error is [ErrDateOrder].
func (t *table) date(rec record) (time.Time, Reason, error) {
	text := at(rec.fields, t.at.day)
	if rec.serial {
		text, _, _ = strings.Cut(serialDate(text), " ")
	}
	for i, layout := range t.m.Day.parsed {
		if date, err := time.Parse(layout, text); err == nil {
			return date, "", nil
		}
		if rec.serial && strings.HasPrefix(t.m.Day.Layouts[i], "YYYY-MM-DD") {
			continue
		}
		if swapped, ok := strings.CutPrefix(layout, "1/2/"); ok {
			if _, err := time.Parse("2/1/"+swapped, text); err == nil {
				return time.Time{}, "", ErrDateOrder
			}
		}
	}
	if rec.serial {
		if date, err := time.Parse(time.DateOnly, text); err == nil {
			return date, "", nil
		}
	}
	return time.Time{}, BadWorkDate, nil
}

// entry is a hash of what tells entries of a day apart.
func (t *table) entry(fields []string) (entry [16]byte) {
	var text []byte
	for _, i := range t.at.apart {
		field := at(fields, i)
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(field))), field...)
	}
	sum := sha256.Sum256(text)
	copy(entry[:], sum[:])
	return entry
}

// same is equal for entries that only their order tells apart.
func (d *declared) same(pin string) (same [16]byte) {
	text := append([]byte(pin), 0)
	text = append(append(text, d.date...), d.entry[:]...)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(text, uint64(d.hours)))
	copy(same[:], sum[:])
	return same
}

// declaration is what the row hands over once its person is known.
func (r *row) declaration(work uuid.UUID, zone string) Declaration {
	return Declaration{
		Line: r.line, PIN: r.pin, Work: work, WorkDate: r.declared.date, Zone: zone, DayEnds: r.declared.ends,
		Seconds: int64(r.declared.hours / time.Second), Entry: r.declared.entry, Nth: r.declared.nth, Job: r.job,
	}
}

// declared reads hours that count: 7:30, 7:30:00, or a number with a point or a
// comma, to the second. A comma is no mark of thousands: a day has no thousand hours.
func (d *Duration) declared(s string) (time.Duration, Reason) {
	hours, ok := d.strictly(s)
	switch {
	case !ok:
		return 0, BadHours
	case hours == 0:
		return 0, NoHours
	case hours > 24*time.Hour:
		return 0, TooManyHours
	}
	return hours, ""
}

func (d *Duration) strictly(s string) (time.Duration, bool) {
	if strings.Contains(s, ":") {
		return clockLength(strings.Split(s, ":"))
	}
	whole, part, pointed := strings.Cut(strings.Replace(s, ",", ".", 1), ".")
	if whole+part == "" || !onlyDigits(whole, 9) || pointed && !onlyDigits(part, 15) {
		return 0, false
	}
	n, err := strconv.ParseFloat("0"+whole+"."+part+"0", 64)
	switch {
	case err != nil:
		return 0, false
	case d.As == "seconds":
		return time.Duration(math.Round(n)) * time.Second, true
	case d.As == "hhmm":
		minutes := int(n) % 100
		return time.Duration(int(n)/100)*time.Hour + time.Duration(minutes)*time.Minute, !pointed && minutes < 60
	}
	return time.Duration(math.Round(n*3600)) * time.Second, true
}

// clockLength reads hours, minutes and, where they are there, seconds.
func clockLength(parts []string) (time.Duration, bool) {
	if len(parts) > 3 || parts[0] == "" || !onlyDigits(parts[0], 5) {
		return 0, false
	}
	var total time.Duration
	unit := time.Hour
	for i, part := range parts {
		n, err := strconv.Atoi(part)
		if err != nil || i > 0 && (len(part) != 2 || !onlyDigits(part, 2) || n > 59) {
			return 0, false
		}
		total, unit = total+time.Duration(n)*unit, unit/60
	}
	return total, true
}

// onlyDigits says whether a text is nothing but at most so many digits.
func onlyDigits(s string, most int) bool {
	return len(s) <= most && strings.Trim(s, "0123456789") == ""
}
