package eventnode

import (
	"context"
	"fmt"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// model is a stream as the protocol describes it, in the plainest terms.
type model struct {
	events     []uuid.UUID
	hidden     int // events below this revision are not shown
	maxCount   int // no more than so many are shown; 0: no limit
	floor      int // events below this revision were removed
	deleted    bool
	hasMeta    bool
	tombstoned bool
}

const (
	written   = "written"
	repeated  = "repeated"
	refused   = "wrong version"
	isDeleted = "stream deleted"
)

func (m *model) append(expected expectation, ids []uuid.UUID) string {
	at := func(i int) (uuid.UUID, bool) {
		if i >= m.floor && i < len(m.events) {
			return m.events[i], true
		}
		return uuid.UUID{}, false
	}
	has := func(id uuid.UUID) bool {
		for _, e := range m.events[m.floor:] {
			if e == id {
				return true
			}
		}
		return false
	}
	switch {
	case m.tombstoned || expected == expectStreamExists && m.deleted:
		return isDeleted
	case expected == expectStreamExists && len(m.events) == 0 && !m.hasMeta, int(expected) >= len(m.events):
		return refused
	case expected == expectAny || expected == expectStreamExists:
		for i, id := range ids {
			if !has(id) {
				if i == 0 {
					break
				}
				return refused
			}
			if i == len(ids)-1 {
				return repeated
			}
		}
	case int(expected) != len(m.events)-1:
		for i, id := range ids {
			old, ok := at(int(expected) + 1 + i)
			if ok && old == id {
				continue
			}
			if i == 0 && expected == expectNoStream && m.deleted {
				return m.write(ids)
			}
			return refused
		}
		return repeated
	}
	return m.write(ids)
}

func (m *model) write(ids []uuid.UUID) string {
	if m.deleted {
		m.hidden, m.deleted = len(m.events), false
	}
	m.events = append(m.events, ids...)
	return written
}

func (m *model) delete(expected expectation) string {
	if got := m.try(expected); got != written {
		return got
	}
	if len(m.events) == 0 && !m.hasMeta {
		return refused
	}
	m.deleted, m.hasMeta, m.maxCount = true, true, 0
	return written
}

// first is the lowest revision that is shown.
func (m *model) first() int {
	first := max(m.hidden, m.floor)
	if m.maxCount > 0 {
		first = max(first, len(m.events)-m.maxCount)
	}
	return min(first, len(m.events))
}

func (m *model) setMeta(maxCount, hidden int) string {
	if m.tombstoned {
		return isDeleted
	}
	if m.deleted { // writing metadata brings the stream back, without its events
		hidden = len(m.events)
	}
	m.hasMeta, m.deleted, m.maxCount, m.hidden = true, false, maxCount, hidden
	return written
}

// scavenge removes what is hidden, but not the last event of a stream that goes on.
func (m *model) scavenge() {
	switch {
	case m.tombstoned:
		m.floor = len(m.events)
	case m.deleted:
		m.floor = max(m.floor, len(m.events)-1)
	default:
		m.floor = max(m.floor, min(m.first(), len(m.events)-1))
	}
}

func (m *model) tombstone(expected expectation) string {
	got := m.try(expected)
	m.tombstoned = m.tombstoned || got == written
	return got
}

// try says what would become of an append of something new.
func (m *model) try(expected expectation) string {
	again := *m
	return again.append(expected, []uuid.UUID{uuid.New()})
}

func (e expectation) option() esdb.ExpectedRevision {
	switch e {
	case expectAny:
		return esdb.Any{}
	case expectNoStream:
		return esdb.NoStream{}
	case expectStreamExists:
		return esdb.StreamExists{}
	}
	return esdb.Revision(uint64(e))
}

func became(t *rapid.T, before int, w *esdb.WriteResult, err error) string {
	switch codeOf(err) {
	case esdb.ErrorCodeWrongExpectedVersion:
		return refused
	case esdb.ErrorCodeStreamDeleted:
		return isDeleted
	}
	if err != nil {
		t.Fatal(err)
	}
	if w.NextExpectedVersion >= uint64(before) {
		return written
	}
	return repeated
}

// Whatever is appended, repeated, deleted and ended in whatever order, the node
// answers and shows what the plain model does.
func TestStreamsBehaveAsTheModel(t *testing.T) {
	c := connect(t, start(t, func(cfg *Config) { cfg.NoSync = true }))
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		models := map[string]*model{}
		for _, s := range []string{"a", "b"} {
			models[fmt.Sprintf("model-%d-%s", run, s)] = &model{}
		}
		var pool []uuid.UUID
		steps := rapid.IntRange(1, 25).Draw(t, "steps")
		for range steps {
			name := fmt.Sprintf("model-%d-%s", run, rapid.SampledFrom([]string{"a", "b"}).Draw(t, "stream"))
			step(t, c, name, models[name], &pool)
			showsAsModel(t, c, name, models[name])
		}
	})
}

