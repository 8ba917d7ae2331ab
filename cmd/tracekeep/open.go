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
	"tracekeep/adapters/keyring"
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
	Verifier    string        `name:"keys-verifier" help:"The key store as the role tracekeep_verifier, which checks erasures and can read no key; empty: made in the private cluster, else the rights of --keys." env:"TRACEKEEP_KEYS_VERIFIER" placeholder:"URL"`
	KEKDir      string        `name:"kek-dir" help:"Folder of the files that wrap the epochs of keys; empty: below the data folder." env:"TRACEKEEP_KEK_DIR" placeholder:"DIR"`
	KEKFile     string        `name:"kek-file" help:"The one such file of a data folder of the first release, in that folder." env:"TRACEKEEP_KEK_FILE" placeholder:"FILE"`
	Transit     string        `help:"Transit engine of Vault or OpenBao that wraps the epochs of keys instead, as https://vault:8200/v1/transit." env:"TRACEKEEP_TRANSIT" placeholder:"URL"`
	TokenFile   string        `name:"transit-token-file" help:"File of its token; without one TRACEKEEP_TRANSIT_TOKEN holds it." env:"TRACEKEEP_TRANSIT_TOKEN_FILE" placeholder:"FILE"`
	Namespace   string        `name:"transit-namespace" help:"Its namespace." env:"TRACEKEEP_TRANSIT_NAMESPACE" placeholder:"NAME"`

	CoolingOff     *time.Duration `name:"cooling-off" help:"How long a request for erasure can be cancelled before a second officer may approve it; empty: as long as the key policy counts with, a week unless it says less." env:"TRACEKEEP_COOLING_OFF" placeholder:"DURATION"`
	ErasuresPerDay int            `name:"erasures-per-day" help:"How many erasures one officer may approve within 24 hours." env:"TRACEKEEP_ERASURES_PER_DAY" default:"20"`
	BatchesPerDay  int            `name:"batches-per-day" help:"How many batches of ended retention one officer may approve within 24 hours; a batch has up to 1000 cases." env:"TRACEKEEP_BATCHES_PER_DAY" default:"5"`

	// What a command that serves gives the parts, and others leave out.
	node    eventnode.Limits
	metrics *prometheus.Registry
}

// cases is the policy of erasures that the flags give. Flags that no command line
// has filled leave the default.
func (d dataFlags) cases() app.CasePolicy {
	if d.ErasuresPerDay == 0 {
		return app.DefaultCases()
	}
	batches := d.BatchesPerDay
	if batches == 0 {
		batches = app.DefaultCases().BatchesPerDay
	}
	return app.CasePolicy{CoolingOff: d.CoolingOff, DestructionsPerDay: d.ErasuresPerDay, BatchesPerDay: batches}
}

func (d dataFlags) config(t *terminal, log *zap.Logger) app.Config {
	return app.Config{
		Data: d.Data, EventStore: d.EventStore, ReadModels: d.ReadModels, Keys: d.Keys, KEKDir: d.KEKDir, KEKFile: d.KEKFile, PostgresBin: d.Postgres,
		Transit: keyring.TransitConfig{
			Address: d.Transit, Token: os.Getenv("TRACEKEEP_TRANSIT_TOKEN"), TokenFile: d.TokenFile, Namespace: d.Namespace,
		},
		Clock: t.clock, Random: t.random, Log: log, NodeLimits: d.node, Metrics: d.metrics,
		Verifier: d.Verifier, Cases: d.cases(), Fault: t.fault,
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

// withRecords is withApp for commands that ask: the read models know everything
// that was recorded before.
func (d dataFlags) withRecords(ctx context.Context, t *terminal, do func(context.Context, *app.App) error) error {
	return d.withApp(ctx, t, false, func(ctx context.Context, a *app.App) error {
		if err := a.CatchUp(ctx, nil); err != nil {
			return err
		}
		return do(ctx, a)
	})
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
