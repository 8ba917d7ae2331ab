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
//   - a folder that lost anything which the durable mark covers is refused, and
//     left as it was found; a torn end of the log is mended;
//   - after a failed sync, of whatever file, nothing more is acknowledged and the
//     process ends; so it does on a full disk;
//   - an event that a group has reached is acknowledged, skipped, parked or
//     delivered again, also after a crash: the checkpoint never passes one that
//     is not finished, and a message in replay stays parked until it is.
//
// In insecure mode, the default, everybody who can connect may do everything,
// and credentials are not looked at. In secure mode (Config.Security) the port
// speaks TLS only, each call brings a name and a password, and the metadata of
// streams say who may read, write and delete them ("$acl"):
//
//   - the user admin and members of $admins may do everything that anybody may;
//   - ops and members of $ops may change persistent subscriptions;
//   - streams are open to every user unless their metadata say otherwise, those
//     of the system ("$…") and the whole log to $admins only;
//   - whoever sends no credentials may ask for gossip and features only, and
//     for the health of the node over HTTP/1.1.
//
// A right that is taken away ends what goes on under it; see access. Where the
// node departs from a real one is in domain/decisions/0010 and 0011.
//
// A scavenge (Node.Scavenge, Scavenge, POST /admin/scavenge) removes from the
// files what streams do not show any more. Every stream has a floor in its head,
// which moves in the batch that removes the events. What may be missing
// afterwards, and nothing else, is
//
//   - the revisions of a stream below its floor: record and index entry both. All
//     from the floor to the last revision are there, and the tombstone if the
//     stream has ended. The floor passes the last revision only in a stream that
//     has ended, and in the metadata stream of one;
//   - positions: in front of wholeAfter the log may have holes. Over the whole
//     log the mark "scavenge" keeps count: the position of the last record is its
//     Span plus 1 + size of every record that is there.
//
// So a record that got lost is told from one that was removed by its stream and
// revision, which the index or the numbers beside it give; see mayLack. Names,
// numbers and heads of streams are never removed, nor the last event of a stream
// that goes on. An event id is forgotten with its event.
//
// What stays in files of the bytes of removed events is nothing; what stays of
// their streams are the names, in the name index, in the records that are left
// and in bounds that the manifest keeps of tables. No stream name carries meaning
// about a person.
//
// A backup (Node.Backup, Backup, POST /admin/backup) is the folder as it was at
// one moment, in a folder of backups that keeps every file once, under its hash;
// Restore makes a folder of it that is verified before it takes its name. Sealed
// values stay sealed in backups, keys are not in them, and a scavenge does not
// reach them.
//
// What it leaves out: clusters and projections; of security the service to
// change users, user certificates and the defaults of access control lists; of
// persistent subscriptions the latency histograms of "extra statistics". The
// services of projections, users, operations and monitoring are not there, which
// clients are told as such.
package eventnode
