package assignment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

func busy(from, hours int) assignment.Commitment {
	return assignment.Commitment{
		ShiftID: numbered(from), Kind: eventschema.ShiftDuty, Employer: "agency",
		Start: start.Add(time.Duration(from) * time.Hour), End: start.Add(time.Duration(from+hours) * time.Hour),
	}
}

func codes(conflicts []eventschema.PassedOver) (found []eventschema.ConflictCode) {
	for _, c := range conflicts {
		found = append(found, c.Code)
	}
	return found
}

// The shift of the table is a detail from 07:00 to 15:00 in New York on a Monday.
//
// promise: OT-36
// promise: OT-37
func TestWhatStandsAgainstAShift(t *testing.T) {
	slot := assignment.Slot{ShiftID: shiftID, Kind: eventschema.ShiftDetail, Employer: "customer_0042", Start: start, End: end, Zone: "America/New_York"}
	plain := assignment.Policy{Version: 1}
	capped := func(c assignment.Cap) assignment.Policy {
		return assignment.Policy{Version: 1, Caps: []assignment.Cap{c}}
	}
	week := []assignment.Commitment{busy(-10, 4), busy(24, 8), busy(48, 8), busy(72, 8), busy(96, 8), busy(160, 8)}
	type list = []assignment.Commitment
	type found = []eventschema.ConflictCode
	for rule, c := range map[string]struct {
		policy assignment.Policy
		has    list
		want   found
	}{
		"nothing":                              {assignment.DefaultPolicy(), nil, nil},
		"duty at the same time":                {plain, list{busy(4, 8)}, found{eventschema.ConflictDoubleBooked}},
		"duty that ends when the shift starts": {plain, list{busy(-8, 8)}, nil},
		"duty that starts when the shift ends": {plain, list{busy(8, 8)}, nil},
		"the shift itself does not":            {plain, list{{ShiftID: shiftID, Start: start, End: end}}, nil},
		"seven hours of rest before":           {assignment.Policy{Rest: 8 * time.Hour}, list{busy(-15, 8)}, found{eventschema.ConflictRest}},
		"seven hours of rest after":            {assignment.Policy{Rest: 8 * time.Hour}, list{busy(15, 8)}, found{eventschema.ConflictRest}},
		"eight hours of rest do not":           {assignment.Policy{Rest: 8 * time.Hour}, list{busy(-16, 8), busy(16, 8)}, nil},
		"shifts that adjoin need no rest":      {assignment.Policy{Rest: 8 * time.Hour}, list{busy(-4, 4)}, nil},
		"a stretch of adjoining shifts":        {assignment.Policy{Longest: 16 * time.Hour}, list{busy(-4, 4), busy(8, 3), busy(11, 2)}, found{eventschema.ConflictStretch}},
		"16 hours at a stretch do not":         {assignment.Policy{Longest: 16 * time.Hour}, list{busy(-4, 4), busy(8, 4)}, nil},
		"17 hours in a day":                    {capped(assignment.Cap{Counts: assignment.CountAll, Time: 16 * time.Hour}), list{busy(8, 9)}, found{eventschema.ConflictDayHours}},
		"what lies behind midnight does not":   {capped(assignment.Cap{Counts: assignment.CountAll, Time: 16 * time.Hour}), list{busy(9, 9)}, nil},
		"the second shift of a day":            {capped(assignment.Cap{Counts: assignment.CountAll, Shifts: 1}), list{busy(9, 2)}, found{eventschema.ConflictDayShifts}},
		"42 hours in a week from Monday":       {capped(assignment.Cap{Week: true, Counts: assignment.CountAll, Time: 41 * time.Hour}), week, found{eventschema.ConflictWeekHours}},
		"of what crosses its ends only a part": {capped(assignment.Cap{Week: true, Counts: assignment.CountAll, Time: 42 * time.Hour}), week, nil},
		"six shifts in a week":                 {capped(assignment.Cap{Week: true, Counts: assignment.CountAll, Shifts: 4}), week, found{eventschema.ConflictWeekShifts}},
		"duty does not count among details":    {capped(assignment.Cap{Counts: assignment.CountDetails, Time: 8 * time.Hour}), list{busy(9, 4)}, nil},
		"nor another employer among one's own": {capped(assignment.Cap{Counts: assignment.CountEmployer, Time: 8 * time.Hour}), list{busy(9, 4)}, nil},
		"in the order of the rules":            {assignment.DefaultPolicy(), list{busy(4, 12)}, found{eventschema.ConflictDoubleBooked, eventschema.ConflictDayHours}},
	} {
		plainer := c.policy
		plainer.WeekStarts = time.Monday
		got, err := plainer.Conflicts(slot, assignment.Candidate{WorkID: ada, Commitments: c.has})
		if err != nil || !slices.Equal(codes(got), c.want) {
			t.Errorf("%s: %+v %v, want %v", rule, got, err, c.want)
		}
		shuffled := slices.Clone(c.has)
		slices.Reverse(shuffled)
		if again, _ := plainer.Conflicts(slot, assignment.Candidate{WorkID: ada, Commitments: shuffled}); !slices.Equal(got, again) {
			t.Errorf("%s: depends on the order of the commitments", rule)
		}
	}
	slot.Kind = eventschema.ShiftDuty
	if got, err := capped(assignment.Cap{Counts: assignment.CountDetails, Time: 4 * time.Hour}).Conflicts(slot, assignment.Candidate{WorkID: ada}); err != nil || len(got) > 0 {
		t.Errorf("a cap on details says of duty: %v %v", got, err)
	}
	slot.Qualification = "traffic"
	for _, c := range []struct {
		has  []string
		want int
	}{{nil, 1}, {[]string{"dogs"}, 1}, {[]string{"dogs", "traffic"}, 0}} {
		if got, err := plain.Conflicts(slot, assignment.Candidate{WorkID: ada, Qualifications: c.has}); err != nil || len(got) != c.want {
			t.Errorf("with %v: %v %v", c.has, got, err)
		}
	}
	slot.Zone = "Moon/Tycho"
	if _, err := plain.Conflicts(slot, assignment.Candidate{}); !errors.Is(err, assignment.ErrZone) {
		t.Errorf("a zone that is none: %v", err)
	}
}

