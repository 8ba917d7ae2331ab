package generator

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"tracekeep/domain/localtime"
)

func office200(t testing.TB, change func(*Config)) Plan {
	t.Helper()
	c := Config{Seed: 7, People: 200, Months: 12, Terminals: 2, Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Zone: "Asia/Manila"}
	if change != nil {
		change(&c)
	}
	p, err := Generate(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func clockFile(t testing.TB, p Plan, terminal int) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := p.WriteAttlog(&b, terminal); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func attlog(p Plan, w io.Writer, terminal int) error {
	_, err := p.WriteAttlog(w, terminal)
	return err
}

func peopleFile(t testing.TB, p Plan, terminal int) [][]string {
	t.Helper()
	var b bytes.Buffer
	if err := p.WritePeople(&b, terminal); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// The digests pin the bytes: a change of Go, of the machine or of this package that
// alters them is seen.
func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	digest := func(p Plan) string {
		h := sha256.New()
		for terminal := 1; terminal <= 2; terminal++ {
			if err := errors.Join(attlog(p, h, terminal), p.WritePeople(h, terminal)); err != nil {
				t.Fatal(err)
			}
		}
		return hex.EncodeToString(h.Sum(nil)[:8])
	}
	const want = "faddde381e7958c6"
	if first, second := digest(office200(t, nil)), digest(office200(t, nil)); first != want || second != want {
		t.Errorf("digests %s and %s, want %s", first, second, want)
	}
	if other := digest(office200(t, func(c *Config) { c.Seed = 8 })); other == want {
		t.Error("another seed gives the same bytes")
	}
}

func TestLinesLookLikeTheTerminals(t *testing.T) {
	line := regexp.MustCompile(`^[ \d]{8}\d\t\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t[12]\t[0145]\t0\t0$`)
	p := office200(t, nil)
	for terminal := 1; terminal <= 2; terminal++ {
		text := string(clockFile(t, p, terminal))
		before := ""
		for l := range strings.Lines(text) {
			if !strings.HasSuffix(l, "\n") || !line.MatchString(strings.TrimSuffix(l, "\n")) {
				t.Fatalf("line %q", l)
			}
			if clock := l[10:29]; clock < before {
				t.Fatalf("%s comes after %s", clock, before)
			} else {
				before = clock
			}
		}
	}
}

// punch is one line as read back.
type punch struct {
	pin, state string
	at         time.Time
}

func parse(t testing.TB, text []byte) (punches []punch) {
	t.Helper()
	for l := range strings.Lines(string(text)) {
		c := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		at, err := time.Parse(time.DateTime, c[1])
		if err != nil || len(c) != 6 {
			t.Fatalf("line %q", l)
		}
		punches = append(punches, punch{strings.TrimSpace(c[0]), c[3], at})
	}
	return punches
}

// habits are shares by which two offices can be compared.
type habits struct {
	lines, repeats, duplicates, people           int64
	perDay, onceADay, oddDays, ins, extra, again float64
}

func observe(t testing.TB, text []byte) (h habits) {
	t.Helper()
	last, seen, days := map[string]punch{}, map[punch]bool{}, map[string]int{}
	var ins, extra int64
	for _, p := range parse(t, text) {
		h.lines++
		switch p.state {
		case "0":
			ins++
		case "4", "5":
			extra++
		}
		days[p.pin+p.at.Format(time.DateOnly)]++
		if seen[p] {
			h.duplicates++
			continue
		}
		seen[p] = true
		if l, ok := last[p.pin]; ok && l.state == p.state && p.at.Sub(l.at) <= time.Minute {
			h.repeats++
			continue
		}
		last[p.pin] = p
	}
	var once, odd int
	for _, n := range days {
		if n == 1 {
			once++
		}
		odd += n % 2
	}
	all := float64(len(days))
	h.people = int64(len(last))
	h.perDay, h.onceADay, h.oddDays = float64(h.lines)/all, float64(once)/all, float64(odd)/all
	h.ins, h.extra, h.again = float64(ins)/float64(h.lines), float64(extra)/float64(h.lines), float64(h.repeats)/float64(h.lines)
	return h
}

func TestFiguresTellWhatTheFileHolds(t *testing.T) {
	p := office200(t, nil)
	for terminal := 1; terminal <= 2; terminal++ {
		f, err := p.Figures(terminal)
		if err != nil {
			t.Fatal(err)
		}
		text := clockFile(t, p, terminal)
		h, punches := observe(t, text), parse(t, text)
		for what, pair := range map[string][2]int64{
			"lines": {f.Lines, h.lines}, "people": {f.People, h.people}, "repeats": {f.Repeats, h.repeats}, "duplicates": {f.Duplicates, h.duplicates},
		} {
			if pair[0] != pair[1] {
				t.Errorf("terminal %d: %s = %d, in the file %d", terminal, what, pair[0], pair[1])
			}
		}
		if first, last := punches[0].at.Format(time.DateTime), punches[len(punches)-1].at.Format(time.DateTime); f.First != first || f.Last != last {
			t.Errorf("terminal %d: from %s to %s, in the file %s to %s", terminal, f.First, f.Last, first, last)
		}
		if f.ForgottenOuts == 0 || f.WrongKeys == 0 || f.OvertimeKeys == 0 || f.Enrolments < 80 || f.InGap != 0 || f.InOverlap != 0 {
			t.Errorf("terminal %d: %+v", terminal, f)
		}
	}
}

func TestHabitsAreThoseOfRealTerminals(t *testing.T) {
	invented := observe(t, clockFile(t, office200(t, nil), 1))
	var real [2]habits
	for i, name := range []string{"device1_1", "device2_2"} {
		path := filepath.Join("..", "..", "..", "shared", "data", "zkteco-attlog-two-devices", name+"_attlog.dat")
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing", path)
			}
			t.Skipf("%s is not here; it is needed only to compare with real terminals", path)
		}
		if err != nil {
			t.Fatal(err)
		}
		real[i] = observe(t, text)
	}
	for what, share := range map[string]func(habits) float64{
		"punches a day":           func(h habits) float64 { return h.perDay },
		"days with one punch":     func(h habits) float64 { return h.onceADay },
		"days with an odd number": func(h habits) float64 { return h.oddDays },
		"ins among all punches":   func(h habits) float64 { return h.ins },
		"overtime keys":           func(h habits) float64 { return h.extra },
		"repeats within a minute": func(h habits) float64 { return h.again },
	} {
		got, a, b := share(invented), share(real[0]), share(real[1])
		t.Logf("%-24s invented %.4f, real %.4f and %.4f", what, got, a, b)
		if got < min(a, b)*0.8 || got > max(a, b)*1.2 {
			t.Errorf("%s: %.4f, the real terminals have %.4f and %.4f", what, got, a, b)
		}
	}
}

