package eventnode

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
)

func TestGroupsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	at := func(c *Config) { c.Dir = dir }
	n := start(t, at)
	c := connect(t, n)
	letters(t, c, "s", "abcd")
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.ConsumerStrategyName, s.MaxRetryCount = esdb.ConsumerStrategyDispatchToSingle, 3
	}))
	createGroup(t, c, "later", "end", esdb.End{}, nil)
	if err := c.CreatePersistentSubscriptionToAll(within(t), "f", esdb.PersistentAllSubscriptionOptions{StartFrom: esdb.Start{},
		Filter: &esdb.SubscriptionFilter{Type: esdb.EventFilterType, Prefixes: []string{"z"}}}); err != nil {
		t.Fatal(err)
	}
	s := consume(t, c, "s", "g", 3)
	hears(t, s, "a")
	receive(t, s)
	if err := s.Ack(receive(t, s).Event); err != nil { // c, while b is held
		t.Fatal(err)
	}
	until(t, "c is finished", func() bool { return infoOf(t, c, "s", "g").Stats.OutstandingMessagesCount == 2 })
	letters(t, c, "later", "y") // after the group was made, before it was ever consumed
	before := infoOf(t, c, "s", "g")
	if err := errors.Join(s.Close(), c.Close(), n.Close()); err != nil {
		t.Fatal(err)
	}

	n = start(t, at)
	c = connect(t, n)
	after := infoOf(t, c, "s", "g")
	if *after.Settings != *before.Settings {
		t.Errorf("settings were %+v and are %+v", before.Settings, after.Settings)
	}
	hears(t, consume(t, c, "s", "g", 3), "bcd")
	hears(t, consume(t, c, "later", "end", 3), "y")
	letters(t, c, "other", "xz")
	f, err := c.SubscribeToPersistentSubscriptionToAll(within(t), "f", esdb.SubscribeToPersistentSubscriptionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	hears(t, f, "z")
	all, err := c.ListAllPersistentSubscriptions(within(t), esdb.ListPersistentSubscriptionsOptions{})
	if err != nil || len(all) != 3 {
		t.Errorf("%d groups (%v)", len(all), err)
	}
}

// Consumers that come, go, retry and park under load: every event is
// acknowledged or parked, and the checkpoint reaches the end.
func TestRestlessConsumers(t *testing.T) {
	n := start(t, quickTicks, func(c *Config) { c.NoSync = true })
	c := connect(t, n)
	for _, strategyName := range []esdb.ConsumerStrategy{esdb.ConsumerStrategyRoundRobin, esdb.ConsumerStrategyDispatchToSingle, esdb.ConsumerStrategyPinned} {
		t.Run(string(strategyName), func(t *testing.T) { restless(t, c, strategyName) })
	}
}

func restless(t *testing.T, c *esdb.Client, strategyName esdb.ConsumerStrategy) {
	const events = 1000
	stream := "restless-" + string(strategyName)
	createGroup(t, c, stream, "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) {
		s.ConsumerStrategyName, s.MaxRetryCount, s.CheckpointUpperBound, s.MessageTimeout = strategyName, 2, 50, 50
		s.CheckpointAfter = 20
	}))
	var mu sync.Mutex
	acked := map[uuid.UUID]bool{}
	ctx, cancel := context.WithCancel(within(t))
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 11))
			for ctx.Err() == nil {
				s, err := c.SubscribeToPersistentSubscription(ctx, stream, "g", esdb.SubscribeToPersistentSubscriptionOptions{BufferSize: 7})
				if err != nil {
					return
				}
				for range 1 + r.IntN(200) {
					e := s.Recv()
					if e.EventAppeared == nil {
						break
					}
					switch r.IntN(12) {
					case 0:
						_ = s.Nack("again", esdb.NackActionRetry, e.EventAppeared.Event)
					case 1:
						_ = s.Nack("no", esdb.NackActionPark, e.EventAppeared.Event)
					case 2: // forgotten
					default:
						mu.Lock()
						acked[e.EventAppeared.Event.Event.EventID] = true
						mu.Unlock()
						_ = s.Ack(e.EventAppeared.Event)
					}
				}
				_ = s.Close()
			}
		})
	}
	sent := map[uuid.UUID]bool{}
	for range events / 50 {
		var batch []esdb.EventData
		for range 50 {
			e := event("x", `{}`)
			batch, sent[e.EventID] = append(batch, e), true
		}
		appendTo(t, c, stream, esdb.AppendToStreamOptions{}, batch...)
	}
	until(t, "the checkpoint is at the end", func() bool {
		at := infoOf(t, c, stream, "g").Stats.LastCheckpointedEventRevision
		return at != nil && *at == events-1
	})
	cancel()
	all.Wait()
	r, err := c.ReadStream(within(t), groupStreamPrefix+stream+"::g"+parkedSuffix, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10*events)
	for _, e := range collect(t, r, err) {
		acked[e.Event.EventID] = true
	}
	for id := range sent {
		if !acked[id] {
			t.Fatalf("event %s was neither acknowledged nor parked", id)
		}
	}
}

