package httpapi_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"tracekeep/adapters/httpapi"
)

func tokenOf(role string) string { return "token-for-tests-of-" + role }

// principals holds one principal per role, a second privacy officer, and an HR
// officer of another tenant.
func principals() map[string]httpapi.Principal {
	out := map[string]httpapi.Principal{}
	for i, name := range []string{"worker", "manager", "hr", "privacy", "privacy2", "auditor", "admin"} {
		out[tokenOf(name)] = httpapi.Principal{
			Tenant: tenant, ID: uuid.MustParse(fmt.Sprintf("%08d-0000-4000-8000-000000000000", i+1)),
			Role: httpapi.Role(strings.TrimSuffix(name, "2")),
		}
	}
	worker := out[tokenOf("worker")]
	worker.Person, worker.Work = ada, adasWork
	out[tokenOf("worker")] = worker
	out[tokenOf("elsewhere")] = httpapi.Principal{Tenant: otherTenant, ID: stranger, Role: httpapi.RoleHR}
	return out
}

// server is the API over HTTP with the company behind it.
type server struct {
	*company
	url  string
	api  *httpapi.API
	logs *observer.ObservedLogs
	t    testing.TB
}

func start(t testing.TB, change ...func(*httpapi.Config)) *server {
	t.Helper()
	core, logs := observer.New(zapcore.DebugLevel)
	config := httpapi.Config{
		Clock: func() time.Time { return now }, Random: rand.Reader, Log: zap.New(core), Tokens: principals(),
		PageTokenKey: [32]byte{1, 2, 3}, FreshnessWait: 50 * time.Millisecond,
	}
	for _, c := range change {
		c(&config)
	}
	inside := newCompany()
	api, err := httpapi.New(config, inside.inside())
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewUnstartedServer(api)
	listening.Config = api.Server("")
	listening.Start()
	t.Cleanup(listening.Close)
	return &server{company: inside, url: listening.URL, api: api, logs: logs, t: t}
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) member(t testing.TB, path ...string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(a.body, &value); err != nil {
		t.Fatalf("%d: %v in %s", a.StatusCode, err, a.body)
	}
	for _, step := range path {
		object, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("no object at %q in %s", step, a.body)
		}
		value = object[step]
	}
	return value
}

// send sends a request as a role. Headers are name, value pairs; a POST gets a
// fresh Idempotency-Key and a content type unless it brings its own.
func (s *server) send(role, method, path, body string, headers ...string) answer {
	s.t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if role != "" {
		request.Header.Set("Authorization", "Bearer "+tokenOf(role))
	}
	if method == http.MethodPost {
		request.Header.Set("Idempotency-Key", `"`+rand.Text()+`"`)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i+1] == "" {
			request.Header.Del(headers[i])
			continue
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response, read}
}

func (s *server) expect(a answer, status int, kind string) {
	s.t.Helper()
	if a.StatusCode != status {
		s.t.Fatalf("%s %s: %d, want %d: %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	if kind == "" {
		return
	}
	if got := a.member(s.t, "type"); got != "urn:tracekeep:problem:"+kind {
		s.t.Fatalf("%s %s: type %v, want %s: %s", a.Request.Method, a.Request.URL.Path, got, kind, a.body)
	}
}

const punchNow = `{"work_id":"3f0a8f4e-6c5b-4d5f-9a53-2f1f4d4f6b11","occurred_at":"2026-03-02T08:00:00+01:00","zone":"Europe/Berlin","direction":"in","station":"gate-1"}`
