package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// office is a served data folder and the two officers who work on it.
type office struct {
	t                   *testing.T
	data, first, second string
	people              []string
}

// says runs a command on the folder.
func (o office) says(args ...string) answer {
	o.t.Helper()
	return tracekeep(o.t, append(args, "--data", o.data)...)
}

// one decodes the one object that a command answers.
func one[T any](a answer, t *testing.T) (into T) {
	t.Helper()
	a.ok(t).last(t, &into)
	return into
}

// caseSaid is what the commands say about a case.
type caseSaid struct {
	Case       string   `json:"case"`
	Status     string   `json:"status"`
	WaitsFor   string   `json:"waits_for"`
	Due        string   `json:"due"`
	Overdue    bool     `json:"overdue"`
	Holds      []string `json:"holds"`
	ClaimCode  string   `json:"claim_code"`
	Recipients []struct {
		Disclosure string `json:"disclosure"`
		Recipient  string `json:"recipient"`
		Outcome    string `json:"outcome"`
	} `json:"recipients"`
	Retained []eventschema.Retained `json:"retained"`
}

// TestOfficersWorkOnCases goes through an officer's commands on one folder that
// is served meanwhile.
//
// promise: DS-20
// promise: RR-36
func TestOfficersWorkOnCases(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 3, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	o := office{t: t, data: data, first: uuid.NewString(), second: uuid.NewString()}
	zero := time.Duration(0)
	serving(t, dataFlags{Data: data, CoolingOff: &zero, ErasuresPerDay: 20}, func() {
		for line := range strings.Lines(o.says("query", "people", "--json").ok(t).out) {
			var person struct {
				ID string `json:"person_id"`
			}
			if err := json.Unmarshal([]byte(line), &person); err != nil {
				t.Fatal(err)
			}
			o.people = append(o.people, person.ID)
		}
		id, code := o.heldAndErased()
		o.checkAnswers(id)
		o.checkCertificate(id, code)
		o.restrictedAndOpened()
	})
}

