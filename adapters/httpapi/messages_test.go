package httpapi_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestAMailboxIsListedPageByPageWithoutTexts(t *testing.T) {
	s := start(t)
	seen, pages := map[string]int{}, 0
	for next := "?page_size=1"; next != ""; pages++ {
		a := s.send("worker", "GET", "/v1/messages"+next, "")
		s.expect(a, 200, "")
		for _, row := range a.member(t, "messages").([]any) {
			message := row.(map[string]any)
			seen[fmt.Sprint(message["message_id"])]++
			if message["text"] != nil || message["recipients"] != nil {
				t.Errorf("listed as %v", message)
			}
		}
		next, _, _ = strings.Cut(strings.TrimPrefix(a.Header.Get("Link"), "<"), ">")
		if pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 3 || pages != 3 {
		t.Errorf("%v in %d pages", seen, pages)
	}
	sent := s.send("hr", "GET", "/v1/messages?box=sent", "")
	s.expect(sent, 200, "")
	if first := sent.member(t, "messages").([]any)[0].(map[string]any); first["recipients"] != 2.0 || first["read"] != 1.0 {
		t.Errorf("sent: %v", first)
	}
	a := s.send("worker", "POST", "/v1/messages/"+someHold.String()+"/opening", "")
	s.expect(a, 200, "")
	if a.member(t, "text").(map[string]any)["value"] != "Come to the gate." {
		t.Errorf("opened: %s", a.body)
	}
}

func TestAMessageSaysToWhomOnce(t *testing.T) {
	to := `"to":["` + strangeWork.String() + `"]`
	for rule, body := range map[string]string{
		"to nobody":                `{"text":"Come."}`,
		"to people and to a site":  `{` + to + `,"site":"harbor_st","text":"Come."}`,
		"to a shift and to a site": `{"shift_id":"` + someShift.String() + `","site":"harbor_st","text":"Come."}`,
		"without a text":           `{` + to + `,"text":""}`,
		"to a site by its name":    `{"site":"Harbour Street","text":"Come."}`,
	} {
		t.Run(rule, func(t *testing.T) {
			s := start(t)
			a := s.send("hr", "POST", "/v1/messages", body)
			s.expect(a, 422, "invalid")
			assertProblem(t, a)
		})
	}
	s := start(t)
	s.expect(s.send("worker", "POST", "/v1/messages", `{`+to+`,"text":"Come."}`), 201, "")
}
