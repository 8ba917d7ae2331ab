package hours_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/hours"
)

func TestDaysWithDeclaredHoursThatAreWorthALook(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, time.March, 5, hour, 0, 0, 0, time.UTC) }
	interval := hours.WorkInterval{In: uuid.UUID{1}, Out: uuid.UUID{2}, Start: at(8), End: at(12), WorkDate: "2026-03-05"}
	alone := hours.Exception{Punch: uuid.UUID{3}, Code: hours.MissingOut, At: at(8), WorkDate: "2026-03-05"}
	declared := func(id byte, date string, length time.Duration) hours.Declared {
		return hours.Declared{ID: uuid.UUID{id}, WorkDate: date, Time: length}
	}
	for rule, c := range map[string]struct {
		paired   hours.Pairing
		declared []hours.Declared
		want     []string
	}{
		"nothing declared":                          {hours.Pairing{Intervals: []hours.WorkInterval{interval}}, nil, nil},
		"declared hours alone":                      {hours.Pairing{}, []hours.Declared{declared(7, "2026-03-05", 8*time.Hour)}, nil},
		"of another day than the punches":           {hours.Pairing{Intervals: []hours.WorkInterval{interval}}, []hours.Declared{declared(7, "2026-03-06", 8*time.Hour)}, nil},
		"of the same day: both values are shown":    {hours.Pairing{Intervals: []hours.WorkInterval{interval}}, []hours.Declared{declared(7, "2026-03-05", 8*time.Hour)}, []string{"2026-03-05 declared_and_punched medium 4h0m0s 8h0m0s 2 1"}},
		"beside a punch that counts for nothing":    {hours.Pairing{Exceptions: []hours.Exception{alone}}, []hours.Declared{declared(7, "2026-03-05", time.Hour)}, []string{"2026-03-05 declared_and_punched medium 0s 1h0m0s 1 1"}},
		"24 hours fit into a day":                   {hours.Pairing{}, []hours.Declared{declared(7, "2026-03-05", 12*time.Hour), declared(8, "2026-03-05", 12*time.Hour)}, nil},
		"more do not":                               {hours.Pairing{}, []hours.Declared{declared(7, "2026-03-05", 13*time.Hour), declared(8, "2026-03-05", 12*time.Hour)}, []string{"2026-03-05 over_24_hours high 0s 25h0m0s 0 2"}},
		"and no more when some of them are punched": {hours.Pairing{Intervals: []hours.WorkInterval{interval}}, []hours.Declared{declared(7, "2026-03-05", 21*time.Hour)}, []string{"2026-03-05 declared_and_punched medium 4h0m0s 21h0m0s 2 1", "2026-03-05 over_24_hours high 4h0m0s 21h0m0s 2 1"}},
	} {
		t.Run(rule, func(t *testing.T) {
			var got []string
			for _, f := range hours.DefaultReview().ReviewDeclared(c.paired, c.declared) {
				got = append(got, fmt.Sprintf("%s %s %s %s %s %d %d", f.WorkDate, f.Code, f.Severity, f.PunchedTime, f.DeclaredHours, len(f.Punches), len(f.Declared)))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
