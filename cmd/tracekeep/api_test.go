package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// served is the API of a data folder, as a client sees it.
type served struct {
	t        *testing.T
	data     string
	address  string
	tokens   map[string]string // by name
	officers map[string]uuid.UUID
	position string            // of the last change
	works    map[string]string // of the workers, by name
	people   map[string]string // and their person ids
}

// serveFolder serves an empty folder until the test ends, or one with the workers named.
func serveFolder(t *testing.T, workers ...string) *served {
	t.Helper()
	s := &served{t: t, tokens: map[string]string{}, officers: map[string]uuid.UUID{}, works: map[string]string{}, people: map[string]string{}}
	ctx, stop := context.WithCancel(context.Background())
	started, ended := make(chan struct{}), make(chan error, 1)
	house := [2]string{
		write(t, "rules.yaml", "name: house-rules\nversion: 2\nbased_on: flsa\nzone: Europe/Berlin\nstarts: monday\n"),
		write(t, "plan.yaml", "name: house\nversion: 1\ngroups:\n  - {name: all, rules: flsa, zone: Europe/Berlin, rate: 77.31}\n"),
	}
	data := records(t) // before the cleanup below, which must come first
	s.data = data
	term := &terminal{out: io.Discard, err: io.Discard, clock: time.Now, random: rand.Reader}
	go func() {
		ended <- dataFlags{Data: data, CoolingOff: new(time.Duration), ErasuresPerDay: 20}.withApp(ctx, term, true, func(ctx context.Context, a *app.App) error {
			tokens := map[string]httpapi.Principal{}
			for name, role := range map[string]httpapi.Role{
				"hr": httpapi.RoleHR, "manager": httpapi.RoleManager, "auditor": httpapi.RoleAuditor, "privacy": httpapi.RolePrivacy, "privacy2": httpapi.RolePrivacy, "admin": httpapi.RoleAdmin,
			} {
				s.tokens[name], s.officers[name] = rand.Text(), uuid.New()
				tokens[s.tokens[name]] = httpapi.Principal{Tenant: a.Tenant(), ID: s.officers[name], Role: role}
			}
			for _, name := range workers {
				person, err := a.RegisterPerson(ctx, httpapi.Intent{Principal: operator(a), Key: name}, httpapi.Registration{LegalName: eventschema.Clear(name), ReceivedAt: time.Now()})
				if err != nil {
					return err
				}
				s.tokens[name], s.works[name], s.people[name] = rand.Text(), person.WorkID.String(), person.PersonID.String()
				tokens[s.tokens[name]] = httpapi.Principal{Tenant: a.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: person.PersonID, Work: person.WorkID}
			}
			book, err := app.PayBookOf([]string{house[0]}, []string{house[1]})
			if err != nil {
				return err
			}
			return serveAPI(ctx, term, a, "127.0.0.1:0", tokens, book, func(address string) {
				s.address = address
				close(started)
			})
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-started:
	case err := <-ended:
		ended <- nil
		t.Fatal(err)
	}
	return s
}

// reply is an answer of the API.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
	digest string // the trailer
}

func (s *served) send(as, method, path string, body any, header ...string) reply {
	s.t.Helper()
	var content io.Reader
	if body != nil {
		encoded, raw := body.([]byte)
		var err error
		if !raw {
			encoded, err = json.Marshal(body)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.address+path, content)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.tokens[as])
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", strconv.Quote(uuid.NewString()))
	} else if s.position != "" {
		request.Header.Set("X-Min-Position", s.position)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer := reply{t: s.t, status: response.StatusCode, header: response.Header}
	if answer.body, err = io.ReadAll(response.Body); err != nil {
		s.t.Fatal(err)
	}
	answer.digest = response.Trailer.Get("Content-Digest")
	if position := response.Header.Get("X-Position"); position != "" {
		s.position = position
	}
	return answer
}

func (r reply) expect(status int) map[string]any {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	var decoded map[string]any
	if err := json.Unmarshal(r.body, &decoded); err != nil {
		r.t.Fatalf("no JSON object: %s", r.body)
	}
	return decoded
}

func (s *served) register(name string) (person, work string) {
	s.t.Helper()
	got := s.send("hr", "POST", "/v1/people", map[string]any{"legal_name": name, "email": "w@example.org", "badge": "A-17"}).expect(201)
	return got["person_id"].(string), got["work_id"].(string)
}

func (s *served) punch(work, at, direction string, more map[string]any) map[string]any {
	s.t.Helper()
	body := map[string]any{"work_id": work, "occurred_at": at, "zone": "Europe/Berlin", "direction": direction, "station": "gate-1"}
	for key, value := range more {
		body[key] = value
	}
	return s.send("hr", "POST", "/v1/punches", body).expect(201)
}

// promise: ST-07
// promise: ST-42
func TestAPunchIsRecordedPairedAndCorrectedWithItsOriginalKept(t *testing.T) {
	s := serveFolder(t)
	person, work := s.register("Ada Example")
	first := s.punch(work, "2026-03-02T08:00:00+01:00", "in", nil)
	s.punch(work, "2026-03-02T16:30:00+01:00", "out", nil)
	question := "/v1/hours?from=2026-03-01&to=2026-03-31&person_id=" + person
	if got := s.send("hr", "GET", question, nil).expect(200)["total_seconds"]; got != 30600.0 {
		t.Errorf("worked %v s, want 30600", got)
	}
	s.send("hr", "POST", "/v1/punches/"+first["punch_id"].(string)+"/corrections", map[string]any{
		"work_id": work, "punch_occurred_at": "2026-03-02T07:00:00Z", "occurred_at": "2026-03-02T08:30:00+01:00", "zone": "Europe/Berlin",
		"direction": "in", "kind": "normal", "reason": "wrong_time", "approved_by": uuid.NewString(),
	}).expect(201)
	if got := s.send("hr", "GET", question, nil).expect(200)["total_seconds"]; got != 28800.0 {
		t.Errorf("worked %v s after the correction, want 28800", got)
	}
	history := string(s.send("auditor", "GET", "/v1/people/"+person+"/history", nil).body)
	for _, kept := range []string{"2026-03-02T07:00:00Z", "2026-03-02T07:30:00Z", "punch-corrected.v2"} {
		if !strings.Contains(history, kept) {
			t.Errorf("the history does not show %s", kept)
		}
	}
}

// promise: ST-10
// promise: ST-46
// promise: ST-47
func TestCoordinatesAreKeptOnlyWhileConsentStood(t *testing.T) {
	s := serveFolder(t)
	_, work := s.register("Ada Example")
	point := map[string]any{"location": map[string]any{"latitude": 52.5, "longitude": 13.4, "accuracy_metres": 12.5}}
	for _, step := range []struct {
		rule, at, want string
		more           map[string]any
		before         func()
	}{
		{"no consent was ever given: the punch is kept, the point is dropped", "2026-03-02T08:00:00+01:00", "dropped_no_consent", point, nil},
		{"a punch without a point needs no consent", "2026-03-02T09:00:00+01:00", "not_offered", nil, nil},
		{"the device said no", "2026-03-02T10:00:00+01:00", "denied_by_device", map[string]any{"location_denied": true}, nil},
		{"consent is given now: a punch of the past stays without a point", "2026-03-02T11:00:00+01:00", "dropped_no_consent", point, func() {
			s.send("hr", "POST", "/v1/consents", map[string]any{
				"work_id": work, "purpose": "location", "notice_version": "2026-01", "language": "de", "method": "app"}).expect(201)
		}},
		{"a punch made after consent was given keeps its point", "now", "recorded", point, nil},
		{"consent is withdrawn: the point is dropped again", "now", "dropped_no_consent", point, func() {
			s.send("hr", "POST", "/v1/consents/withdrawals", map[string]any{"work_id": work, "purpose": "location"}).expect(201)
		}},
	} {
		t.Run(step.rule, func(t *testing.T) {
			if step.before != nil {
				step.before()
			}
			at := step.at
			if at == "now" {
				at = time.Now().Format(time.RFC3339Nano)
			}
			more := map[string]any{"zone": "UTC"}
			for key, value := range step.more {
				more[key] = value
			}
			if got := s.punch(work, at, "in", more)["location"]; got != step.want {
				t.Errorf("location %v, want %s", got, step.want)
			}
		})
	}
}

// promise: DS-24
// promise: DS-25
// promise: DS-29
func TestAnErasureNeedsTwoOfficersAndEverythingThenSaysErased(t *testing.T) {
	s := serveFolder(t)
	person, work := s.register("Ada Example")
	s.punch(work, "2026-03-02T08:00:00+01:00", "in", nil)
	s.punch(work, "2026-03-02T16:00:00+01:00", "out", nil)
	asked := s.send("privacy", "POST", "/v1/erasures", map[string]any{"person_id": person}).expect(201)
	erasure := "/v1/erasures/" + asked["case_id"].(string)
	if asked["claim_code"] == "" {
		t.Error("no claim code for the person")
	}
	s.send("hr", "POST", erasure+"/approval", nil).expect(403)
	unverified := s.send("privacy2", "POST", erasure+"/approval", nil).expect(422)
	if !strings.Contains(string(mustJSON(t, unverified)), "identity_not_verified") {
		t.Errorf("refused for another reason: %v", unverified)
	}
	s.send("privacy", "POST", erasure+"/identity", map[string]any{"method": "document"}).expect(200)
	s.send("privacy", "POST", erasure+"/assessment", nil).expect(200)
	refused := s.send("privacy", "POST", erasure+"/approval", nil).expect(422)
	if !strings.Contains(string(mustJSON(t, refused)), "same_officer") {
		t.Errorf("refused for another reason: %v", refused)
	}
	s.send("privacy2", "POST", erasure+"/approval", nil).expect(200)
	certificate := s.certificate(erasure)
	if text := certificate["certificate"].(string); strings.Contains(text, person) || strings.Contains(text, "Ada Example") || !strings.Contains(text, asked["case_id"].(string)) {
		t.Errorf("the certificate names the person, or not the case:\n%s", text)
	}
	s.eventually("the read models know the certificate", func() bool {
		name := s.send("privacy", "GET", "/v1/people/"+person, nil).expect(200)["legal_name"].(map[string]any)
		return name["state"] != "erased" || name["certificate_leaf"] != nil
	})
	got := s.send("privacy", "GET", "/v1/people/"+person, nil).expect(200)
	if name := got["legal_name"].(map[string]any); name["state"] != "erased" || name["case"] != asked["case_id"] || name["certificate_leaf"] != certificate["leaf"] {
		t.Errorf("the name is %v", name)
	}
	s.send("hr", "GET", "/v1/hours?from=2026-03-01&to=2026-03-31&person_id="+person, nil).expect(410)
	if got := s.send("hr", "GET", "/v1/hours?from=2026-03-01&to=2026-03-31&work_id="+work, nil).expect(200)["total_seconds"]; got != 28800.0 {
		t.Errorf("the work record says %v s, want 28800", got)
	}
	s.send("hr", "POST", "/v1/punches", map[string]any{"badge": "A-17", "occurred_at": "2026-03-03T08:00:00+01:00", "zone": "Europe/Berlin", "direction": "in", "station": "gate-1"}).expect(422)
	s.send("hr", "POST", "/v1/people/"+person+"/corrections", map[string]any{"legal_name": "Ada Again", "reason": "name_change"}, "If-Match", `"0"`).expect(410)
}

// eventually waits for what the read models do not know yet.
func (s *served) eventually(what string, happened func() bool) {
	s.t.Helper()
	for limit := time.Now().Add(time.Minute); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			s.t.Fatalf("it does not happen that %s", what)
		}
	}
}

