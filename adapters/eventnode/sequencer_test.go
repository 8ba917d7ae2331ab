package eventnode

import (
	"testing"
	"time"
)

// A round of a busy store waits for company, and nobody waits for longer than
// the patience of the sequencer (decision 12).
func TestARoundWaitsForCompany(t *testing.T) {
	const forever = time.Hour // no test ends that waits for it
	for _, test := range []struct {
		rule     string
		usual    float64 // how many writers the rounds before had
		unsynced int64   // requests that wait for the disk
		waiting  int     // requests in the queue when the first is taken
		later    int     // requests that come afterwards
		patience time.Duration
		noSync   bool
		stopped  bool
		want     int
	}{
		{rule: "a lone writer never waits", patience: forever, want: 1},
		{rule: "two writers do not wait for each other", usual: 2, unsynced: 1, patience: forever, want: 1},
		{rule: "what waits is taken", waiting: 9, patience: forever, want: 10},
		{rule: "one of many waits for others", usual: 64, later: 24, patience: forever, want: 25},
		{rule: "those that wait for the disk count as writers", unsynced: 63, later: 24, patience: forever, want: 25},
		{rule: "enough that wait already wait no longer", usual: 64, waiting: 30, patience: forever, want: 31},
		{rule: "company that does not come is given up", usual: 64, waiting: 3, patience: time.Nanosecond, want: 4},
		{rule: "nobody waits where nothing is synced", usual: 64, patience: forever, noSync: true, want: 1},
		{rule: "nobody waits when no more can come", usual: 64, patience: forever, stopped: true, want: 1},
	} {
		t.Run(test.rule, func(t *testing.T) {
			q := &sequencer{
				store: &store{}, queue: make(chan *writeRequest, queueLen), stop: make(chan struct{}),
				usual: test.usual, patience: test.patience, hurry: stoppedTimer(), noSync: test.noSync,
			}
			q.store.unsettled.Store(test.unsynced)
			for range test.waiting {
				q.queue <- &writeRequest{}
			}
			if test.stopped {
				close(q.stop)
			}
			go func() {
				for range test.later {
					q.queue <- &writeRequest{}
				}
			}()
			if got := len(q.gather(&writeRequest{})); got != test.want {
				t.Errorf("a round of %d, want %d", got, test.want)
			}
		})
	}
}

// Writers that leave are not waited for again and again.
func TestCompanyThatLeftIsForgotten(t *testing.T) {
	q := &sequencer{
		store: &store{}, queue: make(chan *writeRequest, queueLen), stop: make(chan struct{}),
		usual: roundRequests, patience: time.Nanosecond, hurry: stoppedTimer(),
	}
	for range 10 {
		q.gather(&writeRequest{})
	}
	q.patience = time.Hour
	if got := len(q.gather(&writeRequest{})); got != 1 {
		t.Errorf("a round of %d", got)
	}
}
