package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"
)

// lockFolder takes the folder for this process. The lock ends with the process
// however it ends, and the server does not inherit it.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "in-use.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return f, nil
}

// stopLeftover stops the server that a killed process left behind in the data
// directory. Only the holder of the folder's lock may call it.
func stopLeftover(ctx context.Context, data string, log *zap.Logger) error {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 {
		return nil // a torn file: Postgres itself judges it at its start
	}
	socket := ""
	if len(lines) > 4 {
		socket = lines[4]
	}
	defer removeSocketDir(socket)
	serves, sure := servesData(ctx, pid, data, socket)
	if !serves {
		if !sure {
			return nil // Postgres refuses to start if the number is in use
		}
		return disown(data, lines)
	}
	log.Warn("stopping the Postgres that a killed process left running", zap.Int("pid", pid))
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop the leftover server %d: %w", pid, err)
		}
		if gone(ctx, pid, 20*time.Second) {
			return nil
		}
	}
	return fmt.Errorf("stop the leftover server %d: %w", pid, ErrInUse)
}

// servesData tells a server of this data directory from a stranger that got its
// process number after a reboot, and says whether it is sure. A server always
// stands in its data directory; where the system does not show that, the server
// is asked.
func servesData(ctx context.Context, pid int, data, socket string) (serves, sure bool) {
	if dead(pid) {
		return false, true
	}
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil {
		real, err := filepath.EvalSymlinks(data)
		return err == nil && cwd == real, err == nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, (&Cluster{socket: socket}).URL("postgres"))
	if err != nil {
		return false, false
	}
	defer func() { _ = conn.Close(ctx) }()
	var at string
	if err := conn.QueryRow(ctx, `SHOW data_directory`).Scan(&at); err != nil {
		return false, false
	}
	return at == data, true
}

// nobodysPID is above every limit of process numbers, so no process has it.
const nobodysPID = "2147483646"

// disown takes a reused process number out of the lock files, which Postgres
// would respect for ever. In containers the same small numbers return at every
// start. The rest of postmaster.pid stays: it names the shared memory by which
// Postgres sees whether backends of the dead server still write.
func disown(data string, lines []string) error {
	lines[0] = nobodysPID
	name := filepath.Join(data, "postmaster.pid")
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(strings.Join(lines, "\n")); err != nil {
		return err
	}
	if len(lines) > 4 && filepath.IsAbs(lines[4]) {
		for _, left := range []string{".s.PGSQL.5432", ".s.PGSQL.5432.lock"} {
			if err := os.Remove(filepath.Join(lines[4], left)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

func gone(ctx context.Context, pid int, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if dead(pid) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// dead is also true of a zombie, which holds nothing any more but still answers
// to its number until its parent collects it.
func dead(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, ok := strings.Cut(string(stat), ") ")
	return ok && strings.HasPrefix(after, "Z")
}

func removeSocketDir(socket string) {
	if strings.HasPrefix(filepath.Base(socket), socketPrefix) {
		_ = os.RemoveAll(socket)
	}
}
