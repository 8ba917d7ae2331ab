package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// NewMessageBody is a message; exactly one of to, shift_id and site says to whom.
type NewMessageBody struct {
	To      []ID   `json:"to,omitempty" maxItems:"1000" doc:"Work ids, or the ids of officers who wrote to the sender."`
	ShiftID ID     `json:"shift_id,omitempty" required:"false" doc:"To whoever has a place on it now."`
	Site    string `json:"site,omitempty" maxLength:"40" pattern:"^[a-z0-9_]+$" doc:"To whoever has a place there on a shift of the next two weeks; from officers."`
	Text    string `json:"text" minLength:"1" maxLength:"4000" example:"The gate of the north yard stays shut until noon."`
}

type messageAnswer struct {
	Ack
	Status int
	Body   struct {
		MessageID  string `json:"message_id" format:"uuid"`
		Recipients int    `json:"recipients" example:"12"`
		Position   uint64 `json:"position" example:"48216"`
	}
}

// MessageBody is one message without its text.
type MessageBody struct {
	MessageID  string  `json:"message_id" format:"uuid"`
	SenderID   string  `json:"sender_id" format:"uuid" doc:"A work id, or the id of an officer."`
	Audience   string  `json:"audience" enum:"people,shift,site" example:"people"`
	ShiftID    *string `json:"shift_id,omitempty" format:"uuid"`
	Site       string  `json:"site,omitempty"`
	SentAt     string  `json:"sent_at" format:"date-time" example:"2026-03-02T09:30:00Z"`
	ReadAt     *string `json:"read_at,omitempty" format:"date-time" doc:"When the caller opened it for the first time."`
	DeletedAt  *string `json:"deleted_at,omitempty" format:"date-time" doc:"When its sender took it back."`
	Recipients *int    `json:"recipients,omitempty" doc:"Of one that the caller sent."`
	Read       *int    `json:"read,omitempty" doc:"By how many of them."`
}

func messageBody(m projections.Message) MessageBody {
	return MessageBody{
		MessageID: m.MessageID.String(), SenderID: m.SenderID.String(), Audience: string(m.Audience), ShiftID: optionalID(m.ShiftID), Site: m.Site,
		SentAt: rfc3339(m.SentAt), ReadAt: optionalTime(m.ReadAt), DeletedAt: optionalTime(m.DeletedAt),
	}
}

// NoticeBody tells of something that nobody wrote.
type NoticeBody struct {
	Kind         string  `json:"kind" enum:"offer_made,shift_moved,shift_cancelled,correction_decided" example:"offer_made"`
	ShiftID      *string `json:"shift_id,omitempty" format:"uuid"`
	CorrectionID *string `json:"correction_id,omitempty" format:"uuid"`
	Outcome      string  `json:"outcome,omitempty" enum:"approved,refused" doc:"Of a correction."`
	At           string  `json:"at" format:"date-time" example:"2026-03-02T09:30:00Z"`
	AnswerBy     *string `json:"answer_by,omitempty" format:"date-time" doc:"Of an offer."`
	Position     uint64  `json:"position" doc:"Where the trail has it." example:"48301"`
}

func noticeBody(n projections.Notice) NoticeBody {
	body := NoticeBody{Kind: string(n.Kind), At: rfc3339(n.At), AnswerBy: optionalTime(n.Until), Outcome: n.Outcome, Position: n.Position}
	if of := optionalID(n.Of); n.Kind == projections.NoticeCorrection {
		body.CorrectionID = of
	} else {
		body.ShiftID = of
	}
	return body
}

type inboxAnswer struct {
	Link string `header:"Link"`
	Body struct {
		Messages      []MessageBody `json:"messages"`
		NextPageToken string        `json:"next_page_token,omitempty"`
	}
}

type openedAnswer struct {
	Ack
	Body struct {
		MessageBody
		Text     PersonalBody `json:"text"`
		Position uint64       `json:"position" doc:"Of the receipt; 0 where nothing was shown." example:"48217"`
	}
}

