package eventstoredb

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"

	"tracekeep/domain"
	"tracekeep/eventschema"
)

// Metadata of a message that says how its event is stored. The first two are
// read when publishing; all are set when an event is delivered as one message.
const (
	MetadataEventType   = "event_type"   // default: DefaultEventType
	MetadataContentType = "content_type" // application/json, or anything else for bytes
	MetadataStream      = "stream"
	MetadataRevision    = "revision"
	MetadataPosition    = "position"
	MetadataRecordedAt  = "recorded_at" // RFC 3339, UTC, steps of 100 ns
)

// DefaultEventType is the type of a message that names none.
const DefaultEventType = "message"

// ErrMessageID refuses to publish a message whose uuid is not one.
var ErrMessageID = errors.New("message id is not a uuid")

// One append of a publisher stays well below the store's limit of 1 MiB.
const (
	publishEvents = 500
	publishBytes  = 512 << 10
)

// Publisher is watermill's publisher: a message becomes an event of the stream
// named by the topic, with the message's uuid as its id. It is safe for
// concurrent use.
type Publisher struct {
	client *Client
	closed atomic.Bool
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher makes a publisher on a client, which must outlive it.
func NewPublisher(client *Client) *Publisher { return &Publisher{client: client} }

// Publish implements [message.Publisher]. It returns when the messages are
// stored. Messages go to the stream in their order, in as few appends as fit,
// each under the context of its first message. A message published again soon
// is not stored twice; after a restart of the store that is best effort, as the
// store does not remember ids for ever. Errors are those of [Store.Append]
// without a conflict, and [ErrMessageID].
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	if p.closed.Load() {
		return fmt.Errorf("publish to %s: %w", topic, errClosed)
	}
	events := make([]esdb.EventData, len(messages))
	for i, msg := range messages {
		var err error
		if events[i], err = eventOf(msg); err != nil {
			return fmt.Errorf("publish to %s: %w", topic, err)
		}
	}
	for len(messages) > 0 {
		n := fitting(events)
		if err := p.append(topic, messages[:n], events[:n]); err != nil {
			return fmt.Errorf("publish to %s: %w", topic, err)
		}
		messages, events = messages[n:], events[n:]
	}
	return nil
}

// append stores events whatever the stream's revision. The store takes a group
// of which it knows only some for a conflict; then they go one by one.
func (p *Publisher) append(topic string, messages []*message.Message, events []esdb.EventData) error {
	_, err := p.client.append(messages[0].Context(), topic, esdb.Any{}, events)
	if !errors.Is(err, domain.ErrConflict) || len(events) == 1 {
		return err
	}
	for i := range events {
		if _, err := p.client.append(messages[i].Context(), topic, esdb.Any{}, events[i:i+1]); err != nil {
			return err
		}
	}
	return nil
}

// Close implements [message.Publisher]. There is nothing to flush.
func (p *Publisher) Close() error {
	p.closed.Store(true)
	return nil
}

// fitting is how many events go into the next append, at least one.
func fitting(events []esdb.EventData) int {
	bytes := 0
	for n, e := range events {
		bytes += len(e.Data) + len(e.Metadata) + 2*len(e.EventType)
		if n > 0 && (n == publishEvents || bytes > publishBytes) {
			return n
		}
	}
	return len(events)
}

func eventOf(msg *message.Message) (esdb.EventData, error) {
	id, err := uuid.Parse(msg.UUID)
	if err != nil || id == uuid.Nil {
		return esdb.EventData{}, ErrMessageID
	}
	event := esdb.EventData{EventID: id, EventType: DefaultEventType, Data: msg.Payload}
	own := make(map[string]string, len(msg.Metadata))
	for key, value := range msg.Metadata {
		switch key {
		case MetadataEventType:
			event.EventType = value
		case MetadataContentType:
			if value == eventschema.ContentTypeJSON {
				event.ContentType = esdb.ContentTypeJson
			}
		case MetadataStream, MetadataRevision, MetadataPosition, MetadataRecordedAt:
		default:
			own[key] = value
		}
	}
	if event.Metadata, err = json.Marshal(own); err != nil {
		return esdb.EventData{}, fmt.Errorf("write metadata: %w", err)
	}
	return event, nil
}

// readMetadata is the inverse for a delivered event. Of metadata written by
// others it takes the texts; the whole of it is in the page of the message.
func readMetadata(metadata message.Metadata, e eventschema.Recorded) {
	var stored map[string]any
	if json.Unmarshal(e.Metadata, &stored) == nil {
		for key, value := range stored {
			if text, ok := value.(string); ok {
				metadata.Set(key, text)
			}
		}
	}
	metadata.Set(MetadataEventType, e.Type)
	metadata.Set(MetadataContentType, e.ContentType)
	metadata.Set(MetadataStream, e.Stream)
	metadata.Set(MetadataRevision, strconv.FormatUint(e.Revision, 10))
	metadata.Set(MetadataPosition, strconv.FormatUint(e.Position, 10))
	metadata.Set(MetadataRecordedAt, e.Created.Format(time.RFC3339Nano))
}
