package eventnode

import (
	"context"
	"errors"
	"io"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// maxSlots bounds how many messages one consumer may hold, whatever it asks for.
const maxSlots = 10_000

// groupReader serves one consumer of a group: it sends from here and receives
// in a goroutine of its own.
type groupReader struct {
	*groupServer
	call      persistent.PersistentSubscriptions_ReadServer
	ctx       context.Context
	group     *group
	consumer  *consumer
	stringIDs bool
}

// Read delivers messages of a group to one consumer until either side ends it.
func (n *groupServer) Read(call persistent.PersistentSubscriptions_ReadServer) error {
	first, err := call.Recv()
	if err != nil {
		return invalid("read without options")
	}
	o := first.GetOptions()
	if o == nil {
		return invalid("the first message of a read must be its options")
	}
	if o.GetBufferSize() < 1 {
		return invalid("buffer size must be greater than 0")
	}
	stream := streamOrAll(o.GetStreamIdentifier(), o.GetAll())
	r := &groupReader{groupServer: n, call: call, ctx: call.Context(), consumer: newConsumer(int(min(o.GetBufferSize(), maxSlots)))}
	_, r.stringIDs = o.GetUuidOption().GetContent().(*persistent.ReadReq_Options_UUIDOption_String_)
	r.consumer.name, r.consumer.from = whoCalls(r.ctx)
	r.consumer.user = callerOf(r.ctx).name
	if err := n.access.stream(r.ctx, rightRead, stream); err != nil {
		return statusFor(call.SetTrailer, err)
	}
	end, err := n.groups.streams.followers.beginSending(call.Context())
	if err != nil {
		return err
	}
	defer end()
	if r.group, err = n.groups.find(groupID(stream, o.GetGroupName())); err != nil {
		return groupStatus(call.SetTrailer, stream, o.GetGroupName(), err)
	}
	switch err := r.group.join(r.consumer); {
	case errors.Is(err, errGroupFull):
		return groupStatus(call.SetTrailer, stream, o.GetGroupName(), err)
	case err != nil:
		return r.group.whyOver(call.SetTrailer)
	}
	defer r.group.leave(r.consumer)
	if err := call.Send(&persistent.ReadResp{Content: &persistent.ReadResp_SubscriptionConfirmation_{
		SubscriptionConfirmation: &persistent.ReadResp_SubscriptionConfirmation{SubscriptionId: r.group.set.id()},
	}}); err != nil {
		return err
	}
	return r.serve()
}

func whoCalls(ctx context.Context) (name, from string) {
	name, from = "<unknown>", "<unknown>"
	if md, ok := metadata.FromIncomingContext(ctx); ok {
		if v := md.Get("connection-name"); len(v) > 0 {
			name = v[0]
		}
	}
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		from = p.Addr.String()
	}
	return name, from
}

func (r *groupReader) serve() error {
	received := make(chan error, 1)
	r.receivers.Go(func() { received <- r.receive() })
	var rights chan struct{} // the metadata of the stream may have changed
	if r.access != nil {
		w := r.groups.store.mark.watch(r.group.set.Stream)
		defer r.groups.store.mark.unwatch(w)
		rights = w.signal
	}
	for {
		select {
		case <-rights:
			if err := r.access.stream(r.ctx, rightRead, r.group.set.Stream); err != nil {
				return statusFor(r.call.SetTrailer, err)
			}
		case err := <-received:
			if err != nil {
				return statusOf(err)
			}
			return nil
		case <-r.stopping:
			return statusOf(ErrClosed)
		case <-r.group.ended:
			return r.group.whyOver(r.call.SetTrailer)
		case <-r.ctx.Done():
			return statusOf(r.ctx.Err())
		case <-r.consumer.signal:
			if err := r.send(); err != nil {
				return statusFor(r.call.SetTrailer, err)
			}
		}
	}
}

// send empties the outbox, or leaves off when the call must end.
func (r *groupReader) send() error {
	for {
		select {
		case <-r.stopping:
			return nil
		default:
		}
		m, ok := r.group.take(r.consumer)
		if !ok {
			return nil
		}
		target, link, err := r.group.load(r.ctx, m.origin, m.replayed)
		if errors.Is(err, errScavenged) { // nobody can see it any more
			r.group.ack(r.consumer, []uuid.UUID{m.id})
			continue
		}
		if err != nil {
			return err
		}
		if err := r.access.stream(r.ctx, rightRead, r.group.set.Stream); err != nil {
			return err
		}
		r.groups.streams.metrics.sent(readGroup, 1)
		e := &wireEvent{event: target, link: link, stringIDs: r.stringIDs, toGroups: true, retries: int32(m.retries)}
		if err := r.call.SendMsg(e); err != nil {
			return err
		}
	}
}

// receive passes on acks and nacks until the client has no more to say, which
// ends the call: a consumer that cannot acknowledge is of no use.
func (r *groupReader) receive() error {
	for {
		m, err := r.call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch c := m.GetContent().(type) {
		case *persistent.ReadReq_Ack_:
			ids, err := parseIDs(c.Ack.GetIds())
			if err != nil {
				return err
			}
			r.group.ack(r.consumer, ids)
		case *persistent.ReadReq_Nack_:
			ids, err := parseIDs(c.Nack.GetIds())
			if err != nil {
				return err
			}
			r.group.nack(r.consumer, ids, parseNack(c.Nack.GetAction()), c.Nack.GetReason())
		default:
			return invalid("options may be sent only once")
		}
	}
}

func parseIDs(wire []*shared.UUID) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(wire))
	for i, w := range wire {
		var err error
		if ids[i], err = parseUUID(w); err != nil {
			return nil, invalid("id of a message: %v", err)
		}
	}
	return ids, nil
}

// parseNack: a real node never did more for Stop than for Skip.
func parseNack(a persistent.ReadReq_Nack_Action) nackAction {
	switch a {
	case persistent.ReadReq_Nack_Park:
		return nackPark
	case persistent.ReadReq_Nack_Skip, persistent.ReadReq_Nack_Stop:
		return nackSkip
	default:
		return nackRetry
	}
}
