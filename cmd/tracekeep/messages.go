package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

type messagesCommand struct {
	Send    messagesSend    `cmd:"" help:"Write to people, to those of a shift, or to those of a site."`
	Inbox   messagesInbox   `cmd:"" help:"List what came in for somebody, without the texts."`
	Sent    messagesSent    `cmd:"" help:"List what somebody sent, and by how many it was opened."`
	Read    messagesRead    `cmd:"" help:"Open a message that came in; the first time leaves a receipt."`
	Delete  messagesDelete  `cmd:"" help:"Take a message back: the key of its text is destroyed."`
	Notices messagesNotices `cmd:"" help:"List what happened to the shifts and corrections of a work record."`
}

// Help implements kong's help provider.
func (messagesCommand) Help() string {
	return `Everybody has one mailbox, under the id of their work record or, of an officer, under their own. The text of a message is sealed
under a key of its own. It goes when its sender takes it back or is erased, when it names somebody else in full who is erased, and
at the latest when the class communication comes of age (tracekeep retention rules). Texts are shown to recipients alone.

Examples:
  tracekeep messages send --data ./records --officer 6d1e… --to 3f0a… --to 91bc… --text 'The gate stays shut until noon.'
  tracekeep messages send --data ./records --officer 6d1e… --shift 77aa… --text 'Bring your vests.'
  tracekeep messages send --data ./records --work 3f0a… --shift 77aa… --text 'I am ten minutes late.'
  tracekeep messages inbox --data ./records --work 3f0a… --unread --json
  tracekeep messages read --data ./records --work 3f0a… --message 5c2d…
  tracekeep messages delete --data ./records --officer 6d1e… --message 5c2d…
  tracekeep messages notices --data ./records --work 3f0a…`
}

// mailbox says whose.
type mailbox struct {
	dataFlags
	Work    uuid.UUID `help:"Work id of whose mailbox it is." xor:"whose" required:"" placeholder:"ID"`
	Officer uuid.UUID `help:"Instead, the id of an officer." xor:"whose" required:"" placeholder:"ID"`
	JSON    bool      `name:"json" help:"Print one JSON object for each row."`
}

// who is whoever the mailbox belongs to. Of a worker it is the work record alone: a
// person id is of no use here, and none is asked for.
func (c mailbox) who(a *app.App) httpapi.Principal {
	if c.Work != uuid.Nil {
		return httpapi.Principal{Tenant: a.Tenant(), ID: c.Work, Role: httpapi.RoleWorker, Work: c.Work}
	}
	return clerk(a, c.Officer)
}

type messagesSend struct {
	mailbox
	To    []uuid.UUID `help:"Work id of a recipient, or the id of an officer who wrote to you; may be repeated." xor:"to" required:"" placeholder:"ID"`
	Shift uuid.UUID   `help:"Instead, everybody with a place on this shift." xor:"to" required:"" placeholder:"ID"`
	Site  string      `help:"Instead, everybody with a place there on a shift of the next two weeks; from officers." xor:"to" required:"" placeholder:"CODE"`
	Text  string      `help:"What is written, at most 4000 bytes." required:""`
	Key   string      `help:"Idempotency key: repeating the command with the same key sends once; default: a new message each time." placeholder:"KEY"`
}

// Run sends a message.
func (c messagesSend) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		key := c.Key
		if key == "" {
			id, err := uuid.NewRandomFromReader(t.random)
			if err != nil {
				return err
			}
			key = id.String()
		}
		who := c.who(a)
		sent, err := a.SendMessage(ctx, httpapi.Intent{Principal: who, Key: "message " + who.ID.String() + " " + key}, httpapi.NewMessage{
			To: c.To, ShiftID: c.Shift, Site: c.Site, Text: eventschema.Clear(c.Text), SentAt: t.clock(),
		})
		if errors.Is(err, httpapi.ErrNotFound) {
			return fmt.Errorf("there is no shift %s to write to", c.Shift)
		}
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"message_id": sent.MessageID, "recipients": sent.Recipients, "repeated": sent.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "message %s went to %d\n", sent.MessageID, sent.Recipients)
		return err
	})
}

