package httpapi_test

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// These are the messages of the company: three came in for whoever asks.

func (c *company) SendMessage(_ context.Context, intent httpapi.Intent, m httpapi.NewMessage) (httpapi.MessageReceipt, error) {
	receipt, err := c.stepped(intent, m)
	return httpapi.MessageReceipt{Receipt: receipt, MessageID: someHold, Recipients: max(len(m.To), 1)}, err
}

func (c *company) MessagesOf(_ context.Context, by httpapi.Principal, box httpapi.Box) ([]projections.Message, error) {
	if by.Tenant != tenant {
		return nil, c.fail
	}
	var page []projections.Message
	for position := uint64(3); position > 0 && len(page) < box.Limit; position-- {
		if box.Before == 0 || position < box.Before {
			page = append(page, projections.Message{MessageID: uuid.UUID{15: byte(position)}, SenderID: strangeWork, Audience: eventschema.AudiencePeople, SentAt: now, Recipients: 2, Read: 1, Position: position})
		}
	}
	return page, c.fail
}

func (c *company) OpenMessage(_ context.Context, intent httpapi.Intent, id uuid.UUID) (httpapi.OpenedMessage, error) {
	text := clearOf(strangeWork, "text", "Come to the gate.")
	receipt, err := c.stepped(intent, id)
	return httpapi.OpenedMessage{
		Message: projections.Message{MessageID: id, SenderID: strangeWork, Audience: eventschema.AudiencePeople, SentAt: now}, Text: text, Release: httpapi.ReleaseOf(text.Of), Receipt: receipt,
	}, err
}

func (c *company) DeleteMessage(_ context.Context, intent httpapi.Intent, id uuid.UUID) (httpapi.Receipt, error) {
	return c.stepped(intent, id)
}

func (c *company) Notices(_ context.Context, _ httpapi.Principal, limit int) ([]projections.Notice, error) {
	all := []projections.Notice{
		{Kind: projections.NoticeOffer, Of: someShift, At: now, Position: 7, Until: &now}, {Kind: projections.NoticeCorrection, Of: someHold, At: now, Position: 5, Outcome: projections.CorrectionApproved},
	}
	return slices.Clip(all[:min(limit, len(all))]), c.fail
}
