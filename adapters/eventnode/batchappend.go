package eventnode

import (
	"context"
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// batchInFlight bounds the appends of one call that are not answered yet.
	batchInFlight = 1024
	// batchOpen bounds how many appends one call may begin without ending them
	// with is_final, and unfinishedBytes how much of all calls.
	batchOpen = 4096
)

// BatchAppend serves many appends over one call. An append that fails is
// answered as such and does not end the call. When the node stops, what it has
// taken is written and answered before the call ends.
func (n *streamServer) BatchAppend(call streams.Streams_BatchAppendServer) error {
	end, err := n.followers.begin()
	if err != nil {
		return err
	}
	defer end()
	b := &batchCall{
		streamServer: n, ctx: call.Context(), call: call, open: map[uuid.UUID]*openAppend{},
		slots: make(chan struct{}, batchInFlight), answers: make(chan *streams.BatchAppendResp, batchInFlight),
	}
	received := make(chan error, 1)
	n.receivers.Go(func() { received <- b.receive() })
	return statusOf(b.answerAll(received))
}

// answerAll sends answers until the client has no more to ask, and none is owed.
func (b *batchCall) answerAll(received <-chan error) (err error) {
	stopping := b.stopping
	for ended := false; !ended || len(b.slots) > 0; {
		select {
		case a := <-b.answers:
			if err := b.call.Send(a); err != nil {
				return err
			}
			<-b.slots
		case failed := <-received:
			if failed != nil && !errors.Is(failed, ErrClosed) {
				return failed
			}
			err, ended, received = errors.Join(err, failed), true, nil
		case <-stopping:
			err, ended, stopping = ErrClosed, true, nil
		case <-b.sequencer.done:
			return ErrClosed
		case <-b.ctx.Done():
			return b.ctx.Err()
		}
	}
	return err
}

// batchCall is one call of BatchAppend.
type batchCall struct {
	*streamServer
	ctx  context.Context
	call streams.Streams_BatchAppendServer
	open map[uuid.UUID]*openAppend
	size int // bytes of the open appends
	// slots has one entry for every answer owed. There is room in answers for
	// all of them, so that the sequencer never waits for a slow client.
	slots   chan struct{}
	answers chan *streams.BatchAppendResp
}

// openAppend is an append whose last chunk has not come.
type openAppend struct {
	correlation *shared.UUID
	stream      *shared.StreamIdentifier
	write       *writeRequest
	refused     bool // answered already; what still comes is thrown away
	counted     int  // bytes of it among the unfinished
}

func (b *batchCall) receive() error {
	defer func() { b.unfinished.Add(-int64(b.size)) }()
	for {
		select {
		case <-b.stopping:
			return ErrClosed
		default:
		}
		m, err := b.call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.take(m); err != nil {
			return err
		}
	}
}

// take handles one chunk. An error ends the whole call.
func (b *batchCall) take(m *streams.BatchAppendReq) error {
	key, err := parseUUID(m.GetCorrelationId())
	if err != nil {
		return invalid("correlation id: %v", err)
	}
	a := b.open[key]
	if a == nil {
		a = &openAppend{correlation: m.GetCorrelationId(), stream: m.GetOptions().GetStreamIdentifier()}
		b.open[key] = a
		if err := b.begin(a, m.GetOptions()); err != nil {
			if err := b.refuse(a, err); err != nil {
				return err
			}
		}
	}
	if !a.refused {
		if err := b.addEvents(a, m.GetProposedMessages()); err != nil {
			if err := b.refuse(a, err); err != nil {
				return err
			}
		}
	}
	if m.GetIsFinal() {
		delete(b.open, key)
		b.count(a, 0)
		if a.refused {
			return nil
		}
		return b.submit(a)
	}
	b.count(a, a.writeSize())
	if len(b.open) > batchOpen || b.unfinished.Load() > unfinishedBytes {
		b.metrics.turnedAway(refusedUnfinished)
		return status.Error(codes.ResourceExhausted, "too many appends were begun and not ended")
	}
	return nil
}

// count notes how many bytes an append holds while it is not ended.
func (b *batchCall) count(a *openAppend, size int) {
	if size == a.counted {
		return
	}
	b.size += size - a.counted
	b.unfinished.Add(int64(size - a.counted))
	a.counted = size
}

func (a *openAppend) writeSize() int {
	if a.write == nil {
		return 0
	}
	return a.write.size
}

func (b *batchCall) begin(a *openAppend, o *streams.BatchAppendReq_Options) error {
	if o == nil {
		return invalid("the first request of an append must have options")
	}
	r := &writeRequest{call: callBatchAppend, stream: string(o.GetStreamIdentifier().GetStreamName())}
	noTrailer := func(metadata.MD) {} // an answer has no trailers
	if err := writable(noTrailer, r.stream); err != nil {
		return err
	}
	if err := b.access.stream(b.ctx, rightWrite, r.stream); err != nil {
		return statusFor(noTrailer, err)
	}
	switch e := o.GetExpectedStreamPosition().(type) {
	case *streams.BatchAppendReq_Options_StreamPosition:
		var err error
		if r.expected, err = exactly(e.StreamPosition); err != nil {
			return err
		}
	case *streams.BatchAppendReq_Options_NoStream:
		r.expected = expectNoStream
	case *streams.BatchAppendReq_Options_Any:
		r.expected = expectAny
	case *streams.BatchAppendReq_Options_StreamExists:
		r.expected = expectStreamExists
	default:
		return invalid("append without expected position")
	}
	switch d := o.GetDeadlineOption().(type) {
	case *streams.BatchAppendReq_Options_Deadline:
		r.deadline = b.clock().Add(d.Deadline.AsDuration())
	case *streams.BatchAppendReq_Options_Deadline_21_10_0:
		r.deadline = d.Deadline_21_10_0.AsTime()
	}
	a.write = r
	return nil
}

func (b *batchCall) addEvents(a *openAppend, messages []*streams.BatchAppendReq_ProposedMessage) error {
	if a.write.events == nil {
		a.write.events = make([]proposed, 0, len(messages))
	}
	for _, m := range messages {
		if err := b.receiveEvent(a.write, m); err != nil {
			return err
		}
	}
	return nil
}

// owe takes a slot for an answer; it blocks while too many are unanswered,
// which is what slows a client down that sends faster than the disk writes.
func (b *batchCall) owe() error {
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

func (b *batchCall) submit(a *openAppend) error {
	if err := b.owe(); err != nil {
		return err
	}
	a.write.done = func(o outcome) { b.answers <- a.answer(o) }
	err := b.sequencer.submit(b.ctx, a.write)
	switch {
	case errors.Is(err, errBusy), errors.Is(err, ErrClosed):
		b.answers <- a.answer(outcome{err: err})
		return nil
	case err != nil:
		<-b.slots
	}
	return err
}

// refuse answers an append that never reaches the sequencer and lets go of
// what it has sent.
func (b *batchCall) refuse(a *openAppend, reason error) error {
	if errors.Is(reason, errTooBig) {
		b.metrics.turnedAway(refusedTooBig)
	} else {
		b.metrics.turnedAway(refusedBadAppend)
	}
	a.refused, a.write = true, nil
	if err := b.owe(); err != nil {
		return err
	}
	b.answers <- a.failed(b.refusal(reason))
	return nil
}