// After a power cut every event that was not acknowledged or parked is
// delivered by the group, which is there because its creation was confirmed.
func TestGroupsSurviveAPowerCut(t *testing.T) {
	disk := vfs.NewCrashableMem()
	n := start(t, quickTicks, func(c *Config) { c.FS, c.Dir = disk, "store" })
	c := connect(t, n)
	createGroup(t, c, "s", "g", esdb.Start{}, eager(func(s *esdb.PersistentSubscriptionSettings) { s.CheckpointUpperBound = 7 }))
	s := consume(t, c, "s", "g", 20)
	var mu sync.Mutex
	acked := map[uuid.UUID]bool{}
	moved := make(chan struct{}, 1)
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ; i++ {
			e := s.Recv()
			if e.EventAppeared == nil {
				return
			}
			if i%9 == 0 {
				_ = s.Nack("no", esdb.NackActionPark, e.EventAppeared.Event)
			} else {
				mu.Lock()
				acked[e.EventAppeared.Event.Event.EventID] = true
				mu.Unlock()
				_ = s.Ack(e.EventAppeared.Event)
			}
			wake(moved)
		}
	})
	for cut := range 15 {
		var sent []uuid.UUID
		for range 20 {
			e := event("x", `{}`)
			appendTo(t, c, "s", esdb.AppendToStreamOptions{}, e)
			sent = append(sent, e.EventID)
		}
		<-moved
		clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(cut), 3))})
		mu.Lock()
		before := map[uuid.UUID]bool{}
		for id := range acked {
			before[id] = true
		}
		mu.Unlock()
		afterPowerCut(t, clone, sent, before)
	}
	_ = s.Close()
	running.Wait()
}

func afterPowerCut(t *testing.T, disk vfs.FS, sent []uuid.UUID, finished map[uuid.UUID]bool) {
	t.Helper()
	n, err := Open(Config{FS: disk, Dir: "store", Listen: "127.0.0.1:0", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	c := connect(t, n)
	r, err := c.ReadStream(within(t), groupStreamPrefix+"s::g"+parkedSuffix, esdb.ReadStreamOptions{ResolveLinkTos: true}, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for e, err := r.Recv(); err == nil; e, err = r.Recv() {
		finished[e.Event.EventID] = true
	}
	r.Close()
	s := consume(t, c, "s", "g", 1000)
	missing := map[uuid.UUID]bool{}
	for _, id := range sent {
		if !finished[id] {
			missing[id] = true
		}
	}
	for len(missing) > 0 {
		delete(missing, receive(t, s).Event.Event.EventID)
	}
	_ = s.Close()
	_ = c.Close()
}

func TestDamagedGroupSettings(t *testing.T) {
	dir := t.TempDir()
	at := func(c *Config) { c.Dir = dir }
	n := start(t, at)
	createGroup(t, connect(t, n), "s", "g", esdb.Start{}, nil)
	key := groupKey(groupID("s", "g"))
	good, err := n.store.get(key)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(good)
	bad[len(bad)/2] ^= 1
	if err := errors.Join(n.store.db.Set(key, bad, nil), n.Close()); err != nil {
		t.Fatal(err)
	}
	damaged, err := Open(Config{Dir: dir, Listen: "127.0.0.1:0", Clock: time.Now})
	if !errors.Is(err, ErrCorrupt) {
		t.Errorf("opened with damaged settings of a group: %v", err)
	}
	if err == nil {
		damaged.Close()
	}
	for cut := range good {
		if _, err := decodeGroup(good[:cut]); err == nil {
			t.Fatalf("%d bytes of %d were taken", cut, len(good))
		}
	}
}
