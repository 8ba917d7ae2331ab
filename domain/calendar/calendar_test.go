package calendar

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

func date(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAddMonths(t *testing.T) {
	for rule, c := range map[string]struct {
		from   string
		months int
		want   string
	}{
		"one month from the last day of January ends on the last of February": {"2026-01-31", 1, "2026-02-28"},
		"in a leap year on the 29th":                                          {"2028-01-30", 1, "2028-02-29"},
		"one month from 31 August is 30 September":                            {"2026-08-31", 1, "2026-09-30"},
		"one month from 31 May is 30 June":                                    {"2026-05-31", 1, "2026-06-30"},
		"an ordinary day keeps its number":                                    {"2026-03-05", 1, "2026-04-05"},
		"three months from 31 January are 30 April":                           {"2026-01-31", 3, "2026-04-30"},
		"three months from 5 March are 5 June":                                {"2026-03-05", 3, "2026-06-05"},
		"three months from 31 May are 31 August":                              {"2026-05-31", 3, "2026-08-31"},
		"three months from 31 August are 30 November":                         {"2026-08-31", 3, "2026-11-30"},
		"three months from 30 January 2028 are 30 April":                      {"2028-01-30", 3, "2028-04-30"},
		"three months run into the next year":                                 {"2026-10-15", 3, "2027-01-15"},
		"months may be counted back":                                          {"2026-03-31", -1, "2026-02-28"},
		"back over the turn of the year":                                      {"2026-01-31", -2, "2025-11-30"},
		"no month at all":                                                     {"2026-01-31", 0, "2026-01-31"},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := AddMonths(date(t, c.from), c.months).Format(time.DateOnly); got != c.want {
				t.Errorf("%s + %d months = %s, want %s", c.from, c.months, got, c.want)
			}
		})
	}
}

func TestAddYears(t *testing.T) {
	for rule, c := range map[string]struct {
		from  string
		years int
		want  string
	}{
		"seven years from 28 February":                  {"2026-02-28", 7, "2033-02-28"},
		"seven years from 29 February end on the 28th":  {"2028-02-29", 7, "2035-02-28"},
		"three years from 29 February end on the 28th":  {"2028-02-29", 3, "2031-02-28"},
		"four years from 29 February are a 29 February": {"2028-02-29", 4, "2032-02-29"},
		"28 February stays the 28th in a leap year":     {"2027-02-28", 1, "2028-02-28"},
		"a century that is no leap year":                {"2096-02-29", 4, "2100-02-28"},
		"years may be counted back":                     {"2028-02-29", -1, "2027-02-28"},
	} {
		t.Run(rule, func(t *testing.T) {
			if got := AddYears(date(t, c.from), c.years).Format(time.DateOnly); got != c.want {
				t.Errorf("%s + %d years = %s, want %s", c.from, c.years, got, c.want)
			}
		})
	}
}

// Days need no clamping; AddDate is right for them (mission rules § 7).
func TestPeriodsInDaysAreLeftToAddDate(t *testing.T) {
	for _, c := range []struct {
		from string
		days int
		want string
	}{
		{"2026-01-31", 30, "2026-03-02"}, {"2026-01-31", 45, "2026-03-17"}, {"2026-05-31", 30, "2026-06-30"},
		{"2028-01-30", 45, "2028-03-15"}, {"2026-08-31", 45, "2026-10-15"},
	} {
		if got := date(t, c.from).AddDate(0, 0, c.days).Format(time.DateOnly); got != c.want {
			t.Errorf("%s + %d days = %s, want %s", c.from, c.days, got, c.want)
		}
	}
}

func TestTimeOfDayAndLocationStay(t *testing.T) {
	loc := time.FixedZone("site", 8*3600)
	got := AddMonths(time.Date(2026, 8, 31, 23, 59, 58, 7, loc), 1)
	if want := time.Date(2026, 9, 30, 23, 59, 58, 7, loc); !got.Equal(want) || got.Location() != loc {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTargetMonthIsNeverOvershot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		from := time.Unix(rapid.Int64Range(-10_000_000_000, 30_000_000_000).Draw(rt, "from"), 0).UTC()
		n := rapid.IntRange(-1200, 1200).Draw(rt, "months")
		got := AddMonths(from, n)
		months := func(t time.Time) int { return t.Year()*12 + int(t.Month()) }
		if months(got)-months(from) != n {
			rt.Fatalf("%s + %d months = %s", from, n, got)
		}
		if got.Day() != from.Day() && got.AddDate(0, 0, 1).Day() != 1 {
			rt.Fatalf("%s + %d months = %s: neither the same day nor the last", from, n, got)
		}
	})
}

// promise: ST-36
// promise: ST-37
func TestAKeyIsDueWhenTheRegisterSays(t *testing.T) {
	for rule, c := range map[string]struct {
		purpose              eventschema.Purpose
		from, due, notBefore string
	}{
		"a work record seven years after the end":           {"work", "2026-02-28", "2033-02-28", "2030-02-28"},
		"of a leap day it is the last of February":          {"work", "2028-02-29", "2035-02-28", "2032-02-29"},
		"an account within the week":                        {"identity", "2026-01-31", "2026-02-07", "2026-01-31"},
		"a location after twelve months":                    {"location", "2028-02-29", "2029-02-28", "2028-02-29"},
		"a network address after thirty days":               {"technical", "2026-01-31", "2026-03-02", "2026-01-31"},
		"a privacy case after 24 months, and not before it": {"case", "2026-08-31", "2028-08-31", "2028-08-31"},
	} {
		t.Run(rule, func(t *testing.T) {
			activity, ok := eventschema.Activity(c.purpose)
			if !ok {
				t.Fatal("not in the register")
			}
			due, notBefore := Due(activity.Retention, date(t, c.from))
			if got := due.Format(time.DateOnly); got != c.due {
				t.Errorf("due %s, want %s", got, c.due)
			}
			if got := notBefore.Format(time.DateOnly); got != c.notBefore {
				t.Errorf("not before %s, want %s", got, c.notBefore)
			}
		})
	}
}
