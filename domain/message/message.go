// Package message decides about what people write to each other: what one sender
// wrote in a month, and which messages of a month one reader has opened.
package message

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Refusals.
var (
	ErrNoActor      = errors.New("somebody must have written the message")
	ErrNoText       = errors.New("a message has a text")
	ErrTooLong      = errors.New("a message has at most 4000 bytes")
	ErrText         = errors.New("a text is UTF-8, with no control characters but line breaks and tabs")
	ErrNoRecipients = errors.New("nobody would receive the message")
	ErrTooMany      = errors.New("a message goes to at most 1000 people")
	ErrRecipient    = errors.New("a recipient stands in the list once, and is not the sender")
	ErrNoMessage    = errors.New("there is no such message of this sender")
	ErrNoTime       = errors.New("the instant is required")
)

const (
	longestText    = 4000 // bytes
	mostRecipients = 1000
)

// Written is the state of what one sender wrote in one month: every message, and
// whether it was taken back.
type Written map[uuid.UUID]bool

// Command is [Send] or [Delete].
type Command interface {
	decide(Written) ([]eventschema.Event, error)
}

// Send delivers a message. Who the recipients are was settled before: a shift or a
// site stands for the people it had when the message was sent.
type Send struct {
	MessageID, SenderID uuid.UUID
	To                  []uuid.UUID
	Audience            eventschema.Audience
	ShiftID             uuid.UUID
	Site                string
	Text                eventschema.Personal
	SentAt              time.Time
}

// Delete takes a message back. Taking it back again changes nothing.
type Delete struct {
	MessageID, SenderID uuid.UUID
	DeletedAt           time.Time
}

// Decider decides for what one sender wrote in one month.
func Decider() domain.Decider[Written, Command] {
	return domain.Decider[Written, Command]{
		Initial: func() Written { return Written{} },
		Decide: func(w Written, c Command) ([]eventschema.Event, error) {
			if c == nil {
				return nil, domain.ErrUnknownCommand
			}
			return c.decide(w)
		},
		Evolve: func(w Written, event eventschema.Event) Written {
			switch e := event.(type) {
			case *eventschema.MessageSent:
				w[e.MessageID] = false
			case *eventschema.MessageDeleted:
				w[e.MessageID] = true
			}
			return w
		},
	}
}

func (c Send) decide(w Written) ([]eventschema.Event, error) {
	if _, known := w[c.MessageID]; known {
		return nil, nil
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	return []eventschema.Event{&eventschema.MessageSent{
		MessageID: c.MessageID, SenderID: c.SenderID, To: c.To, Audience: c.Audience, ShiftID: c.ShiftID, Site: c.Site, SentAt: c.SentAt.UTC(), Text: c.Text,
	}}, nil
}

func (c Send) validate() error {
	switch {
	case c.SenderID == uuid.Nil || c.MessageID == uuid.Nil:
		return ErrNoActor
	case c.SentAt.IsZero():
		return ErrNoTime
	case len(c.To) == 0:
		return ErrNoRecipients
	case len(c.To) > mostRecipients:
		return ErrTooMany
	}
	sorted := slices.SortedFunc(slices.Values(c.To), func(x, y uuid.UUID) int { return slices.Compare(x[:], y[:]) })
	if len(slices.Compact(sorted)) != len(c.To) || slices.Contains(c.To, c.SenderID) || slices.Contains(c.To, uuid.Nil) {
		return ErrRecipient
	}
	text, _ := c.Text.Reveal()
	return checkText(text)
}

func checkText(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return ErrNoText
	case len(text) > longestText:
		return ErrTooLong
	case !utf8.ValidString(text):
		return ErrText
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ErrText
		}
	}
	return nil
}

func (c Delete) decide(w Written) ([]eventschema.Event, error) {
	deleted, known := w[c.MessageID]
	switch {
	case !known:
		return nil, ErrNoMessage
	case deleted:
		return nil, nil
	case c.DeletedAt.IsZero():
		return nil, ErrNoTime
	}
	return []eventschema.Event{&eventschema.MessageDeleted{MessageID: c.MessageID, SenderID: c.SenderID, DeletedAt: c.DeletedAt.UTC()}}, nil
}

// Opened is the state of the receipts of one reader for the messages of one month.
type Opened map[uuid.UUID]bool

// Open notes that a recipient opened a message. Only the first time is noted. That the
// message was delivered to the reader was settled before.
type Open struct {
	MessageID, SenderID, ReaderID uuid.UUID
	SentAt, ReadAt                time.Time
}

// Receipts decides for the receipts of one reader and month.
func Receipts() domain.Decider[Opened, Open] {
	return domain.Decider[Opened, Open]{
		Initial: func() Opened { return Opened{} },
		Decide: func(o Opened, c Open) ([]eventschema.Event, error) {
			switch {
			case o[c.MessageID]:
				return nil, nil
			case c.ReaderID == uuid.Nil || c.MessageID == uuid.Nil:
				return nil, ErrNoActor
			case c.SentAt.IsZero() || c.ReadAt.IsZero():
				return nil, ErrNoTime
			}
			return []eventschema.Event{&eventschema.MessageRead{
				MessageID: c.MessageID, SenderID: c.SenderID, ReaderID: c.ReaderID, SentAt: c.SentAt.UTC(), ReadAt: c.ReadAt.UTC(),
			}}, nil
		},
		Evolve: func(o Opened, event eventschema.Event) Opened {
			if e, ok := event.(*eventschema.MessageRead); ok {
				o[e.MessageID] = true
			}
			return o
		},
	}
}
