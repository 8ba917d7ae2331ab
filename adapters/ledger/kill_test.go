package ledger

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// appendsIn names the folder in which a child process appends until it is killed.
const appendsIn = "TRACEKEEP_TEST_APPENDS_IN"

// killedEvents is how many events the children append in all.
const killedEvents = 3000

func TestMain(m *testing.M) {
	dir, child := os.LookupEnv(appendsIn)
	if !child {
		os.Exit(m.Run())
	}
	if err := appendUntilKilled(dir); err != nil {
		fmt.Println("child:", err)
		os.Exit(1)
	}
}

// appendUntilKilled continues a log and says after each page how far it is. Now
// and then it changes the key.
func appendUntilKilled(dir string) error {
	events := history(35, killedEvents)
	l, err := open(testConfig(dir), 700)
	if err != nil {
		return err
	}
	r := rand.New(seeded(l.Checkpoint().Size))
	for size := l.Checkpoint().Size; size < killedEvents; size = l.Checkpoint().Size {
		page := events[size:min(killedEvents, size+1+r.Uint64N(40))]
		if err := l.Append(context.Background(), page); err != nil {
			return err
		}
		if r.IntN(12) == 0 {
			if _, err := l.ChangeKey(seeded(r.Uint64())); err != nil {
				return err
			}
		}
		fmt.Println(l.Checkpoint().Size)
	}
	return l.Close()
}

// What was acknowledged is there after kill -9 at any point, and the log goes on
// to the root that it would have had.
//
// promise: I9
func TestAKilledWriterLosesNothingItAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "trail")
	events := history(35, killedEvents)
	first := ""
	r := rand.New(seeded(36))
	kills := 0
	for reached := uint64(0); reached < killedEvents; {
		acknowledged := appendAndKill(t, dir, 1+r.IntN(12))
		kills++
		l := openTest(t, dir)
		if first == "" {
			first = l.Keys().Terms()[0].Key.String()
		}
		if reached = l.Checkpoint().Size; reached < acknowledged {
			t.Fatalf("kill %d: %d leaves, %d were acknowledged", kills, reached, acknowledged)
		}
		if report := verifyTest(t, dir, first, events); !report.OK || report.Events != reached {
			t.Fatalf("kill %d at %d: %+v", kills, reached, report.Findings)
		}
		closeTest(t, l)
	}
	whole := openTest(t, t.TempDir())
	appendAll(t, whole, events, 5000)
	l := openTest(t, dir)
	if got, want := l.Checkpoint().Head(), whole.Checkpoint().Head(); got != want {
		t.Errorf("after %d kills %+v, without any %+v", kills, got, want)
	}
	if kills < 5 {
		t.Errorf("the test wants more than %d kills", kills)
	}
}

// appendAndKill lets a child append and kills it after so many pages. It answers
// what the child acknowledged.
func appendAndKill(t *testing.T, dir string, pages int) (acknowledged uint64) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), appendsIn+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for said := 0; lines.Scan(); said++ {
		if acknowledged, err = strconv.ParseUint(lines.Text(), 10, 64); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if said == pages {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err != nil && !strings.Contains(err.Error(), "signal: killed") {
		t.Fatal(err)
	}
	return acknowledged
}
