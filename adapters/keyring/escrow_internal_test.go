package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func anEscrow() escrowed {
	return escrowed{Type: escrowType, Escrow: uuid.UUID{1}, MadeAt: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Epochs: []escrowedEpoch{
		{Epoch: 1, KEK: bytes.Repeat([]byte{1}, keySize), Index: bytes.Repeat([]byte{2}, keySize)},
		{Epoch: 2, KEK: bytes.Repeat([]byte{3}, keySize), Index: bytes.Repeat([]byte{4}, keySize)},
	}}
}

func TestWhatIsNotInsideAnEscrow(t *testing.T) {
	for rule, spoil := range map[string]func(*escrowed){
		"another type":     func(e *escrowed) { e.Type = "tracekeep-key-escrow/v2" },
		"no id":            func(e *escrowed) { e.Escrow = uuid.Nil },
		"no epochs":        func(e *escrowed) { e.Epochs = nil },
		"an epoch twice":   func(e *escrowed) { e.Epochs[1].Epoch = 1 },
		"epoch zero":       func(e *escrowed) { e.Epochs[0].Epoch = 0 },
		"a short key":      func(e *escrowed) { e.Epochs[0].KEK = e.Epochs[0].KEK[1:] },
		"a long index key": func(e *escrowed) { e.Epochs[1].Index = append(e.Epochs[1].Index, 0) },
	} {
		t.Run(rule, func(t *testing.T) {
			e := anEscrow()
			spoil(&e)
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := parseEscrowed(text); !errors.Is(err, ErrEscrowFile) {
				t.Fatal(err)
			}
		})
	}
}

// What is accepted is exactly what is written.
func FuzzEscrowed(f *testing.F) {
	text, err := json.Marshal(anEscrow())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(strings.Replace(string(text), `"epoch":1`, `"epoch":-1`, 1)))
	f.Add([]byte(`{"type":"` + escrowType + `"}`))
	f.Add(append(bytes.Clone(text), '{'))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := parseEscrowed(text)
		if err != nil {
			if !errors.Is(err, ErrEscrowFile) {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(e)
		if err != nil {
			return // a time that JSON cannot say
		}
		reread, err := parseEscrowed(again)
		if err != nil || !reflect.DeepEqual(e, reread) {
			t.Fatalf("%v: %+v and %+v", err, e, reread)
		}
	})
}

// An escrow file comes from outside: whatever it holds, unlocking it answers an
// error or the keys, and takes no more work than was agreed.
func FuzzEscrowFile(f *testing.F) {
	safe, err := PassphraseSafe("correct horse battery staple", 10)
	if err != nil {
		f.Fatal(err)
	}
	file, err := safe.lock(anEscrow())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte("age-encryption.org/v1\n-> scrypt 7EKQXx5pLV2Ywn9Zl9SZrQ 63\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := safe.unlock(text)
		if err == nil && !reflect.DeepEqual(e, anEscrow()) {
			t.Fatalf("%+v", e)
		}
		if err != nil && !errors.Is(err, ErrEscrowFile) && !errors.Is(err, ErrEscrowClosed) {
			t.Fatal(err)
		}
	})
}
