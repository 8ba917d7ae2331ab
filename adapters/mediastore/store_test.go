package mediastore

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/eventschema"
)

// safe seals and opens with one key, bound to the coordinates, as the keyring does; what
// it says of a key that was destroyed is set by hand.
type safe struct {
	aead   cipher.AEAD
	answer eventschema.Opening
}

func newSafe(tb testing.TB) *safe {
	tb.Helper()
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		tb.Fatal(err)
	}
	return &safe{aead: aead}
}

func place(at eventschema.Coordinates) []byte { return append(at.Item[:], at.Subject[:]...) }

func (s *safe) Seal(_ context.Context, at eventschema.Coordinates, plain []byte) ([]byte, error) {
	return s.aead.Seal(nil, nil, plain, place(at)), nil
}

func (s *safe) Open(_ context.Context, at eventschema.Coordinates, envelope []byte, _ eventschema.Use) (eventschema.Opening, error) {
	if s.answer.State != "" {
		return s.answer, nil
	}
	plain, err := s.aead.Open(nil, nil, envelope, place(at))
	return eventschema.Opening{State: eventschema.StateClear, Plaintext: plain}, err
}

func openStore(tb testing.TB, limit int64) (*Store, *safe) {
	tb.Helper()
	keys := newSafe(tb)
	s, err := Open(Config{Dir: filepath.Join(tb.TempDir(), "media"), Sealer: keys, Opener: keys, Limit: limit})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s, keys
}

func placeOf(item uuid.UUID) eventschema.Coordinates {
	return eventschema.MediaBlob(uuid.NewSHA1(uuid.Nil, []byte("tenant")), uuid.NewSHA1(uuid.Nil, []byte("person")), item)
}

// paper is a document of a length.
func paper(length int) []byte {
	const head, tail = "%PDF-1.7\n", "\n%%EOF\n"
	body := make([]byte, max(length-len(head)-len(tail), 0))
	for i := range body {
		body[i] = byte('a' + i*7%26)
	}
	return slices.Concat([]byte(head), body, []byte(tail))
}

func put(tb testing.TB, s *Store, item uuid.UUID, content io.Reader) (Stored, error) {
	tb.Helper()
	w, err := s.Begin()
	if err != nil {
		tb.Fatal(err)
	}
	defer w.End()
	return w.Put(tb.Context(), placeOf(item), eventschema.MediaTypes(), content)
}

// sealed is a document as it is stored.
func sealed(tb testing.TB, s *Store, item uuid.UUID, length int) (Stored, []byte) {
	tb.Helper()
	stored, err := put(tb, s, item, bytes.NewReader(paper(length)))
	if err != nil {
		tb.Fatal(err)
	}
	file, err := s.root.ReadFile(stored.name())
	if err != nil {
		tb.Fatal(err)
	}
	return stored, file
}

func TestContentComesBackAsItWas(t *testing.T) {
	s, _ := openStore(t, 0)
	for _, length := range []int{16, shortest, shortest + 1, 64 << 10, 64<<10 - 1, 64<<10 + 1, 3*64<<10 + 17, 1 << 20} {
		stored, file := sealed(t, s, uuid.New(), length)
		var out bytes.Buffer
		if err := s.Read(t.Context(), placeOf(stored.Item), eventschema.UseService, stored.Blob, stored.Bytes, &out); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), paper(length)) || stored.Bytes != int64(length) || stored.StoredBytes != int64(len(file)) {
			t.Errorf("%d bytes came back as %d", length, out.Len())
		}
		if checked, err := s.Check(t.Context(), stored.Blob); err != nil || checked != stored.StoredBytes {
			t.Errorf("%d bytes, %v", checked, err)
		}
		if length > 64 && bytes.Contains(file, paper(length)[16:48]) {
			t.Error("stored in clear")
		}
	}
}

