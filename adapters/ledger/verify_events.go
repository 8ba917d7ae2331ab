package ledger

import (
	"fmt"

	"tracekeep/eventschema"
)

// searchWidth is how many leaves around its place a strayed event is looked for.
const searchWidth = 64

// compare finds the leaf of the next event.
func (a *audit) compare(event eventschema.Recorded) error {
	kind, sum := commit(event)
	hash := leafHash(kind, event.Position, sum)
	if a.seen && event.Position <= a.previous {
		a.report.Events++
		a.compareStray(event, hash)
		return a.rebuild(hash)
	}
	a.seen, a.previous = true, event.Position
	if a.skipTo(event.Position, hash); a.index >= a.size {
		a.report.Later++
		return nil
	}
	a.report.Events++
	a.settle(event, kind, sum, hash)
	return a.rebuild(hash)
}

// rebuild keeps the root over the events while only that can tell whether the
// events or the tiles are the signed ones.
func (a *audit) rebuild(hash Hash) error {
	if a.authentic || !a.signed {
		return nil
	}
	return a.rebuilt.Append(hash[:], nil)
}

// skipTo reports leaves as removed until the next leaf is that of the event, or
// lies at or after its position.
func (a *audit) skipTo(position uint64, hash Hash) {
	if a.index >= a.size || a.matches(a.index, hash) {
		return
	}
	for ahead := a.index + 1; ahead < min(a.size, a.index+searchWidth); ahead++ {
		if a.matches(ahead, hash) {
			for a.index < ahead {
				a.remove()
			}
			return
		}
	}
	for a.index < a.size && !a.matches(a.index, hash) {
		at, known := a.scan.at(a.index)
		if !known || at >= position {
			return
		}
		a.remove()
	}
}

func (a *audit) matches(index uint64, hash Hash) bool {
	stored, ok := a.leaf(index)
	return ok && stored == hash
}

func (a *audit) remove() {
	a.report.add(Finding{
		Position: a.position(a.index), Kind: KindRemoved, index: a.index, isLeaf: true,
		Detail: fmt.Sprintf("leaf %d has no event", a.index),
	})
	a.index++
}

// settle judges an event against the next leaf.
func (a *audit) settle(event eventschema.Recorded, kind byte, sum, hash Hash) {
	at, known := a.scan.at(a.index)
	stored, readable := a.leaf(a.index)
	finding := Finding{Position: event.Position, Stream: event.Stream, Revision: event.Revision, index: a.index, isLeaf: true}
	switch {
	case readable && stored == hash:
		if known && at != event.Position {
			finding.Kind, finding.isLeaf = KindCorrupt, false
			finding.Detail = fmt.Sprintf("%s has %d for leaf %d", positionsFile, at, a.index)
			a.report.add(finding)
			delete(a.journal, a.index)
		}
	case known && event.Position < at:
		finding.Kind, finding.Detail = KindInserted, "the trail has no event at this position"
		a.report.add(finding)
		return // the leaf still waits for its event
	case !readable: // the tile is reported, the signed root decides
	default:
		finding.Kind, finding.Detail = KindAltered, fmt.Sprintf("the event is not the one of leaf %d", a.index)
		if from, moved := a.origin(kind, sum); moved {
			finding.Kind = KindReordered
			finding.Detail = fmt.Sprintf("the event was recorded at position %d", from)
		}
		a.report.add(finding)
	}
	a.index++
}

// origin looks for the position at which a moved event was recorded.
func (a *audit) origin(kind byte, sum Hash) (uint64, bool) {
	first := a.index - min(a.index, searchWidth)
	for index := first; index < min(a.size, a.index+searchWidth); index++ {
		at, known := a.scan.at(index)
		if known && index != a.index && a.matches(index, leafHash(kind, at, sum)) {
			return at, true
		}
	}
	return 0, false
}

// compareStray judges an event that does not stand after the one before it.
func (a *audit) compareStray(event eventschema.Recorded, hash Hash) {
	finding := Finding{Position: event.Position, Stream: event.Stream, Revision: event.Revision, Kind: KindInserted}
	known := false
	if a.scan != nil {
		index, exact, err := a.scan.search(min(a.size, a.scan.size), event.Position)
		known = err == nil && exact && a.matches(index, hash)
		finding.index = index
	}
	if known {
		finding.Detail = fmt.Sprintf("the event stands after position %d", a.previous)
		if a.report.recast(event.Position, KindRemoved, KindReordered, finding) {
			return
		}
		finding.Detail = "the recorded event follows another one with its position"
		if a.report.recast(event.Position, KindAltered, KindInserted, finding) {
			return
		}
	}
	finding.isLeaf = true
	finding.Detail = fmt.Sprintf("the event stands after position %d and the trail has no place for it", a.previous)
	a.report.add(finding)
}
