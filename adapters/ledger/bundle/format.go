package bundle

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"tracekeep/adapters/ledger/trail"
)

// Format names the format of a bundle.
const Format = "tracekeep-audit-bundle/v1"

const manifestFormat = "tracekeep-audit-manifest/v1"

// Members of the archive.
const (
	readmeMember       = "README.txt"
	aboutMember        = "bundle.json"
	checkpointMember   = "checkpoint"
	handoversMember    = "handovers"
	schemaMember       = "schema.json"
	eventsMember       = "events.jsonl"
	blocksMember       = "blocks.bin"
	certificatesMember = "certificates.jsonl"
	headsMember        = "heads.jsonl"
	openedMember       = "opened.jsonl"
	manifestMember     = "manifest"
)

// order is the order of the members; opened.jsonl may be absent.
var order = []string{
	readmeMember, aboutMember, checkpointMember, handoversMember, schemaMember, eventsMember, blocksMember,
	certificatesMember, headsMember, openedMember, manifestMember,
}

const (
	blockHeight = 8
	blockWidth  = 1 << blockHeight
)

// Scope says which events a bundle holds.
type Scope string

// The scopes.
const (
	ScopeAll     Scope = "all"     // every leaf of the log
	ScopeRange   Scope = "range"   // every leaf from First up to End, not including it
	ScopeStreams Scope = "streams" // the events of some streams
)

// Selection is what was asked for. Listings of removals are added to it where
// they explain leaves without an event.
type Selection struct {
	Scope Scope `json:"scope"`
	// First and End bound the leaves of a range.
	First uint64 `json:"first_leaf"`
	End   uint64 `json:"end_leaf"`
	// Of says in words what the streams belong to, for example "person 4f…".
	Of      string   `json:"of,omitempty"`
	Streams []string `json:"streams,omitempty"`
}

// about is bundle.json.
type about struct {
	Format    string     `json:"format"`
	Origin    string     `json:"origin"`
	Size      uint64     `json:"size"`
	Root      trail.Hash `json:"root"`
	Selection Selection  `json:"selection"`
}

// line is one line of events.jsonl.
type line struct {
	Leaf *uint64     `json:"leaf,omitempty"`
	Hash *trail.Hash `json:"hash,omitempty"`

	Skip     uint64       `json:"skip,omitempty"`
	Subtrees []trail.Hash `json:"subtrees,omitempty"`

	Missing  bool           `json:"missing,omitempty"`
	Removed  *trail.Removed `json:"removed,omitempty"`
	Position uint64         `json:"position,omitempty"`

	Stream         string  `json:"stream,omitempty"`
	Revision       uint64  `json:"revision,omitempty"`
	ID             string  `json:"id,omitempty"` // 32 hex digits
	Type           string  `json:"type,omitempty"`
	Created        string  `json:"created,omitempty"` // RFC 3339, UTC
	ContentType    string  `json:"content_type,omitempty"`
	Data           *string `json:"data,omitempty"`
	DataBase64     []byte  `json:"data_base64,omitempty"`
	Metadata       *string `json:"metadata,omitempty"`
	MetadataBase64 []byte  `json:"metadata_base64,omitempty"`
}

func lineOf(e trail.Event) line {
	l := line{
		Position: e.Position, Stream: e.Stream, Revision: e.Revision, ID: hex.EncodeToString(e.ID[:]), Type: e.Type,
		Created: e.Created.UTC().Format(time.RFC3339Nano), ContentType: e.ContentType,
	}
	l.Data, l.DataBase64 = textOf(e.Data)
	l.Metadata, l.MetadataBase64 = textOf(e.Metadata)
	return l
}

// textOf gives bytes as a string when that keeps every one of them.
func textOf(content []byte) (*string, []byte) {
	switch {
	case len(content) == 0:
		return nil, nil
	case utf8.Valid(content):
		text := string(content)
		return &text, nil
	}
	return nil, content
}

// event is the event of the line, byte for byte.
func (l *line) event() (trail.Event, error) {
	e := trail.Event{Position: l.Position, Stream: l.Stream, Revision: l.Revision, Type: l.Type, ContentType: l.ContentType}
	id, err := hex.DecodeString(l.ID)
	if err != nil || len(id) != len(e.ID) {
		return e, fmt.Errorf("id of an event: %w", trail.ErrMalformed)
	}
	copy(e.ID[:], id)
	if e.Created, err = time.Parse(time.RFC3339Nano, l.Created); err != nil {
		return e, fmt.Errorf("time of an event: %w", trail.ErrMalformed)
	}
	e.Data, e.Metadata = l.DataBase64, l.MetadataBase64
	if l.Data != nil {
		e.Data = []byte(*l.Data)
	}
	if l.Metadata != nil {
		e.Metadata = []byte(*l.Metadata)
	}
	return e, nil
}

// certificateLine is one line of certificates.jsonl.
type certificateLine struct {
	Leaf        uint64 `json:"leaf"`
	Position    uint64 `json:"position"`
	Certificate string `json:"certificate"`
}

// headLine is one line of heads.jsonl.
type headLine struct {
	trail.Head
	Checkpoint  string       `json:"checkpoint,omitempty"` // signed, where it was one
	Consistency []trail.Hash `json:"consistency"`
}

// Opened is a personal value in clear, one line of opened.jsonl. State is that of
// the value; only a clear one has a text.
type Opened struct {
	Leaf    uint64 `json:"leaf"`
	Section string `json:"section"`
	Field   string `json:"field"`
	Purpose string `json:"purpose"`
	State   string `json:"state"`
	Value   string `json:"value,omitempty"`
}

// manifest is the text of the member of that name.
type manifest struct {
	Format  string   `json:"format"`
	Members []member `json:"members"`
	// Events and others count the lines of events.jsonl.
	Events     uint64 `json:"events"`
	Removed    uint64 `json:"removed"`
	Missing    uint64 `json:"missing"`
	Unrecorded uint64 `json:"unrecorded"`
}

// member is one file of the archive.
type member struct {
	Name   string `json:"name"`
	Size   uint64 `json:"size"`
	SHA256 string `json:"sha256"` // 64 hex digits
}

func marshalLine(value any) ([]byte, error) {
	text, err := json.Marshal(value)
	return append(text, '\n'), err
}
