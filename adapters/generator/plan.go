package generator

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"tracekeep/domain/calendar"
)

// ErrConfig wraps everything that is wrong with a configuration.
var ErrConfig = errors.New("generator configuration")

// ErrTerminal: the plan has no terminal of this number.
var ErrTerminal = errors.New("no such terminal")

// Config says what to invent. The same values give the same bytes.
type Config struct {
	Seed      uint64
	People    int       // all terminals together, at least one for each
	Months    int       // calendar months from Start
	Terminals int       // counted from 1
	Start     time.Time // its date is the first day
	Zone      string    // IANA name of the site's zone

	// HardTimes adds one punch in every hour that clocks skip or repeat within the
	// period. Without it no file holds such a time.
	HardTimes bool
}

// Validate reports everything that is wrong at once, wrapped in [ErrConfig].
func (c Config) Validate() error {
	var wrong []error
	if c.Terminals < 1 || c.Terminals > 99 {
		wrong = append(wrong, errors.New("terminals must be 1 to 99"))
	}
	if c.People < max(1, c.Terminals) || c.People > 1_000_000 {
		wrong = append(wrong, errors.New("people must be 1,000,000 at most and one for each terminal at least"))
	}
	if c.Months < 1 || c.Months > 240 {
		wrong = append(wrong, errors.New("months must be 1 to 240"))
	}
	if year := c.Start.Year(); year < 2001 || year > 2200 {
		wrong = append(wrong, errors.New("start must be in 2001 to 2200"))
	}
	if loc, err := time.LoadLocation(c.Zone); c.Zone == "" || err != nil || loc == time.Local {
		wrong = append(wrong, errors.New("zone must be an IANA name such as Asia/Manila"))
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrConfig, errors.Join(wrong...))
}

// Plan is what was decided before the first line is written: who works where. It is
// read only, so its methods may be called at the same time. Days are invented while
// they are written: memory grows with people, not with months.
type Plan struct {
	config Config
	zone   *time.Location
	first  time.Time // midnight of the first day, as wall-clock time in UTC
	days   int
	staff  [][]worker // by terminal
}

// worker is one invented person at one terminal.
type worker struct {
	number  int // counted over all terminals, gives name and contact
	pin     int
	early   int // seconds before (negative: after) the usual hours
	absence int // days away, per mille
	joins   int // day of the first punch
	leaves  int // day after the last
}

// Generate decides who works where. Error: [ErrConfig].
func Generate(c Config) (Plan, error) {
	if err := c.Validate(); err != nil {
		return Plan{}, err
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return Plan{}, fmt.Errorf("%w: zone: %w", ErrConfig, err)
	}
	year, month, day := c.Start.Date()
	first := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	p := Plan{
		config: c, zone: zone, first: first,
		days: int(calendar.AddMonths(first, c.Months).Sub(first) / (24 * time.Hour)),
	}
	for terminal := range c.Terminals {
		p.staff = append(p.staff, p.hire(terminal))
	}
	return p, nil
}

// hire gives a terminal its people: PINs with gaps, a few who join later or leave.
func (p Plan) hire(terminal int) []worker {
	draw := p.draw(terminal, hiring)
	var staff []worker
	pin := 0
	for number := terminal; number < p.config.People; number += p.config.Terminals {
		if pin++; draw.IntN(12) == 0 {
			pin += 1 + draw.IntN(3)
		}
		w := worker{number: number, pin: pin, early: 300 + spread(draw, 600), absence: 30 + draw.IntN(120), leaves: p.days}
		if draw.IntN(10) == 0 && len(staff) > 0 { // somebody is there from the first day to the last
			w.joins = draw.IntN(p.days)
		}
		if draw.IntN(12) == 0 && len(staff) > 0 {
			w.leaves = w.joins + 1 + draw.IntN(p.days-w.joins)
		}
		staff = append(staff, w)
	}
	return staff
}

// Streams of randomness, so that a change in one leaves the others as they were.
const (
	hiring = iota
	punching
	describing
)

func (p Plan) draw(terminal, stream int) *rand.Rand {
	return rand.New(rand.NewPCG(p.config.Seed, uint64(terminal)<<8|uint64(stream)))
}

// spread draws from a bell around zero, at most most away, in whole numbers so that
// every machine draws the same.
func spread(draw *rand.Rand, most int) int {
	third := most * 2 / 3
	return draw.IntN(third+1) + draw.IntN(third+1) + draw.IntN(third+1) - third*3/2
}

// AttlogName is the name a terminal gives its file.
func (p Plan) AttlogName(terminal int) string { return strconv.Itoa(terminal) + "_attlog.dat" }

func (p Plan) at(terminal int) ([]worker, error) {
	if terminal < 1 || terminal > len(p.staff) {
		return nil, fmt.Errorf("%w: %d", ErrTerminal, terminal)
	}
	return p.staff[terminal-1], nil
}