// list prints a mailbox.
func (c mailbox) list(ctx context.Context, t *terminal, box httpapi.Box) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		found, err := a.MessagesOf(ctx, c.who(a), box)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(found))
		for _, m := range found {
			state := "unread"
			switch {
			case m.DeletedAt != nil:
				state = "deleted"
			case box.Sent:
				state = fmt.Sprintf("opened by %d of %d", m.Read, m.Recipients)
			case m.ReadAt != nil:
				state = "read"
			}
			if c.JSON {
				one := map[string]any{
					"message_id": m.MessageID, "sender_id": m.SenderID, "audience": m.Audience, "sent_at": m.SentAt, "deleted_at": m.DeletedAt, "position": m.Position,
				}
				if box.Sent {
					one["recipients"], one["read"] = m.Recipients, m.Read
				} else {
					one["read_at"] = m.ReadAt
				}
				if err := printJSON(t.out, one); err != nil {
					return err
				}
				continue
			}
			rows = append(rows, []string{m.MessageID.String(), m.SenderID.String(), string(m.Audience), m.SentAt.Format(time.RFC3339), state})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "MESSAGE|FROM|TO|SENT|STATE", rows)
	})
}

// mostListed bounds what one command lists; the API turns pages.
const mostListed = 500

type messagesInbox struct {
	mailbox
	Unread bool `help:"Only what was not opened yet."`
}

// Run lists what came in.
func (c messagesInbox) Run(ctx context.Context, t *terminal) error {
	return c.list(ctx, t, httpapi.Box{Unread: c.Unread, Limit: mostListed})
}

type messagesSent struct{ mailbox }

// Run lists what was sent.
func (c messagesSent) Run(ctx context.Context, t *terminal) error {
	return c.list(ctx, t, httpapi.Box{Sent: true, Limit: mostListed})
}

// oneMessage names a message of a mailbox.
type oneMessage struct {
	mailbox
	Message uuid.UUID `help:"Id of the message." required:""`
}

func (c oneMessage) intent(a *app.App, step string) httpapi.Intent {
	who := c.who(a)
	return httpapi.Intent{Principal: who, Key: step + " " + c.Message.String() + " " + who.ID.String()}
}

func (c oneMessage) unknown(err error) error {
	if errors.Is(err, httpapi.ErrNotFound) {
		return fmt.Errorf("there is no message %s in this mailbox", c.Message)
	}
	return err
}

type messagesRead struct{ oneMessage }

// Run opens a message.
func (c messagesRead) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		opened, err := a.OpenMessage(ctx, c.intent(a, "open"), c.Message)
		if err != nil {
			return c.unknown(err)
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{
				"message_id": opened.MessageID, "sender_id": opened.SenderID, "sent_at": opened.SentAt, "text": personalOf(opened.Text, opened.Release), "deleted_at": opened.DeletedAt,
			})
		}
		_, err = fmt.Fprintf(t.out, "from %s, %s\n%s\n", opened.SenderID, opened.SentAt.Format(time.RFC3339), shown(opened.Text, opened.Release))
		return err
	})
}

type messagesDelete struct{ oneMessage }

// Run takes a message back.
func (c messagesDelete) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		receipt, err := a.DeleteMessage(ctx, c.intent(a, "delete"), c.Message)
		if err != nil {
			return c.unknown(err)
		}
		if c.JSON {
			return printJSON(t.out, map[string]any{"message_id": c.Message, "repeated": receipt.Repeated})
		}
		_, err = fmt.Fprintf(t.out, "message %s is taken back; the case of its key goes forward while the folder is served\n", c.Message)
		return err
	})
}

type messagesNotices struct{ mailbox }

// Run lists notices.
func (c messagesNotices) Run(ctx context.Context, t *terminal) error {
	return c.withRecords(ctx, t, func(ctx context.Context, a *app.App) error {
		found, err := a.Notices(ctx, c.who(a), mostListed)
		if err != nil {
			return err
		}
		rows := make([][]string, 0, len(found))
		for _, n := range found {
			if c.JSON {
				if err := printJSON(t.out, map[string]any{"kind": n.Kind, "of": n.Of, "at": n.At, "answer_by": n.Until, "outcome": n.Outcome, "position": n.Position}); err != nil {
					return err
				}
				continue
			}
			until := "-"
			if n.Until != nil {
				until = n.Until.Format(time.RFC3339)
			}
			rows = append(rows, []string{string(n.Kind), n.Of.String(), n.At.Format(time.RFC3339), until, dash(n.Outcome), strconv.FormatUint(n.Position, 10)})
		}
		if c.JSON {
			return nil
		}
		return table(t.out, "NOTICE|OF|AT|ANSWER BY|OUTCOME|POSITION", rows)
	})
}