// A file that was changed in any way is refused: by its hash without a key, and by its
// key whatever hash it is said to have.
func TestAnyChangeOfAFileIsRefused(t *testing.T) {
	s, keys := openStore(t, 0)
	one, file := sealed(t, s, uuid.New(), 3*64<<10+100)
	_, another := sealed(t, s, one.Item, 3*64<<10+100) // the same content, item and key, stored again
	header := bytes.Index(file, []byte("\n---")) + 48 + 16
	const chunk = 64<<10 + 16
	refused := func(what string, changed []byte) {
		if bytes.Equal(changed, file) {
			return
		}
		err := unseal(t.Context(), keys, placeOf(one.Item), eventschema.UseService, bytes.NewReader(changed), one.Bytes, io.Discard)
		if err == nil {
			t.Errorf("%s is not noticed", what)
		}
	}
	for what, changed := range map[string][]byte{
		"nothing left":                    nil,
		"no header":                       file[header:],
		"no content":                      file[:header],
		"the last chunk cut off":          file[:len(file)-len(file[header:])%chunk],
		"cut at a chunk":                  file[:header+chunk],
		"a chunk left out":                slices.Concat(file[:header], file[header+chunk:]),
		"two chunks exchanged":            slices.Concat(file[:header], file[header+chunk:header+2*chunk], file[header:header+chunk], file[header+2*chunk:]),
		"a chunk repeated":                slices.Concat(file[:header+chunk], file[header:]),
		"something behind it":             append(slices.Clone(file), 0),
		"the header of another storing":   slices.Concat(another[:header], file[header:]),
		"a chunk of another storing":      slices.Concat(file[:header], another[header:header+chunk], file[header+chunk:]),
		"another file of the same length": append([]byte("x"), file[1:]...),
	} {
		refused(what, changed)
	}
	err := unseal(t.Context(), keys, placeOf(uuid.New()), eventschema.UseService, bytes.NewReader(file), one.Bytes, io.Discard)
	if err == nil {
		t.Error("it opens as another item")
	}
	for _, length := range []int64{one.Bytes - 1, padded(one.Bytes) + 1, 0} { // the event says another length
		if err := unseal(t.Context(), keys, placeOf(one.Item), eventschema.UseService, bytes.NewReader(file), length, io.Discard); err == nil {
			t.Errorf("%d bytes instead of %d are not noticed", length, one.Bytes)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := slices.Clone(file)
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		err := unseal(context.Background(), keys, placeOf(one.Item), eventschema.UseService, bytes.NewReader(changed), one.Bytes, io.Discard)
		if err == nil {
			t.Fatalf("a changed byte %d is not noticed", at)
		}
		cut := rapid.IntRange(0, len(file)-1).Draw(t, "cut")
		if unseal(context.Background(), keys, placeOf(one.Item), eventschema.UseService, bytes.NewReader(file[:cut]), one.Bytes, io.Discard) == nil {
			t.Fatalf("cut off at %d is not noticed", cut)
		}
	})
}

func TestEveryByteOfTheHeaderCounts(t *testing.T) {
	s, keys := openStore(t, 0)
	one, file := sealed(t, s, uuid.New(), 100)
	for at := range bytes.Index(file, []byte("\n---")) + 48 + 16 {
		for bit := range 8 {
			changed := slices.Clone(file)
			changed[at] ^= 1 << bit
			if unseal(t.Context(), keys, placeOf(one.Item), eventschema.UseService, bytes.NewReader(changed), one.Bytes, io.Discard) == nil {
				t.Errorf("bit %d of byte %d is not noticed", bit, at)
			}
		}
	}
}