// certificate waits for the certificate of a case.
func (s *served) certificate(erasure string) map[string]any {
	s.t.Helper()
	limit, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer := s.send("privacy", "GET", erasure+"/certificate", nil); answer.status == 200 {
			return answer.expect(200)
		}
		select {
		case <-limit.Done():
			s.t.Fatal("no certificate in time")
		case <-tick.C:
		}
	}
}

// promise: OT-27
func TestAnInclusionProofHoldsOffline(t *testing.T) {
	s := serveFolder(t)
	_, work := s.register("Ada Example")
	position := s.punch(work, "2026-03-02T08:00:00+01:00", "in", nil)["position"].(float64)
	limit, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		answer := s.send("auditor", "GET", "/v1/events/"+strconv.FormatInt(int64(position), 10)+"/proof", nil)
		if answer.status == 200 {
			checkProof(t, answer.body, uint64(position))
			return
		}
		select {
		case <-limit.Done():
			t.Fatalf("no proof in time: %s", answer.body)
		case <-tick.C:
		}
	}
}

// checkProof follows the audit path with a verifier that is not ours.
func checkProof(t *testing.T, body []byte, position uint64) {
	t.Helper()
	var proof struct {
		Position   uint64      `json:"position"`
		Leaf       int64       `json:"leaf"`
		LeafHash   tlog.Hash   `json:"leaf_hash"`
		TreeSize   int64       `json:"tree_size"`
		Hashes     []tlog.Hash `json:"hashes"`
		Checkpoint string      `json:"checkpoint"`
	}
	if err := json.Unmarshal(body, &proof); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(proof.Checkpoint, "\n") // origin, size, root, …
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		t.Fatal(err)
	}
	if proof.Position != position || lines[1] != strconv.FormatInt(proof.TreeSize, 10) {
		t.Fatalf("the proof is of position %d in a tree of %d; the checkpoint has %s", proof.Position, proof.TreeSize, lines[1])
	}
	if err := tlog.CheckRecord(proof.Hashes, proof.TreeSize, root, proof.Leaf, proof.LeafHash); err != nil {
		t.Fatal(err)
	}
	proof.LeafHash[0] ^= 1
	if tlog.CheckRecord(proof.Hashes, proof.TreeSize, root, proof.Leaf, proof.LeafHash) == nil {
		t.Fatal("another leaf is proved as well")
	}
}

