package main

import (
	"go/build"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ours and theirs are everything the program is made of, beside the standard
// library: whoever wants to believe it reads these.
var (
	ours   = []string{"tracekeep/adapters/ledger/bundle", "tracekeep/adapters/ledger/trail"}
	theirs = []string{
		"filippo.io/mldsa", // ML-DSA-44, for cosignatures
		"filippo.io/mldsa/internal/byteorder", "filippo.io/mldsa/internal/constanttime", "filippo.io/mldsa/internal/fips140",
		"filippo.io/mldsa/internal/fips140/mldsa", "filippo.io/mldsa/mldsacrypto",
		"github.com/transparency-dev/formats/log", "github.com/transparency-dev/formats/note", "github.com/transparency-dev/formats/witness",
		"github.com/transparency-dev/merkle", "github.com/transparency-dev/merkle/compact",
		"github.com/transparency-dev/merkle/proof", "github.com/transparency-dev/merkle/rfc6962",
		"golang.org/x/crypto/cryptobyte", "golang.org/x/crypto/cryptobyte/asn1", // the message that a cosignature covers
		"golang.org/x/mod/sumdb/note", "golang.org/x/mod/sumdb/tlog",
	}
	// closed is what a program without connections and secrets has no use for.
	// and what would make it more than one static file.
	closed = []string{"net", "net/http", "net/rpc", "os/exec", "plugin", "crypto/tls", "log/syslog", "C", "os/user"}
)

// The graph is read from the files themselves, so that a cached pass cannot stand
// over an import that was added.
func TestTheProgramImportsWhatItSays(t *testing.T) {
	g := graph{t: t, root: filepath.Join("..", ".."), seen: map[string]bool{}}
	g.versions()
	g.walk("tracekeep/cmd/tracekeep-verify")
	for _, pkg := range slices.Concat(ours, theirs) {
		if !g.seen[pkg] {
			t.Errorf("%s is listed and not imported", pkg)
		}
	}
}

type graph struct {
	t       *testing.T
	root    string
	modules map[string]string // path to folder
	seen    map[string]bool
}

// versions finds where the modules of go.mod lie.
func (g *graph) versions() {
	text, err := os.ReadFile(filepath.Join(g.root, "go.mod"))
	if err != nil {
		g.t.Fatal(err)
	}
	cache := os.Getenv("GOMODCACHE")
	if cache == "" {
		cache = filepath.Join(build.Default.GOPATH, "pkg", "mod")
	}
	g.modules = map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			g.modules[fields[0]] = filepath.Join(cache, filepath.FromSlash(fields[0])+"@"+fields[1])
		}
	}
}

// folder is where a package lies, and false for one of the standard library.
func (g *graph) folder(pkg string) (string, bool) {
	if rest, own := strings.CutPrefix(pkg, "tracekeep/"); own {
		return filepath.Join(g.root, filepath.FromSlash(rest)), true
	}
	if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") {
		return "", false
	}
	for module, dir := range g.modules {
		if pkg == module || strings.HasPrefix(pkg, module+"/") {
			return filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(pkg, module))), true
		}
	}
	g.t.Fatalf("%s is of no module of go.mod", pkg)
	return "", false
}

func (g *graph) walk(pkg string) {
	if g.seen[pkg] {
		return
	}
	g.seen[pkg] = true
	dir, found := g.folder(pkg)
	if !found {
		return
	}
	parsed, err := build.Default.ImportDir(dir, 0)
	if err != nil {
		g.t.Fatal(err)
	}
	for _, target := range parsed.Imports {
		first, _, _ := strings.Cut(target, "/")
		switch {
		case slices.Contains(closed, target):
			g.t.Errorf("%s imports %s", pkg, target)
		case first == "tracekeep" && !slices.Contains(ours, target):
			g.t.Errorf("%s imports %s, which an auditor would have to read, too", pkg, target)
		case strings.Contains(first, ".") && !slices.Contains(theirs, target):
			g.t.Errorf("%s imports %s, which is not listed", pkg, target)
		}
		g.walk(target)
	}
}
