package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/httpapi"
	"tracekeep/domain/reading"
	"tracekeep/eventschema"
)

// reader is the API in front of the house, for one caller.
type reader struct {
	h         *house
	api       *httpapi.API
	principal httpapi.Principal
}

const readersToken = "a token for tests only"

func (h *house) reader(role httpapi.Role, own ...uuid.UUID) *reader {
	h.t.Helper()
	r := &reader{h: h, principal: h.as(role)}
	if len(own) > 0 {
		r.principal.Person, r.principal.Work = own[0], own[1]
	}
	api, err := httpapi.New(httpapi.Config{
		Clock: h.clock, Random: rand.Reader, Log: zap.NewNop(), PageTokenKey: [32]byte{1}, RequestTimeout: 2 * time.Second,
		Tokens: map[string]httpapi.Principal{readersToken: r.principal},
	}, h.Inside())
	if err != nil {
		h.t.Fatal(err)
	}
	r.api = api
	return r
}

func (r *reader) get(target string) (status int, body string) {
	request := httptest.NewRequestWithContext(r.h.t.Context(), http.MethodGet, target, nil)
	request.Header.Set("Authorization", "Bearer "+readersToken)
	answer := httptest.NewRecorder()
	r.api.ServeHTTP(answer, request)
	return answer.Code, answer.Body.String()
}

// recorded lists what was recorded of a reader, in order.
func (h *house) recorded(reader uuid.UUID) []*eventschema.ValuesRead {
	h.t.Helper()
	var all []*eventschema.ValuesRead
	for _, d := range h.streamOf(eventschema.ReadingStream(h.Tenant(), reader, h.clock())) {
		all = append(all, d.Event.(*eventschema.ValuesRead))
	}
	return all
}

