package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// Who reads the README finds every command in it.
func TestTheReadmeNamesEveryCommand(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if !command.Hidden && !strings.Contains(string(readme), "`"+command.Name+"`") {
			t.Errorf("the README does not name %s", command.Name)
		}
	}
}
