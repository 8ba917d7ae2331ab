package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Directions says whether the in and out that a file has for a punch are believed.
type Directions string

// The choices. Without one they are believed, unless the file begins with nothing but ins
// or nothing but outs: see [ErrDirections].
const (
	// DirectionsPressed takes what was pressed.
	DirectionsPressed Directions = "pressed"
	// DirectionsDerived lets in and out alternate within a shift, whatever was pressed:
	// for stations at which nobody presses a key. Punches stay the same punches, so those
	// that were imported as pressed stay as they were.
	DirectionsDerived Directions = "derive"
)

// ErrDirections: the terminal wrote the same state for everything, so nobody would ever
// have left. Nothing of the file is taken.
var ErrDirections = errors.New("the file says the same for every punch, only in or only out: nobody presses a key at this station, and no hours would come of it; " +
	"give --directions derive to let in and out alternate within a shift, or --directions pressed to take the punches as they are")

func (d Directions) validate() error {
	switch d {
	case "", DirectionsPressed, DirectionsDerived:
		return nil
	}
	return fmt.Errorf("directions must be %s or %s, not %.32q", DirectionsPressed, DirectionsDerived, string(d))
}

// A state that never changes is seen at people who come back to the station this much
// later on the same day, as often as manyReturns. A few may have forgotten to press.
const (
	laterThatDay = time.Hour
	manyReturns  = 20
)

// returns counts those who came back with the same direction.
type returns struct {
	last  map[string]time.Time // of each person, as the clock on the wall
	same  int
	other bool
	first string
}

func (s *returns) see(pin, direction string, at time.Time) {
	if s.first == "" {
		s.first, s.last = direction, map[string]time.Time{}
	}
	s.other = s.other || direction != s.first
	if before, known := s.last[pin]; known && at.YearDay() == before.YearDay() && at.Sub(before) >= laterThatDay {
		s.same++
	}
	s.last[pin] = at
}

func (s *returns) err() error {
	if !s.other && s.same >= manyReturns {
		return ErrDirections
	}
	return nil
}

// checkPressed looks at the beginning of a clock's file. Its error is [ErrDirections], or
// that of reading.
func checkPressed(from *lines) error {
	start, err := from.from.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var seen returns
	for text := range bytes.Lines(start) {
		var columns [maxColumns][]byte
		n := split(bytes.TrimRight(text, "\r\n"), &columns)
		wall, ok := parseClock(columns[1])
		if state, known := parseState(columns[3]); n >= minColumns && ok && known {
			_, direction, _ := press(state)
			seen.see(string(slices.Clone(columns[0])), string(direction), time.Date(wall.Year, wall.Month, wall.Day, wall.Hour, wall.Min, wall.Sec, 0, time.UTC))
		}
	}
	return seen.err()
}
