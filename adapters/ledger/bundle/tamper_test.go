package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"tracekeep/adapters/ledger/trail"
)

// membersOf takes a bundle apart.
func membersOf(t testing.TB, content []byte) (names []string, members map[string][]byte) {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	members = map[string][]byte{}
	for _, f := range archive.File {
		reader, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if members[f.Name], err = io.ReadAll(reader); err != nil {
			t.Fatal(err)
		}
		names = append(names, f.Name)
	}
	return names, members
}

// pack makes an archive as an exporter does, without a new signature.
func pack(t testing.TB, names []string, members map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, name := range names {
		into, err := archive.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := into.Write(members[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// rewrite changes the lines of the log in a bundle.
func rewrite(t testing.TB, _ *testLog, content []byte, change func(lines []string) []string) []byte {
	t.Helper()
	names, members := membersOf(t, content)
	lines := strings.SplitAfter(string(members[eventsMember]), "\n")
	members[eventsMember] = []byte(strings.Join(change(lines[:len(lines)-1]), ""))
	return pack(t, names, members)
}

// changed changes one line as JSON.
func changed(t testing.TB, text string, change func(l *line)) string {
	t.Helper()
	var l line
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	change(&l)
	made, err := marshalLine(l)
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// tampering changes the lines of a bundle of a whole log and says which leaf must
// be found, and as what.
type tampering func(t *testing.T, r *rand.Rand, l *testLog, lines []string) (changedLines []string, leaf int, kind trail.Kind)

func edit(change func(r *rand.Rand, l *line)) tampering {
	return func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.anEvent(r)
		lines[i] = changed(t, lines[i], func(l *line) { change(r, l) })
		return lines, i, trail.KindAltered
	}
}

// anEvent draws a leaf that has its event.
func (l *testLog) anEvent(r *rand.Rand) int {
	for {
		if i := r.IntN(len(l.events)); l.gone[uint64(i)] == nil {
			return i
		}
	}
}

// neighbours draws two leaves in a row that have their events, in one block.
func (l *testLog) neighbours(r *rand.Rand) int {
	for {
		if i := l.anEvent(r); i+1 < len(l.events) && l.gone[uint64(i+1)] == nil && i%blockWidth != blockWidth-1 {
			return i
		}
	}
}

func pointer[T any](value T) *T { return &value }

var tamperings = map[string]tampering{
	"the data":         edit(func(r *rand.Rand, l *line) { l.Data, l.DataBase64 = pointer(`{"n":-1}`), nil }),
	"the metadata":     edit(func(r *rand.Rand, l *line) { l.Metadata = nil }),
	"the type":         edit(func(r *rand.Rand, l *line) { l.Type += "0" }),
	"the stream":       edit(func(r *rand.Rand, l *line) { l.Stream = l.Stream[:len(l.Stream)-1] + "7" }),
	"the revision":     edit(func(r *rand.Rand, l *line) { l.Revision++ }),
	"the id":           edit(func(r *rand.Rand, l *line) { l.ID = strings.Repeat("0a", 16) }),
	"the content type": edit(func(r *rand.Rand, l *line) { l.ContentType = "text/plain" }),
	"the time":         edit(func(r *rand.Rand, l *line) { l.Created = strings.Replace(l.Created, "2026", "2025", 1) }),
	"the position":     edit(func(r *rand.Rand, l *line) { l.Position++ }),
	"the hash beside an event": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.anEvent(r)
		lines[i] = changed(t, lines[i], func(l *line) { l.Hash[5] ^= 1 })
		return lines, i, trail.KindCorrupt
	},
	"a line taken out": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines) - 1)
		return slices.Delete(lines, i, i+1), i, trail.KindRemoved
	},
	"many lines taken out": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines) - 602)
		return slices.Delete(lines, i, i+1+r.IntN(600)), i, trail.KindRemoved
	},
	"a line put in twice": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines))
		return slices.Insert(lines, i, lines[i]), i, trail.KindInserted
	},
	"an event put in without a leaf": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.anEvent(r)
		return slices.Insert(lines, i, changed(t, lines[i], func(l *line) { l.Leaf, l.Hash = nil, nil })), i, trail.KindInserted
	},
	"an event put in behind the log": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		last := len(lines)
		return append(lines, changed(t, lines[l.anEvent(r)], func(l *line) { l.Leaf = pointer(uint64(last)) })), last, trail.KindInserted
	},
	"two lines exchanged": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines) - 1)
		lines[i], lines[i+1] = lines[i+1], lines[i]
		return lines, i, trail.KindReordered
	},
	"two events exchanged, leaves left in place": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.neighbours(r)
		var a, b line
		for n, into := range []*line{&a, &b} {
			if err := json.Unmarshal([]byte(lines[i+n]), into); err != nil {
				t.Fatal(err)
			}
		}
		a.Leaf, b.Leaf, a.Hash, b.Hash, a.Position, b.Position = b.Leaf, a.Leaf, b.Hash, a.Hash, b.Position, a.Position
		for n, l := range []line{b, a} {
			text, err := marshalLine(l)
			if err != nil {
				t.Fatal(err)
			}
			lines[i+n] = string(text)
		}
		return lines, i, trail.KindReordered
	},
	"the end cut off": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := 1 + r.IntN(len(lines)-1)
		return lines[:i], i, trail.KindTruncated
	},
	"an event called missing": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.anEvent(r)
		lines[i] = changed(t, lines[i], func(l *line) { *l = line{Leaf: l.Leaf, Hash: l.Hash, Position: l.Position, Missing: true} })
		return lines, i, trail.KindRemoved
	},
	"an event called removed": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		for {
			i := l.anEvent(r)
			e := l.events[i]
			if !strings.HasPrefix(e.Stream, "punches") {
				continue
			}
			body, _ := trail.BodyOf(e)
			lines[i] = changed(t, lines[i], func(l *line) {
				*l = line{Leaf: l.Leaf, Hash: l.Hash, Removed: &trail.Removed{Stream: e.Stream, Revision: e.Revision, Position: e.Position, Body: body}}
			})
			return lines, i, trail.KindRemoved
		}
	},
	"a removed event renamed": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		for i := range lines {
			if l.gone[uint64(i)] != nil {
				lines[i] = changed(t, lines[i], func(l *line) { l.Removed.Stream += "7" })
				return lines, i, trail.KindFalseClaim
			}
		}
		t.Fatal("nothing is removed")
		return nil, 0, ""
	},
	"leaves called skipped": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines) - 20)
		to := i + 1 + r.IntN(19)
		subtrees, err := l.source().Subtrees(uint64(i), uint64(to))
		if err != nil {
			t.Fatal(err)
		}
		text, err := marshalLine(line{Leaf: pointer(uint64(i)), Skip: uint64(to - i), Subtrees: subtrees})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Replace(lines, i, to, string(text)), i, trail.KindRemoved
	},
	"an event and its hash changed alike": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := l.anEvent(r)
		lines[i] = changed(t, lines[i], func(l *line) {
			l.Data, l.DataBase64 = pointer(`{"n":-7}`), nil
			event, err := l.event()
			if err != nil {
				t.Fatal(err)
			}
			l.Hash = pointer(trail.LeafHash(event))
		})
		if i < len(lines)/blockWidth*blockWidth {
			return lines, i / blockWidth * blockWidth, trail.KindForked // to within its block
		}
		return lines, len(lines) / blockWidth * blockWidth, trail.KindForked // to within the last block, which is not whole
	},
	"a line that is no JSON": func(t *testing.T, r *rand.Rand, l *testLog, lines []string) ([]string, int, trail.Kind) {
		i := r.IntN(len(lines))
		lines[i] = "{" + lines[i]
		return lines, i, trail.KindCorrupt
	},
}

