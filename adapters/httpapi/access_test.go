package httpapi_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
)

// promise: ST-31
func TestEveryOperationHasARowAndEveryRowAnOperation(t *testing.T) {
	s := start(t)
	table := httpapi.Table()
	for _, op := range operations(t, s.api) {
		row, there := table[op.id]
		if !there {
			t.Errorf("%s has no row in the access table", op.id)
		}
		if !row.Public && !row.Proven && len(row.Roles) == 0 {
			t.Errorf("%s is open to nobody", op.id)
		}
		for role, reach := range row.Roles {
			if reach == httpapi.Own && len(row.Subject) == 0 {
				t.Errorf("%s: %s reaches its own, but nothing says where the subject is named", op.id, role)
			}
		}
		delete(table, op.id)
	}
	for id := range table {
		t.Errorf("the row %s is for no operation", id)
	}
}

// may is the matrix written a second time, in letters, so that a change of the
// table is a decision and not a slip: A all, o own, t the class that is taught, - denied,
// P public, and s for what proves itself, whoever sends it.
const may = `
operation                worker manager hr privacy auditor admin
record-punch             o      A       A  -       -       -
correct-punch            -      A       A  -       -       -
register-person          -      -       A  -       -       -
list-people              -      -       A  A       A       -
get-person               o      -       A  A       A       -
correct-person           o      -       A  -       -       -
close-person             -      -       A  -       -       -
give-consent             o      -       A  -       -       -
withdraw-consent         o      -       A  A       -       -
list-presence            -      A       A  -       A       -
get-hours                o      A       A  -       A       -
get-timecard             o      A       A  -       A       -
list-exceptions          o      A       A  -       A       -
get-board                -      A       A  -       A       -
list-overtime            o      A       A  -       A       -
list-caps                o      A       A  -       A       -
get-work-history         o      A       A  -       A       -
get-performance          o      -       A  -       A       -
list-shifts              o      A       A  -       A       -
get-shift                o      A       A  -       A       -
list-attendance          o      A       A  -       A       -
list-corrections         o      A       A  -       A       -
plan-shift               -      A       A  -       -       -
reschedule-shift         -      A       A  -       -       -
cancel-shift             -      A       A  -       -       -
complete-shift           -      A       A  -       -       -
offer-shift              -      A       A  -       -       -
award-shift              -      A       A  -       -       -
assign-shift             -      A       A  -       -       -
unassign-shift           -      A       A  -       -       -
approve-swap             -      A       A  -       -       -
accept-offer             o      A       A  -       -       -
decline-offer            o      A       A  -       -       -
place-bid                o      A       A  -       -       -
request-swap             o      A       A  -       -       -
agree-swap               o      A       A  -       -       -
refuse-swap              o      A       A  -       -       -
list-classes             o      -       A  -       A       -
list-marks               o      -       A  -       A       -
get-class                t      -       A  -       A       -
list-members             t      -       A  -       A       -
list-sessions            t      -       A  -       A       -
get-roll                 t      -       A  -       A       -
mark-attendance          t      -       A  -       -       -
define-class             -      -       A  -       -       -
change-class             -      -       A  -       -       -
end-class                -      -       A  -       -       -
enrol                    -      -       A  -       -       -
withdraw                 -      -       A  -       -       -
plan-session             -      -       A  -       -       -
cancel-session           -      -       A  -       -       -
request-correction       o      A       A  -       -       -
approve-correction       -      A       A  -       -       -
refuse-correction        o      A       A  -       -       -
export-hours             -      -       A  A       -       -
export-punches           -      -       A  A       -       -
export-payroll           -      -       A  -       -       -
lock-pay-period          -      -       A  -       -       -
list-pay-rules           -      A       A  -       A       -
list-pay-periods         -      -       A  -       A       -
list-locked-cards        -      -       A  -       A       -
list-person-history      o      -       -  A       A       -
get-event-proof          A      A       A  A       A       -
get-checkpoint           A      A       A  A       A       A
request-erasure          -      -       -  A       -       -
verify-identity          -      -       -  A       -       -
assess-erasure           -      -       -  A       -       -
approve-erasure          -      -       -  A       -       -
cancel-erasure           -      -       -  A       -       -
refuse-erasure           -      -       -  A       -       -
extend-erasure           -      -       -  A       -       -
record-notification      -      -       -  A       -       -
list-erasures            -      -       -  A       A       -
get-erasure              -      -       -  A       A       -
get-erasure-certificate  -      -       -  A       A       -
print-erasure-certificate -     -       -  A       A       -
list-retention-due       -      -       -  A       A       -
submit-retention         -      -       -  A       -       -
get-retention-batch      -      -       -  A       A       -
approve-retention        -      -       -  A       -       -
place-hold               -      -       -  A       -       -
confirm-hold             -      -       -  A       -       -
review-hold              -      -       -  A       -       -
request-hold-lift        -      -       -  A       -       -
lift-hold                -      -       -  A       -       -
list-holds               -      -       -  A       A       -
get-hold                 -      -       -  A       A       -
restrict-processing      -      -       -  A       -       -
decide-objection         -      -       -  A       -       -
lift-restriction         -      -       -  A       -       -
list-restrictions        -      -       -  A       A       -
record-disclosure        -      -       A  A       -       -
list-disclosures         o      -       -  A       A       -
list-readings            o      -       -  A       A       -
invite-device            o      -       A  -       -       -
revoke-device            o      -       A  -       -       -
list-devices             o      -       A  -       A       -
enrol-device             s      s       s  s       s       s
send-batch               s      s       s  s       s       s
list-doubtful-punches    -      A       A  -       A       -
list-punch-conflicts     -      A       A  -       A       -
get-sealing-key          P      P       P  P       P       P
list-sites               A      A       A  -       A       -
list-visits              o      A       A  -       A       -
list-location-history    o      -       -  A       A       -
list-fields              A      A       A  A       A       -
define-field             -      -       A  A       -       -
change-field             -      -       A  A       -       -
retire-field             -      -       A  A       -       -
list-person-fields       o      A       A  A       A       -
set-person-fields        o      -       A  -       -       -
attach-media             o      -       A  -       -       -
list-media               o      -       A  -       A       -
read-media               o      -       A  -       A       -
get-portrait             o      -       A  -       A       -
remove-media             o      -       A  -       -       -
live                     P      P       P  P       P       P
ready                    P      P       P  P       P       P
`

