package eventnode

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// operation makes one call about a stream and gives its status. An operation
// that is allowed changes nothing: it asks for a revision that is not there.
type operation func(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error

// first receives the first answer of a call, or its end.
func first[T any](recv func() (*T, error)) error {
	_, err := recv()
	if err != nil && strings.Contains(err.Error(), "EOF") {
		return nil
	}
	return err
}

func readReq(stream string, change func(*streams.ReadReq_Options)) *streams.ReadReq {
	r := subscribeRequest(nil)
	if stream != allStream {
		r.Options.StreamOption = &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{StreamIdentifier: streamID(stream),
			RevisionOption: &streams.ReadReq_Options_StreamOptions_Start{Start: &shared.Empty{}}}}
	}
	if change != nil {
		change(r.Options)
	}
	return r
}

func onePage(o *streams.ReadReq_Options) { o.CountOption = &streams.ReadReq_Options_Count{Count: 1} }

func doRead(change func(*streams.ReadReq_Options)) operation {
	return func(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		call, err := streams.NewStreamsClient(conn).Read(ctx, readReq(stream, change), o...)
		if err != nil {
			return err
		}
		return first(call.Recv)
	}
}

func doAppend(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
	call, err := streams.NewStreamsClient(conn).Append(ctx, o...)
	if err != nil {
		return err
	}
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{StreamIdentifier: streamID(stream),
		ExpectedStreamRevision: &streams.AppendReq_Options_Revision{Revision: 99}}}})
	_ = call.Send(&streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: &streams.AppendReq_ProposedMessage{
		Id: wireID(uuid.New()), Metadata: map[string]string{"type": "t", "content-type": contentJSON}, Data: []byte("{}")}}})
	_, err = call.CloseAndRecv()
	return err
}

func doBatchAppend(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := streams.NewStreamsClient(conn).BatchAppend(ctx, o...)
	if err != nil {
		return err
	}
	r := exact(batchRequest(stream), 99)
	r.CorrelationId, r.IsFinal = wireID(uuid.New()), true
	_ = call.Send(r)
	a, err := call.Recv()
	if err != nil {
		return err
	}
	return status.FromProto(a.GetError()).Err()
}

func doDelete(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
	_, err := streams.NewStreamsClient(conn).Delete(ctx, &streams.DeleteReq{Options: &streams.DeleteReq_Options{StreamIdentifier: streamID(stream),
		ExpectedStreamRevision: &streams.DeleteReq_Options_Revision{Revision: 99}}}, o...)
	return err
}

func doTombstone(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
	_, err := streams.NewStreamsClient(conn).Tombstone(ctx, &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{StreamIdentifier: streamID(stream),
		ExpectedStreamRevision: &streams.TombstoneReq_Options_Revision{Revision: 99}}}, o...)
	return err
}

// ofMetadata applies an operation to the metadata stream instead.
func ofMetadata(op operation) operation {
	return func(ctx context.Context, conn *grpc.ClientConn, stream string, o ...grpc.CallOption) error {
		return op(ctx, conn, metaStreamOf(stream), o...)
	}
}

// operations on streams, by the right that they need.
var operations = map[string]map[string]operation{
	"read": {"read": doRead(onePage), "subscribe": doRead(nil), "read backwards": doRead(func(o *streams.ReadReq_Options) {
		onePage(o)
		o.ReadDirection = streams.ReadReq_Options_Backwards
	})},
	"write":      {"append": doAppend, "batch append": doBatchAppend},
	"delete":     {"delete": doDelete, "tombstone": doTombstone},
	"meta read":  {"read": ofMetadata(doRead(onePage)), "subscribe": ofMetadata(doRead(nil))},
	"meta write": {"append": ofMetadata(doAppend), "batch append": ofMetadata(doBatchAppend)},
	"never":      {"delete": ofMetadata(doDelete), "tombstone": ofMetadata(doTombstone)},
}

const everyone, admins = "admin anna bert carl ops", "admin carl"

