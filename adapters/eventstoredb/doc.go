// Package eventstoredb keeps streams in EventStoreDB, KurrentDB or the embedded
// node, through the official client. It is the only importer of that client.
//
// The bare client is closed for good after about a second of refused
// connections, hangs callers then, and panics when it is closed under a call.
// [Client] supervises it: every call runs in a goroutine of its own and is left
// behind when its context ends, a connection that fails is replaced by a new
// bare client with growing pauses in between, and while there is none callers
// are told so at once.
//
// On the client stand
//
//   - [Store], the [domain.Store] of the application, which also reads the whole
//     log and reads streams backwards;
//   - [Bulk], the same store with appends multiplexed over BatchAppend, for
//     imports and offline sync;
//   - [Publisher] and [Subscriber] of watermill. The subscriber hands out pages
//     of events, so that a projection applies a page in one transaction.
//
// Errors name what went wrong and wrap the sentinel to ask for with errors.Is.
// The methods of [domain.Store] leave it to the domain to name the stream.
package eventstoredb
