package exporter_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ical "github.com/arran4/golang-ical"
	"github.com/google/go-cmp/cmp"

	"tracekeep/adapters/exporter"
)

func calendarOf(t *testing.T, events ...exporter.CalendarEvent) string {
	t.Helper()
	var b bytes.Buffer
	c := exporter.NewCalendar(&b, "Ada, at work")
	for _, e := range events {
		if err := c.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestACalendarIsTheBytesThatRFC5545Says(t *testing.T) {
	got := calendarOf(t, exporter.CalendarEvent{
		UID: "2f1d@tracekeep", Sequence: 2, Stamp: time.Date(2026, 3, 30, 9, 0, 0, 0, time.UTC), Start: time.Date(2026, 3, 29, 1, 30, 0, 0, time.FixedZone("", 3600)), End: time.Date(2026, 3, 29, 4, 0, 0, 0, time.FixedZone("", 7200)),
		Summary: "Work; 1:30, \\ and\r\na name that is long enough to be folded: Ünïcödé", Location: "gate-1",
	}, exporter.CalendarEvent{UID: "77aa@tracekeep", Cancelled: true, Start: time.Date(2026, 3, 30, 7, 0, 0, 0, time.UTC), Stamp: time.Date(2026, 3, 29, 9, 0, 0, 0, time.UTC)})
	want := strings.ReplaceAll(`BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Tracekeep//Work//EN
CALSCALE:GREGORIAN
METHOD:PUBLISH
NAME:Ada\, at work
X-WR-CALNAME:Ada\, at work
BEGIN:VEVENT
UID:2f1d@tracekeep
SEQUENCE:2
DTSTAMP:20260330T090000Z
DTSTART:20260329T003000Z
DTEND:20260329T020000Z
SUMMARY:Work\; 1:30\, \\ and\na name that is long enough to be folded: Ün
 ïcödé
LOCATION:gate-1
STATUS:CONFIRMED
TRANSP:OPAQUE
END:VEVENT
BEGIN:VEVENT
UID:77aa@tracekeep
SEQUENCE:0
DTSTAMP:20260329T090000Z
DTSTART:20260330T070000Z
SUMMARY:
STATUS:CANCELLED
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
`, "\n", "\r\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Another library reads what was written: every string comes back but for what a
// calendar cannot hold.
func TestNaughtyStringsPassThroughACalendar(t *testing.T) {
	var events []exporter.CalendarEvent
	var want []string
	start := time.Date(2026, 3, 2, 7, 0, 0, 0, time.UTC)
	for i, text := range naughty(t) {
		events = append(events, exporter.CalendarEvent{UID: fmt.Sprintf("%d@tracekeep", i), Start: start, End: start.Add(time.Hour), Summary: text, Location: text})
		text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
		want = append(want, strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' || r == 0x7f {
				return utf8.RuneError
			}
			return r
		}, text))
	}
	file := calendarOf(t, events...)
	for line := range strings.SplitSeq(file, "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("a line of %d octets: %q", len(line), line)
		}
	}
	read, err := ical.ParseCalendar(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Events()) != len(events) {
		t.Fatalf("%d events, want %d", len(read.Events()), len(events))
	}
	for i, e := range read.Events() {
		at, err := e.GetStartAt()
		if err != nil || !at.Equal(start) || e.Id() != events[i].UID {
			t.Errorf("%s at %v, %v", e.Id(), at, err)
		}
		if got := e.GetProperty(ical.ComponentPropertySummary).Value; got != want[i] {
			t.Errorf("%q became %q", want[i], got)
		}
	}
}