// promise: OT-36
func TestARefusalNamesTheFiguresAndNobody(t *testing.T) {
	long := changed(assign, func(a *assignment.Assign) { a.Candidate.Commitments = []assignment.Commitment{busy(8, 9)} })
	_, err := assignment.Decider().Decide(assignment.Decider().Fold(wasPlanned), long)
	if err == nil || !strings.Contains(err.Error(), "day_hours (1020 of 960)") || strings.Contains(err.Error(), ada.String()) {
		t.Errorf("the refusal says %v", err)
	}
}

// A local day is 23 or 25 hours long where the clocks change: what counts is how
// long somebody is there.
func TestADayIsCountedByTheClockOfTheSite(t *testing.T) {
	policy := assignment.Policy{Caps: []assignment.Cap{{Counts: assignment.CountAll, Time: 24 * time.Hour}}}
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]int{"2026-03-08": 0, "2026-10-31": 0, "2026-11-01": 1} {
		day, err := time.ParseInLocation(time.DateOnly, date, newYork)
		if err != nil {
			t.Fatal(err)
		}
		noon := day.Add(12 * time.Hour)
		slot := assignment.Slot{ShiftID: shiftID, Start: day, End: noon, Zone: "America/New_York"}
		rest := assignment.Commitment{ShiftID: numbered(1), Start: noon, End: day.AddDate(0, 0, 1)}
		if got, err := policy.Conflicts(slot, assignment.Candidate{Commitments: []assignment.Commitment{rest}}); err != nil || len(got) != want {
			t.Errorf("all of %s is %v %v, want %d above 24 hours", date, got, err, want)
		}
	}
}
