package eventnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2"
	"github.com/google/uuid"
)

// Reads and subscriptions that begin at what is gone go on with what follows.
func TestReadingAcrossWhatIsGone(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	first := letters(t, s.c, "s", "a")
	s.append("o", "x")
	s.append("s", "bcdef")
	s.set("s", maxCountOf(2))
	s.scavenge()
	s.set("s", func(*esdb.StreamMetadata) {})
	forth := func(rev uint64) string {
		return readTypes(t, s.c, "s", esdb.ReadStreamOptions{From: esdb.Revision(rev)}, 100)
	}
	back := func(rev uint64) string {
		return readTypes(t, s.c, "s", esdb.ReadStreamOptions{From: esdb.Revision(rev), Direction: esdb.Backwards}, 100)
	}
	for what, pair := range map[string][2]string{
		"forwards from a revision that is gone":  {forth(1), "ef"},
		"forwards from the first that is there":  {forth(4), "ef"},
		"backwards across the gap":               {back(9), "fe"},
		"backwards from a revision that is gone": {back(2), ""},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: %q, want %q", what, pair[0], pair[1])
		}
	}
	all, err := s.c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Position{Commit: first, Prepare: first}}, 3)
	if got := typesOf(collect(t, all, err)); got != "xef" {
		t.Errorf("the log from a position that is gone: %q", got)
	}
	sub, err := s.c.SubscribeToStream(within(t), "s", esdb.SubscribeToStreamOptions{From: esdb.Revision(1)})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	wantStory(t, sub, "ef|")
	onAll, err := s.c.SubscribeToAll(within(t), esdb.SubscribeToAllOptions{
		From: esdb.Position{Commit: first, Prepare: first}, Filter: &esdb.SubscriptionFilter{Type: esdb.StreamFilterType, Prefixes: []string{"s"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer onAll.Close()
	wantStory(t, onAll, "ef")
	s.append("s", "g")
	wantStory(t, sub, "g")
}

// An id is recognised as a repetition only while its event is there, as after a
// restart.
func TestScavengedEventsAreForgottenByID(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	known := event("a", `{}`)
	appendTo(t, s.c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, known)
	s.append("s", "bc")
	if w := appendTo(t, s.c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, known); w.NextExpectedVersion != 0 {
		t.Fatalf("control: a repetition was written as revision %d", w.NextExpectedVersion)
	}
	s.set("s", maxCountOf(1))
	s.scavenge()
	if w := appendTo(t, s.c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, known); w.NextExpectedVersion != 3 {
		t.Errorf("an event that is gone was taken for there: revision %d", w.NextExpectedVersion)
	}
	_, err := s.c.AppendToStream(within(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, known)
	if codeOf(err) != esdb.ErrorCodeWrongExpectedVersion {
		t.Errorf("repeating the first append: %v", err)
	}
}

// A record that got lost is told from one that was removed: below the floor of
// its stream nothing is missed, from there on everything is.
func TestLostRecordIsFoundAfterAScavenge(t *testing.T) {
	for name, key := range map[string]func(stream uint64, pos int64) []byte{
		"record":      func(_ uint64, pos int64) []byte { return logKey(pos) },
		"index entry": func(stream uint64, _ int64) []byte { return streamKey(stream, 4) },
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t)
			s := past{t: t, n: n, c: connect(t, n)}
			s.append("s", "abcd")
			pos := int64(letters(t, s.c, "s", "e"))
			s.append("s", "fg")
			s.set("s", maxCountOf(4))
			s.scavenge()
			if got := shows(t, s.c, "s"); got != "defg" {
				t.Fatalf("control: the stream shows %q", got)
			}
			h, _ := n.store.heads.get("s")
			if err := n.store.db.Delete(key(h.no, pos), pebble.Sync); err != nil {
				t.Fatal(err)
			}
			for _, o := range []esdb.ReadStreamOptions{{From: esdb.Start{}}, {From: esdb.Revision(4)}, {From: esdb.End{}, Direction: esdb.Backwards}} {
				stream, err := s.c.ReadStream(within(t), "s", o, 10)
				if err != nil {
					t.Fatal(err)
				}
				for err == nil {
					_, err = stream.Recv()
				}
				stream.Close()
				if !strings.Contains(err.Error(), "DataLoss") {
					t.Errorf("reading %+v ended with %v", o, err)
				}
			}
		})
	}
}

// Messages of a group whose events are gone while they wait are passed over;
// parked links stay, and lead nowhere.
func TestGroupsAcrossWhatIsGone(t *testing.T) {
	n := start(t, quickTicks)
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcde")
	createGroup(t, s.c, "s", "g", esdb.Start{}, eager())
	if err := s.c.CreatePersistentSubscriptionToAll(within(t), "h", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.Start{}, Settings: eager()}); err != nil {
		t.Fatal(err)
	}
	onStream := consume(t, s.c, "s", "g", 1)
	onAll, err := s.c.SubscribeToPersistentSubscriptionToAll(within(t), "h", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer onAll.Close()
	parked, held := receive(t, onStream), receive(t, onAll)
	s.set("s", maxCountOf(1))
	s.scavenge()
	if err := onStream.Nack("no", esdb.NackActionPark, parked.Event); err != nil {
		t.Fatal(err)
	}
	hears(t, onStream, "e")
	if err := onAll.Ack(held.Event); err != nil {
		t.Fatal(err)
	}
	hears(t, onAll, "e")

	// What was gone before it could be parked left no link.
	s.append("s", "f")
	again := receive(t, onStream)
	if err := onStream.Nack("no", esdb.NackActionPark, again.Event); err != nil {
		t.Fatal(err)
	}
	until(t, "one parked message", func() bool { return infoOf(t, s.c, "s", "g").Stats.ParkedMessagesCount == 1 })
	s.append("s", "g")
	hears(t, onStream, "g")
	s.scavenge()
	if err := s.c.ReplayParkedMessages(within(t), "s", "g", esdb.ReplayParkedMessagesOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, onStream).Event; e.Event != nil || e.Link == nil {
		t.Errorf("the link to an event that is gone led to %+v", e.Event)
	}
}

// Under load: everybody who reads, catches up, follows or consumes while
// scavenges run sees an ordered log without errors, and at the end everybody
// who was there all the time saw everything that is left.
func TestReadersGoOnWhileScavenging(t *testing.T) {
	n := start(t, quickTicks, func(c *Config) { c.NoSync, c.memTable = true, crashMemTable })
	s := past{t: t, n: n, c: connect(t, n)}
	const streamCount, events = 3, 900
	name := func(i int) string { return fmt.Sprintf("busy-%d", i%streamCount) }
	for i := range streamCount {
		s.set(name(i), maxCountOf(5))
	}
	createGroup(t, s.c, name(0), "g", esdb.Start{}, eager())
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			if _, err := n.Scavenge(ctx, ScavengeOptions{}); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for i := range streamCount {
		others.Go(func() { readAgainAndAgain(ctx, t, s.c, name(i)) })
	}
	last := uuid.New()
	var readers sync.WaitGroup
	seen := make([]map[uint64]bool, 2)
	for i, f := range []*esdb.SubscriptionFilter{nil, {Type: esdb.StreamFilterType, Prefixes: []string{"busy-"}}} {
		sub, err := s.c.SubscribeToAll(ctx, esdb.SubscribeToAllOptions{From: esdb.Start{}, Filter: f})
		if err != nil {
			t.Fatal(err)
		}
		defer sub.Close()
		readers.Go(func() { seen[i] = followUntil(t, sub, last) })
	}
	consumer := consume(t, s.c, name(0), "g", 10)
	readers.Go(func() { consumeUntil(t, consumer, last) })
	for i := range events {
		appendTo(t, s.c, name(i), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, event("x", `{}`))
	}
	appendTo(t, s.c, name(0), esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, esdb.EventData{EventID: last, EventType: "last"})
	readers.Wait()
	cancel()
	others.Wait()
	s.scavenge()
	for _, r := range recordsOf(t, n.store) {
		for i := range seen {
			if !seen[i][uint64(r.pos)] && strings.HasPrefix(string(r.name), "busy-") {
				t.Errorf("subscriber %d never saw %s@%d", i, r.name, r.rev)
			}
		}
	}
	wantInvariants(t, n.store)
}

func readAgainAndAgain(ctx context.Context, t *testing.T, c *esdb.Client, stream string) {
	for i := 0; ctx.Err() == nil; i++ {
		o := esdb.ReadStreamOptions{From: esdb.Start{}}
		by := int64(1)
		if i%2 == 1 {
			o, by = esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards}, -1
		}
		s, err := c.ReadStream(ctx, stream, o, 1000)
		if err != nil {
			continue // the test ends
		}
		for prev := int64(-1); ; {
			e, err := s.Recv()
			if errors.Is(err, io.EOF) || ctx.Err() != nil || codeOf(err) == esdb.ErrorCodeResourceNotFound {
				break
			}
			if err != nil {
				t.Errorf("read of %s: %v", stream, err)
				break
			}
			if rev := int64(e.Event.EventNumber); prev >= 0 && rev != prev+by {
				t.Errorf("%s@%d follows %d", stream, rev, prev)
			}
			prev = int64(e.Event.EventNumber)
		}
		s.Close()
	}
}

func followUntil(t *testing.T, sub *esdb.Subscription, last uuid.UUID) map[uint64]bool {
	seen, prev := map[uint64]bool{}, uint64(0)
	for {
		e := sub.Recv()
		if e.SubscriptionDropped != nil {
			t.Errorf("dropped: %v", e.SubscriptionDropped.Error)
			return seen
		}
		if e.EventAppeared == nil {
			continue
		}
		at := e.EventAppeared.Event
		if at.Position.Commit <= prev {
			t.Errorf("position %d follows %d", at.Position.Commit, prev)
		}
		prev = at.Position.Commit
		seen[prev] = true
		if at.EventID == last {
			return seen
		}
	}
}

func consumeUntil(t *testing.T, s *esdb.PersistentSubscription, last uuid.UUID) {
	for {
		e := s.Recv()
		if e.EventAppeared == nil {
			t.Errorf("the consumer was dropped: %v", e.SubscriptionDropped.Error)
			return
		}
		if err := s.Ack(e.EventAppeared.Event); err != nil {
			t.Error(err)
			return
		}
		if e.EventAppeared.Event.Event.EventID == last {
			return
		}
	}
}
