package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/adms"
	"tracekeep/adapters/importer"
	"tracekeep/cmd/internal/app"
	"tracekeep/projections"
)

// wall is an installation with terminals on the wall.
type wall struct {
	t              *testing.T
	data, officer  string
	address, admin string
	beside         *app.App // another process, as it were, that joined the one that serves
	stop           func()
}

// hangUp makes records of some people, who have these PINs at station 1, and serves
// them.
func hangUp(t *testing.T, pins ...string) *wall {
	t.Helper()
	w := &wall{t: t, data: founded(t), officer: uuid.NewString()}
	people, clock := "pin,display_name\n", ""
	for _, pin := range pins {
		people += pin + ",Somebody Unmistakable " + pin + "\n"
		clock += fmt.Sprintf("%9s\t2023-01-01 08:00:00\t1\t0\t0\t0\n", pin)
	}
	w.serve()
	w.importFile("1_attlog.dat", clock, "--people", write(t, "people.csv", people))
	return w
}

func (w *wall) serve() {
	ctx, stop := context.WithCancel(context.Background())
	out, ended := &lockedBuffer{}, make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--data", w.data, "--listen", "127.0.0.1:0", "--terminals", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--cooling-off", "0s"},
			&terminal{out: out, err: out, clock: time.Now, random: rand.Reader})
	}()
	out.waitFor(w.t, "esdb://")
	out.mu.Lock()
	defer out.mu.Unlock()
	w.address = regexp.MustCompile(`terminals +(\S+)`).FindStringSubmatch(out.text.String())[1]
	w.admin = regexp.MustCompile(`metrics +(\S+)`).FindStringSubmatch(out.text.String())[1]
	leave := w.join()
	w.stop = func() {
		leave()
		stop()
		if code := <-ended; code != exitOK {
			w.t.Errorf("serve ended with %d", code)
		}
		w.stop = func() {}
	}
	w.t.Cleanup(func() { w.stop() })
}

// join opens the folder beside the process that serves it.
func (w *wall) join() (leave func()) {
	ctx, stop := context.WithCancel(context.Background())
	joined, left := make(chan *app.App, 1), make(chan error, 1)
	go func() {
		left <- dataFlags{Data: w.data}.withApp(ctx, &terminal{out: io.Discard, err: io.Discard, clock: time.Now, random: rand.Reader}, false, func(ctx context.Context, a *app.App) error {
			joined <- a
			<-ctx.Done()
			return nil
		})
	}()
	select {
	case w.beside = <-joined:
	case err := <-left:
		w.t.Fatal(err)
	}
	return func() {
		stop()
		if err := <-left; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *wall) importFile(name, text string, more ...string) importer.Summary {
	w.t.Helper()
	var summary importer.Summary
	args := append([]string{"import", "--json", "--data", w.data, "--zone", "Asia/Manila", "--station", "1", "--file", write(w.t, name, text)}, more...)
	tracekeep(w.t, args...).ok(w.t, exitOK, exitRejected).last(w.t, &summary)
	return summary
}

func (w *wall) run(args ...string) answer {
	w.t.Helper()
	return tracekeep(w.t, append(args, "--data", w.data)...).ok(w.t)
}

func (w *wall) register(serials ...string) {
	w.t.Helper()
	for _, serial := range serials {
		order := app.TerminalOrder{Serial: serial, Station: "1", Zone: "Asia/Manila", At: time.Now()}
		if _, _, err := w.beside.RegisterTerminal(w.t.Context(), operator(w.beside), order); err != nil {
			w.t.Fatal(err)
		}
	}
	w.eventually(serials[len(serials)-1]+" is let in", func() bool { return w.ask("GET", "/iclock/ping?SN="+serials[len(serials)-1], "") == http.StatusOK })
}

// eventually waits for what is told to a process beside to arrive.
func (w *wall) eventually(what string, happened func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(2 * time.Minute); !happened(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			w.t.Fatalf("it does not happen that %s", what)
		}
	}
}

func (w *wall) ask(method, path, body string) int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, w.address+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || (response.StatusCode == http.StatusOK) != (strings.HasPrefix(string(text), "OK") || strings.HasPrefix(string(text), "GET OPTION")) {
		w.t.Errorf("%d is told as %q (%v)", response.StatusCode, text, err)
	}
	return response.StatusCode
}

func (w *wall) push(serial, rows string) int {
	w.t.Helper()
	return w.ask("POST", "/iclock/cdata?SN="+serial+"&table=ATTLOG&Stamp=9999", rows)
}

// punches lists what the records say of everybody, in order of time.
func (w *wall) punches() (list []projections.Punch) {
	w.t.Helper()
	a := w.beside
	if err := a.CatchUp(w.t.Context(), nil); err != nil {
		w.t.Fatal(err)
	}
	people, err := a.Today().FindPerson(w.t.Context(), operator(a), "")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range people {
		work, err := app.WorkIDOf(p)
		if err != nil {
			continue // erased
		}
		punches, err := projections.PunchesOf(w.t.Context(), a.ReadModels(), a.Tenant(), work, time.Time{}, time.Now(), 1000)
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, punches...)
	}
	slices.SortFunc(list, func(a, b projections.Punch) int { return a.Recorded.OccurredAt.Compare(b.Recorded.OccurredAt) })
	return list
}

// heard waits for what the list tells of a terminal.
func (w *wall) heard(serial string, is func(adms.Heard) bool) {
	w.t.Helper()
	w.eventually("the list tells of "+serial, func() bool {
		for _, line := range strings.Split(strings.TrimSpace(w.run("terminals", "list", "--json").out), "\n") {
			var one struct {
				Serial string
				Heard  adms.Heard
			}
			if err := json.Unmarshal([]byte(line), &one); err != nil {
				w.t.Fatal(err)
			}
			if one.Serial == serial && is(one.Heard) {
				return true
			}
		}
		return false
	})
}

func (w *wall) metrics(told ...string) {
	w.t.Helper()
	response, err := http.Get(w.admin)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, one := range told {
		if !strings.Contains(string(text), one) {
			w.t.Errorf("the metrics do not tell %s", one)
		}
	}
}

// erased erases the person of a PIN.
func (w *wall) erased(pin string) {
	w.t.Helper()
	c := crashCase{t: w.t, data: w.data, officer: w.officer, approver: uuid.NewString()}
	var found struct {
		PersonID string `json:"person_id"`
	}
	w.run("query", "people", "--find", "Somebody Unmistakable "+pin, "--json").last(w.t, &found)
	tracekeep(w.t, c.command("erase", "approve", "--case", c.prepare(found.PersonID), "--officer", c.approver, "--json")...).ok(w.t)
}
