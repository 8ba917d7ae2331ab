package httpapi

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"tracekeep/eventschema"
)

// ErrTooLarge: content is larger than is taken in. 413.
var ErrTooLarge = errors.New("larger than is taken in")

// Media keeps photos and documents of people. Errors: *Refusal (bad_media_type,
// damaged_content, camera_metadata, photos_forbidden, …), *Erased, ErrNotFound,
// ErrTooLarge, ErrUnrecorded, ErrUnavailable.
type Media interface {
	// AttachMedia takes content in and is durable when it returns. A portrait takes the
	// place of an earlier one, whose removal follows.
	AttachMedia(ctx context.Context, intent Intent, order MediaOrder, content io.Reader) (MediaReceipt, error)
	// MediaOf lists what is and was kept of a person, oldest first.
	MediaOf(ctx context.Context, by Principal, person uuid.UUID) ([]MediaView, error)
	// ReadMedia records the reading and writes content. begin is called once, before the
	// first byte; an error before it means that nothing was written.
	ReadMedia(ctx context.Context, by Principal, question MediaQuestion, begin func(MediaBegun), to io.Writer) error
	// RemoveMedia asks for the end of one item. The case it names destroys the key of
	// the item and deletes its file.
	RemoveMedia(ctx context.Context, intent Intent, removal MediaRemoval) (MediaReceipt, error)
	// MediaLimit is how many bytes of content are taken in.
	MediaLimit() int64
}

// MediaOrder says whose content it is and what it is kept for.
type MediaOrder struct {
	Person            uuid.UUID
	Class             eventschema.MediaClass
	Caption, FileName eventschema.Personal
	ReceivedAt        time.Time
}

// MediaReceipt answers an attachment or a removal.
type MediaReceipt struct {
	Receipt
	ItemID    uuid.UUID
	MediaType eventschema.MediaType // of an attachment, as found
	SHA256    string                // of an attachment: of the file as it is stored
	CaseID    uuid.UUID             // of a removal
}

// MediaQuestion asks for one item of a person, or, with the nil id, for the portrait.
type MediaQuestion struct {
	Person, Item uuid.UUID
	Operation    string // what was asked, as the reading names it
}

// MediaBegun is what is known before the first byte.
type MediaBegun struct {
	ItemID    uuid.UUID
	MediaType eventschema.MediaType
	Bytes     int64
	FileName  string // may be empty
}

// MediaRemoval asks for the end of one item of a person.
type MediaRemoval struct {
	Person, Item uuid.UUID
	Reason       string // a code
	ReceivedAt   time.Time
}

// MediaView is one photo or document and what became of it.
type MediaView struct {
	Position                 uint64
	ItemID                   uuid.UUID
	Class                    eventschema.MediaClass
	MediaType                eventschema.MediaType
	SHA256                   string
	StoredBytes              int64
	AttachedAt               time.Time
	AttachedBy               uuid.UUID
	RemovalRequestedAt       *time.Time
	RemovedAt                *time.Time
	RemovedUnder             uuid.UUID
	Caption, FileName, Bytes Personal
}

// Values lists what is personal of an item.
func (view MediaView) Values() []Personal {
	return []Personal{view.Caption, view.FileName, view.Bytes}
}
