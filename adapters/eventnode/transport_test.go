package eventnode

import (
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// handshake tries one and gives the connection's state.
func handshake(n *Node, config *tls.Config) (tls.ConnectionState, error) {
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: config}).Dial("tcp", n.Addr())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState(), nil
}

func TestHandshake(t *testing.T) {
	n := start(t, secured(t))
	for _, tt := range []struct {
		rule     string
		change   func(*tls.Config)
		ok       bool
		protocol string
	}{
		{"HTTP/2 is preferred", func(c *tls.Config) { c.NextProtos = []string{"http/1.1", "h2"} }, true, "h2"},
		{"HTTP/1.1 is served", func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, true, "http/1.1"},
		{"nothing need be negotiated", func(*tls.Config) {}, true, ""},
		{"another protocol is not served", func(c *tls.Config) { c.NextProtos = []string{"smtp"} }, false, ""},
		{"TLS 1.2 is served", func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true, ""},
		{"TLS 1.1 is not", func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false, ""},
		{"CBC is not", func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
		}, false, ""},
	} {
		config := trusting(t, n)
		tt.change(config)
		state, err := handshake(n, config)
		if (err == nil) != tt.ok || state.NegotiatedProtocol != tt.protocol {
			t.Errorf("%s: %q, %v", tt.rule, state.NegotiatedProtocol, err)
		}
	}
	if _, err := handshake(n, &tls.Config{}); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("a client that does not know the authority: %v", err)
	}
}

// gRPC, HTTP/1.1 with and without negotiation, and no clear text, on one port.
func TestSecurePortServesAll(t *testing.T) {
	n := start(t, secured(t))
	letters(t, connectAs(t, n, "bert"), "s", "a")
	for name, protocols := range map[string][]string{"negotiated": {"http/1.1"}, "not negotiated": nil} {
		config := trusting(t, n)
		config.NextProtos = protocols
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true,
			DialTLSContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return (&tls.Dialer{Config: config}).DialContext(ctx, network, addr)
			}}}
		for _, tt := range []struct {
			path, user, password string
			want                 int
		}{
			{"/health/live", "", "", http.StatusNoContent},
			{"/info", "", "", http.StatusOK},
			{"/info", "admin", "wrong", http.StatusOK},
			{"/other", "", "", http.StatusUnauthorized},
			{"/other", "admin", "wrong", http.StatusUnauthorized},
			{"/other", "bert", passwords["bert"], http.StatusForbidden},
			{"/other", "ops", passwords["ops"], http.StatusNotFound},
			{"/other", "admin", passwords["admin"], http.StatusNotFound},
			{"/health/live/", "", "", http.StatusUnauthorized},
			{"//health/live", "", "", http.StatusUnauthorized},
		} {
			req, err := http.NewRequestWithContext(within(t), http.MethodGet, "https://"+n.Addr()+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.user != "" {
				req.SetBasicAuth(tt.user, tt.password)
			}
			resp, err := client.Transport.RoundTrip(req)
			if err != nil {
				t.Fatalf("%s, %s: %v", name, tt.path, err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.want {
				t.Errorf("%s, %s by %q: %d, want %d", name, tt.path, tt.user, resp.StatusCode, tt.want)
			}
			if challenged := resp.Header.Get("WWW-Authenticate") != ""; challenged != (tt.want == http.StatusUnauthorized) {
				t.Errorf("%s by %q: challenged %t", tt.path, tt.user, challenged)
			}
		}
	}
	if _, err := http.Get("http://" + n.Addr() + "/health/live"); err == nil {
		t.Error("clear text is answered")
	}
	call, err := rawClient(t, n).Read(within(t), readReq("s", onePage))
	if err == nil {
		_, err = call.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("clear text is answered: %v", err)
	}
}

// A certificate is renewed while the node serves; a pair that does not fit
// changes nothing.
func TestCertificateIsRenewed(t *testing.T) {
	n := start(t, secured(t))
	serial := func() string {
		t.Helper()
		state, err := handshake(n, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return state.PeerCertificates[0].SerialNumber.String()
	}
	old, fresh := serial(), t.TempDir()
	if err := MakeCertificates(fresh, []string{"localhost"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	replace := func(from, to string) {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(fresh, from))
		if err == nil {
			err = os.WriteFile(to, append(b, '\n'), 0o600) // another size, whatever the clock of the disk
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(NodeCert, n.cfg.Security.CertFile)
	if serial() != old {
		t.Error("a certificate without its key is used")
	}
	replace(NodeKey, n.cfg.Security.KeyFile)
	renewed := serial()
	if renewed == old {
		t.Error("the old certificate is used")
	}
	if err := os.Remove(n.cfg.Security.KeyFile); err != nil {
		t.Fatal(err)
	}
	if serial() != renewed {
		t.Error("the certificate is gone with its file")
	}
}

func TestMakeCertificates(t *testing.T) {
	dir := t.TempDir()
	if err := MakeCertificates(dir, []string{"node.example", "::1"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	c, err := openCertificates(&Security{CertFile: filepath.Join(dir, NodeCert), KeyFile: filepath.Join(dir, NodeKey)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"node.example": true, "::1": true, "localhost": false} {
		if got := c.covers(host) == nil; got != want {
			t.Errorf("%s is covered: %t", host, got)
		}
	}
	for _, key := range []string{NodeKey, caKey} {
		if info, err := os.Stat(filepath.Join(dir, key)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", key, info, err)
		}
	}
	if err := MakeCertificates(dir, []string{"x"}, time.Now()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("it overwrites: %v", err)
	}
	if err := MakeCertificates(t.TempDir(), nil, time.Now()); err == nil {
		t.Error("a certificate for nobody")
	}
}

// A connection that begins a handshake and leaves off does not hold up Close.
func TestSilentHandshake(t *testing.T) {
	n := start(t, secured(t))
	c, err := net.Dial("tcp", n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte{0x16, 3, 1}); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}

func TestConnectionString(t *testing.T) {
	secure := secured(t)
	for _, tt := range []struct{ listen, advertise, want string }{
		{"127.0.0.1:0", "", "esdb://127.0.0.1:PORT?tls="},
		{"0.0.0.0:0", "", "esdb://127.0.0.1:PORT?tls="},
	} {
		for _, on := range []bool{false, true} {
			n := start(t, func(c *Config) {
				if c.Listen, c.Advertise = tt.listen, tt.advertise; on {
					secure(c)
				}
			})
			_, port, _ := net.SplitHostPort(n.Addr())
			want := strings.ReplaceAll(tt.want, "PORT", port) + map[bool]string{false: "false", true: "true"}[on]
			if got := n.ConnectionString(); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if _, err := esdb.ParseConnectionString(n.ConnectionString()); err != nil {
				t.Error(err)
			}
		}
	}
	n := start(t, secure, func(c *Config) { c.Advertise = "localhost:7" })
	if got := n.ConnectionString(); got != "esdb://localhost:7?tls=true" {
		t.Errorf("%s", got)
	}
}
