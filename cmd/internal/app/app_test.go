package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain"
	"tracekeep/domain/erasure"
	"tracekeep/domain/field"
	"tracekeep/eventschema"
)

// house is an open App on a folder of its own.
type house struct {
	*App
	t    *testing.T
	data string

	clock   func() time.Time
	cooling time.Duration
	perDay  int
	fault   func(string)

	// Stores elsewhere; empty: the App's own.
	eventStore, readAt, keysAt string
	unlike                     bool // the test leaves read models that a rebuild would not make
	handedOut                  []handedOut
}

// openHouse opens an App whose cases do not cool off, unless the test says so.
// Whatever the test did to it, its read models are those of a rebuild in the end.
func openHouse(t *testing.T, change ...func(*house)) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "tracekeep-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, data: filepath.Join(dir, "records"), clock: time.Now, perDay: 100}
	for _, c := range change {
		c(h)
	}
	if h.eventStore == "" && h.readAt == "" && h.keysAt == "" {
		h.founded()
	}
	h.open()
	t.Cleanup(func() {
		if h.t = t; !h.unlike {
			h.unchanged()
		}
		h.close()
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return h
}

// founded copies a folder that was made once and has nothing on record: to make the
// clusters and tables of a new one takes several times as long as to open it.
func (h *house) founded() {
	h.t.Helper()
	from, err := foundation()
	if err != nil {
		h.t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, h.data).CombinedOutput(); err != nil { // with the accounts that own its files
		h.t.Fatalf("copy %s: %v: %s", from, err, out)
	}
}

// foundedFolder is where the folder of [foundation] stands, once it was made.
var foundedFolder string

var foundation = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tracekeep-founded-")
	if err != nil {
		return "", err
	}
	foundedFolder = dir
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", err
	}
	data := filepath.Join(dir, "records")
	made, err := Open(context.Background(), Config{Data: data, Clock: time.Now, Random: rand.Reader, Cases: DefaultCases()})
	if err != nil {
		return "", err
	}
	return data, made.Close()
})

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(foundedFolder)
	os.Exit(code)
}

func (h *house) open() {
	h.t.Helper()
	app, err := Open(h.t.Context(), h.config())
	if err != nil {
		h.t.Fatal(err)
	}
	h.App = app
}

// tried opens another folder, or says why it cannot be served.
func (h *house) tried(data string) (*App, error) {
	cfg := h.config()
	cfg.Data = data
	return Open(h.t.Context(), cfg)
}

func (h *house) config() Config {
	return Config{
		Data: h.data, Clock: h.clock, Random: rand.Reader, Fault: h.fault, Cases: CasePolicy{CoolingOff: &h.cooling, DestructionsPerDay: h.perDay, BatchesPerDay: h.perDay},
		EventStore: h.eventStore, ReadModels: h.readAt, Keys: h.keysAt,
	}
}

func (h *house) close() {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Error(err)
	}
}

func (h *house) as(role httpapi.Role) httpapi.Principal {
	return httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: role}
}

func (h *house) intent(p httpapi.Principal) httpapi.Intent {
	return httpapi.Intent{Principal: p, Key: uuid.NewString(), CorrelationID: uuid.New()}
}

