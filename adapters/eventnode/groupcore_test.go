package eventnode

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// bench drives the rules of one group by hand.
type bench struct {
	*groupCore
	now   time.Time
	who   map[string]*consumer
	wrote []*message // taken and not yet parked
}

func newBench(limits groupLimits, strategyNamed string) *bench {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if limits.buffer == 0 {
		limits.buffer = 100
	}
	return &bench{groupCore: newGroupCore(limits, newStrategy(strategyNamed), -1, now), now: now, who: map[string]*consumer{}}
}

// idOf gives every place an id; replayed messages have ids of their own.
func idOf(place int64, replayed bool) uuid.UUID {
	var id uuid.UUID
	id[0], id[15] = byte(place), 1
	if replayed {
		id[14] = 1
	}
	return id
}

// do performs one step: arrive 0-3, arrive 4/b (in bucket b), look 9, join a 2,
// ack a 1, nack a 1 park, wait 30s, leave a, written, unwritten, replay 0. An r
// before a place means a replayed message.
func (b *bench) do(step string) error {
	f := strings.Fields(step)
	place := func(s string) (int64, bool) {
		var p int64
		_, _ = fmt.Sscan(strings.TrimPrefix(s, "r"), &p)
		return p, strings.HasPrefix(s, "r")
	}
	switch f[0] {
	case "arrive":
		var from, to int64
		bucket := 0
		if n, _ := fmt.Sscanf(f[1], "%d/%d", &from, &bucket); n == 2 {
			to = from
		} else if n, _ := fmt.Sscanf(f[1], "%d-%d", &from, &to); n == 1 {
			to = from
		}
		for p := from; p <= to; p++ {
			b.arrive(&message{place: p, id: idOf(p, false), bucket: bucket})
		}
	case "look":
		p, _ := place(f[1])
		b.look(p, 1)
	case "join":
		slots, _ := place(f[2])
		b.who[f[1]] = newConsumer(int(slots))
		if !b.join(b.who[f[1]]) {
			return fmt.Errorf("%s may not join", f[1])
		}
	case "leave":
		b.leave(b.who[f[1]])
	case "ack":
		b.ack(b.who[f[1]], idOf(place(f[2])))
	case "nack":
		action := map[string]nackAction{"retry": nackRetry, "park": nackPark, "skip": nackSkip}[f[3]]
		b.nack(b.who[f[1]], idOf(place(f[2])), action, "asked for")
	case "wait":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			return err
		}
		b.now = b.now.Add(d)
		b.tick(b.now)
	case "write":
		b.wrote = append(b.wrote, b.takeParks(100)...)
	case "written":
		for _, m := range append(b.wrote, b.takeParks(100)...) {
			b.parked(m)
		}
		b.wrote = nil
	case "unwritten":
		for _, m := range append(b.wrote, b.takeParks(100)...) {
			b.notParked(m)
		}
		b.wrote = nil
	case "replay":
		p, _ := place(f[1])
		b.replay(&message{place: p, id: idOf(p, true)})
	case "save":
		p, n := b.checkpoint()
		b.checkpointed(p, n, b.now)
	default:
		return fmt.Errorf("no step %q", step)
	}
	b.dispatch(b.now)
	return nil
}

