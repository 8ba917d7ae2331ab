package ledger

import (
	"cmp"
	"slices"
)

// maxFindings bounds a report; what follows is only counted.
const maxFindings = 200

// Kind says what is wrong.
type Kind string

// The kinds of finding. The first five are about the event store, measured by a
// trail that agrees with its signature.
const (
	KindAltered   Kind = "altered"   // the event at this position is not the recorded one
	KindRemoved   Kind = "removed"   // the trail has an event here, the store has none
	KindInserted  Kind = "inserted"  // the store has an event the trail never saw
	KindReordered Kind = "reordered" // a recorded event stands at another place
	KindTruncated Kind = "truncated" // the store ends before the trail; Position is the first missing one
	// KindForked: events, tiles and the signed checkpoint cannot all be true.
	// Position is the first one under the oldest disagreement, 0 when the whole
	// trail was rewritten.
	KindForked       Kind = "forked"
	KindBadSignature Kind = "bad_signature" // the checkpoint is not signed by the key
	KindCorrupt      Kind = "corrupt"       // a file of the trail is damaged, the events are as signed
)

// Finding is one thing that is wrong. Stream and Revision are those of the event
// the store holds, empty where it holds none.
type Finding struct {
	Position uint64 `json:"position"`
	Stream   string `json:"stream,omitempty"`
	Revision uint64 `json:"revision"`
	Kind     Kind   `json:"kind"`
	Detail   string `json:"detail"`

	index  uint64 // of the leaf
	isLeaf bool   // rests on comparing an event with its leaf
}

// Report is the outcome of [Verify].
type Report struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Events     uint64     `json:"events"` // compared with the trail
	Later      uint64     `json:"later"`  // after the checkpoint: not yet in the trail
	Leaves     uint64     `json:"leaves"` // of the trail that were read
	Root       Hash       `json:"root"`   // recomputed from the tiles
	// Findings are in order of position and at most 200; More counts the rest.
	Findings []Finding `json:"findings"`
	More     uint64    `json:"more"`
	OK       bool      `json:"ok"`
}

func (r *Report) add(f Finding) {
	if len(r.Findings) >= maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// close puts the findings in order.
func (r *Report) close() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Position, b.Position) })
	r.OK = len(r.Findings) == 0
}

// recast changes the kind of the latest finding of a kind at a position, once
// a later event explained it better.
func (r *Report) recast(position uint64, from, to Kind, event Finding) bool {
	for i := len(r.Findings) - 1; i >= 0; i-- {
		f := &r.Findings[i]
		if f.Position == position && f.Kind == from && f.isLeaf {
			f.Kind, f.Detail = to, event.Detail
			f.Stream, f.Revision = event.Stream, event.Revision
			return true
		}
	}
	return false
}
