package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

const good = "        1\t2026-05-04 08:00:00\t1\t0\t0\t0\n"

// reasons runs an import of text and gives the verdict of every line: "" for a punch.
func reasons(t *testing.T, o Options, lines int) []Reason {
	t.Helper()
	sink := newNotebook("1", "2", "A7")
	sum, err := Run(t.Context(), o, sink)
	if err != nil && !errors.Is(err, ErrNotClockFile) {
		t.Fatal(err)
	}
	if sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines || sum.Accepted != sum.Recorded+sum.AlreadyRecorded+sum.ExactDuplicates {
		t.Errorf("the account does not add up: %+v", sum)
	}
	verdicts := make([]Reason, lines)
	for _, r := range sum.Rejects {
		verdicts[r.Line-1] = r.Reason
	}
	return verdicts
}

func TestVerdictOnALine(t *testing.T) {
	for rule, c := range map[string]struct {
		line string
		want Reason
	}{
		"a line as the terminal writes it":                {line: "        1\t2026-05-04 08:00:00\t1\t0\t0\t0"},
		"work code and reserved columns may be missing":   {line: "1\t2026-05-04 08:00:00\t1\t0"},
		"verify and work code may be empty":               {line: "1\t2026-05-04 08:00:00\t\t0\t\t"},
		"newer firmware adds columns":                     {line: "1\t2026-05-04 08:00:00\t1\t0\t0\t0\t0\t36.6\t\t+28800"},
		"what reserved columns hold does not matter":      {line: "1\t2026-05-04 08:00:00\t1\t0\t0\tanything at all"},
		"CRLF ends a line too":                            {line: "1\t2026-05-04 08:00:00\t1\t0\t0\t0\r"},
		"NUL pads a column like blanks do":                {line: "1\x00\x00\t2026-05-04 08:00:00\t1\t0\t0\t0\x00\x00"},
		"a PIN may have letters":                          {line: "A7\t2026-05-04 08:00:00\t1\t0\t0\t0"},
		"without a state there is no direction":           {line: "1\t2026-05-04 08:00:00\t1", want: BrokenLine},
		"words are no row":                                {line: "hello", want: BrokenLine},
		"blanks do not separate columns":                  {line: "1 2026-05-04 08:00:00 1 0 0 0", want: BrokenLine},
		"a thousand columns are no row":                   {line: strings.Repeat("1\t", 1000), want: BrokenLine},
		"a verify code is a code, not text":               {line: "1\t2026-05-04 08:00:00\tby finger\t0\t0\t0", want: BrokenLine},
		"a work code is a code, not text":                 {line: "1\t2026-05-04 08:00:00\t1\t0\tsick, see note\t0", want: BrokenLine},
		"a line is at most 4 KiB":                         {line: "1\t2026-05-04 08:00:00\t1\t0\t0\t" + strings.Repeat("0", 4096), want: LineTooLong},
		"bytes that are no UTF-8":                         {line: "1\t2026-05-04 08:00:00\t1\t0\t0\t\xff", want: NotUTF8},
		"an empty PIN is nobody":                          {line: "   \t2026-05-04 08:00:00\t1\t0\t0\t0", want: BadPIN},
		"a name is no PIN":                                {line: "María\t2026-05-04 08:00:00\t1\t0\t0\t0", want: BadPIN},
		"a PIN has at most 24 letters and digits":         {line: strings.Repeat("1", 25) + "\t2026-05-04 08:00:00\t1\t0\t0\t0", want: BadPIN},
		"PINs 1 and 01 are two":                           {line: "01\t2026-05-04 08:00:00\t1\t0\t0\t0", want: UnknownPIN},
		"a PIN that nobody has":                           {line: "999\t2026-05-04 08:00:00\t1\t0\t0\t0", want: UnknownPIN},
		"31 April":                                        {line: "1\t2026-04-31 08:00:00\t1\t0\t0\t0", want: BadTime},
		"25 o'clock":                                      {line: "1\t2026-05-04 25:00:00\t1\t0\t0\t0", want: BadTime},
		"another order of the date":                       {line: "1\t04-05-2026 08:00:00\t1\t0\t0\t0", want: BadTime},
		"a time without seconds":                          {line: "1\t2026-05-04 08:00\t1\t0\t0\t0", want: BadTime},
		"a time with a zone":                              {line: "1\t2026-05-04T08:00:00Z\t1\t0\t0\t0", want: BadTime},
		"digits of other scripts":                         {line: "1\t２０２６-05-04 08:00:00\t1\t0\t0\t0", want: BadTime},
		"year 0":                                          {line: "1\t0000-05-04 08:00:00\t1\t0\t0\t0", want: StationClockReset},
		"1999":                                            {line: "1\t1999-12-31 23:59:59\t1\t0\t0\t0", want: StationClockReset},
		"2000-01-01 is where a reset clock starts again":  {line: "1\t2000-01-01 00:03:12\t1\t0\t0\t0", want: StationClockReset},
		"23 hours ahead may be a station in another zone": {line: "1\t2026-06-02 19:00:00\t1\t0\t0\t0"},
		"25 hours ahead is a wrong clock":                 {line: "1\t2026-06-02 21:00:00\t1\t0\t0\t0", want: InTheFuture},
		"a state that was not pressed":                    {line: "1\t2026-05-04 08:00:00\t1\t255\t0\t0", want: UndefinedState},
		"state 6":                                         {line: "1\t2026-05-04 08:00:00\t1\t6\t0\t0", want: BadState},
		"no state":                                        {line: "1\t2026-05-04 08:00:00\t1\t\t0\t0", want: BadState},
		"a negative state":                                {line: "1\t2026-05-04 08:00:00\t1\t-1\t0\t0", want: BadState},
		"a header is no row but stops nothing":            {line: "PIN\tTime\tVerify\tState", want: BadTime},
	} {
		t.Run(rule, func(t *testing.T) {
			text := good + c.line + "\n" + "2\t2026-05-04 09:00:00\t1\t1\t0\t0\n"
			got := reasons(t, options(t, text), 3)
			if want := []Reason{"", c.want, ""}; !slices.Equal(got, want) {
				t.Errorf("verdicts %q, want %q", got, want)
			}
		})
	}
}