func (h *house) register(name string) httpapi.PersonReceipt {
	h.t.Helper()
	got, err := h.RegisterPerson(h.t.Context(), h.intent(h.as(httpapi.RoleHR)), registration(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

func registration(name string) httpapi.Registration {
	return httpapi.Registration{LegalName: eventschema.Clear(name), ReceivedAt: time.Now()}
}

func (h *house) caughtUp() {
	h.t.Helper()
	if err := h.CatchUp(h.t.Context(), nil); err != nil {
		h.t.Fatal(err)
	}
}

func punchEntry(work uuid.UUID, at time.Time) httpapi.PunchEntry {
	return httpapi.PunchEntry{
		PunchID: uuid.New(), Work: work, OccurredAt: at.UTC(), Zone: "UTC", Direction: eventschema.DirectionIn,
		Kind: eventschema.KindNormal, Station: "gate-1", ReceivedAt: time.Now(),
	}
}

func point() *httpapi.Location {
	return &httpapi.Location{Latitude: eventschema.Clear("52.520008"), Longitude: eventschema.Clear("13.404954")}
}

func refusalCode(err error) string {
	var refusal *httpapi.Refusal
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// streamOf reads a stream as stored.
func (h *house) streamOf(name eventschema.StreamName) []eventschema.Decoded {
	h.t.Helper()
	var events []eventschema.Decoded
	for recorded, err := range h.store.ReadStream(h.t.Context(), name.String(), 0) {
		if err != nil {
			h.t.Fatal(err)
		}
		decoded, err := h.registry.Decode(recorded)
		if err != nil {
			h.t.Fatal(err)
		}
		events = append(events, decoded)
	}
	return events
}

func TestAPunchIDNamesOnePunchForEver(t *testing.T) {
	h := openHouse(t)
	hr := h.as(httpapi.RoleHR)
	one, other := h.register("Ada Example"), h.register("Ben Example")
	first := punchEntry(one.WorkID, time.Now().Add(-time.Hour))
	recorded, err := h.RecordPunch(t.Context(), h.intent(hr), first)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.RecordPunch(t.Context(), h.intent(hr), first)
	if err != nil || !again.Repeated || again.Position != recorded.Position {
		t.Errorf("the same punch again: %+v, %v; want repeated at %d", again, err, recorded.Position)
	}
	h.caughtUp()
	elsewhere := first
	elsewhere.Work = other.WorkID
	later := first
	later.OccurredAt = first.OccurredAt.Add(time.Minute)
	for rule, punch := range map[string]httpapi.PunchEntry{"another worker": elsewhere, "another instant": later} {
		if _, err := h.RecordPunch(t.Context(), h.intent(hr), punch); refusalCode(err) != "punch_id_used" {
			t.Errorf("the id for %s: %v", rule, err)
		}
	}
	if _, err := h.RecordPunch(t.Context(), h.intent(hr), punchEntry(one.PersonID, time.Now())); refusalCode(err) != "unknown_work" {
		t.Errorf("a person id as work id: %v", err)
	}
}

// promise: RR-30
func TestWithdrawingForgetsEveryPointAndARefusedPunchLeavesNone(t *testing.T) {
	h := openHouse(t)
	hr := h.as(httpapi.RoleHR)
	who := h.register("Ada Example")
	consent := httpapi.Consent{Work: who.WorkID, Purpose: eventschema.PurposeLocation, NoticeVersion: "1", Language: "en", Method: "app", At: time.Now()}
	if _, err := h.GiveConsent(t.Context(), h.intent(hr), consent); err != nil {
		t.Fatal(err)
	}
	kept := punchEntry(who.WorkID, time.Now())
	kept.Location = point()
	if got, err := h.RecordPunch(t.Context(), h.intent(hr), kept); err != nil || got.Location != eventschema.LocationRecordedOutcome {
		t.Fatalf("%+v, %v", got, err)
	}
	future := punchEntry(who.WorkID, time.Now().Add(48*time.Hour))
	future.Location = point()
	if _, err := h.RecordPunch(t.Context(), h.intent(hr), future); refusalCode(err) != "in_the_future" {
		t.Fatalf("a punch of the future: %v", err)
	}
	points := h.streamOf(eventschema.LocationStream(h.Tenant(), who.WorkID, kept.OccurredAt))
	if kept.OccurredAt.Month() != future.OccurredAt.Month() {
		points = append(points, h.streamOf(eventschema.LocationStream(h.Tenant(), who.WorkID, future.OccurredAt))...)
	}
	if len(points) != 1 {
		t.Fatalf("%d points are recorded, want the one of the accepted punch", len(points))
	}
	consent.At = time.Now()
	if _, err := h.WithdrawConsent(t.Context(), h.intent(hr), consent); err != nil {
		t.Fatal(err)
	}
	consents := h.streamOf(eventschema.ConsentStream(h.Tenant(), who.WorkID))
	h.certified(consents[len(consents)-1].ID)
	if err := h.registry.Open(t.Context(), h.keys, &points[0], eventschema.UseAudit); err != nil {
		t.Fatal(err)
	}
	if state := points[0].Event.(*eventschema.LocationRecorded).Latitude.State(); state != eventschema.StateErased {
		t.Errorf("the point is %s after the withdrawal", state)
	}
}

func TestAWorkerLeavesNoIDThatTiesThePersonToTheWorkRecord(t *testing.T) {
	h := openHouse(t)
	who := h.register("Ada Example")
	worker := httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: who.PersonID, Work: who.WorkID}
	if _, err := h.RecordPunch(t.Context(), h.intent(worker), punchEntry(who.WorkID, time.Now())); err != nil {
		t.Fatal(err)
	}
	if _, err := h.CorrectPerson(t.Context(), h.intent(worker), httpapi.PersonCorrection{
		PersonID: who.PersonID, Email: eventschema.Clear("a@example.org"), Reason: "typo", ReceivedAt: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []field.Field{
		{Code: "chat", Label: "Chat", Purpose: eventschema.PurposeContact, Sensitivity: eventschema.SensitivityOrdinary, Kind: eventschema.FieldText},
		{Code: "shirt", Label: "Shirt", Purpose: eventschema.PurposeWork, Sensitivity: eventschema.SensitivityOrdinary, Kind: eventschema.FieldText},
	} {
		if _, err := h.SteerField(t.Context(), h.intent(worker), field.Define{Field: f, DefinedAt: time.Now(), DefinedBy: worker.ID}); err != nil {
			t.Fatal(err)
		}
	}
	set := httpapi.FieldSetting{PersonID: who.PersonID, Reason: "intake", At: time.Now(), Values: field.Values{"chat": eventschema.Clear("@ada"), "shirt": eventschema.Clear("L")}}
	if _, err := h.SetPersonFields(t.Context(), h.intent(httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: httpapi.RoleHR}), set); err != nil {
		t.Fatal(err)
	}
	person := h.streamOf(eventschema.PersonStream(h.Tenant(), who.PersonID))
	work := append(h.streamOf(eventschema.WorkStream(h.Tenant(), who.WorkID)), h.streamOf(eventschema.PunchesStream(h.Tenant(), who.WorkID, time.Now()))...)
	for _, p := range person {
		for _, w := range work {
			if p.Meta.CorrelationID == w.Meta.CorrelationID || p.Meta.CausationID == w.Meta.CausationID {
				t.Errorf("%s and %s share a correlation", p.Type, w.Type)
			}
			ofPerson, both := p.Event.(*eventschema.PersonFieldsSet)
			if ofWork, set := w.Event.(*eventschema.WorkFieldsSet); set && both && ofPerson.SetAt.Equal(ofWork.SetAt) {
				t.Errorf("values of one request share their instant")
			}
			if p.Meta.Actor == w.Meta.Actor && p.Meta.Actor.Role == string(httpapi.RoleWorker) {
				t.Errorf("%s and %s share the worker's id", p.Type, w.Type)
			}
		}
		if bytes.Contains(p.Data, []byte(who.WorkID.String())) || bytes.Contains(p.Metadata, []byte(who.WorkID.String())) ||
			bytes.Contains(p.Data, []byte(eventschema.Hex(who.WorkID))) {
			t.Errorf("%s names the work record in clear", p.Type)
		}
	}
}

func TestOnePersonsCasesDoNotHoldUpAnothers(t *testing.T) {
	h := openHouse(t)
	one, other := h.register("Ada Example"), h.register("Ben Example")
	h.caughtUp()
	asked, err := h.RequestErasure(t.Context(), h.intent(h.as(httpapi.RolePrivacy)), httpapi.ErasureRequest{Person: one.PersonID, ReceivedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	// A second request that passed the check at the same moment as the first.
	second := caseID(h.Tenant(), "second")
	h.appendRequest(second, one)
	h.caughtUp()
	_, err = h.RequestErasure(t.Context(), h.intent(h.as(httpapi.RolePrivacy)), httpapi.ErasureRequest{Person: one.PersonID, ReceivedAt: time.Now()})
	if refusalCode(err) != "case_open" {
		t.Errorf("a third request: %v", err)
	}
	for _, id := range []uuid.UUID{asked.CaseID, second} {
		h.identifyAndAssess(h.as(httpapi.RolePrivacy), id)
		if err := h.approval(id); err != nil {
			t.Fatal(err)
		}
	}
	h.certified(asked.CaseID)
	h.certified(second)
	h.erase(other.PersonID)
}

func TestARepeatedRegistrationBringsNobodyBack(t *testing.T) {
	h := openHouse(t)
	intent := h.intent(h.as(httpapi.RoleHR))
	who, err := h.RegisterPerson(t.Context(), intent, registration("Ada Example"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.RegisterPerson(t.Context(), intent, registration("Ada Example"))
	if err != nil || again.PersonID != who.PersonID || again.WorkID != who.WorkID || !again.Repeated {
		t.Fatalf("the same request again: %+v, %v", again, err)
	}
	id := h.erase(who.PersonID)
	_, err = h.RegisterPerson(t.Context(), intent, registration("Ada Example"))
	var erased *httpapi.Erased
	if !errors.As(err, &erased) || erased.Case != id {
		t.Errorf("the same request after the erasure: %v", err)
	}
}

// onKeys changes the key store behind its back.
func (h *house) onKeys(statements ...string) {
	h.t.Helper()
	h.onDatabase(h.running.Keys, statements...)
}

// onModels changes the read models behind their back.
func (h *house) onModels(statements ...string) {
	h.t.Helper()
	h.onDatabase(h.running.ReadModels, statements...)
}

func (h *house) onDatabase(url string, statements ...string) {
	h.t.Helper()
	conn, err := pgx.Connect(h.t.Context(), url)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close(h.t.Context()) }()
	for _, statement := range statements {
		if _, err := conn.Exec(h.t.Context(), statement); err != nil {
			h.t.Fatal(err)
		}
	}
}

func TestAnEventOfALaterReleaseEndsTheProcessInsteadOfHangingIt(t *testing.T) {
	h := openHouse(t, func(h *house) { h.unlike = true })
	_, err := h.store.Append(t.Context(), eventschema.PersonStream(h.Tenant(), uuid.New()).String(), domain.NoStream,
		[]eventschema.Proposed{{ID: uuid.New(), Type: "person-registered.v99", Data: []byte("{}"), Metadata: []byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case failure := <-h.Failed():
		if !errors.Is(failure, eventschema.ErrUnknownVersion) {
			t.Errorf("failed with %v", failure)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing failed")
	}
}

// appendRequest opens a case behind the check for open ones.
func (h *house) appendRequest(id uuid.UUID, who httpapi.PersonReceipt) {
	h.t.Helper()
	_, err := domain.Handle(h.t.Context(), h.handler, erasure.Decider(), domain.Request{
		Stream: eventschema.ErasureStream(h.Tenant(), id), Key: "request", Actor: h.as(httpapi.RolePrivacy).Actor(),
	}, erasure.Command(erasure.Request{
		CaseID: id, Origin: eventschema.OriginRequest, PersonID: who.PersonID, WorkID: who.WorkID, Scope: eventschema.ScopePerson,
		RequestedBy: uuid.New(), RequestedAt: time.Now(), ClaimHash: strings.Repeat("0", 64),
	}))
	if err != nil {
		h.t.Fatal(err)
	}
}

// Credentials are shown to nobody.
func TestConnectionWithoutUser(t *testing.T) {
	for connection, want := range map[string]string{
		"esdb://host:2113?tls=false":                             "esdb://host:2113?tls=false",
		"esdb://user:secret@host:2113?tls=true":                  "esdb://host:2113?tls=true",
		"esdb+discover://user:se:c@ret@a:1,b:2?tlsCAFile=/x@y/z": "esdb+discover://a:1,b:2?tlsCAFile=/x@y/z",
		"esdb://user:sec/ret@host/?tls=true":                     "esdb://host/?tls=true",
		"esdb://user:secret@host":                                "esdb://host",
		"":                                                       "",
	} {
		if got := withoutUser(connection); got != want {
			t.Errorf("%s became %s, want %s", connection, got, want)
		}
	}
}
