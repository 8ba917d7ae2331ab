package app

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/projections"
)

// Somebody came in at six; the shifts of the day are theirs, and one is another's.
func TestWhichShiftSomebodyIsOn(t *testing.T) {
	work, day := uuid.New(), time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	at := func(hour float64) time.Time { return day.Add(time.Duration(hour * float64(time.Hour))) }
	morning, noon, evening := uuid.New(), uuid.New(), uuid.New()
	shifts := []projections.Assignment{
		{WorkID: work, ShiftID: morning, StartsAt: at(6), EndsAt: at(10)}, {WorkID: work, ShiftID: noon, StartsAt: at(10), EndsAt: at(14)},
		{WorkID: work, ShiftID: evening, StartsAt: at(18), EndsAt: at(22)}, {WorkID: uuid.New(), ShiftID: uuid.New(), StartsAt: at(6), EndsAt: at(23)},
	}
	for rule, c := range map[string]struct {
		since, at float64
		want      uuid.UUID
		overdue   httpapi.Overdue
	}{
		"who came an hour before is on the shift to come": {5, 5.5, morning, ""},
		"on the one that runs":                            {6, 9, morning, ""},
		"also when the next one begins within minutes":    {6, 9.9, morning, ""},
		"then on the next, which adjoins":                 {6, 10, noon, ""},
		"within the grace":                                {6, 14, noon, ""},
		"overdue, whatever the evening holds":             {6, 16.5, noon, httpapi.OverdueShift},
		"who came for the evening is on that":             {16.5, 17, evening, ""},
		"and on none before":                              {15, 15.5, uuid.Nil, ""},
	} {
		row := boardRow(httpapi.PresenceView{WorkID: work, Since: at(c.since)}, shifts, at(c.at))
		if row.ShiftID != c.want || row.Overdue != c.overdue {
			t.Errorf("%s: %s %q, ends %s", rule, row.ShiftID, row.Overdue, row.EndsAt)
		}
	}
}
