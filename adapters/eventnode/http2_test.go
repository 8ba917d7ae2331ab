package eventnode

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var plaintext = grpc.WithTransportCredentials(insecure.NewCredentials())

// http2Client speaks frames, as no gRPC client would.
type http2Client struct {
	t      testing.TB
	conn   net.Conn
	mu     sync.Mutex
	framer *http2.Framer
	mute   atomic.Bool // answers nothing
	ends   chan ending
}

// ending is how a stream ended: with a gRPC status, or none when it was reset.
type ending struct {
	stream uint32
	status string
}

func dialHTTP2(t testing.TB, n *Node) *http2Client {
	t.Helper()
	conn, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	h := &http2Client{t: t, conn: conn, framer: http2.NewFramer(conn, conn), ends: make(chan ending, 1024)}
	h.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := h.framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	go h.answer()
	return h
}

// answer does what keeps a connection alive, and notes how streams end.
func (h *http2Client) answer() {
	defer close(h.ends)
	for {
		frame, err := h.framer.ReadFrame()
		if err != nil {
			return
		}
		if h.mute.Load() {
			continue
		}
		h.mu.Lock()
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = h.framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = h.framer.WritePing(true, f.Data)
			}
		case *http2.RSTStreamFrame:
			h.ends <- ending{stream: f.StreamID}
		case *http2.MetaHeadersFrame:
			for _, field := range f.Fields {
				if field.Name == "grpc-status" {
					h.ends <- ending{f.StreamID, field.Value}
				}
			}
		}
		h.mu.Unlock()
	}
}

// call begins a call and leaves its request open.
func (h *http2Client) call(stream uint32, method string) {
	h.t.Helper()
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, field := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", "node"}, {"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		_ = e.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *http2Client) data(stream uint32, b []byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.framer.WriteData(stream, false, b)
}

// status waits until a stream ends and gives its gRPC status.
func (h *http2Client) status(stream uint32) string {
	h.t.Helper()
	for {
		select {
		case e, open := <-h.ends:
			if !open {
				return "none, the connection ended"
			}
			if e.stream == stream {
				return e.status
			}
		case <-within(h.t).Done():
			h.t.Fatal("the call does not end")
		}
	}
}

// appendMessages are the messages of one append of one event.
func appendMessages(stream string, data []byte) []*streams.AppendReq {
	return []*streams.AppendReq{
		{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}},
		}}},
		{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
			Id: wireID(uuid.New()), Data: data, Metadata: map[string]string{"type": "x", "content-type": "application/json"},
		}}},
	}
}

// appendRaw appends one event, whatever the stream has.
func appendRaw(ctx context.Context, c streams.StreamsClient, stream string, data []byte) error {
	call, err := c.Append(ctx)
	if err != nil {
		return err
	}
	for _, m := range appendMessages(stream, data) {
		if err := call.Send(m); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	_, err = call.CloseAndRecv()
	return err
}

func groupReadRequest(stream, group string) *persistent.ReadReq {
	return &persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
		StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}},
		GroupName:    group, BufferSize: 1,
		UuidOption: &persistent.ReadReq_Options_UUIDOption{Content: &persistent.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
	}}}
}
