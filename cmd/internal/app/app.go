package app

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"tracekeep/adapters/eventnode"
	"tracekeep/adapters/eventstoredb"
	"tracekeep/adapters/keyring"
	"tracekeep/adapters/ledger"
	"tracekeep/adapters/mediastore"
	"tracekeep/adapters/pgcluster"
	"tracekeep/adapters/postgres"
	"tracekeep/domain"
	"tracekeep/domain/retention"
	"tracekeep/eventschema"
	"tracekeep/projections"
)

// Databases of the private cluster.
const (
	databaseReadModels = "tracekeep_read"
	databaseKeys       = "tracekeep_keys"
)

// App is an open Tracekeep. Its methods are safe for concurrent use.
type App struct {
	folder   *folder
	running  running
	tenant   uuid.UUID
	operator uuid.UUID // actor of what the installation itself does
	clock    func() time.Time
	random   io.Reader
	log      *zap.Logger
	registry *eventschema.Registry

	client   *eventstoredb.Client
	store    *eventstoredb.Store // streams of this tenant
	whole    *eventstoredb.Store // the whole log, system events included
	handler  *domain.Handler     // one append at a time
	bulk     *domain.Handler     // BatchAppend, for imports
	keys     *keyring.Keyring
	policy   KeyPolicy
	models   *postgres.ReadModels
	requests *requests
	ledger   *ledger.Ledger // nil when attached

	verifierKey string
	directory   directory
	sites       siteRegister
	media       *mediastore.Store // photos and documents
	mediaRules  mediaRules
	paces       paces         // how often devices send
	applying    sync.Mutex    // one applies pages to the read models at a time
	renewed     chan struct{} // closed when no read model is of another release
	covered     *progressMark // how far the trail is
	cases       *caseQueue    // erasure cases to take forward
	released    *caseQueue    // batches of ended retention whose cases are to be approved
	schedule    retention.Schedule
	casePolicy  CasePolicy
	perOfficer  atomic.Int64 // destructions that one officer may approve in a day
	coolingOff  time.Duration
	destroying  sync.Mutex        // one destruction at a time
	restricting sync.Mutex        // what was read of a restriction is carried out before it is read again
	retirements atomic.Int64      // how many epochs were retired when cases were last looked at
	verifier    *keyring.Verifier // nil when attached
	verifiesAs  eventschema.VerifierCredentials
	finalAfter  time.Duration      // how long after a destruction copies may still open something, at most
	onFault     func(point string) // nil outside of tests

	closers  []func() error  // in order of opening
	watching context.Context // ends when the App closes
	stop     context.CancelFunc
	work     sync.WaitGroup
	failed   chan error // the first failure of a background part
}

