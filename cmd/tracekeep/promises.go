package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

// kept lists, for each promise of the five policies that a test of this release
// proves at least in part, the tests that do. It is made from the marks in the
// tests, and a test holds it to them.
//
//go:embed promises.txt
var kept string

// policies are the five privacy policies and how many promises each makes.
func policies() []policy {
	return []policy{
		{"ST", "worker portal", 65}, {"RR", "campus learning centres", 51}, {"DS", "records management", 35},
		{"OT", "off-duty officer scheduling", 38}, {"TC", "classroom attendance", 28},
	}
}

type policy struct {
	prefix, name string
	promises     int
}

type promisesCommand struct {
	Missing bool `help:"List the promises that no test proves yet instead."`
	JSON    bool `name:"json" help:"Print one JSON object for each promise."`
}

// Help implements kong's help provider.
func (promisesCommand) Help() string {
	return `A promise counts as proved in part as soon as an acceptance test that names it passes; the test's name says which part.

Examples:
  tracekeep promises
  tracekeep promises --missing
  tracekeep promises --json`
}

// Run lists promises.
func (c promisesCommand) Run(_ context.Context, t *terminal) error {
	tests := testsOfPromises(kept)
	var rows [][]string
	proved, all := 0, 0
	for _, p := range policies() {
		for n := 1; n <= p.promises; n++ {
			id := fmt.Sprintf("%s-%02d", p.prefix, n)
			all++
			if len(tests[id]) > 0 {
				proved++
			}
			if c.JSON {
				if err := printJSON(t.out, map[string]any{"promise": id, "policy": p.name, "tests": tests[id]}); err != nil {
					return err
				}
				continue
			}
			if c.Missing == (len(tests[id]) == 0) {
				rows = append(rows, []string{id, p.name, strings.Join(tests[id], ", ")})
			}
		}
	}
	if c.JSON {
		return nil
	}
	if err := table(t.out, "PROMISE|POLICY|TESTS", rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.out, "%d of %d promises are proved at least in part\n", proved, all)
	return err
}

func testsOfPromises(list string) map[string][]string {
	tests := map[string][]string{}
	for line := range strings.Lines(list) {
		if id, test, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			tests[id] = append(tests[id], test)
		}
	}
	return tests
}
