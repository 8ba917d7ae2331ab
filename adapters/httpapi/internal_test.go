package httpapi

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"
)

func bare(t testing.TB) *API {
	t.Helper()
	// Embedded interfaces that are nil: there, and never called.
	api, err := New(Config{Clock: time.Now, Random: rand.Reader, Log: zap.NewNop(), PageTokenKey: [32]byte{1}}, Inside{
		Punches: struct{ Punches }{}, People: struct{ People }{}, Consents: struct{ Consents }{}, Reading: struct{ Reading }{},
		Trail: struct{ Trail }{}, Erasures: struct{ Erasures }{}, Certificates: struct{ Certificates }{},
		Holds: struct{ Holds }{}, Restrictions: struct{ Restrictions }{}, Disclosures: struct{ Disclosures }{}, Readings: struct{ Readings }{}, Retentions: struct{ Retentions }{}, Sites: struct{ Sites }{}, Fields: struct{ Fields }{}, Media: struct{ Media }{},
		Workforce: struct{ Workforce }{}, Shifts: struct{ Shifts }{}, Corrections: struct{ Corrections }{}, Payroll: struct{ Payroll }{},
		Exports: struct{ Exports }{}, Devices: struct{ Devices }{}, Batches: struct{ Batches }{}, Arrivals: struct{ Arrivals }{}, Freshness: struct{ Freshness }{}, Health: struct{ Health }{},
		Idempotency: struct{ Idempotency }{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestRouterServesTheDocumentAndNothingElse(t *testing.T) {
	api := bare(t)
	served := map[string]bool{}
	err := chi.Walk(api.router, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		served[method+" "+route] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"GET /docs", "GET /docs.js", "GET /docs.css", "GET /openapi.json", "GET /openapi.yaml"} {
		if !served[known] {
			t.Errorf("%s is not served", known)
		}
		delete(served, known)
	}
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(api.OpenAPI(), &document); err != nil {
		t.Fatal(err)
	}
	for path, methods := range document.Paths {
		for method := range methods {
			operation := strings.ToUpper(method) + " " + path
			if !served[operation] {
				t.Errorf("%s is documented and not served", operation)
			}
			delete(served, operation)
		}
	}
	for _, left := range slices.Sorted(maps.Keys(served)) {
		t.Errorf("%s is served and not documented", left)
	}
}

func FuzzStrictJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1,"b":[true,null,"x"]}`, `{"a":1,"a":2}`, `{"A":1}`, `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`, `{"a":"\\ud83d"}`,
		`{"a":1e999}`, `{"a":-0.0}`, `[1]`, "{\"a\":\"\xff\"}", `{"a":"\u0000"}`, ` {"a" : {"b":{}}} `, `{"a":1}{"a":1}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		members, canonical, err := readStrict(body)
		if err != nil {
			if len(body) > 0 && strings.Contains(err.Error(), string(body)) && len(body) > 12 {
				t.Fatalf("the reason quotes the body: %v", err)
			}
			return
		}
		if !utf8.Valid(body) || !json.Valid(body) {
			t.Fatal("accepted what is not JSON in UTF-8")
		}
		var standard map[string]any
		if err := json.Unmarshal(body, &standard); err != nil {
			t.Fatalf("accepted what the standard decoder refuses: %v", err)
		}
		if len(standard) != len(members) {
			t.Fatalf("%d members here, %d there", len(members), len(standard))
		}
		if bytes.ContainsRune(canonical, utf8.RuneError) && !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`)) {
			t.Fatal("a character was replaced")
		}
		_, again, err := readStrict(canonical)
		if err != nil || !bytes.Equal(again, canonical) {
			t.Fatalf("the canonical form %s is not stable: %s, %v", canonical, again, err)
		}
	})
}

func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{`"a"`, `""`, `"a\"b"`, `"a\\"`, `"a\b"`, `a`, ` "a" `, `"a";b`, `"ä"`, "\"\x7f\"", `"a", "b"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		key, err := parseIdempotencyKey(http.Header{"Idempotency-Key": {line}})
		if err != nil {
			return
		}
		if key == "" || len(key) > maxKey {
			t.Fatalf("a key of %d letters", len(key))
		}
		// Written as a structured field string again, it is the same key.
		written := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(key) + `"`
		if strings.Trim(line, " \t") != written {
			t.Fatalf("%q read as %q", line, key)
		}
	})
}

func FuzzPageToken(f *testing.F) {
	// A fixed nonce, so that every process of the fuzzer knows the one good token.
	sealer, err := newPages([32]byte{7}, strings.NewReader(strings.Repeat("n", 12)))
	if err != nil {
		f.Fatal(err)
	}
	asks := question{operation: "list-people", filter: []string{"a"}}
	good, err := sealer.seal(asks, []byte("0123456789abcdef"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, good + "=", good[1:], "", "AAAA", "\n" + good, strings.Repeat("A", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := sealer.open(asks, token); (err == nil) != (token == good) {
			t.Fatalf("%q opens: %v", token, err)
		}
	})
}

func TestPageTokensKeepQuestionsApart(t *testing.T) {
	sealer, err := newPages([32]byte{7}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	one := question{operation: "list", filter: []string{"ab", "c"}}
	other := question{operation: "list", filter: []string{"a", "bc"}}
	token, err := sealer.seal(one, []byte("cursor"))
	if err != nil {
		t.Fatal(err)
	}
	if cursor, err := sealer.open(one, token); err != nil || string(cursor) != "cursor" {
		t.Errorf("its own question: %q, %v", cursor, err)
	}
	if _, err := sealer.open(other, token); err == nil {
		t.Error("filters that join to the same text share a token")
	}
}

func FuzzIfMatch(f *testing.F) {
	for _, seed := range []string{`"3"`, `W/"3"`, `*`, `"3", "4"`, `"3-cc"`, `"`, `"3",`, `"03"`, ``, `W/`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		revision, err := parseIfMatch(header)
		noneMatch(header, `"1"`)
		if err != nil {
			return
		}
		if !strings.HasPrefix(strings.Trim(header, " \t"), strings.TrimSuffix(entityTag(revision), `"`)) {
			t.Fatalf("%q read as revision %d", header, revision)
		}
		if !noneMatch(header, strings.Trim(header, " \t")) {
			t.Fatalf("%q does not match itself", header)
		}
	})
}

func TestWhatHumaSaysIsStrippedOfValues(t *testing.T) {
	api := bare(t)
	for name, row := range map[string]struct {
		message, location string
		want              Fault
	}{
		"a message that ends in the parser's words": {"expected string to be RFC 4122 uuid: invalid format of Ada", "body.id", Fault{"/id", "format", "expected string to be RFC 4122 uuid"}},
		"a message of a kind that is not known":     {"Ada is not acceptable", "body.a[2].b", Fault{"/a/2/b", "invalid", "the value does not fit"}},
		"a decoder's message":                       {"json: cannot unmarshal number Ada into Go value", "body", Fault{"", "invalid", "the value does not fit"}},
		"the name of an unknown member":             {"unexpected property", "body.location.ada", Fault{"/location", "unknown", "a member or parameter that is not known here"}},
		"the name of an unknown parameter":          {"unknown query parameter", "query.ada", Fault{"query", "unknown", "a member or parameter that is not known here"}},
		"a member that is missing":                  {"expected required property zone to be present", "body", Fault{"/zone", "required", "expected required property zone to be present"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := api.fault(&huma.ErrorDetail{Message: row.message, Location: row.location, Value: "Ada"}); got != row.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
