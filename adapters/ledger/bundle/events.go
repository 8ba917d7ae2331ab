package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"tracekeep/adapters/ledger/trail"
)

// reading is the pass over events.jsonl.
type reading struct {
	*verification
	accounts *trail.Accounts
	wanted   map[uint64]struct{} // sizes whose roots are of interest

	next   uint64 // leaf to come
	window []slot // of the block that is being read, from its first leaf on
	before []slot // of the block before, to find where a moved event came from
	blocks io.Reader

	// computed follows the events, claimed the hashes that the bundle gives: of
	// whole blocks their roots, else those beside the events.
	computed, claimed *trail.Tree
	holes             bool // leaves are lost, so that no root can be computed from the events
	torn              bool // nor from the hashes
	open              []tentative
	lost              map[uint64]struct{} // leaves whose line is missing, as far as they are few
	seen              map[uint64]trail.Hash
	seenAt            map[uint64]uint64 // the latest position then
	edge              *slot             // the first leaf that is in no whole block
	lastAt            uint64            // position of the latest event
	counted           manifest
}

// slot is one leaf of a block.
type slot struct {
	given    bool
	leaf     uint64
	claim    trail.Hash // beside the event
	computed trail.Hash // from the event; the claim where there is none
	line     line
	event    trail.Event
	made     trail.Commitment
	isEvent  bool
}

// tentative is a difference between an event and the hash beside it. Which of the
// two is wrong shows at the end.
type tentative struct {
	trail.Finding
	spoilt string // what is to be said when the event is right
	// made is the commitment to the event, claim the hash beside it.
	made  trail.Commitment
	claim trail.Hash
}

// readEvents goes through the log.
func (v *verification) readEvents(ctx context.Context, progress func(done int64)) error {
	r := &reading{
		verification: v, accounts: trail.NewAccounts(v.about.Selection.Scope == ScopeAll),
		computed: trail.NewTree(), claimed: trail.NewTree(), wanted: map[uint64]struct{}{},
		lost: map[uint64]struct{}{}, seen: map[uint64]trail.Hash{}, seenAt: map[uint64]uint64{},
	}
	if v.container.members[openedMember] != nil {
		v.opened = map[uint64]struct{}{}
	}
	for _, said := range v.keys.Handovers() {
		r.wanted[said.Size] = struct{}{}
	}
	for size := range v.roots { // proven, so a root computed from the events says how far they are right
		r.wanted[size] = struct{}{}
	}
	for _, text := range v.trust.Earlier {
		if kept, err := v.keys.OpenCheckpoint(text); err == nil {
			r.wanted[kept.Size] = struct{}{}
		}
	}
	blocks, err := v.container.members[blocksMember].Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", blocksMember, errContainer)
	}
	defer blocks.Close()
	r.blocks = blocks
	var done int64
	err = v.container.lines(eventsMember, func(number uint64, text []byte) error {
		if number%1024 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(done)
		}
		done += int64(len(text)) + 1
		return r.take(text)
	})
	if ctx.Err() != nil {
		return fmt.Errorf("verify the bundle: %w", ctx.Err())
	}
	if err != nil {
		v.report.add(trail.Finding{
			Position: r.lastAt, Leaf: r.next, Kind: trail.KindCorrupt,
			Detail: fmt.Sprintf("%v; it stands after position %d", err, r.lastAt),
		})
	}
	return r.conclude(err == nil)
}

// take sorts a line.
func (r *reading) take(text []byte) error {
	var l line
	if err := strictly(text, &l); err != nil {
		return err
	}
	switch {
	case l.Skip > 0:
		return r.skip(l)
	case l.Leaf == nil:
		return r.unrecorded(l)
	case l.Hash == nil:
		return trail.ErrMalformed
	}
	s := slot{given: true, leaf: *l.Leaf, claim: *l.Hash, computed: *l.Hash, line: l}
	if !l.Missing && l.Removed == nil {
		event, err := l.event()
		if err != nil {
			return err
		}
		s.isEvent, s.event = true, event
		var same bool
		if s.made, same = trail.Recognise(event, s.claim); !same {
			s.computed = s.made.LeafAt(event.Position)
		}
	}
	return r.place(s)
}

// place puts a leaf where it belongs.
func (r *reading) place(s slot) error {
	switch {
	case s.leaf < r.next:
		r.stray(s)
		return nil
	case s.leaf >= r.head.Size:
		r.report.add(trail.Finding{
			Position: s.position(), Leaf: s.leaf, Stream: s.event.Stream, Revision: s.event.Revision,
			Kind: trail.KindInserted, Detail: "the log of the checkpoint ends before this leaf",
		})
		return nil
	}
	if err := r.loseTo(s.leaf); err != nil {
		return err
	}
	return r.put(s)
}

