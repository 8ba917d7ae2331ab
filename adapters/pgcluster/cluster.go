package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// The refusals of Start.
var (
	ErrNotInstalled = errors.New("Postgres is not installed")
	ErrVersion      = errors.New("the data directory belongs to another Postgres version")
	ErrNotACluster  = errors.New("the data directory is neither empty nor a Postgres cluster")
	ErrInUse        = errors.New("the cluster is in use by another process")
	ErrUnreachable  = errors.New("the Postgres account cannot reach the folder")
	ErrStopped      = errors.New("Postgres stopped by itself")
)

// superuser owns the cluster. Its name is fixed so that a folder opens again
// whatever account the machine runs Postgres under.
const superuser = "tracekeep"

// Config says where the cluster lives and how it runs.
type Config struct {
	Dir      string            // folder of this cluster; made when missing
	BinDir   string            // folder of the binaries postgres and initdb; empty: searched
	User     string            // account to run as when this process is root; empty: postgres, else nobody
	Settings map[string]string // server settings that replace the ones of this package
	Log      *zap.Logger       // nil: silent
}

// Cluster is a running Postgres. Its methods may be called concurrently.
type Cluster struct {
	dir     string
	socket  string
	ownSock string // socket directory outside the folder, removed on Stop
	log     *zap.Logger
	lock    *os.File
	server  *exec.Cmd
	exited  chan struct{}
	stop    sync.Mutex
	stopped bool
}

// Start makes the cluster if the folder is empty, stops a leftover server of a
// killed process, starts Postgres and returns when it accepts connections. ctx
// bounds the start only. A failed Start leaves nothing running.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start Postgres in %s: %w", cfg.Dir, err)
	}
	c, err := start(ctx, cfg, dir)
	if err != nil {
		return nil, fmt.Errorf("start Postgres in %s: %w", dir, err)
	}
	return c, nil
}

func start(ctx context.Context, cfg Config, dir string) (_ *Cluster, err error) {
	data := filepath.Join(dir, "data")
	version, err := dataVersion(data)
	if err != nil {
		return nil, err
	}
	bin, err := findBinaries(ctx, cfg.BinDir, version)
	if err != nil {
		return nil, err
	}
	account, err := chooseAccount(cfg.User)
	if err != nil {
		return nil, err
	}
	if err := account.prepare(dir); err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, log: cfg.Log}
	if c.lock, err = lockFolder(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	if err := stopLeftover(ctx, data, cfg.Log); err != nil {
		return nil, err
	}
	if version == "" {
		if err := makeCluster(ctx, bin, account, dir, cfg.Settings["fsync"] == "off"); err != nil {
			return nil, err
		}
	}
	if c.socket, c.ownSock, err = account.socketDir(dir); err != nil {
		return nil, err
	}
	return c, c.launch(ctx, bin, account, cfg.Settings)
}

// URL is the connection string of a database of this cluster, for pgx. It holds
// no secret.
func (c *Cluster) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + database}
	u.RawQuery = url.Values{"host": {c.socket}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Done is closed when the server has ended, on Stop or by itself.
func (c *Cluster) Done() <-chan struct{} { return c.exited }

// EnsureDatabase makes a database unless it exists. Concurrent calls for one
// name agree.
func (c *Cluster) EnsureDatabase(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// CREATE DATABASE knows no IF NOT EXISTS and races on the catalogue index.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	var found bool
	row := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name)
	if err := row.Scan(&found); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	if found {
		return nil
	}
	if _, err := conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("make database %s: %w", name, err)
	}
	return nil
}

// Stop ends the server with a fast shutdown: open transactions are rolled back,
// committed ones are on disk. When ctx ends first the server is told to quit at
// once, which costs a recovery at the next start and loses nothing committed.
// A second call does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stop.Lock()
	defer c.stop.Unlock()
	if c.stopped {
		return nil
	}
	c.stopped = true
	defer c.release()
	_ = c.server.Process.Signal(syscall.SIGINT)
	select {
	case <-c.exited:
		return nil
	case <-ctx.Done():
	}
	_ = c.server.Process.Signal(syscall.SIGQUIT)
	quit := time.NewTimer(10 * time.Second)
	defer quit.Stop()
	select {
	case <-c.exited:
	case <-quit.C:
		_ = c.server.Process.Kill()
		<-c.exited
	}
	return fmt.Errorf("stop Postgres in %s: %w", c.dir, ctx.Err())
}

// release lets the next Start have the folder.
func (c *Cluster) release() {
	if c.ownSock != "" {
		_ = os.RemoveAll(c.ownSock)
	}
	if c.lock != nil {
		_ = c.lock.Close()
	}
}
