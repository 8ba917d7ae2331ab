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
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"tracekeep/adapters/eventnode"
)

// storeChoice names an event store: a folder, or a node that runs.
type storeChoice struct {
	Data       string `help:"Data folder, or the folder of an embedded event store, that no node has open." env:"TRACEKEEP_DATA" placeholder:"DIR" xor:"store" required:""`
	Connection string `help:"A node that runs, as esdb://user:password@host:2113?tls=true." env:"TRACEKEEP_EVENTSTORE_CONNECTION" placeholder:"URL" xor:"store" required:""`
}

// config is that of a node on the folder; it does not serve.
func (c storeChoice) config(t *terminal) eventnode.Config {
	return eventnode.Config{Dir: eventStoreFolder(c.Data), Listen: "127.0.0.1:0", Clock: t.clock, Log: stderrLog(t)}
}

// failed says what to do about a folder that is in use.
func (c storeChoice) failed(err error) error {
	switch {
	case errors.Is(err, eventnode.ErrLocked):
		return &coded{exitInUse, fmt.Errorf("%w; stop it, or ask it with --connection", err)}
	case errors.Is(err, eventnode.ErrScavenging):
		return &coded{exitInUse, err}
	}
	return err
}

// adminClient asks a node for what operators may ask for, over HTTP.
type adminClient struct {
	base           string
	user, password string
	client         *http.Client
}

// node is nil when a folder was named. No error quotes the connection string,
// which holds a password.
func (c storeChoice) node() (*adminClient, error) {
	if c.Connection == "" {
		return nil, nil
	}
	cfg, err := esdb.ParseConnectionString(c.Connection)
	if err != nil || cfg.Address == "" {
		return nil, &coded{exitUsage, errors.New("--connection is no address of one node; it looks like esdb://127.0.0.1:2113?tls=false")}
	}
	transport := &http.Transport{
		// The node speaks HTTP/1.1 beside gRPC, and gRPC alone over HTTP/2.
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{},
		TLSClientConfig: &tls.Config{RootCAs: cfg.RootCAs, InsecureSkipVerify: cfg.SkipCertificateVerification, MinVersion: tls.VersionTLS12}, //nolint:gosec // only when the connection string says so
	}
	scheme := "https"
	if cfg.DisableTLS {
		scheme = "http"
	}
	return &adminClient{
		base: scheme + "://" + strings.TrimSuffix(cfg.Address, "/"), user: cfg.Username, password: cfg.Password,
		client: &http.Client{Transport: transport},
	}, nil
}

func (a *adminClient) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	if a.user != "" {
		request.SetBasicAuth(a.user, a.password)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the node: %w", err)
	}
	return response, nil
}

// json reads an answer into value, also one that refuses.
func (a *adminClient) json(ctx context.Context, method, path string, value any) error {
	response, err := a.do(ctx, method, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("ask the node: %w", err)
	}
	_ = json.Unmarshal(text, value) // what is no JSON is told by its status
	return refusedBy(response, text)
}

// stream gives an answer as it comes.
func (a *adminClient) stream(ctx context.Context, path string, body []byte) (io.ReadCloser, error) {
	response, err := a.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response.Body, nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return nil, errors.Join(err, refusedBy(response, text))
}

func refusedBy(response *http.Response, text []byte) error {
	if response.StatusCode == http.StatusOK {
		return nil
	}
	var told struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &told) == nil && told.Error != "" {
		return fmt.Errorf("the node refused: %s", told.Error)
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		return errors.New("the node asks for a name and a password: esdb://user:password@host:2113")
	case http.StatusForbidden:
		return errors.New("the node refused: this needs a user in $admins or $ops")
	case http.StatusNotFound:
		return errors.New("the node has no such endpoint: it is not the embedded event store of tracekeep")
	}
	return fmt.Errorf("the node answered %s", response.Status)
}
