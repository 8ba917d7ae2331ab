package bundle

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"tracekeep/adapters/ledger/trail"
)

// conclude decides what the differences mean once all lines were read.
func (r *reading) conclude(whole bool) error {
	if err := r.settle(); err != nil {
		return err
	}
	if r.next < r.head.Size && whole {
		r.holes, r.torn = true, true
		r.report.add(trail.Finding{
			Position: r.lastAt, Leaf: r.next, Kind: trail.KindTruncated,
			Detail: fmt.Sprintf("the lines end %d leaves before the log, after position %d", r.head.Size-r.next, r.lastAt),
		})
	}
	var rest [1]byte
	if _, err := io.ReadFull(r.blocks, rest[:]); err == nil && whole && !r.holes {
		r.report.of(trail.KindCorrupt, blocksMember+" goes on after the last block")
	}
	r.judge()
	found, summary := r.accounts.Close(len(r.report.Findings) > 0)
	for _, f := range found {
		r.report.add(f)
	}
	r.report.Accounts = summary
	r.checkCounts(whole)
	r.checkHandovers()
	return nil
}

// judge compares the roots with the signed one.
func (r *reading) judge() {
	events, failed := r.computed.Root()
	if errors.Is(failed, trail.ErrDisagree) {
		r.report.of(trail.KindCorrupt, failed.Error())
	}
	hashes, _ := r.claimed.Root()
	switch {
	case !r.holes && r.next == r.head.Size && events == r.head.Root:
		r.report.Proven = r.signed
		maps.Copy(r.roots, r.seen)
		for _, t := range r.open {
			t.Kind, t.Detail = trail.KindCorrupt, t.spoilt
			r.report.add(t.Finding)
		}
		return
	case !r.torn && r.next == r.head.Size && hashes == r.head.Root:
	case r.torn:
	default:
		r.report.add(r.fork())
	}
	r.recognise()
	for _, t := range r.open {
		r.report.add(t.Finding)
	}
}

// fork says from where on the events and the hashes beside them are not those of
// the log: behind the last state of it that the events give, and where the roots
// of the blocks are as signed, in the leaves that are in no whole block. Who signed
// these events is not believed about the blocks either.
func (r *reading) fork() trail.Finding {
	f := trail.Finding{Kind: trail.KindForked}
	for size, root := range r.seen {
		if proven, known := r.rootAt(size); known && proven == root && size > f.Leaf {
			f.Leaf, f.Position = size, r.seenAt[size]
		}
	}
	if r.edge != nil && r.edge.leaf >= f.Leaf && r.asSigned(blocksMember) && !r.asSigned(eventsMember) {
		f.Leaf, f.Position = r.edge.leaf, r.edge.position()
	}
	f.Detail = fmt.Sprintf("from leaf %d on, neither the events nor the hashes beside them give the signed root", f.Leaf)
	return f
}

// asSigned says whether a member is the one that the signed manifest names.
func (r *reading) asSigned(name string) bool {
	return slices.Contains(r.manifest.Members, r.container.sums[name])
}

// recognise looks for the places of events that stand far from them: where one
// was exchanged for another, both differ, and each is the one of the other's leaf.
func (r *reading) recognise() {
	open := r.open[:min(len(r.open), maxFindings)]
	for _, place := range open {
		for i := range open {
			if f := &open[i]; f.Kind == trail.KindAltered && f.Leaf != place.Leaf && f.made.LeafAt(place.Position) == place.claim {
				f.Kind, f.Detail = trail.KindReordered, fmt.Sprintf("the event was recorded at position %d", place.Position)
			}
		}
	}
}

// checkCounts holds what was counted against the manifest.
func (r *reading) checkCounts(whole bool) {
	m := r.manifest
	if m.Format == "" || !whole {
		return
	}
	if r.counted.Events != m.Events || r.counted.Removed != m.Removed || r.counted.Missing != m.Missing || r.counted.Unrecorded != m.Unrecorded {
		r.report.of(trail.KindCorrupt, fmt.Sprintf("%s has %d events and %d without one, the manifest says %d and %d",
			eventsMember, r.counted.Events, r.counted.Removed+r.counted.Missing, m.Events, m.Removed+m.Missing))
	}
}

// checkHandovers holds what the changes of the key say of the log against it.
func (r *reading) checkHandovers() {
	for _, said := range r.keys.Handovers() {
		if root, known := r.rootAt(said.Size); known && root != said.Root || r.signed && said.Size > r.head.Size {
			r.report.of(trail.KindForked, fmt.Sprintf("the key was handed over at a log of %d leaves that this one never was", said.Size))
		}
	}
}