func TestKeysPressed(t *testing.T) {
	var text strings.Builder
	for state := range 6 {
		fmt.Fprintf(&text, "1\t2026-05-04 08:00:0%d\t15\t%d\t42\t0\n", state, state)
	}
	sink := newNotebook("1")
	if _, err := Run(t.Context(), options(t, text.String()), sink); err != nil {
		t.Fatal(err)
	}
	want := []Punch{
		{Direction: eventschema.DirectionIn, Kind: eventschema.KindNormal},
		{Direction: eventschema.DirectionOut, Kind: eventschema.KindNormal},
		{Direction: eventschema.DirectionOut, Kind: eventschema.KindBreak},
		{Direction: eventschema.DirectionIn, Kind: eventschema.KindBreak},
		{Direction: eventschema.DirectionIn, Kind: eventschema.KindOvertime},
		{Direction: eventschema.DirectionOut, Kind: eventschema.KindOvertime},
	}
	for i, p := range sink.punches {
		if p.Direction != want[i].Direction || p.Kind != want[i].Kind || p.Verification != "15" || p.WorkCode != "42" {
			t.Errorf("state %d: %s %s verify %s work code %s", i, p.Direction, p.Kind, p.Verification, p.WorkCode)
		}
		if at := p.At.Format(time.RFC3339); at != fmt.Sprintf("2026-05-04T00:00:0%dZ", i) || p.StationClock != fmt.Sprintf("2026-05-04 08:00:0%d", i) {
			t.Errorf("state %d: at %s, clock %s", i, at, p.StationClock)
		}
	}
	if len(sink.punches) != 6 {
		t.Errorf("%d punches, want 6", len(sink.punches))
	}
}