// loseTo goes over leaves whose lines are missing, up to one that is there. Up to
// the end of the block they are counted one by one, then all at once.
func (r *reading) loseTo(leaf uint64) error {
	for r.next < leaf {
		if leaf-r.next <= blockWidth || r.next%blockWidth > 0 {
			if err := r.put(slot{leaf: r.next}); err != nil {
				return err
			}
			continue
		}
		r.holes, r.torn = true, true
		r.report.add(trail.Finding{
			Position: r.lastAt, Leaf: r.next, Kind: trail.KindRemoved,
			Detail: fmt.Sprintf("the lines of leaves %d to %d are missing, after position %d", r.next, leaf-1, r.lastAt),
		})
		blocks := (leaf+blockWidth-1)/blockWidth - r.next/blockWidth
		if _, err := io.CopyN(io.Discard, r.blocks, int64(blocks)*int64(len(trail.Hash{}))); err != nil {
			r.blocks = strings.NewReader("") // nothing to compare with any more
		}
		r.next, r.window, r.before = leaf, nil, nil
	}
	return nil
}

// lose remembers a lost leaf, so that its line is recognised when it comes late.
func (r *reading) lose(leaf uint64) {
	if len(r.lost) < 1<<16 {
		r.lost[leaf] = struct{}{}
	}
}

// put adds the next leaf, given or lost.
func (r *reading) put(s slot) error {
	r.window = append(r.window, s)
	if s.given {
		r.lastAt = s.position()
	}
	r.next++
	if r.next%blockWidth == 0 {
		return r.settle()
	}
	return nil
}

func (s *slot) position() uint64 {
	if s.line.Removed != nil {
		return s.line.Removed.Position
	}
	return s.line.Position
}

// stray takes a leaf that comes late or again.
func (r *reading) stray(s slot) {
	f := trail.Finding{Position: s.position(), Leaf: s.leaf, Stream: s.event.Stream, Revision: s.event.Revision, Kind: trail.KindReordered}
	f.Detail = fmt.Sprintf("its line stands after that of leaf %d", r.next-1)
	first := r.next - uint64(len(r.window))
	switch {
	case s.leaf >= first && !r.window[s.leaf-first].given:
		r.window[s.leaf-first] = s
	case r.isLost(s.leaf):
		delete(r.lost, s.leaf)
	default:
		f.Kind, f.Detail = trail.KindInserted, "there is a second line for this leaf"
	}
	r.report.add(f)
}

func (r *reading) isLost(leaf uint64) bool {
	_, lost := r.lost[leaf]
	return lost
}

// unrecorded takes an event that has no leaf.
func (r *reading) unrecorded(l line) error {
	event, err := l.event()
	if err != nil {
		return err
	}
	r.counted.Unrecorded++
	r.report.add(trail.Finding{
		Position: event.Position, Leaf: r.next, Stream: event.Stream, Revision: event.Revision,
		Kind: trail.KindInserted, Detail: "the trail has no event at this position",
	})
	return nil
}

// skip takes leaves that are not given.
func (r *reading) skip(l line) error {
	if l.Leaf == nil || l.Skip > r.head.Size || *l.Leaf > r.head.Size-l.Skip || *l.Leaf < r.next {
		return trail.ErrMalformed
	}
	if err := r.loseTo(*l.Leaf); err != nil {
		return err
	}
	if err := r.settle(); err != nil {
		return err
	}
	first, end := r.next, *l.Leaf+l.Skip
	r.allowed(first, end)
	for _, tree := range []*trail.Tree{r.computed, r.claimed} {
		if tree.Size() != first {
			continue // it has lost its place already
		}
		if err := tree.Skip(end, l.Subtrees); err != nil {
			r.holes, r.torn = true, true
			r.report.add(trail.Finding{Position: r.lastAt, Leaf: first, Kind: trail.KindCorrupt, Detail: fmt.Sprintf("the hashes of the skipped leaves %d to %d are not as many as they must be", first, end-1)})
			break
		}
	}
	r.report.Skipped += end - first
	r.next, r.window, r.before = end, nil, nil
	r.see(r.computed)
	return nil
}

// allowed holds what is skipped against what the bundle says it holds.
func (r *reading) allowed(first, end uint64) {
	s := r.about.Selection
	from, to := uint64(0), r.head.Size
	switch s.Scope {
	case ScopeAll:
	case ScopeRange:
		from, to = s.First, s.End
	case ScopeStreams:
		return
	}
	if from, to = max(from, first), min(to, end); from < to {
		r.report.add(trail.Finding{
			Position: r.lastAt, Leaf: from, Kind: trail.KindRemoved,
			Detail: fmt.Sprintf("the bundle leaves out leaves %d to %d of those it says it holds", from, to-1),
		})
	}
}

// see notes the root of the log at a size that somebody asked for.
func (r *reading) see(tree *trail.Tree) {
	if _, asked := r.wanted[tree.Size()]; !asked || r.holes {
		return
	}
	if root, err := tree.Root(); err == nil {
		r.seen[tree.Size()], r.seenAt[tree.Size()] = root, r.lastAt
	}
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