func TestWhyContentCannotBeRead(t *testing.T) {
	s, keys := openStore(t, 0)
	one, _ := sealed(t, s, uuid.New(), 100)
	read := func(b Blob) error {
		return s.Read(t.Context(), placeOf(b.Item), eventschema.UseService, b, one.Bytes, io.Discard)
	}
	under := uuid.New()
	for _, state := range []eventschema.State{eventschema.StateErased, eventschema.StateRestricted, eventschema.StateUnavailable} {
		keys.answer = eventschema.Opening{State: state, Case: under}
		var withheld *WithheldError
		if err := read(one.Blob); !errors.As(err, &withheld) || withheld.State != state || withheld.Case != under {
			t.Errorf("%s is told as %v", state, err)
		}
	}
	keys.answer = eventschema.Opening{}
	if err := read(Blob{Item: uuid.New(), SHA256: one.SHA256}); !errors.Is(err, ErrMissing) {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := errors.Join(s.Remove(one.Blob), s.Remove(one.Blob)); err != nil {
		t.Errorf("removed twice: %v", err)
	}
	if err := read(one.Blob); !errors.Is(err, ErrMissing) {
		t.Errorf("a file that was removed: %v", err)
	}
}

func TestNothingStaysBehindContentThatIsRefused(t *testing.T) {
	s, _ := openStore(t, 100<<10)
	broken := errors.New("the sender went away")
	for rule, c := range map[string]struct {
		content io.Reader
		want    error
	}{
		"one byte too many":       {bytes.NewReader(paper(100<<10 + 1)), ErrTooLarge},
		"behind the end of it":    {io.MultiReader(bytes.NewReader(photo(t, 1)), strings.NewReader(strings.Repeat("x", 100<<10))), ErrTooLarge},
		"none of the types":       {strings.NewReader("GIF89a"), ErrType},
		"nothing":                 {strings.NewReader(""), ErrType},
		"cut off":                 {bytes.NewReader(paper(5000)[:4000]), ErrDamaged},
		"a sender that goes away": {io.MultiReader(bytes.NewReader(paper(9000)[:8500]), failing{broken}), broken},
	} {
		if _, err := put(t, s, uuid.New(), c.content); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", rule, err, c.want)
		}
	}
	if stored, err := put(t, s, uuid.New(), bytes.NewReader(paper(100<<10))); err != nil || stored.Bytes != 100<<10 {
		t.Errorf("as much as is taken in: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer w.End()
	if _, err := w.Put(ctx, placeOf(uuid.New()), eventschema.MediaTypes(), bytes.NewReader(paper(10))); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away: %v", err)
	}
	files := 0
	for _, err := range s.Blobs(t.Context()) {
		if files++; err != nil {
			t.Fatal(err)
		}
	}
	if left, err := s.ClearIncoming(); files != 1 || left != 0 || err != nil {
		t.Errorf("%d files, %d half-written, %v", files, left, err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Whoever looks for leftovers meets no writer between its file and its event.
func TestWritersAreNotSweptUnderTheirFeet(t *testing.T) {
	s, keys := openStore(t, 0)
	other, err := Open(Config{Dir: s.root.Name(), Sealer: keys, Opener: keys}) // as another process
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	first, err := s.Begin()
	if err != nil {
		t.Fatal(err)
	}
	second, err := other.Begin() // writers do not wait for each other
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []*Writing{first, second} {
		if alone, err := other.Alone(func() error { t.Error("swept beside a writer"); return nil }); alone || err != nil {
			t.Errorf("%t %v", alone, err)
		}
		w.End()
	}
	failed := errors.New("failed")
	if alone, err := other.Alone(func() error { return failed }); !alone || !errors.Is(err, failed) {
		t.Errorf("%t %v", alone, err)
	}
}

func TestOnlyNamesOfOursAreFiles(t *testing.T) {
	s, _ := openStore(t, 0)
	one, _ := sealed(t, s, uuid.New(), 100)
	name := one.name()
	for _, stranger := range []string{"note.txt", filepath.Join(one.folder(), "note.txt"), strings.ToUpper(name), name + "0", "zz/" + filepath.Base(name)} {
		path := filepath.Join(s.root.Name(), stranger)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for blob, err := range s.Blobs(t.Context()) {
		if err != nil || blob != one.Blob {
			t.Errorf("%+v %v", blob, err)
		}
	}
	if removed, err := s.RemoveItem(one.Item); removed != 1 || err != nil {
		t.Errorf("removed %d, %v", removed, err)
	}
	if removed, err := s.RemoveItem(uuid.New()); removed != 0 || err != nil {
		t.Errorf("removed %d of nothing, %v", removed, err)
	}
}

// Content of any length takes the memory of a few chunks.
func TestContentIsNotHeld(t *testing.T) {
	s, _ := openStore(t, 0)
	const length = 24 << 20
	alive := &living{}
	before := alive.measure()
	content := io.MultiReader(strings.NewReader("%PDF-1.7\n"), io.LimitReader(zeros{}, length), strings.NewReader("%%EOF\n"))
	stored, err := put(t, s, uuid.New(), io.TeeReader(content, alive))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Read(t.Context(), placeOf(stored.Item), eventschema.UseService, stored.Blob, stored.Bytes, alive); err != nil {
		t.Fatal(err)
	}
	if alive.looked < 8 || alive.most > before+2<<20 {
		t.Errorf("looked %d times: up to %d bytes more were alive", alive.looked, int64(alive.most)-int64(before)) //nolint:gosec // far from the bounds
	}
}

// living looks, now and then while bytes pass, how many bytes are alive.
type living struct {
	passed, looked int
	most           uint64
}

func (l *living) measure() uint64 {
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	return now.HeapAlloc
}

func (l *living) Write(p []byte) (int, error) {
	const every = 4 << 20
	if l.passed/every != (l.passed+len(p))/every {
		l.looked, l.most = l.looked+1, max(l.most, l.measure())
	}
	l.passed += len(p)
	return len(p), nil
}

func TestLengthsFallIntoClasses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 1<<31).Draw(t, "n")
		p := padded(n)
		if p < n || p < shortest || n > shortest && p-n > n/8 {
			t.Fatalf("%d becomes %d", n, p)
		}
		if padded(p) != p || padded(n+1) < p {
			t.Fatalf("%d becomes %d, that %d, and one more %d", n, p, padded(p), padded(n+1))
		}
	})
	classes := map[int64]bool{}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // lengths
	for range 100_000 {
		classes[padded(random.Int64N(DefaultLimit))] = true
	}
	if len(classes) > 400 {
		t.Errorf("%d lengths are told apart", len(classes))
	}
}