func TestFilesOfOddShape(t *testing.T) {
	for rule, c := range map[string]struct {
		text     string
		accepted int64
		rejected []Reason
		blank    int64
	}{
		"an empty file is a station where nobody punched":      {},
		"a byte order mark belongs to no PIN":                  {text: "\uFEFF" + good, accepted: 1},
		"blank lines are counted, not rejected":                {text: "\n\r\n" + good + "\n   \n", accepted: 1, blank: 4},
		"a long tail of NUL after a power cut is one row":      {text: good + strings.Repeat("\x00", 5000), accepted: 1, rejected: []Reason{LineTooLong}},
		"a short tail of NUL is blank":                         {text: good + strings.Repeat("\x00", 500), accepted: 1, blank: 1},
		"the last line may lack its end if complete":           {text: good + "2\t2026-05-04 09:00:00\t1\t1\t0\t0", accepted: 2},
		"a last line cut in the state is rejected":             {text: good + "2\t2026-05-04 09:00:00\t1\t2", accepted: 1, rejected: []Reason{TruncatedLine}},
		"a last line cut in the time is rejected":              {text: good + "2\t2026-05-04 09:0", accepted: 1, rejected: []Reason{TruncatedLine}},
		"a last line cut in the PIN is rejected":               {text: good + "    2", accepted: 1, rejected: []Reason{TruncatedLine}},
		"a last line with fewer columns than the others":       {text: "1\t2026-05-04 08:00:00\t1\t0\t0\t0\t0\n2\t2026-05-04 09:00:00\t1\t1\t0\t0", accepted: 1, rejected: []Reason{TruncatedLine}},
		"a last line of a narrow file may be cut in the state": {text: "1\t2026-05-04 08:00:00\t1\t0\n2\t2026-05-04 09:00:00\t1\t2", accepted: 1, rejected: []Reason{TruncatedLine}},
		"line ends may be mixed":                               {text: strings.TrimSuffix(good, "\n") + "\r\n" + strings.Replace(good, "08:", "09:", 1), accepted: 2},
	} {
		t.Run(rule, func(t *testing.T) {
			sum, err := Run(t.Context(), options(t, c.text), newNotebook("1", "2"))
			if err != nil {
				t.Fatal(err)
			}
			var got []Reason
			for _, r := range sum.Rejects {
				got = append(got, r.Reason)
			}
			if sum.Accepted != c.accepted || sum.BlankLines != c.blank || !slices.Equal(got, c.rejected) {
				t.Errorf("%d accepted, %d blank, rejected %q; want %d, %d, %q", sum.Accepted, sum.BlankLines, got, c.accepted, c.blank, c.rejected)
			}
			if sum.Bytes != int64(len(c.text)) || sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines {
				t.Errorf("%d bytes of %d, %d lines", sum.Bytes, len(c.text), sum.Lines)
			}
		})
	}
}

