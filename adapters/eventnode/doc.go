// Package eventnode is an event store in one process: a single node that keeps
// streams of events in a folder and speaks EventStoreDB's gRPC protocol, so
// that the official clients talk to it as they would to a real server.
//
// One goroutine, the sequencer, is the only writer. It takes every request that
// waits, checks each expectation against the stream heads (those changed
// earlier in the same round included), gives out revisions and positions,
// writes one pebble batch, waits until it is on the disk, and only then
// advances the durable watermark, answers and wakes subscribers. While it waits
// for the disk the next requests queue; that is the group commit.
//
// Readers never look past the watermark. Pebble shows a batch before it is
// synced, so without the watermark a subscriber could see an event that a power
// cut takes back.
//
// Persistent subscriptions hand the events of a stream, or of the whole log, to
// competing consumers. What is decided in a group is in groupCore, which knows
// no goroutine, clock or disk; around it one goroutine a group reads events,
// parks messages and writes checkpoints, through the sequencer like any writer.
// Groups remember places and not events, so that what they hold in memory does
// not grow with the events. Only the settings of groups are written past the
// sequencer, for no event rests on them.
//
// Everything that clients can make the node hold has a limit, and beyond it they
// are told so; see [Limits], and [Config.MemoryBound] for the sum. What the node
// does is counted, see metrics and gauges, and served with health at /metrics and
// /health/live beside gRPC. It is stopped in order, see [Node.Close].
//
// What the node promises:
//
//   - an acknowledged append is on the disk, and is wholly there after a crash;
//   - an append that was not acknowledged is wholly there or wholly absent;
//   - revisions of a stream have no gaps, positions of the log grow, and the
//     creation time never goes backwards along the log, whatever the clock does;
//   - a record whose bytes changed is found by its checksum and reported with
//     its position, never returned;
//   - an event that a group has reached is acknowledged, skipped, parked or
//     delivered again, also after a crash: the checkpoint never passes one that
//     is not finished, and a message in replay stays parked until it is.
//
// What it leaves out: clusters, projections, users, TLS and scavenging; of
// persistent subscriptions the strategy PinnedByCorrelation and the latency
// histograms of "extra statistics".
package eventnode
