package trail

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Types of the store's own events that order a removal.
const (
	typeMetadata = "$metadata"
	typeEnded    = "$streamDeleted"
)

// Retention is what the metadata of a stream let the event store remove, as
// EventStoreDB has it.
type Retention struct {
	TruncateBefore uint64        // revisions below it; $tb
	MaxCount       uint64        // all but the last so many; 0: no limit
	MaxAge         time.Duration // what is older; 0: no limit
}

// ParseRetention reads the metadata of a stream. What makes no sense to the
// store orders nothing.
func ParseRetention(metadata []byte) Retention {
	var keys map[string]json.RawMessage
	if json.Unmarshal(metadata, &keys) != nil {
		return Retention{}
	}
	number := func(name string) uint64 {
		n, err := strconv.ParseUint(string(bytes.TrimSpace(keys[name])), 10, 63)
		if err != nil {
			return 0
		}
		return n
	}
	const mostSeconds = 1 << 33 // as many as a duration holds
	return Retention{
		TruncateBefore: number("$tb"), MaxCount: number("$maxCount"),
		MaxAge: time.Duration(min(number("$maxAge"), mostSeconds)) * time.Second,
	}
}

// Below is the revision below which events may be removed whatever their age, in
// a stream whose next revision is next. The last event of a stream always stays.
func (r Retention) Below(next uint64) uint64 {
	below := r.TruncateBefore
	if r.MaxCount > 0 && next > r.MaxCount {
		below = max(below, next-r.MaxCount)
	}
	return min(below, max(next, 1)-1)
}

// OfMetadata is what a store keeps of a stream that holds metadata: the last.
func OfMetadata() Retention { return Retention{MaxCount: 1} }

// described is the stream whose metadata a stream holds, and whether it is one.
func described(stream string) (string, bool) { return strings.CutPrefix(stream, metaPrefix) }
