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
	c.line("BEGIN:VCALENDAR")
	c.line("VERSION:2.0")
	c.line("PRODID:-//Tracekeep//Work//EN")
	c.line("CALSCALE:GREGORIAN")
	c.line("METHOD:PUBLISH")
	c.line("NAME:" + calendarText(name)) // RFC 7986
	c.line("X-WR-CALNAME:" + calendarText(name))
	return c
}

// Write adds an event.
func (c *Calendar) Write(e CalendarEvent) error {
	const utc = "20060102T150405Z"
	c.line("BEGIN:VEVENT")
	c.line("UID:" + calendarText(e.UID))
	c.line("DTSTAMP:" + e.End.UTC().Format(utc))
	c.line("DTSTART:" + e.Start.UTC().Format(utc))
	c.line("DTEND:" + e.End.UTC().Format(utc))
	c.line("SUMMARY:" + calendarText(e.Summary))
	if e.Location != "" {
		c.line("LOCATION:" + calendarText(e.Location))
	}
	c.line("TRANSP:OPAQUE")
	return c.line("END:VEVENT")
}

// Close ends the feed.
func (c *Calendar) Close() error {
	c.line("END:VCALENDAR")
	return c.out.Flush()
}

// octets is how many of them a line has at most, without its end.
const octets = 75

// line writes one line, folded between characters.
func (c *Calendar) line(text string) error {
	room := octets
	for len(text) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		_, _ = c.out.WriteString(text[:cut] + "\r\n ")
		text, room = text[cut:], octets-1
	}
	_, err := c.out.WriteString(text + "\r\n")
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
