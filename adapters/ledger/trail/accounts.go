package trail

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Accounts follow the events of a log in the order of their leaves and say
// whether every stream is whole: revisions follow each other from 0, and where a
// stream begins later, what came before was listed as removed, under an order
// that the log shows, and nothing else was removed with it. What they are told
// must have been held against the leaves. Their memory grows with the number of
// streams.
type Accounts struct {
	// complete says that the log is followed from its first leaf without skipping
	// any: only then must streams begin at revision 0.
	complete bool
	streams  map[string]*account
	ended    map[string]struct{}
	gaps     []Finding
	summary  Summary
}

// account is what is known of one stream.
type account struct {
	seen        bool   // it has an event
	first, next uint64 // the first revision found, and the one to come
	firstLeaf   uint64
	firstAt     uint64 // position

	gone       bool   // events of it were removed
	goneFrom   uint64 // the first revision shown to be removed, and the one to come
	goneNext   uint64
	goneLeaf   uint64 // the last leaf of these
	goneAt     uint64 // position
	listed     bool
	listedFrom uint64 // the same for what was listed
	listedNext uint64

	keep  Retention // as its metadata say now
	doubt *Finding  // a listing came when no metadata let the store remove
}

// Summary counts what accounts have seen.
type Summary struct {
	Streams        uint64 `json:"streams"`
	Removed        uint64 `json:"removed"`         // events that are gone and listed
	RemovedStreams uint64 `json:"removed_streams"` // streams that lost events
	Listings       uint64 `json:"listings"`
	Ended          uint64 `json:"ended_streams"`
}

// NewAccounts begins to follow a log.
func NewAccounts(complete bool) *Accounts {
	return &Accounts{complete: complete, streams: map[string]*account{}, ended: map[string]struct{}{}}
}

func (a *Accounts) of(stream string) *account {
	found := a.streams[stream]
	if found == nil {
		found = &account{}
		a.streams[stream] = found
	}
	return found
}

// Event takes the event of a leaf.
func (a *Accounts) Event(leaf uint64, event Event) {
	if event.Type == typeEnded {
		a.ended[event.Stream] = struct{}{}
		return
	}
	at := a.of(event.Stream)
	switch {
	case !at.seen:
		at.seen, at.first, at.firstLeaf, at.firstAt = true, event.Revision, leaf, event.Position
	case event.Revision != at.next:
		a.gap(leaf, event, fmt.Sprintf("revision %d of its stream should stand here", at.next))
	}
	at.next = event.Revision + 1
	if target, meta := described(event.Stream); meta && event.Type == typeMetadata {
		a.of(target).keep = ParseRetention(event.Data)
	}
}

func (a *Accounts) gap(leaf uint64, event Event, detail string) {
	if len(a.gaps) < maxGaps {
		a.gaps = append(a.gaps, Finding{
			Position: event.Position, Leaf: leaf, Stream: event.Stream, Revision: event.Revision, Kind: KindGap, Detail: detail,
		})
	}
}

// maxGaps bounds what is remembered of missing revisions.
const maxGaps = 200

// Removed takes a leaf whose event is gone, once it was shown which one it was.
// It may come before or after the events that are still there, but in the order
// of revisions.
func (a *Accounts) Removed(leaf uint64, removed Removed) []Finding {
	at := a.of(removed.Stream)
	if at.gone && (removed.Revision != at.goneNext || leaf <= at.goneLeaf) {
		return []Finding{a.lost(leaf, removed, fmt.Sprintf("revision %d of its stream was to be removed before it", at.goneNext))}
	}
	if !at.gone {
		at.gone, at.goneFrom = true, removed.Revision
		a.summary.RemovedStreams++
	}
	at.goneNext, at.goneLeaf, at.goneAt = removed.Revision+1, leaf, removed.Position
	a.summary.Removed++
	return nil
}

func (a *Accounts) lost(leaf uint64, removed Removed, detail string) Finding {
	return Finding{
		Position: removed.Position, Leaf: leaf, Stream: removed.Stream, Revision: removed.Revision, Kind: KindRemoved, Detail: detail,
	}
}

