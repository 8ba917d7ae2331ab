package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tracekeep/adapters/eventnode"
)

// scavengeLookEvery is how often a scavenge in another process is looked at.
const scavengeLookEvery = 200 * time.Millisecond

// eventStoreScavengeCommand is `tracekeep eventstore scavenge`.
type eventStoreScavengeCommand struct {
	storeFlags
	Throttle int  `help:"Percent of the time to work; the rest is left to writers and readers." default:"100" placeholder:"PERCENT"`
	JSON     bool `name:"json" help:"Print one JSON object."`
}

// Help implements kong's help provider.
func (eventStoreScavengeCommand) Help() string {
	return `Removes from the files of an event store what its streams do not show any more: events that $maxCount, $maxAge or $tb hide,
and those of deleted streams, except the last event of each; of ended (tombstoned) streams everything except the tombstone;
metadata that were replaced. Afterwards no file of the folder has a byte of them. Positions and revisions of all others stay, and
readers, subscriptions and persistent subscriptions go on across the gaps.

Works on a folder that nobody has open, or asks the node that serves it, which goes on serving; of a secure node its operators
may ask. It can be cut off at any moment: what was removed stays removed, and the next run does the rest. Ctrl-C stops it, in the
node too. Backups that were taken before keep what they have.

Examples:
  tracekeep eventstore scavenge --data ./records
  tracekeep eventstore scavenge --connection 'esdb://127.0.0.1:2113?tls=false' --throttle 30
  tracekeep eventstore scavenge --connection 'esdb://ops:…@store.example:2113?tls=true&tlsCAFile=ca.crt' --json

Exit codes: 0 done, 1 it failed or was stopped, 2 wrong command line, 5 the folder is open and where it is served was not said.`
}

// Run scavenges.
func (c eventStoreScavengeCommand) Run(ctx context.Context, t *terminal) error {
	if c.Throttle < 1 {
		return &coded{exitUsage, errors.New("--throttle must be a number from 1 to 100")}
	}
	o := eventnode.ScavengeOptions{ThrottlePercent: c.Throttle}
	if err := o.Validate(); err != nil {
		return &coded{exitUsage, errors.New("--throttle must be a number from 1 to 100")}
	}
	shown := &phases{t: t}
	o.Progress = func(p eventnode.ScavengeProgress) { shown.tell(p.Phase, p.Done, p.Total) }
	var report eventnode.ScavengeReport
	err := c.offlineOrOnline(t, func(cfg eventnode.Config) (err error) {
		report, err = eventnode.Scavenge(ctx, cfg, o)
		return err
	}, func(node *nodeClient) (err error) {
		report, err = c.online(ctx, node, o.Progress)
		return err
	})
	shown.finish()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(t.out, report)
	}
	again := ""
	if report.Resumed {
		again = ", with what an earlier run that did not end had removed"
	}
	_, err = fmt.Fprintf(t.out, "scavenged up to position %d in %s: %d events of %d streams removed, %s%s; the folder had %s and has %s\n",
		report.Position, seconds(report.Took), report.Events, report.Streams, megabytes(report.EventBytes), again,
		megabytes(report.DiskBefore), megabytes(report.DiskAfter))
	return err
}

// online starts a scavenge in a node and follows it.
func (c eventStoreScavengeCommand) online(ctx context.Context, node *nodeClient, progress func(eventnode.ScavengeProgress)) (eventnode.ScavengeReport, error) {
	var st eventnode.ScavengeStatus
	if err := node.askJSON(ctx, http.MethodPost, fmt.Sprintf("/admin/scavenge?throttlePercent=%d", c.Throttle), &st); err != nil {
		return eventnode.ScavengeReport{}, err
	}
	link := st.Link
	look := time.NewTicker(scavengeLookEvery)
	defer look.Stop()
	for st.Result == eventnode.ScavengeInProgress {
		if st.Progress != nil {
			progress(*st.Progress)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return eventnode.ScavengeReport{}, errors.Join(ctx.Err(), c.stop(ctx, node, link))
		}
		st = eventnode.ScavengeStatus{}
		if err := node.askJSON(ctx, http.MethodGet, link, &st); err != nil {
			return eventnode.ScavengeReport{}, fmt.Errorf("the scavenge was begun, see %s: %w", link, err)
		}
	}
	switch {
	case st.Result != eventnode.ScavengeSuccess:
		return eventnode.ScavengeReport{}, fmt.Errorf("the scavenge ended as %s: %s", st.Result, st.Error)
	case st.Report == nil:
		return eventnode.ScavengeReport{}, errors.New("the node was started anew while it scavenged; scavenge again")
	}
	return *st.Report, nil
}

func (c eventStoreScavengeCommand) stop(ctx context.Context, node *nodeClient, link string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var st eventnode.ScavengeStatus
	return node.askJSON(ctx, http.MethodDelete, link, &st)
}
