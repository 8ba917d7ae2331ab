package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// MediaRemovalRequested says that somebody wants one photo or document gone. An erasure
// case follows, whose id is that of this event; it destroys the key of the one item.
//
// History: v1 is the first version.
type MediaRemovalRequested struct {
	ItemID      uuid.UUID `json:"item_id"`
	PersonID    uuid.UUID `json:"person_id"`
	Reason      string    `json:"reason"` // a code
	RequestedAt time.Time `json:"requested_at"`
	RequestedBy uuid.UUID `json:"requested_by"`
}

// EventType implements [Event].
func (e *MediaRemovalRequested) EventType() string { return "media-removal-requested" }

// Sections implements [Event].
func (e *MediaRemovalRequested) Sections() []Section { return nil }

func mediaRemovalRequested() Definition {
	return Definition{Type: "media-removal-requested", Version: 1, New: func() Event { return new(MediaRemovalRequested) }}
}

// MediaRemoved says that the key of a photo or document was destroyed under a case and
// its file deleted, in this order.
//
// History: v1 is the first version.
type MediaRemoved struct {
	ItemID    uuid.UUID `json:"item_id"`
	PersonID  uuid.UUID `json:"person_id"`
	CaseID    uuid.UUID `json:"case_id"`
	RemovedAt time.Time `json:"removed_at"`
}

// EventType implements [Event].
func (e *MediaRemoved) EventType() string { return "media-removed" }

// Sections implements [Event].
func (e *MediaRemoved) Sections() []Section { return nil }

func mediaRemoved() Definition {
	return Definition{Type: "media-removed", Version: 1, New: func() Event { return new(MediaRemoved) }}
}
