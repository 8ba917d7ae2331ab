package eventnode

import (
	"math"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/protobuf/encoding/protowire"
)

// liveRecords is how far a subscriber may lag and still count as live. Beyond
// it the subscription catches up again and says so when it has.
const liveRecords = 4096

// subscribe serves a subscription, within the number that may be open.
func (r *reader) subscribe() error {
	end, err := r.followers.beginSending(r.ctx)
	if err != nil {
		return err
	}
	defer end()
	r.place = r.followers.follow(r.ctx, r.plan.stream)
	defer r.followers.forget(r.place)
	if r.plan.stream == "" {
		return r.subscribeAll()
	}
	return r.subscribeStream()
}

func (r *reader) confirm() error {
	return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: uuid.NewString()},
	}})
}

// await blocks until something watched was committed. Until then a subscriber
// holds next to nothing.
func (r *reader) await(w *watcher) error {
	r.page.rest()
	r.place.live.Store(true)
	select {
	case <-w.signal:
		return nil
	case <-r.ctx.Done():
	case <-r.stopping:
	}
	return r.goOn()
}

// subscribeAll pages from the start to the end of the log, says that it caught
// up, and goes on with what is committed after. There is no second source of
// events: a slow consumer reads the same log later.
func (r *reader) subscribeAll() error {
	w := r.store.mark.watch("")
	defer r.store.mark.unwatch(w)
	next := int64(1)
	switch r.plan.start {
	case fromNumber:
		next = min(r.plan.from, math.MaxInt64-1) + 1
	case fromEnd:
		next = r.store.mark.position() + 1
	}
	if err := r.confirm(); err != nil {
		return err
	}
	s := &allSubscription{reader: r, next: next, seen: next - 1, told: next - 1}
	r.place.next.Store(next)
	for catching := true; ; {
		behind, err := s.pass()
		if err != nil {
			return err
		}
		catching = catching || behind
		if catching {
			if err := s.caughtUp(); err != nil {
				return err
			}
			catching = false
		}
		if err := r.await(w); err != nil {
			return err
		}
	}
}

// allSubscription is the place of one subscriber in the log.
type allSubscription struct {
	*reader
	next int64 // position from which to read on
	seen int64 // the last position looked at, or the start
	// since counts the records looked at since the last checkpoint, which was
	// sent for the position told.
	since int
	told  int64
}

// pass reads to the end of the log and says whether that was a long way.
func (s *allSubscription) pass() (behind bool, err error) {
	total := 0
	for {
		rg := logRange{from: s.next, to: s.store.mark.position()}
		if err := s.goOn(); err != nil {
			return false, err
		}
		consider := pageConsidered
		if s.plan.filter != nil {
			consider = min(consider, s.plan.filter.interval-s.since)
		}
		if err := s.store.scanLog(&s.page, rg, math.MaxInt32, consider, s.wanted); err != nil {
			return false, err
		}
		if err := s.plan.filter.err(); err != nil {
			return false, err
		}
		if err := s.sendPage(); err != nil {
			return false, err
		}
		if s.page.considered > 0 {
			s.seen, s.next = s.page.lastSeen, s.page.lastSeen+1
			s.place.next.Store(s.next)
		}
		total += s.page.considered
		if err := s.countCheckpoint(); err != nil {
			return false, err
		}
		if s.page.end {
			return total > liveRecords, nil
		}
		if total > liveRecords {
			s.place.live.Store(false)
		}
	}
}

func (s *allSubscription) countCheckpoint() error {
	if s.plan.filter == nil {
		return nil
	}
	if s.since += s.page.considered; s.since < s.plan.filter.interval {
		return nil
	}
	return s.checkpoint()
}

func (s *allSubscription) checkpoint() error {
	s.since, s.told = 0, s.seen
	return s.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: uint64(s.seen), PreparePosition: uint64(s.seen)},
	}})
}

