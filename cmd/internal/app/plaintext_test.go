package app

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// promise: ST-29
func TestSearchFindsAValueInEveryEncodingAndPlace(t *testing.T) {
	const value = "Jūratė O'Neill-Núñez"
	places := map[string]string{
		"as it is":                    value,
		"in hex":                      hex.EncodeToString([]byte(value)),
		"in upper-case hex":           strings.ToUpper(hex.EncodeToString([]byte(value))),
		"in a query":                  url.QueryEscape(value),
		"in base64":                   base64.StdEncoding.EncodeToString([]byte(value)),
		"in base64, one byte in":      base64.StdEncoding.EncodeToString([]byte("x" + value + "y")),
		"in base64, two bytes in":     base64.StdEncoding.EncodeToString([]byte("xy" + value + "zz")),
		"in URL base64 inside a text": base64.URLEncoding.EncodeToString([]byte(`{"name":"` + value + `"}`)),
	}
	places["in UTF-16"] = utf16Little(value)
	for place, text := range places {
		t.Run(place, func(t *testing.T) {
			for _, padding := range []int{0, 1, 4<<20 - 3, 4 << 20} { // the end of a chunk must not hide a value
				search := searchFolder(t, strings.Repeat(".", padding)+text+"....", []string{value})
				if search.Hits == 0 {
					t.Fatalf("not found behind %d bytes", padding)
				}
			}
		})
	}
}

func TestSearchFindsNothingWhereNothingIs(t *testing.T) {
	search := searchFolder(t, strings.Repeat("Jūratė and somebody else\n", 1000), []string{"Jūratė O'Neill-Núñez"})
	if search.Hits != 0 || search.ControlHits != 0 {
		t.Fatalf("found %d values and %d controls", search.Hits, search.ControlHits)
	}
}

func TestSearchCountsItsControlAndLeavesShortValuesOut(t *testing.T) {
	control := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	a := &App{folder: &folder{dir: t.TempDir()}}
	if err := os.WriteFile(filepath.Join(a.folder.dir, "f"), append([]byte("xx"), control[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	search, err := a.SearchPlaintext(t.Context(), []string{"Bo", "long enough"}, control)
	if err != nil {
		t.Fatal(err)
	}
	if search.ControlHits != 1 || search.TooShort != 1 || search.Values != 1 || search.Files != 1 {
		t.Fatalf("unexpected result: %+v", search)
	}
}

func searchFolder(t *testing.T, content string, values []string) Search {
	t.Helper()
	a := &App{folder: &folder{dir: t.TempDir()}}
	if err := os.WriteFile(filepath.Join(a.folder.dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	search, err := a.SearchPlaintext(t.Context(), values, uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"))
	if err != nil {
		t.Fatal(err)
	}
	return search
}

func utf16Little(value string) string {
	var b strings.Builder
	for _, r := range value {
		b.WriteByte(byte(r))
		b.WriteByte(byte(r >> 8))
	}
	return b.String()
}