// Open opens the data folder as its owner and starts every part. ctx bounds the
// opening only. Errors: [ErrFolderInUse], and those of the parts, each saying
// what to do.
func Open(ctx context.Context, cfg Config) (_ *App, err error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a, err := newApp(cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.folder, err = openFolder(cfg.Data); err != nil {
		return nil, err
	}
	a.onClose(a.folder.close)
	if a.tenant, err = a.folder.tenant(a.newID); err != nil {
		return nil, err
	}
	a.operator = operatorOf(a.tenant)
	a.running = running{PID: os.Getpid(), EventStore: cfg.EventStore, ReadModels: cfg.ReadModels, Keys: cfg.Keys}
	for _, step := range []func(context.Context, Config) error{
		a.readSchedule, a.startNode, a.connect, a.startPostgres, a.openKeys, a.openMedia, a.openVerifier, a.openModels, a.openTrail, a.startSubscriptions,
	} {
		if err := step(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return a, a.folder.announce(a.running)
}

// Attach joins the stores that the owner of a data folder runs. What it appends
// is projected, entered in the trail and, for erasures, executed by the owner.
func Attach(ctx context.Context, cfg Config) (_ *App, err error) {
	a, err := newApp(cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.folder, a.running, err = attachFolder(cfg.Data); err != nil {
		return nil, err
	}
	a.onClose(a.folder.close)
	if a.tenant, err = a.folder.tenant(a.newID); err != nil {
		return nil, err
	}
	a.operator = operatorOf(a.tenant)
	for _, step := range []func(context.Context, Config) error{a.readSchedule, a.connect, a.openKeys, a.openMedia, a.openModels, a.readTrailKey} {
		if err := step(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func newApp(cfg Config) (*App, error) {
	registry, err := eventschema.NewRegistry()
	if err != nil {
		return nil, err
	}
	log := cfg.Log
	if log == nil {
		log = zap.NewNop()
	}
	watching, stop := context.WithCancel(context.Background())
	a := &App{
		watching: watching, stop: stop,
		clock: cfg.Clock, random: cfg.Random, log: log, registry: registry,
		covered: newProgressMark(), renewed: make(chan struct{}), cases: newCaseQueue(), released: newCaseQueue(), casePolicy: cfg.Cases, onFault: cfg.Fault,
		failed: make(chan error, 1),
	}
	a.perOfficer.Store(int64(cfg.Cases.DestructionsPerDay))
	return a, nil
}

func operatorOf(tenant uuid.UUID) uuid.UUID { return uuid.NewSHA1(tenant, []byte("operator")) }

func (a *App) onClose(f func() error) { a.closers = append(a.closers, f) }

// startPostgres starts the private cluster unless databases were named.
func (a *App) startPostgres(ctx context.Context, cfg Config) error {
	if cfg.ReadModels != "" {
		return nil
	}
	cluster, err := pgcluster.Start(ctx, pgcluster.Config{
		Dir: a.folder.path("postgres"), BinDir: cfg.PostgresBin, Log: a.log.Named("postgres"),
	})
	if err != nil {
		return err
	}
	a.onClose(func() error {
		stopping, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		return cluster.Stop(stopping)
	})
	for _, database := range []string{databaseReadModels, databaseKeys} {
		if err := cluster.EnsureDatabase(ctx, database); err != nil {
			return err
		}
	}
	a.running.ReadModels, a.running.Keys = cluster.URL(databaseReadModels), cluster.URL(databaseKeys)
	a.background(a.watching, "Postgres", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-cluster.Done():
			return pgcluster.ErrStopped
		}
	})
	return nil
}

// startNode starts the embedded event store unless another was named.
func (a *App) startNode(_ context.Context, cfg Config) error {
	if cfg.EventStore != "" {
		return nil
	}
	listen := cfg.NodeListen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	node, err := eventnode.Open(eventnode.Config{
		Dir: a.folder.path("events"), Listen: listen, Clock: a.clock, Log: a.log.Named("events"),
		Limits: cfg.NodeLimits, Metrics: cfg.Metrics,
	})
	if err != nil {
		return fmt.Errorf("start the embedded event store: %w", err)
	}
	a.onClose(node.Close)
	a.running.EventStore = node.ConnectionString()
	return nil
}

func (a *App) connect(ctx context.Context, _ Config) error {
	client, err := eventstoredb.NewClient(eventstoredb.Config{ConnectionString: a.running.EventStore, Log: a.log.Named("eventstore")})
	if err != nil {
		return err
	}
	a.client = client
	a.onClose(client.Close)
	if err := client.Ready(ctx); err != nil {
		return fmt.Errorf("reach the event store: %w", err)
	}
	a.store = eventstoredb.NewStore(client, eventstoredb.OnlyTenants(a.tenant))
	a.whole = eventstoredb.NewStore(client)
	return nil
}

func (a *App) openKeys(ctx context.Context, cfg Config) error {
	if err := a.checkFinality(cfg); err != nil {
		return err
	}
	store, err := a.keyStore(cfg)
	if err != nil {
		return err
	}
	keys, err := keyring.Init(ctx, store)
	if err != nil {
		return err
	}
	a.keys = keys
	a.onClose(keys.Close)
	bulk, err := eventstoredb.NewBulk(a.client, eventstoredb.OnlyTenants(a.tenant))
	if err != nil {
		return err
	}
	a.onClose(bulk.Close)
	a.handler = &domain.Handler{Store: a.store, Registry: a.registry, Sealer: keys, Random: a.random}
	a.bulk = &domain.Handler{Store: bulk, Registry: a.registry, Sealer: keys, Random: a.random}
	return nil
}

func (a *App) openModels(ctx context.Context, _ Config) error {
	models, err := postgres.Open(ctx, postgres.Config{
		URL: a.running.ReadModels, Registry: a.registry, Projections: projections.All(), Clock: a.clock, Log: a.log.Named("readmodels"),
	})
	if err != nil {
		return fmt.Errorf("open the read models: %w", err)
	}
	a.models = models
	if len(models.NeedsRebuild()) == 0 {
		close(a.renewed)
	}
	a.onClose(func() error { models.Close(); return nil })
	if a.requests, err = openRequests(ctx, a.running.ReadModels, a.keys); err != nil {
		return err
	}
	a.onClose(a.requests.close)
	return nil
}

func (a *App) openTrail(context.Context, Config) error {
	trail, err := ledger.Open(ledger.Config{
		Dir: a.folder.path("trail"), Origin: a.trailOrigin(), Random: a.random, Log: a.log.Named("trail"),
	})
	if err != nil {
		return fmt.Errorf("open the trail: %w", err)
	}
	a.ledger, a.verifierKey = trail, trail.VerifierKey()
	a.onClose(trail.Close)
	if position, any := trail.LastPosition(); any {
		a.covered.advance(position)
	}
	return nil
}

// Tenant is whose records these are.
func (a *App) Tenant() uuid.UUID { return a.tenant }

// Operator is the actor of what is done from the command line.
func (a *App) Operator() uuid.UUID { return a.operator }

// Folder is the data folder.
func (a *App) Folder() string { return a.folder.dir }

// Owner says whether this process owns the data folder.
func (a *App) Owner() bool { return a.ledger != nil }

// EventStore is the connection string of the event store, for everybody to see:
// without user and password.
func (a *App) EventStore() string { return withoutUser(a.running.EventStore) }

// withoutUser cuts what stands between the scheme and the first host. It parses
// no URL: several hosts make none.
func withoutUser(connection string) string {
	scheme, rest, found := strings.Cut(connection, "://")
	if !found {
		return connection
	}
	end := strings.IndexByte(rest, '?')
	if end < 0 {
		end = len(rest)
	}
	return scheme + "://" + rest[strings.LastIndex(rest[:end], "@")+1:]
}

// Announce tells processes that attach where the API listens.
func (a *App) Announce(api string) error {
	a.running.API = api
	return a.folder.announce(a.running)
}

// API is the address of the owner's API; empty when it serves none.
func (a *App) API() string { return a.running.API }

// Failed delivers the failure of a background part. The App cannot go on after it.
func (a *App) Failed() <-chan error { return a.failed }

// Close stops every part in the reverse order of opening. Nothing acknowledged
// is lost by it, nor by not calling it.
func (a *App) Close() error {
	a.stop()
	a.work.Wait()
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(errs...)
}

// claimCode draws the code that lets a person show a certificate to be theirs:
// 130 bits in letters and digits.
func (a *App) claimCode() (string, error) {
	raw := make([]byte, 17)
	if _, err := io.ReadFull(a.random, raw); err != nil {
		return "", fmt.Errorf("draw a claim code: %w", err)
	}
	return strings.TrimRight(base32.StdEncoding.EncodeToString(raw), "=")[:26], nil
}

// fault tells a test that a step has come to a point, so that it can end the
// process there.
func (a *App) fault(point string) {
	if a.onFault != nil {
		a.onFault(point)
	}
}

// shuffle draws an order of n things.
func (a *App) shuffle(n int) ([]int, error) {
	order := make([]int, n)
	raw := make([]byte, 8*n)
	if _, err := io.ReadFull(a.random, raw); err != nil {
		return nil, fmt.Errorf("draw an order: %w", err)
	}
	for i := range order {
		j := binary.LittleEndian.Uint64(raw[8*i:]) % uint64(i+1) //nolint:gosec // i is not negative
		order[i] = order[j]
		order[j] = i
	}
	return order, nil
}
