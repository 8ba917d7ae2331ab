package trail

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// testdata/leaves.json was computed by another program, in another language,
// from the package documentation alone. A change of these values makes every
// trail that exists unverifiable.
func TestGoldenLeaves(t *testing.T) {
	content, err := os.ReadFile("testdata/leaves.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name  string
		Event struct {
			ID             uuid.UUID
			Stream, Type   string
			Revision       uint64
			Position       uint64
			ContentType    string `json:"content_type"`
			Ticks          int64
			Data, Metadata []byte
		}
		LeafData string `json:"leaf_data"`
		LeafHash Hash   `json:"leaf_hash"`
	}
	if err := json.Unmarshal(content, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			event := Event{
				Stream: v.Event.Stream, Revision: v.Event.Revision, Position: v.Event.Position, ID: v.Event.ID,
				Type: v.Event.Type, ContentType: v.Event.ContentType, Created: time.Unix(0, v.Event.Ticks*100),
				Data: v.Event.Data, Metadata: v.Event.Metadata,
			}
			made, known := Recognise(event, v.LeafHash)
			if got := hex.EncodeToString(made.leafData(event.Position)); got != v.LeafData {
				t.Errorf("leaf data %s\nwant      %s", got, v.LeafData)
			}
			if !known {
				t.Errorf("leaf hash %s is not recognised", v.LeafHash)
			}
			if two := v.LeafData[2*len(leafLabel)+1] > '2'; two != (LeafHash(event) == v.LeafHash) {
				t.Errorf("a leaf of today has two parts: %v", two)
			}
		})
	}
}

func TestWhatCountsAsASalt(t *testing.T) {
	const good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	for rule, c := range map[string]struct {
		metadata string
		salted   bool
	}{
		"32 bytes in base64":                {`{"salt":"` + good + `"}`, true},
		"an escaped spelling of the string": {`{"\u0073alt":"\u0041` + good[1:] + `"}`, true},
		"no metadata":                       {``, false},
		"no salt":                           {`{"a":1}`, false},
		"not an object":                     {`["salt"]`, false},
		"null":                              {`null`, false},
		"a salt that is null":               {`{"salt":null}`, false},
		"another spelling of the name":      {`{"SALT":"` + good + `"}`, false},
		"a salt deeper inside":              {`{"a":{"salt":"` + good + `"}}`, false},
		"31 bytes":                          {`{"salt":"` + good[:40] + `Hg=="}`, false},
		"base64 with loose end bits":        {`{"salt":"` + good[:42] + `9="}`, false},
		"a line break inside":               {`{"salt":"` + good[:43] + `\n"}`, false},
		"URL base64":                        {`{"salt":"_` + good[1:] + `"}`, false},
		"broken JSON":                       {`{"salt":"` + good + `"`, false},
		"text after the object":             {`{"salt":"` + good + `"}{}`, false},
		"invalid UTF-8 elsewhere":           {"{\"a\":\"\xff\",\"salt\":\"" + good + `"}`, false},
	} {
		if got := saltOf([]byte(c.metadata)) != nil; got != c.salted {
			t.Errorf("%s: salted %v, want %v", rule, got, c.salted)
		}
	}
}

// Length prefixes keep neighbouring fields apart: moving bytes from one field
// to the next makes another leaf.
func TestFieldsDoNotRunTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := Event{
			Stream: rapid.String().Draw(t, "stream"), Type: rapid.String().Draw(t, "type"),
			Data: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "data"), Metadata: rapid.SliceOf(rapid.Byte()).Draw(t, "metadata"),
		}
		cut := rapid.IntRange(0, len(event.Data)-1).Draw(t, "cut")
		moved := event
		moved.Metadata = append(append([]byte{}, event.Data[cut:]...), event.Metadata...)
		moved.Data = event.Data[:cut]
		if LeafHash(event) == LeafHash(moved) {
			t.Fatal("two events share a leaf")
		}
	})
}
