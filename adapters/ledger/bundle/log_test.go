package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"tracekeep/adapters/ledger/trail"
)

const (
	testOrigin = "example.com/tracekeep/trail"
	caseID     = "7d444840-9dc0-41d1-b245-5ffdce74fad2"
)

// testLog is a whole log in memory, with its keys.
type testLog struct {
	t         testing.TB
	random    *rand.Rand
	events    []trail.Event
	leaves    []trail.Hash
	gone      map[uint64]*trail.Removed // leaves whose events the store no longer has; nil: nobody listed it
	next      map[string]uint64
	key       testKey
	first     string
	handovers string
}

// testKey is an Ed25519 key of a log.
type testKey struct {
	public string
	seed   []byte
}

func newKey(t testing.TB, number byte) testKey {
	t.Helper()
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = number
	text, err := note.NewEd25519VerifierKey(testOrigin, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return testKey{public: text, seed: seed}
}

func (k testKey) signer(t testing.TB, suffix string) note.Signer {
	t.Helper()
	name := testOrigin + suffix
	public, err := note.NewEd25519VerifierKey(name, ed25519.NewKeyFromSeed(k.seed).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	hash := strings.Split(strings.TrimPrefix(public, name+"+"), "+")[0]
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + hash + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, k.seed...)))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func sign(t testing.TB, text string, signers ...note.Signer) string {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// newLog makes a log of punches in a few streams.
func newLog(t testing.TB, seed uint64, n int) *testLog {
	t.Helper()
	key := newKey(t, 1)
	l := &testLog{
		t: t, random: rand.New(rand.NewPCG(seed, 7)), gone: map[uint64]*trail.Removed{}, next: map[string]uint64{}, key: key, first: key.public,
	}
	for i := range n {
		l.punch(l.random.IntN(9), fmt.Sprintf(`{"n":%d,"a<b":"é\u2028"}`, i))
	}
	return l
}

func streamOf(number int) string {
	return fmt.Sprintf("punches-0123456789abcdef0123456789abcdef.%032x.2026", number)
}

func (l *testLog) punch(number int, data string) uint64 {
	return l.add(streamOf(number), "punch-recorded.v2", data)
}

func (l *testLog) add(stream, eventType, data string) uint64 {
	leaf := uint64(len(l.events))
	salt := make([]byte, 32)
	binary.BigEndian.PutUint64(salt, l.random.Uint64())
	e := trail.Event{
		Stream: stream, Revision: l.next[stream], Position: 100 + 13*leaf, Type: eventType, ContentType: "application/json",
		Created: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC).Add(time.Duration(leaf) * 12345600),
		Data:    []byte(data), Metadata: []byte(`{"salt":"` + base64.StdEncoding.EncodeToString(salt) + `"}`),
	}
	binary.BigEndian.PutUint64(e.ID[:], l.random.Uint64())
	if leaf%17 == 3 && eventType == "punch-recorded.v2" {
		e.Data = append(e.Data, 0xff, '\n') // not UTF-8
	}
	l.next[stream]++
	l.events = append(l.events, e)
	l.leaves = append(l.leaves, trail.LeafHash(e))
	return leaf
}

// forget lists the oldest events of a stream as removed and takes them away.
func (l *testLog) forget(number int, below uint64) {
	stream := streamOf(number)
	l.add("$$"+stream, "$metadata", fmt.Sprintf(`{"$tb":%d}`, below))
	listing := trail.Listing{Stream: stream}
	for leaf, e := range l.events {
		if e.Stream == stream && e.Revision < below {
			body, _ := trail.BodyOf(e)
			listing.Leaves, listing.Positions = append(listing.Leaves, uint64(leaf)), append(listing.Positions, e.Position)
			listing.Bodies = append(listing.Bodies, body)
			l.gone[uint64(leaf)] = &trail.Removed{Stream: stream, Revision: e.Revision, Position: e.Position, Body: body}
		}
	}
	data, err := json.Marshal(listing)
	if err != nil {
		l.t.Fatal(err)
	}
	l.add("removal-0123456789abcdef0123456789abcdef.0123456789abcdef0123456789abcdef", "removal-listed.v1", string(data))
}

// erase destroys keys and certifies it.
func (l *testLog) erase() {
	stream := "erasure-0123456789abcdef0123456789abcdef." + strings.ReplaceAll(caseID, "-", "")
	destroyed := l.add(stream, "keys-destroyed.v1", `{"case_id":"`+caseID+`"}`)
	size := uint64(len(l.leaves))
	text, err := json.MarshalIndent(map[string]any{
		"type": "tracekeep-erasure-certificate/v1", "kind": "effective", "case": caseID,
		"trail": map[string]any{"origin": testOrigin, "leaf": destroyed, "position": l.events[destroyed].Position, "size": size, "root": l.rootAt(size)},
	}, "", "  ")
	if err != nil {
		l.t.Fatal(err)
	}
	signed := sign(l.t, trail.NoteLabel+"\n"+string(text)+"\n", l.key.signer(l.t, trail.NotesSuffix))
	data, err := json.Marshal(map[string]any{"case_id": caseID, "certificate": signed})
	if err != nil {
		l.t.Fatal(err)
	}
	l.add(stream, "erasure-certified.v2", string(data))
}

