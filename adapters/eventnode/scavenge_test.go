package eventnode

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// movedClock is a clock that a test moves.
type movedClock struct {
	mu  sync.Mutex
	now time.Time
}

func newMovedClock() *movedClock {
	return &movedClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (c *movedClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *movedClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// past is what a case of the scavenge table writes with.
type past struct {
	t     *testing.T
	c     *esdb.Client
	n     *Node
	clock *movedClock
}

func (s past) append(stream, types string) { s.t.Helper(); letters(s.t, s.c, stream, types) }

func (s past) set(stream string, change func(*esdb.StreamMetadata)) {
	s.t.Helper()
	var m esdb.StreamMetadata
	change(&m)
	if _, err := s.c.SetStreamMetadata(within(s.t), stream, esdb.AppendToStreamOptions{}, m); err != nil {
		s.t.Fatal(err)
	}
}

func (s past) delete(stream string) {
	s.t.Helper()
	if _, err := s.c.DeleteStream(within(s.t), stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		s.t.Fatal(err)
	}
}

func (s past) tombstone(stream string) {
	s.t.Helper()
	if _, err := s.c.TombstoneStream(within(s.t), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		s.t.Fatal(err)
	}
}

func (s past) scavenge() ScavengeReport {
	s.t.Helper()
	report, err := s.n.Scavenge(within(s.t), ScavengeOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

// log is what the whole log shows, except what scavenges tell of themselves.
func (s past) log() string {
	s.t.Helper()
	all, err := s.c.ReadAll(within(s.t), esdb.ReadAllOptions{From: esdb.Start{}}, 1000)
	var b strings.Builder
	for _, e := range collect(s.t, all, err) {
		if strings.Contains(e.Event.StreamID, scavengesStream) {
			continue
		}
		b.WriteString(strings.NewReplacer("$metadata", "M", "$streamDeleted", "T").Replace(e.Event.EventType))
	}
	return b.String()
}

func maxCountOf(n uint64) func(*esdb.StreamMetadata) {
	return func(m *esdb.StreamMetadata) { m.SetMaxCount(n) }
}

func maxAgeOf(d time.Duration) func(*esdb.StreamMetadata) {
	return func(m *esdb.StreamMetadata) { m.SetMaxAge(d) }
}

func truncateBefore(rev uint64) func(*esdb.StreamMetadata) {
	return func(m *esdb.StreamMetadata) { m.SetTruncateBefore(rev) }
}

func TestScavengeRemovesWhatNobodySees(t *testing.T) {
	for name, tt := range map[string]struct {
		given  func(past)
		log    string // what is left of the log
		stream string // what the stream "s" shows, "-" when it does not
	}{
		"nothing is hidden": {
			func(s past) { s.append("s", "abc") }, "abc", "abc"},
		"events beyond $maxCount": {
			func(s past) { s.append("s", "abcde"); s.set("s", maxCountOf(2)) }, "deM", "de"},
		"events before $tb": {
			func(s past) { s.append("s", "abcde"); s.set("s", truncateBefore(3)) }, "deM", "de"},
		"the last event stays, though $tb hides it": {
			func(s past) { s.append("s", "abc"); s.set("s", truncateBefore(9)) }, "cM", ""},
		"events older than $maxAge": {
			func(s past) {
				s.set("s", maxAgeOf(time.Hour))
				s.append("s", "ab")
				s.clock.pass(2 * time.Hour)
				s.append("s", "cd")
			}, "Mcd", "cd"},
		"the last event stays, however old": {
			func(s past) {
				s.set("s", maxAgeOf(time.Hour))
				s.append("s", "abc")
				s.clock.pass(2 * time.Hour)
			}, "Mc", ""},
		"young events stay, though $maxAge is set": {
			func(s past) { s.set("s", maxAgeOf(time.Hour)); s.append("s", "abc") }, "Mabc", "abc"},
		"two limits: the stricter one counts": {
			func(s past) {
				s.append("s", "abcdef")
				s.set("s", func(m *esdb.StreamMetadata) { m.SetMaxCount(4); m.SetTruncateBefore(3) })
			}, "defM", "def"},
		"old metadata": {
			func(s past) { s.set("s", maxCountOf(9)); s.append("s", "a"); s.set("s", maxCountOf(8)) }, "aM", "a"},
		"a deleted stream keeps its last event and metadata": {
			func(s past) { s.append("s", "abc"); s.set("s", maxCountOf(9)); s.delete("s") }, "cM", "-"},
		"a stream that was deleted and written again": {
			func(s past) { s.append("s", "abc"); s.delete("s"); s.append("s", "de") }, "deM", "de"},
		"an ended stream keeps its tombstone only": {
			func(s past) { s.append("s", "abc"); s.set("s", maxCountOf(2)); s.tombstone("s") }, "T", "-"},
		"an ended stream that had no events": {
			func(s past) { s.append("o", "a"); s.tombstone("s") }, "aT", "-"},
		"a deleted, then ended stream": {
			func(s past) { s.append("s", "abc"); s.delete("s"); s.tombstone("s") }, "T", "-"},
		"other streams between the removed events": {
			func(s past) {
				for _, x := range "abc" {
					s.append("s", string(x))
					s.append("o", strings.ToUpper(string(x)))
				}
				s.set("s", maxCountOf(1))
			}, "ABcCM", "c"},
		"what became visible again since stays": {
			func(s past) {
				s.append("s", "abcd")
				s.set("s", truncateBefore(3))
				s.set("s", truncateBefore(1))
			}, "bcdM", "bcd"},
		"what is gone does not come back when the limit goes": {
			func(s past) {
				s.append("s", "abcd")
				s.set("s", maxCountOf(1))
				s.scavenge()
				s.set("s", func(*esdb.StreamMetadata) {})
			}, "dM", "d"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newMovedClock()
			n := start(t, func(c *Config) { c.Clock, c.FS, c.Dir = clock.read, vfs.NewMem(), "store" })
			s := past{t: t, n: n, c: connect(t, n), clock: clock}
			tt.given(s)
			before := shows(t, s.c, "s")
			s.scavenge()
			if got := s.log(); got != tt.log {
				t.Errorf("the log shows %q, want %q", got, tt.log)
			}
			if got := shows(t, s.c, "s"); got != tt.stream || got != before {
				t.Errorf("the stream shows %q, before %q, want %q", got, before, tt.stream)
			}
			wantInvariants(t, n.store)
			if again := s.scavenge(); again.Events > 0 {
				t.Errorf("a second scavenge removed %d more events", again.Events)
			}
			_ = s.c.Close()
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(t.Context(), VerifyConfig{Dir: n.cfg.Dir, FS: n.cfg.FS, Found: func(d Defect) { t.Errorf("verify found %s", d) }}); err != nil {
				t.Error(err)
			}
		})
	}
}

// shows is what a reader of the stream sees forwards, "-" when it finds none;
// what he sees backwards must be the same.
func shows(t *testing.T, c *esdb.Client, stream string) string {
	t.Helper()
	if readError(t, c, stream) != -1 {
		return "-"
	}
	forth := readTypes(t, c, stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1000)
	back := []byte(readTypes(t, c, stream, esdb.ReadStreamOptions{From: esdb.End{}, Direction: esdb.Backwards}, 1000))
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	if forth != string(back) {
		t.Errorf("forwards %q, backwards %q", forth, back)
	}
	return forth
}

// What a writer makes visible again after the scavenge has looked stays.
func TestScavengeAsksAgainWhatIsHidden(t *testing.T) {
	n := start(t)
	s := past{t: t, n: n, c: connect(t, n)}
	s.append("s", "abcd")
	s.set("s", truncateBefore(3))
	h, found, err := n.store.loadHead("s")
	if err != nil || !found {
		t.Fatal(err)
	}
	v := newScavenger(n.store, n.sequencer, n.cfg, "", ScavengeOptions{})
	v.state.Position = n.store.mark.position()
	s.set("s", truncateBefore(1))
	if err := v.scavengeStream(within(t), h); err != nil {
		t.Fatal(err)
	}
	if got := shows(t, s.c, "s"); got != "bcd" || v.state.Events != 1 {
		t.Errorf("the stream shows %q, %d events were removed", got, v.state.Events)
	}
}