// Who may do what with a stream, by its name and its access control list.
func TestRightsToStreams(t *testing.T) {
	n := start(t, secured(t))
	admin, conn := connectAs(t, n, "admin"), secureConn(t, n)
	for i, tt := range []struct {
		rule, stream, list string // list: the metadata of the stream; empty for none
		may                map[string]string
	}{
		{"a stream is everybody's", "s", "",
			map[string]string{"read": everyone, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"a stream of the system is for administrators", "$s", "",
			map[string]string{"read": admins, "write": admins, "delete": admins, "meta read": admins, "meta write": admins}},
		{"a stream that is not there has the same rights", "none", "",
			map[string]string{"read": everyone, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"a list names a group", "s", `{"$acl":{"$r":"hr"}}`,
			map[string]string{"read": "admin anna carl", "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"a list names a user", "s", `{"$acl":{"$w":["bert"]}}`,
			map[string]string{"read": everyone, "write": "admin bert carl", "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"a list names several", "s", `{"$acl":{"$d":["bert","hr"]}}`,
			map[string]string{"read": everyone, "write": everyone, "delete": "admin anna bert carl", "meta read": everyone, "meta write": everyone}},
		{"metadata have rights of their own", "s", `{"$acl":{"$r":"$admins","$mr":"hr","$mw":"bert"}}`,
			map[string]string{"read": admins, "write": everyone, "delete": everyone, "meta read": "admin anna carl", "meta write": "admin bert carl"}},
		{"an empty list lets administrators only", "s", `{"$acl":{"$r":[],"$w":[],"$d":[],"$mr":[],"$mw":[]}}`,
			map[string]string{"read": admins, "write": admins, "delete": admins, "meta read": admins, "meta write": admins}},
		{"the operators are a group", "s", `{"$acl":{"$r":"$ops"}}`,
			map[string]string{"read": "admin carl ops", "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"a stream of the system can be opened", "$s", `{"$acl":{"$r":"$all","$w":"hr"}}`,
			map[string]string{"read": everyone, "write": "admin anna carl", "delete": admins, "meta read": admins, "meta write": admins}},
		{"a name is no group, and no prefix", "s", `{"$acl":{"$r":["h","ann","annas","$admin"]}}`,
			map[string]string{"read": admins, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"names are compared as they are", "s", `{"$acl":{"$r":"HR"},"$ACL":{"$w":"hr"}}`,
			map[string]string{"read": admins, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"null is no list", "s", `{"$acl":{"$r":null}}`,
			map[string]string{"read": everyone, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"metadata that make no sense are no metadata", "s", `{"$acl":{"$r":"hr"},"$maxCount":"many"}`,
			map[string]string{"read": everyone, "write": everyone, "delete": everyone, "meta read": everyone, "meta write": everyone}},
		{"the whole log is for administrators", "$all", "",
			map[string]string{"read": admins, "write": "", "delete": "", "meta read": admins, "meta write": admins}},
		{"the whole log can be opened to be read", "$all", `{"$acl":{"$r":"hr","$w":"hr","$d":"hr","$mr":"bert"}}`,
			map[string]string{"read": "admin anna carl", "write": "", "delete": "", "meta read": "admin bert carl", "meta write": admins}},
		{"metadata of metadata are for administrators", "$$s", "",
			map[string]string{"meta read": admins, "meta write": admins}},
		{"metadata of metadata have no list", "$$t", `{"$acl":{"$mr":"$all","$mw":"$all"}}`,
			map[string]string{"meta read": admins, "meta write": admins}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			stream := tt.stream
			if !strings.HasPrefix(stream, "$") || stream == "$s" {
				stream = fmt.Sprint(stream, i) // of its own
			}
			if tt.stream == "s" || tt.stream == "$s" {
				letters(t, admin, stream, "a")
			}
			if tt.list != "" {
				appendTo(t, admin, metaStreamOf(stream), esdb.AppendToStreamOptions{}, event(typeMetadata, tt.list))
			}
			tt.may["never"] = ""
			for right, may := range tt.may {
				for name, op := range operations[right] {
					for _, who := range []string{"admin", "ops", "anna", "bert", "carl", "nobody"} {
						err := op(with(within(t), who), conn, stream)
						if got, want := status.Code(err) != codes.PermissionDenied, slices.Contains(strings.Fields(may), who); got != want {
							t.Errorf("%s (%s) by %s: %v, want allowed: %t", right, name, who, err, want)
						}
						if status.Code(err) == codes.Unauthenticated {
							t.Errorf("%s is not known: %v", who, err)
						}
					}
				}
			}
		})
	}
}

// Who may do what with persistent subscriptions.
func TestRightsToGroups(t *testing.T) {
	n := start(t, secured(t))
	admin, conn := connectAs(t, n, "admin"), secureConn(t, n)
	client := persistent.NewPersistentSubscriptionsClient(conn)
	for _, stream := range []string{"open", "closed"} {
		letters(t, admin, stream, "a")
		createGroup(t, admin, stream, "g", esdb.Start{}, eager())
	}
	appendTo(t, admin, "$$closed", esdb.AppendToStreamOptions{}, event(typeMetadata, `{"$acl":{"$r":"hr"}}`))
	consumeFrom := func(stream string) func(context.Context) error {
		return func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			call, err := client.Read(ctx)
			if err != nil {
				return err
			}
			_ = call.Send(&persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
				StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID(stream)}, GroupName: "g", BufferSize: 1}}})
			return first(call.Recv)
		}
	}
	for name, tt := range map[string]struct {
		call func(context.Context) error
		may  string
	}{
		"create": {func(ctx context.Context) error {
			_, err := client.Create(ctx, &persistent.CreateReq{Options: &persistent.CreateReq_Options{GroupName: "g", StreamIdentifier: streamID("open"), Settings: usualSettings()}}) //nolint:staticcheck // as older clients
			return err
		}, "admin carl ops"},
		"update": {func(ctx context.Context) error {
			_, err := client.Update(ctx, &persistent.UpdateReq{Options: &persistent.UpdateReq_Options{GroupName: "none", StreamIdentifier: streamID("open")}}) //nolint:staticcheck // as older clients
			return err
		}, "admin carl ops"},
		"delete": {func(ctx context.Context) error {
			_, err := client.Delete(ctx, &persistent.DeleteReq{Options: &persistent.DeleteReq_Options{GroupName: "none"}})
			return err
		}, "admin carl ops"},
		"replay": {func(ctx context.Context) error {
			_, err := client.ReplayParked(ctx, &persistent.ReplayParkedReq{Options: &persistent.ReplayParkedReq_Options{GroupName: "none"}})
			return err
		}, "admin carl ops"},
		"restart": {func(ctx context.Context) error {
			_, err := client.RestartSubsystem(ctx, &shared.Empty{})
			return err
		}, "admin carl ops"},
		"info": {func(ctx context.Context) error {
			_, err := client.GetInfo(ctx, &persistent.GetInfoReq{Options: &persistent.GetInfoReq_Options{GroupName: "none"}})
			return err
		}, everyone},
		"list": {func(ctx context.Context) error {
			_, err := client.List(ctx, &persistent.ListReq{Options: &persistent.ListReq_Options{ListOption: &persistent.ListReq_Options_ListAllSubscriptions{ListAllSubscriptions: &shared.Empty{}}}})
			return err
		}, everyone},
		"consume from a stream that all may read":   {consumeFrom("open"), everyone},
		"consume from a stream that some may read":  {consumeFrom("closed"), "admin anna carl"},
		"consume from a group that is not there":    {consumeFrom("none"), everyone},
		"consume from the system, the group is not": {consumeFrom("$none"), admins},
	} {
		for _, who := range []string{"admin", "ops", "anna", "bert", "carl", "nobody"} {
			err := tt.call(with(within(t), who))
			if got, want := status.Code(err) != codes.PermissionDenied, slices.Contains(strings.Fields(tt.may), who); got != want {
				t.Errorf("%s by %s: %v, want allowed: %t", name, who, err, want)
			}
		}
	}
}
