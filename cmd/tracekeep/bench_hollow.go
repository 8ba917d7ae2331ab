package main

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"

	"tracekeep/adapters/eventnode"
)

// hollow speaks the protocol as the node does and does nothing else: what is
// appended it forgets, and what is read is a list in memory. It is what the node
// is held against.
type hollow struct {
	streams.UnimplementedStreamsServer
	list []*streams.ReadResp
}

// serveHollow serves until the function it gives is called.
func serveHollow(h *hollow) (address string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := grpc.NewServer(eventnode.TransportOptions()...)
	streams.RegisterStreamsServer(server, h)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // it ends by being stopped
	return listener.Addr().String(), func() { server.Stop(); serving.Wait() }, nil
}

// Append answers once it has the whole request, as the node must.
func (h *hollow) Append(call streams.Streams_AppendServer) error {
	for {
		_, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{},
		PositionOption:        &streams.AppendResp_Success_Position{Position: &streams.AppendResp_Position{CommitPosition: 1, PreparePosition: 1}},
	}}})
}

// BatchAppend answers each append at once.
func (h *hollow) BatchAppend(call streams.Streams_BatchAppendServer) error {
	for {
		m, err := call.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := call.Send(&streams.BatchAppendResp{
			CorrelationId: m.GetCorrelationId(), StreamIdentifier: m.GetOptions().GetStreamIdentifier(),
			Result: &streams.BatchAppendResp_Success_{Success: &streams.BatchAppendResp_Success{
				CurrentRevisionOption: &streams.BatchAppendResp_Success_CurrentRevision{},
				PositionOption:        &streams.BatchAppendResp_Success_Position{Position: &shared.AllStreamPosition{CommitPosition: 1, PreparePosition: 1}},
			}},
		}); err != nil {
			return err
		}
	}
}

// Read sends the list, whatever was asked for.
func (h *hollow) Read(_ *streams.ReadReq, call streams.Streams_ReadServer) error {
	for _, m := range h.list {
		if err := call.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// recordedList is the log of bench events, as the node would send it.
func recordedList(events int) []*streams.ReadResp {
	list := make([]*streams.ReadResp, 0, events)
	for r := range benchRecords(events, benchStreams) {
		position := uint64(r.Position) //nolint:gosec // positions are not negative
		list = append(list, &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
			Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: position},
			Event: &streams.ReadResp_ReadEvent_RecordedEvent{
				Id: &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
					MostSignificantBits:  int64(binary.BigEndian.Uint64(r.ID[:8])), //nolint:gosec // the bits count
					LeastSignificantBits: int64(binary.BigEndian.Uint64(r.ID[8:])), //nolint:gosec // the bits count
				}}},
				StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(r.Stream)},
				StreamRevision:   uint64(r.Revision), //nolint:gosec // revisions are not negative
				PreparePosition:  position, CommitPosition: position,
				Metadata:       map[string]string{"type": r.Type, "content-type": "application/json", "created": strconv.FormatInt(r.Ticks, 10)},
				CustomMetadata: r.Metadata, Data: r.Data,
			},
		}}})
	}
	return list
}
