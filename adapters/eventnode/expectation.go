package eventnode

import "github.com/google/uuid"

// expectation is what a writer believes of a stream: the revision of its last
// event, or one of the reserved numbers.
type expectation int64

const (
	expectNoStream     expectation = -1
	expectAny          expectation = -2
	expectStreamExists expectation = -4
)

// ruling is what an expectation leads to.
type ruling int

const (
	rulingWrite         ruling = iota // the events are appended
	rulingIdempotent                  // they are there already
	rulingWrongVersion                // the writer believed something else
	rulingStreamDeleted               // the stream takes no more events
)

// streamState is what the rules look at.
type streamState struct {
	last        int64 // revision of the last event ever written, -1 for none
	tombstoned  bool
	softDeleted bool
	hasMeta     bool // the metadata stream has events
}

// recall answers what the rules ask about events already written.
type recall interface {
	// idAt is the id of the event with this revision, if there is one.
	idAt(rev int64) (uuid.UUID, bool, error)
	// revisionOf is the revision of the event with this id in this stream, as
	// far as the bounded memory reaches.
	revisionOf(id uuid.UUID) (int64, bool, error)
}

// rule applies the rules of an append in the order in which a real node does.
// For rulingIdempotent the number is the revision of the last of these events.
func rule(st streamState, expected expectation, ids []uuid.UUID, past recall) (ruling, int64, error) {
	if st.tombstoned {
		return rulingStreamDeleted, 0, nil
	}
	if expected == expectStreamExists {
		if st.softDeleted {
			return rulingStreamDeleted, 0, nil
		}
		if st.last < 0 && !st.hasMeta {
			return rulingWrongVersion, 0, nil
		}
	}
	switch {
	case expected == expectAny || expected == expectStreamExists:
		return ruleByID(ids, past)
	case int64(expected) < st.last:
		return ruleByRevision(st, expected, ids, past)
	case int64(expected) > st.last:
		return rulingWrongVersion, 0, nil
	}
	return rulingWrite, 0, nil
}

// ruleByID serves writers that name no revision: all events known means a
// repetition, some of them known means a different append.
func ruleByID(ids []uuid.UUID, past recall) (ruling, int64, error) {
	var rev int64
	for i, id := range ids {
		at, known, err := past.revisionOf(id)
		switch {
		case err != nil:
			return 0, 0, err
		case !known && i == 0:
			return rulingWrite, 0, nil
		case !known:
			return rulingWrongVersion, 0, nil
		}
		rev = at
	}
	if len(ids) == 0 {
		return rulingWrite, 0, nil
	}
	return rulingIdempotent, rev, nil
}

// ruleByRevision serves writers whose revision is past: the same events right
// after it mean a repetition.
func ruleByRevision(st streamState, expected expectation, ids []uuid.UUID, past recall) (ruling, int64, error) {
	for i, id := range ids {
		at, found, err := past.idAt(int64(expected) + 1 + int64(i))
		if err != nil {
			return 0, 0, err
		}
		if found && at == id {
			continue
		}
		if i == 0 && expected == expectNoStream && st.softDeleted {
			return rulingWrite, 0, nil
		}
		return rulingWrongVersion, 0, nil
	}
	if len(ids) == 0 {
		return rulingWrongVersion, 0, nil
	}
	return rulingIdempotent, int64(expected) + int64(len(ids)), nil
}
