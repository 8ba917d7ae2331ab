package eventnode

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/google/uuid"
)

// serverVersion is what clients derive behaviour from: three numbers, nothing
// else, or the Go client cannot connect.
const serverVersion = "24.10.4"

type featureServer struct {
	serverfeatures.UnimplementedServerFeaturesServer
}

// GetSupportedMethods names what the node serves and nothing it does not.
func (featureServer) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	const streamService = "event_store.client.streams.streams"
	method := func(service, name string, features ...string) *serverfeatures.SupportedMethod {
		return &serverfeatures.SupportedMethod{ServiceName: service, MethodName: name, Features: features}
	}
	supported := &serverfeatures.SupportedMethods{
		EventStoreServerVersion: serverVersion,
		Methods: []*serverfeatures.SupportedMethod{
			method(streamService, "read", "position", "events"),
			method(streamService, "append"),
			method(streamService, "delete"),
			method(streamService, "tombstone"),
			method(streamService, "batchappend", "deadline_duration"),
			method("event_store.client.gossip.gossip", "read"),
			method("event_store.client.server_features.serverfeatures", "getsupportedmethods"),
		},
	}
	for _, name := range []string{"create", "update", "delete", "read", "getinfo", "replayparked", "list", "restartsubsystem"} {
		supported.Methods = append(supported.Methods, method("event_store.client.persistent_subscriptions.persistentsubscriptions", name, "stream", "all"))
	}
	return supported, nil
}

type gossipServer struct {
	gossip.UnimplementedGossipServer
	id    uuid.UUID
	host  string
	port  uint32
	clock func() time.Time
}

// Read names the one member there is, which is always the leader.
func (g gossipServer) Read(context.Context, *shared.Empty) (*gossip.ClusterInfo, error) {
	return &gossip.ClusterInfo{Members: []*gossip.MemberInfo{{
		InstanceId:   structuredUUID(g.id),
		TimeStamp:    g.clock().UnixNano() / nanosecondsTick,
		State:        gossip.MemberInfo_Leader,
		IsAlive:      true,
		HttpEndPoint: &gossip.EndPoint{Address: g.host, Port: g.port},
	}}}, nil
}

func splitAddress(address string) (string, uint32, error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return host, uint32(port), err
}
