package payrules

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// hourly is lines of so much regular time, overtime and double time in one cycle.
func hourly(regular, overtime, double time.Duration) []Line {
	at := time.Date(2026, time.June, 7, 0, 0, 0, 0, time.UTC)
	var lines []Line
	for _, part := range []struct {
		class  Class
		length time.Duration
	}{{Regular, regular}, {Overtime, overtime}, {DoubleTime, double}} {
		lines = append(lines, Line{Class: part.class, Start: at, End: at.Add(part.length), Cycle: "2026-06-07"})
		at = at.Add(part.length)
	}
	return lines
}

// promise: ST-21
func TestPay(t *testing.T) {
	h := time.Hour
	for rule, c := range map[string]struct {
		rules                           string
		lines                           []Line
		premiums                        int
		rate, production, flat          string
		regular, extra, premiums2, paid string
	}{
		"one rate":                                  {"flsa", hourly(40*h, 6*h, 0), 0, "12", "0", "0", "12.00", "36.00", "0.00", "588.00"},
		"a production bonus":                        {"flsa", hourly(40*h, 6*h, 0), 0, "12", "46", "0", "13.00", "39.00", "0.00", "637.00"},
		"the older printing":                        {"flsa", hourly(40*h, 6*h, 0), 0, "6", "0", "0", "6.00", "18.00", "0.00", "294.00"},
		"the older printing with its bonus":         {"flsa", hourly(40*h, 6*h, 0), 0, "6", "9.20", "0", "6.20", "18.60", "0.00", "303.80"},
		"a rate of fractions of a cent":             {"flsa", hourly(40*h, 0, 0), 0, "9.1250", "0", "0", "9.13", "0.00", "0.00", "365.00"},
		"half a cent is rounded once, at the end":   {"flsa", hourly(h/2, 0, 0), 0, "9.25", "0", "0", "9.25", "0.00", "0.00", "4.63"},
		"double time adds the rate once more":       {"california", hourly(8*h, 4*h, 2*h), 0, "20", "0", "0", "20.00", "80.00", "0.00", "360.00"},
		"a federal flat sum is spread over all":     {"flsa", hourly(40*h, 10*h, 0), 0, "20", "0", "100", "22.00", "110.00", "0.00", "1210.00"},
		"a Californian flat sum over regular hours": {"california", hourly(40*h, 10*h, 0), 0, "20", "0", "100", "22.50", "137.50", "0.00", "1237.50"},
		"a Californian production bonus over all":   {"california", hourly(40*h, 10*h, 0), 0, "20", "100", "0", "22.00", "110.00", "0.00", "1210.00"},
		"a premium hour is at the regular rate":     {"california", hourly(40*h, 0, 0), 2, "20", "40", "0", "21.00", "0.00", "42.00", "882.00"},
		"and that with the share of a flat sum":     {"california", hourly(40*h, 0, 0), 1, "20", "0", "100", "22.50", "0.00", "22.50", "922.50"},
		"nothing was worked":                        {"flsa", nil, 0, "20", "0", "0", "0.00", "0.00", "0.00", "0.00"},
	} {
		pay, err := builtIn(t, c.rules).Pay(Result{Lines: c.lines, Premiums: make([]Premium, c.premiums)}, Wage{
			Rates: map[string]Money{"": money(t, c.rate)}, Production: money(t, c.production), FlatSum: money(t, c.flat),
		})
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		got := [4]string{pay.RegularRate.String(), pay.Extra.String(), pay.Premiums.String(), pay.Gross.String()}
		if want := [4]string{c.regular, c.extra, c.premiums2, c.paid}; got != want {
			t.Errorf("%s: %v, want %v", rule, got, want)
		}
	}
	if _, err := builtIn(t, "flsa").Pay(Result{Lines: hourly(time.Hour, 0, 0)}, Wage{}); !errors.Is(err, ErrRate) {
		t.Errorf("work without a rate: %v", err)
	}
	if got := RateOfSalary(money(t, "1560"), 40*time.Hour); !got.Equal(money(t, "9")) {
		t.Errorf("a monthly salary of 1560 is %s an hour", got)
	}
}

