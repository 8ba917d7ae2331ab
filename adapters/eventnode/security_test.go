package eventnode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// secured gives a node a certificate and the users anna of hr, bert, and carl,
// who is an administrator by his group.
func secured(t testing.TB) func(*Config) {
	t.Helper()
	dir := t.TempDir()
	if err := MakeCertificates(dir, []string{"localhost", "127.0.0.1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	return func(c *Config) {
		c.hashCost = leastCost
		c.Security = &Security{
			CertFile: filepath.Join(dir, NodeCert), KeyFile: filepath.Join(dir, NodeKey),
			Users: []User{
				{Name: "anna", Password: "of anna", Groups: []string{"hr"}},
				{Name: "bert", Password: "of bert: with a colon"},
				{Name: "carl", Password: "of carl", Groups: []string{roleAdmins}},
			},
		}
	}
}

// passwords are those of the users of a secured node, and of somebody who has
// none.
var passwords = map[string]string{
	"admin": DefaultPassword, "ops": DefaultPassword, "anna": "of anna", "bert": "of bert: with a colon", "carl": "of carl",
}

// trusting is TLS that believes the authority of a node.
func trusting(t testing.TB, n *Node) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(n.cfg.Security.CertFile)), CAFile))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate of an authority")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// connectAs gives an official client of a secured node to one of its users.
func connectAs(t testing.TB, n *Node, user string) *esdb.Client {
	t.Helper()
	cfg, err := esdb.ParseConnectionString(n.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	cfg.RootCAs = trusting(t, n).RootCAs
	cfg.Username, cfg.Password, cfg.Logger = user, passwords[user], esdb.NoopLogging()
	c, err := esdb.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func secureConn(t testing.TB, n *Node, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(n.Addr(), append(o, grpc.WithTransportCredentials(credentials.NewTLS(trusting(t, n))))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// with makes calls with what somebody sends as authorization; nobody sends
// nothing.
func with(ctx context.Context, who string) context.Context {
	switch password, known := passwords[who]; {
	case who == "nobody":
		return ctx
	case known:
		who = basic(who, password)
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", who)
}

// Every call there is refuses strangers as clients expect it, except those that
// are open.
func TestStrangers(t *testing.T) {
	n := start(t, secured(t))
	conn := secureConn(t, n)
	open := []string{
		"/event_store.client.gossip.Gossip/Read",
		"/event_store.client.server_features.ServerFeatures/GetSupportedMethods",
	}
	calls := 0
	for service, info := range n.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			calls++
			method := "/" + service + "/" + m.Name
			for name, tt := range map[string]struct {
				authorization []string
				code          codes.Code
				exception     string
			}{
				"nothing":        {nil, codes.PermissionDenied, "access-denied"},
				"another scheme": {[]string{"Bearer x"}, codes.Unauthenticated, ""},
				"no scheme":      {[]string{"admin"}, codes.Unauthenticated, ""},
				"no base64":      {[]string{"Basic %"}, codes.Unauthenticated, ""},
				"no password":    {[]string{"Basic " + base64.StdEncoding.EncodeToString([]byte("admin"))}, codes.Unauthenticated, ""},
				"two of them":    {[]string{basic("admin", DefaultPassword), basic("ops", DefaultPassword)}, codes.Unauthenticated, ""},
			} {
				code, exception := stranger(t, conn, method, m, tt.authorization)
				if slices.Contains(open, method) {
					tt.code, tt.exception = codes.OK, ""
				}
				if code != tt.code || exception != tt.exception {
					t.Errorf("%s with %s: %v %q, want %v %q", method, name, code, exception, tt.code, tt.exception)
				}
			}
		}
	}
	if calls != 15 {
		t.Errorf("%d calls were tried", calls)
	}
}

// stranger makes a call with an empty message, or with what a service asks to
// see before it looks at who calls.
func stranger(t *testing.T, conn *grpc.ClientConn, method string, m grpc.MethodInfo, authorization []string) (codes.Code, string) {
	t.Helper()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	for _, a := range authorization {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", a)
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: m.IsClientStream, ServerStreams: m.IsServerStream}, method)
	if err != nil {
		t.Fatal(err)
	}
	var message any = &shared.Empty{}
	switch method {
	case streams.Streams_Read_FullMethodName:
		message = readReq("s", onePage)
	case streams.Streams_Append_FullMethodName:
		message = &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier: streamID("s"), ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}}}
	case streams.Streams_BatchAppend_FullMethodName:
		r := batchRequest("s")
		r.CorrelationId, r.IsFinal = wireID(uuid.New()), true
		message = r
	case streams.Streams_Delete_FullMethodName:
		message = &streams.DeleteReq{Options: &streams.DeleteReq_Options{StreamIdentifier: streamID("s"), ExpectedStreamRevision: &streams.DeleteReq_Options_Any{Any: &shared.Empty{}}}}
	case streams.Streams_Tombstone_FullMethodName:
		message = &streams.TombstoneReq{Options: &streams.TombstoneReq_Options{StreamIdentifier: streamID("s"), ExpectedStreamRevision: &streams.TombstoneReq_Options_Any{Any: &shared.Empty{}}}}
	case persistent.PersistentSubscriptions_Read_FullMethodName:
		message = &persistent.ReadReq{Content: &persistent.ReadReq_Options_{Options: &persistent.ReadReq_Options{
			StreamOption: &persistent.ReadReq_Options_StreamIdentifier{StreamIdentifier: streamID("s")}, GroupName: "g", BufferSize: 1}}}
	}
	_ = stream.SendMsg(message)
	_ = stream.CloseSend()
	var answer streams.BatchAppendResp
	var into any = &shared.Empty{}
	if method == streams.Streams_BatchAppend_FullMethodName {
		into = &answer
	}
	err = stream.RecvMsg(into)
	if answer.GetError() != nil {
		return codes.Code(answer.GetError().GetCode()), "access-denied" // an answer has no trailers
	}
	return status.Code(err), strings.Join(stream.Trailer()["exception"], " ")
}

