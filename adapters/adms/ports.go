package adms

import (
	"context"
	"errors"
	"time"
)

// ErrUnknown says that no terminal with this serial number may push.
var ErrUnknown = errors.New("no terminal of this serial number is registered")

// Terminal is a terminal that may push.
type Terminal struct {
	Serial      string
	Station     string
	Zone        *time.Location
	WaivedUntil time.Time // until then rows that make no punch are let go
	// Overlaps say which instants are meant by local times that came twice, by day or
	// reading. They are for whoever reads the rows.
	Overlaps map[string]string
}

// Register says which terminals may push.
type Register interface {
	// Find answers the terminal of a serial number, or [ErrUnknown]. It is asked with
	// every request, also by whoever tries numbers out, and must be cheap.
	Find(ctx context.Context, serial string) (Terminal, error)
}

// Punches takes what terminals push.
type Punches interface {
	// Take records what of a batch is a punch, and says what became of each row. When
	// there is no error, what it counts as recorded or already recorded is durable.
	// The same batch may come any number of times, also at the same time. It must not
	// keep the bytes, and neither its error nor its verdict holds a value of a row.
	Take(ctx context.Context, from Terminal, batch []byte) (Verdict, error)
}

// Verdict says what became of a batch.
type Verdict struct {
	Rows      int            // blank lines left out
	Recorded  int            // punches that are new
	Already   int            // punches that were recorded before, repeats within the batch included
	Templates int            // rows with biometric templates: dropped
	Held      map[string]int // rows that made no punch, by reason
	Suspect   map[string]int // rows that were recorded and need a look, by reason
}

func (v Verdict) held() (rows int) {
	for _, n := range v.Held {
		rows += n
	}
	return rows
}

// news is what needs a look of a batch that brought something new: one that a
// terminal repeats was told of before.
func (v Verdict) news() map[string]int {
	if v.Recorded == 0 {
		return nil
	}
	return v.Suspect
}
