package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// rollSaid is what the commands say about a session.
type rollSaid struct {
	Session  string `json:"session"`
	Starts   string `json:"starts_local"`
	Reason   string `json:"reason"`
	Students []struct {
		WorkID string `json:"work_id"`
		State  string `json:"state"`
		Late   int    `json:"late_minutes"`
		Marks  []struct {
			Mark     string `json:"mark"`
			State    string `json:"state"`
			Corrects string `json:"corrects"`
			Reason   string `json:"reason"`
			Counts   bool   `json:"counts"`
		} `json:"marks"`
	} `json:"students"`
}

func (r rollSaid) states() string {
	var states []string
	for _, s := range r.Students {
		states = append(states, fmt.Sprintf("%s %d", s.State, s.Late))
	}
	return strings.Join(states, ", ")
}

// school works on a class in a folder with two students.
type school struct {
	*desk
	class    string
	ada, bo  string // work ids
	sessions []rollSaid
}

func (s *school) classes(args ...string) answer {
	s.t.Helper()
	return tracekeep(s.t, append(append([]string{"classes"}, args...), "--data", s.data)...)
}

func (s *school) refused(words string, args ...string) {
	s.t.Helper()
	if a := s.classes(args...); a.code != exitFailed || !strings.Contains(a.err, words) {
		s.t.Errorf("%v: exit code %d, %s; want a refusal with %q", args, a.code, a.err, words)
	}
}

