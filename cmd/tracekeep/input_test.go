package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const (
	goodLine   = "        1\t2025-01-06 08:00:00\t1\t0\t0\t0\n"
	goodPeople = "pin,display_name\n1,Somebody Unmistakable\n"
)

// write makes a file of a test.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestBadInputIsNamedAndTheGoodRowsAreKept shares one data folder: nothing that
// is bad in one file may disturb the next.
func TestBadInputIsNamedAndTheGoodRowsAreKept(t *testing.T) {
	data := records(t)
	people := write(t, "people.csv", goodPeople)
	for rule, c := range map[string]struct {
		clock, people string
		flags         []string
		code          int
		says          string // on standard output or standard error
		kept          bool   // the good line was kept
	}{
		"an unknown PIN is rejected with its line":           {goodLine + strings.Replace(goodLine, "        1", "       77", 1), people, nil, exitRejected, "line 2: ", true},
		"a broken line is rejected with its line":            {"what is this\n" + goodLine, people, nil, exitRejected, "line 1: ", true},
		"a line of many megabytes is one rejected row":       {strings.Repeat("x", 8<<20) + "\n" + goodLine, people, nil, exitRejected, "rejected, line_too_long: 1", true},
		"a truncated last line is rejected":                  {goodLine + "        1\t2025-01-0", people, nil, exitRejected, "line 2: ", true},
		"an impossible date is rejected":                     {goodLine + "        1\t2025-02-30 08:00:00\t1\t0\t0\t0\n", people, nil, exitRejected, "line 2: ", true},
		"a punch of tomorrow's tomorrow is rejected":         {goodLine + "        1\t2999-02-03 08:00:00\t1\t0\t0\t0\n", people, nil, exitRejected, "line 2: ", true},
		"a local time in a gap is rejected":                  {goodLine + "        1\t2025-03-30 02:30:00\t1\t0\t0\t0\n", people, []string{"--zone", "Europe/Berlin"}, exitRejected, "rejected, gap_in_local_time: 1", true},
		"a local time that came twice is rejected":           {goodLine + "        1\t2025-10-26 02:30:00\t1\t0\t0\t0\n", people, []string{"--zone", "Europe/Berlin"}, exitRejected, "--overlap", true},
		"a wrong zone suggests the right one":                {goodLine, people, []string{"--zone", "Manila"}, exitFailed, "Asia/Manila", false},
		"the machine's own zone is refused":                  {goodLine, people, []string{"--zone", "Local"}, exitFailed, "zone", false},
		"a people file of other people is refused":           {goodLine, write(t, "wrong.csv", "pin,display_name\n5,Somebody Else\n"), []string{"--station", "new"}, exitFailed, "people file", false},
		"a clock file is no people file":                     {goodLine, write(t, "clock.csv", goodLine), nil, exitFailed, "people file", false},
		"a row without a name is rejected, the others count": {goodLine, write(t, "gap.csv", goodPeople+"2,\n"), nil, exitRejected, "people file, line 3: ", true},
	} {
		t.Run(rule, func(t *testing.T) {
			flags := append([]string{"import", "--data", data, "--zone", "Asia/Manila", "--file", write(t, "1_attlog.dat", c.clock), "--people", c.people}, c.flags...)
			got := tracekeep(t, flags...).ok(t, c.code)
			if !strings.Contains(got.out+got.err, c.says) {
				t.Errorf("does not say %q:\n%s%s", c.says, got.out, got.err)
			}
			if strings.Contains(got.out+got.err, "Unmistakable") {
				t.Errorf("a name was printed:\n%s%s", got.out, got.err)
			}
			if c.kept && !strings.Contains(got.out, "accepted                1") {
				t.Errorf("the good line was not kept:\n%s", got.out)
			}
		})
	}
}

