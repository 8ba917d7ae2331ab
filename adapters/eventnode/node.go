package eventnode

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/persistent"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	_ "google.golang.org/grpc/encoding/gzip" // some clients compress what they send
	"google.golang.org/grpc/keepalive"
)

// Node is a running event store. All methods may be called at any time and by
// several goroutines.
type Node struct {
	cfg       Config
	store     *store
	sequencer *sequencer
	demux     *demux
	grpc      *grpc.Server
	http      *http.Server
	streams   *streamServer
	groups    *groups
	consumers *groupServer
	calls     *calls
	scavenges *scavenges
	admin     *adminServer
	gate      *gate         // nil in insecure mode
	slow      *zap.Logger   // says the same thing now and then only
	stopping  chan struct{} // closed when calls without an end must end
	observed  chan struct{} // closed when nobody need look for what hangs
	work      sync.WaitGroup
	ready     atomic.Bool
	close     sync.Once
	closeErr  error
}

// Open opens the data folder, recovers what a crash left, and serves. It fails
// with ErrLocked, ErrPortInUse, ErrCorrupt or ErrUnknownFormat, and with what
// Config.Validate says.
func Open(cfg Config) (*Node, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	listener, err := net.Listen("tcp", cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: %w", cfg.Listen, ErrPortInUse)
	}
	if err != nil {
		return nil, fmt.Errorf("event store: %w", err)
	}
	n, err := open(cfg, listener)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return n, nil
}

func open(cfg Config, listener net.Listener) (*Node, error) {
	began := cfg.Clock()
	cfg.Log.Info("event store opens", zap.String("folder", cfg.Dir))
	if !cfg.unmeasured {
		cfg.measures = newMetrics()
	}
	st, err := openStore(cfg)
	if err != nil {
		return nil, err
	}
	sets, err := st.loadGroups()
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	n, err := newNode(cfg, st, listener)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	if cfg.measures != nil {
		cfg.measures.gauges = newGauges(n)
		if err := cfg.Metrics.Register(cfg.measures); err != nil {
			return nil, errors.Join(fmt.Errorf("event store metrics: %w", err), st.close())
		}
	}
	n.start(sets)
	if err := n.listUsers(context.Background(), n.gate.names()); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	n.gate.check(n.advertised())
	n.serve()
	cfg.Log.Info("event store serves", zap.String("address", n.Addr()), zap.String("folder", cfg.Dir),
		zap.Int64("position", st.last), zap.Int("groups", len(sets)), zap.Duration("opened_in", cfg.Clock().Sub(began)))
	return n, nil
}

// newNode puts the parts together; nothing of it runs yet.
func newNode(cfg Config, st *store, listener net.Listener) (*Node, error) {
	buffers, err := newCodec()
	if err != nil {
		return nil, err
	}
	g, err := openGate(cfg, st)
	if err != nil {
		return nil, err
	}
	n := &Node{
		cfg: cfg, store: st, gate: g, calls: newCalls(cfg.Limits.RequestTime, cfg.measures), slow: cfg.slow, stopping: make(chan struct{}), observed: make(chan struct{}),
		demux: newDemux(listener, g.tls(), cfg.silentTime,
			newDoor("grpc", cfg.Limits.Connections, cfg.measures, cfg.slow), newDoor("http", httpConnections, cfg.measures, cfg.slow)),
	}
	warm := make(chan warmth, 1)
	n.work.Go(func() { warm <- st.recent(cfg.Limits.IDs, n.stopping) })
	n.sequencer = newSequencer(st, cfg, cfg.measures, warm)
	n.streams = &streamServer{
		store: st, sequencer: n.sequencer, clock: cfg.Clock, maxAppend: cfg.MaxAppendBytes, metrics: cfg.measures,
		followers: newFollowers(cfg.Limits.Subscriptions, cfg.measures, cfg.slow), stopping: n.stopping, access: g.rights(),
	}
	n.groups = newGroups(st, n.sequencer, n.streams, cfg)
	n.consumers = &groupServer{groups: n.groups, stopping: n.stopping, access: g.rights()}
	n.scavenges = &scavenges{store: st, sequencer: n.sequencer, cfg: cfg, endpoint: n.advertised()}
	n.admin = n.newAdmin()
	n.grpc, n.http = n.newServer(buffers), n.newHTTP()
	return n, nil
}

func (n *Node) start(sets []*groupSettings) {
	n.work.Go(n.sequencer.run)
	n.work.Go(n.sequencer.settle)
	if !n.cfg.NoSync { // nothing is known to be on the disk then
		n.work.Go(func() { n.store.keepMarks(n.stopping) })
	}
	for _, set := range sets {
		n.groups.start(set)
	}
	n.work.Go(n.observe)
}

// serve takes connections.
func (n *Node) serve() {
	n.work.Go(n.demux.run)
	n.work.Go(func() { _ = n.grpc.Serve(n.demux.h2) })
	n.work.Go(func() { _ = n.http.Serve(n.demux.h1) })
	n.ready.Store(true)
}

// TransportOptions is how the node moves bytes. They are told so that a server
// that does nothing else can be held against it.
func TransportOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.InitialWindowSize(1 << 20),
		grpc.InitialConnWindowSize(8 << 20),
		grpc.WriteBufferSize(256 << 10),
		grpc.ReadBufferSize(128 << 10),
	}
}

func (n *Node) newServer(buffers codec) *grpc.Server {
	limits := n.cfg.Limits
	options := slices.Concat(TransportOptions(), n.calls.interceptors(), n.gate.interceptors())
	s := grpc.NewServer(append(options,
		// Clients ping every 10 s, also when nothing else happens; grpc-go
		// would throw them out for that.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: n.cfg.pingEvery, Timeout: n.cfg.pingEvery, MaxConnectionIdle: limits.IdleTime,
		}),
		grpc.ConnectionTimeout(n.cfg.silentTime),
		grpc.MaxConcurrentStreams(uint32(min(limits.CallsPerConnection, math.MaxInt32))),
		grpc.InTapHandle(n.calls.tap),
		grpc.ForceServerCodecV2(buffers),
		grpc.WaitForHandlers(true),
	)...)
	streams.RegisterStreamsServer(s, n.streams)
	persistent.RegisterPersistentSubscriptionsServer(s, n.consumers)
	serverfeatures.RegisterServerFeaturesServer(s, featureServer{})
	host, port, err := splitAddress(n.advertised())
	if err == nil { // Validate has seen it
		gossip.RegisterGossipServer(s, gossipServer{id: n.store.nodeID, host: host, port: port, clock: n.cfg.Clock})
	}
	return s
}

func (n *Node) advertised() string {
	if n.cfg.Advertise != "" {
		return n.cfg.Advertise
	}
	return reachable(n.Addr())
}

// reachable is an address that this machine can connect to: one that is
// listened on may mean all there are.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && net.ParseIP(host).IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// Addr is the host:port really listened on.
func (n *Node) Addr() string { return n.demux.Addr().String() }

// ConnectionString is what a client on this machine connects with. To a secure
// node it adds user:password@ and, unless it knows the authority, tlsCAFile.
func (n *Node) ConnectionString() string {
	if n.gate != nil {
		return "esdb://" + n.advertised() + "?tls=true" // under a name that the certificate may have
	}
	return "esdb://" + reachable(n.Addr()) + "?tls=false"
}
