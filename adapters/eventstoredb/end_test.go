package eventstoredb_test

import (
	"errors"
	"testing"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
)

// TestEnd ends streams for good.
func TestEnd(t *testing.T) {
	endpoints(t, func(t *testing.T, connection string) {
		store := eventstoredb.NewStore(connect(t, connection))
		stream := newStream()
		mustAppend(t, store, stream, domain.NoStream, proposed(3))
		if err := store.End(t.Context(), stream, 1); !errors.Is(err, domain.ErrConflict) {
			t.Fatalf("a stream that went on: %v, want a conflict", err)
		}
		if got := read(t, store, stream, 0); len(got) != 3 {
			t.Fatalf("after the conflict it has %d events", len(got))
		}
		for _, time := range []string{"the first time", "again"} {
			if err := store.End(t.Context(), stream, 2); err != nil {
				t.Fatalf("ended %s: %v", time, err)
			}
		}
		for _, err := range store.ReadStream(t.Context(), stream, 0) {
			if !errors.Is(err, eventstoredb.ErrStreamDeleted) {
				t.Errorf("an ended stream is read: %v", err)
			}
		}
		if _, err := store.Append(t.Context(), stream, 2, proposed(1)); !errors.Is(err, eventstoredb.ErrStreamDeleted) {
			t.Errorf("an ended stream is written: %v", err)
		}
	})
}
