package cmd_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The README promises commands; a promise that no longer works is worse than none.
func TestTheReadmeNamesWhatExists(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, match := range regexp.MustCompile(`(?m)^([a-z/]+):.*## \S`).FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, match[1])
		if match[1] != "help" && match[1] != "format" && !strings.Contains(string(readme), "make "+match[1]) {
			t.Errorf("the README does not mention make %s", match[1])
		}
	}
	for _, match := range regexp.MustCompile("(?:`|    )make ([a-z/]+)").FindAllStringSubmatch(string(readme), -1) {
		if !strings.Contains(" "+strings.Join(targets, " ")+" ", " "+match[1]+" ") {
			t.Errorf("the README promises make %s, which the Makefile does not have", match[1])
		}
	}
	for _, match := range regexp.MustCompile("`((?:eventschema|domain|adapters|projections|cmd|testdata)[a-z_/.]*)`").FindAllStringSubmatch(string(readme), -1) {
		path := match[1]
		if strings.HasPrefix(path, "testdata") {
			path = "eventschema/" + path
		}
		if _, err := os.Stat("../" + path); err != nil {
			t.Errorf("the README names %s: %v", match[1], err)
		}
	}
}
