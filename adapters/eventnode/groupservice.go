package eventnode

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// groupServer serves the PersistentSubscriptions service.
type groupServer struct {
	persistent.UnimplementedPersistentSubscriptionsServer
	groups    *groups
	access    *access // nil: everybody may do everything
	stopping  <-chan struct{}
	receivers sync.WaitGroup
}

func groupTrailer(exception, stream, group string) metadata.MD {
	return metadata.Pairs(trailerException, exception, trailerStreamName, plain(stream), "group-name", plain(group))
}

// groupStatus turns an error about a group into what clients know it by.
func groupStatus(setTrailer func(metadata.MD), stream, group string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errGroupExists):
		setTrailer(groupTrailer("persistent-subscription-exists", stream, group))
		return status.Errorf(codes.AlreadyExists, "Subscription group %s on stream %s exists.", group, stream)
	case errors.Is(err, errGroupMissing):
		setTrailer(groupTrailer("persistent-subscription-does-not-exist", stream, group))
		return status.Errorf(codes.NotFound, "Subscription group %s on stream %s does not exist.", group, stream)
	case errors.Is(err, errGroupFull):
		setTrailer(groupTrailer("maximum-subscribers-reached", stream, group))
		return status.Errorf(codes.FailedPrecondition, "Maximum subscriptions reached for subscription group %s on stream %s.", group, stream)
	case errors.Is(err, errGroupRefused):
		md := groupTrailer("persistent-subscription-failed", stream, group)
		md.Set("reason", plain(err.Error()))
		setTrailer(md)
		return status.Errorf(codes.Internal, "Subscription group %s on stream %s failed: '%v'", group, stream, err)
	}
	return statusOf(err)
}

// wireSettings is what Create and Update send alike.
type wireSettings interface {
	GetResolveLinks() bool
	GetRevision() uint64
	GetExtraStatistics() bool
	GetMaxRetryCount() int32
	GetMinCheckpointCount() int32
	GetMaxCheckpointCount() int32
	GetMaxSubscriberCount() int32
	GetLiveBufferSize() int32
	GetReadBatchSize() int32
	GetHistoryBufferSize() int32
	GetMessageTimeoutTicks() int64
	GetMessageTimeoutMs() int32
	GetCheckpointAfterTicks() int64
	GetCheckpointAfterMs() int32
}

func parseSettings(stream, group string, w wireSettings) *groupSettings {
	return &groupSettings{
		Stream: stream, Group: group,
		ResolveLinks: w.GetResolveLinks(), ExtraStatistics: w.GetExtraStatistics(),
		MaxRetries: w.GetMaxRetryCount(), MaxConsumers: w.GetMaxSubscriberCount(),
		MinCheckpoint: w.GetMinCheckpointCount(), MaxCheckpoint: w.GetMaxCheckpointCount(),
		LiveBuffer: w.GetLiveBufferSize(), ReadBatch: w.GetReadBatchSize(), HistoryBuffer: w.GetHistoryBufferSize(),
		MessageTimeout:  wireDuration(w.GetMessageTimeoutTicks(), w.GetMessageTimeoutMs()),
		CheckpointAfter: wireDuration(w.GetCheckpointAfterTicks(), w.GetCheckpointAfterMs()),
	}
}

// wireDuration reads whichever of the two a client set. Ticks beyond what a
// duration holds mean as long as it can.
func wireDuration(ticks int64, ms int32) time.Duration {
	if ticks == 0 {
		return time.Duration(ms) * time.Millisecond
	}
	const most = math.MaxInt64 / nanosecondsTick
	return time.Duration(max(-most, min(ticks, most))) * nanosecondsTick
}

func strategyName(n int32) string {
	switch persistent.CreateReq_ConsumerStrategy(n) {
	case persistent.CreateReq_DispatchToSingle:
		return dispatchToSingle
	case persistent.CreateReq_RoundRobin:
		return roundRobin
	case persistent.CreateReq_Pinned:
		return pinned
	}
	return ""
}

// streamNamed is the stream where clients before version 21 name it.
func streamNamed(o interface {
	GetStreamIdentifier() *shared.StreamIdentifier
}) string {
	return string(o.GetStreamIdentifier().GetStreamName())
}

// oldStart is the start in the shape that clients before version 21 send.
func oldStart(w wireSettings) groupStart { return revisionStart(w.GetRevision()) }

func revisionStart(revision uint64) groupStart {
	if revision == math.MaxUint64 {
		return groupStart{at: fromEnd}
	}
	return groupStart{commit: revision}
}

func positionStart(commit, prepare uint64) groupStart {
	if commit == math.MaxUint64 {
		return groupStart{at: fromEnd}
	}
	return groupStart{commit: commit, prepare: prepare}
}

