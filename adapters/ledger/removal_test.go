package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// listingOf lists the events of a stream below a revision.
func listingOf(t *testing.T, all []eventschema.Recorded, stream string, below, number, position uint64) eventschema.Recorded {
	t.Helper()
	listing := trail.Listing{Stream: stream}
	for leaf, e := range all {
		if e.Stream == stream && e.Revision < below {
			body, _ := trail.BodyOf(EventOf(e))
			listing.Leaves, listing.Positions = append(listing.Leaves, uint64(leaf)), append(listing.Positions, e.Position)
			listing.Bodies = append(listing.Bodies, body)
		}
	}
	data, err := json.Marshal(listing)
	if err != nil {
		t.Fatal(err)
	}
	source := seeded(number)
	return eventschema.Recorded{
		Stream: "removal-0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef", Revision: number, Position: position,
		ID: uuid.Must(uuid.NewRandomFromReader(source)), Type: "removal-listed.v1", ContentType: eventschema.ContentTypeJSON,
		Created: all[len(all)-1].Created, Data: data, Metadata: salted(source),
	}
}

// scavenged writes a listing of what the store hides, as the service does, and
// answers the log with it and what the store has left.
func scavenged(t *testing.T, events []eventschema.Recorded) (all, left []eventschema.Recorded) {
	t.Helper()
	all = slices.Clone(events)
	target := all[0].Stream
	order := all[len(all)-1]
	next := map[string]uint64{}
	for _, e := range all {
		next[e.Stream] = e.Revision + 1
	}
	below := next[target] - 1
	order.Stream, order.Type, order.Revision, order.Position, order.Metadata = "$$"+target, "$metadata", next["$$"+target], order.Position+7, nil
	order.Data = fmt.Appendf(nil, `{"$tb":%d}`, below)
	all = append(all, order)
	next[order.Stream]++
	position := order.Position
	for i, part := range []struct {
		stream string
		below  uint64
	}{{target, below}, {order.Stream, next[order.Stream] - 1}} {
		position += 11
		all = append(all, listingOf(t, all, part.stream, part.below, uint64(i), position))
	}
	for _, e := range all {
		if e.Stream == target && e.Revision < below || e.Stream == order.Stream && e.Revision+1 < next[order.Stream] {
			continue
		}
		left = append(left, e)
	}
	return all, left
}

// promise: I9
func TestAScavengeThatWasListedIsNoFinding(t *testing.T) {
	all, left := scavenged(t, history(72, 900))
	dir, key := written(t, all)
	report := verifyTest(t, dir, key, left)
	if !report.OK || report.Removed != uint64(len(all)-len(left)) || report.RemovedStreams != 2 || report.Listings != 2 {
		t.Fatalf("%+v", report)
	}
	if report := verifyTest(t, dir, key, all); !report.OK || report.Removed != 0 {
		t.Fatalf("before the removal: %+v", report)
	}
	for i := range 40 { // what is not listed may not go with it
		r := i * len(left) / 41
		gone := left[r]
		report := verifyTest(t, dir, key, slices.Delete(slices.Clone(left), r, r+1))
		if report.OK || report.Findings[0].Position != gone.Position || report.Findings[0].Kind != KindRemoved {
			if !trail.IsListing(EventOf(gone)) { // without its listing, all that it listed is unexplained
				t.Fatalf("%s revision %d: %+v", gone.Stream, gone.Revision, report.Findings)
			}
		}
	}
}

// A log begun by a release that hashed events as a whole goes on and verifies.
func TestALogOfBothKindsOfLeaves(t *testing.T) {
	events := history(73, 900)
	for i := range events[:300] { // these releases gave the store's own events a leaf, too
		if i%50 == 7 {
			events[i].Stream, events[i].Type, events[i].Metadata = "$stats-1", "$statsCollected", nil
		}
	}
	renumber(events)
	dir := t.TempDir()
	l := openTest(t, dir)
	for chunk := range slices.Chunk(events[:300], 70) {
		leaves := make([]leaf, len(chunk))
		for i, e := range chunk {
			leaves[i] = leaf{position: e.Position, hash: trail.CommitWhole(EventOf(e)).LeafAt(e.Position)}
		}
		if err := l.commitLeaves(leaves); err != nil {
			t.Fatal(err)
		}
	}
	appendAll(t, l, events[260:], 60) // what it knows is recognised, too
	if report := verifyTest(t, dir, l.VerifierKey(), events); !report.OK || report.Events != 900 {
		t.Fatalf("%+v", report)
	}
	for _, i := range []int{5, 7, 299, 301} {
		changed := slices.Clone(events)
		changed[i].Data = []byte("{}")
		report := verifyTest(t, dir, l.VerifierKey(), changed)
		if len(report.Findings) != 1 || report.Findings[0].Position != events[i].Position || report.Findings[0].Kind != KindAltered {
			t.Errorf("event %d: %+v", i, report.Findings)
		}
	}
}

// renumber gives the events of each stream their revisions.
func renumber(events []eventschema.Recorded) {
	next := map[string]uint64{}
	for i := range events {
		events[i].Revision = next[events[i].Stream]
		next[events[i].Stream]++
	}
}
