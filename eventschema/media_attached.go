package eventschema

import (
	"slices"
	"time"

	"github.com/google/uuid"
)

// CategoryMedia is the category of streams that hold one photo or document each.
const CategoryMedia = "media"

// MediaStream holds what is said of one photo or document. Its content stands in a
// file beside the event store, see [MediaBlob].
func MediaStream(tenant, item uuid.UUID) StreamName {
	return StreamName{Category: CategoryMedia, Tenant: tenant, ID: item}
}

// MediaAttached says that a photo or a document of a person is kept. Its content is a
// file that was sealed and durable before the event was stored.
//
// SHA256 is that of the file as it is stored, sealed: it holds the file against the
// event without a key, and confirms no guess of the content once the key is gone
// (promise ST-11). Of the content's length the event says in clear only what the length
// of the file says: a class of lengths.
//
// History: v1 is the first version.
type MediaAttached struct {
	ItemID      uuid.UUID  `json:"item_id"`
	PersonID    uuid.UUID  `json:"person_id"`
	Class       MediaClass `json:"class"`
	MediaType   MediaType  `json:"media_type"` // of the content, by its first bytes
	SHA256      string     `json:"sha256"`     // of the stored file, in hex
	StoredBytes int64      `json:"stored_bytes"`
	AttachedAt  time.Time  `json:"attached_at"`
	AttachedBy  uuid.UUID  `json:"attached_by"`

	Caption  Personal `json:"-"`
	FileName Personal `json:"-"`
	Bytes    Personal `json:"-"` // length of the content, in decimal
}

// MediaClass says what a photo or document is kept for.
type MediaClass string

// The classes.
const (
	MediaWork     MediaClass = "work_media"   // of the work: progress, results
	MediaSafety   MediaClass = "safety_media" // of safety and compliance
	MediaPortrait MediaClass = "portrait"     // of the person; one at a time
)

// MediaClasses lists every class.
func MediaClasses() []MediaClass { return []MediaClass{MediaWork, MediaSafety, MediaPortrait} }

// MediaType is a type of content that is kept, and no other is.
type MediaType string

// The types.
const (
	MediaJPEG MediaType = "image/jpeg"
	MediaPNG  MediaType = "image/png"
	MediaPDF  MediaType = "application/pdf"
)

// MediaTypes lists every type.
func MediaTypes() []MediaType { return []MediaType{MediaJPEG, MediaPNG, MediaPDF} }

// MediaTypesOf lists the types that a class is kept in: a portrait is an image. Where
// photos are forbidden there are no images.
func MediaTypesOf(class MediaClass, noPhotos bool) []MediaType {
	return slices.DeleteFunc(MediaTypes(), func(t MediaType) bool {
		return t.Image() && noPhotos || !t.Image() && class == MediaPortrait
	})
}

// Image says whether content of this type is a picture.
func (t MediaType) Image() bool { return t == MediaJPEG || t == MediaPNG }

// EventType implements [Event].
func (e *MediaAttached) EventType() string { return "media-attached" }

// Sections implements [Event].
func (e *MediaAttached) Sections() []Section {
	return []Section{{Name: "media", Purpose: PurposeMedia, Subject: e.PersonID, Item: e.ItemID, Fields: []Field{
		{"caption", &e.Caption}, {"file_name", &e.FileName}, {"bytes", &e.Bytes},
	}}}
}

// MediaBlob is where the content of an item stands, as its key is told: beside the
// section of its event, under the same item key.
func MediaBlob(tenant, person, item uuid.UUID) Coordinates {
	return Coordinates{
		Tenant: tenant, Subject: person, Purpose: PurposeMedia, Item: item, Stream: MediaStream(tenant, item).String(), EventID: item,
		EventType: "media-attached", SchemaVersion: 1, Section: "blob",
	}
}

func mediaAttached() Definition {
	return Definition{Type: "media-attached", Version: 1, New: func() Event { return new(MediaAttached) }}
}
