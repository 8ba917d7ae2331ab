package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// The values that stand in ada's fields, none of which may be found after her erasure.
const (
	adasAllergy = "peanuts-and-qwizzle"
	adasRadio   = "vrumtal-seventeen"
	adasRadio2  = "vrumtal-eighteen"
	adasKin     = "Okvar Brimsten"
	adasLocker  = "00417-99213-8"
)

// fieldsOf are the fields of a person as somebody is shown them: code to state, or to the
// value where it is clear.
func (s *served) fieldsOf(as, person, query string) map[string]string {
	s.t.Helper()
	shown := map[string]string{}
	for _, row := range s.send(as, "GET", "/v1/people/"+person+"/fields"+query, nil).expect(200)["fields"].([]any) {
		f := row.(map[string]any)
		value := f["value"].(map[string]any)
		shown[f["field"].(string)] = fmt.Sprint(value["state"])
		if value["state"] == "clear" {
			shown[f["field"].(string)] = fmt.Sprint(value["value"])
		}
	}
	return shown
}

// set sets fields of a person at the revision at which they stand.
func (s *served) set(as, person string, values ...string) reply {
	s.t.Helper()
	tag := s.send(as, "GET", "/v1/people/"+person+"/fields", nil).header.Get("ETag")
	var fields []any
	for i := 0; i < len(values); i += 2 {
		fields = append(fields, map[string]any{"field": values[i], "value": values[i+1]})
	}
	return s.send(as, "POST", "/v1/people/"+person+"/fields", map[string]any{"fields": fields, "reason": "intake"}, "If-Match", tag)
}

// erase takes a case to its certificate; without purposes it is about the whole person.
func (s *served) erase(person string, purposes ...string) string {
	s.t.Helper()
	body := map[string]any{"person_id": person}
	if len(purposes) > 0 {
		body["purposes"] = purposes
	}
	id := s.send("privacy", "POST", "/v1/erasures", body).expect(201)["case_id"].(string)
	at := "/v1/erasures/" + id
	s.send("privacy", "POST", at+"/identity", map[string]any{"method": "document"}).expect(200)
	s.send("privacy", "POST", at+"/assessment", nil).expect(200)
	s.send("privacy2", "POST", at+"/approval", nil).expect(200)
	s.certificate(at)
	return id
}

// The fields that a tenant defines are sealed, shown to whom they are for, exported and
// erased like those of Tracekeep, over the API and the command line of a served folder.
//
// promise: RR-11
func TestFieldsOfATenantsOwnAreKeptReadExportedAndErasedLikeOthers(t *testing.T) {
	s := serveFolder(t, "ada")
	ada := s.people["ada"]
	for _, f := range []map[string]any{
		{"field": "shirt", "label": "Shirt size", "purpose": "work", "sensitivity": "ordinary", "kind": "choice", "choices": []string{"S", "L"}},
		{"field": "locker", "label": "Locker", "purpose": "work", "sensitivity": "confidential", "kind": "text", "max_length": 20},
		{"field": "radio", "label": "Radio call", "purpose": "contact", "sensitivity": "confidential", "kind": "text"},
		{"field": "kin", "label": "Next of kin", "purpose": "third_party", "sensitivity": "ordinary", "kind": "text", "max_length": 40},
		{"field": "allergy", "label": "Allergies", "purpose": "identity", "sensitivity": "special_category", "kind": "text", "max_length": 40},
	} {
		s.send("privacy", "POST", "/v1/fields", f).expect(201)
	}
	if rule := s.send("hr", "POST", "/v1/fields/shirt/changes", map[string]any{"purpose": "contact"}).fault(422); rule != "other_purpose" {
		t.Errorf("a purpose changes: %s", rule)
	}
	s.set("hr", ada, "shirt", "L", "locker", adasLocker, "radio", adasRadio, "kin", adasKin, "allergy", adasAllergy).expect(200)
	s.refusedFields(ada)
	s.shownFields(ada)
	s.fieldsByCommand(ada)
	s.erasedFields(ada)
}

// refusedFields says what is refused, without the value.
func (s *served) refusedFields(ada string) {
	t := s.t
	for rule, c := range map[string]struct{ as, field, value, code string }{
		"what is none of the choices":   {"hr", "shirt", "XXL-odd", "bad_choice"},
		"what is too long":              {"hr", "locker", strings.Repeat("odd-", 6), "bad_text"},
		"a field that nobody defined":   {"hr", "shoes", "odd-44", "unknown_field"},
		"a worker, what is of the work": {"ada", "shirt", "S", "held_for_work"},
	} {
		refused := s.set(c.as, ada, c.field, c.value)
		if code := refused.fault(422); code != c.code || strings.Contains(string(refused.body), "odd") {
			t.Errorf("%s: %s, %s", rule, code, refused.body)
		}
	}
	before := s.send("hr", "GET", "/v1/people/"+ada+"/fields", nil).header.Get("ETag")
	again := s.set("hr", ada, "shirt", "L", "radio", adasRadio).expect(200)
	if after := s.send("hr", "GET", "/v1/people/"+ada+"/fields", nil).header.Get("ETag"); after != before {
		t.Errorf("the same values again were recorded: %v", again)
	}
	s.send("hr", "POST", "/v1/people/"+ada+"/fields", map[string]any{"fields": []any{map[string]any{"field": "radio", "value": "x"}}, "reason": "intake"}, "If-Match", `"0"`).expect(412)
}

