package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"tracekeep/adapters/adms"
	"tracekeep/cmd/internal/app"
)

// accountEvery is how often what terminals did is written for tracekeep terminals list.
const accountEvery = time.Second

// serveTerminals takes punches at an address of their own until ctx ends; the
// function it gives waits for that. It calls end when it can take no more. An empty
// address takes none.
func serveTerminals(ctx context.Context, end func(), t *terminal, a *app.App, address string, metrics prometheus.Registerer) (shown string, wait func() error, err error) {
	if address == "" {
		return "", func() error { return nil }, nil
	}
	log := a.Log("terminals")
	before, err := a.TerminalAccount()
	if err != nil { // it is no record: without it terminals send more than they would have to
		log.Warn("what terminals did before is not known", zap.Error(err))
	}
	pushes := a.Pushes()
	server, err := adms.New(adms.Config{Clock: t.clock, Log: log, Register: pushes, Punches: pushes, Metrics: metrics, Before: before})
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return "", nil, &coded{code: exitInUse, err: fmt.Errorf("%s is in use by another program; choose another with --terminals, for example --terminals 127.0.0.1:0", address)}
	}
	if err != nil {
		return "", nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	served, kept := make(chan error, 1), make(chan error, 1)
	serving, stopped := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		served <- server.Serve(ctx, listener)
		stopped()
		end()
	}()
	go func() { kept <- keepAccount(serving, a, server) }()
	return "http://" + listener.Addr().String(), func() error { return errors.Join(<-served, <-kept) }, nil
}

// keepAccount writes what terminals did whenever it has changed, until ctx ends, and
// then once more.
func keepAccount(ctx context.Context, a *app.App, server *adms.Server) error {
	written := uint64(0)
	write := func() error {
		account, changes := server.Account()
		if changes == written {
			return nil
		}
		written = changes
		return a.KeepTerminalAccount(account)
	}
	every := time.NewTicker(accountEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return write()
		case <-every.C:
			if err := write(); err != nil {
				a.Log("terminals").Warn("tracekeep terminals list is behind", zap.Error(err))
			}
		}
	}
}
