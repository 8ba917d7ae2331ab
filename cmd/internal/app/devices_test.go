package app

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// promise: ST-46, ST-52, ST-53, ST-54
func TestBatchesOfADeviceAreTakenHoweverTheyCome(t *testing.T) {
	clock := &jump{}
	h := openHouse(t, func(h *house) { h.clock = clock.now })
	work := h.register("Wren Okafor").WorkID
	phone := h.enrolled(httpapi.DeviceInvitation{Work: work})
	now := h.clock().Truncate(time.Second)

	t.Run("sent again, nothing changes", func(t *testing.T) {
		h.in(t, func() {
			batch := phone.packed(phone.press(now.Add(-30*time.Minute), "in", func(p *devicebatch.Punch) { p.LocationDenied = true }), phone.press(now, "out"))
			first := phone.send(batch)
			if diff := cmp.Diff([]string{"recorded", "recorded"}, said(first)); diff != "" {
				t.Fatal(diff)
			}
			if first.Verdicts[0].Location != eventschema.LocationDeniedByDevice || first.Verdicts[1].Location != eventschema.LocationNotOffered {
				t.Errorf("locations %+v", first.Verdicts)
			}
			before := h.lastPosition()
			batch.SentAt = h.clock().Add(time.Second).Format(time.RFC3339Nano) // sealed anew
			again := phone.send(batch)
			if diff := cmp.Diff([]string{"already_recorded", "already_recorded"}, said(again)); diff != "" || !again.Repeated || again.BatchID != first.BatchID {
				t.Errorf("again: %+v\n%s", again, diff)
			}
			if after := h.lastPosition(); after != before {
				t.Errorf("the log went from %d to %d", before, after)
			}
			other := phone.packed(batch.Punches...) // the same punches in another batch
			if diff := cmp.Diff([]string{"already_recorded", "already_recorded"}, said(phone.send(other))); diff != "" {
				t.Error(diff)
			}
			if punches := h.punchesOf(work); len(punches) != 2 || punches[0].DeviceID != phone.id || punches[0].Source != eventschema.SourceDevice || punches[0].Station != "app" {
				t.Errorf("%+v", punches)
			}
		})
	})
	t.Run("out of order and with gaps, which are to be seen", func(t *testing.T) {
		h.in(t, func() {
			third, fourth := phone.press(now.Add(-4*time.Hour), "in"), phone.press(now.Add(-3*time.Hour), "out")
			fifth := phone.press(now.Add(-2*time.Hour), "in")
			_, missing := fourth, fifth
			early := phone.packed(third)
			phone.send(phone.packed(missing))
			phone.send(early)
			h.caughtUp()
			gaps, err := h.MissingCounters(t.Context(), 10)
			if diff := cmp.Diff([]projections.Missing{{DeviceID: phone.id, From: 4, To: 4}}, gaps); diff != "" || err != nil {
				t.Fatalf("%v %s", err, diff)
			}
			phone.send(phone.packed(fourth))
			h.caughtUp()
			if gaps, err := h.MissingCounters(t.Context(), 10); err != nil || len(gaps) > 0 {
				t.Errorf("%v %v", gaps, err)
			}
			doubts := h.doubts()
			if diff := cmp.Diff([]projections.Doubt{projections.DoubtLate}, doubts[5]); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]projections.Doubt{projections.DoubtLate, projections.DoubtClockWentBack}, doubts[3]); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("one counter for two punches: both are kept and doubtful", func(t *testing.T) {
		h.in(t, func() {
			one := phone.press(now, "in")
			two := one
			two.OccurredAt = now.Add(time.Minute).Format(time.RFC3339)
			if diff := cmp.Diff([]string{"recorded", "recorded", "already_recorded"}, said(phone.send(phone.packed(one, two, one)))); diff != "" {
				t.Fatal(diff)
			}
			if diff := cmp.Diff([]projections.Doubt{projections.DoubtCounterTwice}, h.doubts()[one.Counter]); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("a clock that is off, and one that was put ahead", func(t *testing.T) {
		h.in(t, func() {
			skewed := phone.packed(phone.press(now, "out"))
			skewed.SentAt = h.clock().Add(3 * time.Hour).Format(time.RFC3339)
			if got := phone.send(skewed); got.Skew < 3*time.Hour-time.Minute || got.Skew > 3*time.Hour {
				t.Errorf("skew %s", got.Skew)
			}
			future := phone.press(now.Add(20*time.Hour), "in")
			beyond := phone.press(now.AddDate(1, 0, 0), "in")
			if diff := cmp.Diff([]string{"recorded", "refused in_the_future"}, said(phone.send(phone.packed(future, beyond)))); diff != "" {
				t.Fatal(diff)
			}
			doubts := h.doubts()
			if diff := cmp.Diff([]projections.Doubt{projections.DoubtSkew}, doubts[phone.counter-2]); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]projections.Doubt{projections.DoubtFuture}, doubts[phone.counter-1]); diff != "" {
				t.Error(diff)
			}
			kept, err := h.RefusedPunches(t.Context(), 10)
			if err != nil || len(kept) != 1 || kept[0].Counter != phone.counter || !kept[0].OccurredAt.Equal(now.AddDate(1, 0, 0)) || kept[0].Code != "in_the_future" || kept[0].WorkID != work {
				t.Errorf("a claim that was refused is kept: %+v %v", kept, err)
			}
		})
	})
	h.eachWrongPunchIsRefusedAlone(phone, now)
	t.Run("two phones of one person, a clock set back, and counters at their end", func(t *testing.T) { h.in(t, func() { h.twoPhonesCountApart(now) }) })
	t.Run("too often is too often for this device alone", func(t *testing.T) { h.in(t, func() { h.aDeviceIsSlowedDownAlone(clock) }) })
	t.Run("points need consent", func(t *testing.T) { h.in(t, h.pointsAreKeptOnlyWhileConsentStood) })
	t.Run("ten thousand at once", func(t *testing.T) { h.in(t, h.tenThousandPunchesAreTaken) })
}

// eachWrongPunchIsRefusedAlone sends punches with one thing wrong between two good ones.
func (h *house) eachWrongPunchIsRefusedAlone(phone *install, now time.Time) {
	h.t.Helper()
	stranger := h.register("Somebody Else").WorkID
	kiosk := h.enrolled(httpapi.DeviceInvitation{Station: "gate-1", Site: "harbor_st"})
	metres := -1.0
	for rule, row := range map[string]struct {
		of     *install
		change func(*devicebatch.Punch)
		code   string
	}{
		"a phone punches for nobody else":  {phone, func(p *devicebatch.Punch) { p.WorkID = stranger }, "not_of_this_device"},
		"nor by badge":                     {phone, withBadge("77001"), "not_of_this_device"},
		"a kiosk says for whom":            {kiosk, func(p *devicebatch.Punch) {}, "exactly_one"},
		"once":                             {kiosk, func(p *devicebatch.Punch) { p.WorkID, p.Badge = stranger, "77001" }, "exactly_one"},
		"a badge that nobody has":          {kiosk, withBadge("99999"), "unknown_badge"},
		"a work record that is not there":  {kiosk, func(p *devicebatch.Punch) { p.WorkID = uuid.New() }, "unknown_work"},
		"a counter that ran over":          {phone, func(p *devicebatch.Punch) { p.Counter = math.MinInt64 }, "bad_counter"},
		"a counter that was never set":     {phone, func(p *devicebatch.Punch) { p.Counter = 0 }, "bad_counter"},
		"no instant":                       {phone, func(p *devicebatch.Punch) { p.OccurredAt = "yesterday" }, "bad_time"},
		"a year of before":                 {phone, func(p *devicebatch.Punch) { p.OccurredAt = "1970-01-01T00:00:00Z" }, "bad_time"},
		"no zone":                          {phone, func(p *devicebatch.Punch) { p.Zone = "Local" }, "bad_zone"},
		"a direction that is none":         {phone, func(p *devicebatch.Punch) { p.Direction = "up" }, "bad_direction"},
		"a kind that is none":              {phone, func(p *devicebatch.Punch) { p.Kind = "nap" }, "bad_kind"},
		"a name where a code belongs":      {phone, func(p *devicebatch.Punch) { p.Job = "Ada's errand" }, "bad_code"},
		"a text for a clock":               {phone, func(p *devicebatch.Punch) { p.Clock = "five past Ada" }, "bad_clock"},
		"a point that is none":             {phone, func(p *devicebatch.Punch) { p.Location = &devicebatch.Location{Latitude: 91} }, "bad_location"},
		"an accuracy that is none":         {phone, func(p *devicebatch.Punch) { p.Location = &devicebatch.Location{AccuracyMetres: &metres} }, "bad_location"},
		"a point that is given and denied": {phone, func(p *devicebatch.Punch) { p.Location, p.LocationDenied = &devicebatch.Location{}, true }, "bad_location"},
		"a reason that only visits have":   {phone, func(p *devicebatch.Punch) { p.Reason = "calculus" }, "reason_of_visit"},
	} {
		good := func() devicebatch.Punch { return row.of.press(now, "in") }
		if row.of == kiosk {
			good = func() devicebatch.Punch {
				return row.of.press(now, "in", func(p *devicebatch.Punch) { p.WorkID = stranger })
			}
		}
		got := row.of.send(row.of.packed(good(), row.of.press(now, "in", row.change), good()))
		if diff := cmp.Diff([]string{"recorded", "refused " + row.code, "recorded"}, said(got)); diff != "" {
			h.t.Errorf("%s: %s", rule, diff)
		}
	}
	for _, p := range h.punchesOf(stranger) {
		if p.Station != "gate-1" || p.Site != "harbor_st" {
			h.t.Errorf("a kiosk's punch is of its station and site: %+v", p)
		}
	}
}

// twoPhonesCountApart sends from two phones of one worker: each has its own counters,
// and the same press on both is two punches.
func (h *house) twoPhonesCountApart(now time.Time) {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	one, two := h.enrolled(httpapi.DeviceInvitation{Work: work}), h.enrolled(httpapi.DeviceInvitation{Work: work})
	for _, phone := range []*install{one, two} {
		if diff := cmp.Diff([]string{"recorded"}, said(phone.send(phone.packed(phone.press(now, "in"))))); diff != "" {
			t.Error(diff)
		}
	}
	if punches := h.punchesOf(work); len(punches) != 2 || punches[0].DeviceID == punches[1].DeviceID {
		t.Errorf("%+v", punches)
	}
	// The clock of one is set back by a day, and its counter comes to the end of all numbers.
	back := one.press(now.AddDate(0, 0, -1), "out")
	end := one.press(now, "out", func(p *devicebatch.Punch) { p.Counter = math.MaxInt64 })
	over := one.press(now, "in", func(p *devicebatch.Punch) { p.Counter = math.MinInt64 })
	if diff := cmp.Diff([]string{"recorded", "recorded", "refused bad_counter"}, said(one.send(one.packed(back, end, over)))); diff != "" {
		t.Error(diff)
	}
	h.caughtUp()
	gaps, err := h.MissingCounters(t.Context(), 100)
	gaps = slices.DeleteFunc(gaps, func(m projections.Missing) bool { return m.DeviceID != one.id && m.DeviceID != two.id })
	if diff := cmp.Diff([]projections.Missing{{DeviceID: one.id, From: 3, To: math.MaxInt64 - 1}}, gaps); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	found, err := h.DoubtfulArrivals(t.Context(), h.as(httpapi.RoleHR), 0, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		if wentBack := slices.Contains(a.Doubts, projections.DoubtClockWentBack); a.WorkID == work && wentBack != (a.DeviceID == one.id && a.Counter == 2) {
			t.Errorf("counter %d of the first %v: %v", a.Counter, a.DeviceID == one.id, a.Doubts)
		}
	}
	listed, err := h.ListDevices(t.Context(), h.as(httpapi.RoleHR), work, 0, 10)
	if err != nil || len(listed) != 2 || listed[0].Missing != 0 && listed[1].Missing != 0 {
		t.Errorf("%+v %v", listed, err)
	}
}

// aDeviceIsSlowedDownAlone has a device send more than it may; nobody else waits, and
// who is no device uses nothing of it up.
func (h *house) aDeviceIsSlowedDownAlone(clock *jump) {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	busy, other := h.enrolled(httpapi.DeviceInvitation{Work: work}), h.enrolled(httpapi.DeviceInvitation{Work: work})
	stranger := h.installed(busy.id)
	stranger.to = busy.to
	forged := stranger.sealed(stranger.packed(stranger.press(h.clock(), "in")))
	for range batchesAtOnce + 1 {
		if _, err := h.TakeBatch(t.Context(), forged); !errors.Is(err, httpapi.ErrUnproven) {
			t.Fatal(err)
		}
	}
	batch := busy.sealed(busy.packed(busy.press(h.clock(), "in")))
	var often *httpapi.TooOften
	sent, err := 0, error(nil)
	for ; err == nil && sent < 10*batchesAtOnce; sent++ {
		_, err = h.TakeBatch(t.Context(), batch)
	}
	if !errors.As(err, &often) || sent <= batchesAtOnce || often.Wait <= 0 || often.Wait > time.Second {
		t.Fatalf("after %d batches: %v", sent, err)
	}
	other.send(other.packed(other.press(h.clock(), "in")))
	clock.ahead(time.Second)
	if _, err := h.TakeBatch(t.Context(), batch); err != nil {
		t.Errorf("after it waited: %v", err)
	}
}

// promise: ST-53, ST-55
func TestOnlyBatchesOfAnInstallThatIsEnrolledNowAreTaken(t *testing.T) {
	clock := &jump{}
	h := openHouse(t, func(h *house) { h.clock = clock.now })
	person := h.register("Wren Okafor")
	worker := httpapi.Principal{Tenant: h.Tenant(), ID: uuid.New(), Role: httpapi.RoleWorker, Person: person.PersonID, Work: person.WorkID}
	invitation := h.invited(worker, httpapi.DeviceInvitation{Work: person.WorkID})
	old := h.installed(invitation.DeviceID)

	refused := func(rule string, d *install, change func(*httpapi.SealedBatch), want string) {
		t.Helper()
		before := h.lastPosition()
		sealed := d.sealed(d.packed(d.press(h.clock(), "in")))
		if change != nil {
			change(&sealed)
		}
		_, err := h.TakeBatch(t.Context(), sealed)
		got := refusalCode(err)
		switch {
		case errors.Is(err, httpapi.ErrUnproven):
			got = "unproven"
		case errors.Is(err, httpapi.ErrRevoked):
			got = "revoked"
		}
		if got != want {
			t.Errorf("%s: %q (%v), want %q", rule, got, err, want)
		}
		if after := h.lastPosition(); after != before {
			t.Errorf("%s: something was recorded", rule)
		}
	}
	view, err := h.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old.to = devicebatch.SealingKey{ID: view.ID, Public: view.PublicKey}
	refused("invited and not enrolled", old, nil, "unproven")
	thief := h.installed(invitation.DeviceID)
	if len(invitation.Code) != 26 { // of 32 signs: 130 bits, which is what keeps guesses from coming true
		t.Errorf("a code has %d signs", len(invitation.Code))
	}
	for range 100 { // and they use up nothing of whoever has the right one
		if err := thief.enrol(rand.Text()); refusalCode(err) != "bad_code_of_invitation" {
			t.Fatalf("a code that was guessed: %v", err)
		}
	}
	if err := old.enrol(invitation.Code); err != nil {
		t.Fatal(err)
	}
	if err := old.enrol(invitation.Code); err != nil {
		t.Errorf("the answer was lost and it enrols again: %v", err)
	}
	if err := thief.enrol(invitation.Code); refusalCode(err) != "bad_code_of_invitation" {
		t.Errorf("a code that was used: %v", err)
	}
	thief.to = old.to
	old.send(old.packed(old.press(h.clock(), "in")))

	elsewhere, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	refused("the key of somebody else", thief, nil, "unproven")
	refused("a device nobody knows", &install{h: h, id: uuid.New(), key: old.key, to: old.to}, nil, "unproven")
	refused("a byte changed on the way", old, func(s *httpapi.SealedBatch) { s.Sealed[40] ^= 1 }, "unproven")
	refused("no signature", old, func(s *httpapi.SealedBatch) { s.Signature = nil }, "unproven")
	refused("the proof of another batch", old, func(s *httpapi.SealedBatch) {
		other := old.sealed(old.packed(old.press(h.clock(), "in")))
		s.Proof = devicebatch.Sealed{Sealed: other.Sealed}.Prove(old.id, old.key).String()
	}, "unproven")
	refused("in the name of another", old, func(s *httpapi.SealedBatch) { s.DeviceID = uuid.New() }, "unproven")
	refused("sealed to a key we never had", &install{h: h, id: old.id, key: old.key, to: devicebatch.SealingKey{ID: devicebatch.KeyID(elsewhere.PublicKey().Bytes()), Public: elsewhere.PublicKey().Bytes()}}, nil, "unknown_sealing_key")
	refused("sealed to another key under the name of ours", &install{h: h, id: old.id, key: old.key, to: devicebatch.SealingKey{ID: old.to.ID, Public: elsewhere.PublicKey().Bytes()}}, nil, "not_sealed")

	proves := func(d *install, id uuid.UUID) error {
		return h.ProveBatch(t.Context(), id, devicebatch.Sealed{Sealed: []byte{1}}.Prove(id, d.key).String())
	}
	if err := proves(old, old.id); err != nil {
		t.Errorf("a proof of the device: %v", err)
	}
	for rule, err := range map[string]error{
		"by the key of somebody else": proves(thief, old.id), "of a device nobody knows": proves(old, uuid.New()),
		"that is none": h.ProveBatch(t.Context(), old.id, "AAAA"),
	} {
		if !errors.Is(err, httpapi.ErrUnproven) {
			t.Errorf("a proof %s: %v", rule, err)
		}
	}
	again := h.invited(worker, httpapi.DeviceInvitation{Work: person.WorkID, Replaces: old.id})
	renewed := h.installed(again.DeviceID)
	renewed.key = old.key
	if err := renewed.enrol(again.Code); refusalCode(err) != "key_used" {
		t.Errorf("the former key enrols again: %v", err)
	}
	renewed = h.installed(again.DeviceID)
	old.send(old.packed(old.press(h.clock(), "out"))) // good until the other enrols
	if err := renewed.enrol(again.Code); err != nil {
		t.Fatal(err)
	}
	refused("the install that was replaced", old, nil, "revoked")
	if err := proves(old, old.id); !errors.Is(err, httpapi.ErrRevoked) {
		t.Errorf("a proof of what was replaced: %v", err)
	}
	renewed.send(renewed.packed(renewed.press(h.clock(), "in")))

	if _, err := h.RevokeDevice(t.Context(), h.intent(worker), httpapi.DeviceRevocation{DeviceID: renewed.id, Work: uuid.New(), Reason: eventschema.RevokedLost, At: h.clock()}); !errors.Is(err, httpapi.ErrNotFound) {
		t.Errorf("revoked as somebody else's: %v", err)
	}
	if _, err := h.RevokeDevice(t.Context(), h.intent(worker), httpapi.DeviceRevocation{DeviceID: renewed.id, Work: person.WorkID, Reason: eventschema.RevokedLost, At: h.clock()}); err != nil {
		t.Fatal(err)
	}
	refused("a device that was lost", renewed, nil, "revoked")
	if punches := h.punchesOf(person.WorkID); len(punches) != 3 {
		t.Errorf("what was recorded before stays: %d punches", len(punches))
	}
	late := h.invited(worker, httpapi.DeviceInvitation{Work: person.WorkID})
	clock.ahead(24 * time.Hour)
	if err := h.installed(late.DeviceID).enrol(late.Code); refusalCode(err) != "bad_code_of_invitation" {
		t.Errorf("a code of yesterday: %v", err)
	}
	t.Run("sealing keys are rotated, and old ones go in the end", func(t *testing.T) { h.in(t, func() { h.sealingKeysAreRotated(clock) }) })
}

// sealingKeysAreRotated moves the clock by months.
func (h *house) sealingKeysAreRotated(clock *jump) {
	t := h.t
	t.Helper()
	phone := h.enrolled(httpapi.DeviceInvitation{Work: h.register("Wren Okafor").WorkID})
	file := filepath.Join(h.data, "devices", "sealing-keys.json")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	first, err := h.SealingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := h.RotateSealingKey(t.Context())
	if err != nil || second.ID == first.ID {
		t.Fatalf("%+v %v", second, err)
	}
	if now, err := h.SealingKey(t.Context()); err != nil || now.ID != second.ID {
		t.Errorf("devices are told %s %v", now.ID, err)
	}
	clock.ahead(89 * 24 * time.Hour)
	phone.send(phone.packed(phone.press(h.clock(), "in"))) // it has not heard of the new one
	clock.ahead(48 * time.Hour)
	if _, err := h.TakeBatch(t.Context(), phone.sealed(phone.packed(phone.press(h.clock(), "out")))); refusalCode(err) != "unknown_sealing_key" {
		t.Errorf("after 91 days: %v", err)
	}
	if _, err := h.RotateSealingKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || bytes.Contains(text, []byte(first.ID)) {
		t.Errorf("the first key is still kept: %v", err)
	}
	phone.to = devicebatch.SealingKey{ID: second.ID, Public: second.PublicKey}
	phone.send(phone.packed(phone.press(h.clock(), "out")))
}

// pointsAreKeptOnlyWhileConsentStood sends points of before and after consent.
func (h *house) pointsAreKeptOnlyWhileConsentStood() {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	phone := h.enrolled(httpapi.DeviceInvitation{Work: work})
	at := func(p *devicebatch.Punch) {
		p.Location = &devicebatch.Location{Latitude: 52.520008, Longitude: 13.404954}
	}
	now := h.clock()
	before := phone.press(now.Add(-time.Hour), "in", at)
	if _, err := h.GiveConsent(t.Context(), h.intent(h.as(httpapi.RoleHR)), httpapi.Consent{
		Work: work, Purpose: eventschema.PurposeLocation, NoticeVersion: "1", Language: "en", Method: "app", At: now.Add(-30 * time.Minute),
	}); err != nil {
		t.Fatal(err)
	}
	batch := phone.packed(before, phone.press(now, "out", at), phone.press(now, "in", func(p *devicebatch.Punch) { p.LocationDenied = true }))
	got := phone.send(batch)
	var outcomes []eventschema.LocationOutcome
	for _, v := range got.Verdicts {
		outcomes = append(outcomes, v.Location)
	}
	if diff := cmp.Diff([]eventschema.LocationOutcome{eventschema.LocationDroppedNoConsent, eventschema.LocationRecordedOutcome, eventschema.LocationDeniedByDevice}, outcomes); diff != "" {
		t.Error(diff)
	}
	points := 0
	for _, err := range h.store.ReadStream(t.Context(), eventschema.LocationStream(h.Tenant(), work, now).String(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		points++
	}
	if points != 1 {
		t.Errorf("%d points are kept", points)
	}
	position := h.lastPosition()
	phone.send(batch)
	if h.lastPosition() != position {
		t.Error("sent again, and something was recorded")
	}
}

// tenThousandPunchesAreTaken sends as many as a batch may have.
func (h *house) tenThousandPunchesAreTaken() {
	t := h.t
	t.Helper()
	work := h.register("Wren Okafor").WorkID
	kiosk := h.enrolled(httpapi.DeviceInvitation{Station: "gate-1"})
	start := h.clock().AddDate(0, 0, -200).Truncate(time.Minute)
	var punches []devicebatch.Punch
	for i := range devicebatch.MaxPunches {
		punches = append(punches, kiosk.press(start.Add(time.Duration(i)*time.Minute), []string{"in", "out"}[i%2], func(p *devicebatch.Punch) { p.WorkID = work }))
	}
	began := time.Now()
	got := kiosk.send(kiosk.packed(punches...))
	t.Logf("taken in %s", time.Since(began).Round(time.Millisecond))
	for i, v := range got.Verdicts {
		if v.Verdict != httpapi.VerdictRecorded || v.Counter != int64(i+1) {
			t.Fatalf("punch %d: %+v", i, v)
		}
	}
	if recorded := h.punchesOf(work); len(recorded) != devicebatch.MaxPunches {
		t.Errorf("%d punches", len(recorded))
	}
}
