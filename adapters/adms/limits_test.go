package adms

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
)

// Clients that send a header, or a body, a byte now and then are hung up on, and
// what they kept others from having is free again.
func TestSlowClientsAreHungUpOn(t *testing.T) {
	r := newRig(t, func(c *Config) {
		c.Limits = Limits{HeaderTime: 50 * time.Millisecond, BodyTime: 100 * time.Millisecond, Connections: 2, WorkTime: time.Second}
	})
	header := r.dial("GET /iclock/ping?SN=DEV1 HTTP/1.1\r\nHost: x\r\nX-")
	body := r.dial("POST " + attlog + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n17\t")
	if status, text := r.ask("POST", attlog, goodRow); status != http.StatusOK { // the third connection, and the second batch of its terminal
		t.Errorf("%d %s", status, text)
	}
	for _, conn := range []net.Conn{header, body} {
		if answer, err := io.ReadAll(conn); err != nil || strings.Contains(string(answer), "200 OK") {
			t.Errorf("%v, %q", err, answer)
		}
	}
	if r.book.batches != 1 {
		t.Errorf("%d batches", r.book.batches)
	}
}

// offered is a listener to which connections are offered.
type offered struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (o *offered) Accept() (net.Conn, error) {
	select {
	case conn := <-o.conns:
		return conn, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *offered) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

func (o *offered) Addr() net.Addr { return &net.TCPAddr{} }

func TestConnectionsBeyondTheLimitWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newNotebook()
		server, err := New(Config{Clock: time.Now, Log: zap.NewNop(), Register: book, Punches: book, Limits: Limits{Connections: 2}})
		if err != nil {
			t.Fatal(err)
		}
		listener := &offered{conns: make(chan net.Conn, 3), closed: make(chan struct{})}
		var clients []net.Conn
		for range cap(listener.conns) {
			near, far := net.Pipe()
			clients = append(clients, near)
			listener.conns <- far
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(ctx, listener) }()
		synctest.Wait()
		if waiting := len(listener.conns); waiting != 1 {
			t.Errorf("%d of three connections wait", waiting)
		}
		_ = clients[0].Close()
		synctest.Wait()
		if waiting := len(listener.conns); waiting != 0 {
			t.Errorf("%d connections wait for a place that is free", waiting)
		}
		stop()
		for _, client := range clients {
			_ = client.Close()
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestATerminalThatComesTooOftenIsToldToWait(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Limits.PerSecond = 1e-6 })
	if status, _ := r.ask("POST", attlog, goodRow); status != http.StatusOK {
		t.Fatalf("the first request: %d", status)
	}
	if status, _ := r.ask("POST", attlog, goodRow); status != http.StatusTooManyRequests {
		t.Errorf("the second: %d", status)
	}
	if status, _ := r.ask("GET", "/iclock/ping?SN=DEV2", ""); status != http.StatusOK {
		t.Errorf("another terminal: %d", status)
	}
}

func TestOneBatchOfATerminalIsTakenAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := newNotebook()
		book.gate = make(chan struct{})
		server, err := New(Config{Clock: time.Now, Log: zap.NewNop(), Register: book, Punches: book})
		if err != nil {
			t.Fatal(err)
		}
		const many = 8
		answers := make(chan int, 2*many)
		for range many {
			for _, path := range []string{attlog, strings.Replace(attlog, "DEV1", "DEV2", 1)} {
				go func() {
					w := httptest.NewRecorder()
					server.ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(goodRow)))
					answers <- w.Code
				}()
			}
		}
		synctest.Wait() // all that can is at work
		if book.atWork != 2 {
			t.Errorf("%d batches of two terminals are at work", book.atWork)
		}
		close(book.gate)
		for range 2 * many {
			if status := <-answers; status != http.StatusOK {
				t.Errorf("%d", status)
			}
		}
		if book.most != 2 || book.batches != 2*many {
			t.Errorf("%d at a time, %d batches", book.most, book.batches)
		}
	})
}

// Whoever tries serial numbers out by the hundred is refused by the header: no body is
// waited for, no connection is kept, and a terminal that is registered is heard.
func TestAFloodOfUnknownTerminalsKeepsNobodyOut(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Limits = Limits{Connections: 8} })
	for i := range 10 * 8 {
		conn := r.dial("POST /iclock/cdata?SN=TRIED" + strconv.Itoa(i) + "&table=ATTLOG HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n17\t")
		if i%8 == 7 {
			if status, text := r.ask("POST", attlog, goodRow); status != http.StatusOK {
				t.Fatalf("after %d strangers: %d %s", i+1, status, text)
			}
		}
		defer func() {
			if answer, err := io.ReadAll(conn); !strings.HasPrefix(string(answer), "HTTP/1.1 403 ") { // all of it: it was hung up on
				t.Errorf("%v, %q", err, answer)
			}
		}()
	}
}

// A body beyond every measure is not read to its end, whatever length it names or hides.
func TestABodyIsReadNoFurtherThanItMayBe(t *testing.T) {
	for rule, row := range map[string]struct {
		path, row string
		most      int
	}{
		"of punches":        {attlog, goodRow, 64 << 10},
		"of another table":  {"/iclock/cdata?SN=DEV1&table=USERINFO", "USER PIN=1\tName=x\n", 64 << 10},
		"of a report":       {"/iclock/devicecmd?SN=DEV1", "ID=1&Return=0&CMD=INFO\n", 64 << 10},
		"of nobody we know": {strings.Replace(attlog, "DEV1", "DEV9", 1), goodRow, 0},
	} {
		server, err := New(Config{
			Clock: time.Now, Log: zap.NewNop(), Register: newNotebook(), Punches: newNotebook(), Limits: Limits{BatchBytes: 32 << 10, TableBytes: 32 << 10},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, named := range []bool{true, false} {
			body := &endless{row: row.row}
			request := httptest.NewRequest("POST", row.path, body)
			if request.ContentLength = -1; named {
				request.ContentLength = 1 << 40
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, request)
			if w.Code == http.StatusOK || body.read > row.most || w.Header().Get("Connection") != "close" {
				t.Errorf("%s: %d after %d bytes", rule, w.Code, body.read)
			}
		}
	}
}

// endless is a body without an end.
type endless struct {
	row  string
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.row)
	e.read += n
	return n, nil
}
