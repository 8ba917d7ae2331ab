// Package pgtest gives tests databases of a real Postgres: one private cluster
// for each test binary, made on first use, gone when the binary ends, however
// it ends. It runs as root and as an ordinary user, and beside other test
// binaries.
//
// A package that checks for leaked goroutines ends the cluster first:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Around(m)) }
//
// With TRACEKEEP_TEST_POSTGRES set to the URL of a server, databases are made
// there instead and dropped after the test.
package pgtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster"
)

// EnvURL names the environment variable that points to an existing server.
const EnvURL = "TRACEKEEP_TEST_POSTGRES"

// reaper waits for its input to end, which happens when the test binary ends in
// whatever way, and then stops the server and removes the folder.
const reaper = `cat >/dev/null
pid=$(head -n 1 "$1/pg/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
fi
rm -rf "$1" || { sleep 1; rm -rf "$1"; }`

// ours is the one cluster of this test binary: tests of one package share it
// because a start costs a second.
var ours struct {
	once sync.Once
	own  *own
	err  error
}

type own struct {
	cluster *pgcluster.Cluster
	reaper  *exec.Cmd
	release io.Closer
}

// Database makes an empty database for one test and returns its URL.
func Database(tb testing.TB) string {
	tb.Helper()
	suffix := make([]byte, 8)
	_, _ = rand.Read(suffix)
	name := "test_" + hex.EncodeToString(suffix)
	if server := os.Getenv(EnvURL); server != "" {
		return databaseOn(tb, server, name)
	}
	ours.once.Do(func() { ours.own, ours.err = begin(fast()) })
	if ours.err != nil {
		tb.Fatal(ours.err)
	}
	if err := ours.own.cluster.EnsureDatabase(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	return ours.own.cluster.URL(name)
}

// Copy makes a database for one test that begins as another one is, which nobody
// may be connected to, and returns its URL. It saves making a schema anew.
func Copy(tb testing.TB, of string) string {
	tb.Helper()
	u, err := url.Parse(of)
	if err != nil {
		tb.Fatal("the database to copy is not a URL")
	}
	suffix := make([]byte, 8)
	_, _ = rand.Read(suffix)
	from, name := strings.TrimPrefix(u.Path, "/"), "test_"+hex.EncodeToString(suffix)
	server := *u
	server.Path = "/postgres"
	execute(tb, server.String(), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE "+pgx.Identifier{from}.Sanitize())
	tb.Cleanup(func() {
		execute(tb, server.String(), "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	})
	u.Path = "/" + name
	return u.String()
}

// Start runs a cluster for one test alone, for tests that stop or kill the
// server or need settings of their own. It keeps data through a crash.
func Start(tb testing.TB, settings map[string]string) *pgcluster.Cluster {
	tb.Helper()
	o, err := begin(settings)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(o.end)
	return o.cluster
}

// Suite runs the tests of a package and ends the cluster after them.
type Suite struct{ m *testing.M }

// Around is for a TestMain that has something to do after the tests.
func Around(m *testing.M) Suite { return Suite{m} }

// Run runs the tests, ends the cluster and answers the exit code.
func (s Suite) Run() int {
	code := s.m.Run()
	if ours.own != nil {
		ours.own.end()
	}
	return code
}

// Main is a whole TestMain.
func Main(m *testing.M) { os.Exit(Around(m).Run()) }

// fast gives up what a throw-away database does not need.
func fast() map[string]string {
	return map[string]string{"fsync": "off", "full_page_writes": "off", "max_connections": "100"}
}

func begin(settings map[string]string) (_ *own, err error) {
	dir, err := os.MkdirTemp("", "tracekeep-test-")
	if err != nil {
		return nil, err
	}
	// The Postgres account passes through; its own folder inside is closed.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	o := &own{reaper: exec.Command("sh", "-c", reaper, "reaper", dir)}
	o.reaper.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if o.release, err = o.reaper.StdinPipe(); err != nil {
		return nil, err
	}
	if err := o.reaper.Start(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	o.cluster, err = pgcluster.Start(ctx, pgcluster.Config{Dir: filepath.Join(dir, "pg"), Settings: settings})
	if err != nil {
		o.end()
		return nil, err
	}
	return o, nil
}

func (o *own) end() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if o.cluster != nil {
		_ = o.cluster.Stop(ctx)
	}
	_ = o.release.Close()
	_ = o.reaper.Wait()
}

func databaseOn(tb testing.TB, server, name string) string {
	tb.Helper()
	execute(tb, server, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	tb.Cleanup(func() {
		execute(tb, server, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	})
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatalf("%s is not a URL", EnvURL)
	}
	u.Path = "/" + name
	return u.String()
}

func execute(tb testing.TB, server, statement string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		tb.Fatal(err)
	}
}