// times is how often each tampering is tried: a few in CI, many in the night.
func times(few, many int) int {
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		return many
	}
	return few
}

// promise: I9
// promise: OT-27
func TestEveryTamperingWithABundleIsLocated(t *testing.T) {
	l := lived(t, 20, 620)
	whole := l.bundle(all())
	trust := Trust{Key: l.first}
	if report := verify(t, whole, trust); !report.OK {
		t.Fatalf("the bundle itself: %+v", report.Findings)
	}
	for name, tamper := range tamperings {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(times(4, 1000)) {
				r := rand.New(rand.NewPCG(seed, 3))
				var leaf int
				var kind trail.Kind
				content := rewrite(t, l, whole, func(lines []string) (after []string) {
					after, leaf, kind = tamper(t, r, l, lines)
					return after
				})
				signedAnew := seed%2 == 1 // by somebody who has the key of the log
				if signedAnew {
					content = resigned(t, l, content)
				}
				report := verify(t, content, trust)
				located := slices.ContainsFunc(report.Findings, func(f trail.Finding) bool { return f.Kind == kind && f.Leaf == uint64(leaf) })
				if signedAnew && kind == trail.KindForked { // who signs cannot be believed about the place either
					located = slices.ContainsFunc(report.Findings, func(f trail.Finding) bool { return f.Kind == kind && f.Leaf <= uint64(leaf) })
				}
				if report.OK || !located {
					t.Fatalf("seed %d: want %s at leaf %d, found %+v", seed, kind, leaf, report.Findings)
				}
				if manifested := finding(report, trail.KindCorrupt, eventsMember+" is not the one that was signed"); manifested == signedAnew {
					t.Fatalf("seed %d, signed anew %v: %+v", seed, signedAnew, report.Findings)
				}
				if rest := len(report.Findings); rest > 8 {
					t.Fatalf("seed %d: one change, %d findings: %+v", seed, rest, report.Findings)
				}
			}
		})
	}
}

