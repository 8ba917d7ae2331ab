package trail

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// story writes a log event by event and remembers what an event store would
// have, so that a test can take some of it away.
type story struct {
	t      *testing.T
	events []Event
	next   map[string]uint64
	gone   Marks
}

func newStory(t *testing.T) *story { return &story{t: t, next: map[string]uint64{}} }

func (s *story) add(stream, eventType, data string) uint64 {
	leaf := uint64(len(s.events))
	s.events = append(s.events, Event{
		Stream: stream, Revision: s.next[stream], Position: 100 + 10*leaf, Type: eventType, ContentType: "application/json",
		Created: time.Unix(1e9, 0), Data: []byte(data), ID: [16]byte{byte(leaf), byte(leaf >> 8)},
	})
	s.next[stream]++
	return leaf
}

func (s *story) events3(streams ...string) {
	for range 3 {
		for _, stream := range streams {
			s.add(stream, "punch-recorded.v2", `{"n":1}`)
		}
	}
}

func (s *story) keep(stream, metadata string) { s.add("$$"+stream, typeMetadata, metadata) }

// end ends a stream, as a store does: the tombstone has the last revision there is.
func (s *story) end(stream string) {
	leaf := s.add(stream, typeEnded, "")
	s.events[leaf].Revision = 1<<63 - 1
}

func (s *story) leavesOf(stream string, from, to uint64) (leaves []uint64) {
	for leaf, e := range s.events {
		if e.Stream == stream && e.Revision >= from && e.Revision < to {
			leaves = append(leaves, uint64(leaf))
		}
	}
	return leaves
}

// list lists revisions of a stream truthfully, but for what bend does.
func (s *story) list(stream string, from, to uint64, bend ...func(*Listing)) {
	l := Listing{Stream: stream, FirstRevision: from}
	for _, leaf := range s.leavesOf(stream, from, to) {
		body, _ := BodyOf(s.events[leaf])
		l.Leaves, l.Positions, l.Bodies = append(l.Leaves, leaf), append(l.Positions, s.events[leaf].Position), append(l.Bodies, body)
	}
	for _, change := range bend {
		change(&l)
	}
	data, err := json.Marshal(l)
	if err != nil {
		s.t.Fatal(err)
	}
	s.add("removal-a", "removal-listed.v1", string(data))
}

func (s *story) remove(stream string, from, to uint64) {
	for _, leaf := range s.leavesOf(stream, from, to) {
		s.gone.Add(leaf)
	}
}

// judged follows the log as a verifier of a store does: what is gone is explained
// when its listing comes.
func (s *story) judged() []Finding {
	accounts := NewAccounts(true)
	missing := s.gone
	missing.words = slices.Clone(missing.words)
	var found []Finding
	for i, e := range s.events {
		leaf := uint64(i)
		if s.gone.Has(leaf) {
			continue
		}
		accounts.Event(leaf, e)
		if !IsListing(e) {
			continue
		}
		listing, err := ParseListing(e)
		if err != nil {
			found = append(found, Finding{Leaf: leaf, Kind: KindFalseClaim, Detail: err.Error()})
			continue
		}
		for i, named := range listing.Leaves {
			if removed := listing.Names(i); missing.Has(named) && removed.Shows(LeafHash(s.events[named])) {
				missing.Remove(named)
				found = append(found, accounts.Removed(named, removed)...)
			}
		}
		found = append(found, accounts.List(leaf, e, listing)...)
	}
	for leaf := range missing.All {
		found = append(found, Finding{Leaf: leaf, Kind: KindRemoved, Detail: "no listing names it"})
	}
	last, summary := accounts.Close(len(found) > 0)
	if want := s.gone.Count() - missing.Count(); summary.Removed > want {
		s.t.Errorf("%d removals counted, there were %d", summary.Removed, want)
	}
	return append(found, last...)
}

const (
	stream = "punches-0a.0b.2026"
	other  = "punches-0a.0c.2026"
)

