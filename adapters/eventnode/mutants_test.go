package eventnode

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const chosenMutant = "TRACEKEEP_TEST_MUTANT"

// mutant is a mistake somebody could make, planted in the source.
type mutant struct {
	file, old, mistaken string
	// caughtBy chooses the test that must fail, as -test.run does.
	caughtBy string
}

// mutants are the mistakes that the tests must catch. In the mistaken text, ON
// stands for the question whether the mutant is the chosen one. All are compiled
// into one binary; the source that ships has none of it.
var mutants = map[string]mutant{
	"files are not synced": {"failstop.go",
		`func (f *failStopFile) SyncData() error { return f.ended(f.File.SyncData()) }`,
		`func (f *failStopFile) SyncData() error { if ON { return nil }; return f.ended(f.File.SyncData()) }`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"folders are not synced": {"failstop.go",
		`func (f *failStopFile) Sync() error { return f.ended(f.File.Sync()) }`,
		`func (f *failStopFile) Sync() error { if info, err := f.File.Stat(); ON && err == nil && info.IsDir() { return nil }; return f.ended(f.File.Sync()) }`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"the folders above are not synced": {"recover.go",
		`		return nil, syncAncestors(files, dir)`,
		`		if ON { return nil, nil }; return nil, syncAncestors(files, dir)`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"an answer comes before the sync": {"sequencer.go",
		`			q.sync(rd)`,
		`			if ON { q.store.heads.put(rd.streams); q.store.mark.advance(rd.pos, rd.streams); rd.answer(); rd.requests = nil }
			q.sync(rd)`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"an answer comes before the write": {"sequencer.go",
		`		rd.err = q.hand(rd.batch)`,
		`		if ON { rd.answer(); rd.requests = nil }
		rd.err = q.hand(rd.batch)`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"readers see what is not on the disk": {"watermark.go",
		`func (w *watermark) position() int64 { return w.durable.Load() }`,
		`func (w *watermark) position() int64 { if ON { return 1<<62 }; return w.durable.Load() }`,
		`^TestNothingIsShownBeforeItIsDurable$`},
	"checksums of records are not looked at": {"record.go",
		`	if recordChecksum(body, pos) != binary.BigEndian.Uint32(b[len(body):]) {`,
		`	if !ON && recordChecksum(body, pos) != binary.BigEndian.Uint32(b[len(body):]) {`,
		`^TestFlippedBitIsFound$`},
	"checksums of heads are not looked at": {"head.go",
		`	if checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {`,
		`	if !ON && checksum(body) != binary.BigEndian.Uint32(b[len(body):]) {`,
		`^TestFlippedBitInHeadIsFound$`},
	"a repetition is written again": {"expectation.go",
		`		case !known && i == 0:`,
		`		case (!known || ON) && i == 0:`,
		`^TestReopenKeepsEverything$`},
	"ids from before the start are forgotten": {"idmemory.go",
		`			m.join(before.entries)`,
		`			if !ON { m.join(before.entries) }`,
		`^TestReopenKeepsEverything$`},
	"a checkpoint passes what is not finished": {"groupcore.go",
		`	if m := g.source.oldest; m != nil {
		return m.before, m.number - 1`,
		`	if m := g.source.oldest; m != nil && !ON {
		return m.before, m.number - 1`,
		`^TestPowerCut$/^all$/^seed=[1-5]$`},
	"an append is written in two batches": {"round.go",
		`	for _, e := range r.events {
		o.pos = rd.append(s, e)
	}`,
		`	for i, e := range r.events {
		if ON && i > 0 { _ = rd.flush(); _ = rd.q.hand(rd.batch); go rd.batch.SyncWait(); rd.batch = rd.q.store.db.NewBatch() }
		o.pos = rd.append(s, e)
	}`,
		`^TestPowerCut$/^all$/^seed=[1-5]$`},
	"the mark runs ahead of the disk": {"recover.go",
		`		durable := s.mark.position()`,
		`		durable := s.mark.position(); if ON { durable += 50_000 }`,
		`^TestPowerCut$/^all$/^seed=[1-4]$`},
	"the clean mark outlives the start": {"recover.go",
		`	return m, writeMark(files, dir, running)`,
		`	if ON { return m, nil }; return m, writeMark(files, dir, running)`,
		`^TestCrashAfterACleanStop$`},
	"files are not held against the clean stop": {"recover.go",
		`	err = checkCatalogue(files, dir, m.Files, func(file string, err error) {`,
		`	err = checkCatalogue(files, dir, m.Files, func(file string, err error) { if ON { return }`,
		`^TestFilesAreHeldAgainstTheCleanStop$`},
	"a damaged manifest is taken as it is": {"enginefiles.go",
		`	if damaged {`,
		`	if damaged && !ON {`,
		`^TestMarkAndLogBelongTogether$`},
	"an end before the mark is taken for the end": {"recover.go",
		`	case s.last < m.Position:`,
		`	case s.last < m.Position && !ON:`,
		`^TestMarkAndLogBelongTogether$`},
	"holes are not looked for": {"audit.go",
		`a.before >= a.whole && begins != a.before {`,
		`a.before >= a.whole && begins != a.before && !ON {`,
		`^TestHoleInTheLogIsFound$`},
	"nothing is verified after a crash": {"recover.go",
		`		return newAudit(s, refuseFirst).since(m.Flushed)`,
		`		if ON { return nil }; return newAudit(s, refuseFirst).since(m.Flushed)`,
		`^TestHoleInTheLogIsFound$`},
	"a failed sync is survived": {"failstop.go",
		`	if err != nil {
		f.log.Fatal(`,
		`	if err != nil && !ON {
		f.log.Fatal(`,
		`^TestAnyFailedSyncEndsTheProcess$`},
	"damage in a table is told as something else": {"store.go",
		`	if pebble.IsCorruptionError(err) {
		return corrupt(what, err)`,
		`	if pebble.IsCorruptionError(err) && !ON {
		return corrupt(what, err)`,
		`^TestDamagedBlockIsToldToClients$`},
	"positions start anew": {"open.go",
		`	s.last = pos
	r, damage`,
		`	s.last = pos; if ON { s.last = pos / 2 }
	r, damage`,
		`^TestReopenKeepsEverything$`},
	"two nodes share a folder": {"open.go",
		`	return nil, fmt.Errorf("%s: %w", dir, ErrLocked)`,
		`	if ON { return nil, nil }; return nil, fmt.Errorf("%s: %w", dir, ErrLocked)`,
		`^TestFolderHasOneNode$`},
}

// suites are the checks whose counts the race detector would make too long. They
// run in the binary that has the mutants, with none chosen, which also shows
// that the mutants alone make the difference.
const suites = `^(TestPowerCut|TestFlippedBitsInFilesAreNeverSilent|TestDamagedFilesAreNeverSilent|TestEveryDiskCallMayFail|` +
	`TestNothingIsAcknowledgedAfterAFailedSync|TestDiskRunsFull|TestKilledUnderLoad|TestAppendsAndReadsAreLinearizable|` +
	`TestScavengeEndsTheSameAfterAnyPowerCut|TestPowerCutWhileScavenging|TestBackupEndsTheSameAfterAnyPowerCut|TestBackupToAFailingDisk)$`

// A test that cannot fail proves nothing: for each mistake of the list there is
// one that catches it.
func TestEveryMistakeIsCaught(t *testing.T) {
	if os.Getenv(chosenMutant) != "" {
		t.Fatal("the mutants would breed")
	}
	binary := buildMutants(t)
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		run := suites
		if !raceDetector { // they have run by themselves
			run = "^TestCrashAfterACleanStop$"
		}
		if out, err := runMutant(t, binary, "none", run); err != nil {
			t.Errorf("without a mistake: %v\n%s", err, tail(out))
		}
	})
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each is a process of its own
			out, err := runMutant(t, binary, name, m.caughtBy)
			if err == nil {
				t.Errorf("%s does not catch it\n%s", m.caughtBy, tail(out))
			} else if !regexp.MustCompile(`(?m)^ *--- FAIL: Test`).Match(out) {
				t.Errorf("it broke %s instead of failing it: %v\n%s", m.caughtBy, err, tail(out))
			}
		})
	}
}