func finding(report Report, kind trail.Kind, detail string) bool {
	return slices.ContainsFunc(report.Findings, func(f trail.Finding) bool { return f.Kind == kind && strings.Contains(f.Detail, detail) })
}

// A stranger who signs everything anew with a key of their own is found by the
// key, whatever they wrote.
func TestAForgedBundleOfAnotherKeyIsFound(t *testing.T) {
	l := lived(t, 21, 300)
	forged := newLog(t, 22, 300)
	forged.key = newKey(t, 99)
	report := verify(t, forged.bundle(all()), Trust{Key: l.first})
	if report.OK || report.Proven {
		t.Fatalf("%+v", report)
	}
	// The checkpoint of the real log over the events of the forged one.
	names, members := membersOf(t, forged.bundle(all()))
	_, real := membersOf(t, l.bundle(all()))
	members[checkpointMember], members[handoversMember] = real[checkpointMember], real[handoversMember]
	report = verify(t, pack(t, names, members), Trust{Key: l.first})
	if report.OK || !slices.ContainsFunc(report.Findings, func(f trail.Finding) bool { return f.Kind == trail.KindForked || f.Kind == trail.KindTruncated }) {
		t.Fatalf("%+v", report.Findings)
	}
}

// promise: I16
func TestNoByteOfABundleCanChange(t *testing.T) {
	l := lived(t, 23, 60)
	whole := l.bundle(all())
	trust := Trust{Key: l.first}
	step := max(1, len(whole)/times(400, 100_000))
	for at := 0; at < len(whole); at += step {
		content := slices.Clone(whole)
		content[at] ^= 1 << (at % 8)
		if report := verify(t, content, trust); report.OK {
			t.Fatalf("byte %d of %d may change", at, len(whole))
		}
	}
	for at := 0; at < len(whole); at += 7 * step { // and a bundle that was cut short is none
		if report := verify(t, whole[:at], trust); report.OK {
			t.Fatalf("%d of %d bytes look whole", at, len(whole))
		}
	}
	if report := verify(t, append(slices.Clone(whole), 0), trust); report.OK {
		t.Fatal("a byte may be added")
	}
}

// FuzzBundle feeds anything: no input breaks the verifier, and none is as
// recorded but the one that the exporter wrote.
func FuzzBundle(f *testing.F) {
	l := lived(f, 24, 20)
	whole := l.bundle(all())
	trust := Trust{Key: l.first, Earlier: []string{l.checkpoint()}}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	names, members := membersOf(f, whole)
	lines := strings.SplitAfter(string(members[eventsMember]), "\n")
	f.Add(pack(f, names, map[string][]byte{eventsMember: []byte(lines[3] + lines[1])}))
	f.Fuzz(func(t *testing.T, content []byte) {
		report := verify(t, content, trust)
		if report.OK && !bytes.Equal(content, whole) {
			t.Fatal("another bundle passes")
		}
		if err := report.WriteText(io.Discard); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzEvents feeds anything as the lines of the log, under a signature that holds.
func FuzzEvents(f *testing.F) {
	l := newLog(f, 25, 20)
	names, members := membersOf(f, l.bundle(all()))
	whole := string(members[eventsMember])
	f.Add(whole)
	f.Add(`{"leaf":0,"skip":20,"subtrees":[]}` + "\n")
	f.Add(`{"leaf":18446744073709551615,"hash":"` + trail.Hash{}.String() + `","missing":true}` + "\n")
	f.Add(strings.Repeat("\n", 5))
	f.Fuzz(func(t *testing.T, lines string) {
		members[eventsMember] = []byte(lines)
		if report := verify(t, pack(t, names, members), Trust{Key: l.first}); report.OK && lines != whole {
			t.Fatal("other lines pass")
		}
	})
}
