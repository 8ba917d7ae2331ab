package app

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tracekeep/adapters/devicebatch"
	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// install is an app on a phone or a kiosk, as these tests play it.
type install struct {
	h        *house
	id       uuid.UUID
	key      ed25519.PrivateKey
	to       devicebatch.SealingKey
	sequence int64
	counter  int64
}

// invited makes a code and answers who may use it.
func (h *house) invited(by httpapi.Principal, i httpapi.DeviceInvitation) httpapi.InvitationReceipt {
	h.t.Helper()
	i.At = h.clock()
	got, err := h.InviteDevice(h.t.Context(), h.intent(by), i)
	if err != nil {
		h.t.Fatal(err)
	}
	return got
}

// enrolled is a new install that was invited by HR.
func (h *house) enrolled(i httpapi.DeviceInvitation) *install {
	h.t.Helper()
	invitation := h.invited(h.as(httpapi.RoleHR), i)
	d := h.installed(invitation.DeviceID)
	if err := d.enrol(invitation.Code); err != nil {
		h.t.Fatal(err)
	}
	return d
}

// installed is an install that has drawn its key.
func (h *house) installed(id uuid.UUID) *install {
	h.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	return &install{h: h, id: id, key: key}
}

func (d *install) public() string { return hex.EncodeToString(d.key.Public().(ed25519.PublicKey)) }

func (d *install) enrol(code string) error {
	got, err := d.h.EnrolDevice(d.h.t.Context(), httpapi.DeviceEnrolment{
		DeviceID: d.id, Code: code, PublicKey: d.public(), Signature: devicebatch.SignEnrolment(d.id, code, d.key), At: d.h.clock(),
	})
	d.to = devicebatch.SealingKey{ID: got.SealingKey.ID, Public: got.SealingKey.PublicKey}
	return err
}

// press makes a punch.
func (d *install) press(at time.Time, direction string, change ...func(*devicebatch.Punch)) devicebatch.Punch {
	d.counter++
	p := devicebatch.Punch{Counter: d.counter, OccurredAt: at.Format(time.RFC3339Nano), Clock: at.Format("2006-01-02 15:04:05"), Zone: "Europe/Berlin", Direction: direction}
	for _, c := range change {
		c(&p)
	}
	return p
}

func withBadge(badge string) func(*devicebatch.Punch) {
	return func(p *devicebatch.Punch) { p.Badge = badge }
}

// packed is the next batch of the install.
func (d *install) packed(punches ...devicebatch.Punch) devicebatch.Batch {
	d.sequence++
	return devicebatch.Batch{Version: 1, DeviceID: d.id, Sequence: d.sequence, SentAt: d.h.clock().Format(time.RFC3339Nano), Punches: punches}
}

func (d *install) sealed(b devicebatch.Batch) httpapi.SealedBatch {
	d.h.t.Helper()
	s, err := devicebatch.Seal(b, d.to, d.key)
	if err != nil {
		d.h.t.Fatal(err)
	}
	return httpapi.SealedBatch{DeviceID: d.id, SealingKey: s.SealingKey, Sealed: s.Sealed, Signature: s.Signature, ReceivedAt: d.h.clock()}
}

// send sends a batch that is taken.
func (d *install) send(b devicebatch.Batch) httpapi.BatchReceipt {
	d.h.t.Helper()
	got, err := d.h.TakeBatch(d.h.t.Context(), d.sealed(b))
	if err != nil {
		d.h.t.Fatal(err)
	}
	return got
}

// said is what the verdicts say, in words.
func said(receipt httpapi.BatchReceipt) []string {
	var words []string
	for _, v := range receipt.Verdicts {
		word := string(v.Verdict)
		if v.Code != "" {
			word += " " + v.Code
		}
		words = append(words, word)
	}
	return words
}

// punchesOf lists what is recorded of a work record.
func (h *house) punchesOf(work uuid.UUID) []projections.Punch {
	h.t.Helper()
	h.caughtUp()
	punches, err := projections.PunchesOf(h.t.Context(), h.models.Querier(), h.Tenant(), work, time.Time{}.AddDate(1, 0, 0), time.Time{}, 20_000)
	if err != nil {
		h.t.Fatal(err)
	}
	return punches
}

func (h *house) doubts() map[int64][]projections.Doubt {
	h.t.Helper()
	h.caughtUp()
	found, err := h.DoubtfulArrivals(h.t.Context(), h.as(httpapi.RoleHR), 0, 20_000)
	if err != nil {
		h.t.Fatal(err)
	}
	doubts := map[int64][]projections.Doubt{}
	for _, a := range found {
		doubts[a.Counter] = a.Doubts
	}
	return doubts
}

// lastPosition is where the log ends.
func (h *house) lastPosition() uint64 {
	h.t.Helper()
	last, err := h.whole.LastPosition(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return last
}

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
	if err := thief.enrol("AAAAAAAAAAAAAAAAAAAAAAAAAA"); refusalCode(err) != "bad_code_of_invitation" {
		t.Errorf("a code that was guessed: %v", err)
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
	refused("in the name of another", old, func(s *httpapi.SealedBatch) { s.DeviceID = uuid.New() }, "unproven")
	refused("sealed to a key we never had", &install{h: h, id: old.id, key: old.key, to: devicebatch.SealingKey{ID: devicebatch.KeyID(elsewhere.PublicKey().Bytes()), Public: elsewhere.PublicKey().Bytes()}}, nil, "unknown_sealing_key")
	refused("sealed to another key under the name of ours", &install{h: h, id: old.id, key: old.key, to: devicebatch.SealingKey{ID: old.to.ID, Public: elsewhere.PublicKey().Bytes()}}, nil, "not_sealed")

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
		for i := range batchAppend + 10 {
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