// shownFields says who is shown what, and that it is recorded why.
func (s *served) shownFields(ada string) {
	t := s.t
	s.set("ada", ada, "radio", adasRadio2).expect(200)
	for reader, want := range map[string]map[string]string{
		"ada":     {"shirt": "L", "locker": adasLocker, "radio": adasRadio2, "kin": adasKin, "allergy": adasAllergy},
		"hr":      {"shirt": "L", "locker": adasLocker, "radio": adasRadio2, "kin": adasKin, "allergy": "sealed"},
		"manager": {"shirt": "L", "locker": "sealed", "radio": "sealed", "kin": "sealed", "allergy": "sealed"},
		"privacy": {"shirt": "sealed", "locker": "sealed", "radio": adasRadio2, "kin": "sealed", "allergy": "sealed"},
		"auditor": {"shirt": "L", "locker": adasLocker, "radio": adasRadio2, "kin": adasKin, "allergy": "sealed"},
	} {
		if got := s.fieldsOf(reader, ada, ""); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s is shown %v, want %v", reader, got, want)
		}
	}
	if got := s.fieldsOf("hr", ada, "?ground=occupational-medicine")["allergy"]; got != adasAllergy {
		t.Errorf("on a ground HR is shown %s", got)
	}
	if got := s.fieldsOf("auditor", ada, "?ground=legal-claims")["allergy"]; got != "sealed" {
		t.Errorf("an auditor is shown %s", got)
	}
	s.send("hr", "POST", "/v1/fields/kin/changes", map[string]any{"label": "Kin"}).expect(200) // behind the readings in the log: what is asked now knows them
	readings := string(mustJSON(t, s.send("ada", "GET", "/v1/people/"+ada+"/readings", nil).expect(200)))
	if !strings.Contains(readings, "list-person-fields-occupational-medicine") || !strings.Contains(readings, "identity.allergy") {
		t.Errorf("the ground is not on record: %s", readings)
	}
	for reader, shown := range map[string]bool{"ada": true, "auditor": false} {
		history := string(mustJSON(t, s.send(reader, "GET", "/v1/people/"+ada+"/history", nil).expect(200)))
		if strings.Contains(history, adasAllergy) != shown || !strings.Contains(history, adasRadio) || !strings.Contains(history, adasRadio2) {
			t.Errorf("%s reads in the history: %s", reader, history)
		}
	}
}

