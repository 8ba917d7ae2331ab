package app

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/pgcluster/pgtest"
	"tracekeep/eventschema"
)

// moment is when a copy of a store was taken.
type moment int

const (
	before    moment = iota // the person lives, and nobody has asked
	certified               // the person is erased
	retired                 // the epoch of their keys has retired too
	moments
)

// worldThen is every store as it was at one moment.
type worldThen struct {
	folder       string // of the data, read models and key store apart
	models, keys string
}

// erasedWorld is an installation whose stores were copied before an erasure, after
// it and when it was final, so that any of them can be put beside any other.
type erasedWorld struct {
	*house
	then       [moments]worldThen
	gone       httpapi.PersonReceipt
	stays      httpapi.PersonReceipt
	held       httpapi.PersonReceipt // under a hold that was placed beside the erasure
	hidden     httpapi.PersonReceipt // restricted beside the erasure
	id, matter uuid.UUID
	kept       string // checkpoint that somebody outside kept
}

// outcome is what an installation put together must do.
type outcome int

const (
	erased    outcome = iota // it opens, and the person is erased with their certificate
	refused                  // it does not open: the event store is shorter than another store remembers
	noKey                    // it does not open: the provider has no key of an epoch that the key store needs
	untouched                // it opens as if nobody had asked, and a checkpoint kept outside shows it
)

// The rules of putting copies of different times beside each other. Nothing but a
// copy of everything, taken with the provider's keys and put back before their
// epoch retires, has the person in it; and that one is told by whatever was kept
// outside.
//
// promise: ST-33
func TestNoCopyOfAStoreBringsAPersonBack(t *testing.T) {
	w := eraseAndCopy(t)
	for _, test := range []struct {
		rule                                  string
		events, trail, models, keys, provider moment
		want                                  outcome
	}{
		{"everything as it is", certified, certified, certified, certified, certified, erased},
		{"an older key store destroys its keys again", certified, certified, certified, before, before, erased},
		{"older read models catch up", certified, certified, before, certified, certified, erased},
		{"an older trail catches up, to the same root", certified, before, certified, certified, certified, erased},
		{"an older key store beside older read models, as one Postgres restores them", certified, certified, before, before, before, erased},
		{"an older key store and an older trail", certified, before, certified, before, before, erased},
		{"older read models and an older trail", certified, before, before, certified, certified, erased},
		{"nothing but the event store is newer", certified, before, before, before, before, erased},
		{"an older event store is refused", before, certified, certified, certified, certified, refused},
		{"also with the key store of its time", before, certified, certified, before, before, refused},
		{"the read models alone remember the longer event store", before, before, certified, before, before, refused},
		{"the trail alone remembers it", before, certified, before, before, before, refused},
		{"the key store alone remembers it: it destroyed for a case that is not there", before, before, before, certified, certified, refused},
		{"the key store and the trail remember it", before, certified, before, certified, certified, refused},
		{"the key store and the read models remember it", before, before, certified, certified, certified, refused},
		{"everything from before, while the epoch lives", before, before, before, before, before, untouched},

		{"everything as it is, the epoch retired", retired, retired, retired, retired, retired, erased},
		{"a key store from before the epoch retired has no provider key", retired, retired, retired, before, retired, noKey},
		{"nor has one from between the erasure and the retirement", retired, retired, retired, certified, retired, noKey},
		{"nor has everything from before but the provider", before, before, before, before, retired, noKey},
		{"an older provider lacks the key of the new epoch", retired, retired, retired, retired, before, noKey},
		{"an older key store and provider destroy again", retired, retired, retired, before, before, erased},
		{"an older key store and provider beside older read models too", retired, retired, before, before, before, erased},
		{"read models and trail from before the retirement catch up", retired, certified, certified, retired, retired, erased},
		{"a retirement alone leaves nothing in the event store", certified, retired, retired, retired, retired, erased},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel() // each has stores of its own, and mostly waits for them
			cell := *w
			cell.house = &house{App: w.App, t: t, clock: w.clock}
			h, err := cell.putTogether(test.events, test.trail, test.models, test.keys, test.provider)
			cell.check(test.want, h, err)
		})
	}
}