func matrix() map[string]map[string]string {
	lines := strings.Split(strings.TrimSpace(may), "\n")
	roles := strings.Fields(lines[0])[1:]
	out := map[string]map[string]string{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		out[cells[0]] = map[string]string{}
		for i, role := range roles {
			out[cells[0]][role] = cells[i+1]
		}
	}
	return out
}

// promise: ST-01, ST-31
func TestAccessOfEveryRoleToEveryOperation(t *testing.T) {
	s := start(t)
	wanted := matrix()
	for _, op := range operations(t, s.api) {
		for _, role := range httpapi.Roles() {
			t.Run(op.id+"/"+string(role), func(t *testing.T) {
				letter := wanted[op.id][string(role)]
				if letter == "" {
					t.Fatal("the matrix has no cell for this")
				}
				headers := matching(s, op)
				own := s.send(sender(op, role), op.method, op.target(ada.String(), adasWork.String()), op.example(t), headers...)
				foreign := s.send(sender(op, role), op.method, op.target(stranger.String(), strangeWork.String()), about(op.example(t), strangeWork.String()), headers...)
				assertForbidden(t, own, letter == "-")
				assertForbidden(t, foreign, letter == "-" || letter == "o" || letter == "t")
				if letter != "-" && (own.StatusCode < 200 || own.StatusCode > 299) {
					t.Errorf("allowed and still %d: %s", own.StatusCode, own.body)
				}
			})
		}
	}
}

// sender is the principal of a role; the approval takes the second officer.
func sender(op documented, role httpapi.Role) string {
	if op.id == "approve-erasure" && role == httpapi.RolePrivacy {
		return "privacy2"
	}
	return string(role)
}

func matching(s *server, op documented) []string {
	if responses := op.op["responses"].(map[string]any); responses["428"] != nil {
		return []string{"If-Match", `"` + strconv.FormatUint(s.revision, 10) + `"`}
	}
	return nil
}