func TestClocksPutBackAndForward(t *testing.T) {
	// New York, 2025: clocks forward on 9 March at 02:00, back on 2 November at 02:00.
	at := func(clocks ...string) string {
		var text strings.Builder
		for _, clock := range clocks {
			text.WriteString("1\t2025-" + clock + "\t1\t0\t0\t0\n")
		}
		return text.String()
	}
	night := at("11-02 00:50:00", "11-02 01:10:00", "11-02 01:50:00", "11-02 01:05:00", "11-02 01:20:00", "11-02 02:10:00")
	for rule, c := range map[string]struct {
		overlap Overlap
		told    map[string]Overlap
		now     string // of the import, if it is not long after
		text    string
		want    []string // instants
		reasons []Reason
	}{
		"a time that came twice is rejected unless chosen": {text: night,
			want: []string{"04:50", "07:10"}, reasons: []Reason{AmbiguousLocalTime, AmbiguousLocalTime, AmbiguousLocalTime, AmbiguousLocalTime}},
		"first takes the earlier instant":  {overlap: OverlapFirst, text: night, want: []string{"04:50", "05:10", "05:50", "05:05", "05:20", "07:10"}},
		"second takes the later instant":   {overlap: OverlapSecond, text: night, want: []string{"04:50", "06:10", "06:50", "06:05", "06:20", "07:10"}},
		"order follows the file over both": {overlap: OverlapOrder, text: night, want: []string{"04:50", "05:10", "05:50", "06:05", "06:20", "07:10"}},
		"the same line in both hours is two punches": {overlap: OverlapOrder, text: at("11-02 01:10:00", "11-02 01:50:00", "11-02 01:10:00"),
			want: []string{"05:10", "05:50", "06:10"}},
		"order rejects what is later than its file allows": {overlap: OverlapOrder, text: at("11-02 03:00:00", "11-02 01:10:00"),
			want: []string{"08:00"}, reasons: []Reason{AmbiguousLocalTime}},
		"order takes equal times as equal": {overlap: OverlapOrder, text: at("11-02 01:10:00", "11-02 01:10:00"), want: []string{"05:10"}},
		"a day is resolved and a reading of it otherwise": {text: night, told: map[string]Overlap{"2025-11-02": OverlapFirst, "2025-11-02 01:05:00": OverlapSecond},
			want: []string{"04:50", "05:10", "05:50", "06:05", "05:20", "07:10"}},
		"another day says nothing": {overlap: OverlapSecond, text: night, told: map[string]Overlap{"2024-11-03": OverlapFirst},
			want: []string{"04:50", "06:10", "06:50", "06:05", "06:20", "07:10"}},
		"in the hour itself only the first can have come": {now: "2025-11-02T05:51:00Z", text: at("11-02 01:10:00", "11-02 01:50:00"), want: []string{"05:10", "05:50"}},
		"in the next both may, but of what lies ahead": {now: "2025-11-02T06:06:00Z", text: at("11-02 01:05:00", "11-02 01:10:00", "11-02 01:20:00"),
			want: []string{"05:20"}, reasons: []Reason{AmbiguousLocalTime, AmbiguousLocalTime}},
		"no choice makes a skipped time exist": {overlap: OverlapFirst, text: at("03-09 01:59:59", "03-09 02:30:00", "03-09 03:00:00"),
			want: []string{"06:59", "07:00"}, reasons: []Reason{GapInLocalTime}},
	} {
		t.Run(rule, func(t *testing.T) {
			o := options(t, c.text)
			o.Zone, o.Overlap, o.Overlaps = zone(t, "America/New_York"), c.overlap, c.told
			if c.now != "" {
				now, err := time.Parse(time.RFC3339, c.now)
				if err != nil {
					t.Fatal(err)
				}
				o.Now = now
			}
			sink := newNotebook("1")
			sum, err := Run(t.Context(), o, sink)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range sink.punches {
				got = append(got, p.At.Format("15:04"))
				if p.At.Add(time.Duration(p.OffsetSeconds)*time.Second).Format(time.DateTime) != p.StationClock {
					t.Errorf("offset %d does not lead from %s to %s", p.OffsetSeconds, p.At, p.StationClock)
				}
			}
			var rejected []Reason
			for _, r := range sum.Rejects {
				rejected = append(rejected, r.Reason)
			}
			if !slices.Equal(got, c.want) || !slices.Equal(rejected, c.reasons) {
				t.Errorf("instants %q rejected %q, want %q and %q", got, rejected, c.want, c.reasons)
			}
		})
	}
}

