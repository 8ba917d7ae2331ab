package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tracekeep/adapters/adms"
	"tracekeep/cmd/internal/app"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// pushed is one of the requests of real terminals.
type pushed struct{ Test, Text string }

func realPushes(t *testing.T) (all []pushed) {
	t.Helper()
	path := realFile(t, filepath.Join("..", "zkteco-adms", "bodies_and_urls.jsonl"))
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var one pushed
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// Every request that was seen of real terminals is answered as it should be. What
// they push is the same punches as the same rows in a file, and as the file of the
// USB stick has them; pushed twice it changes nothing.
func TestEveryRequestOfRealTerminalsIsAnswered(t *testing.T) {
	all := realPushes(t)
	w := hangUp(t, "1", "100", "123", "200", "300", "456", "789", "888", "999")
	var serials, rows []string
	for _, one := range all {
		switch address, err := url.Parse(one.Text); {
		case err == nil && strings.HasPrefix(one.Text, "/iclock/"):
			if serial := address.Query().Get("SN"); serial != "" && serial != "!!!" && serial != "BAD SN" && !slices.Contains(serials, serial) {
				serials = append(serials, serial)
			}
		case !strings.Contains(one.Text, "="):
			rows = append(rows, strings.TrimRight(one.Text, "\n"))
		}
	}
	w.register(serials...)
	file := strings.Join(rows, "\n") + "\n"
	// The USB stick has the verification before the state.
	stick := w.importFile("1_attlog.dat", "      123\t2024-01-01 08:00:00\t1\t0\t0\t0\n      456\t2024-01-01 17:00:00\t1\t1\t0\t0\n")
	expected := w.importFile("pushed.txt", file, "--format", "adms", "--dry-run")
	if stick.Recorded != 2 || expected.Recorded < 15 || expected.AlreadyRecorded != 2 {
		t.Fatalf("%d of the stick, %d of the pushed ones, %d of both", stick.Recorded, expected.Recorded, expected.AlreadyRecorded)
	}
	held := []string{"invalid timestamp rejected", "empty userid rejected", "mixed valid and invalid lines", "non-integer status defaults to zero"}
	before := len(w.punches())
	for range 2 {
		for i, one := range all {
			got, want := w.send(serials[i%len(serials)], one.Text), http.StatusOK
			switch {
			case strings.HasSuffix(one.Text, "SN="), strings.Contains(one.Text, "SN=!!!"), strings.Contains(one.Text, "SN=BAD%20SN"):
				want = http.StatusBadRequest
			case slices.Contains(held, one.Test):
				want = http.StatusServiceUnavailable
			}
			if got != want {
				t.Errorf("%s: %q is answered %d, want %d", one.Test, one.Text, got, want)
			}
		}
		if after := len(w.punches()); int64(after-before) != expected.Recorded {
			t.Errorf("%d punches, %d before; a file would record %d", after, before, expected.Recorded)
		}
	}
	if again := w.importFile("pushed.txt", file, "--format", "adms"); again.Recorded != 0 {
		t.Errorf("a file of the same rows records %d", again.Recorded)
	}
	log, err := os.ReadFile(filepath.Join(w.data, "logs", "tracekeep.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"Unmistakable", "Alice", "Charlie", "secret"} {
		if strings.Contains(string(log), personal) {
			t.Errorf("%s is in the log", personal)
		}
	}
}

// send sends a request of the corpus: an address, or a body to where it belongs.
func (w *wall) send(serial, text string) int {
	switch {
	case strings.HasPrefix(text, "/iclock/") && (strings.Contains(text, "table=") || strings.Contains(text, "devicecmd")):
		return w.ask("POST", text, "")
	case strings.HasPrefix(text, "/iclock/"):
		return w.ask("GET", text, "")
	case strings.HasPrefix(text, "ID="), strings.HasPrefix(text, "DATA "):
		return w.ask("POST", "/iclock/devicecmd?SN="+serial, text)
	case strings.Contains(text, "="):
		return w.ask("POST", "/iclock/cdata?SN="+serial+"&table=USERINFO", text)
	}
	return w.push(serial, text)
}

func TestTerminalsOnTheWall(t *testing.T) {
	w := hangUp(t, "7", "8", "9")
	w.register("EAST1", "WEST1")
	const served, wait = http.StatusOK, http.StatusServiceUnavailable
	last := func() projections.Punch { all := w.punches(); return all[len(all)-1] }
	expect := func(rule string, status, want, punches int) {
		t.Helper()
		if got := len(w.punches()) - 3; status != want || got != punches { // three came from the stick
			t.Fatalf("%s: answered %d, want %d; %d punches, want %d", rule, status, want, got, punches)
		}
	}
	expect("two terminals of a station know the same people", w.push("EAST1", "7\t2026-03-02 08:00:00\t0\t1\t0\n"), served, 1)
	expect("in at one, out at the other", w.push("WEST1", "7\t2026-03-02 17:00:00\t1\t1\t0\n"), served, 2)
	if p := last(); p.Recorded.Direction != eventschema.DirectionOut || p.Station != "1" || p.Zone != "Asia/Manila" || p.Source != eventschema.SourceTerminal || !p.Recorded.OccurredAt.Equal(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", p)
	}
	for i, direction := range []eventschema.Direction{"in", "out", "in"} { // one push each, of a terminal without keys for in and out
		rows := fmt.Sprintf("8\t2026-03-0%d %02d:00:00\t255\t15\t0\n", 3+i/2, 8+9*(i%2))
		expect("in and out are derived from what came before", w.push("EAST1", rows), served, 3+i)
		if p := last(); p.Recorded.Direction != direction {
			t.Errorf("%d: %s, want %s", i, p.Recorded.Direction, direction)
		}
	}
	expect("also when it comes again", w.push("EAST1", "8\t2026-03-03 17:00:00\t255\t15\t0\n"), served, 5)

	unknown := "55\t2026-03-05 08:00:00\t0\t1\t0\n9\t2026-03-05 08:00:01\t0\t1\t0\n9\t2000-01-01 00:00:09\t1\t1\t0\n9\t2026-03-04 08:00:01\t0\t1\t0\n"
	expect("who is known is recorded, and the terminal keeps the batch", w.push("EAST1", unknown), wait, 7)
	w.heard("EAST1", func(h adms.Heard) bool {
		return h.Held["unknown_pin"] == 1 && h.Held["station_clock_reset"] == 1 && h.Suspect["clock_set_back"] == 1 && h.Recorded == 6
	})
	w.importFile("1_attlog.dat", "       55\t2023-01-01 08:00:00\t1\t0\t0\t0\n", "--people", write(t, "people.csv", "pin,display_name\n55,Newly Registered\n"))
	expect("who is registered then is recorded when it comes again", w.push("EAST1", unknown), wait, 9)
	w.run("terminals", "waive", "--serial", "EAST1", "--reason", "unreadable", "--officer", w.officer)
	w.eventually("the rest is let go", func() bool { return w.push("EAST1", unknown) == served })
	expect("and changes nothing", w.push("WEST1", unknown), wait, 9) // the waiver was not for this one
	w.heard("EAST1", func(h adms.Heard) bool { return len(h.Held) == 0 && h.Waived > 0 })

	w.erased("7")
	expect("an erased person is nobody, and is not made anew", w.push("EAST1", "7\t2026-03-06 08:00:00\t0\t1\t0\n"), served, 6) // waived, and their three punches are nobody's
	w.run("terminals", "retire", "--serial", "WEST1", "--officer", w.officer)
	w.eventually("a retired terminal is refused", func() bool { return w.push("WEST1", unknown) == http.StatusForbidden })
	for _, said := range []string{"EAST1", "clock_set_back: 2", "refused, not registered: WEST1"} {
		w.eventually("the list says "+said, func() bool { return strings.Contains(w.run("terminals", "list").out, said) })
	}
	w.anHourThatCameTwiceIsResolved()
	w.metrics("tracekeep_terminals_rows_total{verdict=\"recorded\"} 11\n", "tracekeep_terminals_holding 0\n", "answer=\"unknown\"")
}

// An hour that came twice is held where the terminal sends no offset, until an officer
// says which rows are of which.
func (w *wall) anHourThatCameTwiceIsResolved() {
	t := w.t
	t.Helper()
	if _, _, err := w.beside.RegisterTerminal(t.Context(), operator(w.beside), app.TerminalOrder{Serial: "FALL1", Station: "1", Zone: "Europe/Berlin", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	w.eventually("FALL1 is let in", func() bool { return w.ask("GET", "/iclock/ping?SN=FALL1", "") == http.StatusOK })
	before := len(w.punches())
	night := "9\t2025-10-26 02:50:00\t0\t1\t0\n9\t2025-10-26 02:10:00\t1\t1\t0\n9\t2025-10-26 02:40:00\t0\t1\t0\n"
	if status := w.push("FALL1", night); status != http.StatusServiceUnavailable || len(w.punches()) != before {
		t.Errorf("answered %d, %d punches", status, len(w.punches())-before)
	}
	w.heard("FALL1", func(h adms.Heard) bool { return h.Held["ambiguous_local_time"] == 3 })
	resolve := func(reading, pass string) answer {
		return tracekeep(t, "terminals", "resolve", "--data", w.data, "--serial", "FALL1", "--officer", w.officer, "--reading", reading, "--pass", pass)
	}
	for _, wrong := range [][2]string{{"2025-10-25", "first"}, {"2025-10-26 03:10:00", "first"}, {"2025-10-26 02:10:00", "order"}, {"26.10.2025", "first"}} {
		if got := resolve(wrong[0], wrong[1]); got.code != exitFailed {
			t.Errorf("%v: %+v", wrong, got)
		}
	}
	resolve("2025-10-26 02:40:00", "first").ok(t)
	resolve("2025-10-26", "order").ok(t)
	w.eventually("it is recorded", func() bool { return w.push("FALL1", night) == http.StatusOK })
	// Two, or three where the terminal came between the first answer and the second.
	w.heard("FALL1", func(h adms.Heard) bool {
		return len(h.Held) == 0 && h.Recorded == 3 && h.Suspect["overlap_resolved"] >= 2
	})
	if status := w.push("FALL1", "9\t2025-10-26 02:10:00\t1\t1\t0\n"); status != http.StatusOK { // alone, the order would have it in the first
		t.Errorf("again: %d", status)
	}
	var recorded []string
	for _, p := range w.punches() {
		if p.Zone == "Europe/Berlin" {
			recorded = append(recorded, p.Recorded.OccurredAt.Format("15:04")+" "+string(p.Recorded.Direction))
		}
	}
	if got := strings.Join(recorded, ", "); got != "00:40 in, 00:50 in, 01:10 out" {
		t.Errorf("recorded %s", got)
	}
}

// A process that is killed while it records a batch, or when it has and before it
// says so, leaves a terminal that sends the batch again: everything is recorded, once.
func TestKilledBeforeItsAnswerABatchIsRecordedOnce(t *testing.T) {
	w := hangUp(t, "7", "8", "9")
	w.register("EAST1")
	w.stop()
	c := crashCase{t: t, data: w.data}
	batch := ""
	for _, pin := range []string{"7", "8", "9"} {
		batch += pin + "\t2026-03-02 08:00:00\t0\t1\t0\n" + pin + "\t2026-03-02 17:00:00\t1\t1\t0\n"
	}
	for _, point := range []string{"punches appended", "push recorded"} {
		server := child(t.Context(), t, c.command("serve", "--listen", "127.0.0.1:0", "--terminals", "127.0.0.1:0")...)
		server.Env = append(server.Env, crashAt+"="+point)
		out := &lockedBuffer{}
		server.Stdout, server.Stderr = out, out
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
		out.waitFor(t, "esdb://")
		out.mu.Lock()
		address := regexp.MustCompile(`terminals +(\S+)`).FindStringSubmatch(out.text.String())[1]
		out.mu.Unlock()
		response, err := http.Post(address+"/iclock/cdata?SN=EAST1&table=ATTLOG&Stamp=1", "text/plain", strings.NewReader(batch))
		if err == nil {
			_ = response.Body.Close()
			t.Errorf("%s: answered %s", point, response.Status)
		}
		if err := server.Wait(); !killed(server.ProcessState) {
			t.Fatalf("%s: the process did not die: %v", point, err)
		}
	}
	w.serve()
	for range 2 {
		if status := w.push("EAST1", batch); status != http.StatusOK {
			t.Errorf("answered %d", status)
		}
	}
	if got := len(w.punches()) - 3; got != 6 {
		t.Errorf("%d punches", got)
	}
	var replayed app.Replayed
	w.run("replay", "--json").last(t, &replayed)
	if got := replayed.ByType["punch-recorded.v3"]; got != 9 {
		t.Errorf("%d events", got)
	}
}
