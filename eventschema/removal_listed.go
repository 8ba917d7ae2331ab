package eventschema

import (
	"time"

	"github.com/google/uuid"
)

// CategoryRemoval is the category of streams that list what the event store may
// remove.
const CategoryRemoval = "removal"

// RemovalStream holds every listing of removals of one stream. Its id follows
// from the name of that stream.
func RemovalStream(tenant uuid.UUID, stream string) StreamName {
	return StreamName{Category: CategoryRemoval, Tenant: tenant, ID: uuid.NewSHA1(tenant, []byte("removals of\x00"+stream))}
}

// RemovalListed says of some events, consecutive in one stream, that the event
// store may remove them from now on, and keeps what shows a verifier which leaf
// of the trail was whose: leaves, positions and the hashes of the bodies, one of
// each for each event. Nothing in it confirms a guess about a salted event.
//
// History: v1 is the first version.
type RemovalListed struct {
	Stream        string        `json:"stream"`
	FirstRevision uint64        `json:"first_revision"`
	Leaves        []uint64      `json:"leaves"`
	Positions     []uint64      `json:"positions"`
	Bodies        []string      `json:"bodies"` // SHA-256 in standard base64
	Ground        RemovalGround `json:"ground"`
	ListedAt      time.Time     `json:"listed_at"`
}

// RemovalGround says why the event store may remove events.
type RemovalGround string

// The grounds, each an order that stands in the log itself.
const (
	RemovalCut      RemovalGround = "cut_off"      // the stream's metadata hide what is old
	RemovalEnded    RemovalGround = "stream_ended" // the stream was ended for good
	RemovalReplaced RemovalGround = "replaced"     // newer metadata of the stream took their place
)

// EventType implements [Event].
func (e *RemovalListed) EventType() string { return "removal-listed" }

// Sections implements [Event].
func (e *RemovalListed) Sections() []Section { return nil }

func removalListed() Definition {
	return Definition{Type: "removal-listed", Version: 1, New: func() Event { return new(RemovalListed) }}
}
