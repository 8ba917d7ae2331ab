package eventnode

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// restartable is a node that goes down and comes up again on its disk.
type restartable struct {
	t    *testing.T
	disk vfs.FS
	n    *Node
	c    *esdb.Client
}

func (r *restartable) up() {
	r.t.Helper()
	r.n = start(r.t, func(cfg *Config) { cfg.FS, cfg.Dir, cfg.memTable = r.disk, "store", crashMemTable })
	r.c = connect(r.t, r.n)
}

func (r *restartable) down() {
	r.t.Helper()
	_ = r.c.Close()
	if err := r.n.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// Whatever is appended, repeated, limited, deleted, ended, scavenged and
// restarted in whatever order, the node answers and shows what the plain model
// does, and the log shows what the model still has.
func TestScavengedStreamsBehaveAsTheModel(t *testing.T) {
	removed, outer := int64(0), t
	rapid.Check(t, func(t *rapid.T) {
		r := &restartable{t: outer, disk: vfs.NewMem()}
		r.up()
		defer r.down()
		names := []string{"a", "b"}
		models := map[string]*model{"a": {}, "b": {}}
		var pool []uuid.UUID
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			name := rapid.SampledFrom(names).Draw(t, "stream")
			switch rapid.IntRange(0, 19).Draw(t, "what") {
			case 0, 1, 2:
				setLimits(t, r.c, name, models[name])
			case 3, 4:
				report, err := r.n.Scavenge(context.Background(), ScavengeOptions{})
				if err != nil {
					t.Fatal(err)
				}
				removed += report.Events
				for _, m := range models {
					m.scavenge()
				}
			case 5:
				r.down()
				r.up()
			default:
				step(t, r.c, name, models[name], &pool)
			}
			for _, name := range names {
				showsAsModel(t, r.c, name, models[name])
			}
			logHasAsModel(t, r.c, models)
		}
		wantInvariants(outer, r.n.store)
	})
	if removed == 0 {
		t.Error("nothing was ever removed")
	}
}

// setLimits sets $maxCount and $tb.
func setLimits(t *rapid.T, c *esdb.Client, name string, m *model) {
	maxCount, hidden := rapid.IntRange(0, 3).Draw(t, "$maxCount"), rapid.IntRange(0, len(m.events)+1).Draw(t, "$tb")
	var meta esdb.StreamMetadata
	if maxCount > 0 {
		meta.SetMaxCount(uint64(maxCount))
	}
	if hidden > 0 {
		meta.SetTruncateBefore(uint64(hidden))
	}
	_, err := c.SetStreamMetadata(context.Background(), name, esdb.AppendToStreamOptions{}, meta)
	got := written
	if codeOf(err) == esdb.ErrorCodeStreamDeleted {
		got = isDeleted
	} else if err != nil {
		t.Fatal(err)
	}
	if want := m.setMeta(maxCount, hidden); got != want {
		t.Fatalf("setting metadata: %s, the model says %s", got, want)
	}
}

// logHasAsModel reads the log and compares which revisions of the streams are
// left in it.
func logHasAsModel(t *rapid.T, c *esdb.Client, models map[string]*model) {
	s, err := c.ReadAll(context.Background(), esdb.ReadAllOptions{From: esdb.Start{}}, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	got := map[string]int{}
	for {
		e, err := s.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name := e.Event.StreamID
		if m := models[name]; m != nil {
			if e.Event.EventType != typeTombstone && int(e.Event.EventNumber) != m.floor+got[name] {
				t.Fatalf("%s@%d stands in the log where the model has %d", name, e.Event.EventNumber, m.floor+got[name])
			}
			got[name]++
		}
	}
	for name, m := range models {
		want := len(m.events) - m.floor
		if m.tombstoned {
			want++
		}
		if got[name] != want {
			t.Fatalf("the log has %d events of %s, the model %+v", got[name], name, m)
		}
	}
}
