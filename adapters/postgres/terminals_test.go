package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tracekeep/eventschema"
	"tracekeep/projections"
)

// eventsOfTerminal tells the life of the n-th terminal: registered, its backlog let
// go, a local time that came twice resolved and resolved otherwise, retired, and registered again for another station.
func eventsOfTerminal(n int, at time.Time) []eventschema.Event {
	terminal, officer := id("terminal", n), id("actor", 1)
	registered := eventschema.TerminalRegistered{
		TerminalID: terminal, Serial: fmt.Sprintf("CKJF20126%04d", n), Station: "gate-1", Zone: "Asia/Manila", RegisteredAt: at, RegisteredBy: officer,
	}
	elsewhere := registered
	elsewhere.Station, elsewhere.RegisteredAt = "gate-2", at.Add(3*time.Hour)
	return []eventschema.Event{
		&registered,
		&eventschema.TerminalBacklogWaived{TerminalID: terminal, Reason: eventschema.WaiverNobody, WaivedAt: at.Add(time.Hour), WaivedBy: officer, Until: at.Add(2 * time.Hour)},
		&eventschema.TerminalOverlapResolved{TerminalID: terminal, Reading: "2026-10-25", Pass: eventschema.PassFirst, ResolvedAt: at.Add(time.Hour), ResolvedBy: officer},
		&eventschema.TerminalOverlapResolved{TerminalID: terminal, Reading: "2026-10-25", Pass: eventschema.PassOrder, ResolvedAt: at.Add(time.Hour), ResolvedBy: officer},
		&eventschema.TerminalRetired{TerminalID: terminal, RetiredAt: at.Add(2 * time.Hour), RetiredBy: officer},
		&elsewhere,
	}
}

func TestTheRegisterSaysWhichTerminalsMayPush(t *testing.T) {
	h, models := newHistory(t), open(t)
	at := clock("2026-03-02T08:00:00Z")
	events := eventsOfTerminal(1, at)
	until, retired := at.Add(2*time.Hour), at.Add(2*time.Hour)
	want := projections.Terminal{
		TerminalID: id("terminal", 1), Serial: "CKJF201260001", Station: "gate-1", Zone: "Asia/Manila", Registered: true, RegisteredAt: at, RegisteredBy: id("actor", 1),
	}
	for i, after := range []func(){
		func() {},
		func() { want.WaivedUntil = &until },
		func() { want.Overlaps = map[string]eventschema.OverlapPass{"2026-10-25": eventschema.PassFirst} },
		func() { want.Overlaps["2026-10-25"] = eventschema.PassOrder },
		func() { want.Registered, want.RetiredAt = false, &retired },
		func() { want.Registered, want.Station, want.RegisteredAt = true, "gate-2", at.Add(3*time.Hour) },
	} {
		h.add(eventschema.TerminalStream(h.tenant, want.Serial), events[i])
		apply(t, models, h.log[i:])
		after()
		got, err := projections.Terminals(t.Context(), models.Querier(), h.tenant)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]projections.Terminal{want}, got); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", events[i].EventType(), diff)
		}
	}
}
