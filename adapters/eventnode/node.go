package eventnode

import (
	"errors"
	"fmt"
	"net"
	"net/http"
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
	"google.golang.org/grpc/keepalive"
)

// graceful is how long Close lets calls finish that are under way.
const graceful = 3 * time.Second

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
	scavenges *scavenges
	admin     *adminServer
	stopping  chan struct{}
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
	st, err := openStore(cfg)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	sets, err := st.loadGroups()
	if err != nil {
		return nil, errors.Join(err, st.close(), listener.Close())
	}
	n := &Node{cfg: cfg, store: st, demux: newDemux(listener), stopping: make(chan struct{})}
	n.start(sets)
	cfg.Log.Info("event store serves", zap.String("address", n.Addr()), zap.Int64("position", st.last))
	return n, nil
}

func (n *Node) start(sets []*groupSettings) {
	warm := make(chan warmth, 1)
	n.work.Go(func() { warm <- n.store.recent(idMemoryLimit, n.stopping) })
	n.sequencer = newSequencer(n.store, n.cfg, warm)
	n.streams = &streamServer{
		store: n.store, sequencer: n.sequencer, clock: n.cfg.Clock,
		maxAppend: n.cfg.MaxAppendBytes, stopping: n.stopping,
	}
	n.groups = newGroups(n.store, n.sequencer, n.streams, n.cfg)
	n.consumers = &groupServer{groups: n.groups, stopping: n.stopping}
	n.scavenges = &scavenges{store: n.store, sequencer: n.sequencer, cfg: n.cfg, endpoint: n.advertised()}
	n.grpc = n.newServer()
	n.admin = &adminServer{store: n.store, scavenges: n.scavenges, authorise: loopbackOnly}
	n.http = &http.Server{Handler: n.admin.handler(health(n.ready.Load)), ReadHeaderTimeout: sniffTimeout, IdleTimeout: time.Minute}
	n.work.Go(n.sequencer.run)
	n.work.Go(n.sequencer.settle)
	for _, set := range sets {
		n.groups.start(set)
	}
	n.work.Go(n.demux.run)
	n.work.Go(func() { _ = n.grpc.Serve(n.demux.h2) })
	n.work.Go(func() { _ = n.http.Serve(n.demux.h1) })
	n.ready.Store(true)
}

func (n *Node) newServer() *grpc.Server {
	s := grpc.NewServer(
		// Clients ping every 10 s, also when nothing else happens; grpc-go
		// would throw them out for that.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 2 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 10 * time.Second, Timeout: 10 * time.Second}),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.InitialWindowSize(1<<20),
		grpc.InitialConnWindowSize(8<<20),
		grpc.WriteBufferSize(256<<10),
		grpc.ReadBufferSize(128<<10),
		grpc.WaitForHandlers(true),
	)
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
	return n.Addr()
}

// Addr is the host:port really listened on.
func (n *Node) Addr() string { return n.demux.Addr().String() }

// ConnectionString is what a client on this machine connects with.
func (n *Node) ConnectionString() string {
	host, port, err := net.SplitHostPort(n.Addr())
	if err == nil {
		if ip := net.ParseIP(host); ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		return "esdb://" + net.JoinHostPort(host, port) + "?tls=false"
	}
	return "esdb://" + n.Addr() + "?tls=false"
}

// Close ends subscriptions, lets other calls finish for a short while, writes
// what was queued and closes the folder. Calling it again returns the same.
func (n *Node) Close() error {
	n.close.Do(func() {
		n.ready.Store(false)
		close(n.stopping)
		n.stopCalls()
		n.admin.close()
		n.scavenges.close()
		n.groups.close()
		close(n.sequencer.stop)
		<-n.sequencer.done
		n.work.Wait()
		n.closeErr = n.store.close()
	})
	return n.closeErr
}

// stopCalls returns when no handler runs any more.
func (n *Node) stopCalls() {
	finished := make(chan struct{})
	n.work.Go(func() {
		n.grpc.GracefulStop()
		close(finished)
	})
	late := time.NewTimer(graceful)
	defer late.Stop()
	select {
	case <-finished:
	case <-late.C:
		n.grpc.Stop()
		<-finished
	}
	n.demux.shut()
	_ = n.http.Close()
	n.streams.receivers.Wait()
	n.consumers.receivers.Wait()
}
