package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tracekeep/adapters/eventnode"
)

// eventStoreScavengeCommand is `tracekeep eventstore scavenge`.
type eventStoreScavengeCommand struct {
	storeChoice
	Throttle int  `help:"How much of its time the scavenge works, in percent; it rests in between." default:"100" placeholder:"PERCENT"`
	JSON     bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (eventStoreScavengeCommand) Help() string {
	return `Removes from the disk what readers of streams cannot see any more: events that $maxCount, $maxAge or $tb hide (except the last
of each stream), old metadata, and the events of streams that were ended. Positions and revisions of all others stay. When it has
ended, no file of the store holds a byte of what was removed. Cut off at any moment, the next scavenge does the rest.

--data takes a folder that no node has open; --connection asks a node that runs, which goes on serving. Ctrl-C stops it.

Examples:
  tracekeep eventstore scavenge --data ./records
  tracekeep eventstore scavenge --connection 'esdb://127.0.0.1:2113?tls=false' --throttle 25
  tracekeep eventstore scavenge --connection 'esdb://ops:…@store.example:2113?tls=true&tlsCAFile=certs/ca/ca.crt' --json

Exit codes: 0 done, 1 it failed or was stopped, 2 wrong command line, 5 a node has the folder open or scavenges already.`
}

// Run scavenges.
func (c eventStoreScavengeCommand) Run(ctx context.Context, t *terminal) error {
	report, err := c.scavenge(ctx, t)
	if err != nil {
		return c.failed(err)
	}
	if c.JSON {
		return printJSON(t.out, report)
	}
	_, err = fmt.Fprintf(t.out, "removed %d events of %d streams (%.1f MB of records); the folder went from %.1f to %.1f MB in %s\n", report.Events, report.Streams,
		megabytes(report.EventBytes), megabytes(report.DiskBefore), megabytes(report.DiskAfter), report.Took.Round(time.Millisecond))
	return err
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }

func (c eventStoreScavengeCommand) scavenge(ctx context.Context, t *terminal) (eventnode.ScavengeReport, error) {
	if c.Throttle < 1 || c.Throttle > 100 {
		return eventnode.ScavengeReport{}, &coded{exitUsage, errors.New("--throttle is a number from 1 to 100")}
	}
	show := phases(t)
	defer show.finish()
	told := func(p eventnode.ScavengeProgress) {
		show.set(p.Phase, p.Done, p.Total, p.Phase == eventnode.ScavengeCompacts)
	}
	node, err := c.node()
	if err != nil {
		return eventnode.ScavengeReport{}, err
	}
	if node == nil {
		return eventnode.Scavenge(ctx, c.config(t), eventnode.ScavengeOptions{ThrottlePercent: c.Throttle, Progress: told})
	}
	return c.ask(ctx, node, told)
}

// ask starts a scavenge on a node that runs and follows it; when ctx ends it is
// stopped.
func (c eventStoreScavengeCommand) ask(ctx context.Context, node *adminClient, told func(eventnode.ScavengeProgress)) (eventnode.ScavengeReport, error) {
	var status eventnode.ScavengeStatus
	query := url.Values{"throttlePercent": {strconv.Itoa(c.Throttle)}}
	if err := node.json(ctx, http.MethodPost, "/admin/scavenge?"+query.Encode(), &status); err != nil {
		if status.Result == eventnode.ScavengeInProgress {
			err = fmt.Errorf("%w (%s)", eventnode.ErrScavenging, status.ID)
		}
		return eventnode.ScavengeReport{}, err
	}
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for link := status.Link; status.Report == nil; {
		select {
		case <-ctx.Done():
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
			defer cancel()
			return eventnode.ScavengeReport{}, errors.Join(ctx.Err(), node.json(stop, http.MethodDelete, link, &status))
		case <-look.C:
		}
		if err := node.json(ctx, http.MethodGet, link, &status); err != nil && ctx.Err() == nil {
			return eventnode.ScavengeReport{}, err
		}
		if status.Progress != nil {
			told(*status.Progress)
		}
	}
	if status.Result != eventnode.ScavengeSuccess {
		return *status.Report, fmt.Errorf("the scavenge ended as %s: %s", status.Result, status.Error)
	}
	return *status.Report, nil
}

// phased is a bar for work of several phases.
type phased struct {
	t     *terminal
	phase string
	*bar
}

func phases(t *terminal) *phased { return &phased{t: t, bar: &bar{}} }

func (p *phased) set(phase string, done, total int64, bytes bool) {
	if phase != p.phase {
		p.finish()
		p.phase, p.bar = phase, newBar(p.t, phase, total, bytes)
	}
	p.setTotal(total)
	p.bar.set(done)
}
