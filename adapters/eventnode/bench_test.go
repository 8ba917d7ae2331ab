package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"
)

// payload is about the size of a sealed punch.
func payload() []byte {
	b := []byte(`{"sealed":"`)
	for i := range 380 {
		b = append(b, 'a'+byte((i*7)%26))
	}
	return append(b, `"}`...)
}

func BenchmarkAppend(b *testing.B) {
	for _, unsafe := range []bool{false, true} {
		for _, writers := range []int{1, 16, 64} {
			name := fmt.Sprintf("sync/writers=%d", writers)
			if unsafe {
				name = fmt.Sprintf("nosync/writers=%d", writers)
			}
			b.Run(name, func(b *testing.B) {
				c := connect(b, start(b, func(cfg *Config) { cfg.NoSync = unsafe }))
				appendConcurrently(b, c, writers)
			})
		}
	}
}

func appendConcurrently(b *testing.B, c *esdb.Client, writers int) {
	data := payload()
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := uint64(0); left.Add(-1) >= 0; i++ {
				o := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
				if i > 0 {
					o.ExpectedRevision = esdb.Revision(i - 1)
				}
				e := esdb.EventData{EventID: uuid.New(), EventType: "punch-recorded.v2", ContentType: esdb.ContentTypeJson, Data: data}
				if _, err := c.AppendToStream(context.Background(), fmt.Sprintf("punches-%032d", w), o, e); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

func BenchmarkBatchAppend(b *testing.B) {
	for _, unsafe := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync=%v", !unsafe), func(b *testing.B) {
			n := start(b, func(cfg *Config) { cfg.NoSync = unsafe })
			b.ReportAllocs()
			b.ResetTimer()
			batchAppend(b, n, b.N, 2000)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
		})
	}
}

// batchAppend appends one event at a time over one call, 256 in flight.
func batchAppend(t testing.TB, n *Node, events, streamCount int) {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	call, err := streams.NewStreamsClient(conn).BatchAppend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slots := make(chan struct{}, 256)
	sent := make(chan error, 1)
	go func() {
		for i := range events {
			slots <- struct{}{}
			if err := call.Send(batchRequest(fmt.Sprintf("punches-%032d", i%streamCount))); err != nil {
				sent <- err
				return
			}
		}
		sent <- call.CloseSend()
	}()
	for answered := 0; ; answered++ {
		a, err := call.Recv()
		if errors.Is(err, io.EOF) {
			if answered != events {
				t.Fatalf("%d answers to %d appends", answered, events)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if a.GetError() != nil {
			t.Fatal(a.GetError())
		}
		<-slots
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
}

func batchRequest(stream string) *streams.BatchAppendReq {
	return &streams.BatchAppendReq{
		CorrelationId: wireID(uuid.New()),
		Options: &streams.BatchAppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamPosition: &streams.BatchAppendReq_Options_Any{Any: &emptypb.Empty{}},
		},
		ProposedMessages: []*streams.BatchAppendReq_ProposedMessage{{
			Id: wireID(uuid.New()), Data: payload(),
			Metadata: map[string]string{"type": "punch-recorded.v2", "content-type": "application/json"},
		}},
		IsFinal: true,
	}
}

func wireID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

func BenchmarkReadAll(b *testing.B) {
	n := start(b, func(cfg *Config) { cfg.NoSync = true })
	const events = 200_000
	batchAppend(b, n, events, 2000)
	c := connect(b, n)
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for read := 0; read < b.N; {
			s, err := c.ReadAll(context.Background(), esdb.ReadAllOptions{From: esdb.Start{}}, uint64(b.N-read))
			got := collect(b, s, err)
			read += len(got)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("streams", func(b *testing.B) {
		b.ReportAllocs()
		read := 0
		for i := 0; read < b.N; i++ {
			s, err := c.ReadStream(context.Background(), fmt.Sprintf("punches-%032d", i%2000), esdb.ReadStreamOptions{}, 1000)
			read += len(collect(b, s, err))
		}
		b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "events/s")
	})
}

// BenchmarkMetrics holds a node that counts against one that does not, in turn,
// by the processor time of an append, which other work on the machine does not
// change much.
func BenchmarkMetrics(b *testing.B) {
	const turns = 20
	with := start(b, func(c *Config) { c.NoSync = true })
	without := start(b, func(c *Config) { c.NoSync, c.unmeasured = true, true })
	var spent [2]time.Duration
	each := b.N/turns + 1
	b.ResetTimer()
	for turn := range turns {
		for i := range 2 {
			side := (turn + i) % 2 // who comes first changes
			n := [...]*Node{with, without}[side]
			runtime.GC()
			began := processorTime(b)
			batchAppend(b, n, each, 2000)
			spent[side] += processorTime(b) - began
		}
	}
	perAppend := func(side int) float64 { return float64(spent[side].Nanoseconds()) / float64(each*turns) }
	b.ReportMetric(perAppend(0), "ns/counted")
	b.ReportMetric(perAppend(1), "ns/uncounted")
	b.ReportMetric(perAppend(0)/perAppend(1), "ratio")
}

func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
