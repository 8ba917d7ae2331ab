package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/anishathalye/porcupine"
	"github.com/google/uuid"
)

const (
	linearClients = 16
	linearStreams = 50
	linearRound   = 50_000
)

// asked is an operation on a stream: an append of one event, or a read of the
// last one.
type asked struct {
	stream   int
	read     bool
	expected expectation
	id       uuid.UUID
}

// answered is what the client was told. rev is -1 for a stream that is not
// there.
type answered struct {
	refused bool
	rev     int64
	id      uuid.UUID
}

// lastEvent is all that the rules look at.
type lastEvent struct {
	rev int64
	id  uuid.UUID
}

// streamRules is a stream in the terms of the protocol, as one that answers one
// request after the other.
var streamRules = porcupine.Model{
	Init: func() any { return lastEvent{rev: -1} },
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, linearStreams)
		for _, op := range history {
			i := op.Input.(asked).stream
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Step: func(state, input, output any) (bool, any) {
		last, in, out := state.(lastEvent), input.(asked), output.(answered)
		switch {
		case in.read:
			return out.rev == last.rev && out.id == last.id, last
		case out.refused:
			return in.expected != expectAny && int64(in.expected) != last.rev, last
		case in.expected != expectAny && int64(in.expected) != last.rev:
			return false, last
		}
		return out.rev == last.rev+1, lastEvent{out.rev, in.id}
	},
}

// To every client each append and each read seems to happen at one moment
// between its request and its answer, and what was acknowledged is there once.
func TestAppendsAndReadsAreLinearizable(t *testing.T) {
	operations := times(640, linearRound, 2_000_000)
	for round := 0; operations > 0; round++ {
		linearizable(t, uint64(round), min(operations, linearRound))
		operations -= linearRound
	}
}

func linearizable(t *testing.T, round uint64, operations int) {
	n := start(t)
	var mu sync.Mutex
	var history []porcupine.Operation
	expect := newLedger()
	began := time.Now()
	var clients sync.WaitGroup
	for client := range linearClients {
		c := connect(t, n)
		clients.Go(func() {
			r := rand.New(rand.NewPCG(round, uint64(client)))
			seen := map[int]int64{} // what the client believes of the streams
			var own []porcupine.Operation
			for range operations / linearClients {
				op := porcupine.Operation{ClientId: client, Input: chooseOperation(r, seen), Call: int64(time.Since(began))}
				out, err := perform(t.Context(), c, op.Input.(asked), expect)
				if err != nil {
					t.Error(err)
					return
				}
				op.Output, op.Return = out, int64(time.Since(began))
				seen[op.Input.(asked).stream] = out.rev
				own = append(own, op)
			}
			mu.Lock()
			defer mu.Unlock()
			history = append(history, own...)
		})
	}
	clients.Wait()
	if result := porcupine.CheckOperationsTimeout(streamRules, history, time.Minute); result != porcupine.Ok {
		t.Errorf("round %d: %d operations are %s", round, len(history), result)
	}
	if len(history) != operations/linearClients*linearClients {
		t.Errorf("%d operations of %d", len(history), operations)
	}
	n.store.last = n.store.mark.position()
	log, err := wholeLog(n.store)
	if err = errors.Join(err, expect.check(slices.Clone(log))); err != nil {
		t.Error(err)
	}
}

// chooseOperation lets half of the appends expect what the client saw last, which
// another may have changed.
func chooseOperation(r *rand.Rand, seen map[int]int64) asked {
	a := asked{stream: r.IntN(linearStreams), id: uuid.New(), expected: expectAny}
	switch rev, known := seen[a.stream]; {
	case r.IntN(3) == 0:
		a.read = true
	case r.IntN(2) == 0:
	case known:
		a.expected = expectation(rev)
	default:
		a.expected = expectNoStream
	}
	return a
}

func perform(ctx context.Context, c *esdb.Client, a asked, expect *ledger) (answered, error) {
	stream := fmt.Sprint("linear-", a.stream)
	if a.read {
		return readLast(ctx, c, stream)
	}
	e := esdb.EventData{EventID: a.id, EventType: "t", ContentType: esdb.ContentTypeJson, Data: []byte("{}")}
	w, err := c.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{ExpectedRevision: a.expected.option()}, e)
	switch {
	case codeOf(err) == esdb.ErrorCodeWrongExpectedVersion:
		last, err := readLast(ctx, c, stream) // so that the next try may succeed
		return answered{refused: true, rev: last.rev}, err
	case err != nil:
		return answered{}, err
	}
	expect.mu.Lock()
	expect.acked[a.id] = int64(w.CommitPosition)
	expect.mu.Unlock()
	return answered{rev: int64(w.NextExpectedVersion), id: a.id}, nil
}

func readLast(ctx context.Context, c *esdb.Client, stream string) (answered, error) {
	s, err := c.ReadStream(ctx, stream, esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, 1)
	if err != nil {
		return answered{}, err
	}
	defer s.Close()
	e, err := s.Recv()
	switch {
	case codeOf(err) == esdb.ErrorCodeResourceNotFound || errors.Is(err, io.EOF):
		return answered{rev: -1}, nil
	case err != nil:
		return answered{}, err
	}
	return answered{rev: int64(e.Event.EventNumber), id: e.Event.EventID}, nil
}
