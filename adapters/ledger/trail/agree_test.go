package trail

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// pathOf makes the hashes of a plan from the leaves.
func pathOf(t *rapid.T, leaves []Hash, plan proof.Nodes) []Hash {
	var nodes [][]byte
	for _, id := range plan.IDs {
		hash := subtreeAt(leaves, id)
		nodes = append(nodes, hash[:])
	}
	folded, err := plan.Rehash(nodes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		t.Fatal(err)
	}
	hashes := make([]Hash, len(folded))
	for i := range folded {
		hashes[i] = Hash(folded[i])
	}
	return hashes
}

func subtreeAt(leaves []Hash, id compact.NodeID) Hash {
	from, to := id.Coverage()
	return Reduce(leaves[from:to])
}

// bentProof changes a proof in one place, or leaves it.
func bentProof(t *rapid.T, hashes []Hash) ([]Hash, bool) {
	hashes = slices.Clone(hashes)
	at := 0
	if len(hashes) > 0 {
		at = rapid.IntRange(0, len(hashes)-1).Draw(t, "hash")
	}
	switch how := rapid.IntRange(0, 4).Draw(t, "how"); {
	case how == 1 && len(hashes) > 0:
		hashes[at][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case how == 2 && len(hashes) > 0:
		hashes = slices.Delete(hashes, at, at+1)
	case how == 3:
		hashes = slices.Insert(hashes, at, Hash{3})
	case how == 4 && len(hashes) > 1 && hashes[0] != hashes[1]:
		hashes[0], hashes[1] = hashes[1], hashes[0]
	default:
		return hashes, false
	}
	return hashes, true
}

// Each implementation is asked alone. They must say the same of every proof, true
// or bent, and what this package says is what both say.
//
// promise: OT-27
func TestTheTwoImplementationsAgreeOnEveryProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaves := leavesOf(rapid.IntRange(1, 300).Draw(t, "leaves"))
		size := uint64(len(leaves))
		root := definedRoot(leaves)

		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		plan, err := proof.Inclusion(index, size)
		if err != nil {
			t.Fatal(err)
		}
		hashes, bent := bentProof(t, pathOf(t, leaves, plan))
		record := tlog.RecordProof(tlogHashes(hashes))
		first := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaves[index][:], bytesOf(hashes), root[:]) == nil
		second := tlog.CheckRecord(record, int64(size), tlog.Hash(root), int64(index), tlog.Hash(leaves[index])) == nil
		ours := InclusionProof{Index: index, Size: size, Leaf: leaves[index], Hashes: hashes}.CheckPath(root) == nil
		if first != second || ours != first || first == bent {
			t.Fatalf("inclusion of %d of %d, bent %v: merkle says %v, tlog %v, ours %v", index, size, bent, first, second, ours)
		}

		older := rapid.Uint64Range(1, size).Draw(t, "older")
		if plan, err = proof.Consistency(older, size); err != nil {
			t.Fatal(err)
		}
		hashes, bent = bentProof(t, pathOf(t, leaves, plan))
		before := definedRoot(leaves[:older])
		first = proof.VerifyConsistency(rfc6962.DefaultHasher, older, size, bytesOf(hashes), before[:], root[:]) == nil
		second = tlog.CheckTree(tlog.TreeProof(tlogHashes(hashes)), int64(size), tlog.Hash(root), int64(older), tlog.Hash(before)) == nil
		ours = CheckConsistency(Head{older, before}, Head{size, root}, hashes) == nil
		if first != second || ours != first || first == bent {
			t.Fatalf("consistency from %d to %d, bent %v: merkle says %v, tlog %v, ours %v", older, size, bent, first, second, ours)
		}
	})
}

func tlogHashes(hashes []Hash) []tlog.Hash {
	other := make([]tlog.Hash, len(hashes))
	for i := range hashes {
		other[i] = tlog.Hash(hashes[i])
	}
	return other
}

// A tree whose halves differ says so and gives no root: the second half is asked.
func TestATreeWhoseHalvesDifferGivesNoRoot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{1, 2, 3, 64, 255, 300} {
		tree := NewTree()
		for _, leaf := range leavesOf(size) {
			if err := tree.Append(leaf); err != nil {
				t.Fatal(err)
			}
		}
		at := r.IntN(len(tree.peaks))
		tree.peaks[at].hash[r.IntN(32)] ^= 1
		if root, err := tree.Root(); !errors.Is(err, ErrDisagree) || root != (Hash{}) {
			t.Errorf("%d leaves, peak %d: %s, %v", size, at, root, err)
		}
	}
}