func assertForbidden(t *testing.T, a answer, forbidden bool) {
	t.Helper()
	if (a.StatusCode == http.StatusForbidden) != forbidden {
		t.Errorf("%s %s: %d, forbidden should be %v: %s", a.Request.Method, a.Request.URL, a.StatusCode, forbidden, a.body)
	}
	if forbidden {
		assertProblem(t, a)
	}
}

func TestWhoIsNotKnownGetsNowhere(t *testing.T) {
	s := start(t)
	for name, header := range map[string]string{
		"no token":          "",
		"an unknown token":  "Bearer token-for-tests-of-nobody",
		"a token cut short": "Bearer " + tokenOf("hr")[:20],
		"a longer token":    "Bearer " + tokenOf("hr") + "x",
		"another scheme":    "Basic " + tokenOf("hr"),
		"no scheme":         tokenOf("hr"),
		"an empty token":    "Bearer ",
	} {
		for _, op := range operations(t, s.api) {
			if row := httpapi.Table()[op.id]; row.Public || row.Proven {
				continue
			}
			a := s.send("", op.method, op.target(ada.String(), adasWork.String()), "", "Authorization", header)
			if a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %s: %d", op.id, name, a.StatusCode)
			}
		}
	}
	if len(s.intents) > 0 {
		t.Error("something was done for nobody")
	}
}

func TestWorkerReachesOnlyTheirOwn(t *testing.T) {
	punch := func(member string) string {
		return `{` + member + `"occurred_at":"2026-03-02T08:00:00+01:00","zone":"Europe/Berlin","direction":"in","station":"gate-1"}`
	}
	for name, row := range map[string]struct{ method, path, body string }{
		"a badge says nothing about whose it is":        {"POST", "/v1/punches", punch(`"badge":"77001",`)},
		"somebody else's work id beside no badge":       {"POST", "/v1/punches", punch(`"work_id":"` + strangeWork.String() + `",`)},
		"the own work id in another type":               {"POST", "/v1/punches", punch(`"work_id":["` + adasWork.String() + `"],`)},
		"the own work id in upper case":                 {"POST", "/v1/punches", punch(`"work_id":"` + strings.ToUpper(adasWork.String()) + `",`)},
		"own hours and somebody's beside":               {"GET", "/v1/hours?from=2026-03-01&to=2026-03-02&work_id=" + adasWork.String() + "&person_id=" + stranger.String(), ""},
		"hours of nobody in particular":                 {"GET", "/v1/hours?from=2026-03-01&to=2026-03-02", ""},
		"hours with an empty work id":                   {"GET", "/v1/hours?from=2026-03-01&to=2026-03-02&work_id=&person_id=" + ada.String(), ""},
		"somebody who does not exist, same as who does": {"GET", "/v1/people/00000000-0000-4000-8000-000000000000", ""},
		"an escaped path to somebody else":              {"GET", "/v1/people/%39d444840-9dc0-41d1-b245-5ffdce74fad2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t)
			s.expect(s.send("worker", row.method, row.path, row.body), 403, "forbidden")
		})
	}
}

func TestAnotherTenantSeesNothing(t *testing.T) {
	s := start(t)
	s.expect(s.send("elsewhere", "GET", "/v1/people/"+ada.String(), ""), 404, "not-found")
	a := s.send("elsewhere", "GET", "/v1/people", "")
	s.expect(a, 200, "")
	if people := a.member(t, "people").([]any); len(people) != 0 {
		t.Errorf("sees %v", people)
	}
}

func TestTwoOfficersForAnErasure(t *testing.T) {
	s := start(t)
	a := s.send("privacy", "POST", "/v1/erasures", `{"person_id":"`+ada.String()+`"}`)
	s.expect(a, 201, "")
	approval := a.Header.Get("Location") + "/approval"
	s.expect(s.send("privacy", "POST", approval, ""), 422, "refused")
	s.expect(s.send("privacy2", "POST", approval, ""), 200, "")
	s.expect(s.send("privacy2", "POST", "/v1/erasures/"+closedCase.String()+"/approval", ""), 409, "conflict")
	s.expect(s.send("auditor", "GET", "/v1/erasures/"+openCase.String()+"/certificate", ""), 404, "not-found")
}
