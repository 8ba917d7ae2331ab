package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tracekeep/adapters/ledger/trail"
)

// resigned makes the manifest anew, with the key of the log.
func resigned(t testing.TB, l *testLog, content []byte) []byte {
	t.Helper()
	names, members := membersOf(t, content)
	members[manifestMember] = []byte(sign(t, trail.NoteLabel+"\n"+manifestOf(t, names, members), l.key.signer(t, trail.NotesSuffix)))
	return pack(t, names, members)
}

// manifestOf is the text of a manifest of these members; what it counts stays.
func manifestOf(t testing.TB, names []string, members map[string][]byte) string {
	t.Helper()
	var m manifest
	_, text, _ := strings.Cut(trail.CutNote(string(members[manifestMember])), "\n")
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	m.Members = nil
	for _, name := range names[:len(names)-1] {
		sum := sha256.Sum256(members[name])
		m.Members = append(m.Members, member{Name: name, Size: uint64(len(members[name])), SHA256: hex.EncodeToString(sum[:])})
	}
	made, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(made) + "\n"
}

// located is what must be found, and where.
type located struct {
	kind   trail.Kind
	leaf   uint64
	detail string // the member, where the defect is no leaf's
}

// memberTampering changes other members than the events. sealed says that who has
// the key of the log, and signs the manifest anew, is found as well.
type memberTampering struct {
	change func(t *testing.T, r *rand.Rand, l *testLog, members map[string][]byte) located
	sealed bool
}

func flip(r *rand.Rand, content []byte) []byte {
	content = slices.Clone(content)
	content[r.IntN(len(content))] ^= 1 << r.IntN(8)
	return content
}

// inMember flips a bit of a member that only the manifest vouches for.
func inMember(name string) memberTampering {
	return memberTampering{change: func(_ *testing.T, r *rand.Rand, _ *testLog, members map[string][]byte) located {
		members[name] = flip(r, members[name])
		return located{kind: trail.KindCorrupt, detail: name + " is not the one that was signed"}
	}}
}