func TestOvertimeIsOneAndAHalfOfOneRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cents, regular, overtime := rapid.Int64Range(1, 1_000_000).Draw(t, "cents"), rapid.IntRange(0, 40*3600).Draw(t, "regular"), rapid.IntRange(0, 100*3600).Draw(t, "overtime")
		rate := Cents(cents)
		pay, err := flsa().Pay(Result{Lines: hourly(time.Duration(regular)*time.Second, time.Duration(overtime)*time.Second, 0)}, Wage{Rates: map[string]Money{"": rate}})
		if err != nil {
			t.Fatal(err)
		}
		// In cents times 7200, whole numbers: rate times (2 regular + 3 overtime) seconds.
		if want := rate.Times(int64(2*regular+3*overtime), 7200); !pay.Gross.Equal(want) {
			t.Fatalf("%s, want %s", pay.Gross.Decimals(6), want.Decimals(6))
		}
	})
}

func TestAmountsAreReadAndRoundedExactly(t *testing.T) {
	for text, cents := range map[string]int64{"0": 0, "12": 1200, "12.5": 1250, "0.0050": 1, "0.0049": 0, "999999999999.99": 99999999999999} {
		if m, err := ParseMoney(text); err != nil || m.Cents() != cents {
			t.Errorf("%s is %d, %v", text, m.Cents(), err)
		}
	}
	for _, text := range []string{"", ".", ".5", "5.", "-1", "+1", "1e3", "1/3", "1,50", "0x10", "1.00001", "1..2", " 1", "1234567890123456", "١"} {
		if m, err := ParseMoney(text); !errors.Is(err, ErrMoney) {
			t.Errorf("%q is %s, %v", text, m, err)
		}
	}
	if (Money{}).Times(1, 2).Plus(Cents(-1)).Times(1, 2).Cents() != -1 {
		t.Error("half a cent owed is rounded away from zero")
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, text := range []string{"12.50", "1e9", "/", "0000.0001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMoney(text)
		if err != nil {
			return
		}
		if again, err := ParseMoney(m.Decimals(4)); err != nil || !again.Equal(m) {
			t.Errorf("%q became %s", text, m.Decimals(4))
		}
	})
}

// ofJob is regular time of a job, and overtime of it.
func ofJob(job string, regular, overtime time.Duration) []Line {
	lines := hourly(regular, overtime, 0)
	for i := range lines {
		lines[i].Job = job
	}
	return lines
}

