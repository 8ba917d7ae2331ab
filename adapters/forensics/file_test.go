package forensics_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"tracekeep/adapters/forensics"
)

// The rows of a table stand in compressed blocks, in which no needle is found as
// it is.
func TestTheRowsOfTheIndexAreSearched(t *testing.T) {
	dir := t.TempDir()
	db, err := pebble.Open(dir, &pebble.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 { // what is much alike is compressed
		key := append(bytes.Repeat([]byte("key "), 20), byte(i))
		if err := db.Set(key, bytes.Repeat([]byte("some "), 20), nil); err != nil {
			t.Fatal(err)
		}
	}
	row := append(bytes.Repeat([]byte("some "), 20), value...)
	if err := db.Set([]byte("key of it"), append(row, row...), nil); err != nil {
		t.Fatal(err)
	}
	if err := db.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil || len(tables) != 1 {
		t.Fatalf("%v, %v", tables, err)
	}
	n := forensics.NewNeedles(forensics.Value{Label: "name", Text: value})
	found, err := n.SearchFile(t.Context(), tables[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	inRows := 0
	for _, hit := range found.Hits {
		if len(hit.Within) > 0 && hit.Within[0] == "rows of the table" {
			inRows++
		}
	}
	if inRows != 2 {
		t.Errorf("%+v", found)
	}
	other := filepath.Join(dir, "none.sst")
	if err := os.WriteFile(other, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := n.SearchFile(t.Context(), other, nil); err != nil || len(found.Hits) != 1 {
		t.Errorf("a file of that name that is no table: %+v, %v", found, err)
	}
}
