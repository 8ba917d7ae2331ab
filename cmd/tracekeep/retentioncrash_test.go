package main

import (
	"os"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// retentionPoints are the points that the release of a work record comes by and
// an erasure does not; with TRACEKEEP_NIGHT=1 also those around the destruction.
func retentionPoints() []string {
	points := []string{"case released", string(eventschema.StepDestroy) + " done"}
	if os.Getenv("TRACEKEEP_NIGHT") == "1" {
		points = []string{"case released"}
		for _, place := range []string{" intended", " done", " recorded"} {
			points = append(points, string(eventschema.StepDestroy)+place)
		}
	}
	points = append(points, string(eventschema.StepExpire)+" intended", "stream ended", "stream listed")
	return append(points, string(eventschema.StepExpire)+" done", string(eventschema.StepExpire)+" recorded")
}

// TestKilledAnywhereAnExpiryEndsTheSame kills the process that releases a batch and
// ends the streams of a work record, at one point after the other, and lets the last
// go on: there is one certificate, every answer says erased, the trail verifies, and
// a scavenge changes none of it.
//
// promise: I7
// promise: ST-36
func TestKilledAnywhereAnExpiryEndsTheSame(t *testing.T) {
	data := founded(t)
	clock, people := clockFiles(t, 2, 1)
	tracekeep(t, "import", "--json", "--data", data, "--zone", "Asia/Manila", "--file", clock, "--people", people).ok(t)
	c := crashCase{t: t, data: data, officer: uuid.NewString(), approver: uuid.NewString()}
	person := uuid.MustParse(c.people()[0])
	var record uuid.UUID
	withFolder(t, data, func(a *app.App) {
		view, err := a.Person(t.Context(), operator(a), person)
		if err != nil {
			t.Fatal(err)
		}
		if record, err = app.WorkIDOf(view); err != nil {
			t.Fatal(err)
		}
		closure := httpapi.PersonClosure{PersonID: person, ClosedAt: time.Now(), Reason: "left"}
		if _, err := a.ClosePerson(t.Context(), httpapi.Intent{Principal: operator(a), Key: uuid.NewString()}, closure); err != nil {
			t.Fatal(err)
		}
		if err := a.CatchUp(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Setenv(clockAhead, (8 * 366 * 24 * time.Hour).String())
	c.ends(c.command("retention", "due"))
	var batch struct {
		Batch string `json:"batch"`
		Cases int    `json:"cases"`
	}
	answer{out: c.ends(c.command("retention", "submit", "--officer", c.officer, "--json"))}.last(t, &batch)
	if batch.Cases != 2 { // the account and the work record
		t.Fatalf("%d cases are due", batch.Cases)
	}
	approve := c.command("retention", "approve", "--batch", batch.Batch, "--officer", c.approver, "--json")
	for _, point := range retentionPoints() {
		c.dies(approve, point)
	}
	c.ends(approve)
	check := func(stage string) {
		t.Helper()
		var hours struct {
			Record personalJSON `json:"record"`
		}
		asked := c.command("query", "hours", "--person", record.String(), "--from", "2000-01-01", "--to", "2040-01-01", "--json")
		answer{out: c.ends(asked)}.last(t, &hours)
		if hours.Record.State != eventschema.StateErased || hours.Record.CertificateLeaf == nil {
			t.Errorf("%s: hours say %+v", stage, hours)
		}
		c.ends(c.command("verify"))
		c.ends(c.command("rebuild", "--check"))
	}
	check("before the scavenge")
	c.ends([]string{"eventstore", "scavenge", "--data", data})
	check("after the scavenge")
	var replayed app.Replayed
	answer{out: c.ends(c.command("replay", "--json"))}.last(t, &replayed)
	if got := replayed.ByType["records-expired.v1"]; got != 1 || replayed.ByType["erasure-certified.v2"] != 2 {
		t.Errorf("%d expiries, %d certificates", got, replayed.ByType["erasure-certified.v2"])
	}
}
