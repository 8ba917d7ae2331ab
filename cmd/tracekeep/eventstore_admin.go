package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
	"tracekeep/cmd/internal/app"
)

// storeFlags name an event store: its folder, or where it is served.
type storeFlags struct {
	Data       string `help:"Data folder, or the folder of an embedded event store." env:"TRACEKEEP_DATA" placeholder:"DIR"`
	Connection string `help:"Where it is served, as esdb://user:password@host:port?tls=true." env:"TRACEKEEP_EVENT_STORE" placeholder:"URL"`
}

// offlineOrOnline works on the folder when nobody has it open, and asks the node
// that serves it otherwise.
func (s storeFlags) offlineOrOnline(t *terminal, offline func(eventnode.Config) error, online func(*nodeClient) error) error {
	connection := s.Connection
	if connection == "" {
		if s.Data == "" {
			return &coded{exitUsage, errors.New("name the event store: --data DIR, or --connection esdb://host:port")}
		}
		log := stderrLog(t).WithOptions(zap.IncreaseLevel(zap.WarnLevel))
		cfg := eventnode.Config{Dir: eventStoreFolder(s.Data), Listen: "127.0.0.1:0", Clock: t.clock, Log: log}
		err := offline(cfg)
		if !errors.Is(err, eventnode.ErrLocked) {
			return err
		}
		if connection = app.ServedAt(s.Data); connection == "" {
			return &coded{exitInUse, fmt.Errorf("%w; name where it is served with --connection esdb://host:port", err)}
		}
	}
	node, err := newNodeClient(connection)
	if err != nil {
		return err
	}
	defer node.http.CloseIdleConnections()
	return online(node)
}

// nodeClient asks a node over HTTP for what no client of EventStoreDB can.
type nodeClient struct {
	base           url.URL
	user, password string
	http           *http.Client
}

// newNodeClient reads a connection string. Errors do not quote it, because it
// may hold a password.
func newNodeClient(connection string) (*nodeClient, error) {
	cfg, err := esdb.ParseConnectionString(connection)
	if err != nil {
		return nil, &coded{exitUsage, errors.New("the connection string is not of the form esdb://user:password@host:port?tls=true")}
	}
	address := cfg.Address
	if len(cfg.GossipSeeds) == 1 && address == "" {
		address = fmt.Sprintf("%s:%d", cfg.GossipSeeds[0].Host, cfg.GossipSeeds[0].Port)
	}
	if address = strings.TrimPrefix(strings.TrimPrefix(address, "https://"), "http://"); address == "" || cfg.DnsDiscover {
		return nil, &coded{exitUsage, errors.New("name one node, as esdb://host:port: this is done to a node and not to a cluster")}
	}
	n := &nodeClient{base: url.URL{Scheme: "https", Host: address}, user: cfg.Username, password: cfg.Password}
	if cfg.DisableTLS {
		n.base.Scheme = "http"
	}
	n.http = &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, InsecureSkipVerify: cfg.SkipCertificateVerification}, //nolint:gosec // tlsVerifyCert=false asks for it
		// Over HTTP/2 the node speaks gRPC only.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}}
	return n, nil
}

// ask sends a request; the caller closes the answer.
func (n *nodeClient) ask(ctx context.Context, method, path string, body []byte) (io.ReadCloser, error) {
	to := n.base
	to.Path, to.RawQuery, _ = strings.Cut(path, "?")
	req, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the event store: %w", err)
	}
	if n.user != "" && n.base.Scheme == "https" {
		req.SetBasicAuth(n.user, n.password)
	}
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the event store: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	var refusal struct{ Error string }
	_ = json.NewDecoder(io.LimitReader(resp.Body, 1<<16)).Decode(&refusal) // some answers have no body
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		refusal.Error = "it wants a name and a password: esdb://user:password@host:port"
	case refusal.Error == "":
		refusal.Error = resp.Status
	}
	return nil, fmt.Errorf("the event store refuses %s %s: %s", method, to.Path, refusal.Error)
}

// askJSON decodes the answer.
func (n *nodeClient) askJSON(ctx context.Context, method, path string, into any) error {
	answer, err := n.ask(ctx, method, path, nil)
	if err != nil {
		return err
	}
	defer answer.Close()
	if err := json.NewDecoder(answer).Decode(into); err != nil {
		return fmt.Errorf("the event store's answer to %s %s: %w", method, path, err)
	}
	return nil
}

// phases shows one bar for each phase of a long work.
type phases struct {
	t     *terminal
	bytes bool
	phase string
	bar   *bar
	total int64
}

func (p *phases) tell(phase string, done, total int64) {
	if p.phase != phase || p.total != total {
		p.finish()
		p.phase, p.total, p.bar = phase, total, newBar(p.t, phase, total, p.bytes)
	}
	p.bar.set(done)
}

func (p *phases) finish() {
	if p.bar != nil {
		p.bar.finish()
	}
}

// megabytes writes a size for people.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// seconds rounds a duration for people.
func seconds(d time.Duration) string { return d.Round(time.Millisecond).String() }
