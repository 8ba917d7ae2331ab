package bundle

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tracekeep/adapters/ledger/trail"
)

// settle judges the leaves that were read since the last block ended: a whole
// block against its root, others by themselves.
func (r *reading) settle() error {
	if len(r.window) == 0 {
		return nil
	}
	first := r.next - uint64(len(r.window))
	var claims, computed []trail.Hash
	for i := range r.window {
		s := &r.window[i]
		s.leaf = first + uint64(i)
		if !s.given {
			r.lose(s.leaf)
			if i == 0 || r.window[i-1].given {
				r.reportLost(i)
			}
			continue
		}
		claims, computed = append(claims, s.claim), append(computed, s.computed)
	}
	var err error
	if len(r.window) == blockWidth && first%blockWidth == 0 {
		err = r.settleBlock(first, claims, computed)
	} else {
		err = r.settleEdge(first, claims, computed)
	}
	if err != nil {
		return err
	}
	for i := range r.window {
		r.account(&r.window[i])
	}
	r.before, r.window = r.window, nil
	return nil
}

// reportLost reports a run of leaves whose lines are missing, from a place in the
// window on.
func (r *reading) reportLost(from int) {
	r.holes = true
	to := from
	for to+1 < len(r.window) && !r.window[to+1].given {
		to++
	}
	first := r.next - uint64(len(r.window)) + uint64(from)
	f := trail.Finding{Position: r.positionBefore(first), Leaf: first, Kind: trail.KindRemoved}
	f.Detail = fmt.Sprintf("the line of leaf %d is missing, after position %d", first, f.Position)
	if to > from {
		f.Detail = fmt.Sprintf("the lines of leaves %d to %d are missing, after position %d", first, first+uint64(to-from), f.Position)
	}
	r.report.add(f)
}

// positionBefore is the position of the nearest leaf before one that is lost.
func (r *reading) positionBefore(leaf uint64) uint64 {
	for _, slots := range [][]slot{r.window, r.before} {
		for i := len(slots) - 1; i >= 0; i-- {
			if slots[i].given && slots[i].leaf < leaf {
				return slots[i].position()
			}
		}
	}
	return 0
}

// settleBlock adds a whole block to both trees.
func (r *reading) settleBlock(first uint64, claims, computed []trail.Hash) error {
	var root trail.Hash
	if _, err := io.ReadFull(r.blocks, root[:]); err != nil {
		r.torn = true
		r.report.of(trail.KindCorrupt, fmt.Sprintf("%s ends before leaf %d", blocksMember, first))
	}
	if r.claimed.Size() == first && !r.torn {
		if err := r.claimed.Skip(first+blockWidth, []trail.Hash{root}); err != nil {
			return err
		}
	}
	if err := r.appendComputed(first, computed); err != nil {
		return err
	}
	if len(claims) < blockWidth {
		r.compare()
		return nil
	}
	claimsHold, eventsHold := trail.Reduce(claims) == root, trail.Reduce(computed) == root
	switch {
	case claimsHold:
		r.compare()
	case eventsHold:
		for i := range r.window {
			if s := &r.window[i]; s.claim != s.computed {
				r.spoiltClaim(s)
			}
		}
	default:
		wrong := r.compare()
		t := tentative{spoilt: fmt.Sprintf("%s does not hold the root of leaves %d to %d", blocksMember, first, first+blockWidth-1)}
		t.Finding = trail.Finding{
			Position: r.window[0].position(), Leaf: first, Kind: trail.KindForked,
			Detail: fmt.Sprintf("the hashes of leaves %d to %d do not give the root of their block: an event among them and the hash beside it were changed alike", first, first+blockWidth-1),
		}
		if wrong == 0 {
			r.open = append(r.open, t)
		}
	}
	return nil
}

// spoiltClaim: the block shows that the event is right.
func (r *reading) spoiltClaim(s *slot) {
	t := r.difference(s)
	t.Kind, t.Detail = trail.KindCorrupt, t.spoilt
	r.open = append(r.open, t)
}

// settleEdge adds leaves of a block that is not given as a whole.
func (r *reading) settleEdge(first uint64, claims, computed []trail.Hash) error {
	if len(claims) < len(r.window) {
		r.torn = true
	}
	if r.edge == nil {
		r.edge = &r.window[0]
	}
	for _, claim := range claims {
		if r.torn || r.claimed.Size() < first {
			break
		}
		if err := r.claimed.Append(claim); err != nil {
			return err
		}
	}
	if err := r.appendComputed(first, computed); err != nil {
		return err
	}
	r.compare()
	return nil
}

