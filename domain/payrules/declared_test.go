package payrules

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func declaredOn(workday string, length time.Duration) Declared {
	return Declared{ID: uuid.NewSHA1(uuid.Nil, []byte(workday+length.String())), Workday: workday, Time: length}
}

func TestDeclaredHoursCountInDaysAndWeeks(t *testing.T) {
	la, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, time.May, day, hour, 0, 0, 0, la) }
	week := func(length time.Duration) (all []Declared) { // Monday to Friday
		for _, day := range []string{"2026-05-04", "2026-05-05", "2026-05-06", "2026-05-07", "2026-05-08"} {
			all = append(all, declaredOn(day, length))
		}
		return all
	}
	for rule, c := range map[string]struct {
		rules    string
		work     []Work
		declared []Declared
		want     Totals
	}{
		"forty hours of a week are regular":            {"flsa", nil, week(8 * time.Hour), Totals{Regular: 40 * time.Hour}},
		"what is more is overtime":                     {"flsa", nil, week(9 * time.Hour), Totals{Regular: 40 * time.Hour, Overtime: 5 * time.Hour}},
		"a long day is overtime and then double time":  {"california", nil, []Declared{declaredOn("2026-05-04", 14*time.Hour)}, Totals{Regular: 8 * time.Hour, Overtime: 4 * time.Hour, DoubleTime: 2 * time.Hour}},
		"entries of a day are added up":                {"california", nil, []Declared{declaredOn("2026-05-04", 5*time.Hour), declaredOn("2026-05-04", 4*time.Hour)}, Totals{Regular: 8 * time.Hour, Overtime: time.Hour}},
		"punched and declared hours of a day together": {"california", []Work{span(at(4, 8), at(4, 14))}, []Declared{declaredOn("2026-05-04", 4*time.Hour)}, Totals{Regular: 8 * time.Hour, Overtime: 2 * time.Hour}},
		"and of a week":                                {"flsa", []Work{span(at(9, 8), at(9, 12))}, week(8 * time.Hour), Totals{Regular: 40 * time.Hour, Overtime: 4 * time.Hour}},
	} {
		t.Run(rule, func(t *testing.T) {
			got := builtIn(t, c.rules).ApplyDeclared(la, c.work, c.declared, Facts{})
			if totals := TotalsOf(got.Lines); totals != c.want {
				t.Errorf("got %+v, want %+v", totals, c.want)
			}
			for _, l := range got.Lines {
				if l.Declared != uuid.Nil && (!l.Start.IsZero() || !l.End.IsZero() || l.In != uuid.Nil || l.Cause.Rule == "" || l.Cycle == "") {
					t.Errorf("a time was made up, or a cause is missing: %+v", l)
				}
			}
		})
	}
}

func TestWhatGoesByTheClockSaysThatItCouldNotJudge(t *testing.T) {
	declared := []Declared{declaredOn("2026-05-05", 7*time.Hour), declaredOn("2026-05-04", 3*time.Hour), declaredOn("2026-05-04", 9*time.Hour)}
	got := builtIn(t, "california").ApplyDeclared(time.UTC, nil, declared, Facts{})
	parts := builtIn(t, "california").byTheClock()
	if want := []Unjudged{{"2026-05-04", 12 * time.Hour, parts}, {"2026-05-05", 7 * time.Hour, parts}}; !cmp.Equal(got.Unjudged, want) || !slices.Contains(parts, "meals") {
		t.Errorf("got %+v, want %+v", got.Unjudged, want)
	}
	if len(got.Premiums) > 0 {
		t.Errorf("a meal was found to be missing: %+v", got.Premiums)
	}
	plain := Rules{Name: "x", Version: 1, Source: "x", Workweek: Workweek(time.Monday, Clock{})}
	if got := plain.ApplyDeclared(time.UTC, nil, declared, Facts{}); len(got.Unjudged) > 0 {
		t.Errorf("rules that need no clock judged all: %+v", got.Unjudged)
	}
	plain.LongestDay = Bound{10 * time.Hour, "x"}
	midnight := time.Date(2026, time.May, 4, 0, 0, 0, 0, time.UTC)
	if b := plain.ApplyDeclared(time.UTC, nil, declared, Facts{}).Breaches; len(b) != 1 || b[0].Code != LongDayBreach || b[0].Got != 12*time.Hour || !b[0].Start.Equal(midnight) || !b[0].End.Equal(midnight.Add(day)) {
		t.Errorf("a day that is too long was not seen: %+v", b)
	}
}

// Where nothing goes by the clock, hours are worth the same whether they are punched
// or declared for their workdays.
func TestDeclaredHoursAreWorthWhatPunchedOnesAre(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules, loc := anyRules(t)
		rules.PaidBreaks, rules.Rounding = Breaks{}, Rounding{}
		punched := rules.Apply(loc, workOf(punches(t)), Facts{})
		worked := map[string]time.Duration{}
		for _, l := range punched.Lines {
			worked[l.Workday] += l.Time()
		}
		var declared []Declared
		for workday, length := range worked {
			part := time.Duration(rapid.Int64Range(0, int64(length/time.Second)).Draw(t, "part")) * time.Second
			for _, one := range []time.Duration{part, length - part} {
				if one > 0 {
					declared = append(declared, declaredOn(workday, one))
				}
			}
		}
		got := rules.ApplyDeclared(loc, nil, declared, Facts{})
		if want := TotalsOf(punched.Lines); TotalsOf(got.Lines) != want {
			t.Fatalf("got %+v, want %+v", TotalsOf(got.Lines), want)
		}
		for _, cycle := range punched.Cycles() {
			of := punched.OfCycle(cycle).Lines
			declaredOf := got.OfCycle(cycle).Lines
			if TotalsOf(of) != TotalsOf(declaredOf) {
				t.Fatalf("week of %s: got %+v, want %+v", cycle, TotalsOf(declaredOf), TotalsOf(of))
			}
		}
	})
}