func TestTheSamePunchIsHandedOverOnce(t *testing.T) {
	text := good + good + // the same line
		strings.Replace(good, "        1", "1", 1) + // padded otherwise
		strings.Replace(good, "\t0\n", "\t9\n", 1) + // another reserved column
		strings.Replace(good, "08:00:00", "08:00:01", 1) + // a second later: pressed again
		strings.Replace(good, "\t1\t0\t0\t0", "\t1\t1\t0\t0", 1) + // another key
		strings.Replace(good, "        1", "        2", 1) // another person
	sink := newNotebook("1", "2")
	sum, err := Run(t.Context(), options(t, text), sink)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 7 || sum.ExactDuplicates != 3 || sum.Recorded != 4 || sum.AlreadyRecorded != 0 || len(sink.punches) != 4 {
		t.Errorf("accepted %d, duplicates %d, recorded %d, before %d", sum.Accepted, sum.ExactDuplicates, sum.Recorded, sum.AlreadyRecorded)
	}
}

func TestTheWindowForgetsTheOldestFirst(t *testing.T) {
	w := newWindow(2)
	var got []bool
	for _, b := range []byte{1, 2, 1, 3, 1, 3, 2} {
		got = append(got, w.before([16]byte{b}))
	}
	if want := []bool{false, false, true, false, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(w.has) != 2 || len(w.ring) != 2 {
		t.Errorf("remembers %d, want 2", len(w.has))
	}
}

// A file of 3 GB in one line costs no more memory than a small one.
func TestALineOfThreeGigabytesIsOneRejectedRow(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 3 GB of zeros, which takes seconds")
	}
	const size = 3 << 30
	text := io.MultiReader(strings.NewReader(good), io.LimitReader(newZeros(), size), strings.NewReader("\n2"+good[9:]))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	o := options(t, "")
	o.Clock = text
	sum, err := Run(t.Context(), o, newNotebook("1", "2"))
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 2 || sum.Rejected != 1 || sum.RejectsByReason[LineTooLong] != 1 || sum.Bytes <= size {
		t.Errorf("%+v", sum)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 32<<20 {
		t.Errorf("allocated %d MiB in all, want less than 32", allocated>>20)
	}
}

// zeros is a file of nothing but zeros, made of blocks so that reading it is cheap.
type zeros string

func newZeros() zeros { return zeros(strings.Repeat("0", 64<<10)) }

func (z zeros) Read(p []byte) (int, error) { return copy(p, z), nil }

// As many PINs that nobody has as there are lines cost a bounded amount of memory.
func TestHostilePINsCostNoMemory(t *testing.T) {
	const rows = 800_000
	n := 0
	o := options(t, "")
	o.Clock = readerFunc(func(p []byte) (int, error) {
		if n == rows {
			return 0, io.EOF
		}
		n++
		return len(append(strconv.AppendInt(p[:0], int64(n), 10), "\t2026-05-04 08:00:00\t1\t0\t0\t0\n"...)), nil
	})
	var peak uint64
	o.Progress = func(p Progress) {
		if p.Rows%100_000 == 0 {
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	sum, err := Run(t.Context(), o, &sinkWithoutAnybody{})
	if err != nil {
		t.Fatal(err)
	}
	if sum.RejectsByReason[UnknownPIN] != rows || len(sum.Rejects) != 1000 {
		t.Errorf("%d rejected, %d kept", sum.RejectsByReason[UnknownPIN], len(sum.Rejects))
	}
	if peak > 24<<20 {
		t.Errorf("%d MiB held, want less than 24", peak>>20)
	}
}

type sinkWithoutAnybody struct{ notebook }

func (sinkWithoutAnybody) Resolve(context.Context, string, []string, map[string]Person) (none map[string]uuid.UUID, registered int, err error) {
	return nil, 0, nil
}

// FuzzAttlog: no input makes the parser panic, lose count, or repeat a row's values.
func FuzzAttlog(f *testing.F) {
	for _, seed := range []string{
		good, "", "\n", "\uFEFF" + good, "1\t2026-05-04 08:00:00\t1\t255\n", "1\t2025-11-02 01:30:00\t1\t4\t0\t0\n", "\x00\x00", "\xff\xfe1\x00\t\x00",
		strings.Repeat("\t", 40), strings.Repeat("9", 5000) + "\n" + good, "1\t2025-03-09 02:30:00\t1\t1\t0\t0\r\n2\t2000",
	} {
		f.Add([]byte(seed), byte(0))
		f.Add([]byte(seed), byte(3))
	}
	choices := []Overlap{OverlapReject, OverlapFirst, OverlapSecond, OverlapOrder}
	loc := zone(f, "America/New_York")
	f.Fuzz(func(t *testing.T, text []byte, choice byte) {
		sink := &everybody{}
		o := Options{Clock: readerOf(text), Station: "1", Zone: loc, Now: today, Overlap: choices[int(choice)%len(choices)], BatchRows: 1 + int(choice)}
		sum, err := Run(t.Context(), o, sink)
		if err != nil && !errors.Is(err, ErrNotClockFile) {
			t.Fatal(err)
		}
		if sum.Lines != sum.Accepted+sum.Rejected+sum.BlankLines || sum.Accepted != sum.Recorded+sum.ExactDuplicates {
			t.Fatalf("the account does not add up: %+v", sum)
		}
		if sum.Bytes != int64(len(text)) {
			t.Fatalf("%d bytes of %d", sum.Bytes, len(text))
		}
		for _, p := range sink.punches {
			local := p.At.In(loc)
			if _, offset := local.Zone(); local.Format(time.DateTime) != p.StationClock || offset != p.OffsetSeconds {
				t.Fatalf("%s is not what the clock showed at %s", p.StationClock, local)
			}
			if p.At.After(today.Add(ahead)) || local.Year() < firstYear {
				t.Fatalf("accepted %s", p.StationClock)
			}
		}
		for _, r := range sum.Rejects {
			if r.Message != r.Reason.message() || r.Message == string(r.Reason) {
				t.Fatalf("the message of %s is not the fixed one", r.Reason)
			}
		}
	})
}

// everybody knows every PIN.
type everybody struct {
	punches []Punch
	hours   []Declaration
}

func (e *everybody) Resolve(_ context.Context, _ string, pins []string, _ map[string]Person) (map[string]uuid.UUID, int, error) {
	known := map[string]uuid.UUID{}
	for _, pin := range pins {
		known[pin] = newNotebook(pin).works[pin]
	}
	return known, 0, nil
}

func (e *everybody) Record(_ context.Context, _ string, batch []Punch) (recorded, already int, err error) {
	e.punches = append(e.punches, batch...)
	return len(batch), 0, nil
}

func (e *everybody) Declare(_ context.Context, _ string, batch []Declaration) (recorded, already int, err error) {
	e.hours = append(e.hours, batch...)
	return len(batch), 0, nil
}

func TestEveryReasonIsExplained(t *testing.T) {
	seen := map[string]bool{}
	all := []Reason{
		LineTooLong, NotUTF8, TruncatedLine, BrokenLine, BadPIN, BadTime, BadState, UndefinedState, StationClockReset, GapInLocalTime,
		AmbiguousLocalTime, InTheFuture, UnknownPIN, DuplicatePIN, BadName, BadEmail, BadPhone, BadBirthDate, BadEmployeeNumber,
		BadKey, NoDuration, EndBeforeStart, StillRunning, BadDirection, BadChecksum, BadCount, Biometric,
		ClockSetBack, ClockAdjusted, CounterJumped, HoursDisagree, Overlaps, AmbiguousDate, UnknownJob, BadWorkDate, BadHours, NoHours, TooManyHours, SameHoursAgain, NobodyRecognised, NoTimes, UnknownChecksum, OverlapResolved,
		BadMode, BadStatus, BadDate, BadTitle, BadCode, BadRole, DuplicateID, UnknownUser, UnknownClass, UnknownTitle, NeverThere, ErasedUser,
	}
	if len(messages) != len(all) {
		t.Errorf("%d reasons are explained, want %d", len(messages), len(all))
	}
	for _, r := range all {
		if r.message() == string(r) || seen[r.message()] {
			t.Errorf("%s has no message of its own", r)
		}
		seen[r.message()] = true
	}
}
