package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/domain/erasure"
	"tracekeep/eventschema"
)

// later opens the house with a clock that runs ahead.
func (h *house) later(by time.Duration) {
	h.t.Helper()
	h.close()
	h.clock = func() time.Time { return time.Now().Add(by) }
	h.open()
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
	h.keyPolicy(`{"retire_without_backup": true, "epoch_days": 7, "backup_retention_days": 3}`)
	h.later(7*24*time.Hour + time.Minute)
	until(t, func() bool { // by itself, at the start
		_, retired, err := h.keys.RetiredAt(t.Context(), 1)
		return err == nil && retired
	})
	receipts, err := h.keys.Retirements(t.Context())
	if err != nil || len(receipts) != 1 || receipts[0].Destroyed < 2 {
		t.Fatalf("%+v %v", receipts, err)
	}
	if view := h.await(id, erasure.PhaseCertified); view.FinalAt != nil {
		t.Fatal("the certificate is final while a backup may hold the retired key")
	}
	h.later(10*24*time.Hour + time.Hour)
	h.await(id, erasure.PhaseFinal)
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

// promise: RR-30
func TestHeldLocationsOfAWithdrawnConsentAreDestroyedWhenTheHoldIsLifted(t *testing.T) {
	h := openHouse(t)
	hr := h.as(httpapi.RoleHR)
	who := h.register("Ada Example")
	consent := httpapi.Consent{Work: who.WorkID, Purpose: eventschema.PurposeLocation, NoticeVersion: "1", Language: "en", Method: "app", At: time.Now()}
	give := func() {
		t.Helper()
		if _, err := h.GiveConsent(t.Context(), h.intent(hr), consent); err != nil {
			t.Fatal(err)
		}
	}
	give()
	kept := punchEntry(who.WorkID, time.Now())
	kept.Location = point()
	if _, err := h.RecordPunch(t.Context(), h.intent(hr), kept); err != nil {
		t.Fatal(err)
	}
	matter := h.as(httpapi.RolePrivacy).ID
	hold := keyring.Hold{Tenant: h.Tenant(), Matter: matter, Subject: who.WorkID, Purposes: []eventschema.Purpose{eventschema.PurposeLocation}}
	if err := h.keys.PlaceHold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	consent.At = time.Now()
	if _, err := h.WithdrawConsent(t.Context(), h.intent(hr), consent); err != nil {
		t.Fatal(err)
	}
	h.caughtUp()
	h.await(h.streamOf(eventschema.ConsentStream(h.Tenant(), who.WorkID))[1].ID, erasure.PhaseHeld)
	wantPoint := func(use eventschema.Use, want eventschema.State) {
		t.Helper()
		points := h.streamOf(eventschema.LocationStream(h.Tenant(), who.WorkID, kept.OccurredAt))
		if len(points) != 1 {
			t.Fatalf("%d points", len(points))
		}
		if err := h.registry.Open(t.Context(), h.keys, &points[0], use); err != nil {
			t.Fatal(err)
		}
		if state := points[0].Event.(*eventschema.LocationRecorded).Latitude.State(); state != want {
			t.Fatalf("the point is %s for %s, want %s", state, use, want)
		}
	}
	wantPoint(eventschema.UseService, eventschema.StateHeld)
	wantPoint(eventschema.UseLegalClaim, eventschema.StateClear)

	// Consent given again keeps no new points beside the held ones, and the punch
	// itself is recorded.
	consent.At = time.Now()
	give()
	again := punchEntry(who.WorkID, time.Now())
	again.Location = point()
	if got, err := h.RecordPunch(t.Context(), h.intent(hr), again); err != nil || got.Location != eventschema.LocationDroppedNoConsent {
		t.Fatalf("%+v %v", got, err)
	}
	h.close() // the withdrawal is applied again after a crash: it has its effect once
	h.open()
	withdrawal := h.streamOf(eventschema.ConsentStream(h.Tenant(), who.WorkID))[1].ID
	h.await(withdrawal, erasure.PhaseHeld)
	wantPoint(eventschema.UseService, eventschema.StateHeld)
	if _, err := h.keys.LiftHold(t.Context(), h.Tenant(), matter); err != nil {
		t.Fatal(err)
	}
	if err := h.sweep(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	h.certified(withdrawal)
	wantPoint(eventschema.UseLegalClaim, eventschema.StateErased)
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
