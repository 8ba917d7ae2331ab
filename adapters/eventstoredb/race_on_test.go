//go:build race

package eventstoredb_test

// raced says that the race detector watches, which makes watermill's suite, tens
// of thousands of single appends, take minutes: it runs in its short form then.
const raced = true