func (a *API) registerMessages(api huma.API) {
	huma.Register(api, a.operation("send-message", http.MethodPost, "/v1/messages", "Messages", "Write to people, to a shift, or to a site",
		"Who has a place on a shift or at a site receives it as of now. A worker writes to work records, to shifts of their own, and back to officers."),
		func(ctx context.Context, in *struct {
			Once
			Body NewMessageBody
		}) (*messageAnswer, error) {
			return a.sendMessage(ctx, in.Body)
		})
	huma.Register(api, a.operation("list-messages", http.MethodGet, "/v1/messages", "Messages", "What came in, or what was sent",
		"Of whoever calls, the newest first, without texts: opening one is a step of its own, which leaves a receipt."),
		func(ctx context.Context, in *struct {
			Fresh
			Paging
			Box    string `query:"box" enum:"inbox,sent" default:"inbox"`
			Unread bool   `query:"unread" doc:"Of the inbox, only what was not opened yet."`
		}) (*inboxAnswer, error) {
			return a.listMessages(ctx, in.Paging, in.Box, in.Unread)
		})
	huma.Register(api, a.operation("open-message", http.MethodPost, "/v1/messages/{message_id}/opening", "Messages", "Open a message that came in",
		"The first time leaves a receipt, which the sender sees; opening it again leaves none."),
		func(ctx context.Context, in *struct {
			Once
			MessageID ID `path:"message_id"`
		}) (*openedAnswer, error) {
			return a.openMessage(ctx, in.MessageID.id())
		})
	huma.Register(api, a.operation("delete-message", http.MethodPost, "/v1/messages/{message_id}/deletion", "Messages", "Take a message back",
		"Its sender only. The key of its text is destroyed, for every recipient; that it was sent stays on record."),
		func(ctx context.Context, in *struct {
			Once
			MessageID ID `path:"message_id"`
		}) (*changedAnswer, error) {
			return changed(a.inside.Messages.DeleteMessage(ctx, intent(ctx), in.MessageID.id()))
		})
	huma.Register(api, a.operation("list-notices", http.MethodGet, "/v1/notices", "Messages", "What happened to the caller's shifts and corrections",
		"The newest first: offers that wait for an answer, shifts that were moved or called off, corrections that were decided. Nothing of it is stored: it is read from the records themselves."),
		func(ctx context.Context, in *struct {
			Fresh
			Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
		}) (*struct {
			Body struct {
				Notices []NoticeBody `json:"notices"`
			}
		}, error) {
			notices, err := a.inside.Messages.Notices(ctx, caller(ctx), in.Limit)
			if err != nil {
				return nil, problemOf(err)
			}
			answer := &struct {
				Body struct {
					Notices []NoticeBody `json:"notices"`
				}
			}{}
			answer.Body.Notices = each(notices, noticeBody)
			return answer, nil
		})
}

func (a *API) sendMessage(ctx context.Context, body NewMessageBody) (*messageAnswer, error) {
	message := NewMessage{ShiftID: body.ShiftID.id(), Site: body.Site, Text: eventschema.Clear(body.Text), SentAt: a.now(), To: each(body.To, ID.id)}
	chosen := 0
	for _, is := range []bool{len(body.To) > 0, body.ShiftID != "", body.Site != ""} {
		if is {
			chosen++
		}
	}
	if chosen != 1 {
		return nil, invalid("/to", "exactly_one", "one of to, shift_id and site")
	}
	sent, err := a.inside.Messages.SendMessage(ctx, intent(ctx), message)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &messageAnswer{Ack: ack(sent.Receipt), Status: created(sent.Receipt)}
	answer.Body.MessageID, answer.Body.Recipients, answer.Body.Position = sent.MessageID.String(), sent.Recipients, sent.Position
	return answer, nil
}

func (a *API) listMessages(ctx context.Context, paging Paging, box string, unread bool) (*inboxAnswer, error) {
	by := caller(ctx)
	filter := []string{"box", box}
	if unread {
		filter = append(filter, "unread", "true")
	}
	asks := question{tenant: by.Tenant, operation: "list-messages " + by.ID.String(), filter: filter}
	before, problem := a.cursorPosition(asks, paging)
	if problem != nil {
		return nil, problem
	}
	rows, err := a.inside.Messages.MessagesOf(ctx, by, Box{Sent: box == "sent", Unread: unread, Before: before, Limit: paging.Size + 1})
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &inboxAnswer{}
	answer.Body.Messages = each(rows[:min(len(rows), paging.Size)], func(m projections.Message) MessageBody {
		body := messageBody(m)
		if box == "sent" {
			body.Recipients, body.Read = &m.Recipients, &m.Read
		}
		return body
	})
	if len(rows) <= paging.Size {
		return answer, nil
	}
	return answer, a.nextPosition(asks, paging, rows[paging.Size-1].Position, &answer.Link, &answer.Body.NextPageToken, filter...)
}

func (a *API) openMessage(ctx context.Context, id uuid.UUID) (*openedAnswer, error) {
	opened, err := a.inside.Messages.OpenMessage(ctx, intent(ctx), id)
	if err != nil {
		return nil, problemOf(err)
	}
	answer := &openedAnswer{Ack: ack(opened.Receipt)}
	answer.Body.MessageBody, answer.Body.Text, answer.Body.Position = messageBody(opened.Message), personalBody(opened.Text, opened.Release), opened.Receipt.Position
	return answer, nil
}
