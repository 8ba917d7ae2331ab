package eventstoredb

import (
	"context"
	"time"
)

// pauses are the waits between attempts: doubling from low to high, each with up
// to half of it left to chance so that many clients do not return in step.
type pauses struct {
	low, high time.Duration
	jitter    func() float64
	next      time.Duration
}

func (p *pauses) reset() { p.next = 0 }

func (p *pauses) draw() time.Duration {
	p.next = min(max(2*p.next, p.low), p.high)
	return p.next/2 + time.Duration(p.jitter()*float64(p.next/2))
}

// wait sleeps for the next pause. It answers false when ctx ended first.
func (p *pauses) wait(ctx context.Context) bool { return sleep(ctx, p.draw()) }

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
