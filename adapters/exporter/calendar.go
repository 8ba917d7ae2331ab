package exporter

import (
	"bufio"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// CalendarEvent is one span of time in a calendar.
type CalendarEvent struct {
	UID        string // the same for the same work, for ever
	Start, End time.Time
	Summary    string
	Location   string
}

// Calendar writes an iCalendar feed (RFC 5545) of spans that passed. Instants are in
// UTC, so that no time zone has to be described. DTSTAMP is the end of the span, when
// all of it was known: the same work gives the same bytes. Control characters, which
// a calendar cannot hold, become U+FFFD; any end of a line becomes \n.
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
	end := e.End.UTC().Format(utc)
	lines := []string{
		"BEGIN:VEVENT", "UID:" + calendarText(e.UID), "DTSTAMP:" + end, "DTSTART:" + e.Start.UTC().Format(utc), "DTEND:" + end,
		"SUMMARY:" + calendarText(e.Summary),
	}
	if e.Location != "" {
		lines = append(lines, "LOCATION:"+calendarText(e.Location))
	}
	return c.lines(append(lines, "TRANSP:OPAQUE", "END:VEVENT")...)
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
