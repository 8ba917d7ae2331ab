package ledger

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"tracekeep/eventschema"
)

// tampering changes what a store yields and says what must be found first.
type tampering func(r *rand.Rand, events []eventschema.Recorded) (tampered []eventschema.Recorded, position uint64, kind Kind)

func edit(change func(r *rand.Rand, e *eventschema.Recorded)) tampering {
	return func(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
		i := r.IntN(len(events))
		change(r, &events[i])
		return events, events[i].Position, KindAltered
	}
}

func flipBit(r *rand.Rand, content []byte) []byte {
	if len(content) == 0 {
		return []byte{byte(r.IntN(256))}
	}
	content = slices.Clone(content)
	content[r.IntN(len(content))] ^= 1 << r.IntN(8)
	return content
}

var storeTamperings = map[string]tampering{
	"a bit of the data":                                  edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Data = flipBit(r, e.Data) }),
	"a bit of the metadata":                              edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Metadata = flipBit(r, e.Metadata) }),
	"a byte of the type":                                 edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Type = string(flipBit(r, []byte(e.Type))) }),
	"a byte of the stream":                               edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Stream = string(flipBit(r, []byte(e.Stream))) }),
	"the content type":                                   edit(func(r *rand.Rand, e *eventschema.Recorded) { e.ContentType += " " }),
	"the time, by one step":                              edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Created = e.Created.Add(100) }),
	"a bit of the id":                                    edit(func(r *rand.Rand, e *eventschema.Recorded) { e.ID[r.IntN(16)] ^= 1 << r.IntN(8) }),
	"the revision":                                       edit(func(r *rand.Rand, e *eventschema.Recorded) { e.Revision += 1 + uint64(r.IntN(9)) }),
	"the data of two exchanged":                          exchangeData,
	"an event removed":                                   removeOne,
	"a run of events removed":                            removeRun,
	"an event inserted":                                  insertOne,
	"an event inserted under a position already taken":   insertTaken,
	"two neighbours exchanged with their positions":      exchangeOrder,
	"two neighbours exchanged, positions left in place":  exchangeContent,
	"an event moved far away, positions left in place":   moveFar,
	"the store cut off":                                  cutOff,
	"the last event removed and others written after it": regrown,
	"another value in the same JSON":                     edit(func(_ *rand.Rand, e *eventschema.Recorded) { e.Data = append([]byte(`{"m":1,`), e.Data[1:]...) }),
	"what happened in one, told of another":              exchangeBodies,
	"two far events exchanged, positions left in place":  exchangeFar,
	"a stream removed":                                   removeStream,
	"an event removed and its stream numbered anew":      removeAndRenumber,
	"cut off and grown again at the same positions":      regrownInPlace,
}

// severalDiffer are the tamperings that alter more events than one.
var severalDiffer = map[string]bool{
	"the data of two exchanged": true, "what happened in one, told of another": true, "cut off and grown again at the same positions": true,
}

func exchangeBodies(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 1)
	j := i + 1 + r.IntN(len(events)-i-1)
	a, b := &events[i], &events[j]
	a.ID, a.Type, a.ContentType, a.Created, a.Data, a.Metadata, b.ID, b.Type, b.ContentType, b.Created, b.Data, b.Metadata =
		b.ID, b.Type, b.ContentType, b.Created, b.Data, b.Metadata, a.ID, a.Type, a.ContentType, a.Created, a.Data, a.Metadata
	return events, a.Position, KindAltered
}

func exchangeFar(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 200)
	j := i + 100 + r.IntN(len(events)-i-100)
	events[i], events[j] = events[j], events[i]
	events[i].Position, events[j].Position = events[j].Position, events[i].Position
	return events, events[i].Position, KindReordered
}

func removeStream(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(10)
	stream := events[i].Stream
	first := slices.IndexFunc(events, func(e eventschema.Recorded) bool { return e.Stream == stream })
	position := events[first].Position
	return slices.DeleteFunc(events, func(e eventschema.Recorded) bool { return e.Stream == stream }), position, KindRemoved
}

