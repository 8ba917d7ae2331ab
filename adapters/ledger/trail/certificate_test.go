package trail

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const (
	certifiedCase = "7d444840-9dc0-41d1-b245-5ffdce74fad2"
	anotherCase   = "11111111-9dc0-41d1-b245-5ffdce74fad2"
	caseStream    = "erasure-0a.0d"
	destroyedLeaf = uint64(4)
)

// certified is a log with a destruction at leaf 4, the key that signs it, and a
// certificate of the destruction that a test may bend before it is signed.
type certified struct {
	t     *testing.T
	key   testKey
	roots map[uint64]Hash // of the log at its sizes
	text  map[string]any
	place map[string]any
}

func newCertified(t *testing.T, version string) *certified {
	c := &certified{t: t, key: newTestKey(t, testOrigin, 1), roots: map[uint64]Hash{5: {5}, 6: {6}, 9: {9}}}
	c.place = map[string]any{"origin": testOrigin, "position": 140, "leaf": destroyedLeaf, "size": 5}
	c.text = map[string]any{"type": certificateType + version, "kind": "effective", "case": certifiedCase, "trail": c.place}
	if version == "1" {
		c.place["root"] = c.roots[5]
	} else {
		c.place["leaf_hash"], c.place["hashes"] = Hash{4}, []Hash{}
		c.place["checkpoint"] = c.key.checkpoint(t, 5, c.roots[5])
	}
	return c
}

func (c *certified) sign(by testKey) string {
	text, err := json.MarshalIndent(c.text, "", "  ")
	if err != nil {
		c.t.Fatal(err)
	}
	return by.note(c.t, string(text)+"\n")
}

// follow tells a log of one destruction and one certificate of it.
func (c *certified) follow(keys Keys, signed string) ([]Finding, uint64) {
	data, err := json.Marshal(map[string]string{"case_id": certifiedCase, "certificate": signed})
	if err != nil {
		c.t.Fatal(err)
	}
	followed := NewCertificates(keys)
	rootAt := func(size uint64) (Hash, bool) {
		root, known := c.roots[size]
		return root, known
	}
	found := followed.Event(destroyedLeaf, Event{Stream: caseStream, Position: 140, Type: typeDestroyed + "1", Data: []byte(`{"case_id":"` + certifiedCase + `"}`)}, rootAt)
	found = append(found, followed.Event(7, Event{Stream: caseStream, Revision: 5, Position: 170, Type: typeCertified + "2", Data: data}, rootAt)...)
	return found, followed.Checked()
}

// promise: OT-27
func TestACertificateIsHeldAgainstTheLog(t *testing.T) {
	stranger := newTestKey(t, testOrigin, 66)
	for rule, test := range map[string]struct {
		versions string
		bend     func(c *certified)
		by       *testKey
		want     Kind // empty where the certificate holds
	}{
		"as it was signed":                  {"12", func(*certified) {}, nil, ""},
		"signed by somebody else":           {"12", func(*certified) {}, &stranger, KindBadSignature},
		"of another log":                    {"12", func(c *certified) { c.place["origin"] = "example.com/other" }, nil, KindFalseClaim},
		"a leaf that is no destruction":     {"12", func(c *certified) { c.place["leaf"] = 3 }, nil, KindFalseClaim},
		"a leaf beyond the size":            {"12", func(c *certified) { c.place["leaf"] = 5 }, nil, KindFalseClaim},
		"of another case":                   {"12", func(c *certified) { c.text["case"] = anotherCase }, nil, ""}, // of a case the log knows no destruction of, only the place is checked
		"a root the log never had":          {"1", func(c *certified) { c.place["root"] = Hash{77} }, nil, KindFalseClaim},
		"a size the log had not reached":    {"1", func(c *certified) { c.place["size"], c.place["root"] = 9, c.roots[9] }, nil, KindFalseClaim},
		"a size whose root is not known":    {"1", func(c *certified) { c.place["size"], c.place["root"] = 7, Hash{77} }, nil, ""},
		"a checkpoint of another root":      {"2", func(c *certified) { c.place["checkpoint"] = c.key.checkpoint(c.t, 5, Hash{77}) }, nil, KindFalseClaim},
		"a checkpoint of another size":      {"2", func(c *certified) { c.place["checkpoint"] = c.key.checkpoint(c.t, 6, c.roots[6]) }, nil, KindBadSignature},
		"a checkpoint of a stranger":        {"2", func(c *certified) { c.place["checkpoint"] = stranger.checkpoint(c.t, 5, c.roots[5]) }, nil, KindBadSignature},
		"no checkpoint and a root it lacks": {"2", func(c *certified) { c.place["checkpoint"] = "" }, nil, KindFalseClaim},
		"a root beside another checkpoint":  {"2", func(c *certified) { c.place["root"] = Hash{77} }, nil, ""}, // the signed checkpoint counts, not what stands beside it
		"a type of nobody":                  {"12", func(c *certified) { c.text["type"] = "somebody-else/v1" }, nil, KindBadSignature},
	} {
		for _, version := range strings.Split(test.versions, "") {
			c := newCertified(t, version)
			test.bend(c)
			by := c.key
			if test.by != nil {
				by = *test.by
			}
			keys, err := OneKey(c.key.public)
			if err != nil {
				t.Fatal(err)
			}
			found, checked := c.follow(keys, c.sign(by))
			switch {
			case test.want == "" && (len(found) > 0 || checked != 1):
				t.Errorf("version %s, %s: %d hold, %+v", version, rule, checked, found)
			case test.want != "" && (len(found) != 1 || checked != 0 || found[0].Kind != test.want || found[0].Leaf != 7 || found[0].Position != 170 || found[0].Stream != caseStream || found[0].Revision != 5):
				t.Errorf("version %s, %s: want %s at leaf 7, %+v", version, rule, test.want, found)
			}
		}
	}
}

