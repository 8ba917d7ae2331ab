package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/httpapi"
	"tracekeep/eventschema"
)

// wire serves the API of a desk to whoever needs no token.
func (d *desk) wire() string {
	d.t.Helper()
	api, err := httpapi.New(httpapi.Config{Clock: time.Now, Random: rand.Reader, Log: zap.NewNop(), PageTokenKey: [32]byte{1}}, d.a.Inside())
	if err != nil {
		d.t.Fatal(err)
	}
	listening := httptest.NewServer(api)
	d.t.Cleanup(listening.Close)
	return listening.URL
}

func (d *desk) post(url, body string, headers ...string) (int, map[string]any) {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	var told map[string]any
	if err := json.Unmarshal(text, &told); err != nil {
		d.t.Fatalf("%d: %s", response.StatusCode, text)
	}
	return response.StatusCode, told
}

// verdictsIn says what became of the punches of a batch.
func verdictsIn(told map[string]any) string {
	var words []string
	verdicts, _ := told["verdicts"].([]any)
	for _, v := range verdicts {
		words = append(words, fmt.Sprint(v.(map[string]any)["verdict"]))
	}
	return strings.Join(words, " ")
}

// manifested reports that the phone denies its location, and lists what it is for.
func (d *desk) manifested(device string) {
	work := d.person.WorkID.String()
	d.run("devices", "permissions", "--work", work, "--device", device, "--report", "location=denied", "--report", "camera=granted")
	manifest := d.only("devices", "permissions", "--work", work)
	states := map[string]string{}
	for _, p := range manifest["permissions"].([]any) {
		one := p.(map[string]any)
		states[fmt.Sprint(one["permission"])] = fmt.Sprint(one["state"])
		if one["purpose"] == "" || one["explanation"] == "" || one["without"] == "" {
			d.t.Errorf("listed without a purpose: %v", one)
		}
	}
	if manifest["device_id"] != device || fmt.Sprint(states) != "map[camera:granted location:denied network:not_asked notifications:not_asked storage:not_asked]" {
		d.t.Errorf("the manifest is %v", manifest)
	}
	if text := d.run("devices", "permissions").out; !strings.Contains(text, "WHAT FOR") || !strings.Contains(text, "denied") {
		d.t.Errorf("the manifest is\n%s", text)
	}
}

