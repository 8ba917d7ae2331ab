package ledger

import (
	"fmt"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// searchWidth is how many leaves around its place a strayed event is looked for.
const searchWidth = 64

// compare finds the leaf of the next event.
func (a *audit) compare(recorded eventschema.Recorded) error {
	if !Counts(recorded) && !a.hasLeaf(recorded.Position) {
		return nil
	}
	event := EventOf(recorded)
	made := a.commit(event)
	if a.seen && event.Position <= a.previous {
		a.report.Events++
		a.compareStray(event, made.LeafAt(event.Position))
		return a.rebuild(made.LeafAt(event.Position))
	}
	a.seen, a.previous = true, event.Position
	before := a.index
	if err := a.skipTo(event.Position, made.LeafAt(event.Position)); err != nil {
		return err
	}
	if a.index >= a.size {
		a.report.Later++
		return nil
	}
	a.report.Events++
	if a.index != before {
		made = a.commit(event)
	}
	a.settle(event, made)
	return a.rebuild(made.LeafAt(event.Position))
}

// commit computes the commitment of the kind that the log has here: it changes
// once, from the older kind to today's.
func (a *audit) commit(event trail.Event) trail.Commitment {
	kinds := [2]func(trail.Event) trail.Commitment{trail.Commit, trail.CommitWhole}
	if a.whole {
		kinds[0], kinds[1] = kinds[1], kinds[0]
	}
	made := kinds[0](event)
	if a.index >= a.size || a.matches(a.index, made.LeafAt(event.Position)) {
		return made
	}
	if other := kinds[1](event); a.matches(a.index, other.LeafAt(event.Position)) {
		a.whole = !a.whole
		return other
	}
	return made
}

// hasLeaf says whether a leaf stands for a position: older releases gave one to
// the store's own events, too.
func (a *audit) hasLeaf(position uint64) bool {
	if a.scan == nil {
		return false
	}
	_, exact, err := a.scan.search(min(a.size, a.scan.size), position)
	return err == nil && exact
}

// rebuild keeps the root over the events while only that can tell whether the
// events or the tiles are the signed ones.
func (a *audit) rebuild(hash Hash) error {
	if a.authentic || !a.signed {
		return nil
	}
	return a.rebuilt.Append(hash[:], nil)
}

// skipTo marks leaves as missing until the next leaf is that of the event, or
// lies at or after its position.
func (a *audit) skipTo(position uint64, hash Hash) error {
	if a.index >= a.size || a.matches(a.index, hash) {
		return nil
	}
	if at, known := a.scan.at(a.index); known && at == position {
		return nil // it stands where the trail has one, whatever leaf it resembles
	}
	for ahead := a.index + 1; ahead < min(a.size, a.index+searchWidth); ahead++ {
		if a.matches(ahead, hash) {
			for a.index < ahead {
				if err := a.miss(); err != nil {
					return err
				}
			}
			return nil
		}
	}
	for a.index < a.size && !a.matches(a.index, hash) {
		at, known := a.scan.at(a.index)
		if !known || at >= position {
			return nil
		}
		if err := a.miss(); err != nil {
			return err
		}
	}
	return nil
}

func (a *audit) matches(index uint64, hash Hash) bool {
	stored, ok := a.leaf(index)
	return ok && stored == hash
}

// miss notes that the next leaf has no event. A listing may explain it later.
func (a *audit) miss() error {
	a.missing.Add(a.index)
	stored, _ := a.leaf(a.index)
	a.index++
	return a.rebuild(stored)
}

// settle judges an event against the next leaf.
func (a *audit) settle(event trail.Event, made trail.Commitment) {
	at, known := a.scan.at(a.index)
	stored, readable := a.leaf(a.index)
	f := finding{isLeaf: true, Finding: Finding{Position: event.Position, Leaf: a.index, Stream: event.Stream, Revision: event.Revision}}
	switch {
	case readable && stored == made.LeafAt(event.Position):
		if known && at != event.Position {
			f.Kind, f.isLeaf = KindCorrupt, false
			f.Detail = fmt.Sprintf("%s has %d for leaf %d", positionsFile, at, a.index)
			a.report.add(f)
			delete(a.journal, a.index)
		}
		a.account(event)
	case known && event.Position < at:
		f.Kind, f.Detail = KindInserted, "the trail has no event at this position"
		a.report.add(f)
		return // the leaf still waits for its event
	case !readable: // the tile is reported, the signed root decides
	default:
		f.Kind, f.Detail, f.made = KindAltered, fmt.Sprintf("the event is not the one of leaf %d", a.index), made
		if from, moved := a.origin(made); moved {
			f.Kind = KindReordered
			f.Detail = fmt.Sprintf("the event was recorded at position %d", from)
		}
		a.report.add(f)
	}
	a.index++
}

// account takes an event that is the one of its leaf into the accounts.
func (a *audit) account(event trail.Event) {
	a.accounts.Event(a.index, event)
	a.report.addAll(a.certificates.Event(a.index, event, a.rootAt))
	if !trail.IsListing(event) {
		return
	}
	listing, err := trail.ParseListing(event)
	if err != nil {
		a.falseClaim(event, err.Error())
		return
	}
	for i, leaf := range listing.Leaves {
		stored, readable := a.leaf(leaf)
		switch removed := listing.Names(i); {
		case leaf >= a.index || !readable: // the first is found below, the second is reported with its tile
		case !removed.Shows(stored):
			a.falseClaim(event, fmt.Sprintf("leaf %d is not the one of %s revision %d", leaf, removed.Stream, removed.Revision))
		case a.missing.Has(leaf):
			a.missing.Remove(leaf)
			a.report.addAll(a.accounts.Removed(leaf, removed))
		}
	}
	a.report.addAll(a.accounts.List(a.index, event, listing))
}

func (a *audit) falseClaim(event trail.Event, detail string) {
	a.report.addAll([]Finding{{
		Position: event.Position, Leaf: a.index, Stream: event.Stream, Revision: event.Revision, Kind: KindFalseClaim, Detail: detail,
	}})
}

// origin looks for the position at which a moved event was recorded.
func (a *audit) origin(made trail.Commitment) (uint64, bool) {
	first := a.index - min(a.index, searchWidth)
	for index := first; index < min(a.size, a.index+searchWidth); index++ {
		at, known := a.scan.at(index)
		if known && index != a.index && a.matches(index, made.LeafAt(at)) {
			return at, true
		}
	}
	return 0, false
}

// recognise looks for the places of events that stand far from them: where one
// was exchanged for another, both differ, and each is the one of the other's leaf.
func (a *audit) recognise() {
	for _, place := range a.report.open {
		at, known := a.scan.at(place.Leaf)
		stored, readable := a.leaf(place.Leaf)
		if !place.isLeaf || !known || !readable {
			continue
		}
		for i := range a.report.open {
			if f := &a.report.open[i]; f.Kind == KindAltered && f.isLeaf && f.Leaf != place.Leaf && f.made.LeafAt(at) == stored {
				f.Kind, f.Detail = KindReordered, fmt.Sprintf("the event was recorded at position %d", at)
			}
		}
	}
}

// compareStray judges an event that does not stand after the one before it.
func (a *audit) compareStray(event trail.Event, hash Hash) {
	f := finding{Finding: Finding{Position: event.Position, Stream: event.Stream, Revision: event.Revision, Kind: KindInserted}}
	known := false
	if a.scan != nil {
		index, exact, err := a.scan.search(min(a.size, a.scan.size), event.Position)
		known = err == nil && exact && a.matches(index, hash)
		f.Leaf = index
	}
	if known {
		if a.missing.Has(f.Leaf) {
			a.missing.Remove(f.Leaf)
			f.Kind, f.Detail = KindReordered, fmt.Sprintf("the event stands after position %d", a.previous)
			a.report.add(f)
			return
		}
		f.Detail = "the recorded event follows another one with its position"
		if a.report.recast(event.Position, KindAltered, KindInserted, f.Finding) {
			return
		}
	}
	f.isLeaf = true
	f.Detail = fmt.Sprintf("the event stands after position %d and the trail has no place for it", a.previous)
	a.report.add(f)
}
