package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

const (
	logLimit  = 16 << 20 // bytes of postgres.log before the next start puts it aside
	startWait = 60 * time.Second
	poll      = 20 * time.Millisecond
)

// settings suit a store embedded in one machine. The log settings keep values
// out of the server log: an ERROR carries them in its text ("invalid input
// syntax for type integer: ...") as well as in its detail (the duplicate key),
// so neither is written; the client receives both.
func settings() map[string]string {
	return map[string]string{
		"listen_addresses":                  "",
		"unix_socket_permissions":           "0700",
		"shared_buffers":                    "128MB",
		"max_connections":                   "50",
		"fsync":                             "on",
		"synchronous_commit":                "on",
		"full_page_writes":                  "on",
		"wal_compression":                   "on",
		"max_wal_size":                      "1GB",
		"timezone":                          "UTC",
		"log_timezone":                      "UTC",
		"logging_collector":                 "off",
		"log_destination":                   "stderr",
		"log_min_messages":                  "log",
		"log_min_error_statement":           "panic",
		"log_error_verbosity":               "terse",
		"log_parameter_max_length":          "0",
		"log_parameter_max_length_on_error": "0",
		"log_statement":                     "none",
		"log_min_duration_statement":        "-1",
		"log_autovacuum_min_duration":       "-1",
		"log_checkpoints":                   "off",
	}
}

func arguments(data, socket string, override map[string]string) []string {
	all := settings()
	for name, value := range override {
		all[name] = value
	}
	all["unix_socket_directories"] = socket
	args := []string{"-D", data}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+all[name])
	}
	return args
}

// launch starts the server and waits until it accepts. Backends of a server
// that was killed need a moment to notice; until they are gone Postgres refuses
// to start, so that refusal is waited out.
func (c *Cluster) launch(ctx context.Context, bin binaries, account account, override map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	for {
		said, err := c.attempt(ctx, bin, account, override)
		if err == nil {
			c.log.Info("Postgres accepts connections", zap.String("dir", c.dir), zap.String("version", bin.version))
			return nil
		}
		orphans := strings.Contains(said, "pre-existing shared memory block")
		if !errors.Is(err, ErrStopped) || !orphans {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * poll):
		}
	}
}

// attempt runs the server once and answers what it wrote to its log.
func (c *Cluster) attempt(ctx context.Context, bin binaries, account account, override map[string]string) (string, error) {
	name := filepath.Join(c.dir, "postgres.log")
	if st, err := os.Stat(name); err == nil && st.Size() > logLimit {
		if err := os.Rename(name, name+".1"); err != nil {
			return "", err
		}
	}
	out, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { _ = out.Close() }()
	from, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	server := account.command(context.WithoutCancel(ctx), c.dir, bin.postgres,
		arguments(filepath.Join(c.dir, "data"), c.socket, override)...)
	server.Stdout, server.Stderr = out, out
	if err := server.Start(); err != nil {
		return "", err
	}
	c.server, c.exited = server, make(chan struct{})
	go c.watch(server, c.exited)
	if err := c.accepting(ctx); err != nil {
		_ = server.Process.Signal(syscall.SIGQUIT)
		<-c.exited
		said := make([]byte, 4096)
		n, _ := out.ReadAt(said, from)
		return string(said[:n]), fmt.Errorf("%w; see %s: %s", err, name, strings.TrimSpace(string(said[:n])))
	}
	return "", nil
}

func (c *Cluster) watch(server *exec.Cmd, exited chan struct{}) {
	err := server.Wait()
	c.log.Info("Postgres ended", zap.String("dir", c.dir), zap.Error(err))
	close(exited)
}

func (c *Cluster) accepting(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, c.URL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.exited:
			return ErrStopped
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
