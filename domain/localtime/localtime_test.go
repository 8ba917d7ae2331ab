package localtime

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("load zone %s: %v", name, err)
	}
	return loc
}

func hours(h float64) *int {
	s := int(h * 3600)
	return &s
}

func TestResolve(t *testing.T) {
	for rule, c := range map[string]struct {
		zone   string
		local  Wall
		offset *int
		want   string // instant, or
		err    error
	}{
		"an ordinary time needs no offset":                     {zone: "Asia/Manila", local: Wall{2020, 2, 24, 10, 52, 43}, want: "2020-02-24T02:52:43Z"},
		"an ordinary time may carry its offset":                {zone: "Asia/Manila", local: Wall{2020, 2, 24, 10, 52, 43}, offset: hours(8), want: "2020-02-24T02:52:43Z"},
		"an offset that was not in force is refused":           {zone: "Asia/Manila", local: Wall{2020, 2, 24, 10, 52, 43}, offset: hours(9), err: ErrOffset},
		"the skipped half hour of New York never was":          {zone: "America/New_York", local: Wall{2026, 3, 8, 2, 30, 0}, err: ErrGap},
		"no offset makes a skipped time exist":                 {zone: "America/New_York", local: Wall{2026, 3, 8, 2, 30, 0}, offset: hours(-5), err: ErrGap},
		"the last second before the gap is":                    {zone: "America/New_York", local: Wall{2026, 3, 8, 1, 59, 59}, want: "2026-03-08T06:59:59Z"},
		"the first second after the gap is":                    {zone: "America/New_York", local: Wall{2026, 3, 8, 3, 0, 0}, want: "2026-03-08T07:00:00Z"},
		"the repeated half hour needs an offset":               {zone: "America/New_York", local: Wall{2026, 11, 1, 1, 30, 0}, err: ErrOverlap},
		"the summer offset chooses the first":                  {zone: "America/New_York", local: Wall{2026, 11, 1, 1, 30, 0}, offset: hours(-4), want: "2026-11-01T05:30:00Z"},
		"the winter offset chooses the second":                 {zone: "America/New_York", local: Wall{2026, 11, 1, 1, 30, 0}, offset: hours(-5), want: "2026-11-01T06:30:00Z"},
		"an overlap refuses a third offset":                    {zone: "America/New_York", local: Wall{2026, 11, 1, 1, 30, 0}, offset: hours(-6), err: ErrOffset},
		"the second after the overlap is unambiguous":          {zone: "America/New_York", local: Wall{2026, 11, 1, 2, 0, 0}, want: "2026-11-01T07:00:00Z"},
		"half an hour can be skipped":                          {zone: "Australia/Lord_Howe", local: Wall{2024, 10, 6, 2, 15, 0}, err: ErrGap},
		"a whole day can be skipped":                           {zone: "Pacific/Apia", local: Wall{2011, 12, 30, 12, 0, 0}, err: ErrGap},
		"midnight can be skipped":                              {zone: "America/Sao_Paulo", local: Wall{2018, 11, 4, 0, 0, 0}, err: ErrGap},
		"the clocks can go back in March":                      {zone: "Africa/Casablanca", local: Wall{2024, 3, 10, 2, 30, 0}, err: ErrOverlap},
		"an offset may have seconds":                           {zone: "Africa/Monrovia", local: Wall{1972, 1, 6, 23, 50, 0}, want: "1972-01-07T00:34:30Z"},
		"before all changes the first offset counts":           {zone: "Asia/Manila", local: Wall{0, 5, 4, 8, 0, 0}, want: "0000-05-04T23:56:08Z"},
		"31 April is no date":                                  {zone: "Asia/Manila", local: Wall{2020, 4, 31, 0, 0, 0}, err: ErrNoSuchTime},
		"month 13 is no month":                                 {zone: "Asia/Manila", local: Wall{2020, 13, 1, 0, 0, 0}, err: ErrNoSuchTime},
		"29 February is a date in leap years only":             {zone: "Asia/Manila", local: Wall{2021, 2, 29, 0, 0, 0}, err: ErrNoSuchTime},
		"24:00 is no time":                                     {zone: "Asia/Manila", local: Wall{2020, 2, 24, 24, 0, 0}, err: ErrNoSuchTime},
		"a leap second is no time":                             {zone: "UTC", local: Wall{2016, 12, 31, 23, 59, 60}, err: ErrNoSuchTime},
		"the last day of a leap year is a day, also by a rule": {zone: "America/New_York", local: Wall{2052, 12, 31, 9, 0, 0}, want: "2052-12-31T14:00:00Z"},
		"its last second is as ordinary as any":                {zone: "Europe/Berlin", local: Wall{2048, 12, 31, 23, 59, 59}, want: "2048-12-31T22:59:59Z"},
		"so is the first of the year after it":                 {zone: "Australia/Lord_Howe", local: Wall{2049, 1, 1, 0, 0, 0}, want: "2048-12-31T13:00:00Z"},
		"the day before it comes once":                         {zone: "America/New_York", local: Wall{2052, 12, 30, 21, 0, 0}, want: "2052-12-31T02:00:00Z"},
		"rules that hold for ever are still followed in 2400":  {zone: "America/New_York", local: Wall{2400, 3, 12, 2, 30, 0}, err: ErrGap},
	} {
		t.Run(rule, func(t *testing.T) {
			got, err := Resolve(c.local, zone(t, c.zone), c.offset)
			if !errors.Is(err, c.err) {
				t.Fatalf("error = %v, want %v", err, c.err)
			}
			if c.err != nil {
				return
			}
			if at := got.At.Format(time.RFC3339); at != c.want {
				t.Errorf("at = %s, want %s", at, c.want)
			}
			if _, offset := got.At.In(zone(t, c.zone)).Zone(); offset != got.OffsetSeconds {
				t.Errorf("offset = %d, want %d", got.OffsetSeconds, offset)
			}
		})
	}
}

