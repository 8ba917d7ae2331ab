package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const threePeople = "pin,name,email\n1,Canary One,one@example.org\n2,Canary Two,\n3,Canary Three,\n"

func withPeople(o Options, people string) Options {
	o.People = strings.NewReader(people)
	return o
}

// promise: RR-10
func TestBadRowsAreReportedAndGoodOnesKept(t *testing.T) {
	text := good + "garbage\n" + strings.Replace(good, "        1", "        2", 1) + "8\t2026-05-04 08:00:00\t1\t0\t0\t0\n"
	var report bytes.Buffer
	o := withPeople(options(t, text), threePeople+"4,,\n")
	o.Rejects, o.MaxRejects = &report, 1
	sink := newNotebook()
	sum, err := Run(t.Context(), o, sink)
	if err != nil {
		t.Fatal(err)
	}
	if sum.Accepted != 2 || sum.Rejected != 2 || sum.PeopleRejected != 1 || len(sum.Rejects) != 1 || len(sum.PeopleRejects) != 1 {
		t.Errorf("%+v", sum)
	}
	if sum.RejectsByReason[BrokenLine] != 1 || sum.RejectsByReason[UnknownPIN] != 1 {
		t.Errorf("rejects by reason %v", sum.RejectsByReason)
	}
	want := "file,line,reason,message\n" +
		"people,5,bad_name,\"" + BadName.message() + "\"\n" +
		"clock,2,broken_line," + BrokenLine.message() + "\n" +
		"clock,4,unknown_pin," + UnknownPIN.message() + "\n"
	if report.String() != want {
		t.Errorf("report:\n%swant:\n%s", report.String(), want)
	}
}

// promise: RR-10
func TestImportingAgainChangesNothing(t *testing.T) {
	text := good + strings.Replace(good, "08:00", "12:00", 1)
	sink := newNotebook()
	for round, want := range []Summary{{Recorded: 2, PeopleRegistered: 1}, {AlreadyRecorded: 2}} {
		sum, err := Run(t.Context(), withPeople(options(t, text), threePeople), sink)
		if err != nil {
			t.Fatal(err)
		}
		if sum.Recorded != want.Recorded || sum.AlreadyRecorded != want.AlreadyRecorded || sum.PeopleRegistered != want.PeopleRegistered {
			t.Errorf("round %d: %+v", round+1, sum)
		}
	}
}

func TestOnlyPeopleWhoPunchedAreRegistered(t *testing.T) {
	sink := newNotebook()
	sum, err := Run(t.Context(), withPeople(options(t, good+"2\tbroken\t1\t0\n"), threePeople), sink)
	if err != nil {
		t.Fatal(err)
	}
	if len(sink.people) != 1 || sink.people["1"].Name != "Canary One" || sum.PeopleRegistered != 1 || sum.PeopleWithoutPunches != 2 || sum.PeopleInFile != 3 {
		t.Errorf("registered %d, %+v", len(sink.people), sum)
	}
}

func TestEachPINIsAskedForOnce(t *testing.T) {
	o := options(t, strings.Repeat(good, 5)+strings.Repeat("9\t2026-05-04 08:00:00\t1\t0\t0\t0\n", 5))
	o.BatchRows = 2
	sink := newNotebook("1")
	if _, err := Run(t.Context(), o, sink); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(sink.asked, []string{"1", "9"}) {
		t.Errorf("asked for %q", sink.asked)
	}
}

func TestWrongFilesAreNamed(t *testing.T) {
	for rule, c := range map[string]struct {
		clock, people string
		want          error
	}{
		"a people file of another site":                   {clock: good, people: "pin,name\n77,A\n", want: ErrWrongPeopleFile},
		"a people file of another site, people known":     {clock: "5\t2026-05-04 08:00:00\t1\t0\t0\t0\n", people: threePeople, want: ErrWrongPeopleFile},
		"a people file when nobody punched":               {clock: "", people: threePeople},
		"an empty people file says nothing":               {clock: good, people: "pin,name\n"},
		"the people file in the place of the clock file":  {clock: threePeople, want: ErrNotClockFile},
		"something binary in the place of the clock file": {clock: strings.Repeat("\x00\xff\n", 20_000), want: ErrNotClockFile},
		"a clock file in the place of the people file":    {clock: good, people: good, want: ErrNotPeopleFile},
	} {
		t.Run(rule, func(t *testing.T) {
			o := options(t, c.clock)
			if c.people != "" {
				o = withPeople(o, c.people)
			}
			_, err := Run(t.Context(), o, newNotebook("5"))
			if !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
		})
	}
}

func TestNothingPersonalInTheAccount(t *testing.T) {
	text := "canary\t2026-05-04 08:00:00\t1\tcanary\ncanary canary canary\nCanaryPin9\t2026-05-04 08:00:00\t1\t0\n" + good
	var report bytes.Buffer
	o := withPeople(options(t, text), threePeople+"canary-pin,Canary Four,\n5,Canary Five,canary.example.org\n")
	o.Rejects = &report
	sum, err := Run(t.Context(), o, newNotebook())
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(sum)
	if err != nil {
		t.Fatal(err)
	}
	if all := strings.ToLower(string(account) + report.String()); strings.Contains(all, "canary") {
		t.Errorf("the account holds values of a row: %s", all)
	}
	if sum.Rejected != 3 || sum.PeopleRejected != 2 {
		t.Errorf("%d and %d rejected, want 3 and 2", sum.Rejected, sum.PeopleRejected)
	}
}

