package importer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// notebook is the consumer's side of the contract, in memory: what cmd does with
// the event store and the keys.
type notebook struct {
	works   map[string]uuid.UUID
	people  map[string]Person
	punches []Punch
	hours   []Declaration
	seen    map[string]bool
	asked   []string
	batches int
	fail    error // answered by the next Record
}

func newNotebook(known ...string) *notebook {
	n := &notebook{works: map[string]uuid.UUID{}, people: map[string]Person{}, seen: map[string]bool{}}
	for _, pin := range known {
		n.works[pin] = uuid.NewSHA1(uuid.Nil, []byte(pin))
	}
	return n
}

func (n *notebook) Resolve(_ context.Context, _ string, pins []string, people map[string]Person) (map[string]uuid.UUID, int, error) {
	known, registered := map[string]uuid.UUID{}, 0
	for _, pin := range pins {
		n.asked = append(n.asked, pin)
		if person, ok := people[pin]; ok && n.works[pin] == uuid.Nil {
			n.works[pin], n.people[pin] = uuid.NewSHA1(uuid.Nil, []byte(pin)), person
			registered++
		}
		if work, ok := n.works[pin]; ok {
			known[pin] = work
		}
	}
	return known, registered, nil
}

func (n *notebook) Record(_ context.Context, station string, batch []Punch) (recorded, already int, err error) {
	if err, n.fail = n.fail, nil; err != nil {
		return 0, 0, err
	}
	n.batches++
	for _, p := range batch {
		direction, kind, columns := p.Identity()
		key := fmt.Sprintf("%s %s %d %s %s %s %q", station, p.PIN, p.At.Unix(), p.StationClock, direction, kind, columns)
		if n.seen[key] {
			already++
			continue
		}
		n.seen[key] = true
		n.punches = append(n.punches, p)
		recorded++
	}
	return recorded, already, nil
}

func (n *notebook) Declare(_ context.Context, station string, batch []Declaration) (recorded, already int, err error) {
	if err, n.fail = n.fail, nil; err != nil {
		return 0, 0, err
	}
	for _, d := range batch {
		key := fmt.Sprintf("%s %s %s %d %x %d", station, d.PIN, d.WorkDate, d.Seconds, d.Entry, d.Nth)
		if n.seen[key] {
			already++
			continue
		}
		n.seen[key] = true
		n.hours = append(n.hours, d)
		recorded++
	}
	return recorded, already, nil
}

var today = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// options imports text at a station in Manila, where clocks never change now.
func options(t *testing.T, clock string) Options {
	t.Helper()
	return Options{Clock: strings.NewReader(clock), Size: int64(len(clock)), Station: "1", Zone: zone(t, "Asia/Manila"), Now: today}
}

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := ParseZone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func readerOf(b []byte) *strings.Reader { return strings.NewReader(string(b)) }
