package trail

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"pgregory.net/rapid"
)

// leavesOf makes n leaf hashes that differ.
func leavesOf(n int) []Hash {
	leaves := make([]Hash, n)
	for i := range leaves {
		binary.BigEndian.PutUint64(leaves[i][:], uint64(i)+1)
	}
	return leaves
}

// definedRoot is the root of RFC 6962 section 2.1, by its definition.
func definedRoot(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return EmptyRoot()
	case 1:
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	return Join(definedRoot(leaves[:split]), definedRoot(leaves[split:]))
}

// subtreesOf are the complete subtrees that cover a part of a log.
func subtreesOf(leaves []Hash, begin, end uint64) []Hash {
	var hashes []Hash
	for _, id := range compact.RangeNodes(begin, end, nil) {
		from, to := id.Coverage()
		hashes = append(hashes, Reduce(leaves[from:to]))
	}
	return hashes
}

// Whatever parts of a log are given by their leaves and whatever parts by
// subtrees, the root is the one of the definition.
func TestRootIsTheSameHoweverTheLogIsGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := leavesOf(rapid.IntRange(0, 700).Draw(t, "leaves"))
		tree := NewTree()
		for at := uint64(0); at < uint64(len(leaves)); at = tree.Size() {
			end := at + uint64(rapid.IntRange(1, len(leaves)-int(at)).Draw(t, "part"))
			if rapid.Bool().Draw(t, "skip") {
				if err := tree.Skip(end, subtreesOf(leaves, at, end)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			for _, leaf := range leaves[at:end] {
				if err := tree.Append(leaf); err != nil {
					t.Fatal(err)
				}
			}
		}
		if root, err := tree.Root(); err != nil || root != definedRoot(leaves) {
			t.Fatalf("%d leaves: %s, want %s: %v", len(leaves), root, definedRoot(leaves), err)
		}
	})
}

func TestWhatIsNoPartOfALog(t *testing.T) {
	leaves := leavesOf(40)
	for rule, c := range map[string]struct {
		end      uint64
		subtrees []Hash
	}{
		"one subtree too few":    {30, subtreesOf(leaves, 5, 30)[1:]},
		"one subtree too many":   {30, append(subtreesOf(leaves, 5, 30), Hash{})},
		"backwards":              {4, nil},
		"beyond what proofs say": {1<<56 + 1, nil},
	} {
		tree := NewTree()
		for _, leaf := range leaves[:5] {
			if err := tree.Append(leaf); err != nil {
				t.Fatal(err)
			}
		}
		if err := tree.Skip(c.end, c.subtrees); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", rule, err)
		}
		if root, err := tree.Root(); err != nil || root != definedRoot(leaves[:5]) {
			t.Errorf("%s: the tree changed: %v", rule, err)
		}
	}
}

func TestMarksAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var marks Marks
		model := map[uint64]bool{}
		for _, leaf := range rapid.SliceOf(rapid.Uint64Range(0, 300)).Draw(t, "leaves") {
			if rapid.Bool().Draw(t, "add") {
				marks.Add(leaf)
				model[leaf] = true
			} else {
				marks.Remove(leaf)
				delete(model, leaf)
			}
		}
		last, seen := -1, 0
		for leaf := range marks.All {
			if int(leaf) <= last || !model[leaf] || !marks.Has(leaf) {
				t.Fatalf("leaf %d after %d", leaf, last)
			}
			last = int(leaf)
			seen++
		}
		if seen != len(model) || marks.Count() != uint64(len(model)) {
			t.Fatalf("%d of %d marks, counted %d", seen, len(model), marks.Count())
		}
	})
}
