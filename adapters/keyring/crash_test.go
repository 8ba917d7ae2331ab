package keyring_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// What a child process is told: to be one, where the store is, and at which
// point it kills itself.
const (
	childURL   = "TRACEKEEP_TEST_KEYS_URL"
	childDir   = "TRACEKEEP_TEST_KEYS_DIR"
	childPoint = "TRACEKEEP_TEST_KEYS_POINT"
)

// rotateAndDie is the child: it rotates as a process does that is killed with
// SIGKILL at the point.
func rotateAndDie() int {
	ctx := context.Background()
	k, err := keyring.Open(ctx, keyring.Config{
		URL: os.Getenv(childURL), Provider: keyring.NewFiles(os.Getenv(childDir), "kek", rand.Reader), Random: rand.Reader, Clock: time.Now,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	k.CrashAt(func(p keyring.Point) error {
		if string(p) == os.Getenv(childPoint) {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return nil
	})
	_, err = k.Rotate(ctx, alone)
	fmt.Fprintln(os.Stderr, "it was not killed:", err)
	return 1
}

// loaded is a store with everything a rotation has to move.
type loaded struct {
	*store
	ref, item, gone     keyring.Ref
	secret, note, ashes []byte
	underCase           uuid.UUID
}

func load(t *testing.T) *loaded {
	t.Helper()
	l := &loaded{store: newStore(t)}
	k := l.open(t)
	l.ref, l.gone = subject(t, k, eventschema.PurposeContact), subject(t, k)
	_, items := withItems(t, k, 1)
	l.item = items[0]
	index(t, k, badge("A-17", l.ref.Subject, uuid.Nil))
	l.secret, l.note, l.ashes = seal(t, k, l.ref), seal(t, k, l.item), seal(t, k, l.gone)
	l.underCase = erase(t, k, l.gone).Case
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

// wantWhole holds the store to everything that must be true at any moment.
func (l *loaded) wantWhole(t *testing.T, k *keyring.Keyring) {
	t.Helper()
	wantClear(t, k, l.ref, l.secret)
	wantClear(t, k, l.item, l.note)
	wantClear(t, k, l.ref, seal(t, k, l.ref))
	wantState(t, k, l.gone, l.ashes, eventschema.UseAudit, eventschema.StateErased, l.underCase)
	wantFound(t, k, map[string]keyring.Found{"A-17": {Person: l.ref.Subject}}, "A-17")
	fresh := subject(t, k)
	wantClear(t, k, fresh, seal(t, k, fresh))
}

// wantEnd finishes the rotation if it is not, and holds the store to the one end
// that every interrupted rotation comes to.
func (l *loaded) wantEnd(t *testing.T) {
	t.Helper()
	k := l.open(t)
	l.wantWhole(t, k)
	epochs, err := k.Epochs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(epochs) > 1 {
		if done := rotate(t, k, alone); done.Epoch != 2 {
			t.Fatalf("the rotation did not go on where it stopped: %+v", done)
		}
	}
	l.wantWhole(t, k)
	l.wantWhole(t, l.open(t))
	receipts, err := k.Retirements(t.Context())
	if err != nil || len(receipts) != 1 || receipts[0].Epoch != 1 || receipts[0].Destroyed != 1 {
		t.Fatalf("%+v %v", receipts, err)
	}
	if n := l.exec(t, `SELECT FROM kek_epoch WHERE epoch = 2 AND state = 'living'`); n != 1 || l.count(t, "kek_epoch") != 1 {
		t.Fatal("there is not the one epoch 2")
	}
	if n := l.exec(t, `SELECT FROM dek WHERE epoch <> 2`) + l.exec(t, `SELECT FROM lookup WHERE epoch <> 2`); n != 0 {
		t.Fatalf("%d rows under the old epoch", n)
	}
	if files := l.keks(t); len(files) != 1 {
		t.Fatalf("%v: a provider key without an epoch, or an epoch without one", files)
	}
}

var errCrash = errors.New("crash")

// promise: RR-39
func TestARotationInterruptedAnywhereComesToTheSameEnd(t *testing.T) {
	for _, here := range keyring.Points {
		t.Run(string(here), func(t *testing.T) {
			l := load(t)
			k := l.open(t)
			came := false
			k.CrashAt(func(p keyring.Point) error {
				if p == here {
					came = true
					return errCrash
				}
				return nil
			})
			_, err := k.Rotate(t.Context(), alone)
			if !came {
				t.Fatal("the rotation does not come here")
			}
			wantErr(t, err, errCrash)
			l.wantWhole(t, k) // the process goes on serving
			l.wantEnd(t)
		})
	}
}

func TestARotationIsKilledAndComesToTheSameEnd(t *testing.T) {
	points := keyring.Points
	if os.Getenv("TRACEKEEP_NIGHT") == "" {
		points = []keyring.Point{points[1], points[3], points[8]} // the provider key made, keys half moved, the old provider key gone
	}
	for _, here := range points {
		t.Run(string(here), func(t *testing.T) {
			l := load(t)
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), childURL+"="+l.url, childDir+"="+l.dir, childPoint+"="+string(here))
			said, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("%v\n%s", err, said)
			}
			l.bury(t)
			l.wantEnd(t)
		})
	}
}

// bury waits until another process finds that the killed one, still on the list
// of holders, is dead: its lease is over.
func (l *loaded) bury(t *testing.T) {
	t.Helper()
	k := l.open(t)
	for range 2 {
		if err := errors.Join(k.Beat(t.Context()), k.RemoveDead(t.Context())); err != nil {
			t.Fatal(err)
		}
		l.clock.advance(keyring.LeaseTTL+keyring.ClockAllowance, keyring.LeaseTTL+keyring.ClockAllowance)
	}
	if n := l.count(t, "cache_holder"); n != 1 {
		t.Fatalf("%d holders", n)
	}
}