func TestADayBeginsWhereTheClockSaysSo(t *testing.T) {
	for rule, c := range map[string]struct{ zone, date, want string }{
		"at midnight":                                   {"America/New_York", "2026-07-04", "2026-07-04T04:00:00Z"},
		"at midnight, on a day of 23 hours":             {"America/New_York", "2026-03-08", "2026-03-08T05:00:00Z"},
		"at one, where midnight is skipped":             {"America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z"},
		"at the first midnight, where there are two":    {"America/Havana", "2024-11-03", "2024-11-03T04:00:00Z"},
		"where a whole day is skipped, as the next one": {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
	} {
		loc, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		date, err := time.Parse(time.DateOnly, c.date)
		if err != nil {
			t.Fatal(err)
		}
		if got := Midnight(date.Add(15*time.Hour), loc).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
}

func TestZoneMustBeNamed(t *testing.T) {
	for rule, loc := range map[string]*time.Location{"no zone": nil, "the machine's own zone": time.Local} {
		if _, err := Resolve(Wall{2020, 1, 1, 0, 0, 0}, loc, nil); !errors.Is(err, ErrNoZone) {
			t.Errorf("%s: error = %v, want %v", rule, err, ErrNoZone)
		}
	}
}

func TestTransitionIsNamed(t *testing.T) {
	_, err := Resolve(Wall{2026, 3, 8, 2, 30, 0}, zone(t, "America/New_York"), nil)
	var gap *TransitionError
	if !errors.As(err, &gap) {
		t.Fatalf("error = %v, want a TransitionError", err)
	}
	want := "local time did not exist: the clocks went from UTC-05:00 to UTC-04:00 at 2026-03-08T07:00:00Z"
	if err.Error() != want || gap.OffsetBefore != -5*3600 || gap.OffsetAfter != -4*3600 {
		t.Errorf("got %q, want %q", err, want)
	}
}

// A zone may be stored as a list of changes or as a rule that goes on for ever; both
// must be cut at the same instants, whole years without a hole or a repeat.
func TestPeriodsFollowOneAnother(t *testing.T) {
	for _, name := range []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"} {
		loc := zone(t, name)
		from, to := time.Date(2024, 12, 30, 12, 0, 0, 0, time.UTC), time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
		periods := Periods(from, to, loc)
		if first, last := periods[0], periods[len(periods)-1]; !first.Start.Equal(from) || !last.End.Equal(to) {
			t.Errorf("%s: from %v to %v", name, first.Start, last.End)
		}
		for i, p := range periods {
			if i > 0 && (!p.Start.Equal(periods[i-1].End) || p.OffsetSeconds == periods[i-1].OffsetSeconds) {
				t.Errorf("%s: %v follows %v", name, p, periods[i-1])
			}
			for _, at := range []time.Time{p.Start, p.End.Add(-time.Second)} {
				if _, offset := at.In(loc).Zone(); offset != p.OffsetSeconds {
					t.Errorf("%s: offset %d at %v, want %d", name, p.OffsetSeconds, at, offset)
				}
			}
		}
	}
	if got := Periods(time.Unix(1, 0), time.Unix(1, 0), time.UTC); len(got) != 0 {
		t.Errorf("no time is cut into %v", got)
	}
}

// Whatever a clock shows at an instant leads back to that instant, given the offset.
func TestEveryInstantIsFoundAgain(t *testing.T) {
	names := []string{
		"America/New_York", "Europe/Berlin", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati",
		"Africa/Casablanca", "Asia/Manila", "Asia/Gaza", "Antarctica/Troll", "America/St_Johns", "America/Nuuk", "Asia/Kathmandu", "UTC",
	}
	rapid.Check(t, func(rt *rapid.T) {
		loc := zone(t, rapid.SampledFrom(names).Draw(rt, "zone"))
		const from, to = -4_000_000_000, 16_000_000_000 // 1843 to 2477
		instant := time.Unix(rapid.Int64Range(from, to).Draw(rt, "instant"), 0).In(loc)
		if rapid.Bool().Draw(rt, "near a change") {
			if _, end := instant.ZoneBounds(); !end.IsZero() {
				instant = end.Add(time.Duration(rapid.IntRange(-7300, 7300).Draw(rt, "seconds from the change")) * time.Second).In(loc)
			}
		}
		_, offset := instant.Zone()
		got, err := Resolve(Of(instant), loc, &offset)
		if err != nil || !got.At.Equal(instant) || got.OffsetSeconds != offset {
			rt.Fatalf("%s: got %v (%d), %v", instant, got.At, got.OffsetSeconds, err)
		}
		without, err := Resolve(Of(instant), loc, nil)
		if !errors.Is(err, ErrOverlap) && (err != nil || !without.At.Equal(instant)) {
			rt.Fatalf("%s without offset: got %v, %v", instant, without.At, err)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	for _, name := range []string{"Asia/Manila", "America/New_York"} {
		loc := zone(b, name)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				if _, err := Resolve(Wall{2024, 6, 3, 8, 1, 2}, loc, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
