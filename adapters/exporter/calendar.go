package exporter

import (
	"bufio"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// CalendarEvent is one span of time in a calendar. Of two versions of an event readers
// keep the one with the higher Sequence, and of equal ones the later Stamp.
type CalendarEvent struct {
	UID        string // the same for the same work or place, for ever
	Sequence   int    // grows when somebody changes it
	Stamp      time.Time
	Cancelled  bool
	Start, End time.Time // a zero End: none is known
	Summary    string
	Location   string
}

// Calendar writes an iCalendar feed (RFC 5545). Instants are in UTC, so that no time
// zone has to be described. DTSTAMP is when the event became what it is and not when
// the feed was written: the same record gives the same bytes. What was called off
// stays as cancelled, because readers that import a feed delete nothing that it leaves
// out. Control characters, which a calendar cannot hold, become U+FFFD; any end of a
// line becomes \n.
type Calendar struct{ out *bufio.Writer }

// NewCalendar begins a feed with a name.
func NewCalendar(to io.Writer, name string) *Calendar {
	c := &Calendar{out: bufio.NewWriter(to)}
	_ = c.lines("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Tracekeep//Work//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH",
		"NAME:"+calendarText(name), "X-WR-CALNAME:"+calendarText(name)) // NAME is of RFC 7986; a failure stays and shows in Close
	return c
}

// Write adds an event.
func (c *Calendar) Write(e CalendarEvent) error {
	const utc = "20060102T150405Z"
	lines := []string{
		"BEGIN:VEVENT", "UID:" + calendarText(e.UID), "SEQUENCE:" + strconv.Itoa(e.Sequence), "DTSTAMP:" + e.Stamp.UTC().Format(utc),
		"DTSTART:" + e.Start.UTC().Format(utc),
	}
	if !e.End.IsZero() {
		lines = append(lines, "DTEND:"+e.End.UTC().Format(utc))
	}
	lines = append(lines, "SUMMARY:"+calendarText(e.Summary))
	if e.Location != "" {
		lines = append(lines, "LOCATION:"+calendarText(e.Location))
	}
	status, shows := "CONFIRMED", "OPAQUE"
	if e.Cancelled {
		status, shows = "CANCELLED", "TRANSPARENT"
	}
	return c.lines(append(lines, "STATUS:"+status, "TRANSP:"+shows, "END:VEVENT")...)
}

// Close ends the feed.
func (c *Calendar) Close() error {
	_ = c.lines("END:VCALENDAR")
	return c.out.Flush()
}

// octets is how many of them a line has at most, without its end.
const octets = 75

// lines writes lines, folded between characters.
func (c *Calendar) lines(lines ...string) (err error) {
	for _, text := range lines {
		room := octets
		for len(text) > room {
			cut := room
			for cut > 0 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			_, _ = c.out.WriteString(text[:cut] + "\r\n ")
			text, room = text[cut:], octets-1
		}
		_, err = c.out.WriteString(text + "\r\n")
	}
	return err
}

var calendarEscapes = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)

func calendarText(text string) string {
	return calendarEscapes.Replace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")))
}