func tail(out []byte) []byte { return out[max(0, len(out)-4000):] }

func runMutant(t *testing.T, binary, name, run string) ([]byte, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "-test.run="+run, "-test.timeout=10m")
	cmd.Env = append(os.Environ(), chosenMutant+"="+name)
	return cmd.CombinedOutput()
}

// buildMutants compiles the tests with every mutant in place, none of them
// chosen yet.
func buildMutants(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]string{}
	for name, m := range mutants {
		if _, read := sources[m.file]; !read {
			b, err := os.ReadFile(m.file)
			if err != nil {
				t.Fatal(err)
			}
			sources[m.file] = string(b)
		}
		if n := strings.Count(sources[m.file], m.old); n != 1 {
			t.Fatalf("%q: its place is %d times in %s; bring the mutant up to date:\n%s", name, n, m.file, m.old)
		}
		chosen, _ := json.Marshal(name)
		sources[m.file] = strings.Replace(sources[m.file], m.old, strings.ReplaceAll(m.mistaken, "ON", "mutantChosen("+string(chosen)+")"), 1)
	}
	sources["mutant_chosen.go"] = "package eventnode\n\nimport \"os\"\n\nvar chosenName = os.Getenv(\"" + chosenMutant +
		"\")\n\nfunc mutantChosen(name string) bool { return name == chosenName }\n"
	replace := map[string]string{}
	for file, source := range sources {
		path := filepath.Join(dir, file)
		replace[filepath.Join(here, file)] = path
		if err := os.WriteFile(path, []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "mutants.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay="+filepath.Join(dir, "overlay.json"), "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, tail(out))
	}
	return binary
}
