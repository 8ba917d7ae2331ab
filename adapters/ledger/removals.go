package ledger

import (
	"strings"
	"time"

	"tracekeep/adapters/ledger/trail"
	"tracekeep/eventschema"
)

// removalMargin is how long before its time an event counts as too old: between
// a listing and the scavenge that follows it others grow too old.
const removalMargin = 24 * time.Hour

// Removals finds what an event store may remove, as EventStoreDB does it: the
// oldest events of a stream that $tb, $maxCount or $maxAge hide, never the last
// one; all of a stream that was ended but its end, and all of its metadata. Tell
// it all events with Learn, then ask with May about all of them again, both times
// in the order of the log. Memory grows with the number of streams.
type Removals struct {
	now     time.Time
	streams map[string]*hiding
}

// hiding is what is known of one stream.
type hiding struct {
	next  uint64 // revision after its last event
	keep  trail.Retention
	ended bool
	aged  uint64 // revisions below it are too old, as far as May has seen
}

// NewRemovals looks at the ages of events at an instant.
func NewRemovals(now time.Time) *Removals {
	return &Removals{now: now, streams: map[string]*hiding{}}
}

func (r *Removals) of(stream string) *hiding {
	found := r.streams[stream]
	if found == nil {
		found = &hiding{}
		r.streams[stream] = found
	}
	return found
}

// Learn takes an event of the log.
func (r *Removals) Learn(event eventschema.Recorded) {
	if !Counts(event) {
		return
	}
	at := r.of(event.Stream)
	if event.Type == "$streamDeleted" {
		at.ended = true
		return
	}
	at.next = event.Revision + 1
	if target, meta := strings.CutPrefix(event.Stream, "$$"); meta && event.Type == "$metadata" {
		r.of(target).keep = trail.ParseRetention(event.Data)
	}
}

// May says whether a scavenge may remove an event, and why.
func (r *Removals) May(event eventschema.Recorded) (eventschema.RemovalGround, bool) {
	at := r.streams[event.Stream]
	if at == nil || event.Type == "$streamDeleted" {
		return "", false
	}
	target, meta := strings.CutPrefix(event.Stream, "$$")
	switch {
	case at.ended, meta && r.of(target).ended:
		return eventschema.RemovalEnded, true
	case meta:
		return eventschema.RemovalReplaced, event.Revision < trail.OfMetadata().Below(at.next)
	case event.Revision < at.keep.Below(at.next):
		return eventschema.RemovalCut, true
	case at.keep.MaxAge > 0 && event.Revision+1 < at.next && event.Revision <= max(at.aged, at.keep.Below(at.next)) &&
		event.Created.Before(r.now.Add(removalMargin-at.keep.MaxAge)):
		at.aged = event.Revision + 1
		return eventschema.RemovalCut, true
	}
	return "", false
}