// serving runs a folder as its owner while a test works on it.
func serving(t *testing.T, flags dataFlags, do func()) {
	t.Helper()
	term := &terminal{out: os.Stdout, err: os.Stderr, clock: time.Now, random: rand.Reader}
	err := flags.withApp(t.Context(), term, false, func(context.Context, *app.App) error {
		do()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// heldAndErased takes a person whose values were disclosed from the request over a
// hold to the certificate.
func (o office) heldAndErased() (id, code string) {
	t, person := o.t, o.people[0]
	disclosed := one[struct {
		Disclosure string `json:"disclosure"`
	}](o.says("disclose", "record", "--person", person, "--officer", o.first, "--recipient", "payroll_bureau", "--ground", "processor",
		"--interest", "payroll", "--purpose", "work", "--reference", "2026-04", "--json"), t)
	opened := one[caseSaid](o.says("erase", "request", "--person", person, "--officer", o.first, "--json"), t)
	if again := one[caseSaid](o.says("erase", "request", "--person", person, "--officer", o.first, "--json"), t); again.Case != opened.Case || again.ClaimCode != "" {
		t.Errorf("the same request again: %+v", again)
	}
	if listed := one[caseSaid](o.says("cases", "--json"), t); listed.Case != opened.Case || listed.WaitsFor != "identity" || listed.Due == "" || listed.Overdue {
		t.Errorf("the list says %+v", listed)
	}
	step := func(name string, more ...string) answer {
		return o.says(append([]string{"erase", name, "--case", opened.Case, "--json"}, more...)...)
	}
	if early := step("assess", "--officer", o.first); early.code != exitFailed {
		t.Errorf("assessed before the identity is verified: %+v", early)
	}
	step("verify", "--officer", o.first, "--method", "document").ok(t)
	hold := one[struct {
		Hold string `json:"hold"`
	}](o.says("hold", "place", "--matter", uuid.NewString(), "--person", person, "--officer", o.first, "--reason", "litigation",
		"--review-by", time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "--json"), t)
	if said := one[caseSaid](step("assess", "--officer", o.first), t); said.Status != "held" || len(said.Holds) != 1 || said.Holds[0] != hold.Hold || len(said.Retained) != 1 {
		t.Errorf("assessed under hold: %+v", said)
	}
	if same := o.says("hold", "confirm", "--hold", hold.Hold, "--officer", o.first); same.code != exitFailed {
		t.Errorf("the first officer confirms the hold: %+v", same)
	}
	o.says("hold", "confirm", "--hold", hold.Hold, "--officer", o.second).ok(t)
	if refused := step("approve", "--officer", o.second); refused.code != exitFailed || !strings.Contains(refused.err, "hold") {
		t.Errorf("approved under hold: %+v", refused)
	}
	if text := o.says("hold", "list").ok(t).out; !strings.Contains(text, hold.Hold) || !strings.Contains(text, "litigation") {
		t.Errorf("the holds are\n%s", text)
	}
	o.says("hold", "request-lift", "--hold", hold.Hold, "--officer", o.first, "--reason", "settled").ok(t)
	o.says("hold", "lift", "--hold", hold.Hold, "--officer", o.second).ok(t)
	if text := o.says("hold", "list", "--json").ok(t).out; text != "" {
		t.Errorf("held after the lift:\n%s", text)
	}
	if same := step("approve", "--officer", o.first); same.code != exitFailed {
		t.Errorf("the first officer approves: %+v", same)
	}
	step("approve", "--officer", o.second).ok(t)
	if said := one[caseSaid](step("show"), t); said.Status != "certified" || len(said.Recipients) != 1 || said.Recipients[0].Recipient != "payroll_bureau" {
		t.Errorf("after the approval: %+v", said)
	}
	if said := one[caseSaid](step("notified", "--officer", o.first, "--disclosure", disclosed.Disclosure), t); said.Recipients[0].Outcome != "told" {
		t.Errorf("after telling the bureau: %+v", said)
	}
	if left := o.says("cases", "--json").ok(t).out; left != "" {
		t.Errorf("cases are left:\n%s", left)
	}
	return opened.Case, opened.ClaimCode
}

// checkAnswers asks everything about an erased person: each answer says erased,
// with the case and the leaf, and none fails.
func (o office) checkAnswers(id string) {
	t, person := o.t, o.people[0]
	erased := func(what string, p personalJSON) {
		t.Helper()
		if p.State != eventschema.StateErased || p.Case != id || p.CertificateLeaf == nil || p.Value != "" {
			t.Errorf("%s is %+v", what, p)
		}
	}
	entry := one[struct {
		LegalName personalJSON `json:"legal_name"`
		WorkID    personalJSON `json:"work_id"`
	}](o.says("query", "people", "--find", person, "--json"), t)
	erased("the name", entry.LegalName)
	erased("the link", entry.WorkID)
	span := []string{"--from", "2025-01-01", "--to", "2025-03-31"}
	hours := one[struct {
		WorkID personalJSON `json:"work_id"`
	}](o.says(append([]string{"query", "hours", "--person", person, "--json"}, span...)...), t)
	erased("the work record whose hours were asked for", hours.WorkID)
	if text := o.says(append([]string{"query", "hours", "--person", person}, span...)...).ok(t).out; !strings.Contains(text, "[erased: case "+id) {
		t.Errorf("hours as text:\n%s", text)
	}
	found := 0
	for line := range strings.Lines(o.says(append([]string{"query", "hours", "--json"}, span...)...).ok(t).out) {
		var row struct {
			Name    personalJSON `json:"name"`
			Seconds int64        `json:"seconds"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if row.Name.State == eventschema.StateErased && row.Seconds > 0 {
			erased("the name beside the hours", row.Name)
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d erased people have hours", found)
	}
	names, cases := 0, 0
	for line := range strings.Lines(o.says("history", person, "--json").ok(t).out) {
		var event struct {
			Type     string                  `json:"type"`
			Personal map[string]personalJSON `json:"personal"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		for field, value := range event.Personal {
			erased(event.Type+" "+field, value)
			names++
		}
		if strings.HasPrefix(event.Type, "keys-destroyed") || strings.HasPrefix(event.Type, "disclosure-recorded") {
			cases++
		}
	}
	if names == 0 || cases != 2 {
		t.Errorf("the history shows %d values, and %d of the case and the disclosure", names, cases)
	}
	o.says("rebuild", "--check").ok(t)
}

// checkCertificate verifies a certificate with nothing but the public key.
func (o office) checkCertificate(id, code string) {
	t, dir := o.t, o.t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	vkey, err := os.ReadFile(filepath.Join(o.data, "trail", "log.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	key := write("log.vkey", string(vkey))
	signed := o.says("certificate", "show", id).ok(t).out
	file := write("certificate.txt", signed)
	claimed := write("code", code+"\n")
	wrapped := write("certificate.json", o.says("certificate", "show", id, "--json").ok(t).out)
	_, strange, err := note.GenerateKey(rand.Reader, "tracekeep.example/log")
	if err != nil {
		t.Fatal(err)
	}
	for rule, c := range map[string]struct {
		args []string
		code int
	}{
		"the signed text holds":               {[]string{file, "--vkey", key}, exitOK},
		"so does the JSON around it":          {[]string{wrapped, "--vkey", key}, exitOK},
		"the claim code is its own":           {[]string{file, "--vkey", key, "--claim-code", claimed}, exitOK},
		"another code is not":                 {[]string{file, "--vkey", key, "--claim-code", write("other", "AAAAAAAAAAAAAAAAAAAAAAAAAA")}, exitDefect},
		"a changed letter breaks it":          {[]string{write("changed", strings.Replace(signed, "effective", "Effective", 1)), "--vkey", key}, exitDefect},
		"another key has not signed it":       {[]string{file, "--vkey", write("strange", strange)}, exitDefect},
		"a file that is none is none":         {[]string{write("none", "hello\n"), "--vkey", key}, exitDefect},
		"without a key nothing is verified":   {[]string{file}, exitUsage},
		"a key that is missing says so":       {[]string{file, "--vkey", filepath.Join(dir, "missing")}, exitFailed},
		"a certificate that is missing also":  {[]string{filepath.Join(dir, "missing"), "--vkey", key}, exitFailed},
		"the folder's own key may be taken":   {[]string{file, "--data", o.data}, exitOK},
		"and the result may be a JSON object": {[]string{file, "--vkey", key, "--json"}, exitOK},
	} {
		if got := tracekeep(t, append([]string{"certificate", "verify"}, c.args...)...); got.code != c.code {
			t.Errorf("%s: exit code %d, want %d\n%s%s", rule, got.code, c.code, got.out, got.err)
		}
	}
	var out, failures bytes.Buffer
	from := &terminal{in: strings.NewReader(strings.ToLower(code) + "\n"), out: &out, err: &failures, clock: time.Now, random: rand.Reader}
	if got := run(t.Context(), []string{"certificate", "verify", file, "--vkey", key, "--claim-code", "-"}, from); got != exitOK || !strings.Contains(out.String(), "belongs to this certificate") {
		t.Errorf("the code from standard input: %d\n%s%s", got, out.String(), failures.String())
	}
	page := filepath.Join(dir, "certificate.pdf")
	o.says("certificate", "print", id, "--out", page).ok(t)
	if written, err := os.ReadFile(page); err != nil || !bytes.HasPrefix(written, []byte("%PDF-")) {
		t.Errorf("the printed certificate is no PDF: %v", err)
	}
	if final := o.says("certificate", "show", id, "--final"); final.code != exitFailed || !strings.Contains(final.err, "final") {
		t.Errorf("a final certificate on the first day: %+v", final)
	}
	for _, value := range o.people {
		if strings.Contains(signed, value) {
			t.Error("the certificate names a person")
		}
	}
}

func (o office) restrictedAndOpened() {
	t, person := o.t, o.people[1]
	name := func() eventschema.State {
		t.Helper()
		return one[struct {
			LegalName personalJSON `json:"legal_name"`
		}](o.says("query", "people", "--find", person, "--json"), t).LegalName.State
	}
	placed := one[struct {
		Case string `json:"case"`
	}](o.says("restrict", "place", "--person", person, "--officer", o.first, "--ground", "objection", "--json"), t)
	if state := name(); state != eventschema.StateRestricted {
		t.Errorf("the name is %s", state)
	}
	if text := o.says("restrict", "list").ok(t).out; !strings.Contains(text, placed.Case) {
		t.Errorf("the restrictions are\n%s", text)
	}
	o.says("restrict", "decide", "--case", placed.Case, "--officer", o.first, "--outcome", "overridden").ok(t)
	o.says("restrict", "lift", "--case", placed.Case, "--officer", o.first, "--told-at", time.Now().Add(-time.Hour).Format(time.RFC3339)).ok(t)
	if text := o.says("restrict", "list", "--json").ok(t).out; text != "" {
		t.Errorf("restricted after the lift:\n%s", text)
	}
	if state := name(); state != eventschema.StateClear {
		t.Errorf("the name is %s after the lift", state)
	}
}