// changeKey hands the log over to another key.
func (l *testLog) changeKey(number byte) {
	next := newKey(l.t, number)
	size := uint64(len(l.leaves))
	said := trail.Handover{Origin: testOrigin, Size: size, Root: l.rootAt(size), Old: l.key.public, New: next.public}
	if l.handovers != "" {
		l.handovers += "\n"
	}
	l.handovers += sign(l.t, said.Text(), l.key.signer(l.t, trail.HandoverSuffix), next.signer(l.t, trail.HandoverSuffix))
	l.key = next
}

func (l *testLog) rootAt(size uint64) trail.Hash {
	tree := trail.NewTree()
	for _, leaf := range l.leaves[:size] {
		if err := tree.Append(leaf); err != nil {
			l.t.Fatal(err)
		}
	}
	root, err := tree.Root()
	if err != nil {
		l.t.Fatal(err)
	}
	return root
}

func (l *testLog) checkpoint(cosigners ...note.Signer) string {
	size := uint64(len(l.leaves))
	return sign(l.t, trail.CheckpointBody(testOrigin, size, l.rootAt(size)), append([]note.Signer{l.key.signer(l.t, "")}, cosigners...)...)
}

func (l *testLog) node(id compact.NodeID) []byte {
	from, to := id.Coverage()
	hash := trail.Reduce(l.leaves[from:to])
	return hash[:]
}

func (l *testLog) source(cosigners ...note.Signer) Source {
	size := uint64(len(l.leaves))
	return Source{
		Checkpoint: trail.Checkpoint{Origin: testOrigin, Size: size, Root: l.rootAt(size), Text: l.checkpoint(cosigners...)},
		Handovers:  l.handovers,
		Subtrees: func(begin, end uint64) (hashes []trail.Hash, err error) {
			for _, id := range compact.RangeNodes(begin, end, nil) {
				hashes = append(hashes, trail.Hash(l.node(id)))
			}
			return hashes, nil
		},
		Earlier: func(at uint64) (trail.Head, []trail.Hash, error) {
			plan, err := proof.Consistency(at, size)
			if err != nil {
				return trail.Head{}, nil, err
			}
			var nodes [][]byte
			for _, id := range plan.IDs {
				nodes = append(nodes, l.node(id))
			}
			folded, err := plan.Rehash(nodes, rfc6962.DefaultHasher.HashChildren)
			hashes := make([]trail.Hash, len(folded))
			for i := range folded {
				hashes[i] = trail.Hash(folded[i])
			}
			return trail.Head{Size: at, Root: l.rootAt(at)}, hashes, err
		},
		Sign: func(text string) (string, error) {
			return sign(l.t, trail.NoteLabel+"\n"+text, l.key.signer(l.t, trail.NotesSuffix)), nil
		},
	}
}

const testSchema = `{"events":[{"stored":["punch-recorded.v2","removal-listed.v1","keys-destroyed.v1","erasure-certified.v2"]}]}`

func all() Selection { return Selection{Scope: ScopeAll} }

// bundle writes a bundle of a selection, as an exporter does: with the listings
// that explain what is gone.
func (l *testLog) bundle(selection Selection, also ...func(*Writer)) []byte {
	l.t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, l.source(), selection, []byte(testSchema))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.write(w, selection); err != nil {
		l.t.Fatal(err)
	}
	for _, add := range also {
		add(w)
	}
	if err := w.Close(); err != nil {
		l.t.Fatal(err)
	}
	return out.Bytes()
}

func (l *testLog) write(w *Writer, selection Selection) error {
	for i, e := range l.events {
		leaf := uint64(i)
		given := selection.Scope == ScopeAll || selection.Scope == ScopeRange && leaf >= selection.First && leaf < selection.End
		for _, stream := range selection.Streams {
			given = given || e.Stream == stream
		}
		removed, gone := l.gone[leaf]
		var err error
		switch {
		case !given && (gone || !trail.IsListing(e)):
		case gone:
			err = w.Gone(leaf, l.leaves[i], e.Position, removed)
		default:
			err = w.Event(leaf, l.leaves[i], e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func verify(t testing.TB, content []byte, trust Trust) Report {
	t.Helper()
	report, err := Verify(t.Context(), bytes.NewReader(content), int64(len(content)), trust, nil)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