func TestARepeatedRequestHasNoSecondEffect(t *testing.T) {
	s := serveFolder(t)
	key := strconv.Quote(uuid.NewString())
	body := map[string]any{"legal_name": "Ada Example"}
	first := s.send("hr", "POST", "/v1/people", body, "Idempotency-Key", key).expect(201)
	again := s.send("hr", "POST", "/v1/people", body, "Idempotency-Key", key).expect(200)
	if first["person_id"] != again["person_id"] || first["work_id"] != again["work_id"] {
		t.Errorf("the same request registered two people")
	}
	s.send("hr", "POST", "/v1/people", map[string]any{"legal_name": "Somebody Else"}, "Idempotency-Key", key).expect(422)
	people := s.send("hr", "GET", "/v1/people?page_size=10", nil, "X-Min-Position", "0").expect(200)["people"].([]any)
	if len(people) != 1 {
		t.Errorf("%d people are registered", len(people))
	}
}

func TestDevelopmentTokensAreRefusedOutsideTheDemo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out lockedBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--data", records(t), "--listen", "127.0.0.1:0"}, &terminal{out: &out, err: io.Discard, clock: time.Now, random: rand.Reader})
	}()
	address := out.waitFor(t, "http://")
	for _, path := range []string{"/livez", "/openapi.json", "/docs"} {
		if response, err := http.Get(address + path); err != nil || response.StatusCode != 200 {
			t.Errorf("%s: %v %v", path, response, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, "GET", address+"/v1/presence", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+rand.Text())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", response.StatusCode)
	}
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("serve ended with %d", code)
	}
	if _, err := url.Parse(address); err != nil {
		t.Error(err)
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