func TestNobodyPunchesAtATimeThatClocksSkipOrRepeat(t *testing.T) {
	// Cairo changes at midnight, Samoa skipped a Friday, Caracas moved by half an hour.
	for zoneName, start := range map[string]int{"Pacific/Apia": 2011, "Africa/Cairo": 2024, "America/New_York": 2025, "America/Caracas": 2016, "Asia/Manila": 2024} {
		for _, hard := range []bool{false, true} {
			p := office200(t, func(c *Config) {
				c.Zone, c.Start, c.People, c.HardTimes = zoneName, time.Date(start, 1, 1, 0, 0, 0, 0, time.UTC), 20, hard
			})
			f, err := p.Figures(1)
			if err != nil {
				t.Fatal(err)
			}
			loc, err := time.LoadLocation(zoneName)
			if err != nil {
				t.Fatal(err)
			}
			var gaps, overlaps int64
			for _, k := range parse(t, clockFile(t, p, 1)) {
				_, err := localtime.Resolve(localtime.Of(k.at), loc, nil)
				switch {
				case errors.Is(err, localtime.ErrGap):
					gaps++
				case errors.Is(err, localtime.ErrOverlap):
					overlaps++
				}
			}
			if gaps != f.InGap || overlaps != f.InOverlap || !hard && gaps+overlaps > 0 || hard && zoneName == "America/New_York" && (gaps != 1 || overlaps != 1) {
				t.Errorf("%s, asked for: %v: %d in gaps, %d in overlaps, figures %+v", zoneName, hard, gaps, overlaps, f)
			}
		}
	}
}

// No zone has put its clocks back in office hours since 2001, so this is asked directly.
func TestAPressAtARepeatedTimeIsLeftOut(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	o := office{zone: zone}
	for _, clock := range []string{"2025-03-09 02:30:00", "2025-11-02 01:30:00", "2025-11-02 02:30:00"} {
		at, err := time.Parse(time.DateTime, clock)
		if err != nil {
			t.Fatal(err)
		}
		o.add(press{at: at})
	}
	if len(o.today) != 1 || o.today[0].at.Hour() != 2 || o.today[0].at.Month() != time.November {
		t.Errorf("kept %v", o.today)
	}
}

