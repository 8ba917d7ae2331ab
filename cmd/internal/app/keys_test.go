package app

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/eventschema"
)

// later opens the house with a clock that runs ahead.
func (h *house) later(by time.Duration) {
	h.t.Helper()
	h.close()
	app, err := Open(h.t.Context(), Config{Data: h.data, Clock: func() time.Time { return time.Now().Add(by) }, Random: rand.Reader})
	if err != nil {
		h.t.Fatal(err)
	}
	h.App = app
}

func (h *house) keyPolicy(text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.data, "keys", policyFile), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

// Whoever serves the folder rotates when an epoch is over, and the erasures of
// before are final then.
//
// promise: ST-37
func TestAnEpochThatIsOverIsFollowedByTheNextAndItsErasuresAreFinal(t *testing.T) {
	h := openHouse(t)
	who, stays := h.register("Ada Example"), h.register("Bob Example")
	id := h.erase(who.PersonID)
	h.certified(id)
	if due, err := h.RotateIfDue(t.Context()); err != nil || due {
		t.Fatalf("due on the first day: %v", err)
	}
	h.keyPolicy(`{"retire_without_backup": true, "epoch_days": 7}`)
	h.later(7*24*time.Hour + time.Minute)
	until(t, func() bool { // by itself, at the start
		_, retired, err := h.keys.RetiredAt(t.Context(), 1)
		return err == nil && retired
	})
	receipts, err := h.keys.Retirements(t.Context())
	if err != nil || len(receipts) != 1 || receipts[0].Destroyed < 2 {
		t.Fatalf("%+v %v", receipts, err)
	}
	person, err := h.Person(t.Context(), h.as(httpapi.RoleHR), stays.PersonID)
	if err != nil || person.LegalName.State() != eventschema.StateClear {
		t.Fatalf("the name of who stays is %s: %v", person.LegalName.State(), err)
	}
	person, err = h.Person(t.Context(), h.as(httpapi.RoleHR), who.PersonID)
	if err != nil || person.LegalName.State() != eventschema.StateErased {
		t.Fatalf("the name of who was erased is %s: %v", person.LegalName.State(), err)
	}
}

func TestARotationWaitsForABackupThatThePolicyWants(t *testing.T) {
	h := openHouse(t)
	h.register("Ada Example")
	h.later(7*24*time.Hour + time.Minute)
	until(t, func() bool {
		due, err := h.RotateIfDue(t.Context())
		return due && errors.Is(err, keyring.ErrNoBackup)
	})
	safe, err := keyring.PassphraseSafe("correct horse battery staple", 10)
	if err != nil {
		t.Fatal(err)
	}
	_, file, err := h.keys.Escrow(t.Context(), safe, "/somewhere")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.keys.VerifyEscrow(t.Context(), safe, file, nil); err != nil {
		t.Fatal(err)
	}
	if due, err := h.RotateIfDue(t.Context()); err != nil || !due {
		t.Fatalf("%v %v", due, err)
	}
	if due, err := h.RotateIfDue(t.Context()); err != nil || due {
		t.Fatalf("again: %v %v", due, err)
	}
}

func TestAPolicyMayForbidRotatingByItself(t *testing.T) {
	h := openHouse(t)
	h.keyPolicy(`{"rotate_by_itself": false}`)
	h.later(30 * 24 * time.Hour)
	if due, err := h.RotateIfDue(t.Context()); err != nil || due {
		t.Fatalf("%v %v", due, err)
	}
}

// A request that was sent before a rotation is recognised after it, compared
// while that is possible and taken for the same when it no longer is.
func TestARequestSentAgainAfterARotationIsTheSameRequest(t *testing.T) {
	h := openHouse(t)
	use := httpapi.KeyUse{Tenant: h.Tenant(), Principal: h.Operator(), Key: "k", Fingerprint: [32]byte{1}}
	other := use
	other.Fingerprint = [32]byte{2}
	reserve := func(use httpapi.KeyUse, want httpapi.Reserved) {
		t.Helper()
		got, err := h.requests.Reserve(t.Context(), use, time.Now(), time.Minute)
		if err != nil || got != want {
			t.Fatalf("%v, want %v: %v", got, want, err)
		}
	}
	reserve(use, httpapi.KeyTaken)
	if err := h.requests.Complete(t.Context(), use, time.Now()); err != nil {
		t.Fatal(err)
	}
	reserve(other, httpapi.KeyMismatch)
	options := keyring.RotateOptions{Until: keyring.StepTest, RetireOptions: keyring.RetireOptions{WithoutBackup: true}}
	if _, err := h.keys.Rotate(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	reserve(use, httpapi.KeyRepeated)
	reserve(other, httpapi.KeyMismatch)
	options.Until = ""
	if _, err := h.keys.Rotate(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	reserve(use, httpapi.KeyRepeated)
	reserve(other, httpapi.KeyRepeated) // nothing is left to tell them apart by
}

// until waits for a condition that the background brings about.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for !condition() {
		select {
		case <-limit:
			t.Fatal("it never came true")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