// Create makes a group on a stream, which need not exist, or on $all.
func (n *groupServer) Create(ctx context.Context, req *persistent.CreateReq) (*persistent.CreateResp, error) {
	if err := n.access.operator(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	o := req.GetOptions()
	stream, start := streamNamed(o), oldStart(o.GetSettings())
	switch s := o.GetStreamOption().(type) {
	case *persistent.CreateReq_Options_Stream:
		stream = string(s.Stream.GetStreamIdentifier().GetStreamName())
		switch r := s.Stream.GetRevisionOption().(type) {
		case *persistent.CreateReq_StreamOptions_Revision:
			start = revisionStart(r.Revision)
		case *persistent.CreateReq_StreamOptions_Start:
			start = groupStart{at: fromStart}
		case *persistent.CreateReq_StreamOptions_End:
			start = groupStart{at: fromEnd}
		default:
			return nil, invalid("create without start")
		}
	case *persistent.CreateReq_Options_All:
		stream = allStream
		switch a := s.All.GetAllOption().(type) {
		case *persistent.CreateReq_AllOptions_Position:
			start = positionStart(a.Position.GetCommitPosition(), a.Position.GetPreparePosition())
		case *persistent.CreateReq_AllOptions_Start:
			start = groupStart{at: fromStart}
		case *persistent.CreateReq_AllOptions_End:
			start = groupStart{at: fromEnd}
		default:
			return nil, invalid("create without start")
		}
	}
	set := parseSettings(stream, o.GetGroupName(), o.GetSettings())
	if set.Strategy = o.GetSettings().GetConsumerStrategy(); set.Strategy == "" {
		set.Strategy = strategyName(int32(o.GetSettings().GetNamedConsumerStrategy())) //nolint:staticcheck // older clients send nothing else
	}
	if f := o.GetAll().GetFilter(); f != nil {
		set.Filter = parseGroupFilter(f)
	}
	err := n.groups.create(ctx, set, start)
	return &persistent.CreateResp{}, groupStatus(trailerSetter(ctx), stream, set.Group, err)
}

func parseGroupFilter(f *persistent.CreateReq_AllOptions_FilterOptions) *groupFilter {
	e, byType := f.GetStreamIdentifier(), false
	if t := f.GetEventType(); t != nil {
		e, byType = t, true
	}
	return &groupFilter{ByType: byType, Regex: e.GetRegex(), Prefixes: e.GetPrefix()}
}

// Update changes the settings of a group and drops its consumers.
func (n *groupServer) Update(ctx context.Context, req *persistent.UpdateReq) (*persistent.UpdateResp, error) {
	if err := n.access.operator(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	o := req.GetOptions()
	stream, start := streamNamed(o), oldStart(o.GetSettings())
	switch s := o.GetStreamOption().(type) {
	case *persistent.UpdateReq_Options_Stream:
		stream = string(s.Stream.GetStreamIdentifier().GetStreamName())
		switch r := s.Stream.GetRevisionOption().(type) {
		case *persistent.UpdateReq_StreamOptions_Revision:
			start = revisionStart(r.Revision)
		case *persistent.UpdateReq_StreamOptions_Start:
			start = groupStart{at: fromStart}
		case *persistent.UpdateReq_StreamOptions_End:
			start = groupStart{at: fromEnd}
		default:
			return nil, invalid("update without start")
		}
	case *persistent.UpdateReq_Options_All:
		stream = allStream
		switch a := s.All.GetAllOption().(type) {
		case *persistent.UpdateReq_AllOptions_Position:
			start = positionStart(a.Position.GetCommitPosition(), a.Position.GetPreparePosition())
		case *persistent.UpdateReq_AllOptions_Start:
			start = groupStart{at: fromStart}
		case *persistent.UpdateReq_AllOptions_End:
			start = groupStart{at: fromEnd}
		default:
			return nil, invalid("update without start")
		}
	}
	set := parseSettings(stream, o.GetGroupName(), o.GetSettings())
	set.Strategy = strategyName(int32(o.GetSettings().GetNamedConsumerStrategy()))
	err := n.groups.update(ctx, set, start)
	return &persistent.UpdateResp{}, groupStatus(trailerSetter(ctx), stream, set.Group, err)
}

// Delete removes a group, its checkpoint and its parked messages.
func (n *groupServer) Delete(ctx context.Context, req *persistent.DeleteReq) (*persistent.DeleteResp, error) {
	if err := n.access.operator(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	o := req.GetOptions()
	stream := streamOrAll(o.GetStreamIdentifier(), o.GetAll())
	err := n.groups.remove(ctx, groupID(stream, o.GetGroupName()))
	return &persistent.DeleteResp{}, groupStatus(trailerSetter(ctx), stream, o.GetGroupName(), err)
}

func streamOrAll(s *shared.StreamIdentifier, all *shared.Empty) string {
	if all != nil {
		return allStream
	}
	return string(s.GetStreamName())
}

// ReplayParked delivers parked messages again.
func (n *groupServer) ReplayParked(ctx context.Context, req *persistent.ReplayParkedReq) (*persistent.ReplayParkedResp, error) {
	if err := n.access.operator(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	o := req.GetOptions()
	stream := streamOrAll(o.GetStreamIdentifier(), o.GetAll())
	setTrailer := trailerSetter(ctx)
	stopAt := int64(math.MaxInt64)
	if s, ok := o.GetStopAtOption().(*persistent.ReplayParkedReq_Options_StopAt); ok {
		stopAt = s.StopAt
	}
	g, err := n.groups.find(groupID(stream, o.GetGroupName()))
	switch {
	case err != nil:
	case stopAt < 0:
		err = errReplayBeforeStart
	default:
		err = g.beginReplay(ctx, stopAt)
	}
	return &persistent.ReplayParkedResp{}, groupStatus(setTrailer, stream, o.GetGroupName(), err)
}

// RestartSubsystem drops all consumers and begins every group anew.
func (n *groupServer) RestartSubsystem(ctx context.Context, _ *shared.Empty) (*shared.Empty, error) {
	if err := n.access.operator(ctx); err != nil {
		return nil, statusFor(trailerSetter(ctx), err)
	}
	n.groups.restart()
	return &shared.Empty{}, nil
}
