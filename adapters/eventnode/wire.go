package eventnode

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

const (
	contentJSON  = "application/json"
	contentOther = "application/octet-stream"
)

var errNilID = errors.New("event id is missing or nil")

func parseUUID(u *shared.UUID) (uuid.UUID, error) {
	switch v := u.GetValue().(type) {
	case *shared.UUID_Structured_:
		var id uuid.UUID
		binary.BigEndian.PutUint64(id[:8], uint64(v.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(id[8:], uint64(v.Structured.GetLeastSignificantBits()))
		return id, nil
	case *shared.UUID_String_:
		return uuid.Parse(v.String_)
	}
	return uuid.UUID{}, errNilID
}

func structuredUUID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

func stringUUID(id uuid.UUID) *shared.UUID {
	return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
}

// encoder writes records in the shape a reader asked for.
type encoder struct {
	stringIDs bool
}

func (e encoder) event(r, link *record) *streams.ReadResp {
	original := r
	if link != nil {
		original = link
	}
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event:    e.recorded(r),
		Link:     e.recorded(link),
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: uint64(original.pos)},
	}}}
}

func (e encoder) recorded(r *record) *streams.ReadResp_ReadEvent_RecordedEvent {
	if r == nil {
		return nil
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id:               recordID(r, e.stringIDs),
		StreamIdentifier: &shared.StreamIdentifier{StreamName: r.name},
		StreamRevision:   uint64(r.rev),
		PreparePosition:  uint64(r.pos),
		CommitPosition:   uint64(r.pos),
		Metadata:         recordMetadata(r),
		CustomMetadata:   r.meta,
		Data:             r.data,
	}
}

// recordID is the id of a record in the form the reader asked for.
func recordID(r *record, asString bool) *shared.UUID {
	if asString {
		return stringUUID(r.id)
	}
	return structuredUUID(r.id)
}

// recordMetadata is what every service tells of a record beside its own metadata.
func recordMetadata(r *record) map[string]string {
	content := contentOther
	if r.flags&flagJSON != 0 {
		content = contentJSON
	}
	return map[string]string{"type": string(r.typ), "content-type": content, "created": strconv.FormatInt(r.ticks, 10)}
}
