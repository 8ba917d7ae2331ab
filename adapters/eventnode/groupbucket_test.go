package eventnode

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/google/uuid"
)

// Events of one correlation go to one consumer, whatever their streams, as
// targets of links and when they are replayed; others are pinned by stream.
func TestPinnedByCorrelation(t *testing.T) {
	for name, links := range map[string]bool{"events": false, "links to events": true} {
		t.Run(name, func(t *testing.T) { pinsByCorrelation(t, links) })
	}
}

func pinsByCorrelation(t *testing.T, links bool) {
	n := start(t, quickTicks)
	c := connect(t, n)
	settings := usualSettings()
	settings.ResolveLinks, settings.ConsumerStrategy, settings.Revision = links, pinnedByCorrelation, 0 //nolint:staticcheck // as older clients
	_, err := groupCall(t, n).Create(within(t), &persistent.CreateReq{Options: &persistent.CreateReq_Options{
		StreamIdentifier: streamID("group"), GroupName: "g", Settings: settings}}) //nolint:staticcheck // as older clients
	if err != nil {
		t.Fatal(err)
	}
	const events, correlations = 60, 7
	type delivery struct {
		consumer int
		*esdb.EventAppeared
	}
	got := make(chan delivery, 2*events)
	var consumers []*esdb.PersistentSubscription
	for consumer := range 2 {
		s := consume(t, c, "group", "g", events)
		consumers = append(consumers, s)
		go func() {
			for e := s.Recv(); e.EventAppeared != nil; e = s.Recv() {
				got <- delivery{consumer, e.EventAppeared}
			}
		}()
	}
	for i := range events {
		e := event(fmt.Sprint(i), `{}`)
		e.Metadata = fmt.Appendf(nil, `{"$correlationId":"of %d"}`, i%correlations)
		if !links {
			appendTo(t, c, "group", esdb.AppendToStreamOptions{}, e)
			continue
		}
		appendTo(t, c, fmt.Sprintf("s%d", i), esdb.AppendToStreamOptions{}, e)
		appendTo(t, c, "group", esdb.AppendToStreamOptions{}, esdb.EventData{EventID: uuid.New(), EventType: typeLink, Data: fmt.Appendf(nil, "0@s%d", i)})
	}
	others := []string{"", "{", `{"$correlationId":7}`, `{"other":"x"}`} // no correlation
	for _, meta := range others {
		e := event("-1", `{}`)
		e.Metadata = []byte(meta)
		appendTo(t, c, "group", esdb.AppendToStreamOptions{}, e)
	}
	owner := map[int]int{}
	deliveries := func(count int, park bool) {
		t.Helper()
		for range count {
			select {
			case d := <-got:
				number, _ := strconv.Atoi(d.Event.Event.EventType)
				of := number
				if of >= 0 {
					of %= correlations
				}
				if before, known := owner[of]; known && before != d.consumer {
					t.Errorf("event %d went to consumer %d, others like it to %d", number, d.consumer, before)
				}
				owner[of] = d.consumer
				if park && number == of && number >= 0 {
					_ = consumers[d.consumer].Nack("again", esdb.NackActionPark, d.Event)
				}
			case <-within(t).Done():
				t.Fatal("events are missing")
			}
		}
	}
	deliveries(events+len(others), true)
	if busy := map[int]bool{}; len(owner) == correlations+1 {
		for _, consumer := range owner {
			busy[consumer] = true
		}
		if len(busy) != 2 {
			t.Errorf("one consumer got everything: %v", owner)
		}
	}
	until(t, "the first of each are parked", func() bool { return infoOf(t, c, "group", "g").Stats.ParkedMessagesCount == correlations })
	if err := c.ReplayParkedMessages(within(t), "group", "g", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	deliveries(correlations, false)
}
