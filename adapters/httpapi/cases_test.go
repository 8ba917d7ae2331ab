package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/domain/disclosure"
	"tracekeep/domain/erasure"
	"tracekeep/domain/hold"
	"tracekeep/domain/restriction"
	"tracekeep/eventschema"
)

// Each step that is sent reaches the inside as the step it is, by whom and when
// the API says, never by whom or when the request says.
func TestStepsOfOfficersCarryWhoTookThem(t *testing.T) {
	officer := principals()[tokenOf("privacy")].ID
	told := now.Add(-time.Hour)
	for path, row := range map[string]struct {
		body string
		want any
	}{
		"/v1/erasures/{case}/identity":     {`{"method":"known_contact"}`, erasure.VerifyIdentity{VerifiedBy: officer, VerifiedAt: now, Method: eventschema.IdentityKnownContact}},
		"/v1/erasures/{case}/assessment":   {``, erasure.Assess{AssessedBy: officer, AssessedAt: now}},
		"/v1/erasures/{case}/cancellation": {`{"reason":"withdrawn"}`, erasure.Cancel{CancelledBy: officer, CancelledAt: now, Reason: "withdrawn"}},
		"/v1/erasures/{case}/refusal":      {`{"ground":"legal_duty"}`, erasure.Refuse{RefusedBy: officer, RefusedAt: now, Ground: eventschema.RefusalLegalDuty}},
		"/v1/erasures/{case}/extension": {`{"reason":"complex","told_at":"2026-03-02T08:30:00Z"}`,
			erasure.Extend{ExtendedBy: officer, ExtendedAt: now, ToldAt: told, Reason: "complex"}},
		"/v1/erasures/{case}/notifications": {`{"disclosure_id":"` + stranger.String() + `","outcome":"impossible"}`,
			erasure.NotifyRecipient{DisclosureID: stranger, NotifiedBy: officer, NotifiedAt: now, Outcome: eventschema.NotifyImpossible}},
		"/v1/holds/{hold}/confirmation": {``, hold.Confirm{ConfirmedBy: officer, ConfirmedAt: now}},
		"/v1/holds/{hold}/lift":         {``, hold.Lift{LiftedBy: officer, LiftedAt: now}},
		"/v1/holds/{hold}/lift-request": {`{"reason":"settled"}`, hold.RequestLift{RequestedBy: officer, RequestedAt: now, Reason: "settled"}},
		"/v1/holds/{hold}/review":       {`{"review_by":"2026-09-01T00:00:00Z"}`, hold.Review{ReviewedBy: officer, ReviewedAt: now, ReviewBy: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}},
		"/v1/restrictions/{case}/decision": {`{"outcome":"upheld"}`,
			restriction.DecideObjection{Outcome: eventschema.ObjectionUpheld, DecidedBy: officer, DecidedAt: now}},
		"/v1/restrictions/{case}/lift": {`{"told_at":"2026-03-02T08:30:00Z"}`, restriction.Lift{LiftedBy: officer, LiftedAt: now, ToldAt: told}},
	} {
		t.Run(path, func(t *testing.T) {
			s := start(t)
			path := strings.NewReplacer("{case}", openCase.String(), "{hold}", someHold.String()).Replace(path)
			s.expect(s.send("privacy", "POST", path, row.body), 200, "")
			var got []any
			for _, c := range s.steps {
				got = append(got, c)
			}
			for _, c := range s.holdSteps {
				got = append(got, c)
			}
			for _, c := range s.restrictionSteps {
				got = append(got, c)
			}
			if diff := cmp.Diff([]any{row.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestStepsThatSayNothingSensibleAreRefused(t *testing.T) {
	for rule, row := range map[string]struct{ path, body string }{
		"a purpose that is kept by law":         {"/v1/erasures", `{"person_id":"` + ada.String() + `","purposes":["work"]}`},
		"a purpose twice":                       {"/v1/erasures", `{"person_id":"` + ada.String() + `","purposes":["contact","contact"]}`},
		"a request from the future":             {"/v1/erasures", `{"person_id":"` + ada.String() + `","received_at":"2026-03-02T09:30:01Z"}`},
		"an identity verified by trust":         {"/v1/erasures/{case}/identity", `{"method":"trust"}`},
		"a reason in free text":                 {"/v1/erasures/{case}/cancellation", `{"reason":"Ada asked me to"}`},
		"a ground that is none":                 {"/v1/erasures/{case}/refusal", `{"ground":"tedious"}`},
		"an extension nobody was told of":       {"/v1/erasures/{case}/extension", `{"reason":"complex"}`},
		"somebody else's name as officer":       {"/v1/erasures/{case}/identity", `{"method":"document","verified_by":"` + stranger.String() + `"}`},
		"a hold on nobody":                      {"/v1/holds", `{"matter_id":"` + stranger.String() + `","reason":"audit","review_by":"2026-09-01T00:00:00Z"}`},
		"a hold that ties a person to a record": {"/v1/holds", `{"matter_id":"` + stranger.String() + `","person_id":"` + ada.String() + `","record_id":"` + adasWork.String() + `","reason":"audit","review_by":"2026-09-01T00:00:00Z"}`},
		"a hold without a review":               {"/v1/holds", `{"matter_id":"` + stranger.String() + `","person_id":"` + ada.String() + `","reason":"audit"}`},
		"a restriction on no ground":            {"/v1/restrictions", `{"person_id":"` + ada.String() + `","ground":"mood"}`},
		"a recipient by name":                   {"/v1/disclosures", `{"person_id":"` + ada.String() + `","recipient":"Bob Example","ground":"processor","interest":"payroll","purposes":["work"]}`},
		"a sale":                                {"/v1/disclosures", `{"person_id":"` + ada.String() + `","recipient":"shop","ground":"sale","interest":"money","purposes":["contact"]}`},
		"a disclosure of nothing in particular": {"/v1/disclosures", `{"person_id":"` + ada.String() + `","recipient":"shop","ground":"processor","interest":"payroll","purposes":[]}`},
	} {
		t.Run(rule, func(t *testing.T) {
			s := start(t)
			a := s.send("privacy", "POST", strings.ReplaceAll(row.path, "{case}", openCase.String()), row.body)
			s.expect(a, 422, "invalid")
			assertProblem(t, a)
			if len(s.intents) > 0 {
				t.Error("it reached the inside")
			}
		})
	}
}

// promise: DS-35
func TestDeadlinesCountFromReceiptNotFromEntry(t *testing.T) {
	s := start(t)
	s.expect(s.send("privacy", "POST", "/v1/erasures", `{"person_id":"`+ada.String()+`","received_at":"2026-02-20T10:00:00+01:00","purposes":["contact","location"]}`), 201, "")
	want := []httpapi.ErasureRequest{{
		Person: ada, ReceivedAt: time.Date(2026, 2, 20, 9, 0, 0, 0, time.UTC), Purposes: []eventschema.Purpose{eventschema.PurposeContact, eventschema.PurposeLocation},
	}}
	if diff := cmp.Diff(want, s.requests); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// promise: OT-22
func TestARefusalSaysItsGroundAndHowToComplain(t *testing.T) {
	s := start(t)
	a := s.send("privacy", "GET", "/v1/erasures/"+refusedCase.String(), "")
	s.expect(a, 200, "")
	complaint, _ := a.member(t, "complaint").(string)
	if a.member(t, "status") != "refused" || a.member(t, "ended_why") != "legal_claims" || !strings.Contains(complaint, "data protection authority") || !strings.Contains(complaint, "court") {
		t.Errorf("got %s", a.body)
	}
	open := s.send("privacy", "GET", "/v1/erasures/"+openCase.String(), "")
	if strings.Contains(string(open.body), "complaint") {
		t.Errorf("a case that was not refused speaks of complaints: %s", open.body)
	}
}

// promise: DS-20
func TestAnErasureSaysWhatIsWithheldAndWhoMustBeTold(t *testing.T) {
	s := start(t)
	a := s.send("auditor", "GET", "/v1/erasures/"+closedCase.String(), "")
	s.expect(a, 200, "")
	retained := a.member(t, "retained").([]any)[0].(map[string]any)
	recipient := a.member(t, "recipients").([]any)[0].(map[string]any)
	if retained["purpose"] != "work" || retained["ground"] != "29 CFR 516.5" || retained["until"] != "2033-02-28" || recipient["recipient"] != "payroll_bureau" || recipient["outcome"] != nil {
		t.Errorf("got %s", a.body)
	}
}

func TestListsOfCasesAndHoldsTurnTheirPages(t *testing.T) {
	for list, member := range map[string]string{"/v1/erasures?": "cases", "/v1/holds?open=false&": "holds"} {
		s := start(t)
		seen := 0
		for next := list + "page_size=2"; next != ""; {
			a := s.send("auditor", "GET", next, "")
			s.expect(a, 200, "")
			page := a.member(t, member).([]any)
			if len(page) == 0 || len(page) > 2 {
				t.Fatalf("%s: a page of %d", list, len(page))
			}
			seen += len(page)
			next = ""
			if token, more := a.member(t, "next_page_token").(string); more {
				next = list + "page_size=2&page_token=" + token
			}
		}
		if seen != 5 {
			t.Errorf("%s: %d entries in pages, want 5", list, seen)
		}
	}
	s := start(t)
	a := s.send("auditor", "GET", "/v1/holds?open=false&page_size=2", "")
	token := a.member(t, "next_page_token").(string)
	s.expect(s.send("auditor", "GET", "/v1/holds?open=true&page_size=2&page_token="+token, ""), 400, "page-token")
}

func TestACertificateIsHandedOutAsTextAndAsPDF(t *testing.T) {
	s := start(t)
	certificate := "/v1/erasures/" + closedCase.String() + "/certificate"
	a := s.send("privacy", "GET", certificate+".pdf", "")
	s.expect(a, 200, "")
	if a.Header.Get("Content-Type") != "application/pdf" || !strings.Contains(a.Header.Get("Content-Disposition"), "erasure-"+closedCase.String()+".pdf") {
		t.Errorf("headers %v", a.Header)
	}
	s.expect(s.send("privacy", "GET", certificate+"?kind=final", ""), 404, "not-found")
	s.expect(s.send("privacy", "GET", certificate+".pdf?kind=final", ""), 404, "not-found")
	s.expect(s.send("privacy", "GET", certificate+"?kind=other", ""), 422, "invalid")
	s.expect(s.send("hr", "GET", certificate+".pdf", ""), http.StatusForbidden, "forbidden")
}

func TestADisclosureIsRecordedByWhoeverSendsIt(t *testing.T) {
	s := start(t)
	s.expect(s.send("hr", "POST", "/v1/disclosures", `{"person_id":"`+ada.String()+`","recipient":"court","ground":"court_order","interest":"order",`+
		`"purposes":["identity","work"],"instrument":"17 Cv 4711","approved_by":"`+stranger.String()+`"}`), 201, "")
	got := s.disclosed[0]
	if got.DisclosureID == uuid.Nil {
		t.Error("the disclosure has no id")
	}
	got.DisclosureID = uuid.Nil
	want := disclosure.Record{
		PersonID: ada, Recipient: "court", Ground: eventschema.DisclosureCourtOrder, Interest: "order",
		Purposes: []eventschema.Purpose{eventschema.PurposeIdentity, eventschema.PurposeWork}, Instrument: "17 Cv 4711",
		DisclosedAt: now, DisclosedBy: principals()[tokenOf("hr")].ID, ApprovedBy: stranger,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.expect(s.send("hr", "POST", "/v1/disclosures", `{"person_id":"`+erasedPerson.String()+`","recipient":"court","ground":"processor","interest":"payroll","purposes":["work"]}`), 410, "erased")
}
