package pgcluster_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tracekeep/adapters/pgcluster"
)

// folder is one that the Postgres account of a root process can reach, which
// the testing package's own directories are not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tracekeep-test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "pg")
}

func begin(t *testing.T, dir string) *pgcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := pgcluster.Start(ctx, pgcluster.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Stop(context.Background()) })
	return c
}

func query(t *testing.T, url, sql string, args ...any) (string, error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	var text string
	err = conn.QueryRow(t.Context(), sql, args...).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return text, err
}

func must(t *testing.T, url, sql string, args ...any) string {
	t.Helper()
	text, err := query(t, url, sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func keep(t *testing.T, c *pgcluster.Cluster) {
	t.Helper()
	if err := c.EnsureDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	must(t, c.URL("kept"), `CREATE TABLE IF NOT EXISTS word (text text PRIMARY KEY)`)
	must(t, c.URL("kept"), `INSERT INTO word VALUES ('kept') ON CONFLICT DO NOTHING`)
}

func kept(t *testing.T, c *pgcluster.Cluster) {
	t.Helper()
	if err := c.EnsureDatabase(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if got := must(t, c.URL("kept"), `SELECT text FROM word`); got != "kept" {
		t.Fatalf("the row is gone: %q", got)
	}
}

func postmaster(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func TestDataOutlivesAStop(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	for range 2 { // the second Stop does nothing
		if err := c.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	<-c.Done()
	kept(t, begin(t, dir))
}

func TestAFolderServesOneProcessAtATime(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	_, err := pgcluster.Start(t.Context(), pgcluster.Config{Dir: dir})
	if !errors.Is(err, pgcluster.ErrInUse) {
		t.Fatalf("got %v, want ErrInUse", err)
	}
	kept(t, c)
}

func TestAKilledServerRecovers(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept(t, begin(t, dir))
}

const envChild = "PGCLUSTER_TEST_CHILD"

// isChild plays the other process of a test that has started itself once more,
// and answers whether this is that process.
func isChild(t *testing.T) bool {
	t.Helper()
	dir := os.Getenv(envChild)
	if dir == "" {
		return false
	}
	c, err := pgcluster.Start(t.Context(), pgcluster.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, c)
	if os.Getenv(envChild+"_DIES") != "" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	return true
}

func child(t *testing.T, binary, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$")
	cmd.Dir = filepath.Dir(dir)
	cmd.Env = append(os.Environ(), append(env, envChild+"="+dir)...)
	return cmd
}

func TestTheServerOfAKilledProcessIsReplaced(t *testing.T) {
	if isChild(t) {
		return
	}
	dir := folder(t)
	out, err := child(t, os.Args[0], dir, envChild+"_DIES=1").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed: %v\n%s", err, out)
	}
	left := postmaster(t, dir)
	if err := syscall.Kill(left, 0); err != nil {
		t.Fatalf("the server did not outlive its process: %v", err)
	}
	kept(t, begin(t, dir))
	if postmaster(t, dir) == left {
		t.Fatal("the leftover still serves")
	}
}

func TestAnOrdinaryUserRunsItUnderItsOwnName(t *testing.T) {
	if isChild(t) {
		return
	}
	dir := folder(t)
	binary := os.Args[0]
	cmd := child(t, binary, dir)
	if os.Geteuid() == 0 {
		const nobody = 65534
		outer := filepath.Dir(dir)
		binary = filepath.Join(outer, "pgcluster.test")
		text, err := os.ReadFile(os.Args[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(binary, text, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(outer, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd = child(t, binary, dir)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestRootDropsToAnUnprivilegedUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can drop")
	}
	dir := folder(t)
	begin(t, dir)
	st, err := os.Stat("/proc/" + strconv.Itoa(postmaster(t, dir)))
	if err != nil {
		t.Fatal(err)
	}
	if uid := st.Sys().(*syscall.Stat_t).Uid; uid == 0 {
		t.Fatal("Postgres runs as root")
	}
	for _, closed := range []string{dir, filepath.Join(dir, "data"), filepath.Join(dir, "socket")} {
		st, err := os.Stat(closed)
		if err != nil {
			t.Fatal(err)
		}
		if st.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %04o", closed, st.Mode().Perm())
		}
	}
}

func TestAReusedProcessNumberDoesNotBlockTheStart(t *testing.T) {
	dir := folder(t)
	c := begin(t, dir)
	keep(t, c)
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	_ = c.Stop(t.Context())

	st, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := st.Sys().(*syscall.Stat_t)
	stranger := exec.CommandContext(t.Context(), "cat")
	if os.Geteuid() == 0 {
		stranger.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	end, err := stranger.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = end.Close(); _ = stranger.Wait() }()
	for _, name := range []string{"data/postmaster.pid", "socket/.s.PGSQL.5432.lock"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "\n")
		text = []byte(strconv.Itoa(stranger.Process.Pid) + "\n" + rest)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept(t, begin(t, dir))
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the stranger was hit: %v", err)
	}
}
