package adms

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheAccountSaysHowATerminalIsDoing(t *testing.T) {
	r := newRig(t, nil)
	began := r.now
	r.ask("POST", attlog, goodRow+"17\t2026-03-02 07:00:00\tback\t1\t0\n")
	r.now = r.now.Add(time.Minute)
	r.ask("POST", attlog, goodRow+badRow)
	r.now = r.now.Add(time.Minute)
	r.ask("POST", attlog, goodRow+badRow)
	r.ask("POST", "/iclock/cdata?SN=DEV1&table=OPERLOG", "OPLOG 4\n\nUSER PIN=1\n")
	account, changes := r.server.Account()
	if len(account.Terminals) != 1 || changes != 4 {
		t.Fatalf("%+v, %d changes", account, changes)
	}
	got := account.Terminals[0]
	if got.Batches != 3 || got.Recorded != 2 || got.Already != 2 || got.Dropped != 2 || got.Held["unknown_pin"] != 1 || got.Suspect["clock_set_back"] != 1 ||
		!got.LastBatch.Equal(began) || !got.HeldSince.Equal(began.Add(time.Minute)) || !got.LastHeard.Equal(r.now) {
		t.Errorf("%+v", got)
	}
	r.book.terminal.WaivedUntil = r.now.Add(time.Hour)
	r.ask("POST", attlog, goodRow+badRow)
	account, _ = r.server.Account()
	if got := account.Terminals[0]; got.Waived != 1 || len(got.Held) != 0 || !got.HeldSince.IsZero() || !got.LastBatch.Equal(r.now) {
		t.Errorf("after it was let go: %+v", got)
	}
}

// What was known before a restart is known after it: a terminal that was heard is
// not asked for everything again.
func TestTheAccountGoesOnAfterARestart(t *testing.T) {
	before := newRig(t, nil)
	before.ask("POST", attlog, goodRow)
	before.ask("GET", "/iclock/ping?SN=DEV9", "")
	account, _ := before.server.Account()
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	var kept Account
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *Config) { c.Before = kept })
	if _, told := r.ask("GET", "/iclock/cdata?SN=DEV1&options=all", ""); !strings.Contains(told, "ATTLOGStamp=None") {
		t.Errorf("told:\n%s", told)
	}
	if after, _ := r.server.Account(); after.Terminals[0].Recorded != 1 || len(after.Refused) != 1 || after.Refused[0].Serial != "DEV9" {
		t.Errorf("%+v", after)
	}
}

func TestWhoeverTriesSerialNumbersOutIsRememberedInBoundedMemory(t *testing.T) {
	r := newRig(t, nil)
	for i := range 3 * mostRefused {
		r.now = r.now.Add(time.Second)
		r.ask("GET", fmt.Sprintf("/iclock/getrequest?SN=TRIED%d", i), "")
	}
	account, _ := r.server.Account()
	if len(account.Refused) != mostRefused || len(account.Terminals) != 0 || len(r.server.paces) != 0 {
		t.Errorf("%d refused, %d heard, %d paces", len(account.Refused), len(account.Terminals), len(r.server.paces))
	}
	if oldest := account.Refused[0].Serial; oldest != "TRIED32" {
		t.Errorf("the oldest is %s", oldest)
	}
	if lines := strings.Count(r.log.String(), "\n"); lines > 3 {
		t.Errorf("%d lines in the log", lines)
	}
}
