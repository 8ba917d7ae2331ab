package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// asked is a question about an erased person.
type asked struct {
	rule string
	args []string
	// worlds says that the question may be put to a moment of the past, which is asked too.
	worlds bool
	// codes are the exit codes of an answer; empty: done.
	codes []int
}

// TestEveryAnswerAboutAnErasedPersonSaysErased asks everything that can be asked
// about a person whose keys are destroyed, of today and of moments at which they
// could be read, before and after a rebuild, on the command line and through the
// API. Each answer says erased, with the case and the place of its certificate in
// the trail; none fails, and none has an empty value or the old one.
//
// promise: DS-26
func TestEveryAnswerAboutAnErasedPersonSaysErased(t *testing.T) {
	atDesk(t, func(d *desk) {
		punch := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		d.punch("2026-03-02T12:00:00+01:00", eventschema.DirectionOut)
		d.punch("2026-03-03T08:00:00+01:00", eventschema.DirectionIn)
		known := time.Now().UTC().Format(time.RFC3339Nano)
		d.correct(punch, "2026-03-02T07:30:00+01:00", eventschema.DirectionIn, eventschema.ReasonWrongTime)
		of, leaf := d.erase()
		said := erasedAs{text: fmt.Sprintf("[erased: case %s, certificate of leaf %v]", of, leaf), of: fmt.Sprint(of), leaf: fmt.Sprint(leaf)}
		questions := d.questions()
		for _, q := range questions {
			d.asks(q, said, nil)
		}
		for _, moment := range [][]string{{"--known-at", known}, {"--as-of", known}} {
			for _, q := range questions {
				if q.worlds {
					d.asks(q, said, moment)
				}
			}
		}
		d.run("rebuild")
		for _, q := range questions {
			d.asks(q, said, nil)
		}
		d.asksAPI(said)
		d.bundles(said)
	})
}

// erasedAs is how an answer says that a value is erased.
type erasedAs struct{ text, of, leaf string }

// questions are the commands that answer about people.
func (d *desk) questions() []asked {
	person, work := d.person.PersonID.String(), d.person.WorkID.String()
	day, span := []string{"--day", "2026-03-02"}, []string{"--from", "2026-03-01", "--to", "2026-03-07"}
	pay := []string{"hours", "report", "--rules", "flsa", "--zone", "Europe/Berlin"}
	with := func(first []string, more ...string) []string { return append(first[:len(first):len(first)], more...) }
	return []asked{
		{rule: "who is registered", args: []string{"query", "people"}, worlds: true},
		{rule: "one person", args: []string{"query", "people", "--find", person}, worlds: true},
		{rule: "the time card of a work record", args: with([]string{"query", "timecard", "--person", work}, span...), worlds: true},
		{rule: "the time card of one person", args: with([]string{"query", "timecard", "--person", person}, span...)},
		{rule: "what must be looked at", args: with([]string{"query", "exceptions"}, span...)},
		{rule: "who is where", args: []string{"query", "board", "--at", "2026-03-03T08:00:00Z"}, worlds: true},
		{rule: "who is near overtime", args: []string{"query", "overtime", "--rules", "flsa", "--zone", "Europe/Berlin", "--on", "2026-03-02", "--all"}},
		{rule: "all that a work record worked", args: []string{"query", "history", "--person", work}, worlds: true},
		{rule: "all that one person worked", args: []string{"query", "history", "--person", person}},
		{rule: "who is in", args: []string{"query", "presence", "--at", "2026-03-03T08:00:00Z"}, worlds: true},
		{rule: "who worked how long", args: with([]string{"query", "hours"}, span...), worlds: true},
		{rule: "how long one person worked", args: with([]string{"query", "hours", "--person", person}, span...), worlds: true},
		{rule: "what hours are paid as", args: with(pay, span...), codes: []int{exitRejected}},
		{rule: "what one person is paid", args: with(with(pay, "--person", person), span...)},
		{rule: "everything about one person", args: []string{"history", person}},
		{rule: "what an event was", args: []string{"explain", fmt.Sprint(d.firstEvent(person))}},
		{rule: "what a day of a work record rests on", args: with([]string{"explain", "--work", work}, day...), worlds: true},
		{rule: "what a day of one person rests on", args: with([]string{"explain", "--work", person}, day...), worlds: true},
		{rule: "what changed since", args: []string{"diff", "--from-known-at", "2026-03-04"}},
	}
}

// asks puts a question as text and as JSON.
func (d *desk) asks(q asked, want erasedAs, moment []string) {
	d.t.Helper()
	args := append(append(q.args[:len(q.args):len(q.args)], moment...), "--data", d.data)
	for _, form := range [][]string{nil, {"--json"}} {
		got := tracekeep(d.t, append(args[:len(args):len(args)], form...)...).ok(d.t, append(q.codes, exitOK)...)
		says := strings.Contains(got.out, want.text)
		if form != nil {
			says = saysErased(got.out, want)
		}
		if !says || strings.Contains(got.out+got.err, "Ada Example") {
			d.t.Errorf("%s, %v: it does not say %s\n%s", q.rule, append(moment, form...), want.text, got.out)
		}
	}
}

