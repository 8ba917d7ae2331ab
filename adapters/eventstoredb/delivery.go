package eventstoredb

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"tracekeep/eventschema"
)

// delivery hands the pages of a buffer to the consumer, one message at a time.
type delivery struct {
	config SubscriberConfig
	jitter func() float64
	buffer *buffer
	out    chan *message.Message
}

func (d *delivery) run(ctx context.Context) {
	for {
		page, caughtUp, err := d.buffer.take(ctx)
		if err != nil {
			return
		}
		if !d.page(ctx, page) {
			return
		}
		d.buffer.delivered()
		if caughtUp && d.config.CaughtUp != nil {
			d.config.CaughtUp()
		}
	}
}

// page delivers a page in the mode configured. It answers false when ctx ended.
func (d *delivery) page(ctx context.Context, page Page) bool {
	if len(page.Events) == 0 {
		return true
	}
	if d.config.Pages {
		if !d.message(ctx, func(ctx context.Context) *message.Message { return pageMessage(ctx, page) }) {
			return false
		}
		d.buffer.acknowledged(page.Events[len(page.Events)-1], page.Last)
		return true
	}
	for _, e := range page.Events {
		if !d.message(ctx, func(ctx context.Context) *message.Message { return eventMessage(ctx, e) }) {
			return false
		}
		d.buffer.acknowledged(e, e.Position)
	}
	return true
}

// message delivers one message until it is acknowledged. Each delivery is a new
// message with a context of its own, which ends with the answer.
func (d *delivery) message(ctx context.Context, build func(context.Context) *message.Message) bool {
	pause := &pauses{low: time.Millisecond, high: d.config.NackPause, jitter: d.jitter}
	for {
		acked, ok := d.attempt(ctx, build)
		switch {
		case !ok:
			return false
		case acked:
			return true
		}
		if !pause.wait(ctx) {
			return false
		}
	}
}

func (d *delivery) attempt(ctx context.Context, build func(context.Context) *message.Message) (acked, ok bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	msg := build(ctx)
	select {
	case d.out <- msg:
	case <-ctx.Done():
		return false, false
	}
	select {
	case <-msg.Acked():
		return true, true
	case <-msg.Nacked():
		return false, true
	case <-ctx.Done():
		return false, false
	}
}

// eventMessage carries one event; its page, for who wants the record, has that
// event alone.
func eventMessage(ctx context.Context, e eventschema.Recorded) *message.Message {
	page := Page{Events: []eventschema.Recorded{e}, First: e.Position, Last: e.Position}
	msg := message.NewMessageWithContext(context.WithValue(ctx, pageKey{}, page), e.ID.String(), e.Data)
	readMetadata(msg.Metadata, e)
	return msg
}
