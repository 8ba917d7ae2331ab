package payrules

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// These tests compare with what a city paid, in the public record of its police.

// record opens a file of the record, rows by the names of their columns.
func record(t *testing.T, folder, file string, row func(map[string]string)) {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", folder, file)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing", path)
		}
		t.Skipf("%s is not here; it is needed only to check against outside figures", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, cells := range all[1:] {
		named := map[string]string{}
		for i, name := range all[0] {
			named[name] = cells[i]
		}
		row(named)
	}
}

func hoursMinutes(t *testing.T, text string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n/100)*time.Hour + time.Duration(n%100)*time.Minute
}

func expected(t *testing.T, folder string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", folder, "expected.json"))
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skip("the figures are not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func TestPaidDetailsArePaidAsTheCityPaidThem(t *testing.T) {
	var want struct {
		Rows    int
		Paid    int64 `json:"hours_paid"`
		Wall    int64 `json:"wall_minutes"`
		Elapsed int64 `json:"elapsed_minutes"`
		Differs int   `json:"rows_where_elapsed_differs"`
	}
	newYork := zone(t, "America/New_York")
	rules := map[string]Rules{"C": builtIn(t, "boston-detail-construction"), "S": builtIn(t, "boston-detail-security")}
	var rows, differs int
	var paid, wall, elapsed, fewer time.Duration
	record(t, "bpd-paid-details-2022", "details.csv", func(row map[string]string) {
		on, err := time.Parse(time.DateOnly, row["detail_date"])
		if err != nil {
			t.Fatal(err)
		}
		from, to := hoursMinutes(t, row["start_time"]), hoursMinutes(t, row["end_time"])
		if to <= from {
			to += day
		}
		hours, err := strconv.Atoi(row["hours_paid"])
		if err != nil {
			t.Fatal(err)
		}
		guarantee := rules[row["type"]].Guarantee
		if got := guarantee.Of(to - from); got != time.Duration(hours)*time.Hour {
			t.Errorf("detail %s of %s is paid %s, not %d hours", row["type"], to-from, got, hours)
		}
		rows, paid, wall = rows+1, paid+guarantee.Of(to-from), wall+to-from
		clock := func(of time.Duration) time.Time {
			return local(t, newYork, on.Add(of).Format("2006-01-02 15:04"))
		}
		really := clock(to).Sub(clock(from))
		elapsed += really
		if really != to-from {
			differs++
			fewer += guarantee.Of(to-from) - guarantee.Of(really)
		}
	})
	expected(t, "bpd-paid-details-2022", &want)
	if rows != want.Rows || paid != time.Duration(want.Paid)*time.Hour || wall != time.Duration(want.Wall)*time.Minute {
		t.Errorf("%d details, %s paid, %s by the clock on the wall; want %+v", rows, paid, wall, want)
	}
	// The city paid by the clock on the wall. We measure what passed, which is an
	// hour less for six details of one night, none of which is paid less for it.
	if differs != want.Differs || elapsed != time.Duration(want.Elapsed)*time.Minute {
		t.Errorf("%s elapsed, otherwise than the clock in %d details; want %+v", elapsed, differs, want)
	}
	if fewer != 0 {
		t.Errorf("the night of the change makes %s of paid time", fewer)
	}
}

func TestCallsToCourtArePaidFourHoursAtLeast(t *testing.T) {
	var want map[string]json.RawMessage
	guarantee := builtIn(t, "boston-court").Guarantee
	var rows, otherwise int
	record(t, "bpd-court-overtime-2018-2020", "court_overtime.csv", func(row map[string]string) {
		worked, err := strconv.ParseFloat(row["worked_hours"], 64)
		if err != nil {
			t.Fatal(err)
		}
		paid, err := strconv.ParseFloat(row["ot_hours"], 64)
		if err != nil {
			t.Fatal(err)
		}
		rows++
		if guarantee.Of(hoursOf(worked)) != hoursOf(paid) {
			otherwise++
			if paid != worked {
				t.Errorf("%v hours in court were paid %v", worked, paid)
			}
		}
	})
	expected(t, "bpd-court-overtime-2018-2020", &want)
	// 74 short calls were paid by the hour: no rule says when, so none pretends to.
	if total := string(want["rows"]); strconv.Itoa(rows) != total || otherwise != 74 {
		t.Errorf("%d of %d calls were paid otherwise; want 74 of %s", otherwise, rows, total)
	}
}