// Of version 2 the root is the one that the checkpoint in it is signed for.
func TestTheSecondVersionTakesItsRootFromTheCheckpoint(t *testing.T) {
	for _, version := range []string{"1", "2"} {
		c := newCertified(t, version)
		keys, err := OneKey(c.key.public)
		if err != nil {
			t.Fatal(err)
		}
		said, term, err := keys.OpenCertificate(c.sign(c.key))
		if err != nil {
			t.Fatal(err)
		}
		if said.Case != certifiedCase || said.Kind != "effective" || said.Trail.Root != c.roots[5] || said.Trail.Size != 5 || said.Trail.Leaf != destroyedLeaf || said.Trail.Position != 140 || term.Key.String() != c.key.public {
			t.Errorf("version %s: %+v", version, said)
		}
		if claimed, err := ReadCertificate(c.sign(newTestKey(t, testOrigin, 66))); err != nil || claimed.Trail.Size != 5 {
			t.Errorf("version %s, read without a key: %+v, %v", version, claimed, err)
		}
	}
}

// A key that was handed on signs no certificate of the log that grew since, and
// what it signed in its time holds for ever.
func TestACertificateHoldsAcrossAChangeOfTheKey(t *testing.T) {
	c := newCertified(t, "2")
	newer := newTestKey(t, testOrigin, 2)
	for rule, test := range map[string]struct {
		at   uint64 // size of the log when the key changed
		want Kind
	}{
		"signed before the change":           {6, ""},
		"signed at the change":               {5, ""},
		"signed with a key no longer in use": {4, KindBadSignature},
	} {
		keys, err := ParseKeys(newer.public, handOver(t, c.key, newer, test.at))
		if err != nil {
			t.Fatal(err)
		}
		found, _ := c.follow(keys, c.sign(c.key))
		if test.want == "" && len(found) > 0 || test.want != "" && (len(found) != 1 || found[0].Kind != test.want) {
			t.Errorf("%s: %+v", rule, found)
		}
	}
}

// FuzzCertificate holds the reader to answering malformed or what was signed.
func FuzzCertificate(f *testing.F) {
	key := newTestKey(f, testOrigin, 1)
	keys, err := OneKey(key.public)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"type":"tracekeep-erasure-certificate/v1","trail":{"size":3,"leaf":1}}`)
	f.Add(`{"type":"tracekeep-erasure-certificate/v2","trail":{"size":3,"checkpoint":"x"}}`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
			return // no note has it
		}
		said, _, err := keys.OpenCertificate(key.note(t, text+"\n"))
		if err == nil && (!strings.HasPrefix(said.Type, certificateType) || said.Trail.Checkpoint != "") {
			t.Fatalf("%q is taken for a certificate", text)
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
			t.Fatal(err)
		}
	})
}