// appendComputed adds what follows from the events, unless leaves are lost.
func (r *reading) appendComputed(first uint64, computed []trail.Hash) error {
	if r.holes || r.computed.Size() != first {
		r.holes = true
		return nil
	}
	for _, hash := range computed {
		if err := r.computed.Append(hash); err != nil {
			return err
		}
		r.see(r.computed)
	}
	return nil
}

// compare holds every event of the window against the hash beside it and says how
// many differ.
func (r *reading) compare() (wrong int) {
	for i := range r.window {
		s := &r.window[i]
		if s.given && s.claim != s.computed {
			wrong++
			r.open = append(r.open, r.difference(s))
		}
	}
	return wrong
}

func (r *reading) difference(s *slot) tentative {
	t := tentative{
		made: s.made, claim: s.claim, spoilt: fmt.Sprintf("the hash beside the event of leaf %d is wrong, the event is right", s.leaf),
	}
	t.Finding = trail.Finding{
		Position: s.position(), Leaf: s.leaf, Stream: s.event.Stream, Revision: s.event.Revision, Kind: trail.KindAltered,
		Detail: fmt.Sprintf("the event is not the one of leaf %d", s.leaf),
	}
	if from, moved := r.cameFrom(s); moved {
		t.Kind = trail.KindReordered
		t.Detail = fmt.Sprintf("the event was recorded at position %d", from)
	}
	return t
}

// cameFrom looks for the place of an event that stands at another one.
func (r *reading) cameFrom(s *slot) (uint64, bool) {
	for _, slots := range [][]slot{r.window, r.before} {
		for i := range slots {
			o := &slots[i]
			if o.given && o.leaf != s.leaf && s.made.LeafAt(o.position()) == o.claim {
				return o.position(), true
			}
		}
	}
	return 0, false
}

// account takes what stands at a leaf into the accounts, if it is what the hash
// says.
func (r *reading) account(s *slot) {
	switch {
	case !s.given:
	case s.line.Missing:
		r.counted.Missing++
		r.report.add(trail.Finding{
			Position: s.position(), Leaf: s.leaf, Kind: trail.KindRemoved,
			Detail: fmt.Sprintf("leaf %d has no event, and no listing of removals names it", s.leaf),
		})
	case s.line.Removed != nil:
		r.counted.Removed++
		r.removed(s, *s.line.Removed)
	case s.isEvent:
		r.counted.Events++
		r.report.Events++
		if r.opened != nil {
			r.opened[s.leaf] = struct{}{}
		}
		if s.claim == s.computed {
			r.event(s)
		}
	}
}

// explained notes a type of event that the schema catalogue does not have.
func (r *reading) explained(eventType string) {
	if r.types == nil || r.types[eventType] || strings.HasPrefix(eventType, "$") || len(r.report.Unlisted) >= maxFindings {
		return
	}
	if !slices.Contains(r.report.Unlisted, eventType) {
		r.report.Unlisted = append(r.report.Unlisted, eventType)
	}
}

func (r *reading) removed(s *slot, said trail.Removed) {
	if !said.Shows(s.claim) {
		r.report.add(trail.Finding{
			Position: said.Position, Leaf: s.leaf, Stream: said.Stream, Revision: said.Revision, Kind: trail.KindFalseClaim,
			Detail: "what is said of the removed event is not what its leaf stood for",
		})
		return
	}
	for _, f := range r.accounts.Removed(s.leaf, said) {
		r.report.add(f)
	}
}

func (r *reading) event(s *slot) {
	place := Place{Position: s.event.Position, Leaf: s.leaf, Recorded: s.event.Created}
	if r.report.First == nil {
		r.report.First = &place
	}
	r.report.Last = &place
	r.explained(s.event.Type)
	r.accounts.Event(s.leaf, s.event)
	if signed, is := trail.IsCertificate(s.event); is {
		r.carried = append(r.carried, certificateLine{Leaf: s.leaf, Position: s.event.Position, Certificate: sumOf(signed)})
	}
	for _, f := range r.certificates.Event(s.leaf, s.event, r.rootAt) {
		r.report.add(f)
	}
	if !trail.IsListing(s.event) {
		return
	}
	listing, err := trail.ParseListing(s.event)
	if err != nil {
		r.report.add(trail.Finding{
			Position: s.event.Position, Leaf: s.leaf, Stream: s.event.Stream, Revision: s.event.Revision, Kind: trail.KindFalseClaim, Detail: err.Error(),
		})
		return
	}
	for _, f := range r.accounts.List(s.leaf, s.event, listing) {
		r.report.add(f)
	}
}
