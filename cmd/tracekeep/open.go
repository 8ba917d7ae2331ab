package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/httpapi"
	"tracekeep/cmd/internal/app"
)

// dataFlags name the data folder and, for a grown installation, the stores.
type dataFlags struct {
	Data        string        `help:"Data folder." env:"TRACEKEEP_DATA" placeholder:"DIR" required:""`
	EventStore  string        `help:"EventStoreDB or KurrentDB, as esdb://host:port, or esdb://user:password@host:port?tls=true; empty: embedded." env:"TRACEKEEP_EVENT_STORE" placeholder:"URL"`
	ReadModels  string        `help:"Postgres of the read models; empty: a private cluster." env:"TRACEKEEP_READ_MODELS" placeholder:"URL"`
	Keys        string        `help:"Postgres of the key store, another database than the read models; empty: a private cluster." env:"TRACEKEEP_KEYS" placeholder:"URL"`
	Postgres    string        `name:"postgres-bin" help:"Folder of the Postgres binaries for the private cluster; empty: searched." env:"TRACEKEEP_POSTGRES_BIN" placeholder:"DIR"`
	StartWithin time.Duration `name:"start-within" help:"Give up when the stores cannot be reached within this time." default:"60s"`
	KEKFile     string        `name:"kek-file" help:"File of the key-encryption key; empty: below the data folder." env:"TRACEKEEP_KEK_FILE" placeholder:"FILE"`

	// What a command that serves gives the parts, and others leave out.
	node    eventnode.Limits
	metrics *prometheus.Registry
}

func (d dataFlags) config(t *terminal, log *zap.Logger) app.Config {
	return app.Config{
		Data: d.Data, EventStore: d.EventStore, ReadModels: d.ReadModels, Keys: d.Keys, KEKFile: d.KEKFile, PostgresBin: d.Postgres,
		Clock: t.clock, Random: t.random, Log: log, NodeLimits: d.node, Metrics: d.metrics,
	}
}

// withApp opens the data folder, or joins the process that owns it, and closes
// it behind the command. A folder that holds no records is refused unless the
// command may make one.
func (d dataFlags) withApp(ctx context.Context, t *terminal, make bool, do func(context.Context, *app.App) error) (err error) {
	if _, statErr := os.Stat(filepath.Join(d.Data, "tenant.json")); statErr != nil && !make {
		return fmt.Errorf("%s: %w; import a file into it, or run tracekeep demo", d.Data, app.ErrNoFolder)
	}
	log, closeLog, err := folderLog(d.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	within := d.StartWithin
	if within <= 0 {
		within = time.Minute
	}
	opening, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cfg := d.config(t, log)
	a, err := app.Open(opening, cfg)
	if errors.Is(err, app.ErrFolderInUse) {
		a, err = app.Attach(opening, cfg)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return untilFailed(ctx, a, do)
}

// untilFailed runs a command until it ends or a part in the background fails:
// whoever waits for that part would wait for ever.
func untilFailed(ctx context.Context, a *app.App, do func(context.Context, *app.App) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, watched := make(chan struct{}), make(chan error, 1)
	go func() {
		select {
		case failure := <-a.Failed():
			cancel()
			watched <- failure
		case <-ended:
			watched <- nil
		}
	}()
	err := do(ctx, a)
	close(ended)
	if failure := <-watched; failure != nil {
		return errors.Join(failure, err)
	}
	return err
}

// folderLog writes the log of a process into the data folder.
func folderLog(data string) (*zap.Logger, func() error, error) {
	dir := filepath.Join(data, "logs")
	if err := app.MakeFolder(data); err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("log folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "tracekeep.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // below the data folder
	if err != nil {
		return nil, nil, fmt.Errorf("log file: %w", err)
	}
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	log := zap.New(zapcore.NewCore(encoder, zapcore.Lock(file), zap.InfoLevel))
	return log, file.Close, nil
}

// operator is the principal of the command line: whoever may open the data
// folder may read it.
func operator(a *app.App) httpapi.Principal {
	return httpapi.Principal{Tenant: a.Tenant(), ID: a.Operator(), Role: httpapi.RoleHR}
}
