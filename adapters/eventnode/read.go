package eventnode

import (
	"bytes"
	"context"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// streamServer serves the Streams service from one store.
type streamServer struct {
	streams.UnimplementedStreamsServer
	store     *store
	sequencer *sequencer
	clock     func() time.Time
	access    *access // nil: everybody may do everything
	maxAppend int
	metrics   *metrics
	followers *followers
	// unfinished are the bytes of appends that calls of BatchAppend have begun
	// and not ended.
	unfinished atomic.Int64
	stopping   <-chan struct{} // closed when calls without an end must end
	receivers  sync.WaitGroup  // goroutines that receive for bidirectional calls
}

// readPlan is a read request that makes sense.
type readPlan struct {
	stream    string // empty: the whole log
	from      int64  // revision or position, or one of the two below
	backwards bool
	count     int64
	subscribe bool
	resolve   bool
	filter    *filter
	stringIDs bool
	positions bool // the client understands messages about stream positions
	start     startPoint
}

type startPoint int

const (
	fromNumber startPoint = iota
	fromStart
	fromEnd
)

func parseRead(o *streams.ReadReq_Options) (*readPlan, error) {
	p := &readPlan{
		backwards: o.GetReadDirection() == streams.ReadReq_Options_Backwards,
		resolve:   o.GetResolveLinks(),
		positions: o.GetControlOption().GetCompatibility() >= 1,
	}
	switch o.GetUuidOption().GetContent().(type) {
	case *streams.ReadReq_Options_UUIDOption_Structured:
	case *streams.ReadReq_Options_UUIDOption_String_:
		p.stringIDs = true
	default:
		return nil, invalid("read without uuid option")
	}
	switch c := o.GetCountOption().(type) {
	case *streams.ReadReq_Options_Count:
		p.count = int64(min(c.Count, math.MaxInt64))
	case *streams.ReadReq_Options_Subscription:
		p.subscribe = true
	default:
		return nil, invalid("read without count option")
	}
	if p.subscribe && p.backwards {
		return nil, invalid("a subscription reads forwards only")
	}
	if err := p.parseFrom(o); err != nil {
		return nil, err
	}
	if f, ok := o.GetFilterOption().(*streams.ReadReq_Options_Filter); ok {
		if p.stream != "" {
			return nil, invalid("only reads of %s may have a filter", allStream)
		}
		var err error
		if p.filter, err = parseFilter(f.Filter, p.subscribe); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *readPlan) parseFrom(o *streams.ReadReq_Options) error {
	var number uint64
	switch s := o.GetStreamOption().(type) {
	case *streams.ReadReq_Options_Stream:
		p.stream = string(s.Stream.GetStreamIdentifier().GetStreamName())
		if p.stream == "" {
			return invalid("read without stream name")
		}
		switch r := s.Stream.GetRevisionOption().(type) {
		case *streams.ReadReq_Options_StreamOptions_Revision:
			number = r.Revision
		case *streams.ReadReq_Options_StreamOptions_Start:
			p.start = fromStart
		case *streams.ReadReq_Options_StreamOptions_End:
			p.start = fromEnd
		default:
			return invalid("read without start")
		}
	case *streams.ReadReq_Options_All:
		switch a := s.All.GetAllOption().(type) {
		case *streams.ReadReq_Options_AllOptions_Position:
			number = a.Position.GetCommitPosition()
			if prepare := a.Position.GetPreparePosition(); prepare > math.MaxInt64 && prepare < math.MaxUint64 {
				return invalid("start %d is out of range", prepare)
			}
		case *streams.ReadReq_Options_AllOptions_Start:
			p.start = fromStart
		case *streams.ReadReq_Options_AllOptions_End:
			p.start = fromEnd
		default:
			return invalid("read without start")
		}
	default:
		return invalid("read names neither a stream nor %s", allStream)
	}
	switch {
	case number == math.MaxUint64:
		p.start = fromEnd
	case number > math.MaxInt64:
		return invalid("start %d is out of range", number)
	}
	p.from = int64(number)
	return nil
}

// Read serves reads and subscriptions.
func (n *streamServer) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	arrived(call.Context())
	p, err := parseRead(req.GetOptions())
	if err != nil {
		return err
	}
	r := &reader{streamServer: n, plan: p, call: call, ctx: call.Context()}
	if err := r.mayRead(); err != nil {
		return statusFor(call.SetTrailer, err)
	}
	switch {
	case p.subscribe:
		err = r.subscribe()
	case p.stream == "":
		err = r.readAll()
	default:
		err = r.readStream()
	}
	if err != nil {
		return statusFor(call.SetTrailer, err)
	}
	return nil
}

// reader serves one call of Read.
type reader struct {
	*streamServer
	plan *readPlan
	call streams.Streams_ReadServer
	ctx  context.Context
	page page
	// place is what others may know of a subscription; nil for other reads.
	place *follower
}

// mayRead says whether the caller may read what the call asks for.
func (r *reader) mayRead() error {
	stream := r.plan.stream
	if stream == "" {
		stream = allStream
	}
	return r.access.stream(r.ctx, rightRead, stream)
}

// goOn says whether the call is still wanted, and still allowed. What it allows
// was found out before: what was committed later may be for others.
func (r *reader) goOn() error {
	select {
	case <-r.stopping:
		return status.Error(codes.Unavailable, "Server Is Not Ready")
	case <-r.ctx.Done():
		return r.ctx.Err()
	default:
		return r.mayRead()
	}
}

func (r *reader) readAll() error {
	rg := logRange{from: 1, to: r.store.mark.position(), backwards: r.plan.backwards}
	switch {
	case r.plan.backwards && r.plan.start == fromStart, !r.plan.backwards && r.plan.start == fromEnd:
		return nil
	case r.plan.start != fromNumber:
	case r.plan.backwards:
		rg.to = min(rg.to, r.plan.from-1)
	default:
		rg.from = max(rg.from, r.plan.from)
	}
	for left := r.plan.count; left > 0; left -= int64(len(r.page.recs)) {
		if err := r.goOn(); err != nil {
			return err
		}
		if err := r.store.scanLog(&r.page, rg, clampInt(left), pageConsidered, r.wanted); err != nil {
			return err
		}
		if err := r.plan.filter.err(); err != nil {
			return err
		}
		if err := r.sendPage(); err != nil {
			return err
		}
		if r.page.end {
			return nil
		}
		if rg.backwards {
			rg.to = r.page.lastSeen - 1
		} else {
			rg.from = r.page.lastSeen + 1
		}
	}
	return nil
}

func clampInt(n int64) int { return int(min(n, math.MaxInt32)) }

// wanted tells which records of the log this call shows.
func (r *reader) wanted(rec *record) bool {
	return !hidden(rec) && (r.plan.filter == nil || r.plan.filter.matches(rec))
}

func (r *reader) sendPage() error {
	kind := readCall
	if r.place != nil && len(r.page.recs) > 0 {
		kind = readSubscription
		r.place.sending.start(r.clock())
		defer r.place.sending.stop()
	}
	r.metrics.sent(kind, len(r.page.recs))
	for i := range r.page.recs {
		if err := r.sendEvent(&r.page.recs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) sendEvent(rec *record) error {
	if r.plan.resolve && string(rec.typ) == typeLink {
		target, isLink, err := r.resolve(rec)
		if err != nil {
			return err
		}
		if isLink {
			return r.call.SendMsg(&wireEvent{event: target, link: rec, stringIDs: r.plan.stringIDs})
		}
	}
	return r.call.SendMsg(&wireEvent{event: rec, stringIDs: r.plan.stringIDs})
}

// resolve finds the event that a link points to; nil when readers cannot see
// it. A payload that is no link leaves the record an ordinary event.
func (r *reader) resolve(link *record) (target *record, isLink bool, err error) {
	number, name, found := bytes.Cut(link.data, []byte("@"))
	rev, parseErr := strconv.ParseInt(string(number), 10, 64)
	if !found || parseErr != nil || rev < 0 {
		return nil, false, nil
	}
	if may, err := r.access.follow(r.ctx, string(name)); err != nil || !may {
		return nil, true, err
	}
	h, found, deleted, err := r.visibleHead(string(name))
	if err != nil {
		return nil, false, err
	}
	if !found || deleted || !h.exists() || rev < h.firstVisible() || rev > h.last {
		return nil, true, nil
	}
	rec, found, err := r.store.eventAt(h.no, rev)
	if err != nil {
		return nil, false, err
	}
	if !found {
		return nil, true, nil
	}
	if young := r.youngEnough(h); young != nil && !young(&rec) {
		return nil, true, nil
	}
	return &rec, true, nil
}

// visibleHead is the head of a stream as readers see it. A metadata stream is
// deleted together with the stream it describes.
func (r *reader) visibleHead(name string) (h head, found, deleted bool, err error) {
	if isMetastream(name) {
		target, _, err := r.store.readHead(r.ctx, metaTarget(name))
		if err != nil {
			return head{}, false, false, err
		}
		deleted = target.tombstoned
	}
	h, found, err = r.store.readHead(r.ctx, name)
	return h, found, deleted || h.tombstoned, err
}

// youngEnough applies $maxAge; nil when the stream has none.
func (r *reader) youngEnough(h head) func(*record) bool {
	oldest, limited := h.meta.oldestShown(r.clock().UnixNano() / nanosecondsTick)
	if !limited {
		return nil
	}
	return func(rec *record) bool { return rec.ticks >= oldest }
}

func (r *reader) readStream() error {
	h, found, deleted, err := r.visibleHead(r.plan.stream)
	switch {
	case err != nil:
		return err
	case deleted:
		return streamDeleted(r.call.SetTrailer, r.plan.stream)
	case !found || !h.exists():
		return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{
			StreamNotFound: &streams.ReadResp_StreamNotFound{
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.plan.stream)},
			}}})
	}
	rg := revisionRange{from: h.firstVisible(), to: h.last, backwards: r.plan.backwards}
	switch {
	case r.plan.backwards && r.plan.start == fromStart:
		rg.to = min(rg.to, 0)
	case !r.plan.backwards && r.plan.start == fromEnd:
		rg.from = h.last + 1
	case r.plan.start != fromNumber:
	case r.plan.backwards:
		rg.to = min(rg.to, r.plan.from)
	default:
		rg.from = max(rg.from, r.plan.from)
	}
	return r.readRevisions(h, rg)
}

func (r *reader) readRevisions(h head, rg revisionRange) error {
	keep := r.youngEnough(h)
	sent := int64(0)
	for first := true; sent < r.plan.count; first = false {
		if err := r.goOn(); err != nil {
			return err
		}
		if err := r.store.scanStream(&r.page, h.no, rg, clampInt(r.plan.count-sent), keep); err != nil {
			return err
		}
		if err := r.sendPage(); err != nil {
			return err
		}
		sent += int64(len(r.page.recs))
		if first && sent == 0 && r.plan.positions && !rg.backwards && h.firstVisible() != r.plan.from {
			if err := r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_FirstStreamPosition{
				FirstStreamPosition: uint64(h.firstVisible())}}); err != nil {
				return err
			}
		}
		if r.page.end {
			break
		}
		rg = rg.behind(r.page.lastRev)
	}
	if !r.plan.positions {
		return nil
	}
	return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: uint64(h.last)}})
}
