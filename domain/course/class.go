// Package course decides about classes: that a course is taught as a class and when it
// meets, who belongs to it, and how its students attended.
//
// Three consistency boundaries, three deciders. A class and its sessions are one stream
// ([Classes]) that names nobody. Enrolments ([Enrolments]) and marks ([Marks]) stand in
// streams of the work record they are about, so that they end with it. Whoever sends a
// mark brings what the two other streams say: the session, and whether the student was
// enrolled then. See domain/decisions/0130.
package course

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals about classes and sessions.
var (
	ErrNoClass      = errors.New("there is no such class")
	ErrKnown        = errors.New("there is a class of this source and id already: change that one")
	ErrNoActor      = errors.New("somebody must answer for this step")
	ErrSource       = errors.New("a class needs the name of the program that knows it and its id there")
	ErrText         = errors.New("codes and sites have up to 64 characters, titles up to 200 and ids up to 255, without control characters")
	ErrNoTitle      = errors.New("a class needs the title of its course")
	ErrZone         = errors.New("a class needs the named time zone of its site")
	ErrDates        = errors.New("days are written 2006-01-02, and an end is not before its beginning")
	ErrClassEnded   = errors.New("the class has ended by then")
	ErrTimes        = errors.New("a session ends after it starts, within 24 hours")
	ErrOverlap      = errors.New("the class meets at that time already")
	ErrTooMany      = errors.New("a class has at most 2000 sessions")
	ErrNoSession    = errors.New("there is no such session of the class")
	ErrCode         = errors.New("a code is required: up to 40 lower-case letters, digits and underscores")
	ErrOtherSession = errors.New("this session id was used for another time")
)

// The bounds of what a class may say, in bytes, and of how often it meets.
const (
	maxCode     = 64
	maxTitle    = 200
	maxSourceID = 255
	mostMeets   = 2000
	longest     = 24 * time.Hour
)

// Facts is what is known of a class and may change.
type Facts struct {
	Code     string // of the class
	Course   string // code of the course
	Title    string // of the course
	Site     string // code
	Zone     string // IANA
	StartsOn string // 2006-01-02, or empty
	EndsOn   string // the first day on which it is over, or empty
}

// Class is the state of one class.
type Class struct {
	Defined  bool
	ClassID  uuid.UUID
	Source   string
	SourceID string
	Facts
	EndedOn  string // set once it was ended before its time
	Sessions map[uuid.UUID]Session
}

// Session is one meeting of a class.
type Session struct {
	ID               uuid.UUID
	ClassID          uuid.UUID
	Zone             string
	StartsLocal      string // 2006-01-02 15:04
	EndsLocal        string
	StartsAt, EndsAt time.Time
	Cancelled        bool
}

// Day is the day of the session by the clock on the wall.
func (s Session) Day() string { return s.StartsLocal[:len(time.DateOnly)] }

// LocalLayout is how the local times of a session are written.
const LocalLayout = "2006-01-02 15:04"

// ClassCommand is [Define], [End], [PlanSession] or [CancelSession].
type ClassCommand interface {
	decide(Class) ([]eventschema.Event, error)
}

// Define says what is known of a class. Said again it changes what differs; an ended
// class is taught again then.
type Define struct {
	ClassID  uuid.UUID
	Source   string
	SourceID string
	Facts
	New       bool // refuse a class that is there already
	DefinedAt time.Time
	DefinedBy uuid.UUID
}

// End ends a class before its time. It ends once.
type End struct {
	EndedOn string
	EndedAt time.Time
	EndedBy uuid.UUID
}

// PlanSession plans one meeting. The same session planned again changes nothing.
type PlanSession struct {
	SessionID        uuid.UUID
	Zone             string
	StartsLocal      string
	EndsLocal        string
	StartsAt, EndsAt time.Time
	PlannedAt        time.Time
	PlannedBy        uuid.UUID
}

// CancelSession calls a meeting off.
type CancelSession struct {
	SessionID   uuid.UUID
	Reason      string // a code
	CancelledAt time.Time
	CancelledBy uuid.UUID
}

// Classes decides for one class.
func Classes() domain.Decider[Class, ClassCommand] {
	return domain.Decider[Class, ClassCommand]{
		Initial: func() Class { return Class{Sessions: map[uuid.UUID]Session{}} },
		Decide: func(s Class, c ClassCommand) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			if _, defines := c.(Define); !defines && !s.Defined {
				return nil, ErrNoClass
			}
			return c.decide(s)
		},
		Evolve: evolveClass,
	}
}