// promise: I9
func TestWhatExplainsARemoval(t *testing.T) {
	for rule, c := range map[string]struct {
		tell func(s *story)
		want string // kind and leaf of each finding; empty where all is well
	}{
		"nothing is gone": {func(s *story) { s.events3(stream, other) }, ""},
		"what $tb cut off was listed, then removed": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2)
			s.remove(stream, 0, 2)
		}, ""},
		"listed and not yet removed": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2)
		}, ""},
		"removed in part": {func(s *story) {
			s.events3(stream)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2)
			s.remove(stream, 0, 1)
		}, ""},
		"twice, and the older metadata went too": {func(s *story) {
			s.events3(stream, stream)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2)
			s.keep(stream, `{"$tb":4}`)
			s.list(stream, 2, 4)
			s.list("$$"+stream, 0, 1)
			s.remove(stream, 0, 4)
			s.remove("$$"+stream, 0, 1)
		}, ""},
		"what $maxCount and $maxAge hide": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$maxCount":1}`)
			s.keep(other, `{"$maxAge":60}`)
			s.list(stream, 0, 2)
			s.list(other, 0, 1)
			s.remove(stream, 0, 2)
			s.remove(other, 0, 1)
		}, ""},
		"a stream that was ended, with all its metadata": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$maxCount":9}`)
			s.end(stream)
			s.list(stream, 0, 3)
			s.list("$$"+stream, 0, 1)
			s.remove(stream, 0, 3)
			s.remove("$$"+stream, 0, 1)
		}, ""},
		"removed without a word": {func(s *story) {
			s.events3(stream, other)
			s.remove(stream, 0, 1)
		}, "removed 0"},
		"removed with an order but not listed": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":1}`)
			s.remove(stream, 0, 1)
		}, "removed 0"},
		"one more removed than was listed": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 1)
			s.remove(stream, 0, 2)
		}, "removed 2"},
		"listed without an order of the store": {func(s *story) {
			s.events3(stream, other)
			s.list(stream, 0, 1)
			s.remove(stream, 0, 1)
		}, "false_claim 6"},
		"listed beyond the order of the store": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":1}`)
			s.list(stream, 0, 2)
		}, "false_claim 7"},
		"the last event of a stream that goes on": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":9}`)
			s.list(stream, 0, 3)
			s.remove(stream, 0, 3)
		}, "removed 4"},
		"removed from the end": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":9}`)
			s.list(stream, 0, 3)
			s.remove(stream, 2, 3)
		}, "removed 4"},
		"removed from the middle": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":9}`)
			s.list(stream, 0, 3)
			s.remove(stream, 1, 2)
		}, "removed 2"},
		"the end of one stream disguised as the beginning of another": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2, func(l *Listing) { l.Leaves[1], l.Positions[1] = 5, s.events[5].Position })
			s.remove(other, 2, 3)
		}, "removed 5"},
		"the same with the body of the other stream": {func(s *story) {
			s.events3(stream, other)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2, func(l *Listing) {
				l.Leaves[1], l.Positions[1] = 5, s.events[5].Position
				l.Bodies[1], _ = BodyOf(s.events[5])
			})
			s.remove(other, 2, 3)
		}, "removed 5"},
		"a revision that never had a leaf": {func(s *story) {
			s.events3(stream)
			s.next[stream]++
			s.events3(stream)
		}, "gap 3"},
		"a stream that begins late": {func(s *story) {
			s.next[stream] = 4
			s.events3(stream)
		}, "gap 0"},
		"events that were removed before they had a leaf": {func(s *story) {
			s.next[stream] = 4
			s.events3(stream)
			s.keep(stream, `{"$tb":6}`)
			s.list(stream, 4, 6)
			s.remove(stream, 4, 6)
		}, "false_claim 4, removed 1"},
		"a listing that leaves revisions out": {func(s *story) {
			s.events3(stream, stream)
			s.keep(stream, `{"$tb":5}`)
			s.list(stream, 0, 2)
			s.list(stream, 3, 5)
		}, "false_claim 8"},
		"a listing of what comes after it": {func(s *story) {
			s.events3(stream)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2, func(l *Listing) { l.Leaves[1] = 9 })
		}, "false_claim 4"},
		"a listing whose parts do not fit": {func(s *story) {
			s.events3(stream)
			s.keep(stream, `{"$tb":2}`)
			s.list(stream, 0, 2, func(l *Listing) { l.Bodies = l.Bodies[:1] })
		}, "false_claim 4"},
		"a listing of the store's own streams": {func(s *story) {
			s.events3(stream)
			s.list(stream, 0, 2, func(l *Listing) { l.Stream = "$scavenges" })
		}, "false_claim 3"},
	} {
		t.Run(rule, func(t *testing.T) {
			s := newStory(t)
			c.tell(s)
			found := s.judged()
			var said []string
			for _, f := range found {
				said = append(said, fmt.Sprintf("%s %d", f.Kind, f.Leaf))
			}
			if got := strings.Join(said, ", "); got != c.want {
				t.Errorf("found %q, want %q: %+v", got, c.want, found)
			}
		})
	}
}