// TestAClassIsKeptAndItsAttendanceMarkedAndCorrected takes a class from its definition
// over enrolments and a timetable to marks and corrections, and one of its students to
// an erasure. The read models are compared with a rebuild at the end.
//
// promise: TC-27
func TestAClassIsKeptAndItsAttendanceMarkedAndCorrected(t *testing.T) {
	atDesk(t, func(d *desk) {
		other, err := d.a.RegisterPerson(t.Context(), d.intent(), httpapi.Registration{LegalName: eventschema.Clear("Bo Example"), ReceivedAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		s := &school{desk: d, ada: d.person.WorkID.String(), bo: other.WorkID.String()}
		s.defined()
		s.enrolled()
		s.planned()
		s.marked()
		s.corrected()
		s.withdrawn()
		s.erased()
	})
}

func (s *school) defined() {
	define := []string{"define", "--id", "chem-1", "--title", "Basic Chemistry", "--code", "BCHEM-1", "--site", "main", "--zone", "Europe/Vienna", "--starts-on", "2025-09-01", "--json"}
	said := one[struct {
		Class   string `json:"class"`
		Changed bool   `json:"changed"`
	}](s.classes(define...), s.t)
	if s.class = said.Class; !said.Changed {
		s.t.Errorf("%+v", said)
	}
	if again := s.classes(define...).ok(s.t).out; !strings.Contains(again, s.class) || !strings.Contains(again, `"changed":false`) {
		s.t.Errorf("defined again: %s", again)
	}
	s.refused("end is not before its beginning", append(define, "--ends-on", "2025-08-01")...)
}

func (s *school) enrolled() {
	for _, work := range []string{s.ada, s.bo} {
		s.classes("enrol", "--class", s.class, "--work", work, "--from", "2025-09-01").ok(s.t)
	}
	if again := s.classes("enrol", "--class", s.class, "--work", s.bo, "--from", "2025-09-01").ok(s.t).out; !strings.Contains(again, "nothing to change") {
		s.t.Errorf("enrolled twice: %s", again)
	}
	s.refused("no work record", "enrol", "--class", s.class, "--work", uuid.NewString(), "--from", "2025-09-01")
	s.refused("no such class", "enrol", "--class", uuid.NewString(), "--work", s.ada, "--from", "2025-09-01")
	if listed := s.classes("list", "--on", "2025-10-27", "--json").ok(s.t).out; !strings.Contains(listed, `"students":2`) {
		s.t.Errorf("listed: %s", listed)
	}
	roll := s.classes("roll", "--class", s.class).ok(s.t).out
	for _, must := range []string{"Ada Example", "Bo Example", s.ada, "student", "2025-09-01"} {
		if !strings.Contains(roll, must) {
			s.t.Errorf("the roll does not say %s:\n%s", must, roll)
		}
	}
}

// planned plans four sessions across a change of the clocks.
func (s *school) planned() {
	plan := s.classes("plan", "--class", s.class, "--start", "2025-10-22 09:00", "--end", "2025-10-22 09:45", "--repeat", "mon,wed", "--until", "2025-11-03", "--json").ok(s.t)
	for line := range strings.Lines(plan.out) {
		var said rollSaid
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			s.t.Fatal(err)
		}
		s.sessions = append(s.sessions, said)
	}
	if len(s.sessions) != 4 || s.sessions[1].Starts != "2025-10-27 09:00" || !strings.Contains(plan.out, "2025-10-22T07:00:00Z") || !strings.Contains(plan.out, "2025-10-27T08:00:00Z") {
		s.t.Fatalf("planned: %s", plan.out)
	}
	s.refused("meets at that time already", "plan", "--class", s.class, "--start", "2025-10-27 09:30", "--end", "2025-10-27 10:15")
	s.classes("cancel", "--class", s.class, "--session", s.sessions[2].Session, "--reason", "power_cut").ok(s.t)
	anew := one[rollSaid](s.classes("plan", "--class", s.class, "--start", "2025-10-29 09:00", "--end", "2025-10-29 09:50", "--json"), s.t)
	if anew.Session == s.sessions[2].Session {
		s.t.Errorf("a session that was called off is planned again as itself: %+v", anew)
	}
	s.sessions[2] = anew
	s.refused("ends at another time", "plan", "--class", s.class, "--start", "2025-10-29 09:00", "--end", "2025-10-29 09:45")
	s.refused("has not begun by then", "plan", "--class", s.class, "--start", "2025-08-25 09:00", "--end", "2025-08-25 09:45")
	s.classes("cancel", "--class", s.class, "--session", s.sessions[3].Session, "--reason", "teachers_day").ok(s.t)
}

// mark marks students of the n-th session.
func (s *school) mark(n int, args ...string) rollSaid {
	s.t.Helper()
	return one[rollSaid](s.classes(append([]string{"mark", "--class", s.class, "--session", s.sessions[n].Session, "--json"}, args...)...), s.t)
}

func (s *school) marked() {
	if said := s.mark(0, "--mark", s.ada+"=absent", "--others", "present"); len(said.Students) != 2 || !strings.Contains("absent 0, present 0; present 0, absent 0", said.states()) {
		s.t.Errorf("marked: %+v", said)
	}
	s.mark(1, "--mark", s.ada+"=late:7")
	s.refused("cancelled", "mark", "--class", s.class, "--session", s.sessions[3].Session, "--mark", s.ada+"=present")
	s.refused("fewer than the session has", "mark", "--class", s.class, "--session", s.sessions[1].Session, "--mark", s.bo+"=late:45")
	s.refused("no such session", "mark", "--class", s.class, "--session", uuid.NewString(), "--mark", s.ada+"=present")
	if usage := s.classes("mark", "--class", s.class, "--session", s.sessions[1].Session, "--mark", s.ada); usage.code != exitUsage {
		s.t.Errorf("a mark without a state: %+v", usage)
	}
}

func (s *school) corrected() {
	s.refused("a correction needs its reason", "mark", "--class", s.class, "--session", s.sessions[0].Session, "--mark", s.ada+"=late:10")
	before := time.Now().UTC().Format(time.RFC3339Nano)
	said := s.mark(0, "--mark", s.ada+"=late:10", "--reason", "arrived_after_all")
	for _, student := range said.Students {
		if student.WorkID != s.ada {
			continue
		}
		m := student.Marks
		if len(m) != 2 || m[0].State != "absent" || m[0].Counts || m[1].State != "late" || !m[1].Counts || m[1].Corrects != m[0].Mark || m[1].Reason != "arrived_after_all" || student.Late != 10 {
			s.t.Errorf("corrected: %+v", student)
		}
	}
	text := s.classes("sessions", "--class", s.class, "--from", "2025-10-22", "--to", "2025-11-03").ok(s.t).out
	for _, must := range []string{"late by 10 min", "absent, until ", "arrived_after_all", "not marked", "cancelled (teachers_day)", "Ada Example"} {
		if !strings.Contains(text, must) {
			s.t.Errorf("the sessions do not say %s:\n%s", must, text)
		}
	}
	s.counted()
	then := one[rollSaid](s.classes("sessions", "--class", s.class, "--session", s.sessions[0].Session, "--known-at", before, "--json"), s.t)
	if !strings.Contains(then.states(), "absent 0") || strings.Contains(then.states(), "late") {
		s.t.Errorf("before the correction was known: %+v", then)
	}
}

// counted adds ada's marks up, by the rules without a file and by those of a school.
func (s *school) counted() {
	rules := filepath.Join(s.t.TempDir(), "ours.yaml")
	for text, want := range map[string]map[string]float64{
		"": {"sessions": 3, "cancelled": 2, "late": 2, "late_minutes": 17, "not_marked": 1, "attended": 2, "missed": 0, "attended_per_mille": 1000, "counting_version": 1},
		"version: 7\nexcused: missed\nmissed_from_minutes: 10\n": {"too_late": 1, "attended": 1, "missed": 1, "attended_per_mille": 500, "counting_version": 7},
	} {
		args := []string{"attendance", "--class", s.class, "--work", s.ada, "--json"}
		if text != "" {
			if err := os.WriteFile(rules, []byte(text), 0o600); err != nil {
				s.t.Fatal(err)
			}
			args = append(args, "--counting", rules)
		}
		said := one[map[string]any](s.classes(args...), s.t)
		for figure, n := range want {
			if said[figure] != n {
				s.t.Errorf("by %q, %s is %v, want %v", text, figure, said[figure], n)
			}
		}
	}
	if err := os.WriteFile(rules, []byte("version: 1\nexcused: half\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if a := s.classes("attendance", "--class", s.class, "--counting", rules); a.code != exitUsage || !strings.Contains(a.err, "left_out, attended or missed") {
		s.t.Errorf("rules that say nothing: %+v", a)
	}
}

func (s *school) withdrawn() {
	s.classes("withdraw", "--class", s.class, "--work", s.bo, "--on", "2025-10-29", "--reason", "moved").ok(s.t)
	s.refused("not enrolled", "mark", "--class", s.class, "--session", s.sessions[2].Session, "--mark", s.bo+"=present")
	s.mark(1, "--mark", s.bo+"=excused") // of a day on which he was still there
	if roll := s.classes("roll", "--class", s.class, "--on", "2025-10-29", "--json").ok(s.t).out; strings.Contains(roll, s.bo) || !strings.Contains(roll, s.ada) {
		s.t.Errorf("the roll of a day after: %s", roll)
	}
}

func (s *school) erased() {
	of, leaf := s.erase()
	want := fmt.Sprintf("[erased: case %s, certificate of leaf %v]", of, leaf)
	for _, question := range [][]string{{"roll", "--class", s.class}, {"roll", "--work", s.ada}, {"sessions", "--class", s.class}} {
		if said := s.classes(question...).ok(s.t).out; !strings.Contains(said, want) || strings.Contains(said, "Ada Example") {
			s.t.Errorf("%v does not say %s:\n%s", question, want, said)
		}
	}
	s.refused("erased under case", "mark", "--class", s.class, "--session", s.sessions[2].Session, "--mark", s.ada+"=present")
}
