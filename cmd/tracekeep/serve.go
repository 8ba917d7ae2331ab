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
	limitFlags
	Listen string `help:"Address of the API." default:"127.0.0.1:8080" env:"TRACEKEEP_LISTEN"`
	Admin  string `help:"Address for operators, with /metrics for Prometheus; empty: none. The embedded event store has /metrics at its own address in any case." env:"TRACEKEEP_ADMIN" placeholder:"ADDRESS"`
	// Terminals is no address of the API: who reaches it needs a serial number and no more.
	Terminals string `help:"Address where registered ZKTeco terminals push their punches (ADMS), for example 192.0.2.10:8081 in a network of their own; empty: none. See tracekeep terminals --help." env:"TRACEKEEP_TERMINALS" placeholder:"ADDRESS"`

	Rules []string `help:"A file of rules that the API takes by its name beside the built-in sets (see tracekeep hours); may be repeated, also for earlier versions that periods were locked by." placeholder:"FILE" type:"existingfile"`
	Plan  []string `help:"A pay plan that the API takes by its name (see tracekeep hours plan); may be repeated. Its rates are not read: the API answers time." placeholder:"FILE" type:"existingfile"`
}

// Help implements kong's help provider.
func (serveCommand) Help() string {
	return `Runs the event store (unless --event-store names one), the read models, the trail, erasure cases and the API until it is
told to stop (SIGINT, SIGTERM). Other commands on the same --data join it.

Accounts come later: until then the API answers operations with 401, and only health, the OpenAPI document and the docs page
are open. The development tokens of tracekeep demo are refused here.

Files of --rules and --plan are read once, when serving starts; GET /v1/pay-rules says what was read.

Examples:
  tracekeep serve --data /var/lib/tracekeep --plan acme-4.yaml --rules acme-east-2.yaml
  tracekeep serve --data /var/lib/tracekeep --admin 127.0.0.1:9464
  tracekeep serve --data /var/lib/tracekeep --terminals 192.0.2.10:8081
  tracekeep serve --data /data --listen :8080 --event-store 'esdb://kurrentdb:2113?tls=false' \
      --read-models postgres://app@read/tracekeep --keys postgres://app@keys/tracekeep`
}

// Run serves.
func (c serveCommand) Run(ctx context.Context, t *terminal) error {
	book, err := app.PayBookOf(c.Rules, c.Plan)
	if err != nil {
		return &coded{code: exitUsage, err: err}
	}
	c.node, c.metrics = c.limits(), newRegistry()
	return c.withApp(ctx, t, true, func(ctx context.Context, a *app.App) (err error) {
		if !a.Owner() {
			return fmt.Errorf("%s: %w", c.Data, app.ErrFolderInUse)
		}
		watching, stop := context.WithCancel(context.WithoutCancel(ctx))
		admin, wait, err := serveAdmin(watching, c.Admin, c.metrics)
		if err != nil {
			stop()
			return err
		}
		// Metrics are to be seen until the API has stopped.
		defer wait()
		defer stop()
		taking, hangUp := context.WithCancel(ctx)
		ctx, end := context.WithCancel(ctx)
		defer end()
		terminals, taken, err := serveTerminals(taking, end, t, a, c.Terminals, c.metrics)
		if err != nil {
			hangUp()
			return err
		}
		defer func() {
			hangUp()
			err = errors.Join(err, taken())
		}()
		return serveAPI(ctx, t, a, c.Listen, nil, book, func(address string) {
			metrics := ""
			if admin != "" {
				metrics = "  metrics      " + admin + "/metrics\n"
			}
			if terminals != "" {
				metrics += "  terminals    " + terminals + "\n"
			}
			_, _ = fmt.Fprintf(t.out, "tracekeep serves %s\n  API          %s\n  docs         %s/docs\n%s  event store  %s\n",
				a.Folder(), address, address, metrics, a.EventStore())
		})
	})
}

// serveAPI serves until ctx ends or a part fails.
func serveAPI(ctx context.Context, t *terminal, a *app.App, listen string, tokens map[string]httpapi.Principal, book httpapi.PayBook, started func(address string)) error {
	var pageKey [32]byte
	if _, err := io.ReadFull(t.random, pageKey[:]); err != nil {
		return fmt.Errorf("draw a key: %w", err)
	}
	api, err := httpapi.New(httpapi.Config{
		Clock: t.clock, Random: t.random, Log: a.Log("api"), Tokens: tokens, PageTokenKey: pageKey, Pay: book,
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
	case failure = <-ended:
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := server.Shutdown(stopping); err != nil && !errors.Is(err, http.ErrServerClosed) {
		failure = errors.Join(failure, err)
	}
	return failure
}

// login is a development token and whose it is.
type login struct {
	who       string
	token     string
	principal httpapi.Principal
}

// logins draws a token for each role. The worker is somebody of the imported file.
func (d *demo) logins(ctx context.Context) ([]login, error) {
	logins := []login{
		{who: "hr", principal: httpapi.Principal{Role: httpapi.RoleHR}},
		{who: "manager", principal: httpapi.Principal{Role: httpapi.RoleManager}},
		{who: "auditor", principal: httpapi.Principal{Role: httpapi.RoleAuditor}},
		{who: "admin", principal: httpapi.Principal{Role: httpapi.RoleAdmin}},
		{who: "privacy officer", principal: httpapi.Principal{Role: httpapi.RolePrivacy}},
		{who: "second privacy officer", principal: httpapi.Principal{Role: httpapi.RolePrivacy}},
	}
	people, err := d.a.FindPerson(ctx, operator(d.a), "")
	if err != nil {
		return nil, err
	}
	for _, p := range people {
		if work, err := app.WorkIDOf(p); err == nil {
			logins = append(logins, login{
				who: "worker " + work.String(), principal: httpapi.Principal{Role: httpapi.RoleWorker, Person: p.PersonID, Work: work},
			})
			break
		}
	}
	for i := range logins {
		secret := make([]byte, 16)
		if _, err := io.ReadFull(d.t.random, secret); err != nil {
			return nil, fmt.Errorf("draw a token: %w", err)
		}
		logins[i].token, logins[i].principal.Tenant = hex.EncodeToString(secret), d.a.Tenant()
		if logins[i].principal.ID, err = uuid.NewRandomFromReader(d.t.random); err != nil {
			return nil, fmt.Errorf("draw an id: %w", err)
		}
	}
	return logins, nil
}

// serve keeps the demo running with a development token for each role.
func (d *demo) serve(ctx context.Context) error {
	logins, err := d.logins(ctx)
	if err != nil {
		return err
	}
	tokens := make(map[string]httpapi.Principal, len(logins))
	for _, l := range logins {
		tokens[l.token] = l.principal
	}
	return serveAPI(ctx, d.t, d.a, d.Listen, tokens, httpapi.PayBook{}, func(address string) {
		d.tell("\n12. Serving until you press Ctrl-C. These tokens are for this demo only and are not for production.\n")
		d.tell("    docs         %s/docs\n    OpenAPI      %s/openapi.json\n    event store  %s\n", address, address, d.a.EventStore())
		for _, l := range logins {
			d.tell("    Authorization: Bearer %s  %s", l.token, l.who)
		}
		d.tell("\n    curl -H 'Authorization: Bearer %s' %s/v1/presence", logins[0].token, address)
	})
}
