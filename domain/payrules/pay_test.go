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
