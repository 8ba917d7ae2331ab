package eventstoredb_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
	"tracekeep/eventschema"
)

// TestStoreContract is the contract of domain.Store, for both ways of appending
// and for every endpoint.
func TestStoreContract(t *testing.T) {
	endpoints(t, func(t *testing.T, connection string) {
		client := connect(t, connection)
		store := eventstoredb.NewStore(client)
		bulk, err := eventstoredb.NewBulk(client)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = bulk.Close() })
		for name, s := range map[string]domain.Store{"append": store, "batch append": bulk} {
			for rule, check := range contract {
				t.Run(name+"/"+rule, func(t *testing.T) { check(t, s) })
			}
		}
	})
}

var contract = map[string]func(*testing.T, domain.Store){
	"a stream that does not exist yields nothing": func(t *testing.T, s domain.Store) {
		if got := read(t, s, newStream(), 0); len(got) != 0 {
			t.Fatalf("got %d events", len(got))
		}
	},
	"what was appended is read back byte for byte, in order, from any revision": func(t *testing.T, s domain.Store) {
		stream, events := newStream(), proposed(5)
		events[1].Data = []byte("{\"a\" : 1.0,\n\"b\":\"\\u00e9é\"}")
		appended := mustAppend(t, s, stream, domain.NoStream, events)
		if appended.Revision != 4 || appended.Position == 0 {
			t.Fatalf("appended at %+v", appended)
		}
		got := read(t, s, stream, 0)
		checkRecorded(t, stream, events, got)
		if last := got[4].Position; last != appended.Position {
			t.Errorf("position %d was answered, %d is stored", appended.Position, last)
		}
		if tail := read(t, s, stream, 3); len(tail) != 2 || tail[0].Revision != 3 {
			t.Errorf("from revision 3: %d events", len(tail))
		}
		if none := read(t, s, stream, 5); len(none) != 0 {
			t.Errorf("past the end: %d events", len(none))
		}
	},
	"a stream longer than one page is read whole": func(t *testing.T, s domain.Store) {
		stream := newStream()
		expected := domain.NoStream
		for range 5 {
			expected = domain.Expected(mustAppend(t, s, stream, expected, proposed(2000)).Revision)
		}
		if got := read(t, s, stream, 0); len(got) != 10_000 || got[9999].Revision != 9999 {
			t.Fatalf("got %d events", len(got))
		}
	},
	"a wrong expectation is a conflict and stores nothing": func(t *testing.T, s domain.Store) {
		stream := newStream()
		for _, wrong := range []domain.Expected{0, 7} {
			if _, err := s.Append(t.Context(), stream, wrong, proposed(1)); !errors.Is(err, domain.ErrConflict) {
				t.Errorf("expected %d of no stream: %v", wrong, err)
			}
		}
		mustAppend(t, s, stream, domain.NoStream, proposed(3))
		for _, wrong := range []domain.Expected{domain.NoStream, 0, 1, 3, 9} {
			if _, err := s.Append(t.Context(), stream, wrong, proposed(1)); !errors.Is(err, domain.ErrConflict) {
				t.Errorf("expected %d of a stream at 2: %v", wrong, err)
			}
		}
		if got := read(t, s, stream, 0); len(got) != 3 {
			t.Errorf("%d events are stored", len(got))
		}
	},
	"an append repeated with the same ids and expectation answers as the first did": func(t *testing.T, s domain.Store) {
		stream, events := newStream(), proposed(3)
		first := mustAppend(t, s, stream, domain.NoStream, events)
		mustAppend(t, s, stream, 2, proposed(1))
		if again := mustAppend(t, s, stream, domain.NoStream, events); again != first {
			t.Errorf("first %+v, again %+v", first, again)
		}
		if got := read(t, s, stream, 0); len(got) != 4 {
			t.Errorf("%d events are stored", len(got))
		}
	},
	"an append is too big: refused, without effect and at once": func(t *testing.T, s domain.Store) {
		stream, events := newStream(), proposed(1)
		events[0].Data = []byte(`"` + string(bytes.Repeat([]byte("x"), 2<<20)) + `"`)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := s.Append(ctx, stream, domain.NoStream, events); !errors.Is(err, eventstoredb.ErrRefused) {
			t.Fatalf("got %v", err)
		}
	},
	"an append of nothing, or of an event without an id, is refused": func(t *testing.T, s domain.Store) {
		noID := proposed(1)
		noID[0].ID = uuid.Nil
		for _, events := range [][]eventschema.Proposed{nil, noID} {
			if _, err := s.Append(t.Context(), newStream(), domain.NoStream, events); !errors.Is(err, eventstoredb.ErrRefused) {
				t.Errorf("got %v", err)
			}
		}
	},
	"a reader may stop early and read again": func(t *testing.T, s domain.Store) {
		stream := newStream()
		mustAppend(t, s, stream, domain.NoStream, proposed(1000))
		events := s.ReadStream(t.Context(), stream, 0)
		for range 2 {
			for e, err := range events {
				if err != nil || e.Revision != 0 {
					t.Fatalf("revision %d, %v", e.Revision, err)
				}
				break
			}
		}
	},
	"a cancelled reader ends with its error": func(t *testing.T, s domain.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range s.ReadStream(ctx, newStream(), 0) {
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got %v", err)
			}
		}
	},
}