// promise: ST-21
func TestPayOfSeveralJobsAndSalaries(t *testing.T) {
	h := time.Hour
	two := append(ofJob("desk", 10*h, 0), ofJob("watch", 30*h, 10*h)...)
	others := money(t, "20")
	detail := []Guaranteed{{Job: "watch", Worked: 2 * h, Paid: 4 * h}}
	salary := &Salary{Monthly: money(t, "4160"), Weekly: 40 * h} // 960 a week, 24 an hour
	for rule, c := range map[string]struct {
		rules          string
		of             Result
		wage           Wage
		regular, gross string
		source         string
	}{
		"two rates are weighted":                      {"flsa", Result{Lines: two}, Wage{Rates: map[string]Money{"desk": money(t, "10"), "watch": money(t, "20")}}, "18.0000", "990.00", "29 CFR 778.115"},
		"in California too":                           {"california", Result{Lines: two, Premiums: make([]Premium, 1)}, Wage{Rates: map[string]Money{"desk": money(t, "10")}, Others: &others}, "18.0000", "1008.00", "29 CFR 778.115"},
		"two jobs of one rate are no two rates":       {"flsa", Result{Lines: two}, Wage{Others: &others}, "20.0000", "1100.00", "29 CFR 778.110"},
		"what a guarantee adds is in no regular rate": {"flsa", Result{Lines: two, Guaranteed: detail}, Wage{Rates: map[string]Money{"desk": money(t, "10")}, Others: &others}, "18.0000", "1030.00", "29 CFR 778.115"},
		"a salary pays the hours it is for":           {"flsa", Result{Lines: hourly(40*h, 0, 0)}, Wage{Salary: salary}, "24.0000", "960.00", "29 CFR 778.113"},
		"and fewer":                                   {"flsa", Result{Lines: hourly(32*h, 0, 0)}, Wage{Salary: salary}, "24.0000", "960.00", "29 CFR 778.113"},
		"more are paid at its rate, and a half":       {"flsa", Result{Lines: hourly(40*h, 6*h, 0)}, Wage{Salary: salary}, "24.0000", "1176.00", "29 CFR 778.113"},
		"a salary for 35 hours":                       {"flsa", Result{Lines: hourly(40*h, 5*h, 0)}, Wage{Salary: &Salary{Monthly: money(t, "1516.6667"), Weekly: 35 * h}}, "10.0000", "475.00", "29 CFR 778.113"},
		"California pays overtime beside the salary":  {"california", Result{Lines: hourly(32*h, 8*h, 0)}, Wage{Salary: salary}, "24.0000", "1248.00", "Cal. Labor Code 515(d)"},
		"and double time":                             {"california", Result{Lines: hourly(8*h, 4*h, 2*h)}, Wage{Salary: salary}, "24.0000", "1200.00", "Cal. Labor Code 515(d)"},
		"by forty hours, whatever it is intended for": {"california", Result{Lines: hourly(40*h, 5*h, 0)}, Wage{Salary: &Salary{Monthly: money(t, "4680"), Weekly: 45 * h}}, "27.0000", "1282.50", "Cal. Labor Code 515(d)"},
		"which federal law lets it pay":               {"flsa", Result{Lines: hourly(40*h, 5*h, 0)}, Wage{Salary: &Salary{Monthly: money(t, "4680"), Weekly: 45 * h}}, "24.0000", "1140.00", "29 CFR 778.113"},
		"a part-time salary in California":            {"california", Result{Lines: hourly(40*h, 5*h, 0)}, Wage{Salary: &Salary{Monthly: money(t, "1516.6667"), Weekly: 35 * h}}, "10.0000", "475.00", "Cal. Labor Code 515(d)"},
		"a bonus beside one":                          {"california", Result{Lines: hourly(32*h, 8*h, 0)}, Wage{Salary: salary, Production: money(t, "100")}, "26.5000", "1358.00", "Cal. Labor Code 515(d)"},
		"a bonus beside a salary":                     {"flsa", Result{Lines: hourly(40*h, 10*h, 0)}, Wage{Salary: salary, Production: money(t, "100")}, "26.0000", "1430.00", "29 CFR 778.113"},
	} {
		pay, err := builtIn(t, c.rules).Pay(c.of, c.wage)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		if got := [3]string{pay.RegularRate.Decimals(4), pay.Gross.String(), pay.RateCause.Source}; got != [3]string{c.regular, c.gross, c.source} {
			t.Errorf("%s: %v, want %s %s %s", rule, got, c.regular, c.gross, c.source)
		}
	}
	for rule, of := range map[string]Result{"work of a job without a rate": {Lines: two}, "and a guarantee": {Guaranteed: detail}} {
		if _, err := builtIn(t, "flsa").Pay(of, Wage{Rates: map[string]Money{"desk": money(t, "10")}}); !errors.Is(err, ErrRate) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// Whatever was worked and earned: every cent is in a step that says why, and no
// step is of nothing.
func TestTheStepsOfPayAreAllOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := func(label string) time.Duration {
			return time.Duration(rapid.IntRange(0, 40*3600).Draw(t, label)) * time.Second
		}
		amount := func(label string) Money { return Cents(rapid.Int64Range(0, 100_000).Draw(t, label)) }
		wage := Wage{Production: amount("production"), FlatSum: amount("flat sum")}
		if rapid.Bool().Draw(t, "salaried") {
			wage.Salary = &Salary{Monthly: amount("monthly"), Weekly: length("weekly") + time.Second}
		} else {
			others := amount("others")
			wage.Rates, wage.Others = map[string]Money{"a": amount("a")}, &others
		}
		of := Result{
			Lines:      append(ofJob("a", length("regular"), length("overtime")), ofJob("b", length("other regular"), length("other overtime"))...),
			Premiums:   make([]Premium, rapid.IntRange(0, 2).Draw(t, "premiums")),
			Guaranteed: []Guaranteed{{Job: "b", Paid: length("guaranteed")}},
		}
		pay, err := rapid.SampledFrom([]Rules{flsa(), california()}).Draw(t, "rules").Pay(of, wage)
		if err != nil {
			t.Fatal(err)
		}
		var sum Money
		for _, s := range pay.Steps {
			sum = sum.Plus(s.Amount)
			if s.Cause.Rule == "" && s.What != PayPremium && s.What != PayGuarantee || s.Time == 0 && s.Amount.Equal(Money{}) && s.What != PaySalary {
				t.Fatalf("%+v", s)
			}
		}
		parts := pay.Straight.Plus(pay.Bonuses).Plus(pay.Extra).Plus(pay.Premiums).Plus(pay.Guaranteed)
		if !sum.Equal(pay.Gross) || !parts.Equal(pay.Gross) {
			t.Fatalf("steps of %s, parts of %s, and %s is paid", sum, parts, pay.Gross)
		}
	})
}
