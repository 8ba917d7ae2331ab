package assignment_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// promise: OT-36
func TestHowMuchOfACapIsTakenUp(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	commitments := []assignment.Commitment{
		{Kind: eventschema.ShiftDuty, Employer: "agency", Start: start, End: end},                                                             // Monday, 07:00 to 15:00
		{Kind: eventschema.ShiftDetail, Employer: "customer", Start: start.Add(14 * time.Hour), End: start.Add(20 * time.Hour)},               // 21:00 to 03:00
		{Kind: eventschema.ShiftDetail, Employer: "customer", Start: start.AddDate(0, 0, 6), End: end.AddDate(0, 0, 6)},                       // Sunday
		{Kind: eventschema.ShiftDetail, Employer: "customer", Start: start.AddDate(0, 0, 7).Add(-7 * time.Hour), End: start.AddDate(0, 0, 7)}, // the Monday after, from midnight
		{Kind: eventschema.ShiftDetail, Employer: "customer", Start: start.AddDate(0, 0, -1).Add(-time.Hour), End: end.AddDate(0, 0, -1)},     // the Sunday before
	}
	for rule, row := range map[string]struct {
		cap  assignment.Cap
		want string
	}{
		"a day counts its own part of a night": {assignment.Cap{Counts: assignment.CountAll, Time: 16 * time.Hour, Shifts: 3}, " 11h0m0s/5h0m0s 2/1"},
		"a week begins on Monday":              {assignment.Cap{Week: true, Counts: assignment.CountAll, Time: 90 * time.Hour, Shifts: 3}, " 22h0m0s/68h0m0s 3/0"},
		"what is over a cap leaves nothing":    {assignment.Cap{Week: true, Counts: assignment.CountAll, Time: 20 * time.Hour, Shifts: 2}, " 22h0m0s/0s 3/0"},
		"details alone":                        {assignment.Cap{Week: true, Counts: assignment.CountDetails, Shifts: 9}, " 14h0m0s/0s 2/7"},
		"each employer for itself":             {assignment.Cap{Week: true, Counts: assignment.CountEmployer, Time: 10 * time.Hour}, "agency 8h0m0s/2h0m0s 1/0;customer 14h0m0s/0s 2/0"},
	} {
		t.Run(rule, func(t *testing.T) {
			policy := assignment.Policy{WeekStarts: time.Monday, Caps: []assignment.Cap{row.cap}}
			got := ""
			for i, u := range policy.Uses(newYork, start, commitments) {
				left, limited := u.TimeLeft()
				shifts, counted := u.ShiftsLeft()
				if limited != (row.cap.Time > 0) || counted != (row.cap.Shifts > 0) {
					t.Errorf("%+v says what it limits otherwise", u)
				}
				if i > 0 {
					got += ";"
				}
				got += fmt.Sprintf("%s %s/%s %d/%d", u.Employer, u.Time, left, u.Shifts, shifts)
			}
			if got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
	if uses := policy.Uses(newYork, start, []assignment.Commitment{{ShiftID: uuid.New(), Start: end.AddDate(0, 1, 0), End: end.AddDate(0, 1, 0).Add(time.Hour)}}); len(uses) != 2 || uses[0].Shifts != 0 {
		t.Errorf("a shift of another month counts: %+v", uses)
	}
}
