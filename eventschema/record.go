package eventschema

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ContentTypeJSON is the content type of every event Tracekeep writes.
const ContentTypeJSON = "application/json"

// Recorded is one event exactly as the event store holds it. The trail commits
// to these bytes, so nothing may normalise them.
type Recorded struct {
	Stream      string
	Revision    uint64 // place in the stream, from 0, dense
	Position    uint64 // place in the log, strictly increasing, not dense
	ID          uuid.UUID
	Type        string // stored name with version, for example punch-recorded.v2
	ContentType string
	Created     time.Time // recorded_at: when the store committed it, UTC, 100 ns steps
	Data        []byte
	Metadata    []byte
}

// Proposed is one event ready to be appended: sealed, encoded, with its id.
type Proposed struct {
	ID       uuid.UUID
	Type     string
	Data     []byte
	Metadata []byte
}

// StoredName joins an event type and a schema version as the store holds them.
func StoredName(eventType string, version int) string {
	return eventType + ".v" + strconv.Itoa(version)
}

// SplitStoredName is the inverse of [StoredName]. It answers false for a name
// that [StoredName] would not write, such as the store's own system events.
func SplitStoredName(name string) (eventType string, version int, ok bool) {
	dot := strings.LastIndex(name, ".v")
	if dot <= 0 {
		return "", 0, false
	}
	version, err := strconv.Atoi(name[dot+2:])
	if err != nil || version < 1 || name != StoredName(name[:dot], version) {
		return "", 0, false
	}
	return name[:dot], version, true
}
