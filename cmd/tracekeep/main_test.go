package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"tracekeep/cmd/internal/app"
)

// asChild makes the test binary behave as tracekeep itself, so that a test can
// kill it.
const asChild = "TRACEKEEP_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		os.Exit(start(crashing))
	}
	debug.SetGCPercent(300) // as the program does
	code := m.Run()
	_ = os.RemoveAll(plainFolder)
	_ = os.RemoveAll(foundedFolder)
	os.Exit(code)
}

// answer is what one command said.
type answer struct {
	code     int
	out, err string
}

// tracekeep runs one command in this process, exactly as main does.
func tracekeep(t *testing.T, args ...string) answer {
	t.Helper()
	var out, errors bytes.Buffer
	code := run(t.Context(), args, &terminal{out: &out, err: &errors, clock: time.Now, random: rand.Reader})
	return answer{code: code, out: out.String(), err: errors.String()}
}

// ok fails the test unless the command ended with one of the codes.
func (a answer) ok(t *testing.T, codes ...int) answer {
	t.Helper()
	if len(codes) == 0 {
		codes = []int{exitOK}
	}
	for _, code := range codes {
		if a.code == code {
			return a
		}
	}
	t.Fatalf("exit code %d, want %v\nstandard output:\n%s\nstandard error:\n%s", a.code, codes, a.out, a.err)
	return a
}

// last decodes the last line of standard output.
func (a answer) last(t *testing.T, into any) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(a.out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), into); err != nil {
		t.Fatalf("last line is no JSON: %v\n%s", err, a.out)
	}
}

// child starts a command in a process of its own.
func child(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := plainBinary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append(os.Environ(), asChild+"=1")
	return cmd
}

// plainFolder is where the binary of [plainBinary] stands, once it was made.
var plainFolder string

// plainBinary is this test binary as it is without the race detector, made once: a
// process that is killed within seconds spends most of them starting, and several
// times as many with the detector. What it runs is raced in the tests of its parts.
var plainBinary = sync.OnceValues(func() (string, error) {
	if !raced {
		return os.Executable()
	}
	dir, err := os.MkdirTemp("", "tracekeep-plain-")
	if err != nil {
		return "", err
	}
	plainFolder = dir
	binary := filepath.Join(dir, "tracekeep.test")
	if out, err := exec.Command("go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the children: %w: %s", err, out)
	}
	return binary, nil
})

// records makes a data folder that the Postgres account can reach and that is
// gone after the test.
func records(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tracekeep-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "records")
}

// founded is a data folder as the first command leaves it, with nothing on record: a
// copy of one that is made once. To make the clusters and the tables of a new one
// takes several times as long as to open it.
func founded(t *testing.T) string {
	t.Helper()
	data := records(t)
	from, err := foundation()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, data).CombinedOutput(); err != nil { // with the accounts that own its files
		t.Fatalf("copy %s: %v: %s", from, err, out)
	}
	return data
}

// foundedFolder is where the folder of [foundation] stands, once it was made.
var foundedFolder string

var foundation = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tracekeep-founded-")
	if err != nil {
		return "", err
	}
	foundedFolder = dir
	data := filepath.Join(dir, "records")
	if err := os.Chmod(dir, 0o711); err != nil {
		return "", err
	}
	making := &terminal{out: io.Discard, err: io.Discard, clock: time.Now, random: rand.Reader}
	return data, dataFlags{Data: data}.withApp(context.Background(), making, true, func(context.Context, *app.App) error { return nil })
})

// realFile is a file of the real clock data. Where the data is missing the test
// has nothing to say, except in CI, where it always is.
func realFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", "zkteco-attlog-two-devices", name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing in CI", path)
		}
		t.Skipf("the real clock files are not beside the project (%s)", path)
	}
	return path
}

// clockFiles generates the files of one terminal.
func clockFiles(t *testing.T, people, months int) (clock, peopleFile string) {
	t.Helper()
	command := generateCommand{
		Seed: 7, People: people, Months: months, Terminals: 1, Zone: "Asia/Manila",
		Start: time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC),
	}
	files, err := command.write(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return files[0].Clock, files[0].People
}

// lockedBuffer is an output that a test reads while the command writes.
type lockedBuffer struct {
	mu      sync.Mutex
	text    strings.Builder
	written chan struct{}
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.written != nil {
		close(b.written)
		b.written = nil
	}
	return b.text.Write(p)
}

// waitFor waits for a word that starts so and answers it.
func (b *lockedBuffer) waitFor(t *testing.T, start string) string {
	t.Helper()
	limit := time.After(2 * time.Minute)
	for {
		b.mu.Lock()
		for _, word := range strings.Fields(b.text.String()) {
			if strings.HasPrefix(word, start) {
				b.mu.Unlock()
				return word
			}
		}
		if b.written == nil {
			b.written = make(chan struct{})
		}
		written := b.written
		b.mu.Unlock()
		select {
		case <-written:
		case <-limit:
			t.Fatalf("nothing that starts with %s was written", start)
		}
	}
}
