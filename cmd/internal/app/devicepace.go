package app

import (
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// What one device may send: who presses a key every second is below it, and a device
// that was away for months has room for a million punches at once.
const (
	batchesPerSecond = 2
	batchesAtOnce    = 120
)

// paces is how often devices come. Only those are in it that proved a batch, so there
// are no more than are enrolled. Its zero value is ready.
type paces struct {
	mu  sync.Mutex
	all map[uuid.UUID]*rate.Limiter
}

// wait lets one batch of a device pass and answers 0, or says how long it waits.
func (p *paces) wait(device uuid.UUID, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := p.all[device]
	if limit == nil {
		if p.all == nil {
			p.all = map[uuid.UUID]*rate.Limiter{}
		}
		limit = rate.NewLimiter(batchesPerSecond, batchesAtOnce)
		p.all[device] = limit
	}
	booked := limit.ReserveN(now, 1)
	delay := booked.DelayFrom(now)
	if delay > 0 {
		booked.CancelAt(now)
	}
	return delay
}
