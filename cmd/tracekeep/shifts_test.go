package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/domain/assignment"
	"tracekeep/eventschema"
)

// rosterSaid is what the commands say about a shift.
type rosterSaid struct {
	Shift    string `json:"shift"`
	State    string `json:"state"`
	Assigned int    `json:"assigned"`
	Starts   string `json:"starts_local"`
	People   []struct {
		WorkID     string `json:"work_id"`
		State      string `json:"state"`
		Rank       int    `json:"rank"`
		Strategy   string `json:"strategy"`
		Attendance string `json:"attendance"`
	} `json:"people"`
}

func (r rosterSaid) state(work string) string {
	for _, p := range r.People {
		if p.WorkID == work {
			return p.State
		}
	}
	return ""
}

// planner works on the roster of a served folder, at a moment of its choice.
type planner struct {
	office
	now           time.Time
	ada, bob, eve string // work ids
}

func (p planner) at(now time.Time) planner {
	p.now = now
	return p
}

func (p planner) says(args ...string) answer {
	p.t.Helper()
	var out, errors bytes.Buffer
	code := run(p.t.Context(), append(args, "--data", p.data), &terminal{out: &out, err: &errors, clock: func() time.Time { return p.now }, random: rand.Reader})
	return answer{code: code, out: out.String(), err: errors.String()}
}

func (p planner) shifts(args ...string) answer {
	p.t.Helper()
	return p.says(append([]string{"shifts"}, args...)...)
}

// plan plans a shift by local time in Manila and answers its id.
func (p planner) plan(kind, employer string, start, end time.Time, headcount int) string {
	p.t.Helper()
	planned := p.shifts("plan", "--kind", kind, "--employer", employer, "--site", "gate_1", "--zone", "Asia/Manila", "--start", start.Format(assignment.LocalLayout),
		"--end", end.Format(assignment.LocalLayout), "--headcount", fmt.Sprint(headcount), "--officer", p.first, "--json")
	return one[rosterSaid](planned, p.t).Shift
}

// refused wants that a step is refused with these words.
func (p planner) refused(words string, args ...string) {
	p.t.Helper()
	if a := p.shifts(args...); a.code != exitFailed || !strings.Contains(a.err, words) {
		p.t.Errorf("%v: exit code %d, %s; want a refusal with %q", args, a.code, a.err, words)
	}
}

// TestTheLifeOfAShift takes shifts from the plan over offers, bids and swaps to the
// attendance that real punches show, on one folder that is served meanwhile.
//
// promise: ST-08
// promise: OT-34
// promise: OT-35
// promise: OT-36
// promise: OT-37
// promise: OT-38
func TestTheLifeOfAShift(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 3, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	zero := time.Duration(0)
	p := planner{office: office{t: t, data: data, first: uuid.NewString(), second: uuid.NewString()}}
	serving(t, dataFlags{Data: data, CoolingOff: &zero, ErasuresPerDay: 20}, func() {
		start, end := p.onePersonsDay()
		early := p.at(start.AddDate(0, 0, -20))
		shift := early.offeredAndSwapped(start, end)
		early.bidAndReleased(start.AddDate(0, 0, 3))
		early.moved(start.AddDate(0, 0, 6))
		early.repeated()
		early.followed()
		p.at(time.Now()).attended(shift, start)
		p.at(start.AddDate(0, 0, -19)).overtaken(start.AddDate(0, 0, 10))
	})
}

// onePersonsDay finds three work records and a day that one of them worked.
func (p *planner) onePersonsDay() (start, end time.Time) {
	p.now = time.Now()
	var works []string
	for line := range strings.Lines(p.says("query", "hours", "--from", "2025-01-06", "--to", "2025-02-28", "--json").ok(p.t).out) {
		var worker struct {
			WorkID string `json:"work_id"`
		}
		if err := json.Unmarshal([]byte(line), &worker); err != nil {
			p.t.Fatal(err)
		}
		works = append(works, worker.WorkID)
	}
	if len(works) != 3 {
		p.t.Fatalf("%d work records", len(works))
	}
	p.ada, p.bob, p.eve = works[0], works[1], works[2]
	manila, err := time.LoadLocation("Asia/Manila")
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(p.says("query", "hours", "--from", "2025-01-20", "--to", "2025-02-28", "--person", p.ada, "--json").ok(p.t).out) {
		var day struct {
			Intervals []httpapi.IntervalView `json:"intervals"`
		}
		if err := json.Unmarshal([]byte(line), &day); err != nil {
			p.t.Fatal(err)
		}
		if n := len(day.Intervals); n > 0 {
			start, end = day.Intervals[0].Start.In(manila).Truncate(time.Minute), day.Intervals[n-1].End.In(manila).Truncate(time.Minute)
			if end.Sub(start) > 4*time.Hour {
				return start, end
			}
		}
	}
	p.t.Fatal("nobody worked")
	return start, end
}