func step(t *rapid.T, c *esdb.Client, name string, m *model, pool *[]uuid.UUID) {
	ctx := context.Background()
	expected := expectation(rapid.SampledFrom([]int{-4, -2, -2, -1, -1, 0, 1, 2, 3, len(m.events) - 1, len(m.events) - 1, len(m.events) - 1}).Draw(t, "expected"))
	switch rapid.IntRange(0, 19).Draw(t, "action") {
	case 0:
		_, err := c.TombstoneStream(ctx, name, esdb.TombstoneStreamOptions{ExpectedRevision: expected.option()})
		compareRemoval(t, "tombstone", expected, m.tombstone(expected), err)
		return
	case 1, 2, 3:
		_, err := c.DeleteStream(ctx, name, esdb.DeleteStreamOptions{ExpectedRevision: expected.option()})
		compareRemoval(t, "delete", expected, m.delete(expected), err)
		return
	}
	var events []esdb.EventData
	var ids []uuid.UUID
	for range rapid.IntRange(1, 3).Draw(t, "events") {
		id := uuid.New()
		if len(*pool) > 0 && rapid.Bool().Draw(t, "known id") {
			id = (*pool)[rapid.IntRange(0, len(*pool)-1).Draw(t, "which")]
		}
		*pool = append(*pool, id)
		ids = append(ids, id)
		events = append(events, esdb.EventData{EventID: id, EventType: "t", Data: []byte("x")})
	}
	before := len(m.events)
	w, err := c.AppendToStream(ctx, name, esdb.AppendToStreamOptions{ExpectedRevision: expected.option()}, events...)
	if got, want := became(t, before, w, err), m.append(expected, ids); got != want {
		t.Fatalf("append expecting %d after %d events: %s, the model says %s", expected, before, got, want)
	}
}

// compareRemoval: a deletion at a wrong version is a bare failed precondition,
// for which the client has no code.
func compareRemoval(t *rapid.T, what string, expected expectation, want string, err error) {
	got := written
	switch {
	case codeOf(err) == esdb.ErrorCodeStreamDeleted:
		got = isDeleted
	case err != nil:
		got = refused
	}
	if got != want {
		t.Fatalf("%s expecting %d: %s (%v), the model says %s", what, expected, got, err, want)
	}
}

func showsAsModel(t *rapid.T, c *esdb.Client, name string, m *model) {
	s, err := c.ReadStream(context.Background(), name, esdb.ReadStreamOptions{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var got []uuid.UUID
	for {
		var e *esdb.ResolvedEvent
		if e, err = s.Recv(); err != nil {
			break
		}
		got = append(got, e.Event.EventID)
	}
	want := esdb.ErrorCode(-1)
	switch {
	case m.tombstoned:
		want = esdb.ErrorCodeStreamDeleted
	case len(m.events) == 0 || m.deleted:
		want = esdb.ErrorCodeResourceNotFound
	}
	if codeOf(err) != want {
		t.Fatalf("reading %s ended with %v, the model has %+v", name, err, m)
	}
	if want := m.events[m.first():]; codeOf(err) == -1 && fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("%s shows %v, the model %v", name, got, want)
	}
}