var memberTamperings = map[string]memberTampering{
	"a bit of the catalogue": inMember(schemaMember),
	"a bit of the read-me":   inMember(readmeMember),
	"a bit of the hand-overs": {sealed: true, change: func(_ *testing.T, r *rand.Rand, _ *testLog, members map[string][]byte) located {
		members[handoversMember] = flip(r, members[handoversMember])
		return located{kind: trail.KindCorrupt, detail: handoversMember + " does not lead to the given key"}
	}},
	"a bit of the heads": inMember(headsMember),
	"the manifest signed by a stranger": {change: func(t *testing.T, r *rand.Rand, _ *testLog, members map[string][]byte) located {
		_, text, _ := strings.Cut(trail.CutNote(string(members[manifestMember])), "\n")
		members[manifestMember] = []byte(sign(t, trail.NoteLabel+"\n"+text, newKey(t, byte(90+r.IntN(100))).signer(t, trail.NotesSuffix)))
		return located{kind: trail.KindBadSignature, detail: "the manifest"}
	}},
	"the manifest signed with a key for something else": {change: func(t *testing.T, _ *rand.Rand, l *testLog, members map[string][]byte) located {
		members[manifestMember] = []byte(sign(t, trail.CutNote(string(members[manifestMember])), l.key.signer(t, "")))
		return located{kind: trail.KindBadSignature, detail: "the manifest"}
	}},
	"the checkpoint signed by a stranger": {sealed: true, change: func(t *testing.T, r *rand.Rand, _ *testLog, members map[string][]byte) located {
		members[checkpointMember] = []byte(sign(t, trail.CutNote(string(members[checkpointMember])), newKey(t, byte(90+r.IntN(100))).signer(t, "")))
		return located{kind: trail.KindBadSignature, detail: "the checkpoint"}
	}},
	"a checkpoint of an earlier time": {sealed: true, change: func(t *testing.T, r *rand.Rand, l *testLog, members map[string][]byte) located {
		size := uint64(len(l.leaves)) - 1 - uint64(r.IntN(200))
		members[checkpointMember] = []byte(sign(t, trail.CheckpointBody(testOrigin, size, l.rootAt(size)), l.key.signer(t, "")))
		return located{kind: trail.KindInserted, leaf: size}
	}},
	"a checkpoint of a size that the log never had": {sealed: true, change: func(t *testing.T, _ *rand.Rand, l *testLog, members map[string][]byte) located {
		size := uint64(len(l.leaves))
		members[checkpointMember] = []byte(sign(t, trail.CheckpointBody(testOrigin, size+5, l.rootAt(size)), l.key.signer(t, "")))
		return located{kind: trail.KindTruncated, leaf: size}
	}},
	"a root that the log never had": {sealed: true, change: func(t *testing.T, r *rand.Rand, l *testLog, members map[string][]byte) located {
		root := l.rootAt(uint64(len(l.leaves)))
		root[r.IntN(32)] ^= 1
		members[checkpointMember] = []byte(sign(t, trail.CheckpointBody(testOrigin, uint64(len(l.leaves)), root), l.key.signer(t, "")))
		return located{kind: trail.KindForked}
	}},
	"what the bundle says it holds": {sealed: true, change: func(t *testing.T, _ *rand.Rand, l *testLog, members map[string][]byte) located {
		members[aboutMember] = bytes.Replace(members[aboutMember], []byte(fmt.Sprintf(`"size": %d`, len(l.leaves))), []byte(fmt.Sprintf(`"size": %d`, len(l.leaves)-1)), 1)
		return located{kind: trail.KindCorrupt, detail: aboutMember + " speaks of another log"}
	}},
	"the root of a block": {sealed: true, change: func(_ *testing.T, r *rand.Rand, _ *testLog, members map[string][]byte) located {
		block := r.IntN(len(members[blocksMember]) / 32)
		members[blocksMember][block*32+r.IntN(32)] ^= 1 << r.IntN(8)
		return located{kind: trail.KindCorrupt, leaf: uint64(block) * blockWidth}
	}},
	"two certificates exchanged": {sealed: true, change: func(t *testing.T, _ *rand.Rand, l *testLog, members map[string][]byte) located {
		lines := strings.SplitAfter(string(members[certificatesMember]), "\n")
		var a, b certificateLine
		for i, into := range []*certificateLine{&a, &b} {
			if err := json.Unmarshal([]byte(lines[i]), into); err != nil {
				t.Fatal(err)
			}
		}
		leaf := a.Leaf
		a.Certificate, b.Certificate = b.Certificate, a.Certificate
		members[certificatesMember] = nil
		for _, l := range []certificateLine{a, b} {
			text, err := marshalLine(l)
			if err != nil {
				t.Fatal(err)
			}
			members[certificatesMember] = append(members[certificatesMember], text...)
		}
		return located{kind: trail.KindFalseClaim, leaf: leaf}
	}},
	"a certificate left out": {sealed: true, change: func(_ *testing.T, _ *rand.Rand, _ *testLog, members map[string][]byte) located {
		lines := strings.SplitAfter(string(members[certificatesMember]), "\n")
		members[certificatesMember] = []byte(strings.Join(lines[:1], ""))
		return located{kind: trail.KindCorrupt, detail: certificatesMember}
	}},
	"certificates exchanged between their events": {sealed: true, change: func(t *testing.T, _ *rand.Rand, l *testLog, members map[string][]byte) located {
		lines := strings.SplitAfter(string(members[eventsMember]), "\n")
		var at []int
		for i, e := range l.events {
			if strings.HasPrefix(e.Type, "erasure-certified") {
				at = append(at, i)
			}
		}
		one, other := l.events[at[0]].Data, l.events[at[1]].Data
		lines[at[0]] = changed(t, lines[at[0]], func(l *line) { l.Data = pointer(string(other)) })
		lines[at[1]] = changed(t, lines[at[1]], func(l *line) { l.Data = pointer(string(one)) })
		members[eventsMember] = []byte(strings.Join(lines, ""))
		return located{kind: trail.KindAltered, leaf: uint64(at[0])}
	}},
	"two far events exchanged": {sealed: true, change: func(t *testing.T, r *rand.Rand, l *testLog, members map[string][]byte) located {
		lines := strings.SplitAfter(string(members[eventsMember]), "\n")
		i, j := l.anEvent(r)%100, 0
		for j < 600 || i == j || l.gone[uint64(i)] != nil {
			i, j = l.anEvent(r)%100, l.anEvent(r)
		}
		a, b := lineOf(l.events[i]), lineOf(l.events[j])
		a.Position, b.Position = b.Position, a.Position
		lines[i] = changed(t, lines[i], func(l *line) { b.Leaf, b.Hash = l.Leaf, l.Hash; *l = b })
		lines[j] = changed(t, lines[j], func(l *line) { a.Leaf, a.Hash = l.Leaf, l.Hash; *l = a })
		members[eventsMember] = []byte(strings.Join(lines, ""))
		return located{kind: trail.KindReordered, leaf: uint64(i)}
	}},
	"an event, its hash and the root of its block alike": {sealed: true, change: func(t *testing.T, r *rand.Rand, l *testLog, members map[string][]byte) located {
		lines := strings.SplitAfter(string(members[eventsMember]), "\n")
		i := blockWidth + r.IntN(blockWidth)
		for l.gone[uint64(i)] != nil {
			i++
		}
		claims := slices.Clone(l.leaves[blockWidth : 2*blockWidth])
		lines[i] = changed(t, lines[i], func(l *line) {
			l.Data, l.DataBase64 = pointer("{}"), nil
			event, err := l.event()
			if err != nil {
				t.Fatal(err)
			}
			claims[i-blockWidth] = trail.LeafHash(event)
			l.Hash = &claims[i-blockWidth]
		})
		members[eventsMember] = []byte(strings.Join(lines, ""))
		root := trail.Reduce(claims)
		copy(members[blocksMember][32:], root[:])
		return located{kind: trail.KindForked} // behind the last head before it; there is none
	}},
}

// promise: I9
// promise: OT-27
func TestEveryTamperingWithAMemberIsLocated(t *testing.T) {
	l := lived(t, 26, 620)
	l.erase() // a second certificate
	whole := l.bundle(all())
	trust := Trust{Key: l.first}
	for name, tamper := range memberTamperings {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(times(4, 1000)) {
				r := rand.New(rand.NewPCG(seed, 4))
				names, members := membersOf(t, whole)
				want := tamper.change(t, r, l, members)
				content := pack(t, names, members)
				signedAnew := tamper.sealed && seed%2 == 1
				if signedAnew {
					content = resigned(t, l, content)
				}
				report := verify(t, content, trust)
				if report.OK || !slices.ContainsFunc(report.Findings, func(f trail.Finding) bool {
					return f.Kind == want.kind && f.Leaf == want.leaf && strings.Contains(f.Detail, want.detail)
				}) {
					t.Fatalf("seed %d, signed anew %v: want %+v, found %+v", seed, signedAnew, want, report.Findings[:min(6, len(report.Findings))])
				}
			}
		})
	}
	if report := verify(t, whole, trust); !report.OK || report.Certified != 2 {
		t.Fatalf("the bundle itself: %+v", report)
	}
}
