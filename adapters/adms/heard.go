package adms

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Heard is what one terminal did since it was heard first. It is for operators and
// no record: what matters of it is in the log.
type Heard struct {
	Serial    string    `json:"serial"`
	LastHeard time.Time `json:"last_heard"`
	LastBatch time.Time `json:"last_batch,omitzero"` // when punches were last acknowledged
	Batches   int64     `json:"batches"`             // of punches, repeated ones included
	Recorded  int64     `json:"recorded"`
	Already   int64     `json:"already_recorded"`
	Waived    int64     `json:"waived"`  // rows acknowledged and not recorded
	Dropped   int64     `json:"dropped"` // rows that are no punches

	// Held is what the last batch waits for, by reason; a terminal with any repeats
	// it. Suspect counts rows that need a look, of batches that brought something new.
	Held      map[string]int   `json:"held,omitempty"`
	HeldSince time.Time        `json:"held_since,omitzero"`
	Suspect   map[string]int64 `json:"suspect,omitempty"`
}

// Refused is a terminal that came and may not push.
type Refused struct {
	Serial   string    `json:"serial"`
	LastSeen time.Time `json:"last_seen"`
	Times    int64     `json:"times"`
}

// Account is what all terminals did.
type Account struct {
	Terminals []Heard   `json:"terminals"`         // by serial number
	Refused   []Refused `json:"refused,omitempty"` // the latest, by serial number
}

// mostRefused bounds what whoever tries numbers out makes us remember.
const mostRefused = 16

// account is the [Account] under way.
type account struct {
	mu      sync.Mutex
	heard   map[string]*Heard
	refused map[string]*Refused
	changes uint64
}

func newAccount(before Account) *account {
	a := &account{heard: map[string]*Heard{}, refused: map[string]*Refused{}}
	for _, h := range before.Terminals {
		h.Held, h.Suspect = maps.Clone(h.Held), maps.Clone(h.Suspect)
		a.heard[h.Serial] = &h
	}
	for _, r := range before.Refused[:min(len(before.Refused), mostRefused)] {
		a.refused[r.Serial] = &r
	}
	return a
}

// of changes what is known of a terminal.
func (a *account) of(serial string, now time.Time, change func(*Heard)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.heard[serial]
	if h == nil {
		h = &Heard{Serial: serial}
		a.heard[serial] = h
	}
	h.LastHeard = now
	change(h)
	delete(a.refused, serial)
	a.changes++
}

// acknowledged says whether a terminal was ever told that a batch is recorded.
func (a *account) acknowledged(serial string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.heard[serial]
	return h != nil && !h.LastBatch.IsZero()
}

// refuse remembers a terminal that may not push, in the place of the one that was
// seen longest ago.
func (a *account) refuse(serial string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.refused[serial]
	if r == nil {
		if len(a.refused) >= mostRefused {
			oldest := slices.MinFunc(slices.Collect(maps.Values(a.refused)), func(x, y *Refused) int { return x.LastSeen.Compare(y.LastSeen) })
			delete(a.refused, oldest.Serial)
		}
		r = &Refused{Serial: serial}
		a.refused[serial] = r
	}
	r.LastSeen = now
	r.Times++
	if h := a.heard[serial]; h != nil { // it was retired, and waits for nothing here
		h.Held, h.HeldSince = nil, time.Time{}
	}
	a.changes++
}

// present is how long a terminal may be silent and still be there: it comes every
// few seconds.
const present = 10 * time.Minute

// holding is how many terminals are there and repeat rows that make no punch.
func (a *account) holding(now time.Time) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.heard {
		if len(h.Held) > 0 && now.Sub(h.LastHeard) <= present {
			n++
		}
	}
	return n
}

// snapshot copies the account, and says how often it changed so far.
func (a *account) snapshot() (Account, uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := Account{Terminals: make([]Heard, 0, len(a.heard))}
	for _, h := range a.heard {
		c := *h
		c.Held, c.Suspect = maps.Clone(h.Held), maps.Clone(h.Suspect)
		s.Terminals = append(s.Terminals, c)
	}
	for _, r := range a.refused {
		s.Refused = append(s.Refused, *r)
	}
	slices.SortFunc(s.Terminals, func(x, y Heard) int { return strings.Compare(x.Serial, y.Serial) })
	slices.SortFunc(s.Refused, func(x, y Refused) int { return strings.Compare(x.Serial, y.Serial) })
	return s, a.changes
}
