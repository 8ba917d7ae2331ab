package assignment_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tracekeep/domain/assignment"
	"tracekeep/domain/localtime"
	"tracekeep/eventschema"
)

// details reads the details that the police of a city were paid for, by officer.
func details(t *testing.T) (byOfficer map[string][]assignment.Commitment, rows int) {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "bpd-paid-details-2022", "details.csv")
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", path)
		}
		t.Skipf("%s is not here; it is needed only to check against outside figures", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	all, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	newYork, byOfficer := zone(t, "America/New_York"), map[string][]assignment.Commitment{}
	for n, row := range all[1:] {
		// tracking_no, employee_id, employee, rank, street, cross_street, detail_date, start_time, end_time, …
		clock := func(days int, at string) time.Time {
			local, err := time.Parse(time.DateOnly+" 1504", row[6]+" "+at)
			if err != nil {
				t.Fatal(err)
			}
			readings, err := localtime.Readings(localtime.Of(local.AddDate(0, 0, days)), newYork)
			if err != nil {
				t.Fatal(err)
			}
			return readings[0].At
		}
		next := 0
		if row[8] <= row[7] {
			next = 1
		}
		byOfficer[row[1]] = append(byOfficer[row[1]], assignment.Commitment{
			ShiftID: numbered(n), Kind: eventschema.ShiftDetail, Employer: "c" + row[12], Start: clock(0, row[7]), End: clock(next, row[8]),
		})
	}
	return byOfficer, len(all) - 1
}

// A year of real details is assigned again, one after the other, in the order in
// which they began. The rules see in it what others counted there: nobody is in two
// places, 2,050 rests are under eight hours and 79 shifts adjoin. On four days somebody
// worked more than 16 hours (by the date of the start, as the source counts, three).
//
// promise: OT-36
// promise: OT-37
func TestTheRulesSeeInRealDetailsWhatIsThere(t *testing.T) {
	byOfficer, rows := details(t)
	var expected struct{ Rows, People int }
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "bpd-paid-details-2022", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &expected); err != nil {
		t.Fatal(err)
	}
	if rows != expected.Rows || len(byOfficer) != expected.People {
		t.Fatalf("%d details of %d people, want %+v", rows, len(byOfficer), expected)
	}
	policy := assignment.Policy{Version: 1, Rest: 8 * time.Hour, Caps: []assignment.Cap{{Counts: assignment.CountAll, Time: 16 * time.Hour}}}
	var rests, days, booked, adjoining int
	for _, shifts := range byOfficer {
		slices.SortFunc(shifts, func(a, b assignment.Commitment) int { return a.Start.Compare(b.Start) })
		for i, s := range shifts {
			slot := assignment.Slot{ShiftID: s.ShiftID, Kind: s.Kind, Employer: s.Employer, Start: s.Start, End: s.End, Zone: "America/New_York"}
			conflicts, err := policy.Conflicts(slot, assignment.Candidate{WorkID: ada, Commitments: shifts[max(0, i-8):i]})
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && shifts[i-1].End.Equal(s.Start) {
				adjoining++
			}
			for _, c := range conflicts {
				switch {
				case c.Code == eventschema.ConflictDoubleBooked:
					booked++
				case c.Code == eventschema.ConflictDayHours:
					days++
				case c.With == shifts[i-1].ShiftID: // a short one may lie between two that are near
					rests++
				}
			}
		}
	}
	if booked != 0 || rests != 2050 || adjoining != 79 || days != 4 {
		t.Errorf("%d double bookings, %d short rests, %d that adjoin, %d days above 16 hours", booked, rests, adjoining, days)
	}
}
