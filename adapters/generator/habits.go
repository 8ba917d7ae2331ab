package generator

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"tracekeep/domain/localtime"
)

// press is one key pressed at a terminal.
type press struct {
	at    time.Time // wall-clock time, as UTC
	pin   int
	state byte
	why   cause
}

// cause is why a press happened, for the figures.
type cause byte

const (
	usual     cause = iota
	repeated        // the same key again, to be sure
	doubled         // the same line written twice
	wrongKey        // the other key, corrected or not
	overtime        // an overtime key by mistake
	enrolment       // the single "in" of the first day
	inGap           // asked for by HardTimes
	inOverlap
)

// The working day, in seconds since midnight.
const (
	opens    = 8 * 3600
	lunch    = 12 * 3600
	lunchEnd = 12*3600 + 50*60
	closes   = 17 * 3600
)

// office invents the days of one terminal, one after the other.
type office struct {
	draw    *rand.Rand
	staff   []worker
	zone    *time.Location
	figures *Figures
	today   []press
	opened  bool // the enrolment day was
	plain   bool // no clocks change around today
}

// day invents everything pressed on one day, in order of time. The slice is valid
// until the next call.
func (o *office) day(number int, midnight time.Time) []press {
	o.today = o.today[:0]
	weekday := midnight.Weekday()
	if weekday == time.Saturday || weekday == time.Sunday || o.opened && o.draw.IntN(25) == 0 { // a holiday now and then
		return o.today
	}
	o.plain = unchanged(midnight, o.zone)
	for i := range o.staff {
		w := &o.staff[i]
		switch {
		case !o.opened && w.joins <= number:
			o.enrol(w, midnight)
		case o.opened && number >= w.joins && number < w.leaves && o.draw.IntN(1000) >= w.absence:
			o.work(w, midnight)
		}
	}
	o.opened = true
	slices.SortStableFunc(o.today, func(a, b press) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.pin, b.pin))
	})
	return o.today
}

func (o *office) enrol(w *worker, midnight time.Time) {
	at := midnight.Add(time.Duration(opens+3600+o.draw.IntN(2*3600)) * time.Second)
	o.add(press{at: at, pin: w.pin, state: '0', why: enrolment})
	if o.draw.IntN(5) == 0 {
		o.add(press{at: at.Add(time.Duration(2+o.draw.IntN(40)) * time.Second), pin: w.pin, state: '0', why: repeated})
	}
}

// work is one day of one person. The shares are those of the real terminals.
func (o *office) work(w *worker, midnight time.Time) {
	clock := func(usual, jitter int) time.Time {
		return midnight.Add(time.Duration(usual+spread(o.draw, jitter)) * time.Second)
	}
	in, out := clock(opens-w.early, 1500), clock(closes+w.early+900, 2400)
	toLunch, back := clock(lunch+240, 600), clock(lunchEnd, 540)
	switch habit := o.draw.IntN(100); {
	case habit < 50:
		o.pressAll(w, in, toLunch, back, out)
	case habit < 72: // works through, or forgets lunch altogether
		o.pressAll(w, in, time.Time{}, time.Time{}, out)
	case habit < 87:
		o.pressAll(w, in, time.Time{}, time.Time{}, time.Time{})
	case habit < 93:
		o.pressAll(w, in, toLunch, back, time.Time{})
	case habit < 97:
		o.pressAll(w, in, toLunch, time.Time{}, out)
	default:
		o.pressAll(w, in, time.Time{}, back, out)
	}
}

// pressAll presses in, out, in and out at the times given; zero times are forgotten.
func (o *office) pressAll(w *worker, times ...time.Time) {
	if times[len(times)-1].IsZero() {
		o.figures.ForgottenOuts++
	}
	for i, at := range times {
		if !at.IsZero() {
			o.press(w, at, i%2 == 1)
		}
	}
}

// press presses one key, or what people make of it.
func (o *office) press(w *worker, at time.Time, leaves bool) {
	right, wrong, extra := byte('0'), byte('1'), byte('4')
	if leaves {
		right, wrong, extra = '1', '0', '5'
	}
	later := func(least, most int) time.Time {
		return at.Add(time.Duration(least+o.draw.IntN(most-least+1)) * time.Second)
	}
	switch slip := o.draw.IntN(100_000); {
	case slip < 200:
		o.add(press{at: at, pin: w.pin, state: extra, why: overtime})
	case slip < 700:
		o.add(press{at: at, pin: w.pin, state: wrong, why: wrongKey})
	case slip < 1700:
		o.add(press{at: at, pin: w.pin, state: wrong, why: wrongKey})
		o.add(press{at: later(2, 20), pin: w.pin, state: right})
	case slip < 3700:
		o.add(press{at: at, pin: w.pin, state: right})
		o.add(press{at: later(1, 50), pin: w.pin, state: right, why: repeated})
	case slip < 3705:
		o.add(press{at: at, pin: w.pin, state: right})
		o.add(press{at: at, pin: w.pin, state: right, why: doubled})
	default:
		o.add(press{at: at, pin: w.pin, state: right})
	}
}

// add keeps a press unless the clocks skipped or repeated its time: a real clock
// shows no skipped time, and nobody should meet a repeated one without asking for it.
func (o *office) add(p press) {
	if o.plain {
		o.today = append(o.today, p)
		return
	}
	readings, err := localtime.Readings(localtime.Of(p.at), o.zone)
	if err == nil && len(readings) == 1 {
		o.today = append(o.today, p)
	}
}

// unchanged tells that no local time of the day is skipped or repeated, so that only
// few days in a year are looked at punch by punch.
func unchanged(midnight time.Time, zone *time.Location) bool {
	return len(localtime.Periods(midnight.Add(-26*time.Hour), midnight.Add(50*time.Hour), zone)) == 1
}

// hardTimes lists a wall-clock time in the middle of every span that clocks skip or
// repeat between from and to.
func hardTimes(from, to time.Time, zone *time.Location) []press {
	var found []press
	periods := localtime.Periods(from, to, zone)
	for i := 1; i < len(periods); i++ {
		before, after := periods[i-1].OffsetSeconds, periods[i].OffsetSeconds
		p := press{at: periods[i].Start.Add(time.Duration(before+after) * time.Second / 2).Truncate(time.Second), state: '0', why: inOverlap}
		if after > before {
			p.why = inGap
		}
		found = append(found, p)
	}
	return found
}
