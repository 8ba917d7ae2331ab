package eventnode

import (
	"math"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

func TestSoftDelete(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "abc")
	if _, err := c.SetStreamMetadata(within(t), "s", esdb.AppendToStreamOptions{}, maxCount(50)); err != nil {
		t.Fatal(err)
	}
	d, err := c.DeleteStream(within(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(2)})
	if err != nil || d.Position.Commit == 0 {
		t.Fatalf("%+v (%v)", d, err)
	}
	if got := readError(t, c, "s"); got != esdb.ErrorCodeResourceNotFound {
		t.Errorf("reading a deleted stream: error code %v", got)
	}
	_, err = c.AppendToStream(within(t), "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.StreamExists{}}, event("x", `{}`))
	if codeOf(err) != esdb.ErrorCodeStreamDeleted {
		t.Errorf("expecting it to exist: %v", err)
	}
	w := appendTo(t, c, "s", esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}}, event("d", `{}`))
	if w.NextExpectedVersion != 3 {
		t.Errorf("revisions go on at %d", w.NextExpectedVersion)
	}
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 100); got != "d" {
		t.Errorf("after the append: %q", got)
	}
	m, err := c.GetStreamMetadata(within(t), "s", esdb.ReadStreamOptions{})
	if err != nil || *m.TruncateBefore() != 3 || m.MaxCount() != nil {
		t.Errorf("metadata %+v (%v)", m, err)
	}
	_, err = c.DeleteStream(within(t), "never", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
	if err == nil {
		t.Error("a stream that never was could be deleted")
	}
	_, err = c.DeleteStream(within(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(9)})
	if err == nil || !strings.Contains(err.Error(), "WrongExpectedVersion") {
		t.Errorf("deleting at a wrong revision: %v", err)
	}
}

func TestNewMetadataDoesNotShowDeletedEvents(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "abc")
	if _, err := c.DeleteStream(within(t), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetStreamMetadata(within(t), "s", esdb.AppendToStreamOptions{}, maxCount(50)); err != nil {
		t.Fatal(err)
	}
	letters(t, c, "s", "d")
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 100); got != "d" {
		t.Errorf("%q", got)
	}
}

func TestTombstone(t *testing.T) {
	c := connect(t, start(t))
	letters(t, c, "s", "ab")
	for _, stream := range []string{"s", "never"} {
		d, err := c.TombstoneStream(within(t), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
		if err != nil || d.Position.Commit == 0 {
			t.Fatalf("%s: %+v (%v)", stream, d, err)
		}
		for _, name := range []string{stream, "$$" + stream} {
			if got := readError(t, c, name); got != esdb.ErrorCodeStreamDeleted {
				t.Errorf("reading %s: error code %v", name, got)
			}
			_, err = c.AppendToStream(within(t), name, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, event("x", `{}`))
			if codeOf(err) != esdb.ErrorCodeStreamDeleted {
				t.Errorf("appending to %s: %v", name, err)
			}
		}
		_, err = c.TombstoneStream(within(t), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
		if codeOf(err) != esdb.ErrorCodeStreamDeleted {
			t.Errorf("a second tombstone on %s: %v", stream, err)
		}
	}
	s, err := c.ReadAll(within(t), esdb.ReadAllOptions{From: esdb.Start{}}, 100)
	got := collect(t, s, err)
	if typesOf(got) != "ab$streamDeleted$streamDeleted" || got[2].Event.EventNumber != math.MaxInt64 {
		t.Errorf("$all: %q", typesOf(got))
	}
}
