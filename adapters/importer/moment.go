package importer

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// whenAt is where a row has a time: the places of a [Moment]'s columns.
type whenAt struct{ at, date, time int }

func (w whenAt) empty(fields []string) bool {
	return at(fields, w.at) == "" && at(fields, w.time) == ""
}

// when is a time as read: an instant, or what a clock on the wall showed.
type when struct {
	shown   time.Time // the wall's time as if it were UTC, unless instant
	instant bool
	either  bool // month and day could be exchanged
}

// moment reads a time. Its error is [ErrDateOrder].
func (t *table) moment(m *Moment, w whenAt, rec record) (when, Reason, error) {
	text := at(rec.fields, w.at)
	if w.at < 0 {
		date, clock := at(rec.fields, w.date), at(rec.fields, w.time)
		if rec.serial {
			date, clock = rec.serialDate(date), serialTime(clock)
		}
		if day, of, ok := strings.Cut(date, " "); ok && timeOfDay.MatchString(of) { // Kimai's workbooks have the start in both
			date = day
		}
		text = date + " " + clock
	} else if rec.serial {
		text = rec.serialDate(text)
	}
	if found, ok := t.parse(m, text, rec.serial); ok {
		return found, "", nil
	}
	text = spelled(text)
	if found, ok := t.parse(m, text, rec.serial); ok {
		return found, "", nil
	}
	if begin, ok := endOfDay(text); ok {
		if found, ok := t.parse(m, begin, rec.serial); ok && !found.instant {
			found.shown = found.shown.AddDate(0, 0, 1)
			return found, "", nil
		}
	}
	for _, layout := range m.parsed {
		if other, ok := exchanged(layout); ok {
			if _, err := time.Parse(other, text); err == nil {
				return when{}, "", ErrDateOrder
			}
		}
	}
	return when{}, BadTime, nil
}

// parse reads a time by the first layout that it has.
func (t *table) parse(m *Moment, text string, serial bool) (when, bool) {
	hint := t.hints[m]
	for i := range m.parsed {
		if hint > 0 && i == 0 {
			i = hint
		} else if i == hint {
			i = 0
		}
		layout := m.parsed[i]
		at, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if t.m.title != "" { // its layouts have nothing in common
			t.hints[m] = i
		}
		mistakable := isMonthFirst(layout)
		t.unsure = t.unsure && (!mistakable || at.Day() <= 12)
		return when{shown: at, instant: strings.Contains(m.Layouts[i], "Z"), either: mistakable && at.Day() != int(at.Month())}, true
	}
	if serial { // the time of day was a number, too
		if at, err := time.Parse(time.DateTime, text); err == nil {
			return when{shown: at}, true
		}
	}
	return when{}, false
}

var timeOfDay = regexp.MustCompile(`^\d{1,2}:\d{2}(:\d{2})?$`)

var halvesOfDay = strings.NewReplacer("A. M.", "AM", "A.M.", "AM", "P. M.", "PM", "P.M.", "PM")

// spelled is a time with its half of the day as layouts have it, for those who write
// 7:30pm or 7:30 p. m.
func spelled(text string) string {
	text = halvesOfDay.Replace(strings.ToUpper(text))
	for _, half := range []string{"AM", "PM"} {
		if clock, ok := strings.CutSuffix(text, half); ok {
			return strings.TrimRight(clock, " ") + " " + half
		}
	}
	return text
}

// endOfDay is the first time of a day for its last, 24:00; the caller adds the day.
func endOfDay(text string) (begin string, ok bool) {
	for _, end := range []string{" 24:00:00", " 24:00", " 2400"} {
		if day, ok := strings.CutSuffix(text, end); ok {
			return day + strings.Replace(end, "24", "00", 1), true
		}
	}
	return "", false
}

// The serial numbers of workbooks that are taken for dates: 1954 to 2119. The epoch
// is that of Excel for Windows, off by one for the leap day that 1900 did not have.
const firstSerial, lastSerial = 20_000, 80_000

var serialEpoch = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)

// serialDate writes a number of days as a date, with the time of day where there is
// one; other text stays.
func (r record) serialDate(s string) string {
	days, err := strconv.ParseFloat(s, 64)
	if err != nil || days < firstSerial || days > lastSerial {
		return s
	}
	if r.from1904 {
		days += 1462
	}
	at := serialEpoch.Add(time.Duration(days * 24 * float64(time.Hour))).Round(time.Second)
	if days == float64(int64(days)) {
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateTime)
}

// serialTime writes a fraction of a day as a time of day, also that of a date; other text
// stays. HHMM without a point stays, too.
func serialTime(s string) string {
	part, err := strconv.ParseFloat(s, 64)
	if dated := err == nil && part >= firstSerial && part <= lastSerial; dated {
		part -= math.Floor(part)
	} else if err != nil || part < 0 || part >= 1 || !strings.Contains(s, ".") {
		return s
	}
	return serialEpoch.Add(time.Duration(part * 24 * float64(time.Hour))).Round(time.Second).Format(time.TimeOnly)
}

// read reads hours; false where there are none.
func (d *Duration) read(s string) (time.Duration, bool) {
	if d == nil || s == "" {
		return 0, false
	}
	if parts := strings.Split(s, ":"); len(parts) > 1 {
		var total time.Duration
		unit := time.Hour
		for _, part := range parts[:min(3, len(parts))] {
			n, err := strconv.ParseUint(part, 10, 31)
			if err != nil {
				return 0, false
			}
			total, unit = total+time.Duration(n)*unit, unit/60
		}
		return total, true
	}
	n, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	switch {
	case err != nil || !(n >= 0 && n <= 1e6): // what is no number is neither
		return 0, false
	case d.As == "seconds" && !strings.ContainsAny(s, ".,"): // with a point they are hours, as users of Kimai may choose
		return time.Duration(n * float64(time.Second)), true
	case d.As == "hhmm":
		return time.Duration(int(n)/100)*time.Hour + time.Duration(int(n)%100)*time.Minute, true
	}
	return time.Duration(n * float64(time.Hour)), true
}

// agree says whether hours as read are those that were worked. What may be seconds may be
// hours as well, as users of a program choose, and in workbooks a part of a day.
func (d *Duration) agree(told, worked time.Duration, serial bool) bool {
	const factor = time.Hour / time.Second
	return about(worked, told) || d.As == "seconds" && told < 24*time.Second && about(worked, told*factor) || serial && told < 24*time.Hour && about(worked, told*24)
}
