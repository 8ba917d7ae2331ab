package eventnode

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// What clients name in the handshake of TLS.
const (
	protocolH2 = "h2"
	protocolH1 = "http/1.1"
)

// sniffTimeout is how long a connection may stay silent before it is dropped.
const sniffTimeout = 10 * time.Second

// acceptPause is how long the node waits after it could not accept.
const acceptPause = 10 * time.Millisecond

// demux accepts connections and hands those that begin like HTTP/2 to one
// listener and all others to another. Four bytes are enough to tell, and every
// HTTP/1 request is longer, so the look never hangs.
type demux struct {
	net.Listener
	silentTime         time.Duration
	h2, h1             *handedListener
	grpcDoor, httpDoor *door
	tls                *tls.Config // nil: clear text

	mu      sync.Mutex
	waiting map[net.Conn]time.Time // connections that have not shown themselves, since when
	closed  bool
	looks   sync.WaitGroup
}

func newDemux(l net.Listener, secure *tls.Config, silentTime time.Duration, grpcDoor, httpDoor *door) *demux {
	return &demux{
		Listener: l, tls: secure, silentTime: silentTime, waiting: map[net.Conn]time.Time{}, grpcDoor: grpcDoor, httpDoor: httpDoor,
		h2: newHandedListener(l.Addr()), h1: newHandedListener(l.Addr()),
	}
}

// run accepts until the listener is closed.
func (d *demux) run() {
	for {
		c, err := d.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, for one; the next try may succeed.
			select {
			case <-time.After(acceptPause):
				continue
			case <-d.h2.done:
				return
			}
		}
		d.take(c)
	}
}

// take looks at a connection, unless the node stops: nobody begins to look once
// shut waits for those who do.
func (d *demux) take(c net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		c.Close()
		return
	}
	if len(d.waiting) >= silentConnections {
		d.dropOldest()
	}
	d.waiting[c] = time.Now()
	d.looks.Go(func() { d.look(c) })
}

// dropOldest makes room for somebody who may have more to say.
func (d *demux) dropOldest() {
	var oldest net.Conn
	for c, since := range d.waiting {
		if oldest == nil || since.Before(d.waiting[oldest]) {
			oldest = c
		}
	}
	delete(d.waiting, oldest)
	oldest.Close()
}

func (d *demux) look(c net.Conn) {
	silent := time.AfterFunc(d.silentTime, func() { c.Close() })
	shown, to := d.sort(c)
	d.mu.Lock()
	delete(d.waiting, c)
	d.mu.Unlock()
	if !silent.Stop() || to == nil {
		d.grpcDoor.silent(c)
		return
	}
	door := d.httpDoor
	if to == d.h2 {
		door = d.grpcDoor
	}
	if counted := door.admit(shown); counted != nil {
		to.hand(counted)
	}
}

// sort finds out who serves a connection; nobody serves one that is broken.
func (d *demux) sort(c net.Conn) (net.Conn, *handedListener) {
	if d.tls == nil {
		return d.sniff(c)
	}
	secure := tls.Server(c, d.tls)
	if err := secure.HandshakeContext(context.Background()); err != nil { // closing c ends it
		return nil, nil
	}
	switch secure.ConnectionState().NegotiatedProtocol {
	case protocolH2:
		return secure, d.h2
	case protocolH1:
		return secure, d.h1
	}
	return d.sniff(secure) // a client that negotiates nothing
}

// sniff looks at the first bytes.
func (d *demux) sniff(c net.Conn) (net.Conn, *handedListener) {
	s := &sniffed{Conn: c}
	for n := 0; n < len(s.head); {
		m, err := c.Read(s.head[n:])
		if n += m; err != nil && n < len(s.head) {
			return nil, nil
		}
	}
	if string(s.head[:]) == "PRI " {
		return s, d.h2
	}
	return s, d.h1
}

// shut stops accepting and drops connections that have not shown themselves.
func (d *demux) shut() {
	d.Listener.Close()
	d.mu.Lock()
	d.closed = true
	for c := range d.waiting {
		c.Close()
	}
	d.mu.Unlock()
	d.h1.Close()
	d.h2.Close()
	d.looks.Wait()
}

// sniffed gives back the bytes that were looked at.
type sniffed struct {
	net.Conn
	head [4]byte
	used int
}

func (s *sniffed) Read(p []byte) (int, error) {
	if s.used < len(s.head) {
		n := copy(p, s.head[s.used:])
		s.used += n
		return n, nil
	}
	return s.Conn.Read(p)
}

// handedListener accepts what is handed to it.
type handedListener struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandedListener(addr net.Addr) *handedListener {
	return &handedListener{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *handedListener) hand(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

// Accept waits for a connection, until Close.
func (l *handedListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept; it may be called more than once.
func (l *handedListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is the address really listened on.
func (l *handedListener) Addr() net.Addr { return l.addr }
