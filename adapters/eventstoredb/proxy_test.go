package eventstoredb_test

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a client and a node and breaks what passes through it.
type proxy struct {
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener
	pairs    map[*pair]struct{}
	frozen   chan struct{} // closed when bytes may pass
	cut      bool          // reset the next connection on which the node answers
	running  sync.WaitGroup
}

// pair is one connection on both sides of the proxy.
type pair struct {
	client, node *net.TCPConn
	silent       atomic.Bool
}

func (p *pair) reset() {
	for _, c := range []*net.TCPConn{p.client, p.node} {
		_ = c.SetLinger(0) // RST instead of FIN
		_ = c.Close()
	}
}

func newProxy(t testing.TB, target string) *proxy {
	t.Helper()
	open := make(chan struct{})
	close(open)
	p := &proxy{target: target, addr: "127.0.0.1:0", pairs: map[*pair]struct{}{}, frozen: open}
	p.up(t)
	t.Cleanup(func() {
		p.thaw()
		p.down()
		p.running.Wait()
	})
	return p
}

func (p *proxy) connectionString() string { return fmt.Sprintf("esdb://%s?tls=false", p.addr) }

// up listens, always on the same port.
func (p *proxy) up(t testing.TB) {
	t.Helper()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.listener, p.addr = listener, listener.Addr().String()
	p.mu.Unlock()
	p.running.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(c.(*net.TCPConn)) })
		}
	})
}

// down refuses connections and resets those there are.
func (p *proxy) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.listener.Close()
	for pair := range p.pairs {
		pair.reset()
	}
}

// freezeConnections lets nothing more through on the connections there are; new
// ones work.
func (p *proxy) freezeConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pair := range p.pairs {
		pair.silent.Store(true)
	}
}

// freeze accepts and keeps connections, but lets nothing through.
func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = make(chan struct{})
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.frozen:
	default:
		close(p.frozen)
	}
}

// cutNextAnswer swallows the node's next answer and resets the connection.
func (p *proxy) cutNextAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
}

func (p *proxy) serve(client *net.TCPConn) {
	c, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.SetLinger(0)
		_ = client.Close()
		return
	}
	both := &pair{client: client, node: c.(*net.TCPConn)}
	p.mu.Lock()
	p.pairs[both] = struct{}{}
	p.mu.Unlock()
	defer func() {
		both.reset()
		p.mu.Lock()
		delete(p.pairs, both)
		p.mu.Unlock()
	}()
	p.running.Go(func() {
		p.pump(both, both.node, both.client, true)
		both.reset()
	})
	p.pump(both, both.client, both.node, false)
}

func (p *proxy) pump(both *pair, from, to *net.TCPConn, answers bool) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		frozen, cut := p.frozen, answers && p.cut
		if cut {
			p.cut = false
		}
		p.mu.Unlock()
		if cut {
			both.reset()
			return
		}
		<-frozen
		if both.silent.Load() {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
