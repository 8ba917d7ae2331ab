package eventnode

import (
	"context"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
)

// GetInfo describes one group.
func (n *groupServer) GetInfo(ctx context.Context, req *persistent.GetInfoReq) (*persistent.GetInfoResp, error) {
	o := req.GetOptions()
	if err := n.access.authenticated(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	stream := streamOrAll(o.GetStreamIdentifier(), o.GetAll())
	g, err := n.groups.find(groupID(stream, o.GetGroupName()))
	if err != nil {
		return nil, groupStatus(trailerSetter(ctx), stream, o.GetGroupName(), err)
	}
	info, err := g.describe(ctx)
	if err != nil {
		return nil, statusOf(err)
	}
	return &persistent.GetInfoResp{SubscriptionInfo: info}, nil
}

// List describes all groups, or those of one stream.
func (n *groupServer) List(ctx context.Context, req *persistent.ListReq) (*persistent.ListResp, error) {
	if err := n.access.authenticated(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	o := req.GetOptions()
	only := o.GetListForStream()
	if only == nil && o.GetListAllSubscriptions() == nil {
		return nil, invalid("list names neither a stream nor all")
	}
	stream := streamOrAll(only.GetStream(), only.GetAll())
	resp := &persistent.ListResp{}
	for _, g := range n.groups.list() {
		if only != nil && g.set.Stream != stream {
			continue
		}
		info, err := g.describe(ctx)
		if err != nil {
			return nil, statusOf(err)
		}
		resp.Subscriptions = append(resp.Subscriptions, info)
	}
	if only != nil && len(resp.Subscriptions) == 0 {
		return nil, groupStatus(trailerSetter(ctx), stream, "", errGroupMissing)
	}
	return resp, nil
}

func (g *group) describe(ctx context.Context) (*persistent.SubscriptionInfo, error) {
	parked, err := g.parked(ctx, g.set)
	if err != nil {
		return nil, err
	}
	s := g.set
	info := &persistent.SubscriptionInfo{
		EventSource: s.Stream, GroupName: s.Group, Status: "NotReady", StartFrom: s.startFrom(),
		ResolveLinkTos: s.ResolveLinks, ExtraStatistics: s.ExtraStatistics,
		MaxRetryCount: s.MaxRetries, MaxSubscriberCount: s.MaxConsumers, NamedConsumerStrategy: s.Strategy,
		LiveBufferSize: s.LiveBuffer, BufferSize: s.HistoryBuffer, ReadBatchSize: s.ReadBatch,
		MinCheckPointCount: s.MinCheckpoint, MaxCheckPointCount: s.MaxCheckpoint,
		MessageTimeoutMilliseconds:  wireMillis(s.MessageTimeout),
		CheckPointAfterMilliseconds: wireMillis(s.CheckpointAfter),
		ParkedMessageCount:          parked.end - parked.first,
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.core == nil || g.over != nil {
		return info, nil
	}
	info.Status = "Behind"
	if g.live {
		info.Status = "Live"
	}
	// Messages in replay are parked on the disk only.
	info.ParkedMessageCount = max(0, parked.end-max(parked.first, g.core.replayed))
	g.core.describe(s, info)
	return info, nil
}

// wireMillis: more than the field holds is shown as the most it holds.
func wireMillis(d time.Duration) int32 { return int32(min(d/time.Millisecond, math.MaxInt32)) }

func (g *groupCore) describe(s *groupSettings, info *persistent.SubscriptionInfo) {
	if g.saved >= s.First {
		info.LastCheckpointedEventPosition = s.showPlace(g.saved)
	}
	if g.last >= 0 {
		info.LastKnownEventPosition = s.showPlace(g.last)
	}
	info.TotalItems, info.AveragePerSecond, info.CountSinceLastMeasurement = g.total, int32(g.rate.perSecond), g.rate.since
	info.ReadBufferCount = int32(len(g.fresh))
	info.RetryBufferCount = int32(len(g.retries))
	info.OutstandingMessagesCount = int32(g.outstanding())
	info.TotalInFlightMessages = info.OutstandingMessagesCount
	for _, c := range g.consumers {
		info.Connections = append(info.Connections, &persistent.SubscriptionInfo_ConnectionInfo{
			From: c.from, Username: c.user, ConnectionName: c.name,
			TotalItems: c.total, AverageItemsPerSecond: int32(c.rate.perSecond), CountSinceLastMeasurement: c.rate.since,
			AvailableSlots: int32(c.slots - c.holding), InFlightMessages: int32(c.holding),
		})
	}
}