func checkRecorded(t *testing.T, stream string, want []eventschema.Proposed, got []eventschema.Recorded) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events of %d", len(got), len(want))
	}
	for i, e := range got {
		w := want[i]
		if e.ID != w.ID || e.Type != w.Type || !bytes.Equal(e.Data, w.Data) || !bytes.Equal(e.Metadata, w.Metadata) ||
			e.ContentType != eventschema.ContentTypeJSON || e.Stream != stream || e.Revision != uint64(i) {
			t.Errorf("event %d came back as %+v", i, e)
		}
		if e.Created.IsZero() || e.Created.Location() != time.UTC || e.Created.Nanosecond()%100 != 0 {
			t.Errorf("event %d was created at %v, not in steps of 100 ns UTC", i, e.Created)
		}
		if i > 0 && e.Position <= got[i-1].Position {
			t.Errorf("position %d after %d", e.Position, got[i-1].Position)
		}
	}
}

func TestReadStreamBackwards(t *testing.T) {
	endpoints(t, func(t *testing.T, connection string) {
		store := eventstoredb.NewStore(connect(t, connection))
		for _, n := range []int{0, 1, 15, 16, 17, 500} {
			stream := newStream()
			if n > 0 {
				mustAppend(t, store, stream, domain.NoStream, proposed(n))
			}
			got := collect(t, store.ReadStreamBackwards(t.Context(), stream))
			if len(got) != n {
				t.Fatalf("%d events of %d", len(got), n)
			}
			for i, e := range got {
				if e.Revision != uint64(n-1-i) {
					t.Fatalf("revision %d at place %d of %d", e.Revision, i, n)
				}
			}
		}
	})
}

// promise: the log after a position, system events included.
func TestReadAll(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	first, second := newStream(), newStream()
	mustAppend(t, store, first, domain.NoStream, proposed(3000))
	mustAppend(t, store, "$"+second, domain.NoStream, proposed(2))
	mustAppend(t, store, first, 2999, proposed(3000))
	all := collect(t, store.ReadAll(t.Context(), 0))
	if len(all) != 6002 {
		t.Fatalf("%d events in the log", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].Position <= all[i-1].Position {
			t.Fatalf("position %d after %d", all[i].Position, all[i-1].Position)
		}
	}
	for _, from := range []int{0, 2999, 3000, 6000, 6001} {
		rest := collect(t, store.ReadAll(t.Context(), all[from].Position))
		if len(rest) != len(all)-from-1 {
			t.Errorf("after event %d: %d events", from, len(rest))
		}
		if len(rest) > 0 && rest[0].Position != all[from+1].Position {
			t.Errorf("after event %d comes position %d", from, rest[0].Position)
		}
	}
}

// promise: ST-65
func TestStoreIsForItsTenantsOnly(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	ours, theirs := uuid.New(), uuid.New()
	store := eventstoredb.NewStore(client, eventstoredb.OnlyTenants(ours))
	mustAppend(t, store, eventschema.PersonStream(ours, uuid.New()).String(), domain.NoStream, proposed(1))
	for _, stream := range []string{eventschema.PersonStream(theirs, uuid.New()).String(), "$users", "anything"} {
		if _, err := store.Append(t.Context(), stream, domain.NoStream, proposed(1)); !errors.Is(err, eventstoredb.ErrOtherTenant) {
			t.Errorf("append: %v", err)
		}
		for name, events := range map[string]iter.Seq2[eventschema.Recorded, error]{
			"read":      store.ReadStream(t.Context(), stream, 0),
			"backwards": store.ReadStreamBackwards(t.Context(), stream),
			"all":       store.ReadAll(t.Context(), 0),
		} {
			for _, err := range events {
				if !errors.Is(err, eventstoredb.ErrOtherTenant) {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestConfigIsCheckedWhole(t *testing.T) {
	_, err := eventstoredb.NewClient(eventstoredb.Config{
		ConnectionString: "http://user:secret@host", MaxInFlight: -1, CallTimeout: -1, MinPause: 2, MaxPause: 1,
	})
	for _, part := range []string{"ConnectionString", "MaxInFlight", "CallTimeout", "pauses"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(part)) {
			t.Errorf("%s is not reported in %v", part, err)
		}
	}
	if err != nil && bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("a password is quoted: %v", err)
	}
}

func mustAppend(t testing.TB, s domain.Store, stream string, expected domain.Expected, events []eventschema.Proposed) domain.Appended {
	t.Helper()
	appended, err := s.Append(within(t, 30*time.Second), stream, expected, events)
	if err != nil {
		t.Fatalf("append to %s: %v", stream, err)
	}
	return appended
}

func read(t testing.TB, s domain.Store, stream string, from uint64) []eventschema.Recorded {
	t.Helper()
	return collect(t, s.ReadStream(within(t, 30*time.Second), stream, from))
}

func collect(t testing.TB, events iter.Seq2[eventschema.Recorded, error]) []eventschema.Recorded {
	t.Helper()
	var got []eventschema.Recorded
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	return got
}

func TestLastPosition(t *testing.T) {
	client := connect(t, startNode(t).ConnectionString())
	store := eventstoredb.NewStore(client)
	if last, err := store.LastPosition(t.Context()); last != 0 || err != nil {
		t.Errorf("an empty log ends at %d, %v", last, err)
	}
	appended := mustAppend(t, store, newStream(), domain.NoStream, proposed(3))
	if last, err := store.LastPosition(t.Context()); last != appended.Position || err != nil {
		t.Errorf("the log ends at %d, %v, not at %d", last, err, appended.Position)
	}
	_ = client.Close()
	if _, err := store.LastPosition(t.Context()); !errors.Is(err, domain.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
}
