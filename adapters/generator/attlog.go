package generator

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Figures is what a reader should find in the file of one terminal.
type Figures struct {
	Lines         int64 `json:"lines"`
	People        int64 `json:"people"`         // who punched at all
	Repeats       int64 `json:"repeats"`        // the same key again within a minute
	Duplicates    int64 `json:"duplicates"`     // lines equal byte for byte
	WrongKeys     int64 `json:"wrong_keys"`     // corrected within seconds, or not
	OvertimeKeys  int64 `json:"overtime_keys"`  // pressed by mistake
	ForgottenOuts int64 `json:"forgotten_outs"` // days on which the last out is missing
	Enrolments    int64 `json:"enrolments"`     // single ins of the first day
	InGap         int64 `json:"in_gap"`         // with HardTimes: lines whose time never was
	InOverlap     int64 `json:"in_overlap"`     // with HardTimes: lines whose time came twice

	First string `json:"first"` // local time of the first line
	Last  string `json:"last"`
}

// WriteAttlog writes the file of a terminal (counted from 1) line by line, in order
// of time, exactly as the terminals do, and answers the figures of what it wrote.
// Errors: [ErrTerminal], those of w.
func (p Plan) WriteAttlog(w io.Writer, terminal int) (Figures, error) {
	to := bufio.NewWriterSize(w, 64<<10)
	verify := '1' + byte((terminal-1)%2) // one knows fingers, the next one cards and faces
	var text []byte
	figures, err := p.play(terminal, func(k press) error {
		pin := strconv.Itoa(k.pin)
		text = append(append(text[:0], "         "[min(len(pin), 9):]...), pin...)
		text = append(k.at.AppendFormat(append(text, '\t'), time.DateTime), '\t', verify, '\t', k.state)
		text = append(text, "\t0\t0\n"...)
		_, err := to.Write(text)
		return err
	})
	if err == nil {
		err = to.Flush()
	}
	if err != nil {
		return Figures{}, fmt.Errorf("write clock file of terminal %d: %w", terminal, err)
	}
	return figures, nil
}

// Figures tells what the file of a terminal holds, without writing it. It takes as
// long as writing. Error: [ErrTerminal].
func (p Plan) Figures(terminal int) (Figures, error) {
	return p.play(terminal, func(press) error { return nil })
}

// play invents all days of a terminal and gives each press to emit.
func (p Plan) play(terminal int, emit func(press) error) (Figures, error) {
	staff, err := p.at(terminal)
	if err != nil {
		return Figures{}, err
	}
	var f Figures
	o := office{draw: p.draw(terminal-1, punching), staff: staff, zone: p.zone, figures: &f}
	seen := map[int]struct{}{}
	var first, last time.Time
	take := func(k press) error {
		f.count(k)
		if last = k.at; first.IsZero() {
			first = k.at
		}
		seen[k.pin] = struct{}{}
		return emit(k)
	}
	var hard []press
	if p.config.HardTimes {
		hard = hardTimes(p.first, p.first.AddDate(0, 0, p.days), p.zone)
	}
	for number := range p.days {
		midnight := p.first.AddDate(0, 0, number)
		for len(hard) > 0 && hard[0].at.Before(midnight.AddDate(0, 0, 1)) { // at night, before the day's work
			hard[0].pin = staff[0].pin
			if err := take(hard[0]); err != nil {
				return f, err
			}
			hard = hard[1:]
		}
		for _, k := range o.day(number, midnight) {
			if err := take(k); err != nil {
				return f, err
			}
		}
	}
	f.People = int64(len(seen))
	if f.Lines > 0 {
		f.First, f.Last = first.Format(time.DateTime), last.Format(time.DateTime)
	}
	return f, nil
}

func (f *Figures) count(k press) {
	f.Lines++
	switch k.why {
	case repeated:
		f.Repeats++
	case doubled:
		f.Duplicates++
	case wrongKey:
		f.WrongKeys++
	case overtime:
		f.OvertimeKeys++
	case enrolment:
		f.Enrolments++
	case inGap:
		f.InGap++
	case inOverlap:
		f.InOverlap++
	}
}