func (s *allSubscription) caughtUp() error {
	if s.plan.filter != nil && s.seen > s.told {
		if err := s.checkpoint(); err != nil {
			return err
		}
	}
	var at []byte
	if s.seen > 0 {
		at = appendVarintField(nil, 1, uint64(s.seen))
		at = appendVarintField(at, 2, uint64(s.seen))
		at = protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), at)
	}
	return s.sendCaughtUp(at)
}

func appendVarintField(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// sendCaughtUp adds the fields that came after the client's protocol files:
// 1 the time, and the place, which differs by kind of subscription.
func (r *reader) sendCaughtUp(place []byte) error {
	now := r.clock()
	stamp := appendVarintField(nil, 1, uint64(now.Unix()))
	stamp = appendVarintField(stamp, 2, uint64(now.Nanosecond()))
	fields := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), stamp)
	m := &streams.ReadResp_CaughtUp{}
	m.ProtoReflect().SetUnknown(append(fields, place...))
	return r.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: m}})
}

// subscribeStream follows one stream, which need not exist yet.
func (r *reader) subscribeStream() error {
	w := r.store.mark.watch(r.plan.stream)
	defer r.store.mark.unwatch(w)
	s := &streamSubscription{reader: r, catching: true}
	switch r.plan.start {
	case fromNumber:
		s.next = min(r.plan.from, math.MaxInt64-1) + 1
	case fromEnd:
		h, found, err := r.store.readHead(r.ctx, r.plan.stream)
		if err != nil {
			return err
		}
		if found {
			s.next = h.last + 1
		}
	}
	r.place.next.Store(s.next)
	if err := r.confirm(); err != nil {
		return err
	}
	for {
		if err := s.pass(); err != nil {
			return err
		}
		if err := r.await(w); err != nil {
			return err
		}
	}
}

// streamSubscription is the place of one subscriber in a stream.
type streamSubscription struct {
	*reader
	next     int64
	catching bool
}

func (s *streamSubscription) pass() error {
	h, found, deleted, err := s.visibleHead(s.plan.stream)
	if err != nil {
		return err
	}
	if err := s.goOn(); err != nil { // what h knows may be for others now
		return err
	}
	if found {
		if err := s.deliver(h, deleted); err != nil {
			return err
		}
	}
	if deleted {
		return s.endDeleted(h)
	}
	if !s.catching {
		return nil
	}
	s.catching = false
	var at []byte
	if found && h.last >= 0 {
		at = appendVarintField(nil, 2, uint64(h.last))
	}
	return s.sendCaughtUp(at)
}

// deliver sends what the stream has from next on. While catching up the
// stream's metadata hides events; live events are shown whatever it says.
func (s *streamSubscription) deliver(h head, deleted bool) error {
	if s.next > h.last {
		return nil
	}
	if h.last-s.next >= liveRecords {
		s.catching = true
		s.place.live.Store(false)
	}
	rg := revisionRange{from: s.next, to: h.last}
	var keep func(*record) bool
	if s.catching {
		if deleted {
			rg.from = h.last + 1
		}
		rg.from = max(rg.from, h.firstVisible())
		keep = s.youngEnough(h)
	}
	for {
		if err := s.goOn(); err != nil {
			return err
		}
		if err := s.store.scanStream(&s.page, h.no, rg, math.MaxInt32, keep); err != nil {
			return err
		}
		if err := s.sendPage(); err != nil {
			return err
		}
		if s.page.end {
			s.next = h.last + 1
			s.place.next.Store(s.next)
			return nil
		}
		rg = rg.behind(s.page.lastRev)
		s.place.next.Store(rg.from)
	}
}

// endDeleted delivers the record that ended the stream, then ends the call.
func (s *streamSubscription) endDeleted(h head) error {
	if h.tombstoned {
		pos, err := s.store.positionAt(h.no, tombstoneRevision)
		if err != nil {
			return err
		}
		rec, err := s.store.readRecord(pos)
		if err != nil {
			return err
		}
		if err := s.sendEvent(&rec); err != nil {
			return err
		}
	}
	return streamDeleted(s.call.SetTrailer, s.plan.stream)
}
