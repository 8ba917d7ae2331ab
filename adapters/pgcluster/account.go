package pgcluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// socketLimit is what sockaddr_un leaves for the directory: 104 bytes on macOS
// (107 on Linux) less "/.s.PGSQL.5432.lock".
const socketLimit = 103 - len("/.s.PGSQL.5432.lock")

// account is whom the server runs as.
type account struct {
	name     string
	uid, gid uint32
	drop     bool // this process is root and must become the account
}

func chooseAccount(name string) (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "this user", uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	names := []string{name}
	if name == "" {
		names = []string{"postgres", "nobody"}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return account{}, fmt.Errorf("account %s: %w", name, err)
		}
		if uid == 0 {
			return account{}, fmt.Errorf("account %s is root, and Postgres refuses to run as root", name)
		}
		return account{name: name, uid: uint32(uid), gid: uint32(gid), drop: true}, nil
	}
	return account{}, fmt.Errorf("no account to run Postgres as among %q: %w", names, fs.ErrNotExist)
}

// command runs a binary as the account, in a session of its own so that an
// interrupt typed at the terminal reaches this process only, and without the
// PG* variables of the caller.
func (a account) command(ctx context.Context, dir, binary string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC", "HOME=" + dir}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.drop {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return cmd
}

// prepare makes the folder, gives it to the account and checks that the account
// can get there.
func (a account) prepare(dir string) error {
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := onlyOurs(dir); err != nil {
		return err
	}
	if err := a.own(dir); err != nil {
		return err
	}
	if !a.drop {
		return nil
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		if err := a.passes(parent); err != nil {
			return err
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// onlyOurs refuses a folder that holds anything else, because the folder is
// about to be given away and closed: /tmp or a home directory must not be.
func onlyOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	ours := []string{"data", "data.new", "socket", "postgres.log", "postgres.log.1", "in-use.lock"}
	for _, entry := range entries {
		if !slices.Contains(ours, entry.Name()) {
			return fmt.Errorf("%w: %s holds %s; give the cluster a folder of its own", ErrNotACluster, dir, entry.Name())
		}
	}
	return nil
}

// makeParents opens the directories it makes for passing through, and no other.
func makeParents(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := makeParents(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (a account) passes(dir string) error {
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	mode := st.Mode().Perm()
	var need fs.FileMode = 0o001
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		switch {
		case sys.Uid == a.uid:
			need = 0o100
		case sys.Gid == a.gid:
			need = 0o010
		}
	}
	if mode&need == 0 {
		return fmt.Errorf("%w: %s (mode %04o) does not let account %s pass; choose a folder elsewhere, such as /var/lib/tracekeep, or open that directory with chmod o+x",
			ErrUnreachable, dir, mode, a.name)
	}
	return nil
}

// own gives one directory to the account and closes it to all others.
func (a account) own(dir string) error {
	if a.drop {
		if err := os.Lchown(dir, int(a.uid), int(a.gid)); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o700)
}

// socketDir is the folder's own socket directory, or a short private one when
// the path would not fit into a socket address. outside names the latter, which
// has to be removed after use.
func (a account) socketDir(dir string) (socket, outside string, err error) {
	socket = filepath.Join(dir, "socket")
	if len(socket) <= socketLimit {
		if err := os.Mkdir(socket, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", "", err
		}
		return socket, "", a.own(socket)
	}
	root := os.TempDir()
	if len(root)+len("/tracekeep-pg-0123456789") > socketLimit || (a.drop && a.passes(root) != nil) {
		root = "/tmp"
	}
	// A random name: a predictable one in a shared directory could be taken first.
	socket, err = os.MkdirTemp(root, socketPrefix)
	if err != nil {
		return "", "", err
	}
	return socket, socket, a.own(socket)
}

const socketPrefix = "tracekeep-pg-"