func removeAndRenumber(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 200)
	gone := events[i]
	events = slices.Delete(events, i, i+1)
	for j := i; j < len(events); j++ {
		if events[j].Stream == gone.Stream {
			events[j].Revision--
		}
	}
	return events, gone.Position, KindRemoved
}

func regrownInPlace(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events))
	for j := i; j < len(events); j++ {
		events[j].Data, events[j].Metadata = flipBit(r, events[j].Data), flipBit(r, events[j].Metadata)
	}
	return events, events[i].Position, KindAltered
}

// times is how often each tampering is tried: a few in CI, many in the night.
func times(few, many uint64) uint64 {
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		return many
	}
	return few
}

func exchangeData(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 1)
	events[i].Data, events[i+1].Data = events[i+1].Data, events[i].Data
	return events, events[i].Position, KindAltered
}

func removeOne(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 1)
	position := events[i].Position
	return slices.Delete(events, i, i+1), position, KindRemoved
}

func removeRun(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 200)
	position := events[i].Position
	return slices.Delete(events, i, i+1+r.IntN(190)), position, KindRemoved
}

func insertOne(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events))
	forged := events[r.IntN(len(events))]
	forged.Position = events[i].Position - 1
	return slices.Insert(events, i, forged), forged.Position, KindInserted
}

func insertTaken(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events))
	forged := events[i]
	forged.Data = flipBit(r, forged.Data)
	return slices.Insert(events, i+r.IntN(2), forged), forged.Position, KindInserted
}

func exchangeOrder(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 1)
	position := events[i].Position
	events[i], events[i+1] = events[i+1], events[i]
	return events, position, KindReordered
}

func exchangeContent(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events) - 1)
	position := events[i].Position
	events[i], events[i+1] = events[i+1], events[i]
	events[i].Position, events[i+1].Position = events[i+1].Position, events[i].Position
	return events, position, KindReordered
}

func moveFar(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	positions := make([]uint64, len(events))
	for i := range events {
		positions[i] = events[i].Position
	}
	i := r.IntN(len(events) - 60)
	moved := events[i]
	events = slices.Insert(slices.Delete(events, i, i+1), i+2+r.IntN(50), moved)
	for i := range events {
		events[i].Position = positions[i]
	}
	return events, positions[i], KindReordered
}

func cutOff(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	i := r.IntN(len(events))
	return events[:i], events[i].Position, KindTruncated
}

func regrown(r *rand.Rand, events []eventschema.Recorded) ([]eventschema.Recorded, uint64, Kind) {
	last := events[len(events)-1]
	forged := last
	forged.Position++
	return append(events[:len(events)-1], forged), last.Position, KindRemoved
}

// promise: I9
// promise: OT-27
func TestEveryTamperingWithTheStoreIsNamed(t *testing.T) {
	events := history(20, 1100)
	dir, key := written(t, events)
	if report := verifyTest(t, dir, key, events); !report.OK {
		t.Fatalf("the store itself: %+v", report.Findings)
	}
	for name, tamper := range storeTamperings {
		t.Run(name, func(t *testing.T) {
			for seed := range times(18, 1000) {
				r := rand.New(seeded(seed))
				tampered, position, kind := tamper(r, slices.Clone(events))
				report := verifyTest(t, dir, key, tampered)
				if report.OK || len(report.Findings) == 0 {
					t.Fatalf("seed %d: not found", seed)
				}
				if first := report.Findings[0]; first.Position != position || first.Kind != kind {
					t.Fatalf("seed %d: want %s at %d, got %+v (%d findings)", seed, kind, position, first, len(report.Findings))
				}
				if !severalDiffer[name] && kind == KindAltered && len(report.Findings) != 1 {
					t.Fatalf("seed %d: one change, %d findings: %+v", seed, len(report.Findings), report.Findings)
				}
			}
		})
	}
}
