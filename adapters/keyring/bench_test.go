package keyring_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"io"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// live opens a key store on the real clocks, as in production.
func live(b *testing.B) *keyring.Keyring {
	b.Helper()
	s := newStore(b)
	cfg := s.config()
	cfg.Clock, cfg.Monotonic = time.Now, nil
	k, err := keyring.Init(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = k.Close() })
	return k
}

var section = []byte(`{"legal_name":"Zaphira Quillfeather","birth_date":"1990-02-28","photo":"b7e1","login":"zaphira.quillfeather@example.org"}`)

// BenchmarkRaw is the cipher alone, with a random nonce for each seal, to
// compare the others with.
func BenchmarkRaw(b *testing.B) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		b.Fatal(err)
	}
	plain, aad, nonce := make([]byte, 160), make([]byte, 250), make([]byte, 12)
	sealed := aead.Seal(nil, nonce, plain, aad)
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			aead.Seal(make([]byte, 0, 176), nonce, plain, aad)
		}
	})
	b.Run("seal with random nonce", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = io.ReadFull(rand.Reader, nonce)
			aead.Seal(make([]byte, 0, 176), nonce, plain, aad)
		}
	})
	clear(nonce)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := aead.Open(make([]byte, 0, 160), nonce, sealed, aad); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k := live(b)
	where := at(subject(b, k))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Seal(b.Context(), where, section); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	k := live(b)
	where := at(subject(b, k))
	envelope, err := k.Seal(b.Context(), where, section)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open(b.Context(), where, envelope, eventschema.UseService); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealParallel(b *testing.B) {
	k := live(b)
	where := at(subject(b, k))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := k.Seal(b.Context(), where, section); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkCreate makes the keys of 1,000 new subjects for three purposes.
func BenchmarkCreate(b *testing.B) {
	k := live(b)
	for b.Loop() {
		create(b, k, people(1000)...)
	}
}

// BenchmarkPrefetch warms the directory of 50,000 people, three keys each.
func BenchmarkPrefetch(b *testing.B) {
	k := live(b)
	refs := people(50_000)
	subjects := make([]uuid.UUID, 0, 50_000)
	for start := 0; start < len(refs); start += 3000 {
		create(b, k, refs[start:start+3000]...)
	}
	for i := 0; i < len(refs); i += 3 {
		subjects = append(subjects, refs[i].Subject)
	}
	for b.Loop() {
		if err := k.Prefetch(b.Context(), tenant, subjects); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUnwrap fetches and unwraps one key for each opening, as the first
// opening of a key does.
func BenchmarkUnwrap(b *testing.B) {
	k := live(b)
	where := at(subject(b, k))
	envelope, err := k.Seal(b.Context(), where, section)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		k.Forget()
		if _, err := k.Open(b.Context(), where, envelope, eventschema.UseService); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRewrap moves 30,000 keys to the next epoch, in the night 300,000, and
// tests and retires.
func BenchmarkRewrap(b *testing.B) {
	k := live(b)
	keys := 30_000
	if os.Getenv("TRACEKEEP_NIGHT") != "" {
		keys = 300_000
	}
	for made := 0; made < keys; made += 6000 {
		create(b, k, people(2000)...)
	}
	for b.Loop() {
		if done := rotate(b, k, alone); done.Moved != int64(keys) {
			b.Fatalf("%+v", done)
		}
	}
	b.ReportMetric(float64(keys*b.N)/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkLastUse destroys a key that eight processes hold, of which seven lose
// every notification, and measures until the last of them opens nothing with it.
func BenchmarkLastUse(b *testing.B) {
	s := newStore(b)
	cfg := s.config()
	cfg.Clock, cfg.Monotonic = time.Now, nil
	holders := make([]*keyring.Keyring, 8)
	for i := range holders {
		k, err := keyring.Init(b.Context(), cfg)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = k.Close() })
		if i > 0 {
			k.LoseNotices()
		}
		holders[i] = k
	}
	var last time.Duration
	for b.Loop() {
		ref := subject(b, holders[0])
		envelope := seal(b, holders[0], ref)
		for _, k := range holders {
			wantClear(b, k, ref, envelope)
		}
		erase(b, holders[0], ref)
		destroyed := time.Now()
		for _, k := range holders {
			for {
				opening, err := k.Open(b.Context(), at(ref), envelope, eventschema.UseService)
				if err != nil {
					b.Fatal(err)
				}
				if opening.State == eventschema.StateErased {
					break
				}
				last = max(last, time.Since(destroyed))
			}
		}
	}
	b.ReportMetric(last.Seconds(), "s-to-last-use")
}

func people(n int) []keyring.Ref {
	var refs []keyring.Ref
	for range n {
		id := uuid.New()
		for _, purpose := range []eventschema.Purpose{eventschema.PurposeIdentity, eventschema.PurposeContact, eventschema.PurposeWork} {
			refs = append(refs, keyring.Ref{Tenant: tenant, Subject: id, Purpose: purpose})
		}
	}
	return refs
}
