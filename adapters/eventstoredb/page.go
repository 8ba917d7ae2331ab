package eventstoredb

import (
	"context"
	"encoding/json"

	"github.com/ThreeDotsLabs/watermill/message"

	"tracekeep/eventschema"
)

// Page is a run of events in the order of the log (or of the stream subscribed
// to). It is shared with nobody; the consumer may keep it.
type Page struct {
	Events []eventschema.Recorded
	// First and Last are the positions of the first and the last event
	// considered. With ExcludeSystem the events at them may be left out.
	First, Last uint64
	// CaughtUp says that the page ends where the log ended when it was made.
	CaughtUp bool
}

type pageKey struct{}

// PageFromContext takes the page out of the context of a message that a
// [Subscriber] in page mode delivered.
func PageFromContext(ctx context.Context) (Page, bool) {
	page, ok := ctx.Value(pageKey{}).(Page)
	return page, ok
}

// pagePayload is what a page looks like to watermill's middleware and logs.
type pagePayload struct {
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Events   int    `json:"events"`
	CaughtUp bool   `json:"caught_up"`
}

// pageMessage carries a page without writing its events out. Its uuid is the id
// of the page's first event.
func pageMessage(ctx context.Context, page Page) *message.Message {
	payload, _ := json.Marshal(pagePayload{First: page.First, Last: page.Last, Events: len(page.Events), CaughtUp: page.CaughtUp}) // numbers always marshal
	id := ""
	if len(page.Events) > 0 {
		id = page.Events[0].ID.String()
	}
	return message.NewMessageWithContext(context.WithValue(ctx, pageKey{}, page), id, payload)
}
