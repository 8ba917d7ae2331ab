package eventstoredb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
	"tracekeep/eventschema"
)

// payload is about the size of a sealed punch.
func payload(n int) []eventschema.Proposed {
	events := proposed(n)
	for i := range events {
		events[i].Data = fmt.Appendf(nil, `{"n":%d,"pad":"%0280d"}`, i, i)
		events[i].Metadata = fmt.Appendf(nil, `{"$correlationId":%q,"salt":"%044d"}`, events[i].ID, i)
	}
	return events
}

// BenchmarkAppend: one event an append, every writer on its own streams, each
// with its expected revision. "bare" is the official client alone.
func BenchmarkAppend(b *testing.B) {
	node := startNode(b)
	client := connect(b, node.ConnectionString())
	store := eventstoredb.NewStore(client)
	bulk := storeOf(b, client, true)
	bare := bareClient(b, node.ConnectionString())
	for _, writers := range []int{1, 16, 64, 256} {
		for _, kind := range []struct {
			name  string
			store appender
		}{{"bare", bare}, {"store", store}, {"bulk", bulk}} {
			b.Run(fmt.Sprintf("%s/%d", kind.name, writers), func(b *testing.B) {
				var next atomic.Int64
				b.SetParallelism(max(1, writers/2)) // two processors
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					if next.Add(1) > int64(writers) {
						return
					}
					stream, expected := newStream(), domain.NoStream
					for pb.Next() {
						appended, err := kind.store.Append(context.Background(), stream, expected, payload(1))
						if err != nil {
							b.Error(err)
							return
						}
						expected = domain.Expected(appended.Revision)
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			})
		}
	}
}

// BenchmarkReadAll: the whole log, 200,000 events in 200 streams, in one run:
// the bare client, the store, and pages of a subscription.
func BenchmarkReadAll(b *testing.B) {
	const events = 200_000
	node := startNode(b)
	client := connect(b, node.ConnectionString())
	store := eventstoredb.NewStore(client)
	for range events / 1000 {
		mustAppend(b, store, newStream(), domain.NoStream, payload(1000))
	}
	bare := bareClient(b, node.ConnectionString())
	report := func(b *testing.B, read func() int) {
		for b.Loop() {
			if n := read(); n != events {
				b.Fatalf("%d events", n)
			}
		}
		b.ReportMetric(events*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	}
	b.Run("bare client", func(b *testing.B) { report(b, func() int { return bare.count(b) }) })
	b.Run("bare subscription", func(b *testing.B) { report(b, func() int { return bare.subscribed(b) }) })
	b.Run("store", func(b *testing.B) {
		report(b, func() (n int) {
			for _, err := range store.ReadAll(b.Context(), 0) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			return n
		})
	})
	b.Run("subscriber pages", func(b *testing.B) {
		report(b, func() (n int) {
			subscriber, err := eventstoredb.NewSubscriber(client, eventstoredb.SubscriberConfig{Pages: true})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = subscriber.Close() }()
			messages, err := subscriber.Subscribe(b.Context(), eventstoredb.TopicAll)
			if err != nil {
				b.Fatal(err)
			}
			for n < events {
				msg, page := next(b, messages)
				n += len(page.Events)
				msg.Ack()
			}
			return n
		})
	})
}

// BenchmarkLag: from the answer of an append to the page with it, one at a time.
func BenchmarkLag(b *testing.B) {
	client := connect(b, startNode(b).ConnectionString())
	store := eventstoredb.NewStore(client)
	messages := subscribe(b, client, eventstoredb.TopicAll, eventstoredb.SubscriberConfig{Pages: true})
	stream, expected := newStream(), domain.NoStream
	var lag time.Duration
	for b.Loop() {
		expected = domain.Expected(mustAppend(b, store, stream, expected, payload(1)).Revision)
		start := time.Now()
		msg, _ := next(b, messages)
		lag += time.Since(start)
		msg.Ack()
	}
	b.ReportMetric(float64(lag.Microseconds())/float64(b.N), "µs-lag/op")
}

// appender is the part of a store that is measured.
type appender interface {
	Append(ctx context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error)
}

// bare is the official client without anything of ours.
type bare struct{ db *esdb.Client }

func bareClient(b *testing.B, connection string) bare {
	config, err := esdb.ParseConnectionString(connection)
	if err != nil {
		b.Fatal(err)
	}
	config.Logger = esdb.NoopLogging()
	db, err := esdb.NewClient(config)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	return bare{db}
}

func (c bare) Append(ctx context.Context, stream string, expected domain.Expected, events []eventschema.Proposed) (domain.Appended, error) {
	var revision esdb.ExpectedRevision = esdb.NoStream{}
	if expected >= 0 {
		revision = esdb.Revision(uint64(expected))
	}
	data := make([]esdb.EventData, len(events))
	for i, e := range events {
		data[i] = esdb.EventData{EventID: e.ID, EventType: e.Type, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Metadata}
	}
	written, err := c.db.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: revision}, data...)
	if err != nil {
		return domain.Appended{}, err
	}
	return domain.Appended{Revision: written.NextExpectedVersion, Position: written.CommitPosition}, nil
}

func (c bare) count(b *testing.B) (n int) {
	all, err := c.db.ReadAll(b.Context(), esdb.ReadAllOptions{From: esdb.Start{}, Direction: esdb.Forwards}, 1<<62)
	if err != nil {
		b.Fatal(err)
	}
	defer all.Close()
	for {
		if _, err := all.Recv(); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func (c bare) subscribed(b *testing.B) (n int) {
	all, err := c.db.SubscribeToAll(b.Context(), esdb.SubscribeToAllOptions{From: esdb.Start{}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = all.Close() }()
	for {
		switch e := all.Recv(); {
		case e.CaughtUp != nil:
			return n
		case e.SubscriptionDropped != nil:
			b.Fatal(e.SubscriptionDropped.Error)
		case e.EventAppeared != nil:
			n++
		}
	}
}