// With the event store away the read models could still answer. They are not
// asked: what cannot be recorded is not shown.
//
// promise: I10
func TestWithoutTheEventStoreNothingPersonalIsShown(t *testing.T) {
	dir := t.TempDir()
	open := func(listen string) *eventnode.Node {
		t.Helper()
		node, err := eventnode.Open(eventnode.Config{Dir: filepath.Join(dir, "events"), Listen: listen, Clock: time.Now, Log: zap.NewNop()})
		if err != nil {
			t.Fatal(err)
		}
		return node
	}
	node := open("127.0.0.1:0")
	defer func() { _ = node.Close() }()
	address := strings.TrimPrefix(withoutQuery(node.ConnectionString()), "esdb://")
	h := openHouse(t, func(h *house) { h.eventStore, h.unlike = node.ConnectionString(), true })
	who := h.register("Ada Example")
	if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, time.Now())); err != nil {
		t.Fatal(err)
	}
	h.caughtUp()
	hr := h.reader(httpapi.RoleHR)
	questions := []string{"/v1/people", "/v1/presence", "/v1/people/" + who.PersonID.String()}
	for _, question := range questions {
		if status, body := hr.get(question); status != http.StatusOK || !strings.Contains(body, "Ada Example") {
			t.Fatalf("%s: %d %s", question, status, body)
		}
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	for _, question := range questions {
		status, body := hr.get(question)
		if status != http.StatusServiceUnavailable || strings.Contains(body, "Ada Example") {
			t.Errorf("%s without the event store: %d %s", question, status, body)
		}
		if question != questions[2] && !strings.Contains(body, "nothing is shown") { // the third reads the store itself first
			t.Errorf("%s does not say why: %s", question, body)
		}
	}
	value := httpapi.Personal{Personal: eventschema.Clear("Ada Example"), Of: httpapi.ValueOf{
		Subject: who.PersonID, ShownValue: eventschema.ShownValue{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity},
	}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	release, err := h.RecordReading(ctx, hr.principal, "get-person", value)
	if _, shown := value.Reveal(release); shown || !errors.Is(err, httpapi.ErrUnrecorded) {
		t.Errorf("shown: %v, %v", shown, err)
	}
	node = open(address)
	until(t, func() bool { status, _ := hr.get("/v1/people"); return status == http.StatusOK })
}

// withoutQuery cuts the parameters of a connection string.
func withoutQuery(connection string) string {
	before, _, _ := strings.Cut(connection, "?")
	return before
}

// promise: I10
func TestWhatIsRecordedOfAReading(t *testing.T) {
	h := openHouse(t)
	for rule, test := range map[string]func(*testing.T, *house){
		"it names who, whom, what and why, and ties nobody to their work": aReadingNames,
		"a reading of many is few events and loses nobody":                aReadingOfMany,
	} {
		t.Run(rule, func(t *testing.T) { h.in(t, func() { test(t, h) }) })
	}
}

// What is recorded names the reader, the operation, the use, everybody shown and
// the values, before the answer goes out, and never the work record of a person.
func aReadingNames(t *testing.T, h *house) {
	ada, ben := h.register("Ada Example"), h.register("Ben Example")
	for _, who := range []httpapi.PersonReceipt{ada, ben} {
		if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), punchEntry(who.WorkID, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	h.caughtUp()
	link := eventschema.ShownValue{Field: "identity.work_id", Purpose: eventschema.PurposeIdentity}
	name := eventschema.ShownValue{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}
	payroll := eventschema.ShownValue{Field: "work.payroll_name", Purpose: eventschema.PurposeWork}
	day := time.Now().UTC().Format(time.DateOnly)
	of := func(values ...eventschema.ShownValue) []eventschema.ShownValue { return values }
	for question, c := range map[string]struct {
		by        *reader
		operation string
		values    []eventschema.ShownValue
		people    int
		use       eventschema.Use
	}{
		"/v1/people":                          {h.reader(httpapi.RoleHR), "list-people", of(name, link), 2, eventschema.UseService},
		"/v1/people?q=ada":                    {h.reader(httpapi.RoleHR), "list-people", of(name, link), 1, eventschema.UseService},
		"/v1/presence":                        {h.reader(httpapi.RoleManager), "list-presence", of(name), 2, eventschema.UseService},
		"/v1/people/" + ada.PersonID.String(): {h.reader(httpapi.RoleAuditor), "get-person", of(name, link), 1, eventschema.UseAudit},
		"/v1/people/" + ada.PersonID.String() + "/history": {h.reader(httpapi.RoleAuditor), "list-person-history", of(name, link, payroll), 1, eventschema.UseAudit},
		"/v1/hours?from=" + day + "&to=" + day + "&person_id=" + ada.PersonID.String(): {
			h.reader(httpapi.RoleWorker, ada.PersonID, ada.WorkID), "get-hours", of(link), 1, eventschema.UseService},
	} {
		status, _ := c.by.get(question)
		reader := readerOf(c.by.principal).ID
		read := h.recorded(reader)
		if status != http.StatusOK || len(read) != 1 || len(read[0].Shown) != 1 {
			t.Errorf("%s: %d, recorded %+v", question, status, read)
			continue
		}
		if got := read[0]; got.ReadBy != reader || got.Operation != c.operation || got.Use != c.use || len(got.Shown[0].Subjects) != c.people ||
			cmp.Diff(c.values, got.Shown[0].Values) != "" {
			t.Errorf("%s: recorded %+v", question, got)
		}
		for _, d := range h.streamOf(eventschema.ReadingStream(h.Tenant(), reader, h.clock())) {
			for _, who := range []httpapi.PersonReceipt{ada, ben} {
				if bytes.Contains(d.Data, []byte(who.WorkID.String())) || bytes.Contains(d.Metadata, []byte(who.WorkID.String())) {
					t.Errorf("%s: a reading names the work record of a person", question)
				}
			}
			if bytes.Contains(d.Data, []byte("Example")) {
				t.Errorf("%s: a reading holds a value", question)
			}
		}
	}
}

// A list of many people is few events, none of them about more people than one
// may name, and nobody is lost between them.
func aReadingOfMany(t *testing.T, h *house) {
	hr := h.as(httpapi.RoleHR)
	const people = 6*reading.AtOnce + 7
	var values []httpapi.Personal
	want := map[uuid.UUID]bool{}
	for range people {
		of := httpapi.ValueOf{Subject: uuid.New(), ShownValue: eventschema.ShownValue{Field: "identity.legal_name", Purpose: eventschema.PurposeIdentity}}
		values = append(values, httpapi.Personal{Personal: eventschema.Clear("Ada Example"), Of: of})
		want[of.Subject] = true
	}
	values = append(values, httpapi.Personal{Personal: eventschema.Withheld(eventschema.StateErased, uuid.New()), Of: httpapi.ValueOf{Subject: uuid.New()}})
	if _, err := h.RecordReading(t.Context(), hr, "list-people", values...); err != nil {
		t.Fatal(err)
	}
	read := h.recorded(hr.ID)
	got := map[uuid.UUID]bool{}
	for _, r := range read {
		if r.ReadID != read[0].ReadID {
			t.Error("one reading has two ids")
		}
		for _, s := range r.Shown {
			for _, subject := range s.Subjects {
				got[subject] = true
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(read) != 7 {
		t.Errorf("%d events name %d people, want 7 and %d", len(read), len(got), people)
	}
}
