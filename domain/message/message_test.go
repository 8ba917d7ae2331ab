package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/domain/domaintest"
	"tracekeep/domain/message"
	"tracekeep/eventschema"
)

var (
	one    = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e11")
	sender = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e12")
	ben    = uuid.MustParse("7a9c5e10-1d2b-4c3d-8e4f-5a6b7c8d9e13")
	noon   = time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
)

func TestWhatIsWritten(t *testing.T) {
	send := message.Send{MessageID: one, SenderID: sender, To: []uuid.UUID{ben}, Audience: eventschema.AudiencePeople, Text: eventschema.Clear("Bring\nyour\tvests — お願いします."), SentAt: noon}
	sent := &eventschema.MessageSent{MessageID: one, SenderID: sender, To: send.To, Audience: send.Audience, Text: send.Text, SentAt: noon}
	with := func(change func(*message.Send)) message.Send { c := send; change(&c); return c }
	text := func(text string) message.Send {
		return with(func(c *message.Send) { c.Text = eventschema.Clear(text) })
	}
	many := make([]uuid.UUID, 1001)
	for i := range many {
		many[i] = uuid.NewSHA1(one, []byte{byte(i), byte(i >> 8)})
	}
	remove := message.Delete{MessageID: one, SenderID: sender, DeletedAt: noon.Add(time.Hour)}
	deleted := &eventschema.MessageDeleted{MessageID: one, SenderID: sender, DeletedAt: remove.DeletedAt}
	past := []eventschema.Event{sent}
	long := &eventschema.MessageSent{MessageID: one, SenderID: sender, To: send.To, Audience: send.Audience, Text: eventschema.Clear(strings.Repeat("é", 2000)), SentAt: noon}
	domaintest.Run(t, message.Decider(), map[string]domaintest.Case[message.Command]{
		"a message is sent":                           {When: send, Then: past},
		"sent again it is one message":                {Given: past, When: send},
		"as long as it may be":                        {When: text(strings.Repeat("é", 2000)), Then: []eventschema.Event{long}},
		"longer than that":                            {When: text(strings.Repeat("é", 2001)), Refused: message.ErrTooLong},
		"nothing but space":                           {When: text(" \n "), Refused: message.ErrNoText},
		"no text at all":                              {When: with(func(c *message.Send) { c.Text = eventschema.Personal{} }), Refused: message.ErrNoText},
		"bytes that are no text":                      {When: text("a\xff"), Refused: message.ErrText},
		"what would steer a terminal":                 {When: text("a\x1b[2J"), Refused: message.ErrText},
		"to nobody":                                   {When: with(func(c *message.Send) { c.To = nil }), Refused: message.ErrNoRecipients},
		"to oneself":                                  {When: with(func(c *message.Send) { c.To = []uuid.UUID{ben, sender} }), Refused: message.ErrRecipient},
		"to somebody twice":                           {When: with(func(c *message.Send) { c.To = []uuid.UUID{ben, ben} }), Refused: message.ErrRecipient},
		"to more than a crowd":                        {When: with(func(c *message.Send) { c.To = many }), Refused: message.ErrTooMany},
		"written by nobody":                           {When: with(func(c *message.Send) { c.SenderID = uuid.Nil }), Refused: message.ErrNoActor},
		"its sender takes it back":                    {Given: past, When: remove, Then: []eventschema.Event{deleted}},
		"taking it back again changes nothing":        {Given: []eventschema.Event{sent, deleted}, When: remove},
		"what was never written cannot be taken back": {When: remove, Refused: message.ErrNoMessage},
		"and is not sent again":                       {Given: []eventschema.Event{sent, deleted}, When: send},
	})
}

func TestAReceiptIsLeftOnce(t *testing.T) {
	open := message.Open{MessageID: one, SenderID: sender, ReaderID: ben, SentAt: noon, ReadAt: noon.Add(time.Hour)}
	read := &eventschema.MessageRead{MessageID: one, SenderID: sender, ReaderID: ben, SentAt: noon, ReadAt: open.ReadAt}
	again := open
	again.ReadAt = noon.Add(2 * time.Hour)
	nobody := open
	nobody.ReaderID = uuid.Nil
	domaintest.Run(t, message.Receipts(), map[string]domaintest.Case[message.Open]{
		"the first time it is opened": {When: open, Then: []eventschema.Event{read}},
		"the second time":             {Given: []eventschema.Event{read}, When: again},
		"by nobody":                   {When: nobody, Refused: message.ErrNoActor},
	})
}
