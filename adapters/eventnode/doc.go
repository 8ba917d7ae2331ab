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
// What the node promises:
//
//   - an acknowledged append is on the disk, and is wholly there after a crash;
//   - an append that was not acknowledged is wholly there or wholly absent;
//   - revisions of a stream have no gaps, positions of the log grow, and the
//     creation time never goes backwards along the log, whatever the clock does;
//   - a record whose bytes changed is found by its checksum and reported with
//     its position, never returned.
//
// What it leaves out: clusters, projections, persistent subscriptions, users,
// TLS and scavenging.
package eventnode
