package payrules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tracekeep/domain/localtime"
)

// elsewhere says which test of another package holds the numbers of a group.
var elsewhere = map[string]struct{ file, test string }{
	"deadline_gdpr": {"../erasure/deadline_test.go", "TestDeadlines"},
	"ccpa_ack":      {"../erasure/deadline_test.go", "TestDeadlines"},
	"retention":     {"../calendar/calendar_test.go", "TestAddYears"},
}

var vectorTests = map[string]func(*testing.T, json.RawMessage){
	"dst_elapsed": dstElapsed, "ambiguous": ambiguous, "flsa_two_weeks": twoWeeks, "flsa_pay": flsaPay,
	"california": californiaWeeks, "rounding": roundings, "wtd48": average48,
	"breach_72h": elapsed72,
}

// promise: ST-21
func TestEveryGroupOfTheVectorsIsKnownToATest(t *testing.T) {
	ours, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "mission", "vectors.json"))
	if err == nil && !bytes.Equal(ours, theirs) {
		t.Error("testdata/vectors.json is not the one of the mission")
	}
	var groups map[string]json.RawMessage
	if err := json.Unmarshal(ours, &groups); err != nil {
		t.Fatal(err)
	}
	for name, group := range groups {
		if test, known := vectorTests[name]; known {
			t.Run(name, func(t *testing.T) { test(t, group) })
			continue
		}
		other, known := elsewhere[name]
		if !known {
			t.Errorf("no test knows the vectors %q", name)
			continue
		}
		source, err := os.ReadFile(other.file)
		if err != nil || !strings.Contains(string(source), "func "+other.test+"(") {
			t.Errorf("the vectors %q have lost %s in %s", name, other.test, other.file)
		}
	}
	for name := range vectorTests {
		if _, there := groups[name]; !there {
			t.Errorf("there are no vectors %q any more", name)
		}
	}
}

// read reads a group strictly and answers its cases.
func read[T any](t *testing.T, group json.RawMessage) []T {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(group))
	decoder.DisallowUnknownFields()
	var cases []T
	if err := decoder.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatal("a group without cases")
	}
	return cases
}

func wallOf(t *testing.T, text string) localtime.Wall {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return localtime.Of(at)
}

func dstElapsed(t *testing.T, group json.RawMessage) {
	for _, c := range read[struct {
		Name, TZ, Start, End string
		Meal                 int `json:"unpaid_meal_min"`
		Elapsed              int `json:"elapsed_min"`
		Worked               int `json:"worked_min"`
		UTC                  []time.Time
	}](t, group) {
		loc := zone(t, c.TZ)
		var at [2]time.Time
		for i, text := range []string{c.Start, c.End} {
			resolved, err := localtime.Resolve(wallOf(t, text), loc, nil)
			if err != nil || !resolved.At.Equal(c.UTC[i]) {
				t.Errorf("%s: %s is %v, %v, want %s", c.Name, text, resolved.At, err, c.UTC[i])
			}
			at[i] = resolved.At
		}
		work := []Work{span(at[0], at[1])}
		if c.Meal > 0 {
			lunch := at[0].Add(3 * time.Hour)
			work = []Work{span(at[0], lunch), span(lunch.Add(time.Duration(c.Meal)*minutes), at[1])}
		}
		if got := at[1].Sub(at[0]); got != time.Duration(c.Elapsed)*minutes {
			t.Errorf("%s: elapsed %s", c.Name, got)
		}
		if got := TotalsOf(builtIn(t, "flsa").Apply(loc, work, Facts{}).Lines).Worked(); got != time.Duration(c.Worked)*minutes {
			t.Errorf("%s: worked %s, want %d minutes", c.Name, got, c.Worked)
		}
	}
}

