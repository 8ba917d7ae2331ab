package eventnode

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// openCalls are answered to everybody, whatever credentials come with them.
var openCalls = map[string]bool{
	gossip.Gossip_Read_FullMethodName:                                true,
	serverfeatures.ServerFeatures_GetSupportedMethods_FullMethodName: true,
}

// openPaths are those of HTTP/1.1 that are open to everybody.
var openPaths = map[string]bool{"/health/live": true, "/info": true}

// gate finds out who calls. It is nil in insecure mode.
type gate struct {
	certificates *certificates
	users        *users
	access       *access
	log          *zap.Logger
}

func openGate(cfg Config, st *store) (*gate, error) {
	if cfg.Security == nil {
		return nil, nil
	}
	certs, err := openCertificates(cfg.Security, cfg.Log)
	if err != nil {
		return nil, err
	}
	all, err := st.openUsers(cfg)
	if err != nil {
		return nil, err
	}
	return &gate{certificates: certs, users: all, access: &access{store: st}, log: cfg.Log}, nil
}

func (g *gate) rights() *access {
	if g == nil {
		return nil
	}
	return g.access
}

func (g *gate) tls() *tls.Config {
	if g == nil {
		return nil
	}
	return g.certificates.config()
}

// check warns of an address that clients would not accept.
func (g *gate) check(address string) {
	if g == nil {
		return
	}
	host, _, err := net.SplitHostPort(address)
	if err == nil {
		err = g.certificates.covers(host)
	}
	if err != nil {
		g.log.Warn("clients that discover the node will refuse its certificate; advertise a name that it has", zap.Error(err))
	}
}

// names are those of all users, admin and ops first.
func (g *gate) names() []string {
	if g == nil {
		return nil
	}
	return g.users.names
}

// kind is how clients are told what they need.
func (g *gate) kind() string {
	if g == nil {
		return "insecure"
	}
	return "internal"
}

func (g *gate) interceptors() []grpc.ServerOption {
	if g == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(g.unary), grpc.ChainStreamInterceptor(g.stream)}
}

// identify reads the credentials of a call. None at all make an anonymous
// caller, who may do next to nothing.
func (g *gate) identify(ctx context.Context, authorization []string, from string) caller {
	if len(authorization) == 0 {
		return caller{principal: anonymous}
	}
	name, password, ok := basicCredentials(authorization)
	if !ok {
		return caller{principal: anonymous, err: errUnauthenticated}
	}
	who, err := g.users.login(ctx, name, password)
	if err != nil {
		if errors.Is(err, errUnauthenticated) {
			g.log.Warn("login was refused", zap.String("from", from))
		}
		return caller{principal: anonymous, err: err}
	}
	return caller{principal: who}
}

func basicCredentials(authorization []string) (name, password string, ok bool) {
	scheme, encoded, found := strings.Cut(authorization[0], " ")
	if !found || !strings.EqualFold(scheme, "Basic") || len(authorization) > 1 {
		return "", "", false
	}
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(text), ":")
}

func (g *gate) caller(ctx context.Context) caller {
	md, _ := metadata.FromIncomingContext(ctx)
	from := "unknown"
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		from = p.Addr.String()
	}
	return g.identify(ctx, md.Get("authorization"), from)
}

func (g *gate) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if openCalls[info.FullMethod] {
		return handler(ctx, req)
	}
	c := g.caller(ctx)
	if c.err != nil {
		return nil, statusOf(c.err)
	}
	return handler(withCaller(ctx, c), req)
}

// stream lets an append in whoever it is from, because its client sees a
// refusal only once all that it sends was taken; the handler refuses it.
func (g *gate) stream(srv any, call grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	c := g.caller(call.Context())
	if c.err != nil && info.FullMethod != streams.Streams_Append_FullMethodName {
		return statusOf(c.err)
	}
	return handler(srv, calledBy{call, withCaller(call.Context(), c)})
}

// calledBy is a call whose context knows the caller.
type calledBy struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is that of the call, with its caller.
func (c calledBy) Context() context.Context { return c.ctx }

// http lets operators in, and everybody to the open paths: a path that is added
// later is closed unless somebody opens it.
func (g *gate) http(next http.Handler) http.Handler {
	if g == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if openPaths[r.URL.Path] {
			next.ServeHTTP(w, r)
			return
		}
		c := g.identify(r.Context(), r.Header.Values("Authorization"), r.RemoteAddr)
		ctx := withCaller(r.Context(), c)
		switch err := g.access.operator(ctx); {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(ctx))
		case errors.Is(err, errTooManyLogins):
			w.WriteHeader(http.StatusServiceUnavailable)
		case c.principal == anonymous:
			w.Header().Set("WWW-Authenticate", `Basic realm="event store", charset="UTF-8"`)
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	})
}