// A bundle tells of a removal where the leaf stands, before its listing comes.
func TestARemovalMayBeToldBeforeItsListing(t *testing.T) {
	for _, listed := range []bool{true, false} {
		s := newStory(t)
		s.events3(stream, other)
		s.keep(stream, `{"$tb":2}`)
		s.list(stream, 0, 2)
		accounts := NewAccounts(true)
		var found []Finding
		for i, e := range s.events {
			switch {
			case e.Stream == stream && e.Revision < 2:
				body, _ := BodyOf(e)
				found = append(found, accounts.Removed(uint64(i), Removed{Stream: stream, Revision: e.Revision, Position: e.Position, Body: body})...)
				continue
			case IsListing(e) && listed:
				listing, err := ParseListing(e)
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, accounts.List(uint64(i), e, listing)...)
			}
			accounts.Event(uint64(i), e)
		}
		last, summary := accounts.Close(len(found) > 0)
		found = append(found, last...)
		if listed != (len(found) == 0) || summary.Removed != 2 || summary.RemovedStreams != 1 {
			t.Errorf("listed %v: %+v %+v", listed, found, summary)
		}
	}
}

// Only of a whole log is it known where streams must begin.
func TestAPartOfALogMayBeginAnywhere(t *testing.T) {
	s := newStory(t)
	s.next[stream] = 40
	s.events3(stream)
	accounts := NewAccounts(false)
	for i, e := range s.events {
		accounts.Event(uint64(i), e)
	}
	if found, _ := accounts.Close(false); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestWhichStreamsCount(t *testing.T) {
	for name, want := range map[string]bool{
		"punches-0a.0b.2026": true, "$$punches-0a.0b.2026": true, "removal-0a.0b": true, "a$b": true,
		"$scavenges": false, "$$$scavenges": false, "$stats-127.0.0.1": false, "$$$stats-127.0.0.1": false, "$ce-punches": false,
	} {
		if Counts(name) != want {
			t.Errorf("%s counts: %v", name, !want)
		}
	}
}

// FuzzListing holds the parser to taking nothing whose parts do not fit.
func FuzzListing(f *testing.F) {
	f.Add(`{"stream":"a","first_revision":1,"leaves":[1,2],"positions":[3,4],"bodies":["` + Hash{}.String() + `","` + Hash{}.String() + `"]}`)
	f.Add(`{"stream":"$a","leaves":[1]}`)
	f.Add(strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, data string) {
		listing, err := ParseListing(Event{Stream: "removal-a", Type: "removal-listed.v1", Data: []byte(data)})
		if err != nil {
			return
		}
		accounts := NewAccounts(true)
		for i, leaf := range listing.Leaves {
			accounts.Removed(leaf, listing.Names(i))
		}
		accounts.List(listing.Leaves[len(listing.Leaves)-1]+1, Event{}, listing)
		accounts.Close(false)
	})
}
