package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// heard is what the read models say of one device and its worker, by counter: what
// was recorded when and how, what is odd about it, what was refused, what is missing.
func (h *house) heard(d *install, work uuid.UUID) []string {
	h.t.Helper()
	var told []string
	for _, p := range h.punchesOf(work) {
		told = append(told, fmt.Sprint("punch ", p.Recorded.OccurredAt.Format(time.RFC3339), " ", p.Recorded.Direction, " ", p.Source))
	}
	found, err := h.DoubtfulArrivals(h.t.Context(), h.as(httpapi.RoleHR), 0, 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, a := range found {
		if a.DeviceID == d.id {
			told = append(told, fmt.Sprint("doubt ", a.Counter, " ", a.OccurredAt.Format(time.RFC3339), " ", a.Doubts))
		}
	}
	refused, err := h.RefusedPunches(h.t.Context(), 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range refused {
		if r.DeviceID == d.id {
			told = append(told, fmt.Sprint("refused ", r.Counter, " ", r.Code))
		}
	}
	missing, err := h.MissingCounters(h.t.Context(), 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range missing {
		if m.DeviceID == d.id {
			told = append(told, fmt.Sprint("missing ", m.From, "-", m.To))
		}
	}
	listed, err := h.ListDevices(h.t.Context(), h.as(httpapi.RoleHR), work, 0, 10)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, one := range listed {
		told = append(told, fmt.Sprint("device ", one.Batches, " batches ", one.Punches, " punches ", one.Refused, " refused ", one.Counter, " highest"))
	}
	slices.Sort(told)
	return told
}

// anyPunches draws what a phone kept: in order or not, with gaps, counters used twice,
// clocks that went back, and claims that are refused.
func anyPunches(t *rapid.T, now time.Time) []devicebatch.Punch {
	punches := make([]devicebatch.Punch, rapid.IntRange(1, 12).Draw(t, "punches"))
	for i := range punches {
		at := now.Add(-time.Duration(rapid.IntRange(-9, 40).Draw(t, "ago")) * 37 * time.Minute)
		punches[i] = devicebatch.Punch{
			Counter: int64(rapid.IntRange(1, 15).Draw(t, "counter")), OccurredAt: at.Format(time.RFC3339), Zone: "Europe/Berlin",
			Direction: rapid.SampledFrom([]string{"in", "out", "in", "out", "up"}).Draw(t, "direction"),
		}
	}
	return punches
}

// parted draws how punches are parted into batches, of which some overlap.
func parted(t *rapid.T, punches []devicebatch.Punch) [][]devicebatch.Punch {
	var parts [][]devicebatch.Punch
	for from := 0; from < len(punches); {
		to := min(len(punches), from+rapid.IntRange(1, 4).Draw(t, "size"))
		parts = append(parts, punches[max(0, from-rapid.IntRange(0, 2).Draw(t, "overlap")):to])
		from = to
	}
	return parts
}

// promise: ST-52, ST-54
func TestTheReadModelsAreTheSameInWhateverOrderBatchesComeAndHoweverOften(t *testing.T) {
	var trap traps
	h := openHouse(t, func(h *house) { h.fault = trap.fault })
	t.Run("also when they were interrupted", func(t *testing.T) { h.in(t, func() { h.interruptedBatchesAreTakenAgain(&trap) }) })
	t.Run("a device that is revoked in the midst of one", func(t *testing.T) { h.in(t, func() { h.aBatchThatWasProvenIsTakenToItsEnd(&trap) }) })
	rounds := 6
	if os.Getenv("TRACEKEEP_NIGHT") == "1" {
		rounds = 500
	}
	for round := range rounds {
		now := h.clock().Truncate(time.Second)
		drawn := rapid.Custom(func(t *rapid.T) [2][][]devicebatch.Punch {
			parts := parted(t, anyPunches(t, now))
			order := rapid.Permutation(parts).Draw(t, "order")
			for range rapid.IntRange(0, 4).Draw(t, "repetitions") {
				order = slices.Insert(order, rapid.IntRange(0, len(order)).Draw(t, "again at"), rapid.SampledFrom(parts).Draw(t, "again"))
			}
			return [2][][]devicebatch.Punch{parts, order}
		}).Example(round)
		var told [2][]string
		for i, order := range drawn {
			work := h.register("Wren Okafor").WorkID
			phone := h.enrolled(httpapi.DeviceInvitation{Work: work})
			for _, punches := range order {
				batch := phone.packed(punches...)
				batch.Sequence = int64(1 + slices.IndexFunc(drawn[0], func(p []devicebatch.Punch) bool { return &p[0] == &punches[0] && len(p) == len(punches) }))
				phone.send(batch)
			}
			told[i] = h.heard(phone, work)
		}
		if diff := cmp.Diff(told[0], told[1]); diff != "" {
			t.Fatalf("round %d: (-in order +as drawn)\n%s", round, diff)
		}
	}
}

// What a device had proven before it was revoked is recorded to its end, with a verdict
// on each punch; after that it is heard no more.
func (h *house) aBatchThatWasProvenIsTakenToItsEnd(trap *traps) {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	phone := h.enrolled(httpapi.DeviceInvitation{Work: work})
	now := h.clock().Truncate(time.Second)
	batch := phone.packed(phone.press(now.Add(-time.Hour), "in"), phone.press(now, "out"), phone.press(now, "up"))
	trap.at("batch noted", func() {
		revocation := httpapi.DeviceRevocation{DeviceID: phone.id, Reason: eventschema.RevokedLost, At: now}
		if _, err := h.RevokeDevice(t.Context(), h.intent(h.as(httpapi.RoleHR)), revocation); err != nil {
			t.Error(err)
		}
	})
	if diff := cmp.Diff([]string{"recorded", "recorded", "refused bad_direction"}, said(phone.send(batch))); diff != "" {
		t.Error(diff)
	}
	if _, err := h.TakeBatch(t.Context(), phone.sealed(batch)); !errors.Is(err, httpapi.ErrRevoked) {
		t.Errorf("sent again: %v", err)
	}
	if got := len(h.punchesOf(work)); got != 2 {
		t.Errorf("%d punches", got)
	}
}

// What ends between the steps in which a batch is put on record has acknowledged
// nothing: the device sends it again, and nothing is lost or there twice.
func (h *house) interruptedBatchesAreTakenAgain(trap *traps) {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	phone := h.enrolled(httpapi.DeviceInvitation{Work: work})
	now := h.clock().Truncate(time.Second)
	wanted := 0
	for _, point := range []string{"batch noted", "some of a batch recorded"} {
		var punches []devicebatch.Punch
		for i := range 2*batchAppend + 10 { // so that an append that is on its way when it is interrupted is not the last
			punches = append(punches, phone.press(now.Add(-time.Duration(i)*time.Second), "in"))
		}
		wanted += len(punches)
		batch := phone.packed(punches...)
		ctx, end := context.WithCancel(t.Context())
		trap.at(point, end)
		if got, err := h.TakeBatch(ctx, phone.sealed(batch)); err == nil {
			t.Fatalf("%s: it was answered: %v", point, said(got))
		}
		if got := len(h.punchesOf(work)); got >= wanted {
			t.Fatalf("%s: all %d punches were recorded before", point, got)
		}
		for _, v := range phone.send(batch).Verdicts {
			if v.Verdict == httpapi.VerdictRefused {
				t.Fatalf("%s: %+v", point, v)
			}
		}
		if got := len(h.punchesOf(work)); got != wanted {
			t.Errorf("%s: %d punches, want %d", point, got, wanted)
		}
	}
	if devices, err := h.ListDevices(t.Context(), h.as(httpapi.RoleHR), work, 0, 10); err != nil || devices[0].Batches != 2 || devices[0].Missing != 0 {
		t.Errorf("%+v %v", devices, err)
	}
}
