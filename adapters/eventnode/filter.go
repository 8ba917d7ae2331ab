package eventnode

import (
	"bytes"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// defaultWindow is how many records one page of a filtered subscription
// considers when the client names no number.
const defaultWindow = 32

// filter chooses records of the log by stream name or event type.
type filter struct {
	byType   bool
	regex    *pattern
	prefixes [][]byte
	// failed is why records could not be compared. What was chosen since then
	// means nothing.
	failed error
	// interval is how many records a subscription considers between two
	// checkpoints.
	interval int
}

func parseFilter(o *streams.ReadReq_Options_FilterOptions, subscription bool) (*filter, error) {
	f := &filter{}
	var e *streams.ReadReq_Options_FilterOptions_Expression
	switch by := o.GetFilter().(type) {
	case *streams.ReadReq_Options_FilterOptions_StreamIdentifier:
		e = by.StreamIdentifier
	case *streams.ReadReq_Options_FilterOptions_EventType:
		e, f.byType = by.EventType, true
	default:
		return nil, invalid("filter names neither stream nor event type")
	}
	if e.GetRegex() != "" {
		re, err := compilePattern(e.GetRegex())
		if err != nil {
			return nil, invalid("filter: %v", err)
		}
		f.regex = re
	}
	for _, p := range e.GetPrefix() {
		f.prefixes = append(f.prefixes, []byte(p))
	}
	if f.regex == nil && len(f.prefixes) == 0 {
		return nil, invalid("filter has neither a regular expression nor a prefix")
	}
	window := uint64(defaultWindow)
	if w, ok := o.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(w.Max)
	}
	interval := window * uint64(o.GetCheckpointIntervalMultiplier())
	if subscription && interval == 0 {
		return nil, invalid("filter window and checkpoint interval must be greater than 0")
	}
	f.interval = int(min(interval, 1<<31))
	return f, nil
}

// err is for whoever is about to use what the filter chose.
func (f *filter) err() error {
	if f == nil || f.failed == nil {
		return nil
	}
	return invalid("filter: %v", f.failed)
}

func (f *filter) matches(r *record) bool {
	subject := r.name
	if f.byType {
		subject = r.typ
	}
	if f.regex != nil {
		if f.failed != nil {
			return false
		}
		var found bool
		found, f.failed = f.regex.matches(subject)
		return found
	}
	for _, p := range f.prefixes {
		if bytes.HasPrefix(subject, p) {
			return true
		}
	}
	return false
}

// hidden records are shown to nobody who reads the whole log: they are how a
// real node keeps the state of its own subscriptions.
func hidden(r *record) bool {
	if len(r.typ) == 0 || len(r.name) == 0 || r.name[0] != '$' {
		return false
	}
	if string(r.typ) == "$epoch-information" {
		return true
	}
	return bytes.HasPrefix(r.name, []byte("$persistentsubscription-$all::")) &&
		(bytes.HasSuffix(r.name, []byte("-checkpoint")) || bytes.HasSuffix(r.name, []byte("-parked")))
}
