package eventnode

import (
	"testing"

	"github.com/google/uuid"
)

// What was written before the node started is read while it serves already:
// only who names no revision waits for that, and then a repetition is seen.
func TestStartDoesNotWaitForIDs(t *testing.T) {
	n := start(t, func(c *Config) { c.NoSync = true })
	old := proposed{id: uuid.New(), typ: "x"}
	if _, err := n.sequencer.write(within(t), &writeRequest{stream: "old", expected: expectNoStream, events: []proposed{old}}); err != nil {
		t.Fatal(err)
	}
	warm := make(chan warmth)
	q := newSequencer(n.store, n.cfg, nil, warm)
	q.pos, q.lastStream = n.sequencer.pos, n.sequencer.lastStream
	go q.run()
	go q.settle()
	defer func() { close(q.stop); <-q.done }()
	for rule, r := range map[string]*writeRequest{
		"a revision is named":            {stream: "old", expected: 0, events: []proposed{{id: uuid.New(), typ: "x"}}},
		"nobody has written there":       {stream: "new", expected: expectNoStream, events: []proposed{{id: uuid.New(), typ: "x"}}},
		"the stream is new, no revision": {stream: "other", expected: expectAny, events: []proposed{{id: uuid.New(), typ: "x"}}},
	} {
		if o, err := q.write(within(t), r); err != nil || o.ruling != rulingWrite {
			t.Errorf("%s: %+v (%v)", rule, o, err)
		}
	}
	again := make(chan outcome, 1)
	if err := q.submit(within(t), &writeRequest{stream: "old", expected: expectAny, events: []proposed{old}, done: func(o outcome) { again <- o }}); err != nil {
		t.Fatal(err)
	}
	h, _ := n.store.heads.get("old")
	warm <- warmth{entries: []idEntry{{idKey{h.no, old.id}, 0}}} // the sequencer takes it because it needs it
	if o := <-again; o.ruling != rulingIdempotent || o.rev != 0 {
		t.Errorf("the repetition: %+v", o)
	}
}