// List takes a listing that an event of the log holds, when the event comes.
func (a *Accounts) List(leaf uint64, event Event, listing Listing) []Finding {
	a.summary.Listings++
	claim := Finding{Position: event.Position, Leaf: leaf, Stream: event.Stream, Revision: event.Revision, Kind: KindFalseClaim}
	at := a.of(listing.Stream)
	last := listing.FirstRevision + uint64(len(listing.Leaves)) - 1
	switch {
	case at.listed && listing.FirstRevision != at.listedNext, !at.listed && a.complete && listing.FirstRevision != 0:
		claim.Detail = fmt.Sprintf("the listing begins at revision %d of %s, %d was to come", listing.FirstRevision, listing.Stream, at.listedNext)
		return []Finding{claim}
	case listing.Leaves[len(listing.Leaves)-1] >= leaf:
		claim.Detail = "the listing names events that came after it"
		return []Finding{claim}
	}
	if a.complete && at.doubt == nil && !a.ordered(listing.Stream, last) {
		claim.Detail = fmt.Sprintf("no metadata of %s let the store remove revision %d", listing.Stream, last)
		at.doubt = &claim
	}
	if !at.listed {
		at.listed, at.listedFrom = true, listing.FirstRevision
	}
	at.listedNext = last + 1
	return nil
}

// ordered says whether the store had been told that it may remove a revision. Of
// a stream of metadata it keeps the last by itself.
func (a *Accounts) ordered(stream string, revision uint64) bool {
	if _, meta := described(stream); meta || a.over(stream) {
		return true
	}
	keep := a.of(stream).keep
	return revision < keep.TruncateBefore || keep.MaxCount > 0 || keep.MaxAge > 0
}

// Close says what the accounts found and what they counted. Gaps are left out
// when something else is wrong, because that is what made them.
func (a *Accounts) Close(wrong bool) ([]Finding, Summary) {
	var found []Finding
	for _, stream := range slices.Sorted(maps.Keys(a.streams)) {
		at := a.streams[stream]
		if at.seen {
			a.summary.Streams++
		}
		found = append(found, a.judge(stream, at)...)
	}
	a.summary.Ended = uint64(len(a.ended))
	if !wrong && len(found) == 0 {
		found = a.gaps
	}
	slices.SortStableFunc(found, func(x, y Finding) int { return cmp.Compare(x.Leaf, y.Leaf) })
	return found, a.summary
}

// judge holds what was removed of a stream against what is there and what was
// listed.
func (a *Accounts) judge(stream string, at *account) []Finding {
	if at.seen && a.complete && at.first != 0 && (!at.gone || at.goneFrom != 0 || at.goneNext < at.first) {
		a.gap(at.firstLeaf, Event{Position: at.firstAt, Stream: stream, Revision: at.first},
			"the stream begins here, and what came before is neither there nor listed as removed")
	}
	if about := a.streams[metaPrefix+stream]; at.doubt != nil && (about == nil || about.first == 0 && !about.gone) {
		return []Finding{*at.doubt} // else the order may be among the metadata that were replaced and removed
	}
	if !at.gone {
		return nil
	}
	last := Removed{Stream: stream, Revision: at.goneNext - 1, Position: at.goneAt}
	switch {
	case !at.listed || at.goneFrom < at.listedFrom || at.goneNext > at.listedNext:
		return []Finding{a.lost(at.goneLeaf, last, "no listing in the trail names it")}
	case at.seen && at.goneNext > at.first, at.seen && at.goneLeaf > at.firstLeaf:
		return []Finding{a.lost(at.goneLeaf, last, fmt.Sprintf("revision %d of its stream is still there: a store removes the oldest first", at.first))}
	case at.seen && at.goneNext < at.first:
		a.gap(at.firstLeaf, Event{Position: at.firstAt, Stream: stream, Revision: at.first},
			fmt.Sprintf("revision %d of its stream is neither there nor listed as removed", at.goneNext))
	case !at.seen && a.complete && !a.over(stream):
		return []Finding{a.lost(at.goneLeaf, last, "it was the last event of a stream that nobody ended: a store keeps that one")}
	}
	return nil
}

// over says whether nothing of a stream has to be left.
func (a *Accounts) over(stream string) bool {
	_, ended := a.ended[stream]
	if target, meta := described(stream); meta && !ended {
		_, ended = a.ended[target]
	}
	return ended
}
