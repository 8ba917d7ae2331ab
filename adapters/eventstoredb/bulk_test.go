package eventstoredb_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"tracekeep/adapters/eventstoredb"
	"tracekeep/domain"
)

// oldServer is a node behind a server that knows Append and Read only.
type oldServer struct {
	streams.UnimplementedStreamsServer
	node streams.StreamsClient
}

func (o oldServer) Append(call streams.Streams_AppendServer) error {
	node, err := o.node.Append(call.Context())
	if err != nil {
		return err
	}
	for {
		request, err := call.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := node.Send(request); err != nil {
			return err
		}
	}
	answer, err := node.CloseAndRecv()
	if err != nil {
		return err
	}
	return call.SendAndClose(answer)
}

func (o oldServer) Read(request *streams.ReadReq, call streams.Streams_ReadServer) error {
	node, err := o.node.Read(call.Context(), request)
	if err != nil {
		return err
	}
	for {
		answer, err := node.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := call.Send(answer); err != nil {
			return err
		}
	}
}

func startOldServer(t *testing.T, node string) string {
	t.Helper()
	conn, err := grpc.NewClient(node, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	streams.RegisterStreamsServer(server, oldServer{node: streams.NewStreamsClient(conn)})
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
		_ = conn.Close()
	})
	return fmt.Sprintf("esdb://%s?tls=false", listener.Addr())
}

func TestBulkAppendsOneByOneWhereThereIsNoBatchAppend(t *testing.T) {
	node := startNode(t)
	for name, connection := range map[string]string{
		"server without batch append": startOldServer(t, node.Addr()),
		"cluster":                     fmt.Sprintf("esdb+discover://%s?tls=false", node.Addr()),
	} {
		t.Run(name, func(t *testing.T) {
			bulk, err := eventstoredb.NewBulk(connect(t, connection))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = bulk.Close() }()
			stream, events := newStream(), proposed(3)
			mustAppend(t, bulk, stream, domain.NoStream, events)
			checkRecorded(t, stream, events, read(t, bulk, stream, 0))
			if _, err := bulk.Append(t.Context(), stream, 0, proposed(1)); !errors.Is(err, domain.ErrConflict) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Many writers of one bulk store: every append answered with its own outcome.
func TestBulkAnswersBelongToTheirAppends(t *testing.T) {
	bulk := storeOf(t, connect(t, startNode(t).ConnectionString()), true)
	var writers sync.WaitGroup
	for range 64 {
		writers.Go(func() {
			stream, expected := newStream(), domain.NoStream
			for i := range 50 {
				appended, err := bulk.Append(t.Context(), stream, expected, proposed(1+i%3))
				if err != nil || appended.Revision != uint64(expected+domain.Expected(1+i%3)) {
					t.Errorf("append %d: %+v, %v", i, appended, err)
					return
				}
				if _, err := bulk.Append(t.Context(), stream, domain.Expected(appended.Revision)+1, proposed(1)); !errors.Is(err, domain.ErrConflict) {
					t.Errorf("append %d past the end: %v", i, err)
				}
				expected = domain.Expected(appended.Revision)
			}
		})
	}
	writers.Wait()
}
