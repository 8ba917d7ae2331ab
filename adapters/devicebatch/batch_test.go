package devicebatch

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var update = flag.Bool("update", false, "write the vectors that are missing; one that is there never changes")

var (
	phone  = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801")
	other  = uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0802")
	tenant = uuid.MustParse("0f8fad5b-d9cb-469f-a165-70867728950e")
)

// testKeys are keys that nobody keeps secret.
func testKeys(t testing.TB) (*ecdh.PrivateKey, SealingKey, ed25519.PrivateKey) {
	t.Helper()
	private, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	public := private.PublicKey().Bytes()
	return private, SealingKey{ID: KeyID(public), Public: public}, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
}

func sample() Batch {
	metres := 12.5
	return Batch{Version: 1, DeviceID: phone, Sequence: 3, SentAt: "2026-03-02T18:05:00+01:00", Punches: []Punch{
		{Counter: 41, OccurredAt: "2026-03-02T08:00:00+01:00", Clock: "2026-03-02 08:00:00", Zone: "Europe/Berlin", Direction: "in", Location: &Location{52.520008, 13.404954, &metres}},
		{Counter: 42, OccurredAt: "2026-03-02T17:00:00+01:00", Clock: "2026-03-02 17:00:00", Zone: "Europe/Berlin", Direction: "out", LocationDenied: true},
	}}
}

