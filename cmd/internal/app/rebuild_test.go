package app

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/adapters/postgres"
)

// unchanged reports what a rebuild would change.
func (h *house) unchanged() {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // also while the test ends
	defer cancel()
	if err := h.CatchUp(ctx, nil); err != nil {
		h.t.Error(err)
		return
	}
	differences, err := h.CheckModels(ctx, nil)
	if err != nil || len(differences) > 0 {
		h.t.Errorf("the live read models differ from a rebuild: %v %v", differences, err)
	}
}

// seconds adds up what a work record worked today.
func (h *house) seconds(work uuid.UUID) (sum time.Duration) {
	h.t.Helper()
	day := time.Now().UTC()
	view, err := h.HoursOfWork(h.t.Context(), work, day.AddDate(0, 0, -2).Format(time.DateOnly), day.Format(time.DateOnly))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range view.Days {
		for _, i := range d.Intervals {
			sum += i.End.Sub(i.Start)
		}
	}
	return sum
}

// A release comes whose hours mean something else. It opens at once, answers from
// the old hours while it makes the new ones, and from those after the switch;
// cases wait so long, and who insists on what was just written waits too.
func TestAReadModelOfAnotherReleaseIsRebuiltWhileTheOldOneAnswers(t *testing.T) {
	set := &traps{}
	h := openHouse(t, func(h *house) { h.fault = set.fault })
	who := h.register("Ada Example")
	now := h.clock()
	in, out := punchEntry(who.WorkID, now.Add(-8*time.Hour)), punchEntry(who.WorkID, now.Add(-2*time.Hour))
	out.Direction = "out"
	for _, p := range []httpapi.PunchEntry{in, out} {
		if _, err := h.RecordPunch(t.Context(), h.intent(h.as(httpapi.RoleHR)), p); err != nil {
			t.Fatal(err)
		}
	}
	h.caughtUp()
	if got := h.seconds(who.WorkID); got != 6*time.Hour {
		t.Fatalf("worked %s", got)
	}
	// The older release counted an hour less.
	h.onModels(`UPDATE read.work_interval SET end_at = end_at - interval '1 hour'`, `UPDATE read.checkpoint SET version = version - 1 WHERE projection = 'hours'`)
	h.close()

	reached, release := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	t.Cleanup(goOn)
	set.at("rebuild", func() { close(reached); <-release })
	h.open()
	<-reached
	if got := h.seconds(who.WorkID); got != 5*time.Hour {
		t.Errorf("while it is rebuilt the old model says %s", got)
	}
	newcomer := h.register("Ben Example") // the models of this release follow the log meanwhile
	until(t, func() bool { return h.followsLog(t.Context()) == nil })
	if people, err := h.FindPerson(t.Context(), h.as(httpapi.RoleHR), newcomer.PersonID.String()); err != nil || len(people) != 1 {
		t.Errorf("%d newcomers: %v", len(people), err)
	}
	for _, check := range h.Checks(t.Context()) {
		if !check.OK {
			t.Errorf("not ready: %+v", check)
		}
	}
	reader, err := Attach(t.Context(), Config{Data: h.data, Clock: h.clock, Random: h.random})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.CatchUp(t.Context(), nil); !errors.Is(err, errRenewing) {
		t.Errorf("a command that joins says %v", err)
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	goOn()
	h.caughtUp()
	if got := h.seconds(who.WorkID); got != 6*time.Hour {
		t.Errorf("after the switch the new model says %s", got)
	}
	h.unchanged()
	h.certified(h.assessedAndApproved(newcomer.PersonID))
}

func (h *house) assessedAndApproved(person uuid.UUID) uuid.UUID {
	h.t.Helper()
	id := h.assessed(person)
	if err := h.approval(id); err != nil {
		h.t.Fatal(err)
	}
	return id
}

// What is appended while a rebuild reads, and after it has come to the end of the
// log, is in the new tables when it returns, although no later page asks for it.
func TestARebuildLosesNothingThatIsAppendedMeanwhile(t *testing.T) {
	h := openHouse(t)
	h.register("Ada Example")
	for range 2 {
		var late uint64
		progress := func(postgres.Progress) { // what was read has come to its end by now
			late = h.register("Ada Example").Position
			h.caughtUp()
		}
		if _, err := h.Rebuild(t.Context(), progress); err != nil {
			t.Fatal(err)
		}
		if at, _, err := h.models.Position(t.Context()); err != nil || at < late {
			t.Errorf("the new tables stand at %d and lack %d: %v", at, late, err)
		}
		h.caughtUp()
	}
}
