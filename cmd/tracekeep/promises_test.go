package main

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var updatePromises = flag.Bool("update-promises", false, "write promises.txt from the marks in the tests")

// marked finds the promises a test names in the comment above it.
var marked = regexp.MustCompile(`(?m)((?:^//.*\n)*^// promise: [A-Z]{2}-[0-9]{2}\n(?:^//.*\n)*)^func (Test\w+|Fuzz\w+)`)

func TestTheListOfPromisesIsWhatTheTestsSay(t *testing.T) {
	root := filepath.Join("..", "..")
	var lines []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range marked.FindAllSubmatch(source, -1) {
			for _, id := range regexp.MustCompile(`promise: ([A-Z]{2}-[0-9]{2})`).FindAllSubmatch(match[1], -1) {
				folder, err := filepath.Rel(root, filepath.Dir(path))
				if err != nil {
					return err
				}
				lines = append(lines, string(id[1])+" "+filepath.ToSlash(folder)+"."+string(match[2])+"\n")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	want := strings.Join(slices.Compact(lines), "")
	if *updatePromises {
		if err := os.WriteFile("promises.txt", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if kept != want {
		t.Errorf("promises.txt is not what the tests say; run go test ./cmd/tracekeep -run Promises -update-promises\nwant\n%s", want)
	}
}

func TestPromisesAreListedOrMissing(t *testing.T) {
	listed := tracekeep(t, "promises").ok(t)
	missing := tracekeep(t, "promises", "--missing").ok(t)
	if !strings.Contains(listed.out, "ST-07 ") || strings.Contains(missing.out, "ST-07 ") || !strings.Contains(missing.out, "TC-23 ") {
		t.Errorf("listed\n%s\nmissing\n%s", listed.out, missing.out)
	}
	if !strings.Contains(listed.out, "of 217 promises") {
		t.Errorf("the total is wrong:\n%s", listed.out)
	}
}