// fieldsByCommand has the same over the command line: show, export, register, import.
func (s *served) fieldsByCommand(ada string) {
	t := s.t
	says := func(args ...string) answer { return tracekeep(t, append(args, "--data", s.data)...) }
	if out := says("fields", "show", "--person", "ada").ok(t).out; !strings.Contains(out, adasRadio2) || strings.Contains(out, adasAllergy) || !strings.Contains(out, "[sealed]") {
		t.Errorf("shown:\n%s", out)
	}
	if out := says("fields", "show", "--person", "ada", "--special", "employment-law", "--json").ok(t).out; !strings.Contains(out, adasAllergy) {
		t.Errorf("shown on a ground:\n%s", out)
	}
	file := filepath.Join(t.TempDir(), "people.csv")
	export := func(more ...string) string {
		says(append([]string{
			"export", "people", "--replace", "--to-file", file, "--fields", "legal_name,allergy,shirt,kin", "--officer", uuid.NewString(),
			"--recipient", "insurer", "--purpose", "portability", "--reason", "directed_by_subject",
		}, more...)...).ok(t)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := export(); !strings.Contains(text, "shirt,shirt_state") || !strings.Contains(text, adasKin) || strings.Contains(text, adasAllergy) {
		t.Errorf("exported:\n%s", text)
	}
	if text := export("--special", "explicit-consent"); !strings.Contains(text, adasAllergy) {
		t.Errorf("exported on a ground:\n%s", text)
	}
	if code := says("export", "people", "--to-file", file+"2", "--fields", "shoes", "--officer", uuid.NewString(), "--recipient", "insurer", "--purpose", "portability", "--reason", "directed_by_subject").code; code != exitFailed {
		t.Errorf("a field that nobody defined is exported: exit code %d", code)
	}
	if out := says("register", "--markdown").ok(t).out; !strings.Contains(out, "Allergies (allergy, special_category, GDPR Art. 9)") {
		t.Errorf("the register does not name the fields:\n%s", out)
	}
	s.importedFields(says)
}

// importedFields imports staff twice; the good rows are kept.
func (s *served) importedFields(says func(...string) answer) {
	t, dir := s.t, s.t.TempDir()
	mapping, table := filepath.Join(dir, "staff.yaml"), filepath.Join(dir, "staff.csv")
	for file, text := range map[string]string{
		mapping: "name: staff\nperson: {column: Badge, by: pin}\nfull_name: [Name]\npeople: {fields: {shirt: Shirt, allergy: Allergies}}\n",
		table:   "Badge,Name,Shirt,Allergies\n1,Bo Berg,L,none-at-all\n2,Cy Dahl,XXL-odd,\n3,Di Eng,S,\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type report struct {
		People   map[string]int
		Rejected int
		Rejects  []struct {
			Line          int
			Field, Reason string
		}
	}
	run := func(args ...string) (got report, said answer) {
		said = says(append([]string{"import", "--json", "--mapping", mapping, table}, args...)...)
		if said.out == "" {
			t.Fatalf("exit code %d: %s", said.code, said.err)
		}
		said.last(t, &got)
		return got, said
	}
	for _, step := range []struct {
		args           []string
		new, unchanged int
	}{{[]string{"--dry-run"}, 2, 0}, {nil, 2, 0}, {nil, 0, 2}, {[]string{"--dry-run"}, 0, 2}} {
		got, said := run(step.args...)
		if said.code != exitRejected || got.People["new"] != step.new || got.People["unchanged"] != step.unchanged || got.People["changed"] != 0 || got.Rejected != 1 ||
			len(got.Rejects) != 1 || got.Rejects[0].Line != 3 || got.Rejects[0].Field != "shirt" || got.Rejects[0].Reason != "bad_choice" || strings.Contains(said.out, "odd") {
			t.Errorf("%v: exit code %d, %+v\n%s", step.args, said.code, got, said.err)
		}
	}
	if err := os.WriteFile(table, []byte("Badge,Name,Shirt,Allergies\n1,Bo Berg,S,none-at-all\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--dry-run"}, nil} {
		if got, said := run(args...); got.People["changed"] != 1 {
			t.Errorf("a changed value, %v: %+v\n%s", args, got, said.err)
		}
	}
	if out := says("fields", "show", "--person", "Bo Berg", "--special", "employment-law").ok(t).out; !strings.Contains(out, "none-at-all") || !strings.Contains(out, " S ") {
		t.Errorf("imported:\n%s", out)
	}
}

// erasedFields erases contacts alone, then the person; nothing of the values is found,
// and the trail still verifies.
func (s *served) erasedFields(ada string) {
	t := s.t
	s.erase(ada, "contact")
	want := map[string]string{"shirt": "L", "locker": adasLocker, "radio": "erased", "kin": adasKin, "allergy": adasAllergy}
	if got := s.fieldsOf("ada", ada, ""); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after the erasure of contacts: %v, want %v", got, want)
	}
	s.send("hr", "POST", "/v1/fields", map[string]any{"field": "pager", "label": "Pager", "purpose": "contact", "sensitivity": "ordinary", "kind": "number"}).expect(201)
	if got := s.fieldsOf("ada", ada, "")["pager"]; got != "absent" {
		t.Errorf("a field defined after an erasure is %s", got)
	}
	s.set("ada", ada, "radio", "novdal-nineteen", "pager", "9941773").expect(200)
	if got := s.fieldsOf("ada", ada, "")["radio"]; got != "novdal-nineteen" {
		t.Errorf("given anew after an erasure: %s", got)
	}
	s.erase(ada)
	for field, state := range s.fieldsOf("hr", ada, "?ground=legal-claims") {
		if state != "erased" {
			t.Errorf("%s of an erased person is %s", field, state)
		}
	}
	s.send("hr", "POST", "/v1/people/"+ada+"/fields", map[string]any{"fields": []any{map[string]any{"field": "shirt", "value": "S"}}, "reason": "intake"}, "If-Match", `"0"`).expect(410)
	l := lab{office: office{t: t, data: s.data}, values: []string{adasAllergy, adasRadio, adasRadio2, adasKin, adasLocker, "novdal-nineteen", "9941773"}}
	if code, found, said := l.looks(ada); code != exitOK || found.Hits != 0 || !found.Valid || found.Evidence.Values != len(l.values) {
		t.Errorf("forensics: exit code %d\n%s", code, said)
	}
	tracekeep(t, "verify", "--data", s.data).ok(t)
}
