package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// promise: OT-27
func TestAChangedTrailIsFoundAndSaid(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 6, 1)
	tracekeep(t, "import", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	tracekeep(t, "verify", "--data", data).ok(t)
	tiles, err := filepath.Glob(filepath.Join(data, "trail", "tile", "0", "*"))
	if err != nil || len(tiles) == 0 {
		t.Fatalf("no tiles: %v", err)
	}
	changed := false
	err = filepath.WalkDir(filepath.Join(data, "trail", "tile", "0"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || changed {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content[40] ^= 1 // in the leaf of the second event
		changed = true
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || !changed {
		t.Fatalf("nothing was changed: %v", err)
	}
	got := tracekeep(t, "verify", "--data", data).ok(t, exitDefect)
	if !strings.Contains(got.out, "position ") || !strings.Contains(got.out, "revision 0: corrupt") || !strings.Contains(got.out, "leaf 1") {
		t.Errorf("the place is not named:\n%s%s", got.out, got.err)
	}
}
