package devicebatch

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// vectorProof is the proof of the batch in testdata/batch.v1.json.
const vectorProof = "h40rvc+BsgXh/IacrtvmMElOH3uV5YY8S8K9HGx1XcFoJ+fVqiGO9CsTV10YAzSrNYdmCQGDlGwTUnATdOawrEuvfbIrgrChjFU+G7ghWLEhOWRRpQZXYySngUkMWi4M"

func TestAProofIsTheSameForEver(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "batch.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	_, _, signer := testKeys(t)
	if got := v.Body.Prove(v.DeviceID, signer).String(); got != vectorProof {
		t.Errorf("the proof is %s", got)
	}
}

// promise: ST-53
func TestOnlyTheDeviceProvesABatchAndOnlyThatOne(t *testing.T) {
	_, _, signer := testKeys(t)
	public := signer.Public().(ed25519.PublicKey)
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	batch := sealed(t, sample())
	another := sealed(t, sample()) // sealed anew, so it is other bytes
	good := batch.Prove(phone, signer)
	changed := func(place int) Proof { p := good; p[place] ^= 1; return p }
	signature := Proof{}
	copy(signature[32:], batch.Signature)
	for rule, row := range map[string]struct {
		proof  Proof
		device uuid.UUID
		batch  Sealed
		holds  bool
	}{
		"as the device made it":                  {good, phone, batch, true},
		"of another device":                      {good, other, batch, false},
		"by the key of somebody else":            {batch.Prove(phone, stranger), phone, batch, false},
		"of another batch":                       {good, phone, another, false},
		"with a digest that was changed":         {changed(0), phone, batch, false},
		"with a signature that was changed":      {changed(95), phone, batch, false},
		"the signature of the batch is no proof": {signature, phone, batch, false},
	} {
		err := errors.Join(row.proof.Verify(row.device, public), row.proof.Of(row.batch))
		if (err == nil) != row.holds || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if batch.Verify(phone, public) != nil || (Sealed{batch.SealingKey, batch.Sealed, good[32:]}).Verify(phone, public) == nil {
		t.Error("the signature of a proof is taken for that of a batch")
	}
}

func FuzzParseProof(f *testing.F) {
	_, _, signer := testKeys(f)
	good := sealed(f, sample()).Prove(phone, signer).String()
	for _, text := range []string{good, "", good[:127], good + "=", strings.Replace(good, good[:1], "\n", 1), strings.Repeat("=", 128), strings.Repeat("\r\n", 64)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseProof(text)
		switch {
		case err != nil && !errors.Is(err, ErrSignature):
			t.Fatal(err)
		case err == nil && p.String() != text:
			t.Fatalf("%q is written %q", text, p.String())
		case err != nil && slices.ContainsFunc(p[:], func(b byte) bool { return b != 0 }):
			t.Fatal("something is kept of what could not be read")
		}
	})
}
