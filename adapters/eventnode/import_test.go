package eventnode

import (
	"errors"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

func TestImport(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Clock: time.Now}
	rec := func(pos int64, stream string, rev int64) ImportRecord {
		return ImportRecord{Position: pos, Stream: stream, Revision: rev, ID: uuid.New(), Type: "t", Ticks: 16_000_000_000_000_000, Data: []byte("{}"), JSON: true}
	}
	in := func(records ...ImportRecord) func(func(ImportRecord) bool) {
		return func(yield func(ImportRecord) bool) {
			for _, r := range records {
				if !yield(r) {
					return
				}
			}
		}
	}
	meta := rec(70, "$$s", 0)
	meta.Data = []byte(`{"$maxCount":1}`)
	for name, bad := range map[string]func(func(ImportRecord) bool){
		"a position twice":   in(rec(5, "s", 0), rec(5, "s", 1)),
		"a missing revision": in(rec(5, "s", 1)),
		"no stream":          in(rec(5, "", 0)),
	} {
		if err := Import(Config{Dir: t.TempDir(), Listen: cfg.Listen, Clock: cfg.Clock}, bad); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
	if err := Import(cfg, in(rec(5, "s", 0), rec(60, "s", 1), meta)); err != nil {
		t.Fatal(err)
	}
	if err := Import(cfg, in(rec(100, "s", 2))); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a second import: %v", err)
	}
	c := connect(t, start(t, func(x *Config) { x.Dir = cfg.Dir }))
	all, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 10)
	got := collect(t, all, err)
	if len(got) != 3 || got[0].Event.Position.Commit != 5 || got[1].Event.Position.Commit != 60 || got[0].Event.CreatedDate.Unix() != 1_600_000_000 {
		t.Errorf("%d events, first %+v", len(got), got[0].Event)
	}
	if w := letters(t, c, "s", "a"); w <= 70 {
		t.Errorf("the next position is %d", w)
	}
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 10); got != "a" {
		t.Errorf("with $maxCount 1 the stream shows %q", got)
	}
}