// offeredAndSwapped offers a shift by seniority; one takes it, one declines, the
// place of a third moves to the one who declined.
func (p planner) offeredAndSwapped(start, end time.Time) (shift string) {
	t := p.t
	shift = p.plan("duty", "agency", start, end, 2)
	if again := p.plan("duty", "agency", start, end, 2); again != shift {
		t.Errorf("planned twice: %s and %s", shift, again)
	}
	p.refused("another shift is planned already", "plan", "--kind", "duty", "--employer", "agency", "--site", "gate_1", "--zone", "Asia/Manila",
		"--start", start.Format(assignment.LocalLayout), "--end", end.Add(time.Hour).Format(assignment.LocalLayout), "--headcount", "2", "--officer", p.first)
	candidates := filepath.Join(t.TempDir(), "candidates.jsonl")
	lines := fmt.Sprintf("{\"work_id\":%q,\"seniority\":3}\n{\"work_id\":%q,\"seniority\":1}\n{\"work_id\":%q,\"seniority\":2}\n", p.eve, p.ada, p.bob)
	if err := os.WriteFile(candidates, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	offered := one[rosterSaid](p.shifts("offer", "--shift", shift, "--strategy", "seniority", "--candidates", candidates, "--respond-by", start.Add(-time.Hour).Format(time.RFC3339),
		"--officer", p.first, "--json"), t)
	if offered.State != "offered" || len(offered.People) != 2 || offered.People[0].WorkID != p.ada || offered.People[0].Rank != 1 || offered.People[1].WorkID != p.bob {
		t.Errorf("offered by seniority: %+v", offered)
	}
	p.refused("was not offered to this person", "accept", "--shift", shift, "--work", p.eve)
	if said := one[rosterSaid](p.shifts("accept", "--shift", shift, "--work", p.ada, "--json"), t); said.Assigned != 1 || said.state(p.ada) != "assigned" {
		t.Errorf("accepted: %+v", said)
	}
	p.shifts("decline", "--shift", shift, "--work", p.bob, "--reason", "family").ok(t)
	detail := p.plan("detail", "customer_0042", start.Add(time.Hour), end.Add(time.Hour), 1)
	p.refused("double_booked", "assign", "--shift", detail, "--work", p.ada, "--officer", p.first)
	close := p.plan("detail", "customer_0042", end.Add(4*time.Hour), end.Add(8*time.Hour), 1)
	p.refused("short_rest (240 of 480)", "assign", "--shift", close, "--work", p.ada, "--officer", p.first)
	p.refused("no work record", "assign", "--shift", detail, "--work", uuid.NewString(), "--officer", p.first)
	p.shifts("assign", "--shift", shift, "--work", p.eve, "--officer", p.first).ok(t)
	swap := one[struct {
		Swap string `json:"swap"`
	}](p.shifts("swap", "request", "--shift", shift, "--from", p.eve, "--to", p.bob, "--json"), t).Swap
	p.refused("has not agreed", "swap", "approve", "--shift", shift, "--swap", swap, "--officer", p.first)
	p.shifts("swap", "agree", "--shift", shift, "--swap", swap, "--work", p.bob).ok(t)
	said := one[rosterSaid](p.shifts("swap", "approve", "--shift", shift, "--swap", swap, "--officer", p.first, "--json"), t)
	if said.State != "filled" || said.state(p.bob) != "assigned" || said.state(p.eve) != "swapped_away" {
		t.Errorf("swapped: %+v", said)
	}
	p.refused("is not over yet", "complete", "--shift", shift, "--officer", p.first)
	p.besideIt(start)
	return shift
}

// besideIt gives somebody who is on a shift a task in the same hours: it conflicts
// with nothing, nothing conflicts with it, and it is closed without attendance.
func (p planner) besideIt(start time.Time) {
	t := p.t
	task := p.plan("task", "agency", start, start.AddDate(0, 0, 10), 1)
	if said := one[rosterSaid](p.shifts("assign", "--shift", task, "--work", p.ada, "--officer", p.first, "--json"), t); said.State != "filled" {
		t.Errorf("a task: %+v", said)
	}
	caps := p.says("query", "caps", "--zone", "Asia/Manila", "--on", start.AddDate(0, 0, 8).Format(time.DateOnly), "--json").ok(t).out
	if strings.Contains(caps, p.ada) {
		t.Errorf("a task takes up time:\n%s", caps)
	}
	done := one[rosterSaid](p.shifts("complete", "--shift", task, "--rating", p.ada+"=meets", "--officer", p.first, "--json"), t)
	if done.State != "completed" || len(done.People) != 1 || done.People[0].Attendance != "none" {
		t.Errorf("a task that is done: %+v", done)
	}
}

// measured asks how somebody did on what began on one day, which no roster says.
func (p planner) measured(work string, day time.Time, want map[string]int64) {
	t := p.t
	t.Helper()
	date := day.Format(time.DateOnly)
	args := []string{"query", "performance", "--person", work, "--from", date, "--to", date, "--zone", "Asia/Manila"}
	measured := one[struct {
		Figures []struct {
			Name  string `json:"name"`
			Value int64  `json:"value"`
		} `json:"figures"`
	}](p.says(append(args, "--json")...), t)
	found := 0
	for _, f := range measured.Figures {
		if value, asked := want[f.Name]; asked {
			found++
			if value != f.Value {
				t.Errorf("%s of %s is %d, want %d", f.Name, date, f.Value, value)
			}
		}
	}
	if text := p.says(args...).ok(t).out; found != len(want) || !strings.Contains(text, "HOW IT IS COUNTED") {
		t.Errorf("%d of %d figures; %s", found, len(want), text)
	}
}

// bidAndReleased awards one shift to the highest bid; another is released to all,
// taken by the first who answers, and called off.
func (p planner) bidAndReleased(start time.Time) {
	t, end := p.t, start.Add(6*time.Hour)
	respond := start.Add(-time.Hour).Format(time.RFC3339)
	auction := p.plan("detail", "customer_0042", start, end, 1)
	p.shifts("offer", "--shift", auction, "--strategy", "bidding", "--candidate", p.ada, "--candidate", p.bob, "--respond-by", respond, "--officer", p.first).ok(t)
	p.shifts("bid", "--shift", auction, "--work", p.ada, "--points", "10").ok(t)
	p.shifts("bid", "--shift", auction, "--work", p.bob, "--points", "11").ok(t)
	p.refused("is bid for", "accept", "--shift", auction, "--work", p.ada)
	if said := one[rosterSaid](p.shifts("award", "--shift", auction, "--officer", p.first, "--json"), t); said.State != "filled" || said.state(p.bob) != "assigned" {
		t.Errorf("awarded: %+v", said)
	}
	p.explained(auction)
	released := p.plan("detail", "customer_0007", start, end, 1)
	p.shifts("offer", "--shift", released, "--strategy", "release_to_all", "--candidate", p.ada, "--respond-by", respond, "--officer", p.first).ok(t)
	if open := p.shifts("list", "--open", "--json").ok(t).out; !strings.Contains(open, released) || strings.Contains(open, auction) {
		t.Errorf("the open shifts are\n%s", open)
	}
	p.refused("double_booked", "accept", "--shift", released, "--work", p.bob)
	p.shifts("accept", "--shift", released, "--work", p.eve).ok(t)
	p.refused("every place", "accept", "--shift", released, "--work", p.ada)
	if said := one[rosterSaid](p.shifts("cancel", "--shift", released, "--reason", "weather", "--officer", p.first, "--json"), t); said.State != "cancelled" {
		t.Errorf("called off: %+v", said)
	}
}

// attended compares the shift with the punches and closes it.
func (p planner) attended(shift string, start time.Time) {
	t, day := p.t, start.Format(time.DateOnly)
	found := map[string]string{}
	for line := range strings.Lines(p.says("attendance", "--from", day, "--to", day, "--zone", "Asia/Manila", "--json").ok(t).out) {
		var mark struct {
			WorkID     string `json:"work_id"`
			Shift      string `json:"shift"`
			Attendance string `json:"attendance"`
		}
		if err := json.Unmarshal([]byte(line), &mark); err != nil {
			t.Fatal(err)
		}
		if mark.Shift == shift {
			found[mark.WorkID] = mark.Attendance
		}
	}
	if len(found) != 2 || found[p.ada] != "on_time" || found[p.bob] == "" || found[p.bob] == "pending" {
		t.Errorf("attendance is %v", found)
	}
	if text := p.says("attendance", "--from", day, "--to", day, "--zone", "Asia/Manila").ok(t).out; !strings.Contains(text, "on_time") {
		t.Errorf("the table is\n%s", text)
	}
	done := one[rosterSaid](p.shifts("complete", "--shift", shift, "--rating", p.ada+"=meets", "--officer", p.first, "--json"), t)
	for _, person := range done.People {
		if person.State == "assigned" && person.Attendance != found[person.WorkID] {
			t.Errorf("completed: %+v", person)
		}
	}
	if done.State != "completed" {
		t.Errorf("completed: %+v", done)
	}
	p.measured(p.ada, start, map[string]int64{"shifts_completed": 1, "shifts_on_time": 1, "tasks_completed": 1, "tasks_in_time": 1, "rated_meets": 2, "unrated": 0})
	p.measured(p.bob, start, map[string]int64{"shifts_completed": 1, "tasks_assigned": 0, "rated_meets": 0, "unrated": 1})
	if then := p.says("roster", "--from", day, "--to", day, "--zone", "Asia/Manila", "--as-of", start.AddDate(0, 0, -21).Format(time.RFC3339), "--json").ok(t).out; then != "" {
		t.Errorf("before it was planned the roster is\n%s", then)
	}
}

// overtaken assigns one person to two shifts at once, one of them while the other
// is being decided: the one that stands later in the log is taken back.
func (p planner) overtaken(start time.Time) {
	t := p.t
	first, second := p.plan("duty", "agency", start, start.Add(4*time.Hour), 1), p.plan("detail", "customer_0042", start.Add(time.Hour), start.Add(3*time.Hour), 1)
	work := uuid.MustParse(p.ada)
	flags := dataFlags{Data: p.data}
	err := flags.withApp(t.Context(), &terminal{out: os.Stdout, err: os.Stderr, clock: func() time.Time { return p.now }, random: rand.Reader}, false, func(ctx context.Context, a *app.App) error {
		assign := func(shift string, meanwhile func()) error {
			intent := httpapi.Intent{Principal: answering(a, uuid.MustParse(p.first)), Key: uuid.NewString()}
			_, err := a.AdvanceShift(ctx, intent, uuid.MustParse(shift), []app.Known{{WorkID: work}}, func(candidates []assignment.Candidate) assignment.Command {
				meanwhile()
				return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: candidates[0], AssignedAt: p.now, AssignedBy: intent.Principal.ID}
			})
			return err
		}
		late := assign(second, func() {
			if err := assign(first, func() {}); err != nil {
				t.Errorf("the one that overtakes: %v", err)
			}
		})
		var refusal *httpapi.Refusal
		if !errors.As(late, &refusal) || refusal.Code != "double_booked" {
			t.Errorf("the one that is overtaken: %v", late)
		}
		p.overtakenByAMove(ctx, a, start.AddDate(0, 0, 3))
		for shift, want := range map[string]bool{first: true, second: false} {
			view, err := a.Shift(ctx, uuid.MustParse(shift))
			if err != nil || view.Assigned(work) != want {
				t.Errorf("assigned to %s: %t, want %t: %v", eventschema.Hex(view.ShiftID), !want, want, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// overtakenByAMove moves a shift over another one that its person is assigned to
// meanwhile: the move stands earlier in the log, so the assignment is taken back.
func (p planner) overtakenByAMove(ctx context.Context, a *app.App, start time.Time) {
	t, work := p.t, uuid.MustParse(p.eve)
	moved, other := uuid.MustParse(p.plan("duty", "agency", start, start.Add(4*time.Hour), 1)), uuid.MustParse(p.plan("detail", "customer_0042", start.Add(24*time.Hour), start.Add(28*time.Hour), 1))
	intent := func() httpapi.Intent {
		return httpapi.Intent{Principal: answering(a, uuid.MustParse(p.first)), Key: uuid.NewString()}
	}
	assign := func(shift uuid.UUID, meanwhile func()) error {
		_, err := a.AdvanceShift(ctx, intent(), shift, []app.Known{{WorkID: work}}, func(c []assignment.Candidate) assignment.Command {
			meanwhile()
			return assignment.Assign{Policy: assignment.DefaultPolicy(), Candidate: c[0], AssignedAt: p.now, AssignedBy: uuid.MustParse(p.first)}
		})
		return err
	}
	if err := assign(moved, func() {}); err != nil {
		t.Fatal(err)
	}
	at := start.Add(25 * time.Hour)
	times := assignment.Times{Zone: "Asia/Manila", StartsAt: at, EndsAt: at.Add(2 * time.Hour), StartsLocal: at.Format(assignment.LocalLayout), EndsLocal: at.Add(2 * time.Hour).Format(assignment.LocalLayout)}
	late := assign(other, func() {
		if _, off, err := a.RescheduleShift(ctx, intent(), moved, assignment.Reschedule{Times: times, RescheduledAt: p.now}); err != nil || len(off) > 0 {
			t.Errorf("the move that overtakes: %v %v", off, err)
		}
	})
	var refusal *httpapi.Refusal
	if !errors.As(late, &refusal) || refusal.Code != "double_booked" {
		t.Errorf("the assignment that a move overtakes: %v", late)
	}
	for shift, want := range map[uuid.UUID]bool{moved: true, other: false} {
		if view, err := a.Shift(ctx, shift); err != nil || view.Assigned(work) != want {
			t.Errorf("assigned: %t, want %t: %v", !want, want, err)
		}
	}
}