func (c Define) decide(s Class) ([]eventschema.Event, error) {
	if c.DefinedBy == uuid.Nil {
		return nil, ErrNoActor
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	switch {
	case s.Defined && c.New:
		return nil, ErrKnown
	case s.Defined && s.Facts == c.Facts && s.EndedOn == "":
		return nil, nil
	case s.Defined:
		return []eventschema.Event{&eventschema.ClassChanged{
			ClassID: s.ClassID, Code: c.Code, Course: c.Course, Title: c.Title, Site: c.Site, Zone: c.Zone, StartsOn: c.StartsOn, EndsOn: c.EndsOn,
			ChangedAt: c.DefinedAt.UTC(), ChangedBy: c.DefinedBy,
		}}, nil
	case c.Source == "" || len(c.Source) > maxCode || c.SourceID == "":
		return nil, ErrSource
	case !isPlain(c.SourceID, maxSourceID) || !isPlain(c.Source, maxCode):
		return nil, ErrText
	}
	return []eventschema.Event{&eventschema.ClassDefined{
		ClassID: c.ClassID, Source: c.Source, SourceID: c.SourceID, Code: c.Code, Course: c.Course, Title: c.Title, Site: c.Site, Zone: c.Zone,
		StartsOn: c.StartsOn, EndsOn: c.EndsOn, DefinedAt: c.DefinedAt.UTC(), DefinedBy: c.DefinedBy,
	}}, nil
}

func (f Facts) validate() error {
	switch {
	case f.Title == "":
		return ErrNoTitle
	case !isPlain(f.Title, maxTitle) || !isPlain(f.Code, maxCode) || !isPlain(f.Course, maxCode) || !isPlain(f.Site, maxCode):
		return ErrText
	case f.Zone == "" || f.Zone == "Local" || !isPlain(f.Zone, maxCode):
		return ErrZone
	case !span(f.StartsOn, f.EndsOn):
		return ErrDates
	}
	return nil
}

func (c End) decide(s Class) ([]eventschema.Event, error) {
	switch {
	case s.EndedOn != "":
		return nil, nil
	case c.EndedBy == uuid.Nil:
		return nil, ErrNoActor
	case !isDay(c.EndedOn):
		return nil, ErrDates
	}
	return []eventschema.Event{&eventschema.ClassEnded{ClassID: s.ClassID, EndedOn: c.EndedOn, EndedAt: c.EndedAt.UTC(), EndedBy: c.EndedBy}}, nil
}

func (c PlanSession) decide(s Class) ([]eventschema.Event, error) {
	if known, planned := s.Sessions[c.SessionID]; planned {
		if !known.StartsAt.Equal(c.StartsAt) || !known.EndsAt.Equal(c.EndsAt) {
			return nil, ErrOtherSession
		}
		return nil, nil
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	day := c.StartsLocal[:len(time.DateOnly)]
	switch {
	case s.EndedOn != "" && day >= s.EndedOn:
		return nil, ErrClassEnded
	case len(s.Sessions) >= mostMeets:
		return nil, ErrTooMany
	}
	for _, other := range s.Sessions {
		if !other.Cancelled && c.StartsAt.Before(other.EndsAt) && other.StartsAt.Before(c.EndsAt) {
			return nil, ErrOverlap
		}
	}
	return []eventschema.Event{&eventschema.SessionPlanned{
		SessionID: c.SessionID, ClassID: s.ClassID, Zone: c.Zone, StartsLocal: c.StartsLocal, EndsLocal: c.EndsLocal,
		StartsAt: c.StartsAt.UTC(), EndsAt: c.EndsAt.UTC(), PlannedAt: c.PlannedAt.UTC(), PlannedBy: c.PlannedBy,
	}}, nil
}

func (c PlanSession) validate() error {
	switch {
	case c.PlannedBy == uuid.Nil:
		return ErrNoActor
	case c.Zone == "" || c.Zone == "Local":
		return ErrZone
	case !c.EndsAt.After(c.StartsAt) || c.EndsAt.Sub(c.StartsAt) > longest:
		return ErrTimes
	}
	for _, local := range []string{c.StartsLocal, c.EndsLocal} {
		if _, err := time.Parse(LocalLayout, local); err != nil {
			return ErrTimes
		}
	}
	return nil
}

func (c CancelSession) decide(s Class) ([]eventschema.Event, error) {
	session, planned := s.Sessions[c.SessionID]
	switch {
	case !planned:
		return nil, ErrNoSession
	case session.Cancelled:
		return nil, nil
	case c.CancelledBy == uuid.Nil:
		return nil, ErrNoActor
	case c.Reason == "" || len(c.Reason) > 40 || strings.Trim(c.Reason, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return nil, ErrCode
	}
	return []eventschema.Event{&eventschema.SessionCancelled{
		SessionID: c.SessionID, ClassID: s.ClassID, Reason: c.Reason, CancelledAt: c.CancelledAt.UTC(), CancelledBy: c.CancelledBy,
	}}, nil
}

// evolveClass updates the map of sessions in place: a state belongs to one fold.
func evolveClass(s Class, event eventschema.Event) Class {
	switch e := event.(type) {
	case *eventschema.ClassDefined:
		s.Defined, s.ClassID, s.Source, s.SourceID = true, e.ClassID, e.Source, e.SourceID
		s.Facts = Facts{Code: e.Code, Course: e.Course, Title: e.Title, Site: e.Site, Zone: e.Zone, StartsOn: e.StartsOn, EndsOn: e.EndsOn}
	case *eventschema.ClassChanged:
		s.Facts, s.EndedOn = Facts{Code: e.Code, Course: e.Course, Title: e.Title, Site: e.Site, Zone: e.Zone, StartsOn: e.StartsOn, EndsOn: e.EndsOn}, ""
	case *eventschema.ClassEnded:
		s.EndedOn = e.EndedOn
	case *eventschema.SessionPlanned:
		s.Sessions[e.SessionID] = Session{
			ID: e.SessionID, ClassID: e.ClassID, Zone: e.Zone, StartsLocal: e.StartsLocal, EndsLocal: e.EndsLocal, StartsAt: e.StartsAt, EndsAt: e.EndsAt,
		}
	case *eventschema.SessionCancelled:
		if session, planned := s.Sessions[e.SessionID]; planned {
			session.Cancelled = true
			s.Sessions[e.SessionID] = session
		}
	}
	return s
}

// isPlain tells that a text is short and has no control characters.
func isPlain(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// span tells that both are days or not given, and in order.
func span(from, to string) bool {
	return (from == "" || isDay(from)) && (to == "" || isDay(to)) && (from == "" || to == "" || from <= to)
}