// promise: ST-50
// promise: ST-52
// promise: ST-53
// promise: ST-54
// promise: ST-55
func TestAPhoneThatWasOfflineIsHeardInTheEnd(t *testing.T) {
	atDesk(t, func(d *desk) {
		url, officer := d.wire(), uuid.NewString()
		key := filepath.Join(t.TempDir(), "phone.key")
		tracekeep(t, "devices", "seal", "--make-key", key).ok(t)
		if got := tracekeep(t, "devices", "seal", "--make-key", key); got.code != exitFailed {
			t.Errorf("a key was written over another: %s", got.out)
		}
		var invited struct {
			DeviceID string `json:"device_id"`
			Code     string
		}
		d.run("devices", "invite", "--work", d.person.WorkID.String(), "--officer", officer, "--json").last(t, &invited)
		device := url + "/v1/devices/" + invited.DeviceID
		enrolment := tracekeep(t, "devices", "seal", "--key", key, "--device", invited.DeviceID, "--code", invited.Code).ok(t).out
		status, enrolled := d.post(device+"/enrolment", enrolment)
		if status != http.StatusCreated {
			t.Fatalf("%d %v", status, enrolled)
		}
		sealing := enrolled["sealing_key"].(map[string]any)["public_key"].(string)

		d.manifested(invited.DeviceID)

		// Meanwhile the office writes down what the worker says, and closes the week.
		entry := d.punch("2026-03-02T08:00:00+01:00", eventschema.DirectionIn)
		d.punch("2026-03-02T16:00:00+01:00", eventschema.DirectionOut)
		rules := []string{"--rules", "flsa", "--zone", "Europe/Berlin", "--json"}
		d.run(append([]string{"periods", "lock", "--officer", officer, "--from", "2026-03-01", "--to", "2026-03-07"}, rules...)...)

		batch := filepath.Join(t.TempDir(), "batch.json")
		punch := `{"counter":%d,"occurred_at":"2026-03-0%s:00+01:00","zone":"Europe/Berlin","direction":"%s","location_denied":true}`
		text := `{"sequence":7,"punches":[` + fmt.Sprintf(punch+","+punch+","+punch, 11, "2T07:56", "in", 12, "3T08:00", "in", 14, "3T16:00", "out") + `]}`
		if err := os.WriteFile(batch, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		body := tracekeep(t, "devices", "seal", "--key", key, "--device", invited.DeviceID, "--sealing-key", sealing, "--in", batch).ok(t).out
		if status, told := d.post(device+"/batches", text); status != http.StatusUnprocessableEntity {
			t.Errorf("a batch that is not sealed: %d %v", status, told)
		}
		for _, want := range []string{"recorded recorded recorded", "already_recorded already_recorded already_recorded"} {
			status, told := d.post(device+"/batches", body)
			if status != http.StatusOK || verdictsIn(told) != want {
				t.Fatalf("%d %v, want %s", status, told, want)
			}
			if first := told["verdicts"].([]any)[0].(map[string]any); first["verdict"] == "recorded" && first["location"] != "denied_by_device" {
				t.Errorf("a phone that denies its location: %v", first)
			}
		}

		late := d.run("devices", "late", "--json").objects(t)
		if len(late) != 3 || late[0]["device_id"] != invited.DeviceID || fmt.Sprint(late[0]["doubts"]) != "[late]" || late[0]["batch_id"] == "-" {
			t.Errorf("late: %v", late)
		}
		conflicts := d.run("devices", "conflicts", "--json").objects(t)
		if len(conflicts) != 1 || conflicts[0]["by_hand_punch_id"] != entry.String() || conflicts[0]["by_hand_at"] != "2026-03-02T07:00:00Z" || conflicts[0]["punch_at"] != "2026-03-02T06:56:00Z" {
			t.Errorf("both values are to be seen: %v", conflicts)
		}
		if missing := d.run("devices", "missing", "--json").objects(t); len(missing) != 2 || fmt.Sprint(missing[0]["from"], missing[0]["to"], missing[1]["from"], missing[1]["to"]) != "1 10 13 13" {
			t.Errorf("missing: %v", missing)
		}
		if refused := d.run("devices", "refused", "--json").objects(t); len(refused) != 0 {
			t.Errorf("refused: %v", refused)
		}

		// Two people take the entry out; what the phone said counts, in the next period.
		var asked struct {
			ID string `json:"correction_id"`
		}
		d.run("corrections", "request", "--punch", entry.String(), "--void", "--reason", "not_the_punch", "--officer", officer, "--json").last(t, &asked)
		d.run("corrections", "approve", "--correction", asked.ID, "--officer", uuid.NewString())
		if open := d.run("devices", "conflicts", "--json").objects(t); len(open) != 0 {
			t.Errorf("it was put right: %v", open)
		}
		if all := d.run("devices", "conflicts", "--all", "--json").objects(t); len(all) != 1 || all[0]["open"] != false {
			t.Errorf("and is still told: %v", all)
		}
		args := append([]string{"hours", "report", "--data", d.data, "--from", "2026-03-08", "--to", "2026-03-14"}, rules...)
		adjusted := fmt.Sprint(tracekeep(t, args...).ok(t, exitOK, exitRejected).objects(t)[0]["adjustments"])
		if !strings.Contains(adjusted, "regular_seconds:29040") {
			t.Errorf("eight hours and four minutes late in a locked period: %s", adjusted)
		}

		for _, list := range [][]string{{"list"}, {"late"}, {"conflicts", "--all"}, {"refused"}, {"missing"}, {"sealing-key"}} {
			d.run(append([]string{"devices"}, list...)...)
		}
		d.run("devices", "revoke", "--device", invited.DeviceID, "--reason", "lost", "--officer", officer)
		if status, told := d.post(device+"/batches", body); status != http.StatusForbidden || told["type"] != "urn:tracekeep:problem:device-revoked" {
			t.Errorf("of a device that was lost: %d %v", status, told)
		}
		if left := d.run("devices", "list", "--json").objects(t); len(left) != 0 {
			t.Errorf("%v", left)
		}
		all := d.run("devices", "list", "--all", "--json").objects(t)
		if len(all) != 1 || all[0]["state"] != "revoked" || all[0]["punches"] != 3.0 || all[0]["missing"] != 11.0 || all[0]["batches"] != 1.0 {
			t.Errorf("%v", all)
		}
		if got := tracekeep(t, "devices", "revoke", "--data", d.data, "--device", uuid.NewString(), "--reason", "lost", "--officer", officer); got.code != exitFailed {
			t.Errorf("a device that is not there: %s", got.out)
		}
		var admitted map[string]any
		d.run("devices", "enrol", "--station", "gate-1", "--public-key", strings.Repeat("a1", 32), "--officer", officer, "--json").last(t, &admitted)
		if admitted["station"] != "gate-1" || admitted["sealing_public_key"] != sealing {
			t.Errorf("%v", admitted)
		}
		d.run("devices", "sealing-key", "--rotate", "--json").last(t, &admitted)
		if admitted["public_key"] == sealing {
			t.Error("the sealing key is the one of before")
		}
	})
}