// eraseAndCopy lives through an erasure, with a copy of every store at each moment.
func eraseAndCopy(t *testing.T) *erasedWorld {
	w := &erasedWorld{}
	w.house = openHouse(t, func(h *house) { h.readAt, h.keysAt = pgtest.Database(t), pgtest.Database(t) })
	for _, p := range []*httpapi.PersonReceipt{&w.gone, &w.stays, &w.held, &w.hidden} {
		*p = w.register("Ada Example")
	}
	w.caughtUp()
	w.copyTo(before)
	w.id = w.erase(w.gone.PersonID)
	w.matter = w.hold(w.held.PersonID)
	w.restrict(w.hidden.PersonID, eventschema.RestrictionAccuracy)
	w.caughtUp()
	kept, err := w.TrailTexts(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	w.kept = kept
	w.copyTo(certified)
	if _, err := w.keys.Rotate(t.Context(), keyring.RotateOptions{RetireOptions: keyring.RetireOptions{WithoutBackup: true}}); err != nil {
		t.Fatal(err)
	}
	w.copyTo(retired)
	return w
}

// copyTo copies every store while nobody uses it, and goes on.
func (w *erasedWorld) copyTo(at moment) {
	w.t.Helper()
	w.close()
	w.then[at] = worldThen{folder: filepath.Join(w.t.TempDir(), "copy"), models: pgtest.Copy(w.t, w.readAt), keys: pgtest.Copy(w.t, w.keysAt)}
	w.cp(w.data, w.then[at].folder)
	w.open()
}

func (w *erasedWorld) cp(from, to string) {
	w.t.Helper()
	if said, err := exec.CommandContext(w.t.Context(), "cp", "-a", from, to).CombinedOutput(); err != nil {
		w.t.Fatalf("copy %s: %v\n%s", from, err, said)
	}
}

// putTogether opens an installation of copies.
func (w *erasedWorld) putTogether(events, trail, models, keys, provider moment) (*house, error) {
	w.t.Helper()
	h := &house{t: w.t, data: filepath.Join(w.t.TempDir(), "records"), clock: w.clock, perDay: 100,
		readAt: pgtest.Copy(w.t, w.then[models].models), keysAt: pgtest.Copy(w.t, w.then[keys].keys)}
	if err := os.Mkdir(h.data, 0o711); err != nil {
		w.t.Fatal(err)
	}
	for store, at := range map[string]moment{"events": events, "trail": trail, "keys": provider, "tenant.json": retired} {
		w.cp(filepath.Join(w.then[at].folder, store), filepath.Join(h.data, store))
	}
	app, err := Open(w.t.Context(), h.config())
	h.App = app
	if err == nil {
		w.t.Cleanup(h.close)
	}
	return h, err
}

func (w *erasedWorld) check(want outcome, h *house, err error) {
	w.t.Helper()
	switch want {
	case refused:
		if !errors.Is(err, ErrShorterStore) {
			w.t.Errorf("it opens, or fails otherwise: %v", err)
		}
		return
	case noKey:
		if !errors.Is(err, keyring.ErrNoKEK) {
			w.t.Errorf("it opens, or fails otherwise: %v", err)
		}
		return
	case erased, untouched:
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if want == erased { // at once, before anything has caught up
		h.wantGone(w)
	}
	h.caughtUp()
	h.wantName(w.stays.PersonID, eventschema.StateClear)
	if report, err := h.Verify(h.t.Context(), nil); err != nil || !report.OK {
		h.t.Errorf("the trail does not hold: %+v %v", report, err)
	}
	if differences, err := h.CheckModels(h.t.Context(), nil); err != nil || len(differences) > 0 {
		h.t.Errorf("the read models differ from a rebuild: %v %v", differences, err)
	}
	kept := h.VerifyExtends(h.t.Context(), w.kept)
	if want == untouched {
		h.wantName(w.gone.PersonID, eventschema.StateClear)
		if kept == nil {
			h.t.Error("the trail extends a checkpoint that is newer than all of it")
		}
		return
	}
	if kept != nil {
		h.t.Errorf("the trail does not extend the checkpoint that was kept: %v", kept)
	}
	h.wantErasedFor(w)
}

// wantGone holds that no key of the person is left, whatever the read models know.
func (h *house) wantGone(w *erasedWorld) {
	h.t.Helper()
	for _, recorded := range h.streamOf(eventschema.PersonStream(h.Tenant(), w.gone.PersonID)) {
		for _, sealed := range recorded.Sealed {
			opening, err := h.keys.Open(h.t.Context(), recorded.At(sealed), sealed.Envelope, eventschema.UseAudit)
			if err != nil || opening.State != eventschema.StateErased || opening.Case != w.id {
				h.t.Errorf("an old envelope is %s under case %s: %v", opening.State, opening.Case, err)
			}
		}
	}
	if holds, err := h.keys.Holds(h.t.Context(), h.Tenant(), w.held.PersonID); err != nil || len(holds) != 1 || holds[0].Matter != w.matter {
		h.t.Errorf("held by %+v: %v", holds, err)
	}
	for _, recorded := range h.streamOf(eventschema.PersonStream(h.Tenant(), w.hidden.PersonID)) {
		for _, sealed := range recorded.Sealed {
			opening, err := h.keys.Open(h.t.Context(), recorded.At(sealed), sealed.Envelope, eventschema.UseService)
			if err != nil || opening.State != eventschema.StateRestricted {
				h.t.Errorf("what is restricted is %s: %v", opening.State, err)
			}
		}
	}
}

// wantErasedFor holds an installation to what every end of the erasure is.
func (h *house) wantErasedFor(w *erasedWorld) {
	h.t.Helper()
	if name := h.name(httpapi.RoleAuditor, w.gone.PersonID); name.State() != eventschema.StateErased || name.Case() != w.id || name.CertificateLeaf == nil {
		h.t.Errorf("the name is %s under case %s", name.State(), name.Case())
	}
	status, err := h.keys.Status(h.t.Context(), h.Tenant(), w.gone.PersonID, w.gone.WorkID)
	if err != nil || status[w.gone.PersonID].Fence != keyring.FenceErased || status[w.gone.WorkID].Fence != keyring.FenceRestricted {
		h.t.Errorf("the fences are %+v: %v", status, err)
	}
	certificate, err := h.Certificate(h.t.Context(), h.as(httpapi.RolePrivacy), w.id, eventschema.CertificateEffective)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := VerifyCertificate(certificate.Certificate, h.VerifierKey()); err != nil {
		h.t.Errorf("the certificate: %v", err)
	}
	if _, err := h.CorrectPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.PersonCorrection{
		PersonID: w.gone.PersonID, LegalName: eventschema.Clear("Ada Again"), Reason: "typo", ReceivedAt: h.clock(),
	}); !errors.As(err, new(*httpapi.Erased)) {
		h.t.Errorf("a correction: %v", err)
	}
}
