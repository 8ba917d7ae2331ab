package eventschema_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// update adds golden files that are missing. It never changes one: what was
// stored once decodes for ever.
var update = flag.Bool("update", false, "add the golden files that are missing")

// golden is one event exactly as a release stored it. The two raw messages keep
// the bytes of data and metadata.
type golden struct {
	Stream   string          `json:"stream"`
	ID       uuid.UUID       `json:"id"`
	Data     json.RawMessage `json:"data"`
	Metadata json.RawMessage `json:"metadata"`
}

const payloads = "testdata/payloads"

func (g golden) write(t *testing.T, path string) {
	t.Helper()
	text := `{"stream":"` + g.Stream + `","id":"` + g.ID.String() + "\",\n\"data\":" + string(g.Data) + ",\n\"metadata\":" + string(g.Metadata) + "}\n"
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

func readGolden(t testing.TB, storedName string) eventschema.Recorded {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(payloads, storedName+".json"))
	if err != nil {
		t.Fatalf("every stored version has its bytes in %s for ever; a new one is added with -update: %v", payloads, err)
	}
	var g golden
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	return eventschema.Recorded{
		Stream: g.Stream, ID: g.ID, Type: storedName, Revision: 3, Position: 1234,
		ContentType: eventschema.ContentTypeJSON, Data: g.Data, Metadata: g.Metadata,
	}
}

// storedNames lists every version of every registered event.
func storedNames(t testing.TB) []string {
	t.Helper()
	var names []string
	for _, definition := range newRegistry(t).Definitions() {
		for version := 1; version <= definition.Version; version++ {
			names = append(names, eventschema.StoredName(definition.Type, version))
		}
	}
	return names
}

func TestEveryStoredVersionDecodesForEver(t *testing.T) {
	chapters, registry := history(), newRegistry(t)
	for _, storedName := range storedNames(t) {
		t.Run(storedName, func(t *testing.T) {
			chapter, ok := chapters[storedName]
			if !ok {
				t.Fatal("this stored version has no chapter in history_test.go")
			}
			if *update {
				r := chapter.stored(t, storedName)
				golden{Stream: r.Stream, ID: r.ID, Data: r.Data, Metadata: r.Metadata}.write(t, filepath.Join(payloads, storedName+".json"))
			}
			decoded, err := registry.Decode(readGolden(t, storedName))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(metadata(), decoded.Meta); diff != "" {
				t.Errorf("metadata (-want +got):\n%s", diff)
			}
			if err := registry.Open(t.Context(), newSealer(t), &decoded, eventschema.UseService); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(chapter.want, decoded.Event); diff != "" {
				t.Errorf("the event of today (-want +got):\n%s", diff)
			}
			assertPersonalValues(t, chapter.want, decoded.Event)
		})
	}
}

// assertPersonalValues names the field that differs, which [cmp.Diff] cannot:
// it sees two values that both print as [personal].
func assertPersonalValues(t *testing.T, want, got eventschema.Event) {
	t.Helper()
	for i, section := range want.Sections() {
		for j, field := range section.Fields {
			other := got.Sections()[i].Fields[j].Value
			if !field.Value.Equal(*other) {
				t.Errorf("%s.%s is %q there and %q here", section.Name, field.Name, other.State(), field.Value.State())
			}
		}
	}
}

func TestTheWriterOfTodayWritesTheGoldenBytes(t *testing.T) {
	chapters := history()
	for _, definition := range newRegistry(t).Definitions() {
		storedName := eventschema.StoredName(definition.Type, definition.Version)
		t.Run(storedName, func(t *testing.T) {
			today, then := chapters[storedName].stored(t, storedName), readGolden(t, storedName)
			if diff := cmp.Diff(string(then.Data), string(today.Data)); diff != "" {
				t.Errorf("the shape changed without a new version (-stored +today):\n%s", diff)
			}
			if diff := cmp.Diff(string(then.Metadata), string(today.Metadata)); diff != "" {
				t.Errorf("the metadata changed shape (-stored +today):\n%s", diff)
			}
		})
	}
}

func TestNoGoldenPayloadIsLeftBehind(t *testing.T) {
	known := map[string]bool{}
	for _, storedName := range storedNames(t) {
		known[storedName] = true
	}
	files, err := os.ReadDir(payloads)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if storedName, isJSON := strings.CutSuffix(file.Name(), ".json"); !isJSON || !known[storedName] {
			t.Errorf("%s was stored by a release, and this release cannot read it", file.Name())
		}
	}
}