// The official client meets a secure node as it does a real one.
func TestOfficialClientOnASecureNode(t *testing.T) {
	n := start(t, secured(t))
	c := connectAs(t, n, "admin")
	letters(t, c, "s", "ab")
	if got := readTypes(t, c, "s", esdb.ReadStreamOptions{}, 10); got != "ab" {
		t.Errorf("read %q", got)
	}
	wrong := &esdb.Credentials{Login: "admin", Password: "wrong"}
	s, err := c.ReadStream(within(t), "s", esdb.ReadStreamOptions{Authenticated: wrong}, 10)
	if err == nil {
		_, err = s.Recv()
		s.Close()
	}
	if codeOf(err) != esdb.ErrorCodeUnauthenticated {
		t.Errorf("read with a wrong password: %v", err)
	}
	// The client sees a refusal only when its whole request was taken.
	large := event("large", `"`+strings.Repeat("x", 300_000)+`"`)
	for range 20 {
		for name, tt := range map[string]struct {
			stream string
			as     *esdb.Credentials
			want   esdb.ErrorCode
		}{
			"wrong password": {"s", wrong, esdb.ErrorCodeUnauthenticated},
			"no right":       {"$s", &esdb.Credentials{Login: "bert", Password: passwords["bert"]}, esdb.ErrorCodeAccessDenied},
		} {
			_, err := c.AppendToStream(within(t), tt.stream, esdb.AppendToStreamOptions{Authenticated: tt.as}, large, large, large)
			if codeOf(err) != tt.want {
				t.Fatalf("append with %s: %v", name, err)
			}
		}
	}
	listed, err := c.ReadStream(within(t), usersStream, esdb.ReadStreamOptions{}, 10)
	var names []string
	for _, e := range collect(t, listed, err) {
		names = append(names, e.Event.EventType+" "+string(e.Event.Data))
	}
	if got, want := strings.Join(names, ", "), "$User admin, $User ops, $User anna, $User bert, $User carl"; got != want {
		t.Errorf("%s lists %s, want %s", usersStream, got, want)
	}
	createGroup(t, c, "s", "g", esdb.Start{}, eager())
	consume(t, connectAs(t, n, "bert"), "s", "g", 1)
	until(t, "bert is shown as the consumer", func() bool {
		i := infoOf(t, c, "s", "g")
		return len(i.Connections) == 1 && i.Connections[0].Username == "bert"
	})
}

// Gossip and features are answered to whoever asks, also over discovery.
func TestDiscoveryOfASecureNode(t *testing.T) {
	secure := secured(t)
	n := start(t, func(c *Config) {
		secure(c)
		c.Listen, c.Advertise = "127.0.0.1:0", "localhost:4711"
	})
	conn := secureConn(t, n)
	if _, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(within(t), &shared.Empty{}); err != nil {
		t.Error(err)
	}
	info, err := gossip.NewGossipClient(conn).Read(with(within(t), basic("admin", "wrong")), &shared.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if at := info.GetMembers()[0].GetHttpEndPoint(); at.GetAddress() != "localhost" || at.GetPort() != 4711 {
		t.Errorf("gossip names %v", at)
	}
}

func FuzzBasicCredentials(f *testing.F) {
	f.Add(basic("admin", "a:b"))
	f.Add("Basic")
	f.Fuzz(func(t *testing.T, header string) {
		name, password, ok := basicCredentials([]string{header})
		if !ok {
			return
		}
		again, andAgain, ok := basicCredentials([]string{basic(name, password)})
		if strings.Contains(name, ":") || !ok || again != name || andAgain != password {
			t.Errorf("%q is %q and %q", header, name, password)
		}
	})
}
