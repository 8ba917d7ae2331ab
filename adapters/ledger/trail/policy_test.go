package trail

import (
	"errors"
	"strings"
	"testing"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// cosigner is a witness with its secret half.
type cosigner struct {
	key    string
	signer note.Signer
}

func newCosigner(t testing.TB, name string, number byte) cosigner {
	t.Helper()
	key := newTestKey(t, name, number)
	hash := strings.Split(strings.TrimPrefix(key.public, name+"+"), "+")[0]
	cosignature, err := fnote.VKeyToCosignatureV1(key.public)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := fnote.NewSignerForCosignatureV1("PRIVATE+KEY+" + name + "+" + hash + "+" + base64Key(key.seed))
	if err != nil {
		t.Fatal(err)
	}
	return cosigner{key: cosignature, signer: signer}
}

func TestAQuorumOfWitnesses(t *testing.T) {
	log := newTestKey(t, testOrigin, 1)
	one, two, three := newCosigner(t, "one.example", 2), newCosigner(t, "two.example", 3), newCosigner(t, "three.example", 4)
	secret, quantum, err := fnote.GenerateMLDSAKey(testOrigin + "/mldsa")
	if err != nil {
		t.Fatal(err)
	}
	own, err := fnote.NewSignerForCosignatureV1(secret)
	if err != nil {
		t.Fatal(err)
	}
	text := "log " + log.public + "\n" +
		"witness one " + one.key + " https://one.example/witness\n" +
		"witness two " + two.key + " # reached by nobody\n" +
		"witness three " + three.key + "\n\n" +
		"group outside 2 one two three\n" +
		"witness own " + quantum + "\n" +
		"group both all outside own\n" +
		"quorum both\n"
	policy, err := ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	if policy.Log() != log.public || len(policy.Witnesses()) != 4 || !policy.Asks() || policy.Witnesses()[0].URL != "https://one.example/witness" || policy.Witnesses()[1].URL != "" {
		t.Fatalf("%+v", policy)
	}
	body, signer := CheckpointBody(testOrigin, 7, Hash{7}), log.sign(t, "")
	for rule, c := range map[string]struct {
		signers []note.Signer
		enough  bool
		names   string
	}{
		"nobody":                        {nil, false, ""},
		"one of the outside":            {[]note.Signer{one.signer, own}, false, "one own"},
		"two of the outside":            {[]note.Signer{one.signer, three.signer}, false, "one three"},
		"two of the outside and the ML": {[]note.Signer{three.signer, own, one.signer}, true, "one three own"},
		"everybody":                     {[]note.Signer{one.signer, two.signer, three.signer, own}, true, "one two three own"},
	} {
		checkpoint := signed(t, body, append([]note.Signer{signer}, c.signers...)...)
		if policy.Satisfied(checkpoint) != c.enough || strings.Join(policy.Signed(checkpoint), " ") != c.names {
			t.Errorf("%s: satisfied %v by %v", rule, policy.Satisfied(checkpoint), policy.Signed(checkpoint))
		}
		if _, err := OpenCheckpoint(checkpoint, log.public); err != nil {
			t.Errorf("%s: the log's own signature: %v", rule, err)
		}
	}
	forged := strings.Replace(signed(t, body, signer, one.signer, two.signer, own), "\n7\n", "\n8\n", 1)
	if policy.Satisfied(forged) {
		t.Error("a changed checkpoint satisfies the policy")
	}
}

func TestWhatIsNoPolicy(t *testing.T) {
	one := newCosigner(t, "one.example", 2)
	log := newTestKey(t, testOrigin, 1)
	witness := "witness one " + one.key + "\n"
	for rule, text := range map[string]string{
		"no quorum":                              witness,
		"a quorum of nobody known":               witness + "quorum two\n",
		"a word that is none":                    witness + "quorum one\nfriend two\n",
		"the same key under two names":           witness + strings.Replace(witness, "one", "two", 1) + "group g 2 one two\nquorum g\n",
		"the same name twice":                    witness + witness + "quorum one\n",
		"a group that counts a member twice":     witness + "group g 2 one one\nquorum g\n",
		"a group that asks for nobody":           witness + "group g 0 one\nquorum g\n",
		"a group that asks for more than it has": witness + "group g 2 one\nquorum g\n",
		"a broken witness key":                   "witness one x+00000000+AAAA\nquorum one\n",
		"a witness without a key":                "witness one\nquorum one\n",
		"a broken key of the log":                "log x\nquorum none\n",
		"two logs":                               "log " + log.public + "\nlog " + log.public + "\nquorum none\n",
		"too long":                               strings.Repeat("#", maxPolicy) + "\nquorum none\n",
	} {
		if _, err := ParsePolicy(text); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if policy, err := ParsePolicy("quorum none\n"); err != nil || policy.Asks() || !policy.Satisfied("") {
		t.Errorf("a policy that asks for nothing: %v", err)
	}
}

// No text is a policy that is satisfied by a checkpoint nobody cosigned, unless
// it says that it asks for nothing.
func FuzzPolicy(f *testing.F) {
	one := newCosigner(f, "one.example", 2)
	log := newTestKey(f, testOrigin, 1)
	f.Add("log " + log.public + "\nwitness one " + one.key + " https://one.example\ngroup g any one\nquorum g\n")
	f.Add("group g 00 a b\nquorum g\n")
	f.Add("quorum none")
	bare := log.checkpoint(f, 3, Hash{3})
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := ParsePolicy(text)
		if err == nil && policy.Asks() && policy.Satisfied(bare) {
			t.Fatalf("nobody satisfies %q", text)
		}
	})
}
