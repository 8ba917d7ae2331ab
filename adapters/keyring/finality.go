package keyring

import (
	"errors"
	"fmt"
	"time"
)

// ErrTooLate refuses a configuration under which an erasure could become final
// later than the profile promises.
var ErrTooLate = errors.New("an erasure could become final too late")

// Lifetimes are the times that add up between the closing of an account and the
// moment at which nothing brings its values back.
type Lifetimes struct {
	CoolingOff      time.Duration // between the closing and the destruction of keys
	Epoch           time.Duration // how long an epoch is the newest
	Rotation        time.Duration // between the next epoch and the retirement of the old one
	BackupRetention time.Duration // how long a backup lives that holds provider keys or escrows
	Limit           time.Duration // closure to final, as the profile promises
}

const day = 24 * time.Hour

// DefaultLifetimes keep thirty days with a day to spare: weekly epochs, a week
// of cooling-off, a day to rotate, two weeks of backups.
func DefaultLifetimes() Lifetimes {
	return Lifetimes{CoolingOff: 7 * day, Epoch: 7 * day, Rotation: day, BackupRetention: 14 * day, Limit: 30 * day}
}

// Stage is one stretch of the way from the closing of an account.
type Stage struct {
	What  string        // what the time passes with
	Takes time.Duration // at most
	After time.Duration // since the closing, at its end
}

// Finality says when, after the closing of an account, its erasure is effective
// and when it is final, at the latest.
type Finality struct {
	Stages    []Stage
	Effective time.Duration // no process opens anything any more
	Final     time.Duration // and no copy does
	Limit     time.Duration
}

// Finality adds the times up. A key destroyed on the first day of an epoch waits
// for all of it; then the epoch retires, the provider carries out the
// destruction, and the last backup that held the provider's key expires. It is
// [ErrTooLate] when that can exceed the limit, and the answer says by which stage.
func (l Lifetimes) Finality(reach Reach) (Finality, error) {
	f := Finality{Limit: l.Limit}
	add := func(what string, takes time.Duration) time.Duration {
		f.Final += takes
		f.Stages = append(f.Stages, Stage{What: what, Takes: takes, After: f.Final})
		return f.Final
	}
	add("cooling-off", l.CoolingOff)
	f.Effective = add("the last process forgets the keys", readerTTL+clockAllowance)
	add("the epoch ends", l.Epoch)
	add("the keys move on and the epoch retires", l.Rotation)
	add("the "+reach.Provider+" provider destroys its key", reach.Delay)
	add("the last backup that holds it expires", l.BackupRetention)
	if err := l.validate(); err != nil {
		return f, err
	}
	if f.Final > l.Limit {
		return f, fmt.Errorf("%w: %s after the closing of an account, and %s are promised; shorten %s", ErrTooLate,
			days(f.Final), days(l.Limit), f.longest())
	}
	return f, nil
}

func (l Lifetimes) validate() error {
	var errs []error
	for _, need := range []struct {
		value time.Duration
		zero  bool // may be zero
		what  string
	}{
		{l.CoolingOff, true, "the cooling-off"}, {l.Epoch, false, "the length of an epoch"}, {l.Rotation, false, "the time for a rotation"},
		{l.BackupRetention, true, "the retention of backups"}, {l.Limit, false, "the limit of the profile"},
	} {
		if need.value < 0 || need.value == 0 && !need.zero {
			errs = append(errs, fmt.Errorf("%s must be longer than nothing", need.what))
		}
	}
	if l.CoolingOff > 7*day {
		errs = append(errs, errors.New("the cooling-off is a week at most"))
	}
	return errors.Join(errs...)
}

// longest names the stage that takes most.
func (f Finality) longest() string {
	most := f.Stages[0]
	for _, stage := range f.Stages {
		if stage.Takes > most.Takes {
			most = stage
		}
	}
	return fmt.Sprintf("%q, which takes %s", most.What, days(most.Takes))
}

// days writes a duration as people say it.
func days(d time.Duration) string {
	if d >= day && d%day < time.Hour {
		return fmt.Sprintf("%d days", d/day)
	}
	if d >= day {
		return fmt.Sprintf("%d days %d hours", d/day, d%day/time.Hour)
	}
	return d.String()
}
