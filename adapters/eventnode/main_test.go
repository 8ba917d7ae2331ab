package eventnode

import (
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// A test that plays the end of the process, or that leaves one behind, runs in a
// child: what hangs there hangs nobody else.
const (
	asChild   = "TRACEKEEP_TEST_CHILD"   // the test to run, alone
	asNode    = "TRACEKEEP_TEST_NODE"    // the folder to serve
	asWriters = "TRACEKEEP_TEST_WRITERS" // the ledger to write

	nightly = "TRACEKEEP_NIGHT"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(asNode) != "":
		os.Exit(serveUntilKilled(os.Getenv(asNode)))
	case os.Getenv(asWriters) != "":
		os.Exit(writeUntilStopped(os.Getenv(asWriters)))
	case os.Getenv(asChild) != "":
		os.Exit(m.Run())
	}
	// The clock that bounds regular expressions runs on for a second.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// times is how often to do a thing: with the race detector, which makes the
// engine check itself and run thirty times slower, without, and by night.
func times(raced, plain, night int) int {
	switch {
	case os.Getenv(nightly) != "":
		return night
	case raceDetector:
		return raced
	}
	return plain
}

// inChild runs the test again in a process of its own, and says whether this is
// that process.
func inChild(t *testing.T) bool {
	t.Helper()
	if os.Getenv(asChild) == t.Name() {
		return true
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=60m")
	child.Env = append(os.Environ(), asChild+"="+t.Name())
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out[max(0, len(out)-32000):])
	}
	t.Logf("%s", out)
	return false
}