func placesOf(all []*message) string {
	var parts []string
	for _, m := range all {
		s := fmt.Sprint(m.place)
		if m.replayed {
			s = "r" + s
		}
		if m.retries > 0 {
			s += fmt.Sprintf("(%d)", m.retries)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

// state tells what everybody holds, what waits, and the checkpoint.
func (b *bench) state() string {
	var parts []string
	names := make([]string, 0, len(b.who))
	for name := range b.who {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		parts = append(parts, name+": "+placesOf(b.who[name].holds()))
	}
	for _, l := range []struct {
		name string
		all  []*message
	}{{"retry", b.retries}, {"fresh", b.fresh}, {"park", append(b.wrote, b.toPark...)}} {
		if len(l.all) > 0 {
			parts = append(parts, l.name+": "+placesOf(l.all))
		}
	}
	place, _ := b.checkpoint()
	return strings.Join(append(parts, fmt.Sprintf("done to %d", place)), "; ")
}

func TestGroupRules(t *testing.T) {
	for rule, tt := range map[string]struct {
		strategy string
		limits   groupLimits
		given    string
		want     string
	}{
		"events wait until somebody comes":                       {given: "arrive 0-2", want: "fresh: 0 1 2; done to -1"},
		"a consumer gets as many as it has slots":                {given: "arrive 0-2, join a 2", want: "a: 0 1; fresh: 2; done to -1"},
		"an ack frees a slot and moves the checkpoint":           {given: "arrive 0-2, join a 2, ack a 0", want: "a: 1 2; done to 0"},
		"the checkpoint stays before the oldest unfinished":      {given: "arrive 0-2, join a 3, ack a 1, ack a 2", want: "a: 0; done to -1"},
		"what nobody wants moves the checkpoint too":             {given: "arrive 0-1, look 9, join a 2, ack a 0, ack a 1", want: "a: ; done to 9"},
		"what was passed over before a message is behind it":     {given: "arrive 0, look 4, arrive 5, join a 2, ack a 0", want: "a: 5; done to 4"},
		"an unknown id is ignored":                               {given: "arrive 0, join a 1, ack a 7, nack a 7 park", want: "a: 0; done to -1"},
		"a second ack is ignored":                                {given: "arrive 0-1, join a 1, ack a 0, ack a 0", want: "a: 1; done to 0"},
		"only who holds a message can acknowledge it":            {given: "arrive 0-1, join a 1, join b 1, ack b 0", want: "a: 0; b: 1; done to -1"},
		"a skipped message is finished":                          {given: "arrive 0-1, join a 1, nack a 0 skip", want: "a: 1; done to 0"},
		"a retry goes out before new events":                     {limits: groupLimits{maxRetries: 9}, given: "arrive 0-3, join a 2, nack a 1 retry, ack a 0", want: "a: 1(1) 2; fresh: 3; done to 0"},
		"retries go out in the order of the stream":              {limits: groupLimits{maxRetries: 9}, given: "arrive 0-2, join a 3, leave a, join b 2", want: "a: ; b: 0(1) 1(1); retry: 2(1); done to -1"},
		"too many retries park":                                  {limits: groupLimits{maxRetries: 1}, given: "arrive 0, join a 1, nack a 0 retry, nack a 0 retry", want: "a: ; park: 0(1); done to -1"},
		"a group without retries parks at once":                  {given: "arrive 0, join a 1, nack a 0 retry", want: "a: ; park: 0; done to -1"},
		"a consumer that leaves parks nothing":                   {given: "arrive 0, join a 1, leave a, join b 1, leave b", want: "a: ; b: ; retry: 0(2); done to -1"},
		"a message that is parked is finished when written":      {given: "arrive 0-1, join a 1, nack a 0 park, write, written", want: "a: 1; done to 0"},
		"a message that is being parked holds the checkpoint":    {given: "arrive 0-1, join a 1, nack a 0 park, ack a 1, write", want: "a: ; park: 0; done to -1"},
		"a message that could not be parked comes again":         {given: "arrive 0-1, join a 1, nack a 0 park, ack a 1, write, unwritten", want: "a: 0; done to -1"},
		"a message held too long comes again":                    {limits: groupLimits{maxRetries: 1, messageTimeout: time.Minute}, given: "arrive 0, join a 1, wait 59s, wait 1s", want: "a: 0(1); done to -1"},
		"a message that times out too often is parked":           {limits: groupLimits{messageTimeout: time.Minute}, given: "arrive 0, join a 1, wait 1m", want: "a: ; park: 0; done to -1"},
		"no timeout means never":                                 {given: "arrive 0, join a 1, wait 10000h", want: "a: 0; done to -1"},
		"replayed messages come after other retries":             {limits: groupLimits{maxRetries: 9}, given: "arrive 0-3, join a 1, replay 0, replay 1, nack a 0 retry, ack a 0", want: "a: r0; retry: r1; fresh: 1 2 3; done to 0"},
		"replayed messages do not hold the checkpoint":           {given: "arrive 0, join a 2, replay 0, ack a 0", want: "a: r0; done to 0"},
		"a replayed message can be parked again":                 {given: "join a 1, replay 0, nack a r0 park", want: "a: ; park: r0; done to -1"},
		"no more consumers than allowed":                         {limits: groupLimits{maxConsumers: 1}, given: "join a 1, leave a, join b 1", want: "a: ; b: ; done to -1"},
		"round robin takes turns":                                {given: "join a 9, join b 9, join c 1, arrive 0-6", want: "a: 0 3 5; b: 1 4 6; c: 2; done to -1"},
		"dispatch to single fills one and then the next":         {strategy: dispatchToSingle, given: "join a 2, join b 2, arrive 0-4, ack a 0", want: "a: 1 4; b: 2 3; done to 0"},
		"pinned keeps a stream with its consumer":                {strategy: pinned, given: "join a 9, join b 9, arrive 0/1, arrive 1/2, arrive 2/1, arrive 3/2", want: "a: 0 2; b: 1 3; done to -1"},
		"pinned lets others overtake a full consumer":            {strategy: pinned, given: "join a 1, join b 9, arrive 0/1, arrive 1/2, arrive 2/1, arrive 3/2", want: "a: 0; b: 1 3; fresh: 2; done to -1"},
		"pinned gives the streams of who left to somebody else":  {strategy: pinned, given: "join a 9, join b 9, arrive 0/1, leave a, arrive 1/1", want: "a: ; b: 0(1) 1; done to -1"},
		"pinned moves nothing to a newcomer":                     {strategy: pinned, given: "join a 9, arrive 0/1, join b 9, arrive 1/1, arrive 2/2", want: "a: 0 1; b: 2; done to -1"},
		"pinned remembers the order of what it passed over":      {strategy: pinned, given: "join a 1, join b 2, arrive 0/1, arrive 1/2, arrive 2/1, arrive 3/2, arrive 4/1, arrive 5/2", want: "a: 0; b: 1 3; fresh: 2 4 5; done to -1"},
		"an event that is in the source twice is finished twice": {given: "arrive 1, arrive 257, join a 2, ack a 1", want: "a: 257; done to 1"},
	} {
		t.Run(rule, func(t *testing.T) {
			if tt.strategy == "" {
				tt.strategy = roundRobin
			}
			b := newBench(tt.limits, tt.strategy)
			for _, step := range strings.Split(tt.given, ", ") {
				if err := b.do(step); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.state(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	b := newBench(groupLimits{maxConsumers: 1}, roundRobin)
	if err := b.do("join a 1"); err != nil || b.do("join b 1") == nil {
		t.Error("a second consumer joined a group for one")
	}
}

func TestWhenACheckpointIsWritten(t *testing.T) {
	limits := groupLimits{minCheckpoint: 2, maxCheckpoint: 3, checkpointAfter: 10 * time.Second}
	for rule, tt := range map[string]struct {
		given  string
		due    bool
		ending bool
	}{
		"not for nothing":                         {given: "wait 1h", due: false, ending: false},
		"at once when enough is finished":         {given: "ack a 0, ack a 1, ack a 2", due: true, ending: true},
		"not yet when little is finished":         {given: "ack a 0, ack a 1", due: false, ending: true},
		"after a while when some is finished":     {given: "ack a 0, ack a 1, wait 10s", due: true, ending: true},
		"not for too little, however long":        {given: "ack a 0, wait 1h", due: false, ending: true},
		"not for what is behind an unfinished":    {given: "ack a 1, ack a 2, ack a 3, wait 1h", due: false, ending: false},
		"what is saved does not count again":      {given: "ack a 0, ack a 1, ack a 2, save, ack a 3, wait 1h", due: false, ending: true},
		"for records that a filter rejected":      {given: "ack a 0, ack a 1, ack a 2, ack a 3, save, reject, wait 10s", due: true, ending: true},
		"not at once for what a filter rejected":  {given: "ack a 0, ack a 1, ack a 2, ack a 3, save, reject", due: false, ending: false},
		"a few rejected records are not worth it": {given: "ack a 0, ack a 1, ack a 2, ack a 3, save, look 900, wait 1h", due: false, ending: false},
	} {
		t.Run(rule, func(t *testing.T) {
			b := newBench(limits, roundRobin)
			for _, step := range strings.Split("join a 9, arrive 0-3, "+tt.given, ", ") {
				if step == "reject" {
					b.look(900, manyPassedOver)
					continue
				}
				if err := b.do(step); err != nil {
					t.Fatal(err)
				}
			}
			if got := b.checkpointDue(b.now, false); got != tt.due {
				t.Errorf("due: %v", got)
			}
			if got := b.checkpointDue(b.now, true) && !tt.due; got != (tt.ending && !tt.due) {
				t.Errorf("due when the group ends: %v", got)
			}
		})
	}
}

// Nothing is lost. Whatever consumers do, every event is in exactly one
// place, the checkpoint passes none that is not finished, never goes back, and
// nobody holds more than it has slots.
func TestGroupLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(groupLimits{
			maxRetries:     rapid.IntRange(0, 2).Draw(t, "max retries"),
			messageTimeout: time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout")) * time.Second,
			buffer:         rapid.IntRange(2, 20).Draw(t, "buffer"),
		}, rapid.SampledFrom([]string{roundRobin, dispatchToSingle, pinned}).Draw(t, "strategy"))
		next, parkedNext, checkpoint := int64(0), int64(0), int64(-1)
		finished := map[uuid.UUID]bool{}
		arrived := map[uuid.UUID]int64{}
		someone := func() string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "who") }
		for range rapid.IntRange(1, 80).Draw(t, "steps") {
			who := someone()
			c := b.who[who]
			switch what := rapid.IntRange(0, 9).Draw(t, "what"); {
			case what < 2 && b.room() > 0:
				step := fmt.Sprintf("arrive %d/%d", next, rapid.IntRange(0, 3).Draw(t, "bucket"))
				arrived[idOf(next, false)] = next
				must(t, b.do(step))
				next += int64(rapid.IntRange(1, 2).Draw(t, "gap"))
			case what == 2 && c == nil:
				must(t, b.do(fmt.Sprintf("join %s %d", who, rapid.IntRange(1, 4).Draw(t, "slots"))))
			case what == 3 && c != nil:
				must(t, b.do("leave "+who))
				delete(b.who, who)
			case what == 4:
				must(t, b.do(fmt.Sprintf("wait %ds", rapid.IntRange(0, 2).Draw(t, "seconds"))))
			case what == 5:
				must(t, b.do("write"))
			case what == 6:
				writing := append(slices.Clone(b.wrote), b.toPark...)
				outcome := rapid.SampledFrom([]string{"written", "unwritten"}).Draw(t, "outcome")
				if outcome == "written" {
					for _, m := range writing {
						finished[m.id] = true
					}
				}
				must(t, b.do(outcome))
			case what == 7:
				arrived[idOf(parkedNext, true)] = -1
				must(t, b.do(fmt.Sprintf("replay %d", parkedNext)))
				parkedNext++
			case what > 7 && c != nil && c.holding > 0:
				m := rapid.SampledFrom(c.holds()).Draw(t, "message")
				answer := rapid.SampledFrom([]string{"ack", "retry", "park", "skip"}).Draw(t, "answer")
				if answer == "ack" || answer == "skip" {
					finished[m.id] = true
				}
				switch answer {
				case "ack":
					b.ack(c, m.id)
				default:
					b.nack(c, m.id, map[string]nackAction{"retry": nackRetry, "park": nackPark, "skip": nackSkip}[answer], "asked for")
				}
				b.dispatch(b.now)
			}
			checkGroup(t, b, arrived, finished, &checkpoint)
		}
	})
}

func must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func checkGroup(t *rapid.T, b *bench, arrived map[uuid.UUID]int64, finished map[uuid.UUID]bool, checkpoint *int64) {
	found := map[uuid.UUID]int{}
	for _, l := range [][]*message{b.fresh, b.retries, b.toPark, b.wrote} {
		for _, m := range l {
			found[m.id]++
		}
	}
	free := 0
	for _, c := range b.consumers {
		held := c.holds()
		for _, m := range held {
			found[m.id]++
		}
		if len(held) != c.holding || c.holding > c.slots || len(c.outbox) > c.holding {
			t.Fatalf("%d messages held, %d counted, %d slots, %d to be sent", len(held), c.holding, c.slots, len(c.outbox))
		}
		free += c.slots - c.holding
	}
	if waiting := len(b.fresh) + len(b.retries); free > 0 && waiting > 0 && !b.strategy.overtakes() {
		t.Fatalf("%d slots are free and %d messages wait", free, waiting)
	}
	place, _ := b.checkpoint()
	for id, at := range arrived {
		want := 1
		if finished[id] {
			want = 0
		}
		if found[id] != want {
			t.Fatalf("event %d is in %d places, finished: %v; %s", at, found[id], finished[id], b.state())
		}
		if at >= 0 && at <= place && !finished[id] {
			t.Fatalf("the checkpoint %d is past event %d, which is not finished; %s", place, at, b.state())
		}
	}
	if place < *checkpoint {
		t.Fatalf("the checkpoint went back from %d to %d", *checkpoint, place)
	}
	*checkpoint = place
	if !slices.IsSortedFunc(b.retries, func(x, y *message) int {
		if x.goesBefore(y) {
			return -1
		}
		return 1
	}) {
		t.Fatalf("retries are out of order: %s", b.state())
	}
}
