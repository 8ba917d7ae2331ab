package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"tracekeep/adapters/eventnode"
)

const (
	benchStreams = 2000
	benchType    = "punch-recorded.v3"
	// benchStep is how far apart the positions of loaded events are: about what
	// an event takes in the log.
	benchStep = 512
)

// benchStream is a stream as punches have them: a category, a tenant, an id.
func benchStream(i int) string {
	return fmt.Sprintf("punches-0123456789abcdef0123456789abcdef.%032x.2026", uint64(i)*0x9E3779B97F4A7C15) //nolint:gosec // not negative
}

// benchData is about 400 bytes that cannot be compressed much, like a sealed punch.
func benchData(random *rand.Rand) []byte {
	sealed := make([]byte, 270)
	for i := range sealed {
		sealed[i] = byte(random.Uint32())
	}
	return []byte(`{"occurred_at":"2026-03-02T08:00:00Z","sealed":"` + base64.StdEncoding.EncodeToString(sealed) + `"}`)
}

// benchRecords are events as another store would have recorded them, one after
// the other to all streams in turn, the same for the same numbers.
func benchRecords(events, streamCount int) iter.Seq[eventnode.ImportRecord] {
	return func(yield func(eventnode.ImportRecord) bool) {
		random := rand.New(rand.NewPCG(uint64(events), uint64(streamCount))) //nolint:gosec // repeatable on purpose
		names := make([]string, streamCount)
		for i := range names {
			names[i] = benchStream(i)
		}
		bodies := make([][]byte, 1000)
		for i := range bodies {
			bodies[i] = benchData(random)
		}
		for i := range events {
			r := eventnode.ImportRecord{
				Position: int64(i+1) * benchStep, Stream: names[i%streamCount], Revision: int64(i / streamCount), Type: benchType, JSON: true,
				Ticks: int64(i), Data: bodies[random.IntN(len(bodies))],
			}
			for j := range r.ID {
				r.ID[j] = byte(random.Uint32())
			}
			if !yield(r) {
				return
			}
		}
	}
}

// load fills a new folder, which its caller removes.
func (b *bench) load(events, streamCount int) (dir string, took time.Duration, err error) {
	if dir, err = os.MkdirTemp("", "tracekeep-bench-"); err != nil {
		return "", 0, err
	}
	began := b.t.clock()
	if err := eventnode.Import(b.nodeConfig(dir), benchRecords(events, streamCount)); err != nil {
		return "", 0, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, b.t.clock().Sub(began), nil
}

func (b *bench) nodeConfig(dir string) eventnode.Config {
	return eventnode.Config{Dir: dir, Listen: "127.0.0.1:0", Clock: b.t.clock}
}

// node is an open node with an official client.
type node struct {
	*eventnode.Node
	client *esdb.Client
}

func openBenchNode(cfg eventnode.Config) (*node, error) {
	opened, err := eventnode.Open(cfg)
	if err != nil {
		return nil, err
	}
	client, err := officialClient(opened.ConnectionString())
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &node{opened, client}, nil
}

func (n *node) close() error { return errors.Join(n.client.Close(), n.Close()) }

func officialClient(connection string) (*esdb.Client, error) {
	cfg, err := esdb.ParseConnectionString(connection)
	if err != nil {
		return nil, err
	}
	cfg.Logger = esdb.NoopLogging()
	return esdb.NewClient(cfg)
}

// withNode runs a measurement on a node of its own, on an empty folder.
func (b *bench) withNode(noSync bool, do func(*node) error) (err error) {
	dir, err := os.MkdirTemp("", "tracekeep-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	cfg := b.nodeConfig(dir)
	cfg.NoSync = noSync
	n, err := openBenchNode(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	return do(n)
}

// appender gives each worker a stream of its own, to which it appends one event
// at a time, expecting the revision it got last.
func appender(c *esdb.Client, workers int) func(context.Context, int, int) error {
	tenant := uuid.New()
	data := benchData(rand.New(rand.NewPCG(1, 2))) //nolint:gosec // repeatable on purpose
	last := make([]uint64, workers)
	return func(ctx context.Context, w, turn int) error {
		o := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}
		if turn > 0 {
			o.ExpectedRevision = esdb.Revision(last[w])
		}
		e := esdb.EventData{EventID: uuid.New(), EventType: benchType, ContentType: esdb.ContentTypeJson, Data: data}
		written, err := c.AppendToStream(ctx, fmt.Sprintf("punches-%x.%032x", tenant[:], w), o, e)
		if err == nil {
			last[w] = written.NextExpectedVersion
		}
		return err
	}
}
