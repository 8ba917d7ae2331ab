package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
)

func TestSearchCountsItsControlAndLeavesShortValuesOut(t *testing.T) {
	control := uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	a := &App{folder: &folder{dir: t.TempDir()}}
	if err := os.WriteFile(filepath.Join(a.folder.dir, "f"), append([]byte("xx JŪRATĖ O'Neill"), control[:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	search, err := a.SearchPlaintext(t.Context(), []string{"Bo", "long enough", "Jūratė O'Neill"}, control)
	if err != nil {
		t.Fatal(err)
	}
	if search.ControlHits != 1 || search.TooShort != 1 || search.Values != 2 || search.Hits != 1 || search.Files != 1 {
		t.Fatalf("unexpected result: %+v", search)
	}
}
