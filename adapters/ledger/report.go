package ledger

import (
	"cmp"
	"slices"

	"tracekeep/adapters/ledger/trail"
)

// maxFindings bounds a report; what follows is only counted.
const maxFindings = 200

// finding is a finding that later ones may still explain.
type finding struct {
	Finding
	isLeaf bool             // rests on comparing an event with its leaf
	made   trail.Commitment // to the event, of one that is altered or reordered
}

// Report is the outcome of [Verify].
type Report struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Events     uint64     `json:"events"` // compared with the trail
	Later      uint64     `json:"later"`  // after the checkpoint: not yet in the trail
	Leaves     uint64     `json:"leaves"` // of the trail that were read
	Root       Hash       `json:"root"`   // recomputed from the tiles
	Keys       int        `json:"keys"`   // that the log has had
	// Certificates of erasure that hold.
	Certificates uint64 `json:"certificates"`
	trail.Summary
	// Findings are in order of position and at most 200; More counts the rest.
	Findings []Finding `json:"findings"`
	More     uint64    `json:"more"`
	OK       bool      `json:"ok"`

	open []finding
}

func (r *Report) add(f finding) {
	if len(r.open) >= maxFindings {
		r.More++
		return
	}
	r.open = append(r.open, f)
}

func (r *Report) addAll(found []Finding) {
	for _, f := range found {
		r.add(finding{Finding: f})
	}
}

// close puts the findings in order.
func (r *Report) close() {
	slices.SortStableFunc(r.open, func(a, b finding) int { return cmp.Compare(a.Position, b.Position) })
	for _, f := range r.open {
		r.Findings = append(r.Findings, f.Finding)
	}
	r.OK = len(r.Findings) == 0
}

// recast changes the kind of the latest finding of a kind at a position, once
// a later event explained it better.
func (r *Report) recast(position uint64, from, to Kind, event Finding) bool {
	for i := len(r.open) - 1; i >= 0; i-- {
		f := &r.open[i]
		if f.Position == position && f.Kind == from && f.isLeaf {
			f.Kind, f.Detail = to, event.Detail
			f.Stream, f.Revision = event.Stream, event.Revision
			return true
		}
	}
	return false
}
