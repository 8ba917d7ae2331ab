package trail

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Names of the event by which a log says what a scavenge may remove.
const (
	typeListed     = "removal-listed"
	listedCategory = "removal-"
)

// Listing says of some events, consecutive in one stream, that the event store
// may remove them, and keeps of each what shows which leaf was its own: with
// stream, revision, position and the hash of the body anybody computes the leaf,
// and no other event has that one. So a listing cannot cover up for an event it
// does not name. It is itself an event, and has a leaf.
type Listing struct {
	Stream        string   `json:"stream"`
	FirstRevision uint64   `json:"first_revision"`
	Leaves        []uint64 `json:"leaves"`
	Positions     []uint64 `json:"positions"`
	Bodies        []Hash   `json:"bodies"`
}

// Names answers the removed event at a place of the listing.
func (l Listing) Names(i int) Removed {
	return Removed{Stream: l.Stream, Revision: l.FirstRevision + uint64(i), Position: l.Positions[i], Body: l.Bodies[i]}
}

// IsListing says whether an event lists removals, in any version.
func IsListing(event Event) bool {
	return strings.HasPrefix(event.Type, typeListed+".v") && strings.HasPrefix(event.Stream, listedCategory)
}

// ParseListing reads an event that lists removals. Errors: [ErrMalformed].
func ParseListing(event Event) (Listing, error) {
	var l Listing
	if event.Type != typeListed+".v1" {
		return l, fmt.Errorf("%s at position %d: unknown version: %w", typeListed, event.Position, ErrMalformed)
	}
	if json.Unmarshal(event.Data, &l) != nil || !Counts(l.Stream) {
		return l, fmt.Errorf("%s at position %d: %w", typeListed, event.Position, ErrMalformed)
	}
	n := len(l.Leaves)
	if n == 0 || n != len(l.Positions) || n != len(l.Bodies) {
		return l, fmt.Errorf("%s at position %d: %d leaves, %d positions, %d bodies: %w", typeListed, event.Position, n, len(l.Positions), len(l.Bodies), ErrMalformed)
	}
	for i := 1; i < n; i++ {
		if l.Leaves[i] <= l.Leaves[i-1] || l.Positions[i] <= l.Positions[i-1] {
			return l, fmt.Errorf("%s at position %d: leaves do not rise: %w", typeListed, event.Position, ErrMalformed)
		}
	}
	return l, nil
}

// Removed is what is left of an event that the event store removed.
type Removed struct {
	Stream   string `json:"stream"`
	Revision uint64 `json:"revision"`
	Position uint64 `json:"position"`
	Body     Hash   `json:"body"`
}

// Shows says whether a leaf was the one of the removed event.
func (r Removed) Shows(leaf Hash) bool {
	for _, salted := range []bool{true, false} {
		if commitTo(r.Stream, r.Revision, r.Body, salted).LeafAt(r.Position) == leaf {
			return true
		}
	}
	return false
}