func TestALockedFolderIsRefusedAndCanBeJoined(t *testing.T) {
	data := records(t)
	ctx := t.Context()
	serving := child(ctx, t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = serving.Process.Signal(os.Interrupt)
		if err := serving.Wait(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
	}()
	if !waitForFile(ctx, filepath.Join(data, "running.json"), serving.Process.Pid) {
		t.Fatal("serve did not start")
	}
	got := tracekeep(t, "serve", "--data", data, "--listen", "127.0.0.1:0").ok(t, exitInUse)
	if !strings.Contains(got.err, "in use by another tracekeep") {
		t.Errorf("says %q", got.err)
	}
	// Commands join: what they append is projected and entered in the trail by the owner.
	clock, people := write(t, "1_attlog.dat", goodLine), write(t, "people.csv", goodPeople)
	tracekeep(t, "import", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	if who := tracekeep(t, "query", "people", "--data", data).ok(t); !strings.Contains(who.out, "Somebody Unmistakable") {
		t.Errorf("the person is not there:\n%s", who.out)
	}
	tracekeep(t, "verify", "--data", data).ok(t)
}

func TestWhatIsMissingOrTakenIsSaid(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	taken := listener.Addr().String()
	for rule, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a port in use":                        {[]string{"serve", "--data", records(t), "--listen", taken}, exitInUse, taken + " is in use"},
		"Postgres is missing":                  {[]string{"serve", "--data", records(t), "--postgres-bin", t.TempDir()}, exitFailed, "apt-get install postgresql"},
		"a folder without records":             {[]string{"query", "people", "--data", t.TempDir()}, exitFailed, "not a tracekeep data folder"},
		"no event store at the address":        {[]string{"serve", "--data", records(t), "--event-store", "esdb://127.0.0.1:1?tls=false", "--start-within", "2s"}, exitFailed, "event store"},
		"the keys beside the read models":      {[]string{"serve", "--data", records(t), "--read-models", "postgres://x/y", "--keys", "postgres://x/y"}, exitFailed, "--keys"},
		"an unknown command":                   {[]string{"forget"}, exitUsage, "--help"},
		"a missing flag":                       {[]string{"import"}, exitUsage, "--data"},
		"a clock file that is not there":       {[]string{"import", "--data", records(t), "--zone", "UTC", "--file", "/nonexistent"}, exitUsage, "nonexistent"},
		"a day that is no day":                 {[]string{"query", "hours", "--data", records(t), "--from", "monday", "--to", "2025-01-01"}, exitUsage, "2006-01-02"},
		"an erasure by somebody without an id": {[]string{"erase", "request", "--data", records(t), "--person", "x", "--officer", "y"}, exitUsage, "--person"},
	} {
		t.Run(rule, func(t *testing.T) {
			got := tracekeep(t, c.args...).ok(t, c.code)
			if !strings.Contains(got.err, c.says) {
				t.Errorf("does not say %q:\n%s", c.says, got.err)
			}
		})
	}
}

func TestEveryCommandExplainsItselfWithExamples(t *testing.T) {
	for _, command := range []string{"demo", "serve", "import", "generate", "query", "export", "history", "replay", "verify", "erase", "rebuild", "doctor", "bench"} {
		t.Run(command, func(t *testing.T) {
			got := tracekeep(t, command, "--help").ok(t)
			if !strings.Contains(got.out, "Example") || !strings.Contains(got.out, "tracekeep "+command) {
				t.Errorf("no example:\n%s", got.out)
			}
		})
	}
	if got := tracekeep(t, "--help").ok(t); !strings.Contains(got.out, "Exit codes:") {
		t.Errorf("exit codes are not explained:\n%s", got.out)
	}
}

func TestGenerateSaysHowManyLinesItWrote(t *testing.T) {
	dir := t.TempDir()
	got := tracekeep(t, "generate", "--out", dir, "--people", "4", "--months", "1").ok(t)
	for _, terminal := range []string{"1", "2"} {
		text, err := os.ReadFile(filepath.Join(dir, terminal+"_attlog.dat"))
		if err != nil {
			t.Fatal(err)
		}
		lines := strconv.Itoa(bytes.Count(text, []byte("\n")))
		if row := regexp.MustCompile(terminal + `_attlog\.dat .* ` + lines + `\n`); lines == "0" || !row.MatchString(got.out) {
			t.Errorf("the file of terminal %s has %s lines; said is\n%s", terminal, lines, got.out)
		}
	}
}

// TestGeneratedFilesHoldNoBadRow joins the generator and the importer, which do
// not know each other.
func TestGeneratedFilesHoldNoBadRow(t *testing.T) {
	data := records(t)
	clock, people := clockFiles(t, 20, 2)
	var report importReport
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t).last(t, &report)
	if report.Rejected != 0 || report.PeopleRejected != 0 || report.PeopleRegistered < 15 {
		t.Errorf("rejected %d rows and %d people, registered %d", report.Rejected, report.PeopleRejected, report.PeopleRegistered)
	}
}

// TestTheCommandLineErasesAPerson goes the way of two officers without an API.
func TestTheCommandLineErasesAPerson(t *testing.T) {
	data := records(t)
	clock, people := write(t, "1_attlog.dat", goodLine), write(t, "people.csv", goodPeople)
	tracekeep(t, "import", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	var person struct {
		ID string `json:"person_id"`
	}
	tracekeep(t, "query", "people", "--json", "--data", data).ok(t).last(t, &person)
	const first, second = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	var asked struct {
		Case string `json:"case"`
		Code string `json:"claim_code"`
	}
	tracekeep(t, "erase", "request", "--json", "--data", data, "--person", person.ID, "--officer", first).ok(t).last(t, &asked)
	if len(asked.Code) != 26 {
		t.Errorf("claim code of %d characters", len(asked.Code))
	}
	of := func(step, officer string, more ...string) answer {
		return tracekeep(t, append([]string{"erase", step, "--data", data, "--case", asked.Case, "--officer", officer, "--cooling-off", "0s"}, more...)...)
	}
	if early := of("approve", second).ok(t, exitFailed); !strings.Contains(early.err, "identity") {
		t.Errorf("says %q", early.err)
	}
	of("verify", first, "--method", "document").ok(t)
	of("assess", first).ok(t)
	same := of("approve", first).ok(t, exitFailed)
	if !strings.Contains(same.err, "second person") {
		t.Errorf("says %q", same.err)
	}
	approved := of("approve", second).ok(t)
	if !strings.Contains(approved.out, "tracekeep-erasure-certificate/v2") || strings.Contains(approved.out, person.ID) {
		t.Errorf("no anonymous certificate:\n%s", approved.out)
	}
	if again := tracekeep(t, "query", "people", "--data", data).ok(t); strings.Contains(again.out, "Unmistakable") || !strings.Contains(again.out, "[erased: case "+asked.Case) {
		t.Errorf("the directory says\n%s", again.out)
	}
	if history := tracekeep(t, "history", "--data", data, person.ID).ok(t); !strings.Contains(history.out, "erasure-certified.v2") {
		t.Errorf("the history says\n%s", history.out)
	}
	tracekeep(t, "verify", "--data", data).ok(t)
}
