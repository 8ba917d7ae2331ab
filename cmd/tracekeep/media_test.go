package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
)

// drawing is an image that no other call makes.
func drawing(t *testing.T) string {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 16, 16))
	for i, b := range []byte(uuid.NewString()) {
		img.Set(i%16, i/16, color.RGBA{R: b, G: b, B: b, A: 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, img); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

type mediaSaid struct {
	Item    string       `json:"item"`
	Class   string       `json:"class"`
	State   string       `json:"state"`
	Bytes   personalJSON `json:"bytes"`
	Name    personalJSON `json:"file_name"`
	Caption personalJSON `json:"caption"`
	Status  string       `json:"status"`
	Case    string       `json:"case"`
}

// Photos are attached, listed, read and removed by command and by API, each for who may.
//
// promise: ST-11
// promise: ST-24
// promise: TC-05
// promise: TC-07
func TestPhotosAreKeptByCommandAndByAPI(t *testing.T) {
	s := serveFolder(t, "Ada Example", "Ben Example")
	o := office{t: t, data: s.data, first: uuid.NewString()}
	ada, path := s.people["Ada Example"], "/v1/people/"+s.people["Ada Example"]
	photo := write(t, "rail.png", drawing(t))
	onPerson := func(verb string, more ...string) answer {
		return o.says(append([]string{"media", verb, "--person", ada}, more...)...)
	}
	attached := one[mediaSaid](onPerson("attach", photo, "--class", "safety_media", "--caption", "guard rail", "--officer", o.first, "--json"), t)
	own := s.send("Ada Example", "POST", path+"/media?class=portrait", []byte(drawing(t)), "Content-Type", "image/png", "Media-File-Name", "me.png").expect(201)
	for rule, c := range map[string]struct {
		as, path string
		status   int
	}{
		"a person reads the own portrait":         {"Ada Example", path + "/portrait", 200},
		"and what is kept of them":                {"Ada Example", path + "/media/" + attached.Item, 200},
		"nobody else's":                           {"Ben Example", path + "/media/" + attached.Item, 403},
		"a manager sees hours and no photos":      {"manager", path + "/portrait", 403},
		"an administrator sees none":              {"admin", path + "/media", 403},
		"an auditor sees what was kept":           {"auditor", path + "/media", 200},
		"who has no portrait is as good as those": {"Ben Example", "/v1/people/" + s.people["Ben Example"] + "/portrait", 404},
	} {
		if got := s.send(c.as, http.MethodGet, c.path, nil); got.status != c.status {
			t.Errorf("%s: %d, want %d: %.200s", rule, got.status, c.status, got.body)
		}
	}
	if got := s.send("Ben Example", "POST", path+"/media?class=work_media", []byte(drawing(t))); got.status != 403 {
		t.Errorf("attached to somebody else: %d", got.status)
	}
	out := filepath.Join(t.TempDir(), "out.png")
	read := []string{"--item", attached.Item, "--out", out, "--officer", o.first, "--reason"}
	onPerson("read", append(read, "Incident review")...).ok(t, exitUsage)
	onPerson("read", append(read, "incident_review")...).ok(t)
	onPerson("read", append(read, "incident_review")...).ok(t, exitFailed) // what is there is not overwritten
	if original, _ := os.ReadFile(photo); !sameFile(t, out, original) {
		t.Error("it was read as another one")
	}
	if readings := o.says("readings", ada).ok(t).out; !strings.Contains(readings, "media-read-incident-review") || !strings.Contains(readings, "media.content") || !strings.Contains(readings, "get-portrait") {
		t.Errorf("of the readings is said:\n%s", readings)
	}
	listed := rows[mediaSaid](onPerson("list", "--json"), t)
	if len(listed) != 2 || listed[0].Class != "safety_media" || listed[0].Caption.Value != "guard rail" || listed[0].Name.Value != "rail.png" || listed[1].Name.Value != "me.png" {
		t.Errorf("listed: %+v", listed)
	}
	second := s.send("Ada Example", "POST", path+"/media?class=portrait", []byte(drawing(t))).expect(201) // substituted
	if got := s.send("hr", http.MethodGet, path+"/portrait", nil); got.header.Get("X-Item-Id") != second["item_id"] {
		t.Errorf("the portrait is %s still, want %s", own["item_id"], second["item_id"])
	}
	removed := one[mediaSaid](onPerson("remove", "--item", attached.Item, "--reason", "no_longer_needed", "--officer", o.first, "--json"), t)
	if removed.Status != "certified" {
		t.Errorf("removed: %+v", removed)
	}
	if got := s.send("hr", http.MethodGet, path+"/media/"+attached.Item, nil); got.status != 410 || !strings.Contains(string(got.body), removed.Case) {
		t.Errorf("read after its removal: %d %s", got.status, got.body)
	}
	s.send("Ada Example", "POST", path+"/media/"+second["item_id"].(string)+"/removal", map[string]any{"reason": "no_photo_of_me"}).expect(200)
	if table := onPerson("list").ok(t).out; !strings.Contains(table, "removed") || !strings.Contains(table, "[erased: case "+removed.Case) || strings.Contains(table, "guard rail") {
		t.Errorf("listed after it:\n%s", table)
	}
	defectSaid(o)
}

func sameFile(t *testing.T, path string, want []byte) bool {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(got, want)
}

// defectSaid puts a file into the folder that no event names.
func defectSaid(o office) {
	o.t.Helper()
	stray := filepath.Join(o.data, "media", "00", strings.Repeat("0", 32)+"."+strings.Repeat("0", 64))
	if err := os.MkdirAll(filepath.Dir(stray), 0o700); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(stray, nil, 0o600); err != nil {
		o.t.Fatal(err)
	}
	if said := o.says("media", "verify"); said.code != exitDefect || !strings.Contains(said.out, "left over") {
		o.t.Errorf("a stray file: %+v", said)
	}
	if said := o.says("doctor"); !strings.Contains(said.out, "tracekeep media verify") {
		o.t.Errorf("the doctor says %s", said.out)
	}
	if err := os.Remove(stray); err != nil {
		o.t.Fatal(err)
	}
}

// promise: RR-11
func TestPhotosComeInWithThePeopleOfAFile(t *testing.T) {
	data, photos := records(t), t.TempDir()
	kept := drawing(t)
	for name, content := range map[string]string{
		"ana.png": kept, "012345678902.jpg": "no image", "012345678903.png": drawing(t)[:60], "012345678904.png": drawing(t),
	} {
		if err := os.WriteFile(filepath.Join(photos, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var punches strings.Builder
	for i := range 6 { // one each
		fmt.Fprintf(&punches, "%09d30601202508000%011d\r\n", i+1, 12345678901+i)
	}
	clock := write(t, "AFD.txt", punches.String())
	people := write(t, "people.csv", "pin,name,photo\n012345678901,Ana Um,ana.png\n012345678902,Bia Dois,\n012345678903,Caio Três,\n"+
		"012345678904,Duda Quatro,\n012345678905,Enzo Cinco,../people.csv\n012345678906,Flor Seis,\n")
	run := func(code int, more ...string) app.PhotoSummary {
		t.Helper()
		var report importReport
		args := append([]string{"import", "--json", "--data", data, "--zone", "America/Sao_Paulo", "--station", "rep-1", "--people", people, "--photos", photos, clock}, more...)
		tracekeep(t, args...).ok(t, code).last(t, &report)
		if report.Photos == nil || report.Accepted != 6 {
			t.Fatalf("%+v", report)
		}
		return *report.Photos
	}
	wanted := []importer.Rejected{{Line: 3, Reason: importer.PhotoNoImage}, {Line: 4, Reason: importer.PhotoDamaged}, {Line: 6, Reason: importer.PhotoMissing}}
	for round, c := range []struct {
		flags               []string
		attached, unchanged int
	}{{[]string{"--dry-run"}, 2, 0}, {nil, 2, 0}, {nil, 0, 2}, {[]string{"--dry-run"}, 0, 2}} {
		got := run(exitRejected, c.flags...)
		for i := range got.Rejects {
			got.Rejects[i].Message = ""
		}
		if got.Attached != c.attached || got.Unchanged != c.unchanged || got.Rejected != len(wanted) || !sameRejects(got.Rejects, wanted) {
			t.Errorf("round %d: %+v", round, got)
		}
	}
	withFolder(t, data, func(a *app.App) {
		found, err := a.FindPerson(t.Context(), operator(a), "Ana Um")
		if err != nil || len(found) != 1 {
			t.Fatal(len(found), err)
		}
		views, err := a.MediaOf(t.Context(), operator(a), found[0].PersonID)
		if err != nil || len(views) != 1 || views[0].Class != eventschema.MediaPortrait {
			t.Fatalf("%+v %v", views, err)
		}
	})
	all, err := filepath.Glob(filepath.Join(data, "media", "*", "*.*"))
	if err != nil || len(all) != 2 {
		t.Errorf("%d files, %v", len(all), err)
	}
	for _, file := range all {
		if content, err := os.ReadFile(file); err != nil || strings.Contains(string(content), kept[40:72]) {
			t.Errorf("%s holds the photo in clear: %v", file, err)
		}
	}
}

func sameRejects(got, want []importer.Rejected) bool {
	found := map[importer.Rejected]bool{}
	for _, r := range got {
		found[r] = true
	}
	for _, r := range want {
		if !found[r] {
			return false
		}
	}
	return len(got) == len(want)
}