func ambiguous(t *testing.T, group json.RawMessage) {
	for _, c := range read[struct {
		TZ, Start string
		End       string `json:"end_local"`
		Fold      int
		UTC       time.Time `json:"end_utc"`
		Elapsed   int       `json:"elapsed_min"`
	}](t, group) {
		loc := zone(t, c.TZ)
		start, err := localtime.Resolve(wallOf(t, c.Start), loc, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := localtime.Resolve(wallOf(t, c.End), loc, nil); !errors.Is(err, localtime.ErrOverlap) {
			t.Errorf("%s without an offset: %v", c.End, err)
		}
		readings, err := localtime.Readings(wallOf(t, c.End), loc)
		if err != nil || len(readings) != 2 || !readings[c.Fold].At.Equal(c.UTC) {
			t.Fatalf("%s: %v, %v", c.End, readings, err)
		}
		lines := builtIn(t, "flsa").Apply(loc, []Work{span(start.At, readings[c.Fold].At)}, Facts{}).Lines
		if got := TotalsOf(lines).Worked(); got != time.Duration(c.Elapsed)*minutes {
			t.Errorf("fold %d: %s", c.Fold, got)
		}
	}
}

// regularAndOvertime is worked hours, regular and over.
type regularAndOvertime [2]float64

func twoWeeks(t *testing.T, group json.RawMessage) {
	c := read[struct {
		Hours  []float64
		Result []regularAndOvertime
		Note   string
	}](t, json.RawMessage("["+string(group)+"]"))[0]
	newYork := zone(t, "America/New_York")
	var work []Work
	sundays := []string{"2026-06-07", "2026-06-14"}
	for i, h := range c.Hours {
		work = append(work, week(t, newYork, sundays[i], 0, h/5, h/5, h/5, h/5, h/5)...)
	}
	result := builtIn(t, "flsa").Apply(newYork, work, Facts{})
	for i, want := range c.Result {
		lines := result.OfCycle(sundays[i]).Lines
		if got := TotalsOf(lines); got != (Totals{Regular: hoursOf(want[0]), Overtime: hoursOf(want[1])}) {
			t.Errorf("week %d: %+v, want %v", i, got, want)
		}
	}
}

func flsaPay(t *testing.T, group json.RawMessage) {
	newYork, flsa := zone(t, "America/New_York"), builtIn(t, "flsa")
	for _, c := range read[struct {
		Rate, Hours, Bonus json.Number
		Rates              [][2]json.Number
		RegularRate        json.Number `json:"regular_rate"`
		Pay                json.Number
		Note               string
	}](t, group) {
		wage := Wage{Rates: map[string]Money{}}
		if c.Bonus != "" {
			wage.Production = money(t, c.Bonus.String())
		}
		jobs := c.Rates
		if c.Rate != "" {
			jobs = [][2]json.Number{{c.Rate, c.Hours}}
		}
		var work []Work
		at := local(t, newYork, "2026-06-07 00:00")
		for i, j := range jobs {
			job := fmt.Sprint("job ", i)
			wage.Rates[job] = money(t, j[0].String())
			hours, err := j[1].Float64()
			if err != nil {
				t.Fatal(err)
			}
			w := span(at, at.Add(hoursOf(hours)))
			w.Job = job
			work, at = append(work, w), w.End.Add(time.Hour)
		}
		pay, err := flsa.Pay(flsa.Apply(newYork, work, Facts{}), wage)
		if err != nil {
			t.Fatal(err)
		}
		if !pay.Gross.Equal(money(t, c.Pay.String())) {
			t.Errorf("%+v is paid %s", c, pay.Gross)
		}
		if c.RegularRate != "" && !pay.RegularRate.Equal(money(t, c.RegularRate.String())) {
			t.Errorf("%+v has a regular rate of %s", c, pay.RegularRate)
		}
	}
}

func californiaWeeks(t *testing.T, group json.RawMessage) {
	angeles := zone(t, "America/Los_Angeles")
	totals := func(of [3]float64) Totals {
		return Totals{Regular: hoursOf(of[0]), Overtime: hoursOf(of[1]), DoubleTime: hoursOf(of[2])}
	}
	for _, c := range read[struct {
		Name   string
		Days   []float64
		PerDay [][3]float64 `json:"per_day_reg_ot_dt"`
		Total  [3]float64   `json:"total_reg_ot_dt"`
		FLSA   float64      `json:"flsa_weekly_ot"`
	}](t, group) {
		work := week(t, angeles, "2026-06-07", c.Days...)
		lines := builtIn(t, "california").Apply(angeles, work, Facts{}).Lines
		if got := TotalsOf(lines); got != totals(c.Total) {
			t.Errorf("%s: %+v, want %v", c.Name, got, c.Total)
		}
		for i, want := range c.PerDay {
			date := fmt.Sprintf("2026-06-%02d", 7+i)
			var today []Line
			for _, l := range lines {
				if l.Workday == date {
					today = append(today, l)
				}
			}
			if got := TotalsOf(today); got != totals(want) {
				t.Errorf("%s, day %d: %+v, want %v", c.Name, i, got, want)
			}
		}
		if got := TotalsOf(builtIn(t, "flsa").Apply(angeles, work, Facts{}).Lines).Overtime; got != hoursOf(c.FLSA) {
			t.Errorf("%s: %s of overtime under federal law, want %v", c.Name, got, c.FLSA)
		}
	}
}

func roundings(t *testing.T, group json.RawMessage) {
	newYork := zone(t, "America/New_York")
	for _, c := range read[struct {
		Step            int
		Actual, Rounded string
	}](t, group) {
		rounding := Rounding{Step: time.Duration(c.Step) * minutes}
		for _, seconds := range []int{0, 59} { // cut off
			at := local(t, newYork, "2026-06-08 "+c.Actual).Add(time.Duration(seconds) * time.Second)
			if got := rounding.Round(at, newYork).In(newYork).Format("15:04:05"); got != c.Rounded+":00" {
				t.Errorf("%s to %d minutes is %s, want %s", c.Actual, c.Step, got, c.Rounded)
			}
		}
	}
}

func average48(t *testing.T, group json.RawMessage) {
	berlin := zone(t, "Europe/Berlin")
	monday := time.Date(2026, time.February, 2, 0, 0, 0, 0, time.UTC)
	for _, c := range read[struct {
		Weeks  int
		Leave  int     `json:"leave_weeks"`
		Hours  float64 `json:"total_h"`
		Avg    float64
		AvgN   float64 `json:"avg_neutral"`
		Naive  float64 `json:"naive_avg"`
		Breach bool
	}](t, group) {
		facts := Facts{From: local(t, berlin, "2026-02-02 00:00"), To: local(t, berlin, monday.AddDate(0, 0, 7*c.Weeks).Format(time.DateOnly)+" 00:00")}
		var work []Work
		for w := range c.Weeks {
			starts := monday.AddDate(0, 0, 7*w)
			if w < c.Leave {
				facts.Neutral = append(facts.Neutral, starts.Format(time.DateOnly))
				continue
			}
			a := local(t, berlin, starts.Format(time.DateOnly)+" 06:00")
			work = append(work, span(a, a.Add(hoursOf(c.Hours/float64(c.Weeks-c.Leave)))))
		}
		// What dividing lost is put back, so that the sum is the one of the vector.
		sum := TotalsOf(builtIn(t, "eu").Apply(berlin, work, Facts{}).Lines).Worked()
		work[0].End = work[0].End.Add(hoursOf(c.Hours) - sum)
		var found []Breach
		for _, b := range builtIn(t, "eu").Apply(berlin, work, facts).Breaches {
			if b.Code == AverageBreach {
				found = append(found, b)
			}
		}
		if (len(found) == 1) != c.Breach || len(found) > 1 {
			t.Errorf("%+v: %+v", c, found)
		}
		want := c.Avg + c.AvgN // one of the two is given
		if len(found) == 1 && (found[0].Got.Hours()-want > 0.0001 || want-found[0].Got.Hours() > 0.0001) {
			t.Errorf("%+v: an average of %v", c, found[0].Got.Hours())
		}
	}
}

// elapsed72 holds the one rule that has no package yet to its number: 72 hours
// are elapsed ones, and the clock on the wall shows an hour more.
func elapsed72(t *testing.T, group json.RawMessage) {
	for _, c := range read[struct {
		Aware    time.Time
		NotifyBy time.Time `json:"notify_by"`
	}](t, group) {
		_, before := c.Aware.Zone()
		_, after := c.NotifyBy.Zone()
		if !c.Aware.Add(72*time.Hour).Equal(c.NotifyBy) || after == before {
			t.Errorf("%s to %s", c.Aware, c.NotifyBy)
		}
	}
}
