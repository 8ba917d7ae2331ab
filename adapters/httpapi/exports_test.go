package httpapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
)

const exportNow = `{"from":"2026-03-02","to":"2026-03-15","format":"csv","recipient":"payroll_bureau","ground":"processor","interest":"payroll"}`

func TestAnExportSaysBeforeItWhoIsInItAndBehindItWhatItWas(t *testing.T) {
	s := start(t)
	a := s.send("hr", "POST", "/v1/exports/hours", exportNow)
	s.expect(a, 200, "")
	sum := sha256.Sum256(a.body)
	for name, want := range map[string]string{
		"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": `attachment; filename="hours-2026-03-02-2026-03-15.csv"`, "X-People-Disclosed": "1", "X-People-Withheld": "1", "X-Left-Out": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := a.Trailer.Get("Content-Digest"); got != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":" {
		t.Errorf("the digest is %q", got)
	}
	order := s.shiftSteps[0].(httpapi.ExportOrder)
	if order.Why.Recipient != "payroll_bureau" || order.Why.DisclosedBy != principals()[tokenOf("hr")].ID || !order.Why.DisclosedAt.Equal(now) {
		t.Errorf("recorded of it: %+v", order.Why)
	}
	pay := s.send("hr", "POST", "/v1/exports/payroll", strings.Replace(exportNow, `"format":"csv"`, `"system":"adp","rules":"flsa","zone":"America/New_York","codes":{"premium":"P"}`, 1))
	s.expect(pay, 200, "")
	if pay.Header.Get("X-Left-Out") != strangeWork.String() || pay.Header.Get("X-Findings") != "2" {
		t.Errorf("a payroll file leaves somebody out in silence: %v", pay.Header)
	}
}

// A file that ends in the middle is not taken for the whole one, and its key is free for
// the same request again.
func TestAnExportThatFailsIsAProblemOrBrokenOff(t *testing.T) {
	s := start(t)
	s.fail = httpapi.ErrUnrecorded
	a := s.send("hr", "POST", "/v1/exports/hours", exportNow)
	s.expect(a, 503, "unavailable")
	assertProblem(t, a)
	s.fail = nil
	s.broken.Store(true)
	send := func() (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/exports/hours", strings.NewReader(exportNow))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Authorization": "Bearer " + tokenOf("hr"), "Content-Type": "application/json", "Idempotency-Key": `"broken"`} {
			request.Header.Set(name, value)
		}
		return http.DefaultClient.Do(request)
	}
	read := func() error {
		response, err := send()
		if err != nil {
			return err // it may break off before the header is out
		}
		defer func() { _ = response.Body.Close() }()
		_, err = io.ReadAll(response.Body)
		if whole := response.Trailer.Get("Content-Digest") != ""; whole != (err == nil) {
			t.Errorf("a digest: %t, after %v", whole, err)
		}
		return err
	}
	if err := read(); err == nil {
		t.Error("a part of a file was sent as the whole")
	}
	s.broken.Store(false) // the first answer may still be on its way
	if err := read(); err != nil {
		t.Errorf("the same request again: %v", err)
	}
}

func TestExportsThatSayNothingSensibleAreRefused(t *testing.T) {
	s := start(t)
	for rule, change := range map[string][2]string{
		"a format that is none":       {`"csv"`, `"docx"`},
		"days that run backwards":     {`"2026-03-15"`, `"2026-03-01"`},
		"a recipient who is a person": {`"payroll_bureau"`, `"Ms. Moriarty"`},
		"a ground that is none":       {`"processor"`, `"curiosity"`},
	} {
		a := s.send("hr", "POST", "/v1/exports/punches", strings.Replace(exportNow, change[0], change[1], 1))
		if a.StatusCode != 422 {
			t.Errorf("%s: %d %s", rule, a.StatusCode, a.body)
		}
	}
	if len(s.shiftSteps) > 0 {
		t.Errorf("and still done: %v", s.shiftSteps)
	}
}
