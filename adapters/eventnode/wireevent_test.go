package eventnode

import (
	"strconv"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"
)

// recorded is the generated message for a record.
func recorded(r *record, asText bool) *streams.ReadResp_ReadEvent_RecordedEvent {
	if r == nil {
		return nil
	}
	id := structuredUUID(r.id)
	if asText {
		id = wireID(r.id)
	}
	return &streams.ReadResp_ReadEvent_RecordedEvent{
		Id: id, StreamIdentifier: &shared.StreamIdentifier{StreamName: r.name}, StreamRevision: uint64(r.rev),
		PreparePosition: uint64(r.pos), CommitPosition: uint64(r.pos),
		Metadata:       map[string]string{"type": string(r.typ), "content-type": r.contentType(), "created": strconv.FormatInt(r.ticks, 10)},
		CustomMetadata: r.meta, Data: r.data,
	}
}

func anyRecord(t *rapid.T) *record {
	bytes := func(label string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, label) }
	r := &record{
		pos: rapid.Int64Min(1).Draw(t, "pos"), rev: rapid.Int64Min(0).Draw(t, "rev"), ticks: rapid.Int64().Draw(t, "ticks"),
		flags: rapid.Byte().Draw(t, "flags"), name: bytes("name"), typ: []byte(rapid.String().Draw(t, "type")), data: bytes("data"), meta: bytes("meta"),
	}
	copy(r.id[:], rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(t, "id")) // ids of zeros, too
	return r
}

// What is written by hand is what the generated messages would write, for both
// services, and exactly as long as announced.
func TestWireEventIsTheGeneratedMessage(t *testing.T) {
	buffers, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := &wireEvent{stringIDs: rapid.Bool().Draw(t, "text ids")}
		if rapid.Bool().Draw(t, "linked") {
			m.link = anyRecord(t)
		}
		if m.link == nil || rapid.Bool().Draw(t, "resolved") {
			m.event = anyRecord(t)
		}
		want := &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
			Event: recorded(m.event, m.stringIDs), Link: recorded(m.link, m.stringIDs),
			Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: uint64(m.original().pos)},
		}}}
		got := &streams.ReadResp{}
		decode(t, buffers, m, got)
		if !proto.Equal(got, want) {
			t.Fatalf("%v\nwant %v", got, want)
		}

		m.toGroups, m.retries = true, rapid.Int32Min(0).Draw(t, "retries")
		toGroup := &persistent.ReadResp{}
		if err := proto.Unmarshal(mustMarshal(t, want), toGroup); err != nil { // the same numbers
			t.Fatal(err)
		}
		toGroup.GetEvent().Count = &persistent.ReadResp_ReadEvent_RetryCount{RetryCount: m.retries}
		gotByGroup := &persistent.ReadResp{}
		decode(t, buffers, m, gotByGroup)
		if !proto.Equal(gotByGroup, toGroup) {
			t.Fatalf("%v\nwant %v", gotByGroup, toGroup)
		}
	})
}

func decode(t *rapid.T, c codec, m *wireEvent, into proto.Message) {
	b, err := c.Marshal(m)
	if err != nil || b.Len() != m.size() {
		t.Fatalf("%d bytes, announced %d (%v)", b.Len(), m.size(), err)
	}
	defer b.Free()
	if err := c.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func mustMarshal(t *rapid.T, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
