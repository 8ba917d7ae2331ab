package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// desk is a folder that is served while commands join it.
type desk struct {
	t      *testing.T
	a      *app.App
	data   string
	person httpapi.PersonReceipt
}

// atDesk opens a new folder with one person in it.
func atDesk(t *testing.T, do func(d *desk)) {
	t.Helper()
	d := &desk{t: t, data: founded(t)}
	term := &terminal{out: io.Discard, err: io.Discard, clock: time.Now, random: rand.Reader}
	err := dataFlags{Data: d.data, CoolingOff: new(time.Duration), ErasuresPerDay: 20}.withApp(t.Context(), term, true, func(ctx context.Context, a *app.App) (err error) {
		d.a = a
		d.person, err = a.RegisterPerson(ctx, d.intent(), httpapi.Registration{LegalName: eventschema.Clear("Ada Example"), ReceivedAt: time.Now()})
		if err != nil {
			return err
		}
		do(d)
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		differences, err := a.CheckModels(ctx, nil)
		if len(differences) > 0 {
			t.Errorf("the live read models differ from a rebuild: %v", differences)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) intent() httpapi.Intent {
	return httpapi.Intent{Principal: operator(d.a), Key: uuid.NewString(), CorrelationID: uuid.New()}
}

// punch records one and answers its id.
func (d *desk) punch(at string, direction eventschema.Direction) uuid.UUID {
	d.t.Helper()
	occurred, err := time.Parse(time.RFC3339, at)
	if err != nil {
		d.t.Fatal(err)
	}
	id := uuid.New()
	if _, err := d.a.RecordPunch(d.t.Context(), d.intent(), httpapi.PunchEntry{
		PunchID: id, Work: d.person.WorkID, OccurredAt: occurred.UTC(), Zone: "Europe/Berlin", OffsetSeconds: 3600,
		Direction: direction, Kind: eventschema.KindNormal, Station: "gate-1", StationClock: at, ReceivedAt: time.Now(),
	}); err != nil {
		d.t.Fatal(err)
	}
	return id
}

// correct corrects a punch of 2 March 2026 and answers the id of the correction.
func (d *desk) correct(punch uuid.UUID, to string, direction eventschema.Direction, reason eventschema.CorrectionReason) uuid.UUID {
	d.t.Helper()
	c := httpapi.PunchCorrection{
		CorrectionID: uuid.New(), PunchID: punch, Work: d.person.WorkID, RecordedAs: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Void: to == "", Reason: reason, ApprovedBy: uuid.New(), ReceivedAt: time.Now().UTC(),
	}
	if to != "" {
		at, err := time.Parse(time.RFC3339, to)
		if err != nil {
			d.t.Fatal(err)
		}
		c.OccurredAt, c.OffsetSeconds, c.Direction, c.Kind = at.UTC(), 3600, direction, eventschema.KindNormal
	}
	if _, err := d.a.CorrectPunch(d.t.Context(), d.intent(), c); err != nil {
		d.t.Fatal(err)
	}
	return c.CorrectionID
}

// run runs a command that joins the folder.
func (d *desk) run(args ...string) answer {
	d.t.Helper()
	return tracekeep(d.t, append(args, "--data", d.data)...).ok(d.t)
}

// objects decodes every line.
func (a answer) objects(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	decoder := json.NewDecoder(strings.NewReader(a.out))
	for decoder.More() {
		var one map[string]any
		if err := decoder.Decode(&one); err != nil {
			t.Fatalf("%v in\n%s", err, a.out)
		}
		all = append(all, one)
	}
	return all
}

// hours asks for the seconds of 2 March 2026.
func (d *desk) hours(moment ...string) float64 {
	d.t.Helper()
	args := append([]string{"query", "hours", "--from", "2026-03-02", "--to", "2026-03-02", "--json"}, moment...)
	for _, row := range d.run(args...).objects(d.t) {
		return row["seconds"].(float64)
	}
	return 0
}

// One day is recorded, asked about, and then put right: a punch is moved, one is
// made void, one comes late. Both times are asked about apart.
//
// promise: ST-42
func TestWhatWasTrueAndWhatWasKnownAreAskedApart(t *testing.T) {
	atDesk(t, func(d *desk) {
		morning := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		d.punch("2026-03-02T12:00:00+01:00", eventschema.DirectionOut)
		stray := d.punch("2026-03-02T12:30:00+01:00", eventschema.DirectionOut)
		known := time.Now().UTC().Format(time.RFC3339Nano)
		moved := d.correct(morning, "2026-03-02T07:30:00+01:00", eventschema.DirectionIn, eventschema.ReasonWrongTime)
		d.correct(stray, "", "", eventschema.ReasonNotThisPunch)
		d.punch("2026-03-02T13:00:00+01:00", eventschema.DirectionIn)
		last := d.punch("2026-03-02T17:00:00+01:00", eventschema.DirectionOut)

		for question, c := range map[string]struct {
			moment []string
			want   time.Duration
		}{
			"as it is":                               {nil, 8*time.Hour + 30*time.Minute},
			"at noon, as is known today":             {[]string{"--as-of", "2026-03-02T11:00:00Z"}, 4*time.Hour + 30*time.Minute},
			"at the end of the day, as is known now": {[]string{"--as-of", "2026-03-02"}, 8*time.Hour + 30*time.Minute},
			"as it was known before":                 {[]string{"--known-at", known}, 4 * time.Hour},
			"in the morning, as it was known before": {[]string{"--as-of", "2026-03-02T10:59:59Z", "--known-at", known}, 0},
			"the day before":                         {[]string{"--as-of", "2026-03-01"}, 0},
		} {
			if got := d.hours(c.moment...); got != c.want.Seconds() {
				t.Errorf("%s: %v s, want %v", question, got, c.want)
			}
		}
		if in := d.run("query", "presence", "--as-of", "2026-03-02T09:00:00Z", "--json").objects(t); len(in) != 1 || in[0]["since"] != "2026-03-02T06:30:00Z" {
			t.Errorf("who was in at ten: %v", in)
		}
		d.checkDiff(known, morning, stray, last, moved)
		d.checkExplanations(morning, moved, known)
		d.checkReplays()
	})
}

func (d *desk) checkDiff(known string, morning, stray, last, moved uuid.UUID) {
	d.t.Helper()
	days := d.run("diff", "--from-known-at", known, "--json").objects(d.t)
	if len(days) != 1 || days[0]["date"] != "2026-03-02" || days[0]["work_id"] != d.person.WorkID.String() {
		d.t.Fatalf("%v", days)
	}
	got := map[string]string{}
	for _, p := range days[0]["punches"].([]any) {
		punch := p.(map[string]any)
		var responsible []string
		for _, e := range punch["events"].([]any) {
			event := e.(map[string]any)
			responsible = append(responsible, fmt.Sprint(event["what"], " ", event["new"]))
			if event["event_id"] == moved.String() {
				responsible = append(responsible, "by the correction")
			}
		}
		got[punch["punch_id"].(string)] = fmt.Sprint(punch["change"], " ", responsible)
	}
	want := map[string]string{
		morning.String(): "corrected [recorded false corrected true by the correction]",
		stray.String():   "voided [recorded false corrected true]",
		last.String():    "added [recorded true]",
	}
	for id, change := range got { // the late in has an id of its own
		if _, named := want[id]; !named {
			want[id] = change
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != 4 {
		d.t.Errorf("(-want +got)\n%s", diff)
	}
	before, after := days[0]["before"].(map[string]any)["seconds"], days[0]["after"].(map[string]any)["seconds"]
	if before != 14400.0 || after != 30600.0 {
		d.t.Errorf("hours %v to %v", before, after)
	}
	told := d.run("diff", "--from-known-at", known).out
	for _, part := range []string{"punch corrected", "in normal 2026-03-02T07:30:00+01:00", "wrong_time", "punch voided", "Ada Example", "8:30", "(new)"} {
		if !strings.Contains(told, part) {
			d.t.Errorf("the table does not tell %q:\n%s", part, told)
		}
	}
	none := d.run("diff", "--from", "2026-03-03", "--to", "2026-03-04", "--json")
	if none.out != "" {
		d.t.Errorf("nothing happened on 4 March:\n%s", none.out)
	}
}

func (d *desk) checkExplanations(morning, moved uuid.UUID, known string) {
	d.t.Helper()
	told := d.run("explain", moved.String(), "--json").objects(d.t)[0]
	punch := told["punch"].(map[string]any)
	if told["type"] != "punch-corrected.v2" || told["facts"].(map[string]any)["reason"] != "wrong_time" || punch["punch_id"] != morning.String() {
		d.t.Errorf("the correction is explained as %v", told)
	}
	interval := punch["interval"].(map[string]any)
	if interval["date"] != "2026-03-02" || interval["seconds"] != 16200.0 || interval["rule_version"] != 3.0 {
		d.t.Errorf("it became %v", interval)
	}
	if leaf, covered := told["leaf"].(float64); !covered || leaf < 1 {
		d.t.Errorf("it stands in the trail at %v", told["leaf"])
	}
	position := fmt.Sprintf("%.0f", punch["position"])
	text := d.run("explain", position).out
	for _, part := range []string{"punch-recorded, schema version 3", "gate-1", "rule version 3", "leaf ", "same request", "caused by", "wrong_time"} {
		if !strings.Contains(text, part) {
			d.t.Errorf("the recording is told without %q:\n%s", part, text)
		}
	}
	day := d.run("explain", "--work", d.person.WorkID.String(), "--day", "2026-03-02", "--json").objects(d.t)[0]
	if len(day["intervals"].([]any)) != 2 || len(day["exceptions"].([]any)) != 0 || len(day["others"].([]any)) != 1 || day["seconds"] != 30600.0 {
		d.t.Errorf("the day is explained as %v", day)
	}
	first := day["intervals"].([]any)[0].(map[string]any)["in"].(map[string]any)
	if first["punch_id"] != morning.String() || first["recorded"].(map[string]any)["occurred_at"] != "2026-03-02T07:00:00Z" || len(first["events"].([]any)) != 2 {
		d.t.Errorf("the first punch is explained as %v", first)
	}
	then := d.run("explain", "--work", "Ada", "--day", "2026-03-02", "--known-at", known, "--json").objects(d.t)[0]
	if len(then["intervals"].([]any)) != 1 || len(then["exceptions"].([]any)) != 1 {
		d.t.Errorf("the day as it was known is explained as %v", then)
	}
	if got := tracekeep(d.t, "explain", "--data", d.data, uuid.NewString()); got.code != exitFailed || !strings.Contains(got.err, "there is no event") {
		d.t.Errorf("an unknown event: %d %s", got.code, got.err)
	}
}

func (d *desk) checkReplays() {
	d.t.Helper()
	made := d.run("replay", "--as-of", "2026-03-01", "--json").objects(d.t)[0]
	if made["made"] == true || made["as_of"] != "2026-03-01T23:59:59.999999999Z" {
		d.t.Errorf("a question had made this world: %v", made)
	}
	if listed := d.run("replay", "--list", "--json").objects(d.t); len(listed) != 8 {
		d.t.Errorf("%d worlds are kept", len(listed))
	}
	d.run("replay", "--drop", made["id"].(string))
	if got := tracekeep(d.t, "replay", "--data", d.data, "--drop", made["id"].(string)); got.code != exitFailed {
		d.t.Errorf("dropped twice: %d %s", got.code, got.err)
	}
	d.run("replay", "--drop", "all")
	if listed := d.run("replay", "--list", "--json").out; listed != "" {
		d.t.Errorf("still kept:\n%s", listed)
	}
}

// Whoever is erased today is erased in every world: the work stays, the name
// says where the certificate of its erasure is.
func TestAnErasedPersonIsErasedInEveryWorld(t *testing.T) {
	atDesk(t, func(d *desk) {
		punch := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		d.punch("2026-03-02T12:00:00+01:00", eventschema.DirectionOut)
		known := time.Now().UTC().Format(time.RFC3339Nano)
		d.correct(punch, "2026-03-02T07:30:00+01:00", eventschema.DirectionIn, eventschema.ReasonWrongTime)
		of, leaf := d.erase()
		want := fmt.Sprintf("[erased: case %s, certificate of leaf %d]", of, leaf)
		work, person := d.person.WorkID.String(), d.person.PersonID.String()
		for _, args := range [][]string{
			{"query", "hours", "--from", "2026-03-02", "--to", "2026-03-02", "--known-at", known},
			{"query", "people", "--known-at", known},
			{"diff", "--from-known-at", known},
			{"explain", "--work", work, "--day", "2026-03-02", "--known-at", known},
			{"history", person},
			{"explain", fmt.Sprint(d.firstEvent(person))},
		} {
			told := d.run(args...).out
			if !strings.Contains(told, want) || strings.Contains(told, "Ada Example") {
				t.Errorf("%v does not say %s:\n%s", args, want, told)
			}
		}
		if text := d.run("explain", punch.String()).out; !strings.Contains(text, "worked 4:30") {
			t.Errorf("the punch of an erased person is told as\n%s", text)
		}
	})
}

// firstEvent is the position of the first event of a person.
func (d *desk) firstEvent(person string) uint64 {
	d.t.Helper()
	return uint64(d.run("history", person, "--json").objects(d.t)[0]["position"].(float64))
}
