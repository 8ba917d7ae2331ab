package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/google/uuid"

	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

type serveCommand struct {
	dataFlags
	Listen string `help:"Address of the API." default:"127.0.0.1:8080" env:"TRACEKEEP_LISTEN"`
}

// Help implements kong's help provider.
func (serveCommand) Help() string {
	return `Runs the event store (unless --event-store names one), the read models, the trail, erasure cases and the API until it is
told to stop (SIGINT, SIGTERM). Other commands on the same --data join it.

Accounts come later: until then the API answers operations with 401, and only health, the OpenAPI document and the docs page
are open. The development tokens of tracekeep demo are refused here.

Examples:
  tracekeep serve --data /var/lib/tracekeep
  tracekeep serve --data /data --listen :8080 --event-store 'esdb://kurrentdb:2113?tls=false' \
      --read-models postgres://app@read/tracekeep --keys postgres://app@keys/tracekeep`
}

// Run serves.
func (c serveCommand) Run(ctx context.Context, t *terminal) error {
	return c.withApp(ctx, t, true, func(a *app.App) error {
		if !a.Owner() {
			return fmt.Errorf("%s: %w", c.Data, app.ErrFolderInUse)
		}
		return serveAPI(ctx, t, a, c.Listen, nil, func(address string) {
			_, _ = fmt.Fprintf(t.out, "tracekeep serves %s\n  API          %s\n  docs         %s/docs\n  event store  %s\n", a.Folder(), address, address, a.EventStore())
		})
	})
}

// serveAPI serves until ctx ends or a part fails.
func serveAPI(ctx context.Context, t *terminal, a *app.App, listen string, tokens map[string]httpapi.Principal, started func(address string)) error {
	var pageKey [32]byte
	if _, err := io.ReadFull(t.random, pageKey[:]); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	api, err := httpapi.New(httpapi.Config{
		Clock: t.clock, Random: t.random, Log: a.Log("api"), Tokens: tokens, PageTokenKey: pageKey,
	}, a.Inside())
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return &coded{code: exitInUse, err: fmt.Errorf("%s is in use by another program; choose another with --listen, for example --listen 127.0.0.1:0", listen)}
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	address := "http://" + listener.Addr().String()
	if err := a.Announce(address); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := api.Server(listener.Addr().String())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	started(address)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-a.Failed():
	case failure = <-ended:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		failure = errors.Join(failure, err)
	}
	return failure
}

// serve keeps the demo running with a development token for each role.
func (d *demo) serve(ctx context.Context) error {
	tokens := map[string]httpapi.Principal{}
	type login struct{ who, token string }
	var logins []login
	for _, who := range []struct {
		name string
		role httpapi.Role
	}{
		{"hr", httpapi.RoleHR}, {"manager", httpapi.RoleManager}, {"auditor", httpapi.RoleAuditor}, {"admin", httpapi.RoleAdmin},
		{"privacy officer", httpapi.RolePrivacy}, {"second privacy officer", httpapi.RolePrivacy},
	} {
		secret := make([]byte, 16)
		if _, err := io.ReadFull(d.t.random, secret); err != nil {
			return fmt.Errorf("draw a token: %w", err)
		}
		id, err := uuid.NewRandomFromReader(d.t.random)
		if err != nil {
			return fmt.Errorf("draw an id: %w", err)
		}
		token := hex.EncodeToString(secret)
		tokens[token] = httpapi.Principal{Tenant: d.a.Tenant(), ID: id, Role: who.role}
		logins = append(logins, login{who.name, token})
	}
	return serveAPI(ctx, d.t, d.a, d.Listen, tokens, func(address string) {
		d.tell("\n12. Serving until you press Ctrl-C. These tokens are for this demo only and are not for production.\n")
		d.tell("    docs        %s/docs\n    OpenAPI     %s/openapi.json\n    event store %s\n", address, address, d.a.EventStore())
		for _, l := range logins {
			d.tell("    %-23s Authorization: Bearer %s", l.who, l.token)
		}
		d.tell("\n    curl -H 'Authorization: Bearer %s' %s/v1/presence", logins[0].token, address)
	})
}
