package eventstoredb_test

import (
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"tracekeep/adapters/eventstoredb"
)

// TestWatermillConformance is watermill's own suite. There are no consumer
// groups: every subscriber has a checkpoint of its own.
func TestWatermillConformance(t *testing.T) {
	node := startNode(t)
	client := connect(t, node.ConnectionString())
	tests.TestPubSub(t, tests.Features{
		GuaranteedOrder: true, Persistent: true, NewSubscriberReceivesOldMessages: true, ForceShort: raced,
	}, func(t *testing.T) (message.Publisher, message.Subscriber) {
		subscriber, err := eventstoredb.NewSubscriber(client, eventstoredb.SubscriberConfig{NackPause: 1e6})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = subscriber.Close() })
		return eventstoredb.NewPublisher(client), subscriber
	}, nil)
}