// saysErased finds the state, the case and the leaf beside each other in JSON.
func saysErased(text string, want erasedAs) bool {
	compact := strings.NewReplacer(" ", "", "\n", "").Replace(text)
	state, of, leaf := `"state":"erased"`, `"case":"`+want.of+`"`, `"certificate_leaf":`+want.leaf
	for rest := compact; ; {
		at := strings.Index(rest, state)
		if at < 0 {
			return false
		}
		around := rest[max(0, at-150):min(len(rest), at+150)]
		if strings.Contains(around, of) && strings.Contains(around, leaf) {
			return true
		}
		rest = rest[at+len(state):]
	}
}

// asksAPI asks HR's and an auditor's questions through the API.
func (d *desk) asksAPI(want erasedAs) {
	d.t.Helper()
	ctx, stop := context.WithCancel(d.t.Context())
	tokens := map[string]httpapi.Principal{
		"hr-token-of-this-test": {Tenant: d.a.Tenant(), ID: uuid.New(), Role: httpapi.RoleHR}, "auditor-token-of-this-test": {Tenant: d.a.Tenant(), ID: uuid.New(), Role: httpapi.RoleAuditor},
	}
	address, ended := make(chan string, 1), make(chan error, 1)
	term := &terminal{out: io.Discard, err: io.Discard, clock: time.Now, random: rand.Reader}
	go func() {
		ended <- serveAPI(ctx, term, d.a, "127.0.0.1:0", tokens, httpapi.PayBook{}, func(at string) { address <- at })
	}()
	at := <-address
	person, span := d.person.PersonID.String(), "from=2026-03-01&to=2026-03-07"
	for token := range tokens {
		for rule, path := range map[string]string{
			"one person":                        "/v1/people/" + person,
			"who is registered":                 "/v1/people",
			"everything about one person":       "/v1/people/" + person + "/history",
			"how long the work record was in":   "/v1/hours?" + span + "&work_id=" + d.person.WorkID.String(),
			"how long the erased person was in": "/v1/hours?" + span + "&person_id=" + person,
			"the time card of the work record":  "/v1/timecard?" + span + "&work_id=" + d.person.WorkID.String(),
			"the time card of the person":       "/v1/timecard?" + span + "&person_id=" + person,
			"what must be looked at":            "/v1/exceptions?" + span,
			"who is near overtime":              "/v1/overtime?rules=flsa&zone=Europe/Berlin&on=2026-03-02&state=under",
			"all that the work record worked":   "/v1/work-history?work_id=" + d.person.WorkID.String(),
			"all that the person worked":        "/v1/work-history?person_id=" + person,
		} {
			status, body := get(d.t, at+path, token)
			if status == http.StatusForbidden { // not for this role
				continue
			}
			if rule == "how long the work record was in" { // hours by a pseudonymous id: they stay, and name nobody
				if status != http.StatusOK || !strings.Contains(body, d.person.WorkID.String()) {
					d.t.Errorf("%s: %d\n%s", rule, status, body)
				}
				continue
			}
			gone := status == http.StatusGone && strings.Contains(body, want.of) && strings.Contains(body, want.leaf)
			if !gone && (status != http.StatusOK || !saysErased(body, want)) || strings.Contains(body, "Ada Example") {
				d.t.Errorf("%s as %s: %d\n%s", rule, token, status, body)
			}
		}
	}
	stop()
	if err := <-ended; err != nil {
		d.t.Error(err)
	}
}

func get(t *testing.T, url, token string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// bundles checks that a bundle holds the case with its certificate instead of the
// values, and that values which are gone are not handed out as if they were there.
func (d *desk) bundles(want erasedAs) {
	d.t.Helper()
	person, dir := d.person.PersonID.String(), d.t.TempDir()
	for rule, what := range map[string][]string{"of the person": {"--person", person}, "of everything": {"--all"}} {
		file := filepath.Join(dir, strings.ReplaceAll(rule, " ", "-"))
		d.run(append([]string{"audit", "export", "--out", file}, what...)...)
		bundle, err := os.ReadFile(file)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, must := range []string{"erasure-certified", "keys-destroyed", strings.ReplaceAll(want.of, "-", "")} {
			if !strings.Contains(string(bundle), must) {
				d.t.Errorf("the bundle %s does not hold %s", rule, must)
			}
		}
		if strings.Contains(string(bundle), "Ada Example") { // three letters of it stand in base64 by chance
			d.t.Errorf("the bundle %s holds the name", rule)
		}
	}
	opened := tracekeep(d.t, "audit", "export", "--data", d.data, "--person", person, "--open", "identity", "--use", "legal_claim", "--out", filepath.Join(dir, "opened"),
		"--officer", uuid.NewString(), "--recipient", "labour_court", "--ground", "court_order", "--interest", "legal_duty", "--instrument", "17 Cv 4711", "--approved-by", uuid.NewString())
	if opened.code != exitFailed || !strings.Contains(opened.err, "erased under case "+want.of+", certificate of leaf "+want.leaf) {
		d.t.Errorf("a bundle that would open what is erased: %+v", opened)
	}
	if shown := d.run("certificate", "show", want.of).out; !strings.Contains(shown, `"leaf": `+want.leaf) {
		d.t.Errorf("the certificate does not say its leaf:\n%s", shown)
	}
}
