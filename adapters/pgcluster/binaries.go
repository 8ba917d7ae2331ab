package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

const installHint = `; install it:
  Debian, Ubuntu:  apt-get install postgresql
  Fedora, RHEL:    dnf install postgresql-server
  Alpine:          apk add postgresql
  macOS:           brew install postgresql@17
or set the folder that holds the binaries postgres and initdb`

// places are where distributions keep the server binaries, which are usually
// not on the PATH.
func places() []string {
	return []string{
		"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
		"/usr/pgsql-*/bin",                                   // postgresql.org packages for Fedora, RHEL
		"/usr/libexec/postgresql*",                           // Alpine
		"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew, Apple silicon
		"/usr/local/opt/postgresql*/bin",                     // Homebrew, Intel
		"/opt/local/lib/postgresql*/bin",                     // MacPorts
		"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
		"/usr/local/pgsql/bin",                               // built from source
	}
}

type binaries struct {
	postgres string
	initdb   string
	version  string // major, as PG_VERSION has it
}

// Binaries answers the folder and the major version of the Postgres binaries
// that [Start] would take for a new cluster; dir, if not empty, is the only
// folder looked into. Error: [ErrNotInstalled], which says what to install.
func Binaries(ctx context.Context, dir string) (folder, version string, err error) {
	found, err := findBinaries(ctx, dir, "")
	if err != nil {
		return "", "", err
	}
	return filepath.Dir(found.postgres), found.version, nil
}

// findBinaries takes the folder it is given, else the version the data
// directory needs, else the first on the PATH, else the newest of the places.
func findBinaries(ctx context.Context, dir, version string) (binaries, error) {
	if dir != "" {
		b, ok := binariesIn(ctx, dir)
		if !ok {
			return binaries{}, fmt.Errorf("%w in %s%s", ErrNotInstalled, dir, installHint)
		}
		return b, fits(b, version)
	}
	found := search(ctx)
	if len(found) == 0 {
		return binaries{}, fmt.Errorf("%w%s", ErrNotInstalled, installHint)
	}
	for _, b := range found {
		if version == "" || b.version == version {
			return b, nil
		}
	}
	return binaries{}, fits(found[0], version)
}

func fits(b binaries, version string) error {
	if version == "" || b.version == version {
		return nil
	}
	return fmt.Errorf("%w: it needs Postgres %s, found %s in %s; install Postgres %s or move the data with pg_upgrade",
		ErrVersion, version, b.version, filepath.Dir(b.postgres), version)
}

func search(ctx context.Context) []binaries {
	var onPath, installed []binaries
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		if b, ok := binariesIn(ctx, dir); ok {
			onPath = append(onPath, b)
		}
	}
	for _, pattern := range places() {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			continue
		}
		for _, dir := range dirs {
			if b, ok := binariesIn(ctx, dir); ok {
				installed = append(installed, b)
			}
		}
	}
	slices.SortStableFunc(installed, func(a, b binaries) int { return major(b.version) - major(a.version) })
	return append(onPath, installed...)
}

func major(version string) int {
	n, err := strconv.Atoi(version)
	if err != nil {
		return 0
	}
	return n
}

var versionText = regexp.MustCompile(`PostgreSQL\) (\d+)`)

// binariesIn follows links, because Postgres finds its own files beside the
// path it was started with.
func binariesIn(ctx context.Context, dir string) (binaries, bool) {
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return binaries{}, false
	}
	initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
	if err != nil {
		return binaries{}, false
	}
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	match := versionText.FindSubmatch(out)
	if match == nil {
		return binaries{}, false
	}
	return binaries{postgres: postgres, initdb: initdb, version: string(match[1])}, true
}

// dataVersion is the major version that made the data directory, or empty when
// there is none yet.
func dataVersion(data string) (string, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		version := regexp.MustCompile(`^\d+`).FindString(string(text))
		if version == "" {
			return "", fmt.Errorf("%w: %s", ErrNotACluster, data)
		}
		return version, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%w: %s", ErrNotACluster, data)
	}
	return "", nil
}