func TestErrorsOfOthersStopTheImport(t *testing.T) {
	broken := errors.New("broken")
	t.Run("the clock file cannot be read on", func(t *testing.T) {
		o := options(t, "")
		o.Clock = io.MultiReader(strings.NewReader(good), iotest.ErrReader(broken))
		if _, err := Run(t.Context(), o, newNotebook("1")); !errors.Is(err, broken) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("the people file cannot be read on", func(t *testing.T) {
		o := options(t, good)
		o.People = io.MultiReader(strings.NewReader(threePeople), iotest.ErrReader(broken))
		if _, err := Run(t.Context(), o, newNotebook("1")); !errors.Is(err, broken) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("the report of rejected rows cannot be written", func(t *testing.T) {
		o := options(t, "garbage\n"+good)
		o.Rejects = brokenWriter{broken}
		if _, err := Run(t.Context(), o, newNotebook("1")); !errors.Is(err, broken) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("the sink refuses, and the account counts what it took before", func(t *testing.T) {
		sink := newNotebook("1")
		o := options(t, good+strings.Replace(good, "08:00", "09:00", 1)+strings.Replace(good, "08:00", "10:00", 1))
		o.BatchRows = 1
		o.Progress = func(p Progress) {
			if p.Rows == 2 {
				sink.fail = broken
			}
		}
		sum, err := Run(t.Context(), o, sink)
		if !errors.Is(err, broken) || sum.Recorded != 2 || sum.Accepted != 2 || sum.Lines != 2 {
			t.Errorf("error = %v, %+v", err, sum)
		}
	})
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestCancelStopsAnEndlessFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, "")
	n := 0
	o.Clock = readerFunc(func(p []byte) (int, error) { return copy(p, good), nil })
	o.Progress = func(Progress) {
		if n++; n == 3 {
			cancel()
		}
	}
	if _, err := Run(ctx, o, newNotebook("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func TestCancelStopsAnEndlessLine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options(t, "")
	n, endless := 0, newZeros()
	o.Clock = readerFunc(func(p []byte) (int, error) {
		if n++; n == 100 {
			cancel()
		}
		return endless.Read(p)
	})
	if _, err := Run(ctx, o, newNotebook("1")); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want %v", err, context.Canceled)
	}
}

func TestProgressReachesTheEnd(t *testing.T) {
	text := strings.Repeat(good, 25)
	o := options(t, text)
	o.BatchRows = 10
	var seen []Progress
	o.Progress = func(p Progress) { seen = append(seen, p) }
	if _, err := Run(t.Context(), o, newNotebook("1")); err != nil {
		t.Fatal(err)
	}
	size := int64(len(text))
	want := []Progress{{size * 10 / 25, size, 10, 1, 0}, {size * 20 / 25, size, 20, 1, 0}, {size, size, 25, 1, 0}}
	if !slices.Equal(seen, want) {
		t.Errorf("progress %v, want %v", seen, want)
	}
}

func TestEverythingWrongWithOptionsIsSaidAtOnce(t *testing.T) {
	_, err := Run(t.Context(), Options{Station: "../1", Overlap: "guess", BatchRows: -1, MaxRejects: -1}, newNotebook())
	for _, want := range []error{ErrOptions, ErrStation, ErrZone, ErrOverlapChoice} {
		if !errors.Is(err, want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	for _, want := range []string{"clock file", "time of the import", "batch rows", "rejects kept"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if err := (Options{Clock: strings.NewReader(""), Station: "1", Zone: time.Local, Now: today}).Validate(); !errors.Is(err, ErrZone) {
		t.Errorf("the machine's own zone: error = %v", err)
	}
}

func TestStationFromName(t *testing.T) {
	for name, want := range map[string]string{
		"1_attlog.dat": "1", "/media/usb/2_attlog.dat": "2", "CKJ7214860123_ATTLOG.DAT": "CKJ7214860123", "device1_1_attlog.dat": "device1_1",
		"_attlog.dat": "", "attlog.dat": "", "punches.csv": "", "": "", "main gate_attlog.dat": "",
	} {
		got, err := StationFromName(name)
		if want == "" && !errors.Is(err, ErrStation) || want != "" && (err != nil || got != want) {
			t.Errorf("%s: station %q, %v, want %q", name, got, err, want)
		}
	}
}

func TestParseZone(t *testing.T) {
	for name, says := range map[string]string{
		"Asia/Manila": "", "UTC": "", "Etc/GMT+5": "", "America/Argentina/Buenos_Aires": "", "Asia/Calcutta": "",
		"": "Asia/Manila", "Local": "is no place", "local": "is no place", "localtime": "is no place", "right/Asia/Manila": "is no place", "posixrules": "is no place",
		"Manila": "did you mean Asia/Manila?", "asia/manila": "did you mean Asia/Manila?", "Asia/Manilla": "did you mean Asia/Manila?",
		"new york": "did you mean America/New_York?", "Europe/Berlín": "did you mean Europe/Berlin?",
		"Atlantis": "give an IANA name", "../../etc/passwd": "give an IANA name", "+08:00": "give an IANA name", strings.Repeat("x", 10_000): "give an IANA name",
	} {
		loc, err := ParseZone(name)
		if says == "" && (err != nil || loc.String() != name) {
			t.Errorf("%q: %v", name, err)
		}
		if says != "" && (!errors.Is(err, ErrZone) || !strings.Contains(err.Error(), says)) {
			t.Errorf("%q: error = %v, want it to say %q", name, err, says)
		}
	}
	for name := range strings.FieldsSeq(zoneNames) {
		if _, err := ParseZone(name); err != nil {
			t.Errorf("suggested zone: %v", err)
		}
	}
}
