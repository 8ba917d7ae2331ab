package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

const (
	adasMedia = "/v1/people/7d444840-9dc0-41d1-b245-5ffdce74fad2/media"
	document  = "%PDF-1.7\n%%EOF\n"
)

func TestContentIsTakenInAsItComes(t *testing.T) {
	s := start(t)
	a := s.send("worker", "POST", adasMedia+"?class=work_media", document, "Content-Type", "image/jpeg", "Media-Caption", "r%C3%A4il", "Media-File-Name", "a%20b.pdf")
	s.expect(a, 201, "")
	if len(s.attached) != 1 || string(s.attached[0].content) != document || a.member(t, "media_type") != "application/pdf" {
		t.Fatalf("taken in: %+v; %s", s.attached, a.body)
	}
	order := s.attached[0].order
	caption, _ := order.Caption.Reveal()
	name, _ := order.FileName.Reveal()
	if caption != "räil" || name != "a b.pdf" || order.Class != eventschema.MediaWork || order.Person != ada || !order.ReceivedAt.Equal(now) {
		t.Errorf("%q %q %+v", caption, name, order)
	}
	for rule, c := range map[string]struct {
		path, body, kind string
		status           int
		headers          []string
	}{
		"more than is taken in, and said so":         {"?class=work_media", strings.Repeat("x", mediaLimit+1), "too-large", 413, nil},
		"no content":                                 {"?class=work_media", "", "malformed", 400, nil},
		"a class that there is not":                  {"?class=selfie", document, "invalid", 422, nil},
		"no class":                                   {"", document, "invalid", 422, nil},
		"content that is none of those taken in":     {"?class=work_media", "<svg>", "refused", 422, nil},
		"compressed on the way":                      {"?class=work_media", document, "media-type", 415, []string{"Content-Encoding", "gzip"}},
		"a caption that is no text":                  {"?class=work_media", document, "invalid", 422, []string{"Media-Caption", "%ff"}},
		"a caption in the address, where it is kept": {"?class=work_media&caption=x", document, "invalid", 422, nil},
	} {
		t.Run(rule, func(t *testing.T) {
			a := s.send("hr", "POST", adasMedia+c.path, c.body, c.headers...)
			s.expect(a, c.status, c.kind)
			assertProblem(t, a)
		})
	}
	if len(s.attached) != 1 {
		t.Errorf("%d attached", len(s.attached))
	}
}

// A body whose length nobody announced is cut off where the limit is.
func TestContentOfUnknownLengthIsBounded(t *testing.T) {
	s := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+adasMedia+"?class=work_media", io.LimitReader(endless{}, mediaLimit+2))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + tokenOf("hr"), "Idempotency-Key": `"unknown-length"`} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != 413 {
		t.Errorf("answered %d", response.StatusCode)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestContentIsHandedOutAsNoPageOfOurs(t *testing.T) {
	s := start(t)
	a := s.send("worker", "GET", adasMedia+"/"+someItem.String()+"?reason=own_copy", "")
	s.expect(a, 200, "")
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "Content-Length": "15", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Content-Disposition":     "attachment; filename*=UTF-8''r%C3%A4il%20%221%22.pdf",
		"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(s.readings) != 1 || s.readings[0].operation != "read-media-own-copy" {
		t.Errorf("recorded of it: %+v", s.readings)
	}
	gone := s.send("hr", "GET", "/v1/people/"+erasedPerson.String()+"/portrait", "")
	s.expect(gone, 410, "erased")
	s.expect(s.send("hr", "GET", adasMedia+"/"+stranger.String(), ""), 404, "not-found")
}

func TestContentThatIsDamagedIsBrokenOff(t *testing.T) {
	s := start(t)
	s.broken.Store(true)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+adasMedia+"/"+someItem.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+tokenOf("hr"))
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		defer func() { _ = response.Body.Close() }()
		_, err = io.ReadAll(response.Body)
	}
	if err == nil {
		t.Error("a part of a document was sent as the whole")
	}
	s.broken.Store(false)
}

func TestContentWhoseReadingIsNotRecordedIsNotShown(t *testing.T) {
	s := start(t)
	s.fail = httpapi.ErrUnrecorded
	a := s.send("hr", "GET", adasMedia+"/"+someItem.String(), "")
	s.expect(a, 503, "unavailable")
	assertProblem(t, a)
}
