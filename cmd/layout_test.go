package cmd_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheTreeKeepsToTheTable(t *testing.T) {
	problems, err := checkTree(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
}

// source writes a Go file that imports and uses what it is given.
func source(pkg, body string, imports ...string) string {
	var b strings.Builder
	b.WriteString("package " + pkg + "\n")
	for _, name := range imports {
		b.WriteString("import " + name + "\n")
	}
	b.WriteString(body + "\n")
	return b.String()
}

func TestTheCheckerSeesPlantedViolations(t *testing.T) {
	for rule, planted := range map[string]struct {
		file, source string
		want         string // part of the only problem; empty where the file is in order
	}{
		"eventschema imports nothing of ours": {
			"eventschema/x.go", source("eventschema", "", `"tracekeep/domain"`), "not a part that eventschema may know"},
		"eventschema may use uuid": {
			"eventschema/x.go", source("eventschema", "", `"github.com/google/uuid"`, `"encoding/json"`), ""},
		"eventschema uses no other library": {
			"eventschema/x.go", source("eventschema", "", `"go.uber.org/zap"`), "third-party package without leave"},
		"a test of eventschema may use zap to show that nothing leaks": {
			"eventschema/x_test.go", source("eventschema", "", `"go.uber.org/zap"`), ""},
		"eventschema does not read a clock": {
			"eventschema/x.go", source("eventschema", "var _ = time.Now", `"time"`), "uses time.Now"},
		"a clock under another name is seen": {
			"domain/handle2.go", source("domain", "var _ = clock.Since", `clock "time"`), "uses clock.Since"},
		"a dot import hides nothing": {
			"domain/person/x.go", source("person", "var _ = Now()", `. "time"`), "with a dot"},
		"the domain draws no ids": {
			"domain/person/x.go", source("person", "var _ = uuid.New()", `"github.com/google/uuid"`), "uses uuid.New"},
		"the domain may derive ids": {
			"domain/person/x.go", source("person", "var _ = uuid.NewSHA1", `"github.com/google/uuid"`), ""},
		"a test may read a clock": {
			"domain/person/x_test.go", source("person", "var _ = time.Now", `"time"`), ""},
		"the domain is not random": {
			"domain/handle2.go", source("domain", "", `"math/rand/v2"`), "closed for domain"},
		"a rule has no context": {
			"domain/person/x.go", source("person", "", `"context"`), "closed for domain/person"},
		"the handler has a context": {
			"domain/handle2.go", source("domain", "", `"context"`), ""},
		"a rule reads no JSON": {
			"domain/person/x.go", source("person", "", `"encoding/json"`), "closed for domain/person"},
		"a rule does no cryptography": {
			"domain/person/x.go", source("person", "", `"crypto/sha256"`), "closed for domain/person"},
		"a rule reads no file": {
			"domain/person/x.go", source("person", "", `"os"`), "closed for domain/person"},
		"a rule opens no connection": {
			"domain/hours/x.go", source("hours", "", `"net/http"`), "closed for domain/hours"},
		"a rule asks no database": {
			"domain/hours/x.go", source("hours", "", `"database/sql"`), "closed for domain/hours"},
		"a rule may know the decider": {
			"domain/person/x.go", source("person", "", `"tracekeep/domain"`), ""},
		"a rule does not know its neighbour": {
			"domain/person/x.go", source("person", "", `"tracekeep/domain/work"`), "not a part that domain/person may know"},
		"parts of one rule set know each other": {
			"domain/localtime/calendar/x.go", source("calendar", "", `"tracekeep/domain/localtime"`), ""},
		"the domain knows no adapter": {
			"domain/handle2.go", source("domain", "", `"tracekeep/adapters/eventstoredb"`), "not a part that domain may know"},
		"a test of the handler may use the rules": {
			"domain/handle2_test.go", source("domain_test", "", `"tracekeep/domain/person"`), ""},
		"the handler may not": {
			"domain/handle2.go", source("domain", "", `"tracekeep/domain/person"`), "not a part that domain may know"},
		"no test of the domain knows an adapter": {
			"domain/handle2_test.go", source("domain_test", "", `"tracekeep/adapters/eventstoredb"`), "not a part that domain may know"},
		"the test library is for tests": {
			"domain/person/x.go", source("person", "", `"tracekeep/domain/domaintest"`), "only tests may import it"},
		"a test may use the test library": {
			"domain/person/x_test.go", source("person_test", "", `"tracekeep/domain/domaintest"`, `"tracekeep/domain/person"`), ""},
		"projections may use the hours rule": {
			"projections/x.go", source("projections", "", `"tracekeep/domain/hours"`, `"github.com/jackc/pgx/v5"`), ""},
		"projections use no other rule": {
			"projections/x.go", source("projections", "", `"tracekeep/domain/person"`), "not a part that projections may know"},
		"projections have no pool": {
			"projections/x.go", source("projections", "", `"github.com/jackc/pgx/v5/pgxpool"`), "third-party package without leave"},
		"projections do not read a clock": {
			"projections/x.go", source("projections", "var _ = time.Now()", `"time"`), "uses time.Now"},
		"an adapter may know the inside": {
			"adapters/keyring/x.go", source("keyring", "", `"tracekeep/domain"`, `"tracekeep/domain/erasure"`, `"tracekeep/eventschema"`), ""},
		"an adapter does not know another": {
			"adapters/keyring/x.go", source("keyring", "", `"tracekeep/adapters/postgres"`), "not a part that adapters/keyring may know"},
		"an adapter does not know a store it is tested with": {
			"adapters/keyring/x.go", source("keyring", "", `"tracekeep/adapters/pgcluster"`), "not a part that adapters/keyring may know"},
		"the test of an adapter may start the real stores": {
			"adapters/keyring/x_test.go", source("keyring_test", "", `"tracekeep/adapters/pgcluster/pgtest"`, `"tracekeep/adapters/eventnode"`, `"tracekeep/adapters/eventstoredb"`), ""},
		"and no other adapter": {
			"adapters/keyring/x_test.go", source("keyring_test", "", `"tracekeep/adapters/ledger"`), "not a part that adapters/keyring may know"},
		"parts of one adapter know each other": {
			"adapters/pgcluster/pgtest/x.go", source("pgtest", "", `"tracekeep/adapters/pgcluster"`), ""},
		"postgres may know the projections": {
			"adapters/postgres/x.go", source("postgres", "", `"tracekeep/projections"`), ""},
		"the HTTP API may know the projections": {
			"adapters/httpapi/x.go", source("httpapi", "", `"tracekeep/projections"`), ""},
		"the keyring does not know the projections": {
			"adapters/keyring/x.go", source("keyring", "", `"tracekeep/projections"`), "not a part that adapters/keyring may know"},
		"an adapter uses only what it adapts": {
			"adapters/importer/x.go", source("importer", "", `"github.com/jackc/pgx/v5"`), "third-party package without leave"},
		"nobody imports a command": {
			"adapters/importer/x.go", source("importer", "", `"tracekeep/cmd/tracekeep"`), "not a part that adapters/importer may know"},
		"commands join everything": {
			"cmd/tracekeep/x.go", source("main", "", `"tracekeep/adapters/postgres"`, `"tracekeep/projections"`, `"github.com/alecthomas/kong"`), ""},
		"a build tag hides nothing": {
			"domain/person/x.go", "//go:build never\n\n" + source("person", "", `"os"`), "closed for domain/person"},
		"a new adapter needs a row": {
			"adapters/carrierpigeon/x.go", source("carrierpigeon", ""), "adapters/carrierpigeon has no row"},
		"a new rule set needs a row": {
			"domain/payroll/x.go", source("payroll", ""), "domain/payroll has no row"},
		"a package below eventschema needs a row": {
			"eventschema/old/x.go", source("old", ""), "eventschema/old has no row"},
		"a Go file directly under adapters has no row": {
			"adapters/x.go", source("adapters", ""), "package adapters has no row"},
		"a Go file at the top does not belong": {
			"main.go", source("main", ""), "main.go"},
		"a new folder at the top does not belong": {
			"pkg/readme.txt", "", "pkg: does not belong at the top"},
		"a new file at the top does not belong": {
			"notes.md", "", "notes.md: does not belong at the top"},
		"dot-files may stand at the top": {
			".golangci.yml", "", ""},
		"what is ignored may stand at the top": {
			"bin/tracekeep", "", ""},
	} {
		t.Run(rule, func(t *testing.T) {
			tree := fstest.MapFS{
				".gitignore": {Data: []byte("/bin/\n*.test\n")},
				planted.file: {Data: []byte(planted.source)},
			}
			problems, err := checkTree(tree)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case planted.want == "" && len(problems) > 0:
				t.Errorf("in order, but the checker says %q", problems)
			case planted.want != "" && (len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), planted.want)):
				t.Errorf("the checker says %q, want %q", problems, planted.want)
			}
		})
	}
}
