package eventnode

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// A scavenge tells of itself in streams, as on a real node: its own, and one
// that links to the events of all scavenges. They keep 30 days.
const (
	scavengesStream      = "$scavenges"
	scavengesKeep        = `{"$maxAge":2592000}`
	typeScavengeStarted  = "$scavengeStarted"
	typeScavengeComplete = "$scavengeCompleted"
)

func (v *scavenger) tellStarted(ctx context.Context) error {
	for _, stream := range []string{scavengesStream, v.ownStream()} {
		h, found, err := v.store.readHead(ctx, stream)
		if err != nil {
			return err
		}
		if found && h.metaPos > 0 {
			continue
		}
		keep := proposed{id: uuid.New(), typ: typeMetadata, json: true, data: []byte(scavengesKeep)}
		if err := v.append(ctx, metaStreamOf(stream), keep); err != nil {
			return err
		}
	}
	return v.tellOf(ctx, typeScavengeStarted, 0, map[string]any{
		"scavengeId": v.id, "nodeEndpoint": v.endpoint, "throttlePercent": v.options.ThrottlePercent,
	})
}

func (v *scavenger) tellEnded(ctx context.Context, report ScavengeReport, failure error) error {
	said := map[string]any{
		"scavengeId": v.id, "nodeEndpoint": v.endpoint, "result": v.state.Result, "timeTaken": timeSpan(report.Took),
		"spaceSaved": report.DiskBefore - report.DiskAfter, "eventsRemoved": report.Events,
	}
	if failure != nil {
		said["error"] = failure.Error()
	}
	return v.tellOf(ctx, typeScavengeComplete, 1, said)
}

func (v *scavenger) ownStream() string { return scavengesStream + "-" + v.id.String() }

// tellOf appends an event to the stream of the scavenge, at a revision that is
// known because nobody else writes there, and a link to it.
func (v *scavenger) tellOf(ctx context.Context, typ string, rev int64, said map[string]any) error {
	data, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("%s: %w", typ, err)
	}
	if err := v.append(ctx, v.ownStream(), proposed{id: uuid.New(), typ: typ, json: true, data: data}); err != nil {
		return err
	}
	link := fmt.Appendf(nil, "%d@%s", rev, v.ownStream())
	return v.append(ctx, scavengesStream, proposed{id: uuid.New(), typ: typeLink, data: link})
}

// append leaves it at that when somebody ended the stream for ever.
func (v *scavenger) append(ctx context.Context, stream string, e proposed) error {
	if err := v.submit(ctx, &writeRequest{stream: stream, expected: expectAny, events: []proposed{e}}); err != nil {
		return fmt.Errorf("append to %s: %w", stream, err)
	}
	return nil
}

// timeSpan writes a duration as a real node does: hours, minutes, seconds and
// units of 100 ns.
func timeSpan(d time.Duration) string {
	seconds := int64(max(d, 0) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d.%07d", seconds/3600, seconds/60%60, seconds%60, d%time.Second/nanosecondsTick)
}
