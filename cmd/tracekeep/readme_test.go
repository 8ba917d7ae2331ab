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

// Whoever asks a command of shifts, questions or exports for help is shown how it is used.
func TestHelpShowsHowACommandIsUsed(t *testing.T) {
	parser, err := kong.New(&cli{})
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		path := leaf.Path()
		of := func(command string) bool { return strings.HasPrefix(path+" ", command+" ") }
		if (of("shifts") || of("query") || of("export") || of("roster") || of("attendance")) && !strings.Contains(leaf.Detail, "  tracekeep "+path+" ") {
			t.Errorf("the help of %s has no example of it", path)
		}
	}
}