func TestPeopleFileBelongsToTheClockFile(t *testing.T) {
	p := office200(t, nil)
	var pins [2][]string
	for terminal := 1; terminal <= 2; terminal++ {
		rows := peopleFile(t, p, terminal)
		if want := []string{"pin", "display_name", "email", "phone", "birth_date", "employee_number"}; !slices.Equal(rows[0], want) {
			t.Errorf("header %q", rows[0])
		}
		known := map[string]bool{}
		for _, r := range rows[1:] {
			if known[r[0]] {
				t.Errorf("terminal %d: PIN %s twice", terminal, r[0])
			}
			known[r[0]] = true
			pins[terminal-1] = append(pins[terminal-1], r[0])
			if r[2] != "" && !strings.HasSuffix(r[2], "@example.org") || r[3] != "" && !regexp.MustCompile(`^\+1 \d{3} 555 01\d\d$`).MatchString(r[3]) {
				t.Errorf("contact %q %q could be somebody's", r[2], r[3])
			}
			if born, err := time.Parse(time.DateOnly, r[4]); r[4] != "" && (err != nil || born.After(p.first.AddDate(-18, 0, 0))) {
				t.Errorf("birth date %q", r[4])
			}
		}
		for _, k := range parse(t, clockFile(t, p, terminal)) {
			if !known[k.pin] {
				t.Fatalf("terminal %d: PIN %s is nobody's", terminal, k.pin)
			}
		}
		if len(rows) != 101 {
			t.Errorf("terminal %d: %d people, want 100", terminal, len(rows)-1)
		}
	}
	if pins[0][0] != pins[1][0] && !slices.Contains(pins[1], pins[0][5]) {
		t.Error("the terminals share no PIN")
	}
}

func TestNames(t *testing.T) {
	all := locales()
	seen, scripts := map[string]bool{}, map[string]bool{}
	longest, shortest := 0, 100
	for number := range 60_000 {
		n := name(all, number)
		if seen[n] {
			t.Fatalf("name %d came before", number)
		}
		seen[n] = true
		if !utf8.ValidString(n) || strings.ContainsFunc(n, unicode.IsControl) || n != strings.TrimSpace(n) {
			t.Errorf("name %d is not text", number)
		}
		longest, shortest = max(longest, utf8.RuneCountInString(n)), min(shortest, utf8.RuneCountInString(n))
		for script, table := range unicode.Scripts {
			if number < 10*len(all) && strings.ContainsFunc(n, func(r rune) bool { return unicode.Is(table, r) }) {
				scripts[script] = true
			}
		}
	}
	if len(all) < 20 || len(scripts) < 20 || longest < 40 || shortest > 2 {
		t.Errorf("%d languages, %d scripts, names of %d to %d letters", len(all), len(scripts), shortest, longest)
	}
	for number := range 1_000_000 {
		if number%997 == 0 && name(all, number) == "" {
			t.Fatalf("person %d has no name", number)
		}
	}
}

func TestEverythingWrongWithAConfigurationIsSaidAtOnce(t *testing.T) {
	_, err := Generate(Config{})
	for _, want := range []string{"terminals", "people", "months", "start", "zone"} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
	for _, zone := range []string{"", "Local", "Atlantis"} {
		if _, err := Generate(Config{People: 1, Months: 1, Terminals: 1, Start: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC), Zone: zone}); !errors.Is(err, ErrConfig) {
			t.Errorf("zone %q: error = %v", zone, err)
		}
	}
}

func TestATerminalThatIsNot(t *testing.T) {
	p := office200(t, nil)
	for _, terminal := range []int{-1, 0, 3} {
		_, err := p.Figures(terminal)
		for _, err := range []error{err, attlog(p, &bytes.Buffer{}, terminal), p.WritePeople(&bytes.Buffer{}, terminal)} {
			if !errors.Is(err, ErrTerminal) {
				t.Errorf("terminal %d: error = %v", terminal, err)
			}
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestErrorsOfTheWriterAreAnswered(t *testing.T) {
	p := office200(t, nil)
	for _, err := range []error{attlog(p, full{}, 1), p.WritePeople(full{}, 1)} {
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	}
}

func TestShortestAndSmallest(t *testing.T) {
	for people := 1; people <= 3; people++ {
		p, err := Generate(Config{People: people, Months: 1, Terminals: 1, Start: time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"})
		if err != nil {
			t.Fatal(err)
		}
		f, err := p.Figures(1)
		if err != nil || f.Lines == 0 || !strings.HasPrefix(f.First, "2024-06-03") { // 1 June 2024 is a Saturday
			t.Errorf("%d people: %v, %+v", people, err, f)
		}
	}
}

func BenchmarkWriteAttlog(b *testing.B) {
	p := office200(b, func(c *Config) { c.People, c.Months = 2000, 1 })
	for b.Loop() {
		if _, err := p.WriteAttlog(&bytes.Buffer{}, 1); err != nil {
			b.Fatal(err)
		}
	}
	f, _ := p.Figures(1)
	b.ReportMetric(float64(f.Lines), "lines")
}