func sealed(t testing.TB, b Batch) Sealed {
	t.Helper()
	_, to, signer := testKeys(t)
	got, err := Seal(b, to, signer)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// vector is what an implementation elsewhere is held to.
type vector struct {
	Name          string    `json:"name"`
	DeviceID      uuid.UUID `json:"device_id"`
	DeviceSeed    string    `json:"device_seed"`    // Ed25519 seed, in hex
	DeviceKey     string    `json:"device_key"`     // its public key
	SealingSecret string    `json:"sealing_secret"` // X25519, in hex
	SealingPublic string    `json:"sealing_public"`
	Info          string    `json:"info"`
	Plain         string    `json:"plain"` // the JSON that was sealed
	Body          Sealed    `json:"body"`  // what is posted
	Code          string    `json:"enrolment_code"`
	Enrolment     []byte    `json:"enrolment_signature"`
}

// Sealing draws at random, so that the vector is opened and not made again; all that
// does not is compared byte by byte.
func TestVectorsAreReadForEver(t *testing.T) {
	private, to, signer := testKeys(t)
	path := filepath.Join("testdata", "batch.v1.json")
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		writeVector(t, path, to, signer)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vector
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	purpose, err := info(v.DeviceID, v.Body.SealingKey)
	if err != nil || hex.EncodeToString(purpose) != v.Info {
		t.Errorf("info is %x (%v), the vector has %s", purpose, err, v.Info)
	}
	key, err := hex.DecodeString(v.DeviceKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Body.Verify(v.DeviceID, key); err != nil {
		t.Error(err)
	}
	if again := ed25519.Sign(signer, signed(purpose, v.Body.Sealed)); !bytes.Equal(again, v.Body.Signature) {
		t.Error("the same batch is signed differently")
	}
	got, err := v.Body.Open(v.DeviceID, private)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := VerifyEnrolment(v.DeviceID, v.Code, key, v.Enrolment); err != nil {
		t.Error(err)
	}
	if got.ID(tenant).String() != "de890993-e64b-585f-842c-30f0ecd76872" {
		t.Errorf("the batch has the id %s", got.ID(tenant))
	}
}

func writeVector(t *testing.T, path string, to SealingKey, signer ed25519.PrivateKey) {
	t.Helper()
	plain, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	purpose, err := info(phone, to.ID)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(vector{
		Name: "two punches of a phone", DeviceID: phone, DeviceSeed: hex.EncodeToString(signer.Seed()), DeviceKey: hex.EncodeToString(signer[32:]),
		SealingSecret: strings.Repeat("07", 32), SealingPublic: hex.EncodeToString(to.Public), Info: hex.EncodeToString(purpose),
		Plain: string(plain), Body: sealed(t, sample()), Code: "MZXW6YTBOI", Enrolment: SignEnrolment(phone, "MZXW6YTBOI", signer),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// promise: ST-53
func TestOnlyWhatTheDeviceSignedAndSealedToThisKeyOpens(t *testing.T) {
	private, to, signer := testKeys(t)
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))
	elsewhere, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	good := sealed(t, sample())
	plain, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	// resealed signs again whatever was sealed: an attack of the device itself.
	resealed := func(plain []byte, device uuid.UUID, to SealingKey) Sealed {
		s, err := seal(plain, device, to, signer)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	resigned := func(keyID string, body []byte) Sealed {
		purpose, err := info(phone, keyID)
		if err != nil {
			t.Fatal(err)
		}
		return Sealed{SealingKey: keyID, Sealed: body, Signature: ed25519.Sign(signer, signed(purpose, body))}
	}
	public := elsewhere.PublicKey().Bytes()
	for rule, row := range map[string]struct {
		batch  Sealed
		device uuid.UUID
		key    ed25519.PrivateKey
		want   error
	}{
		"the batch of the device":       {good, phone, signer, nil},
		"no signature":                  {Sealed{good.SealingKey, good.Sealed, nil}, phone, signer, ErrSignature},
		"the signature of another key":  {good, phone, stranger, ErrSignature},
		"sent in the name of another":   {good, other, signer, ErrSignature},
		"the sealing key renamed":       {Sealed{strings.Repeat("0", 16), good.Sealed, good.Signature}, phone, signer, ErrSignature},
		"a sealing key that is no id":   {Sealed{"nonsense", good.Sealed, good.Signature}, phone, signer, ErrSignature},
		"not sealed at all":             {resigned(to.ID, plain), phone, signer, ErrNotSealed},
		"nothing":                       {resigned(to.ID, nil), phone, signer, ErrNotSealed},
		"sealed to another server":      {resealed(plain, phone, SealingKey{to.ID, public}), phone, signer, ErrNotSealed},
		"sealed for another device":     {resigned(to.ID, resealed(plain, other, to).Sealed), phone, signer, ErrNotSealed},
		"a batch that names another":    {resealed(bytes.Replace(plain, []byte("f0801"), []byte("f0802"), 1), phone, to), phone, signer, ErrDevice},
		"a member nobody knows":         {resealed(bytes.Replace(plain, []byte(`{"version"`), []byte(`{"os":"x","version"`), 1), phone, to), phone, signer, ErrFormat},
		"something behind the batch":    {resealed(append(slices.Clone(plain), '{'), phone, to), phone, signer, ErrFormat},
		"another version":               {resealed(bytes.Replace(plain, []byte(`"version":1`), []byte(`"version":2`), 1), phone, to), phone, signer, ErrFormat},
		"a counter beyond all numbers":  {resealed(bytes.Replace(plain, []byte(`"counter":41`), []byte(`"counter":9223372036854775808`), 1), phone, to), phone, signer, ErrFormat},
		"a clock that shows no instant": {resealed(bytes.Replace(plain, []byte("2026-03-02T18:05"), []byte("1970-01-01T00:00"), 1), phone, to), phone, signer, ErrFormat},
		"no punches":                    {resealed([]byte(`{"version":1,"sequence":1,"sent_at":"2026-03-02T18:05:00Z","device_id":"`+phone.String()+`"}`), phone, to), phone, signer, ErrTooMany},
	} {
		err := row.batch.Verify(row.device, row.key.Public().(ed25519.PublicKey))
		if err == nil {
			_, err = row.batch.Open(row.device, private)
		}
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", rule, err, row.want)
		}
	}
	for i := range good.Sealed { // what was signed over is the least of it: the seal holds alone
		changed := slices.Clone(good.Sealed)
		changed[i] ^= 1
		tampered := Sealed{good.SealingKey, changed, good.Signature}
		if err := tampered.Verify(phone, signer.Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		if _, err := tampered.Open(phone, private); !errors.Is(err, ErrNotSealed) {
			t.Fatalf("byte %d changed and opened: %v", i, err)
		}
	}
}

func TestABatchHasAtMostTenThousandPunches(t *testing.T) {
	private, to, signer := testKeys(t)
	b := sample()
	one := b.Punches[1]
	b.Punches = nil
	for i := range MaxPunches {
		one.Counter = int64(i + 1)
		b.Punches = append(b.Punches, one)
	}
	got, err := sealed(t, b).Open(phone, private)
	if err != nil || len(got.Punches) != MaxPunches {
		t.Fatalf("%d punches: %v", len(got.Punches), err)
	}
	b.Punches = append(b.Punches, one)
	if _, err := Seal(b, to, signer); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	plain, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	forced, err := seal(plain, phone, to, signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forced.Open(phone, private); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more, from an app that does not ask: %v", err)
	}
}

func TestTheIdOfABatchSaysNothingPersonal(t *testing.T) {
	first := sample().ID(tenant)
	for rule, row := range map[string]struct {
		change func(*Batch)
		same   bool
	}{
		"sent again later": {func(b *Batch) { b.SentAt = "2026-03-04T09:00:00Z" }, true},
		"another point":    {func(b *Batch) { b.Punches[0].Location = &Location{} }, true},
		"a badge":          {func(b *Batch) { b.Punches[0].Badge = "4711" }, true},
		"another sequence": {func(b *Batch) { b.Sequence++ }, false},
		"another device":   {func(b *Batch) { b.DeviceID = other }, false},
		"another instant":  {func(b *Batch) { b.Punches[0].OccurredAt = "2026-03-02T08:00:01+01:00" }, false},
		"one punch more":   {func(b *Batch) { b.Punches = append(b.Punches, b.Punches[0]) }, false},
		"of somebody else": {func(b *Batch) { b.Punches[0].WorkID = other }, false},
	} {
		b := sample()
		row.change(&b)
		if same := b.ID(tenant) == first; same != row.same {
			t.Errorf("%s: the same id: %v", rule, same)
		}
	}
}

func FuzzParse(f *testing.F) {
	plain, err := json.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte(`{"version":1,"sequence":1,"sent_at":"2026-03-02T18:05:00Z","punches":[{"counter":1}]}`))
	f.Add([]byte(`{"version":1e0,"punches":[null]}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		b, err := parse(plain)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooMany) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		second, err := parse(again)
		if err != nil || second.ID(tenant) != b.ID(tenant) {
			t.Fatalf("written again it reads as another batch: %v", err)
		}
	})
}

// FuzzOpen gives whoever is on the wire every byte of a batch.
func FuzzOpen(f *testing.F) {
	private, _, signer := testKeys(f)
	good := sealed(f, sample())
	f.Add(good.SealingKey, good.Sealed, good.Signature)
	f.Fuzz(func(t *testing.T, keyID string, body, signature []byte) {
		s := Sealed{keyID, body, signature}
		verified := s.Verify(phone, signer.Public().(ed25519.PublicKey)) == nil
		b, err := s.Open(phone, private)
		// The seed is sealed anew by each process that fuzzes, so it is known by what it holds.
		if verified && err != nil || err == nil && b.ID(tenant) != sample().ID(tenant) {
			t.Fatalf("verified %v, opened: %v", verified, err)
		}
	})
}

func ExampleSeal() {
	server, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		panic(err)
	}
	public := server.PublicKey().Bytes()
	device := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))
	body, err := Seal(Batch{
		Version: 1, DeviceID: uuid.MustParse("d290f1ee-6c54-4b01-90e6-d701748f0801"), Sequence: 1, SentAt: "2026-03-02T18:05:00+01:00",
		Punches: []Punch{{Counter: 1, OccurredAt: "2026-03-02T08:00:00+01:00", Zone: "Europe/Berlin", Direction: "in", LocationDenied: true}},
	}, SealingKey{ID: KeyID(public), Public: public}, device)
	if err != nil {
		panic(err)
	}
	fmt.Println(body.SealingKey, len(body.Signature), "bytes of signature")
	// Output: 0f6d2553ff0c0f44 64 bytes of signature
}
